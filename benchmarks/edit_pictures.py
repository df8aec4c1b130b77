"""Pictures of edits, before and after, of a song that the model composed.

    python benchmarks/edit_pictures.py [--out docs/images] [--seed 1] [--checkpoint DIR]

Writes edit-infill.png (bars 13-16 of all tracks written anew), edit-arrange.png (bridge and piano to the melody alone)
and edit-extend.png (the song goes on with a section that it has and with an ending).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cyclopts import App
from PIL import Image

from phraseloom.composer import Composer
from phraseloom.form import parse_form
from phraseloom.plan import SongPlan
from phraseloom.render import piano_roll, write_picture
from phraseloom.score import Notes, Score
from phraseloom.transforms import with_notes

FORM = "i4 A8 B8 A8"
WIDTH_PX = 1200
NUM_COLOURS = 64
"""Enough for bars and letters, and a quarter of the bytes."""

app = App(help=__doc__)


def titled(score: Score, title: str) -> Score:
    return replace(score, title=title)


def write_pair(before: Score, after: Score, path: Path) -> None:
    rolls = [piano_roll(score, width_px=WIDTH_PX) for score in (before, after)]
    both = Image.new("RGB", (WIDTH_PX, sum(roll.height for roll in rolls)), "white")
    both.paste(rolls[0].convert("RGB"), (0, 0))
    both.paste(rolls[1].convert("RGB"), (0, rolls[0].height))
    write_picture(both.quantize(NUM_COLOURS, dither=Image.Dither.NONE), path)


@app.default
def main(*, out: Path = Path("docs/images"), seed: int = 1, checkpoint: Path | None = None) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    song = composer.generate(SongPlan(form=parse_form(FORM)), seed=seed).score
    (infilled,) = composer.infill(song, bars="13-16", seed=seed)
    write_pair(titled(song, "before"), titled(infilled.score, "bars 13-16 written anew"), out / "edit-infill.png")
    melody, *others = song.tracks
    alone = with_notes(song, [melody.notes, *(Notes.empty() for _ in others)])
    (arranged,) = composer.arrange(alone, melody="1", seed=seed)
    write_pair(titled(alone, "the melody"), titled(arranged.score, "arranged"), out / "edit-arrange.png")
    (extended,) = composer.extend(song, "B8 o4", seed=seed)
    write_pair(titled(song, "before"), titled(extended.score, "extended by B8 o4"), out / "edit-extend.png")


if __name__ == "__main__":
    app()
