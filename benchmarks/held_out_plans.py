"""Songs to the plans of held-out songs, and how they repeat themselves beside the real ones.

    python benchmarks/held_out_plans.py CORPUS [--split test] [--checkpoint DIR] [--steps 16] [--repeat 0.5]
        [--guidance 1] [--no-chords] [--bars-only] [--seed 0]
        [--out DIR]

For every song of the split in 4/4 and of at most 128 bars, one song is composed to its form, chords, key and tempo,
with the song's place in the split added to `--seed`; with `--bars-only` to as many bars, and form, chords and tempo are
put together anew from those of the training songs. Prints the figures of repetition and of agreement with the chords of
both, means over songs with 95 % bootstrap intervals by song, and the share of sounding bars and notes a bar of each
track. Beside the songs in DIR lies plans.toml with the plan of each, so that
`phraseloom evaluate songs DIR --reference CORPUS --plans DIR/plans.toml` can say more about them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cyclopts import App

from phraseloom.chord_chart import ChartPart, ChordChart, chart_of
from phraseloom.composer import DEFAULT_GUIDANCE, DEFAULT_STEPS, Composer
from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.chord_agreement import chord_agreement, summarise_chord_agreement
from phraseloom.evaluation.repetition import repetition_report, summarise_repetition
from phraseloom.files import written_beside
from phraseloom.form import MAX_BARS, Section
from phraseloom.midi import write_midi
from phraseloom.plan import SongPlan
from phraseloom.plan_table import plan_table_toml
from phraseloom.score import Score
from phraseloom.song_model import speaks_meter_of
from phraseloom.transforms import cut

PLANS_FILE = "plans.toml"

app = App(help=__doc__)


def texture(scores: list[Score]) -> str:
    """Share of sounding bars, and notes in a sounding bar, of each track."""
    counts: dict[str, list[int]] = {}
    for score in scores:
        for bar in cut(score):
            for track, notes in zip(score.tracks, bar, strict=True):
                counts.setdefault(track.name, []).append(len(notes))
    parts = []
    for name, values in counts.items():
        sounding = [value for value in values if value]
        parts.append(f"{name} {len(sounding) / len(values):.0%} of bars, {np.mean(sounding or [0]):.1f} notes")
    return "; ".join(parts)


def chart_of_song(score: Score) -> ChordChart | None:
    """The chords of all its bars, one after the other."""
    chart = chart_of(score.chords, [Section("A", score.num_bars)])
    return None if chart is None else ChordChart((ChartPart(None, chart.parts[0].bars),))


def plan_of_song(score: Score, *, repeat: float | None = None, chords: bool = True) -> SongPlan:
    """The plan that a song of the same bars, form, key, tempo and chords is composed to."""
    return SongPlan(
        score.num_bars,
        form=score.sections,
        key=score.key,
        tempo_bpm=score.tempo_bpm,
        repeat=repeat,
        chords=chart_of_song(score) if chords else None,
    )


@app.default
def main(
    corpus: Path,
    *,
    split: str = "test",
    checkpoint: Path | None = None,
    steps: int = DEFAULT_STEPS,
    repeat: float | None = None,
    guidance: float = DEFAULT_GUIDANCE.scale,
    sharpness: float = DEFAULT_GUIDANCE.sharpness,
    chords: bool = True,
    bars_only: bool = False,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    real = [song.score for song in Corpus.open(corpus).songs(split)]
    real = [score for score in real if speaks_meter_of(score) and score.sections and score.num_bars <= MAX_BARS]
    composed = []
    plans: dict[str, SongPlan] = {}
    for number, score in enumerate(real):
        plan = (
            SongPlan(score.num_bars, repeat=repeat) if bars_only else plan_of_song(score, repeat=repeat, chords=chords)
        )
        guided = DEFAULT_GUIDANCE._replace(scale=guidance, sharpness=sharpness)
        song = composer.generate(plan, seed=seed + number, steps=steps, guidance=guided)
        plans[f"{number:02d}.mid"] = song.plan if bars_only else plan
        composed.append(song.score)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_midi(composed[-1], out / f"{number:02d}.mid")
    if out is not None:
        with written_beside(out / PLANS_FILE) as part:
            part.write_text(plan_table_toml(plans), encoding="utf-8")
    for name, scores in (("real", real), ("composed", composed)):
        print(f"{name}, {len(scores)} songs")
        print(summarise_repetition(map(repetition_report, scores)).text())
        print(summarise_chord_agreement(map(chord_agreement, scores)).text())
        print(f"  {texture(scores)}\n")


if __name__ == "__main__":
    app()
