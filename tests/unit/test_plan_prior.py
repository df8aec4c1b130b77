"""Forms and tempos in the way of a corpus."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.form import format_form, num_bars_of, parse_form
from phraseloom.plan_prior import PlanPrior, returning_share
from phraseloom.score import TempoChange
from support.songs import make_song

FORMS = ("i4 A8 B8 A8 B8 o4", "i8 A8 A8 B8 C8 A8 B8 o6", "A4 A4")
PRIOR = PlanPrior(tuple(map(parse_form, FORMS)), (60.0, 80.0, 100.0))


def proposals(num_bars: int, prior: PlanPrior = PRIOR) -> set[str]:
    drawn = [prior.propose_form(num_bars, np.random.default_rng(seed)) for seed in range(40)]
    return {format_form(form) for form in drawn if form is not None}


@given(st.integers(1, 128), st.integers(0, 2**31))
def test_forms_have_exactly_the_bars_asked(num_bars, seed):
    form = PRIOR.propose_form(num_bars, np.random.default_rng(seed))
    assert form is None or num_bars_of(form) == num_bars


def test_a_form_of_the_right_length_may_come_whole():
    assert FORMS[0] in proposals(40)


def test_sections_are_left_out_between_the_beginning_and_the_end():
    """Of 40 bars 8 go, and only sections of 8 bars lie together: four ways."""
    prior = PlanPrior((parse_form("i4 A8 B8 A8 B8 o4"),), ())
    assert proposals(32, prior) == {"i4 B8 A8 B8 o4", "i4 A8 A8 B8 o4", "i4 A8 B8 B8 o4", "i4 A8 B8 A8 o4"}


def test_what_no_form_can_be_cut_to_is_not_proposed():
    assert proposals(3) == set()
    assert proposals(128) == set()
    assert PlanPrior((), ()).propose_form(8, np.random.default_rng(0)) is None


def test_forms_in_which_something_returns_are_preferred():
    prior = PlanPrior((parse_form("A8 B8"), parse_form("A8 A8")), ())
    assert proposals(16, prior) == {"A8 A8"}


@pytest.mark.parametrize(("form", "share"), [("A8 B8", 0.0), ("A8 A8", 0.5), ("i4 A8 B8 A4", 4 / 24)])
def test_the_share_that_returns_by_hand(form, share):
    assert returning_share(parse_form(form)) == share


def test_tempos_lie_within_those_of_the_corpus():
    drawn = [PRIOR.propose_tempo(np.random.default_rng(seed)) for seed in range(50)]
    assert min(drawn) >= 60
    assert max(drawn) <= 100
    assert len(set(drawn)) > 10
    assert PlanPrior((), ()).propose_tempo(np.random.default_rng(0)) is None


def test_it_is_fitted_to_songs_and_comes_back_from_plain_values():
    songs = [replace(make_song(1, form=form), tempos=(TempoChange(0, 90.0),)) for form in ("i2 A4 o3", "i2 A3 A4")]
    prior = PlanPrior.fit(songs)
    assert prior.forms == (parse_form("i2 A4 o3"),), "a section of three bars inside"
    assert set(prior.tempos_bpm) == {90.0}
    assert PlanPrior.from_dict(prior.to_dict()) == prior
    assert PlanPrior.fit([]) == PlanPrior((), ())
