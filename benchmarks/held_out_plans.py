"""Songs to the plans of held-out songs, and how they repeat themselves beside the real ones.

    python benchmarks/held_out_plans.py CORPUS [--split test] [--checkpoint DIR] [--steps 24] [--out DIR]

For every song of the split in 4/4 and of at most 128 bars, one song is composed to its form, key and tempo, with the
song's place in the split as the seed. Prints the repetition figures of both, means over songs with 95 % bootstrap
intervals by song, and the share of sounding bars and notes a bar of each track.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cyclopts import App

from phraseloom.composer import DEFAULT_STEPS, Composer
from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.repetition import repetition_report, summarise_repetition
from phraseloom.form import MAX_BARS
from phraseloom.midi import write_midi
from phraseloom.plan import SongPlan
from phraseloom.score import Score
from phraseloom.song_model import speaks_meter_of
from phraseloom.transforms import cut

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


@app.default
def main(
    corpus: Path,
    *,
    split: str = "test",
    checkpoint: Path | None = None,
    steps: int = DEFAULT_STEPS,
    out: Path | None = None,
) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    real = [song.score for song in Corpus.open(corpus).songs(split)]
    real = [score for score in real if speaks_meter_of(score) and score.sections and score.num_bars <= MAX_BARS]
    composed = []
    for seed, score in enumerate(real):
        plan = SongPlan(form=score.sections, key=score.key, tempo_bpm=score.tempo_bpm)
        composed.append(composer.generate(plan, seed=seed, steps=steps).score)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            write_midi(composed[-1], out / f"{seed}.mid")
    for name, scores in (("real", real), ("composed", composed)):
        print(f"{name}, {len(scores)} songs")
        print(summarise_repetition(map(repetition_report, scores)).text())
        print(f"  {texture(scores)}\n")


if __name__ == "__main__":
    app()
