"""How loud the parts of a song are played, in the way of a corpus.

A phrase's latent says little of its velocities, and nothing says how loud the song is as a whole: drawn songs come out
about as loud as each other and uneven within a track. So a song's loudness is drawn before its notes are written, and
their velocities are moved to it: louder notes stay louder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloom.score import Notes, Score

LEAST_NOTES = 16
"""Tracks with fewer notes say nothing of their loudness."""
MOST_DEVIATIONS = 2.0
RANGE_SHARES = 0.01, 0.99
"""Quantiles of the songs between which what is drawn lies: the spreads of a normal distribution go on beyond."""
_SOFTEST, _LOUDEST = 1, 127
_RIDGE = 1e-3
_LEAST_SPREAD = 0.5
"""Of velocities, as half a step: tracks whose notes are all equally loud have a logarithm too."""


@dataclass(frozen=True, eq=False)
class LoudnessPrior:
    """A normal distribution of what songs' loudness is like.

    Letters in shapes: s slots.

    Attributes:
        mean: `[2 s]` of each slot's mean velocity, then of the logarithm of each slot's standard deviation; NaN where
            no song has enough notes in the slot.
        covariance: `[2 s, 2 s]`, 0 where the mean is NaN.
        lowest, highest: `[2 s]` of what is drawn; NaN where the mean is.
    """

    mean: np.ndarray
    covariance: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    @classmethod
    def fit(cls, songs: Iterable[Score], num_slots: int) -> LoudnessPrior:
        """The prior of songs whose first `num_slots` tracks are the slots."""
        measured = [np.full(2 * num_slots, np.nan), *(loudness_of(_slots(song, num_slots)) for song in songs)]
        values = np.array(measured)
        known = ~np.isnan(values)
        count = known.sum(axis=0)
        total = np.where(known, values, 0.0).sum(axis=0)
        mean = np.divide(total, count, out=np.full(2 * num_slots, np.nan), where=count > 0)
        deviations = np.where(known, values - mean, 0.0)  # a slot that rests in a song is taken for an average one
        lowest, highest = np.full((2, 2 * num_slots), np.nan)
        for place in np.flatnonzero(count):
            lowest[place], highest[place] = np.quantile(values[known[:, place], place], RANGE_SHARES)
        return cls(mean, deviations.T @ deviations / max(1, len(values) - 1), lowest, highest)

    def propose(self, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A song's loudness `[2 s]`: what is known stays, the rest is drawn given it; NaN where nothing is known of it.

        Args:
            known: `[2 s]` as `loudness_of`, NaN where to be drawn.
        """
        noise = rng.standard_normal(len(self.mean))
        proposed = known.copy()
        drawn = np.flatnonzero(np.isnan(known) & ~np.isnan(self.mean))
        given = np.flatnonzero(~np.isnan(known) & ~np.isnan(self.mean))
        inner = self.covariance[np.ix_(given, given)] + _RIDGE * np.eye(len(given))
        gain = np.linalg.solve(inner, self.covariance[np.ix_(given, drawn)]).T
        mean = self.mean[drawn] + gain @ (known[given] - self.mean[given])
        left = self.covariance[np.ix_(drawn, drawn)] - gain @ self.covariance[np.ix_(given, drawn)]
        root = np.linalg.cholesky(left + _RIDGE * np.eye(len(drawn)))
        free = mean + root @ np.clip(noise[drawn], -MOST_DEVIATIONS, MOST_DEVIATIONS)
        proposed[drawn] = np.clip(free, self.lowest[drawn], self.highest[drawn])
        return proposed

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `LoudnessPrior.from_dict` reads it."""
        vectors = {"mean": self.mean, "lowest": self.lowest, "highest": self.highest}
        plain = {name: [None if np.isnan(each) else each for each in of.tolist()] for name, of in vectors.items()}
        return {**plain, "covariance": self.covariance.tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> LoudnessPrior:
        mean, lowest, highest = (np.array(content[name], float) for name in ("mean", "lowest", "highest"))
        return cls(mean, np.array(content["covariance"], float).reshape(len(mean), len(mean)), lowest, highest)


def loudness_of(tracks: Iterable[Notes]) -> np.ndarray:
    """Mean velocities `[s]`, then logarithms of their standard deviations `[s]`; NaN for fewer than `LEAST_NOTES`."""
    measured = [
        (track.velocity.mean(), np.log(max(float(track.velocity.std()), _LEAST_SPREAD)))
        if len(track) >= LEAST_NOTES
        else (np.nan, np.nan)
        for track in tracks
    ]
    return np.array(measured).T.ravel()


def levelled(notes: Notes, mean: float, log_spread: float) -> Notes:
    """The notes with their velocities moved to a mean and a spread, in their order of loudness; as they are for NaN."""
    if np.isnan(mean) or not len(notes):
        return notes
    centred = notes.velocity - notes.velocity.mean()
    spread = float(centred.std())
    scaled = centred * (np.exp(log_spread) / spread) if spread >= _LEAST_SPREAD else centred
    return replace(notes, velocity=np.clip(np.rint(mean + scaled), _SOFTEST, _LOUDEST).astype(np.int64))


def _slots(song: Score, num_slots: int) -> list[Notes]:
    tracks = [track.notes for track in song.tracks[:num_slots]]
    return tracks + [Notes.empty()] * (num_slots - len(tracks))
