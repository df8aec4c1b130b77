"""How loud songs are: measured, drawn in the way of a corpus, and given to notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.loudness_prior import LEAST_NOTES, LoudnessPrior, levelled, loudness_of
from phraseloom.score import Notes, Score, Track


def played(velocities) -> Notes:
    return Notes.from_rows((12 * index, 12, 60, int(velocity)) for index, velocity in enumerate(velocities))


def song(*loudness: tuple[float, float], num_notes: int = 64) -> Score:
    """A song with a track for each (mean, spread): half its notes that much louder, half that much softer."""
    signs = np.resize([-1, 1], num_notes)
    tracks = [Track(f"part {i}", played(mean + spread * signs)) for i, (mean, spread) in enumerate(loudness)]
    return Score(tracks=tuple(tracks), num_bars=num_notes // 4)


SONGS = [song((level, 4), (level - 20, 8)) for level in (60, 70, 80, 90, 100)]
UNKNOWN = np.full(4, np.nan)


@pytest.fixture
def prior() -> LoudnessPrior:
    return LoudnessPrior.fit(SONGS, 2)


def test_loudness_is_the_mean_and_the_logarithm_of_the_spread():
    notes = [track.notes for track in song((80, 5), (60, 10)).tracks]
    assert loudness_of(notes) == pytest.approx([80, 60, np.log(5), np.log(10)])
    assert np.isnan(loudness_of([played([80] * (LEAST_NOTES - 1))])).all()


def test_the_prior_is_mean_and_covariance_of_the_songs(prior):
    assert prior.mean == pytest.approx([80, 60, np.log(4), np.log(8)])
    assert prior.covariance[0, 0] == pytest.approx(200)
    assert prior.covariance[0, 1] == pytest.approx(200)
    assert prior.covariance[2:] == pytest.approx(0)


def test_parts_that_are_loud_together_are_drawn_so(prior):
    drawn = np.array([prior.propose(UNKNOWN, np.random.default_rng(seed)) for seed in range(200)])
    assert drawn[:, 0].mean() == pytest.approx(80, abs=4)
    assert drawn[:, 0].std() == pytest.approx(200**0.5, rel=0.25)
    assert drawn[:, 0] - drawn[:, 1] == pytest.approx(20, abs=1)


def test_no_song_is_drawn_louder_or_less_even_than_songs_are(prior):
    wide = replace(prior, covariance=prior.covariance * 9 + np.eye(4))
    drawn = np.array([wide.propose(UNKNOWN, np.random.default_rng(seed)) for seed in range(50)])
    levels, spreads = np.quantile([60, 70, 80, 90, 100], [0.01, 0.99]), np.log([4, 8])
    assert (drawn.min(axis=0), drawn.max(axis=0)) == (
        pytest.approx([levels[0], levels[0] - 20, *spreads]),
        pytest.approx([levels[1], levels[1] - 20, *spreads]),
    )


def test_what_is_known_stays_and_tells_of_the_rest(prior):
    proposed = prior.propose(np.array([96.0, np.nan, 1.5, np.nan]), np.random.default_rng(0))
    assert proposed[0] == 96
    assert proposed[2] == 1.5
    assert proposed[1] == pytest.approx(76, abs=1)


def test_a_slot_in_which_no_song_plays_is_left_as_it_is():
    prior = LoudnessPrior.fit(SONGS, 3)
    proposed = prior.propose(np.full(6, np.nan), np.random.default_rng(0))
    assert np.isnan(proposed[[2, 5]]).all()
    assert not np.isnan(proposed[[0, 1, 3, 4]]).any()
    assert levelled(played([10, 90]), np.nan, np.nan) == played([10, 90])


def test_no_songs_make_a_prior_that_leaves_everything_as_it_is():
    prior = LoudnessPrior.fit([], 2)
    assert np.isnan(prior.propose(UNKNOWN, np.random.default_rng(0))).all()


def test_notes_are_moved_to_a_mean_and_a_spread_in_their_order():
    moved = levelled(played([40, 50, 60, 70]), 90.0, np.log(np.std([40, 50, 60, 70]) * 0.5))
    assert moved.velocity.tolist() == [82, 88, 92, 98]


def test_notes_of_one_loudness_are_only_moved_and_none_leaves_the_range():
    assert levelled(played([64, 64]), 90.0, np.log(9)).velocity.tolist() == [90, 90]
    assert levelled(played([1, 127]), 120.0, np.log(60)).velocity.tolist() == [60, 127]
    assert levelled(Notes.empty(), 90.0, 1.0) == Notes.empty()


def test_it_goes_through_plain_values():
    prior = LoudnessPrior.fit(SONGS, 3)
    again = LoudnessPrior.from_dict(prior.to_dict())
    for name in ("mean", "covariance", "lowest", "highest"):
        np.testing.assert_array_equal(getattr(again, name), getattr(prior, name))


def test_songs_with_fewer_tracks_than_slots_count_with_those_they_have():
    prior = LoudnessPrior.fit([*SONGS, replace(SONGS[0], tracks=SONGS[0].tracks[:1])], 2)
    assert prior.mean[1] == pytest.approx(60)
