from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.errors import RequestError
from phraseloom.evaluation.discrimination import area_under_curve, discriminate, song_folds
from phraseloom.evaluation.song_features import FeatureTable

few_numbers = st.lists(st.integers(0, 5), min_size=1, max_size=8)


def windows(seed: int, num_songs: int = 20, shift: float = 0.0, song_spread: float = 3.0) -> FeatureTable:
    """Six windows of each song, alike within it; `shift` moves the first of four features, the last is undefined."""
    rng = np.random.default_rng(seed)
    song = np.repeat(np.arange(num_songs), 6)
    values = song_spread * rng.normal(size=(num_songs, 4))[song] + rng.normal(size=(len(song), 4))
    values[:, 0] += shift
    values[:, 3] = np.nan
    return FeatureTable(("first", "second", "third", "undefined"), values, song)


def test_area_under_curve_by_hand():
    # Of the six pairs, generated is higher in three (2 > 1, 3 > 1, 3 > 2) and equal in one.
    assert area_under_curve(np.array([1, 2, 4]), np.array([2, 3])) == (3 + 1 / 2) / 6
    assert math.isnan(area_under_curve(np.array([]), np.array([1.0])))


@given(few_numbers, few_numbers)
def test_area_under_curve_is_the_share_of_pairs(real, generated):
    pairs = [(g > r) + (g == r) / 2 for g in generated for r in real]
    area = area_under_curve(np.array(real), np.array(generated))
    assert area == pytest.approx(np.mean(pairs))
    assert area_under_curve(np.array(generated), np.array(real)) == pytest.approx(1 - area)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 5), st.integers(0, 99))
def test_a_song_is_in_one_fold_and_folds_are_of_one_size(songs, num_folds, seed):
    song = np.array(songs)
    fold = song_folds(song, num_folds, np.random.default_rng(seed))
    fold_of = dict(zip(songs, fold.tolist(), strict=True))
    np.testing.assert_array_equal(fold, [fold_of[number] for number in songs])
    sizes = np.bincount(list(fold_of.values()), minlength=num_folds)
    assert len(sizes) == num_folds
    assert sizes.max() - sizes.min() <= 1


def test_songs_of_one_kind_are_not_told_apart():
    """Windows of a song are so alike that folds by window would tell nearly every one by its song."""
    report = discriminate(windows(0), windows(1))
    assert 0.35 < report.auc.mean < 0.65
    assert report.auc.low < 0.5 < report.auc.high
    assert report.auc.num_songs == 40
    assert (report.num_real_rows, report.num_generated_rows) == (120, 120)


def test_shifted_songs_are_told_apart_and_the_feature_is_named():
    report = discriminate(windows(0, 10), windows(1, num_songs=8, shift=-15.0))
    assert report.auc.mean > 0.97
    assert report.auc.low <= report.auc.mean <= report.auc.high <= 1
    assert list(report.contrasts)[:: len(report.contrasts) - 1] == ["first", "undefined"]
    contrast = report.contrasts["first"]
    assert contrast.auc < 0.02  # the generated songs have too little of it
    assert contrast.generated_mean - contrast.real_mean == pytest.approx(-15, abs=4)
    assert report.text().splitlines()[2].startswith("first ")


def test_what_is_undefined_can_tell_apart():
    generated = windows(1, 10)
    generated.values[:, 0] = np.nan
    report = discriminate(windows(0, 10), generated)
    assert report.auc.mean > 0.97
    assert math.isnan(report.contrasts["first"].auc)


def test_the_same_seed_gives_the_same_report():
    first, second = (discriminate(windows(0, 4), windows(1, 3), seed=5) for _ in range(2))
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    assert first.to_dict()["contrasts"]["undefined"]["auc"] is None


def test_two_songs_of_each_kind_are_enough_and_one_is_not():
    report = discriminate(windows(0, 2), windows(1, 2))
    assert 0 <= report.auc.low <= report.auc.high <= 1
    with pytest.raises(RequestError, match="1 generated songs"):
        discriminate(windows(0), windows(1, 1))


def test_different_features_are_refused():
    other = windows(1)
    with pytest.raises(ValueError, match="different features"):
        discriminate(windows(0), FeatureTable(("a", "b", "c", "d"), other.values, other.song))


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(RequestError, match=r"phraseloom\[evaluate\]"):
        discriminate(windows(0), windows(1))
