"""What the knob for repeats does: songs to the same plans at --repeat 0, left alone, and 1.

    python benchmarks/repeat_knob.py CORPUS [--split test] [--songs 6] [--checkpoint DIR] [--picture FILE]

Takes the plans (form, chords, key, tempo) of some songs of the split in 4/4 and of at most 96 bars, evenly spread, and
composes each at every setting with the same seed. Prints, for every setting and for the real songs, the share of bars
and of each track's cells that repeat an earlier one note for note: mean over songs, standard deviation, least and most.
The picture has the self-similarity of the bars of one of the songs, one square a setting.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cyclopts import App
from held_out_plans import plan_of_song
from PIL import Image

from phraseloom.composer import Composer
from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.latent_distance import evenly_spread
from phraseloom.evaluation.repetition import repetition_report
from phraseloom.render import self_similarity, write_picture
from phraseloom.score import Score
from phraseloom.song_model import speaks_meter_of

SETTINGS = {"repeat 0": 0.0, "default": None, "repeat 1": 1.0}
MAX_BARS = 96
SQUARE_PX, GAP_PX = 460, 12
NUM_COLOURS = 24

app = App(help=__doc__)


def spread_of(values: list[float]) -> str:
    """Mean, standard deviation and range of one figure over songs."""
    known = np.array(values)[~np.isnan(values)]
    return f"{known.mean():6.3f} +- {known.std():.3f} ({known.min():.2f} to {known.max():.2f})" if len(known) else "-"


def table(songs: dict[str, list[Score]]) -> str:
    """A line a setting, a column for the bars and for each track's cells."""
    names = ["bars", *(track.name for track in next(iter(songs.values()))[0].tracks)]
    lines = [f"{'':12}" + "".join(f"{name:36}" for name in names)]
    for setting, scores in songs.items():
        reports = [repetition_report(score) for score in scores]
        columns = [[report.repeated_bars for report in reports]]
        columns += [
            [list(report.repeated_cells.values())[index] for report in reports] for index in range(len(names) - 1)
        ]
        lines.append(f"{setting:12}" + "".join(f"{spread_of(column):36}" for column in columns))
    return "\n".join(lines)


def side_by_side(scores: list[Score]) -> Image.Image:
    """The songs' self-similarities in one row."""
    squares = [self_similarity(score, width_px=SQUARE_PX) for score in scores]
    width = len(squares) * (SQUARE_PX + GAP_PX) - GAP_PX
    picture = Image.new("RGB", (width, max(square.height for square in squares)), "white")
    for index, square in enumerate(squares):
        picture.paste(square, (index * (SQUARE_PX + GAP_PX), 0))
    return picture.quantize(NUM_COLOURS)


@app.default
def main(
    corpus: Path,
    *,
    split: str = "test",
    songs: int = 6,
    checkpoint: Path | None = None,
    picture: Path | None = None,
) -> None:
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    labelled = [song.score for song in Corpus.open(corpus).songs(split)]
    labelled = [score for score in labelled if speaks_meter_of(score) and score.sections and score.num_bars <= MAX_BARS]
    real = evenly_spread(labelled, songs)
    composed = {
        name: [
            composer.generate(plan_of_song(score, repeat=repeat), seed=seed).score for seed, score in enumerate(real)
        ]
        for name, repeat in SETTINGS.items()
    }
    print(f"{len(real)} songs of {split}: mean +- standard deviation (least to most)")
    print(table({**composed, "real": real}))
    if picture is not None:
        write_picture(side_by_side([scores[0] for scores in composed.values()]), picture)


if __name__ == "__main__":
    app()
