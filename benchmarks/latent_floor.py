"""How far real songs lie from the training songs by the Fréchet distance of phrase latents, from one set to the next.

    python benchmarks/latent_floor.py CORPUS [--songs 41] [--sets 200] [--seed 0]

`phraseloom evaluate songs` says how many times the distance of the real test songs that of the generated ones is. The
test songs are one set of real songs. Here sets of `--songs` songs in 4/4 are drawn, without any twice, from the test
and validation songs, and from the training songs that are not among those that distances are measured from; printed are
the quantiles of the distances of each kind, and of their ratios to that of the test songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cyclopts import App

from phraseloom.corpus.store import Corpus
from phraseloom.evaluating import NUM_LATENT_TRAINING_SONGS
from phraseloom.evaluation.distances import Moments, frechet_of_moments
from phraseloom.evaluation.latent_distance import evenly_spread
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec, sounding_latents
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.song_model import speaks_meter_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

app = App(help=__doc__)


def moments_of(songs: Sequence[np.ndarray]) -> Moments:
    return Moments.of(np.concatenate(songs))


@app.default
def main(corpus: Path, *, songs: int = 41, sets: int = 200, seed: int = 0) -> None:
    codec = PhraseCodec.load(PRETRAINED_DIRECTORY / PHRASE_VAE_FILE)
    opened = Corpus.open(corpus)
    test, validation, training = (
        [sounding_latents(codec, song.score) for song in opened.songs(split) if speaks_meter_of(song.score)]
        for split in ("test", "validation", "train")
    )
    songs = min(songs, len(test))
    chosen = evenly_spread(range(len(training)), NUM_LATENT_TRAINING_SONGS)
    reference = moments_of([training[index] for index in chosen])
    floor = frechet_of_moments(moments_of(evenly_spread(test, songs)), reference)
    print(f"{songs} test songs: {floor:.2f}")
    others = [training[index] for index in sorted(set(range(len(training))) - set(chosen))]
    rng = np.random.default_rng(seed)
    for name, pool in (("test and validation songs", [*test, *validation]), ("other training songs", others)):
        drawn = [rng.choice(len(pool), songs, replace=False) for _ in range(sets)]
        distances = [frechet_of_moments(moments_of([pool[index] for index in rows]), reference) for rows in drawn]
        for label, values in (("distance", np.array(distances)), ("over the test songs'", np.array(distances) / floor)):
            text = ", ".join(f"{value:.2f}" for value in np.quantile(values, QUANTILES))
            print(f"{name}, {label} at {QUANTILES}: {text}; mean {values.mean():.2f}")


if __name__ == "__main__":
    app()
