"""Unpicked songs: one from each of some seeds with default settings, as one picture and a table.

    python benchmarks/ten_songs.py [--songs 10] [--checkpoint DIR] [--picture FILE] [--out DIR]

Prints a line of Markdown a song: its form, the share of beats whose notes agree with the chord asked (less the same for
a wrong chord), the share of bars that repeat an earlier one exactly, and the longest stretch of melody that the
training songs have too. The picture has a row a song: its sections, then every note (red the melody, orange the bridge,
blue the piano), all songs on one scale of bars and pitches.
"""

from __future__ import annotations

from pathlib import Path

from cyclopts import App
from PIL import Image, ImageDraw, ImageFont

from phraseloom.composer import Composer, Composition
from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.evaluation.repetition import exact_repeats
from phraseloom.form import format_form
from phraseloom.midi import write_midi
from phraseloom.render import TRACK_COLOURS, write_picture
from phraseloom.score import Score

LOWEST_PITCH, HIGHEST_PITCH = 28, 96
BAR_PX, SEMITONE_PX = 24, 2
LEFT_PX, HEADER_PX, GAP_PX = 40, 20, 14
NUM_COLOURS = 16
INK, LINE, PAPER = "#262a33", "#d6dae1", "#ffffff"
SECTION_COLOURS = ("#5c86c9", "#e9856a", "#68b084", "#a87fc4", "#deb24b", "#5cb4be")
INSTRUMENTAL_COLOUR = "#8086924d"

app = App(help=__doc__)


def facts(song: Composition) -> str:
    """One row of the table."""
    score = song.score
    agreement = chord_agreement(score)
    match = song.report.get("originality", {}).get("longest_match_notes")
    cells = (
        str(song.seed),
        f"{score.num_bars}",
        f"{score.key}, {score.tempo_bpm:g} bpm",
        f"`{format_form(score.sections)}`",
        f"{agreement.asked:.2f} ({agreement.difference:+.2f})",
        f"{exact_repeats(score):.0%}",
        "not known" if match is None else f"{match} notes",
    )
    return f"| {' | '.join(cells)} |"


def small_multiples(scores: list[Score]) -> Image.Image:
    """All songs below each other, a bar as wide and a semitone as high in each."""
    roll_px = (HIGHEST_PITCH - LOWEST_PITCH) * SEMITONE_PX
    row_px = HEADER_PX + roll_px + GAP_PX
    width = LEFT_PX + BAR_PX * max(score.num_bars for score in scores) + GAP_PX
    picture = Image.new("RGB", (width, row_px * len(scores) + GAP_PX), PAPER)
    for number, score in enumerate(scores):
        draw_song(ImageDraw.Draw(picture, "RGBA"), score, str(number), GAP_PX + number * row_px, roll_px)
    return picture.quantize(NUM_COLOURS)


def draw_song(draw: ImageDraw.ImageDraw, score: Score, label: str, top: int, roll_px: int) -> None:
    """One song: its number, its sections as blocks with their letters, its notes."""
    font = ImageFont.load_default(13)
    draw.text((8, top + HEADER_PX), label, INK, ImageFont.load_default(18))
    letters = sorted({section.letter for section in score.sections if section.has_vocals})
    bar, roll_top = 0, top + HEADER_PX
    for section in score.sections:
        left, right = LEFT_PX + bar * BAR_PX, LEFT_PX + (bar + section.num_bars) * BAR_PX
        colour = INSTRUMENTAL_COLOUR
        if section.has_vocals:
            colour = SECTION_COLOURS[letters.index(section.letter) % len(SECTION_COLOURS)]
        draw.rectangle((left, top, right - 2, top + HEADER_PX - 4), colour)
        draw.text(((left + right) / 2, top + HEADER_PX / 2 - 2), str(section), INK, font, "mm")
        draw.line((left, roll_top, left, roll_top + roll_px), LINE)
        bar += section.num_bars
    tick_px = BAR_PX * score.num_bars / score.num_ticks
    for track, colour in list(zip(score.tracks, TRACK_COLOURS, strict=False))[::-1]:  # the melody on top
        for onset, duration, pitch, _ in track.notes.table.tolist():
            left, y = LEFT_PX + onset * tick_px, roll_top + (HIGHEST_PITCH - pitch) * SEMITONE_PX
            right = left + max(duration * tick_px - 1, 1)
            draw.rectangle((left, y, right, y + SEMITONE_PX - 1), colour)


@app.default
def main(
    *,
    songs: int = 10,
    checkpoint: Path | None = None,
    picture: Path | None = None,
    out: Path | None = None,
) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    composed = [composer.generate(seed=seed) for seed in range(songs)]
    print("| seed | bars | key, tempo | form | beats agreeing (less wrong chord) | bars repeated | known melody |")
    print("|---|---|---|---|---|---|---|")
    for song in composed:
        print(facts(song))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_midi(song.score, out / f"{song.seed:02d}.mid")
    if picture is not None:
        write_picture(small_multiples([song.score for song in composed]), picture)


if __name__ == "__main__":
    app()
