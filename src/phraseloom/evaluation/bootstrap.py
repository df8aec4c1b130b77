"""Means over songs with bootstrap confidence intervals (Efron 1979, percentile method)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over songs and its confidence interval.

    Attributes:
        mean: NaN where no song has a value.
        low, high: the bounds of the interval.
        num_songs: how many songs had a value.
    """

    mean: float
    low: float
    high: float
    num_songs: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_mean(values: Sequence[float] | np.ndarray, *, confidence: float = 0.95, seed: int = 0) -> Estimate:
    """The mean of one value a song, with its confidence interval from resampling whole songs.

    Songs whose value is NaN (the measure is not defined for them) are left out. The same values and seed give the same
    interval.
    """
    songs = np.asarray(values, np.float64)
    songs = songs[~np.isnan(songs)]
    if not len(songs):
        return Estimate(np.nan, np.nan, np.nan, 0)
    draws = np.random.default_rng(seed).integers(len(songs), size=(NUM_RESAMPLES, len(songs)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(songs[draws].mean(axis=1), [tail, 1 - tail])
    return Estimate(float(songs.mean()), float(low), float(high), len(songs))
