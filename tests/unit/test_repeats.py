"""Which cells repeat which, worked by hand, and a prior that proposes as much as it was fitted to."""

from __future__ import annotations

import json

import numpy as np
import pytest

from phraseloom.form import parse_form
from phraseloom.repeats import (
    AS_IN_THE_CORPUS,
    FRESH,
    RepeatPrior,
    cell_contents,
    compensated,
    find_sources,
    owners_of,
    shared_noise_of,
)
from phraseloom.score import Notes, Score, Track
from support.songs import make_song


def song(*tracks: list[tuple[int, int, int, int]], num_bars: int = 4) -> Score:
    return Score(tuple(Track("", Notes.from_rows(rows)) for rows in tracks), num_bars)


# What a song holds


def test_equal_numbers_are_equal_notes():
    first = song([(0, 6, 60, 80), (48, 6, 60, 80), (96, 6, 62, 80), (150, 6, 60, 80)])
    one, other, pitch, onset = cell_contents(first)[:, 0]
    assert one == other > 0
    assert len({one, pitch, onset}) == 3


def test_durations_matter_and_velocities_do_not():
    contents = cell_contents(song([(0, 6, 60, 80), (48, 6, 60, 30), (96, 7, 60, 80)]))[:, 0].tolist()
    assert contents[0] == contents[1] != contents[2]


def test_silence_is_zero_and_tracks_share_their_numbers():
    contents = cell_contents(song([(0, 6, 60, 80)], [(96, 6, 60, 80)], num_bars=3))
    assert contents.dtype == np.int64
    assert contents.tolist() == [[1, 0], [0, 0], [0, 1]]


def test_a_song_without_tracks_has_no_cells():
    assert cell_contents(song(num_bars=3)).shape == (3, 0)


@pytest.mark.parametrize(
    ("form", "contents", "sources"),
    [
        ("A2 B1 A2", [1, 2, 1, 1, 2], [-1, -1, -1, 0, 1]),
        ("A2 A2", [1, 1, 1, 2], [-1, -1, 0, -1]),  # never inside a section
        ("A1 B1", [1, 1], [-1, -1]),  # nor from another letter
        ("A1 a1", [1, 1], [-1, -1]),
        ("A2 A2", [1, 2, 2, 1], [-1, -1, -1, -1]),  # nor at another offset
        ("A1 A1 A1", [1, 2, 1], [-1, -1, 0]),
        ("A1 A1 A1", [1, 2, 2], [-1, -1, 1]),
        ("A1 A1 A1", [1, 1, 1], [-1, 0, 0]),  # the first, not the latest
        ("A1 A3 A2", [1, 1, 5, 6, 1, 5], [-1, 0, -1, -1, 0, 2]),
        ("A1 A1", [0, 0], [-1, 0]),  # silence repeats too
    ],
)
def test_sources_worked_by_hand(form, contents, sources):
    found = find_sources(parse_form(form), np.array(contents)[:, None])
    assert found[:, 0].tolist() == sources


def test_tracks_repeat_on_their_own():
    assert find_sources(parse_form("A1 A1"), np.array([[1, 2, 0], [1, 3, 0]])).tolist() == [[-1, -1, -1], [0, -1, 0]]


def test_owners_are_the_sources_or_the_bars_themselves():
    assert owners_of(np.array([[-1, -1], [0, -1], [0, 1]])).tolist() == [[0, 0], [0, 1], [0, 1]]


def test_a_song_whose_letters_return_alike_repeats_all_of_them():
    score = make_song(1, form="i2 A4 B4 A4 o2")
    sources = find_sources(score.sections, cell_contents(score))
    inner = slice(10, 13)  # a last note of a section may be cut short by what follows
    assert (sources[inner] == np.arange(2, 5)[:, None]).all()
    assert (sources[:10] == FRESH).all()


# The prior

FORM = parse_form("A3 B1 A3 A4")
SOURCES = np.array([[-1, -1]] * 4 + [[0, 0], [1, -1], [-1, -1]] + [[0, -1], [1, 5], [6, 6], [-1, -1]])
"""First return: both slots, the first, none. Second: the first, both, both; its last bar has nothing to repeat."""


def test_counts_worked_by_hand():
    prior = RepeatPrior.fit([(FORM, SOURCES), (FORM, SOURCES)], 2)
    assert prior.num_slots == 2
    assert prior.counts == {
        (True, None): {(0, 1): 2},
        (True, (0, 1)): {(0,): 2},
        (True, (0,)): {(): 2},
        (False, None): {(0,): 2},
        (False, (0,)): {(0, 1): 2},
        (False, (0, 1)): {(0, 1): 2},
    }


def test_what_was_always_so_is_proposed():
    """Cells that repeat a repeat get its source."""
    prior = RepeatPrior.fit([(FORM, SOURCES)], 2)
    assert prior.propose(FORM, AS_IN_THE_CORPUS, np.random.default_rng(0)).tolist() == SOURCES.tolist()


