"""Fréchet distances between latents of phrases: of generated songs to training songs, and of real songs to them.

The distance to the training songs that held-out real songs have is the floor: nothing made by another hand comes nearer
but by copying. As the distance is biased by the number of samples (see `frechet_distance`), both sides have equally
many songs, and what is said is the ratio of the two. The floor is one draw of real songs, and another may lie well
above it: so other held-out songs are held against it too. Intervals come from resampling whole songs of both sides; the
training songs stay. Resampled songs repeat themselves, which adds to a distance; the mean of what it adds is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate
from phraseloom.evaluation.distances import Moments, frechet_of_moments, frechet_of_moments_as_published
from phraseloom.evaluation.plain import plain_dict

T = TypeVar("T")

NUM_RESAMPLES = 200
"""A distance takes milliseconds, a mean microseconds: fewer resamples than for means."""


@dataclass(frozen=True)
class FrechetFigures:
    """Distances to the training songs.

    Attributes:
        generated: of the generated songs.
        real: of real songs that were held out, the floor.
        ratio: of the two, 1 for songs as near as real ones; NaN where the floor is not above 0.
        other_real: of other real songs that were held out, NaN where there are none.
        real_ratio: of those to the floor of as many songs: what real songs get in place of `ratio`.
    """

    generated: Estimate
    real: Estimate
    ratio: Estimate
    other_real: Estimate
    real_ratio: Estimate


@dataclass(frozen=True)
class LatentDistance:
    """Fréchet distances of phrase latents.

    Attributes:
        correct: by `frechet_of_moments`.
        as_published: by `frechet_of_moments_as_published`, for comparison with published figures; may be negative, and
            then has no ratio.
        num_songs: of the generated songs and of the real ones each.
        num_training_songs: that both are held against.
    """

    correct: FrechetFigures
    as_published: FrechetFigures
    num_songs: int
    num_training_songs: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


def latent_distance(
    generated: Sequence[np.ndarray],
    real: Sequence[np.ndarray],
    training: Sequence[np.ndarray],
    other_real: Sequence[np.ndarray] = (),
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> LatentDistance:
    """Distances of the latents of sets of songs to those of training songs.

    Args:
        generated, real: one array `[phrases, latent size]` a song. Of the larger set as many songs as the other has are
            taken, evenly spread.
        training: the same of songs that were learnt from.
        other_real: the same of real songs beside those of `real`, held against as many of these; may be none.
        confidence: of the intervals.
        seed: of the resampling.

    Raises:
        ValueError: a set has fewer than two phrases, or the latents differ in size.
    """
    against = _SongMoments.of(training).pooled(np.ones(len(training)))
    correct = _Distance(frechet_of_moments, least=0.0)
    published = _Distance(frechet_of_moments_as_published, least=-np.inf)
    asked = _Pair.of(generated, real, seed)
    others = _Pair.of(other_real, real, seed) if other_real else None

    def figures(distance: _Distance) -> FrechetFigures:
        nearness = asked.held(against, distance, confidence)
        other, _, ratio = (_NOTHING,) * 3 if others is None else others.held(against, distance, confidence)
        return FrechetFigures(*nearness, other, ratio)

    return LatentDistance(figures(correct), figures(published), asked.num_songs, len(training))


def evenly_spread(songs: Sequence[T], number: int) -> list[T]:
    """At most `number` of some songs, in their order and evenly spread over it."""
    if len(songs) <= number:
        return list(songs)
    return [songs[index * len(songs) // number] for index in range(number)]


@dataclass(frozen=True, eq=False)
class _SongMoments:
    """Of every song the number `[n]`, the sum `[n, d]` and the sum of outer products `[n, d, d]` of its latents."""

    number: np.ndarray
    total: np.ndarray
    outer: np.ndarray

    @classmethod
    def of(cls, songs: Sequence[np.ndarray]) -> _SongMoments:
        rows = [np.asarray(song, np.float64) for song in songs]
        return cls(
            np.array([len(row) for row in rows], np.float64),
            np.stack([row.sum(axis=0) for row in rows]),
            np.stack([row.T @ row for row in rows]),
        )

    def pooled(self, times: np.ndarray) -> Moments:
        """Of all latents together, every song counted `times [n]` times."""
        number = times @ self.number
        if number < 2:
            raise ValueError(f"{number:g} phrases, expected at least 2")
        mean = times @ self.total / number
        outer = np.tensordot(times, self.outer, axes=1)
        return Moments(mean, (outer - number * np.outer(mean, mean)) / (number - 1))


_NOTHING = Estimate(np.nan, np.nan, np.nan, 0)


class _Distance(NamedTuple):
    """One between moments, and the least that it can be."""

    between: Callable[[Moments, Moments], float]
    least: float


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two sets of equally many songs, as they are and resampled."""

    num_songs: int
    whole: list[Moments]
    resampled: list[list[Moments]]

    @classmethod
    def of(cls, songs: Sequence[np.ndarray], floor: Sequence[np.ndarray], seed: int) -> _Pair:
        num_songs = min(len(songs), len(floor))
        sides = [_SongMoments.of(evenly_spread(each, num_songs)) for each in (songs, floor)]
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(num_songs, np.full(num_songs, 1 / num_songs), size=(2, NUM_RESAMPLES))
        return cls(
            num_songs,
            [side.pooled(np.ones(num_songs)) for side in sides],
            [[side.pooled(row) for row in rows] for side, rows in zip(sides, counts, strict=True)],
        )

    def held(self, against: Moments, distance: _Distance, confidence: float) -> tuple[Estimate, Estimate, Estimate]:
        """Distances of both, and their ratio."""
        points = [distance.between(moments, against) for moments in self.whole]
        draws = [np.array([distance.between(moments, against) for moments in rows]) for rows in self.resampled]
        unbiased = [
            np.maximum(row - row.mean() + point, distance.least) for row, point in zip(draws, points, strict=True)
        ]
        return (
            _estimate(points[0], unbiased[0], confidence, self.num_songs),
            _estimate(points[1], unbiased[1], confidence, self.num_songs),
            _estimate(_ratio(*points), _ratios(*unbiased), confidence, self.num_songs),
        )


def _ratio(generated: float, real: float) -> float:
    return generated / real if real > 0 else np.nan


def _ratios(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    return np.divide(generated, real, out=np.full(len(real), np.nan), where=real > 0)


def _estimate(point: float, draws: np.ndarray, confidence: float, num_songs: int) -> Estimate:
    if np.isnan(point):
        return _NOTHING
    known = draws[~np.isnan(draws)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return Estimate(float(point), float(low), float(high), num_songs)
