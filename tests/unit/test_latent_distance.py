"""Fréchet distances of latents beside their floor."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.evaluation.distances import (
    Moments,
    frechet_distance,
    frechet_of_moments,
    frechet_of_moments_as_published,
)
from phraseloom.evaluation.latent_distance import evenly_spread, latent_distance


def songs(seed: int, number: int, mean: float = 0.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, 1.0, (int(rng.integers(20, 40)), 3)) for _ in range(number)]


def test_moments_give_the_distance_of_the_samples():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 4)), rng.normal(1.0, 2.0, size=(20, 4))
    assert frechet_of_moments(Moments.of(a), Moments.of(b)) == pytest.approx(frechet_distance(a, b), abs=1e-9)


def test_the_published_way_by_hand():
    # The product of diag(4, 1) and [[2, 1], [1, 2]] is [[8, 4], [1, 2]]. Its eigenvalues are 5 +- sqrt(13); those of
    # its lower triangle mirrored, [[8, 1], [1, 2]], are 5 +- sqrt(10). Both traces are 9, the means 3 apart.
    a = Moments(np.zeros(2), np.diag([4.0, 1.0]))
    b = Moments(np.array([0.0, 3.0]), np.array([[2.0, 1.0], [1.0, 2.0]]))
    roots = [np.sqrt(5 + np.sqrt(n)) + np.sqrt(5 - np.sqrt(n)) for n in (13, 10)]
    assert frechet_of_moments(a, b) == pytest.approx(9 + 9 - 2 * roots[0])
    assert frechet_of_moments_as_published(a, b) == pytest.approx(9 + 9 - 2 * roots[1])


def test_songs_from_elsewhere_lie_above_the_floor():
    report = latent_distance(songs(0, 8, mean=2.0), songs(1, 8), songs(2, 20))
    assert report.correct.generated.mean > 5 * report.correct.real.mean
    assert report.correct.ratio.mean == pytest.approx(report.correct.generated.mean / report.correct.real.mean)
    assert report.correct.generated.low < report.correct.generated.mean < report.correct.generated.high
    assert (report.num_songs, report.num_training_songs) == (8, 20)


def test_the_point_is_the_distance_of_all_phrases():
    generated, real, training = songs(0, 5), songs(1, 5), songs(2, 9)
    report = latent_distance(generated, real, training)
    for estimate, side in ((report.correct.generated, generated), (report.correct.real, real)):
        assert estimate.mean == pytest.approx(frechet_distance(np.concatenate(side), np.concatenate(training)))


def test_both_sides_have_equally_many_songs():
    generated, real, training = songs(0, 12), songs(1, 4), songs(2, 9)
    report = latent_distance(generated, real, training)
    assert report.num_songs == 4
    chosen = np.concatenate([generated[index] for index in (0, 3, 6, 9)])
    assert report.correct.generated.mean == pytest.approx(frechet_distance(chosen, np.concatenate(training)))


def test_other_real_songs_are_held_against_the_floor_too():
    generated, real, training = songs(0, 8, mean=2.0), songs(1, 8), songs(2, 20)
    alone = latent_distance(generated, real, training).correct
    assert np.isnan(alone.other_real.mean)
    assert np.isnan(alone.real_ratio.mean)
    beside = latent_distance(generated, real, training, songs(3, 9, mean=0.5)).correct
    chosen = np.concatenate(evenly_spread(songs(3, 9, mean=0.5), 8))
    assert beside.other_real.mean == pytest.approx(frechet_distance(chosen, np.concatenate(training)))
    assert beside.real_ratio.mean == pytest.approx(beside.other_real.mean / beside.real.mean)
    assert beside.real_ratio.low < beside.real_ratio.mean < beside.real_ratio.high
    assert (beside.generated, beside.real, beside.ratio) == (alone.generated, alone.real, alone.ratio)
    few = latent_distance(generated, real, training, songs(3, 2)).correct
    assert (few.ratio, few.ratio.num_songs, few.real_ratio.num_songs) == (alone.ratio, 8, 2)


def test_the_same_songs_give_the_same_report():
    assert latent_distance(songs(0, 4), songs(1, 4), songs(2, 4)) == latent_distance(
        songs(0, 4), songs(1, 4), songs(2, 4)
    )


def test_evenly_spread_takes_all_of_few_and_some_of_many():
    assert evenly_spread("abc", 5) == ["a", "b", "c"]
    assert evenly_spread(range(10), 4) == [0, 2, 5, 7]