def share_of_repeats(prior: RepeatPrior, form: str, repeat: float, num_songs: int = 800) -> np.ndarray:
    """`[n, s]` over many songs."""
    songs = [prior.propose(parse_form(form), repeat, np.random.default_rng(seed)) for seed in range(num_songs)]
    return np.mean([sources != FRESH for sources in songs], axis=0)


COIN = RepeatPrior(1, {(True, before): {(): 3.0, (0,): 1.0} for before in (None, (), (0,))})
"""A quarter of the cells repeat, whatever was before."""


@pytest.mark.parametrize(("repeat", "share"), [(0, 0), (0.2, 1 / 13), (0.5, 0.25), (0.75, 0.5), (0.9, 0.75), (1, 1)])
def test_the_knob_multiplies_the_odds(repeat, share):
    """The odds are 1 to 3: at 0.75 three times as high, at 0.2 a quarter."""
    shares = share_of_repeats(COIN, "A2 A2", repeat)
    assert shares[:2].tolist() == [[0], [0]]
    np.testing.assert_allclose(shares[2:], share, atol=0.05)


def test_what_was_before_decides():
    """It starts to repeat in half of the songs, and then goes on or does not."""
    goes_on = {(): {(): 1.0}, (0,): {(0,): 1.0}}
    counts = {(True, None): {(): 1.0, (0,): 1.0}, **{(True, before): after for before, after in goes_on.items()}}
    prior = RepeatPrior(1, counts)
    songs = [prior.propose(parse_form("A4 A4"), 0.5, np.random.default_rng(seed))[4:] for seed in range(200)]
    repeated = [(sources != FRESH).sum() for sources in songs]
    assert set(repeated) == {0, 4}
    assert repeated.count(4) == pytest.approx(100, abs=30)


def test_what_was_never_seen_is_as_the_nearest_that_was():
    """No song had a third A, nor a bar after a repeated one."""
    always = RepeatPrior(1, {(True, None): {(0,): 5.0}})
    assert share_of_repeats(always, "A2 A2 A2", 0.5, 3)[2:].tolist() == [[1]] * 4


def test_a_prior_of_songs_that_never_return_proposes_nothing():
    prior = RepeatPrior.fit([(parse_form("A4 B4"), np.full((8, 2), FRESH))], 2)
    assert prior.counts == {}
    assert (prior.propose(parse_form("A4 A4"), 0.9, np.random.default_rng(0)) == FRESH).all()
    assert (prior.propose(parse_form("A4 A4"), 1, np.random.default_rng(0))[4:] == np.arange(4)[:, None]).all()


@pytest.mark.parametrize("repeat", [5e-324, 1e-200, 1 - 2**-53])
def test_a_knob_at_its_very_ends_does_not_run_out_of_numbers(repeat):
    """Twenty tracks: the odds to the power of twenty are out of range."""
    all_slots = tuple(range(20))
    prior = RepeatPrior(20, {(True, None): {(0,): 1.0, all_slots: 1.0}})
    repeated = prior.propose(parse_form("A1 A1"), repeat, np.random.default_rng(0))[1] != FRESH
    assert repeated.sum() == (1 if repeat < 0.5 else 20)


def test_a_form_without_returns_has_nothing_to_repeat():
    assert (COIN.propose(parse_form("i4 A8 B8 o4"), 1, np.random.default_rng(0)) == FRESH).all()


def test_a_fitted_prior_proposes_as_much_as_the_songs_had():
    """Made-up songs that keep each returning bar with a chance of 0.6."""
    rng, form = np.random.default_rng(0), parse_form("A8 B8 A8 B8")
    songs = []
    for _ in range(100):
        sources = np.full((32, 2), FRESH)
        kept = rng.random((16, 2)) < 0.6
        sources[16:] = np.where(kept, np.arange(16)[:, None], FRESH)
        songs.append((form, sources))
    shares = share_of_repeats(RepeatPrior.fit(songs, 2), "A8 A8", AS_IN_THE_CORPUS, 200)
    assert shares[8:].mean() == pytest.approx(0.6, abs=0.03)


def test_a_prior_of_a_corpus_survives_json():
    prior = RepeatPrior.fit([(FORM, SOURCES)], 2)
    assert RepeatPrior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior


@pytest.mark.parametrize(("repeat", "expected"), [(0.0, 0.0), (0.5, 1.25 / 2.25), (1.0, 1.0)])
def test_priors_are_asked_for_what_they_do_not_propose_too(repeat, expected):
    assert compensated(repeat) == pytest.approx(expected)


@pytest.mark.parametrize(("repeat", "expected"), [(0.0, 0.0), (0.25, 0.125), (0.5, 0.354), (1.0, 1.0)])
def test_homologous_bars_share_the_more_noise_the_more_is_asked_to_repeat(repeat, expected):
    assert shared_noise_of(repeat) == pytest.approx(expected, abs=1e-3)
