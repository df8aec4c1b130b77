from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.distances import frechet_distance, kid, standardised

seeds = st.integers(0, 2**32 - 1)


def gaussian(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Correlated columns of different scales."""
    return rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)) + rng.normal(size=columns)


def rotation(rng: np.random.Generator, columns: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(columns, columns)))[0]


def test_frechet_distance_in_one_dimension_by_hand():
    # Means 1 and 7, variances 2 and 18: (7 - 1)^2 + (sqrt(18) - sqrt(2))^2 = 36 + 8.
    assert frechet_distance([[0.0], [2.0]], [[4.0], [10.0]]) == pytest.approx(44)


def test_frechet_distance_of_covariances_that_do_not_commute():
    # Both lie on a line, so the trace of the root of their product is |u . v| for u = (1, 0) and v = (1, 1):
    # covariances 2 u u^T and 2 v v^T, means 0: 2 + 4 - 2 * 2 * 1 = 2.
    a, b = np.array([[1.0, 0], [-1, 0]]), np.array([[1.0, 1], [-1, -1]])
    assert frechet_distance(a, b) == pytest.approx(2)


@settings(max_examples=50)
@given(seeds, st.integers(2, 30), st.integers(2, 30), st.integers(1, 8))
def test_frechet_distance_is_a_distance_between_shapes_in_space(seed, n, m, d):
    rng = np.random.default_rng(seed)
    a, b, turn, shift = gaussian(rng, n, d), gaussian(rng, m, d), rotation(rng, d), rng.normal(size=d)
    distance = frechet_distance(a, b)
    assert distance >= 0
    assert frechet_distance(b, a) == pytest.approx(distance, abs=1e-8)
    assert frechet_distance(a @ turn + shift, b @ turn + shift) == pytest.approx(distance, abs=1e-8)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * distance, abs=1e-7)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-8)


def test_frechet_distance_of_finite_samples_is_biased_as_documented():
    rng = np.random.default_rng(0)
    n, m, d = 600, 300, 16
    measured = np.mean([frechet_distance(rng.normal(size=(n, d)), rng.normal(size=(m, d))) for _ in range(40)])
    assert measured == pytest.approx(d * (d + 5) / 4 * (1 / n + 1 / m), rel=0.05)


def test_kid_by_hand():
    # k(x, y) = (xy + 1)^3: within a k(0, 1) = 1, within b k(2, 3) = 343, between (1 + 1 + 27 + 64) / 4.
    distance = kid([[0.0], [1.0]], [[2.0], [3.0]])
    assert distance.squared_mmd == pytest.approx(1 + 343 - 2 * 93 / 4)
    assert (distance.num_a, distance.num_b) == (2, 2)
    assert json.loads(json.dumps(distance.to_dict()))["standard_error"] is None


def test_the_kernel_is_scaled_by_the_number_of_dimensions():
    # With every value written twice, x . y and d double alike.
    a, b = np.array([[0.0], [1.0], [4.0]]), np.array([[2.0], [3.0], [5.0]])
    assert kid(np.tile(a, 2), np.tile(b, 2)) == kid(a, b)


@settings(max_examples=25)
@given(seeds, st.integers(2, 4), st.integers(1, 4))
def test_kid_is_unbiased(seed, half, d):
    """Over all ways to split one set in two halves, the mean is 0 exactly: both halves are from one distribution."""
    pool = np.random.default_rng(seed).normal(size=(2 * half, d))
    rows = set(range(2 * half))
    splits = [(list(first), sorted(rows - set(first))) for first in combinations(rows, half)]
    distances = [kid(pool[first], pool[second]).squared_mmd for first, second in splits]
    assert np.mean(distances) == pytest.approx(0, abs=1e-9 * max(1, *map(abs, distances)))


@settings(max_examples=25)
@given(seeds, st.integers(3, 20), st.integers(3, 20), st.integers(1, 6))
def test_kid_is_symmetric_and_blind_to_order_and_rotation(seed, n, m, d):
    rng = np.random.default_rng(seed)
    a, b, turn = gaussian(rng, n, d), gaussian(rng, m, d), rotation(rng, d)
    here = kid(a, b)
    for there in (kid(b, a), kid(rng.permutation(a), b), kid(a @ turn, b @ turn)):
        assert there.squared_mmd == pytest.approx(here.squared_mmd, rel=1e-6, abs=1e-6)
        assert there.standard_error == pytest.approx(here.standard_error, rel=1e-6, abs=1e-6)


def test_the_standard_error_of_kid_is_the_spread_over_repetitions():
    rng = np.random.default_rng(0)
    distances = [kid(rng.normal(size=(40, 4)), rng.normal(0.7, 1, size=(60, 4))) for _ in range(300)]
    spread = np.std([distance.squared_mmd for distance in distances])
    assert np.mean([distance.standard_error for distance in distances]) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("distance", [frechet_distance, kid])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "shapes"),
        (np.zeros(3), np.zeros(3), "shapes"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "1 and 3 rows"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "not finite"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(distance, a, b, message):
    with pytest.raises(ValueError, match=message):
        distance(a, b)


def test_standard_scores_by_hand():
    reference = np.array([[0.0, 5.0, np.nan, 1.0], [2.0, 5.0, np.nan, np.nan], [4.0, 5.0, np.nan, 3.0]])
    values = np.array([[2.0, 9.0, 1.0, np.nan], [2 + np.sqrt(8 / 3), 5.0, np.nan, 3.0], [1000.0, 5.0, 0.0, -99.0]])
    # Column 1 does not vary in the reference, column 2 is not defined there; what is far out counts as 5.
    np.testing.assert_allclose(standardised(values, reference), [[0, 0, 0, 0], [1, 0, 0, 1], [5, 0, 0, -5]])
