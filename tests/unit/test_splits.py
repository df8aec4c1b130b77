"""The split rule, its figures for POP909, and that covers of held-out songs leave training."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.corpus.duplicates import SimilarPair
from phraseloom.corpus.song import CorpusSong
from phraseloom.corpus.splits import SPLITS, split_of_digest, split_of_number, without_leaks
from support.songs import make_song


@pytest.mark.parametrize(
    ("number", "split"),
    [(7, "test"), (27, "test"), (907, "test"), (13, "validation"), (893, "validation"), (1, "train"), (20, "train")],
)
def test_rule(number, split):
    assert split_of_number(number) == split


def test_pop909_has_46_test_and_45_validation_songs():
    counts = Counter(split_of_number(number) for number in range(1, 910))
    assert counts == {"train": 818, "test": 46, "validation": 45}


@given(st.integers(0, 2**256 - 1))
def test_digest_follows_the_same_rule(number):
    assert split_of_digest(f"{number:064x}") == split_of_number(number)


def songs_with(splits):
    return [CorpusSong(f"song {place}", make_song(0, 1, "A1"), split) for place, split in enumerate(splits)]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (("train", "test"), ("excluded", "test")),
        (("validation", "train"), ("validation", "excluded")),
        (("train", "train"), ("train", "train")),
        (("test", "validation"), ("test", "validation")),
    ],
)
def test_training_songs_with_a_held_out_twin_are_excluded(splits, expected):
    songs = without_leaks(songs_with(splits), [SimilarPair(0, 1, 0.8)])
    assert tuple(song.split for song in songs) == expected


def test_exclusion_does_not_spread():
    """The cover of a cover, unlike the held-out song itself, stays in training."""
    songs = without_leaks(songs_with(["test", "train", "train"]), [SimilarPair(0, 1, 0.5), SimilarPair(1, 2, 0.5)])
    assert [song.split for song in songs] == ["test", "excluded", "train"]
    assert {song.split for song in songs} <= set(SPLITS)
