"""How well bars that were filled in pass for the true ones, beside two cheap ways of filling them.

    python benchmarks/infill.py CORPUS [--split test] [--checkpoint DIR] [--steps 24] [--regions 3]

From every song of the split in 4/4 and of at most 128 bars, regions of four bars of all tracks are taken out, one at a
time, and written anew to fit the rest. Boosted trees, trained by song, then tell the written bars from the true ones
(area under the ROC curve; 0.5 is chance). Beside it the same for the four bars before copied into the place, and for
the bars at the same place of a song composed to the song's plan. Also: the share of the bars' notes that agree with the
chords, and how many regions came out as they were.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from cyclopts import App

from phraseloom.composer import DEFAULT_STEPS, Composer
from phraseloom.corpus.store import Corpus
from phraseloom.editing import infill
from phraseloom.evaluation.chord_agreement import chord_agreement, summarise_chord_agreement
from phraseloom.evaluation.discrimination import discriminate
from phraseloom.evaluation.song_features import FeatureTable, song_features
from phraseloom.form import MAX_BARS
from phraseloom.plan import SongPlan
from phraseloom.score import Score
from phraseloom.song_model import speaks_meter_of
from phraseloom.transforms import excerpt

REGION_BARS = 4

app = App(help=__doc__)


def of_songs(windows: list[Score], num_tracks: int, song: np.ndarray) -> FeatureTable:
    """Features of short scores, several of them from one song."""
    table = song_features(windows, num_tracks)
    return FeatureTable(table.names, table.values, song[table.song])


@app.default
def main(
    corpus: Path, *, split: str = "test", checkpoint: Path | None = None, steps: int = DEFAULT_STEPS, regions: int = 3
) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    songs = [song.score for song in Corpus.open(corpus).songs(split)]
    songs = [score for score in songs if speaks_meter_of(score) and 32 <= score.num_bars <= MAX_BARS]
    windows: dict[str, list[Score]] = {"true": [], "filled in": [], "copied from before": [], "composed": []}
    owner = []
    for number, score in enumerate(songs):
        rng = np.random.default_rng(number)
        plan = SongPlan(form=score.sections, key=score.key, tempo_bpm=score.tempo_bpm)
        composed = composer.generate(plan, seed=number, steps=steps).score
        for bar in rng.choice(np.arange(8, score.num_bars - 8), regions, replace=False).tolist():
            edit = infill(score, composer.model.slots, bars=f"{bar + 1}-{bar + REGION_BARS}")
            filled = composer.edit(edit, seed=number, steps=steps).score
            windows["true"].append(excerpt(score, bar, REGION_BARS))
            windows["filled in"].append(excerpt(filled, bar, REGION_BARS))
            windows["copied from before"].append(
                replace(excerpt(score, bar - REGION_BARS, REGION_BARS), chords=windows["true"][-1].chords)
            )
            windows["composed"].append(replace(excerpt(composed, bar, REGION_BARS), chords=windows["true"][-1].chords))
            owner.append(number)
    song = np.array(owner)
    num_tracks = len(composer.model.slots)
    true = of_songs(windows["true"], num_tracks, song)
    print(f"{len(owner)} regions of {REGION_BARS} bars in {len(songs)} songs")
    for name, scores in windows.items():
        print(f"\n{name}")
        print(summarise_chord_agreement(map(chord_agreement, scores)).text())
        if name != "true":
            same = sum(a.tracks == b.tracks for a, b in zip(windows["true"], scores, strict=True))
            print(f"as it was: {same} of {len(scores)}")
            print(discriminate(true, of_songs(scores, num_tracks, song)).text())


if __name__ == "__main__":
    app()
