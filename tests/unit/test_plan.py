"""What a plan accepts, refuses and fills in."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from phraseloom.cast import parse_cast
from phraseloom.chord_chart import parse_chart
from phraseloom.density import FREE, parse_density
from phraseloom.errors import ParseError, RequestError
from phraseloom.form import MAX_BARS, Section, num_bars_of, parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.plan import DEFAULT_NUM_BARS, SongPlan
from phraseloom.plan_prior import PlanPrior
from phraseloom.repeats import AS_IN_THE_CORPUS
from phraseloom.score import ChordSpan

PRIOR = PlanPrior((parse_form("i4 A8 A8 B8 A8 o4"),), (90.0, 90.0))


def test_what_is_open_is_proposed_as_in_the_corpus_where_it_can() -> None:
    plan = SongPlan(num_bars=40).completed(np.random.default_rng(0), PRIOR)
    assert plan.form == PRIOR.forms[0]
    assert plan.tempo_bpm == 90
    longer = SongPlan(num_bars=96).completed(np.random.default_rng(0), PRIOR)
    assert longer.form == SongPlan(num_bars=96).completed(np.random.default_rng(0)).form


def test_texts_and_objects_make_the_same_plan() -> None:
    plan = SongPlan(form="A8 B8", key="G", tempo_bpm=92)
    assert plan == SongPlan(form=[Section("A", 8), Section("B", 8)], key=Key(7, "major"), tempo_bpm=92.0)
    assert hash(plan) == hash(replace(plan))
    assert plan.num_bars is None


def test_plan_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SongPlan().num_bars = 3  # ty: ignore[invalid-assignment]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"num_bars": 0}, "a song of 0 bars"),
        ({"num_bars": MAX_BARS + 1}, "a song of 129 bars"),
        ({"num_bars": 6.5}, "number of bars is 6.5"),
        ({"num_bars": "many"}, "number of bars is 'many'"),
        ({"form": ()}, "form has 0 bars"),
        ({"form": "A100 B100"}, "form has 200 bars"),
        ({"form": "A8 B8", "num_bars": 64}, "has 16 bars, but 64 were asked for"),
        ({"tempo_bpm": 9.9}, "tempo is 9.9"),
        ({"tempo_bpm": 601}, "tempo is 601"),
        ({"tempo_bpm": float("nan")}, "tempo is nan"),
        ({"tempo_bpm": "allegro"}, "tempo is 'allegro'"),
        ({"repeat": -0.1}, "share of repeats is -0.1"),
        ({"repeat": 1.1}, "share of repeats is 1.1"),
        ({"repeat": float("nan")}, "share of repeats is nan"),
        ({"repeat": "much"}, "share of repeats is 'much'"),
        ({"chords": 5}, "chords are 5"),
        ({"form": "A8 B8", "chords": "A: C; Z: F; y: G"}, "chords for Z, y, but the form is A8 B8"),
        ({"num_bars": 8, "chords": "A: C Am"}, "chords for A, but no form"),
    ],
)
def test_impossible_plan_is_refused_with_a_remedy(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        SongPlan(**asked)
    assert raised.value.remedy


@pytest.mark.parametrize("asked", [{"form": "A8 B"}, {"key": "H"}, {"form": "A8", "chords": "A: C H"}])
def test_text_that_does_not_parse_is_pointed_at(asked: dict[str, Any]) -> None:
    with pytest.raises(ParseError):
        SongPlan(**asked)


def test_bars_may_be_said_twice_if_they_agree() -> None:
    assert num_bars_of(SongPlan(num_bars=16, form="A8 B8").form or ()) == 16


def test_numbers_of_other_libraries_become_plain() -> None:
    plan = SongPlan(num_bars=np.int32(16), tempo_bpm=np.float32(92.123))  # ty: ignore[invalid-argument-type]
    assert type(plan.num_bars) is int
    assert type(plan.tempo_bpm) is float
    assert plan.tempo_bpm == 92.12


def test_completed_plan_leaves_nothing_open() -> None:
    plans = [SongPlan().completed(np.random.default_rng(seed)) for seed in range(40)]
    assert plans == [SongPlan().completed(np.random.default_rng(seed)) for seed in range(40)]
    for plan in plans:
        assert plan.num_bars == DEFAULT_NUM_BARS == num_bars_of(plan.form or ())
        assert plan.key is not None
        assert abs(plan.key.signature) <= 4
        assert plan.tempo_bpm is not None
        assert 60 <= plan.tempo_bpm <= 140
        assert plan.tempo_bpm % 1 == 0
        assert (plan.repeat, plan.chords) == (AS_IN_THE_CORPUS, None)
    assert {plan.key.mode for plan in plans if plan.key} == {"major", "minor"}


def test_completing_keeps_what_is_given() -> None:
    plan = SongPlan(form="i4 A8 o4", key="Gb minor", tempo_bpm=200, repeat=0, chords="A: F#m D")
    completed = plan.completed(np.random.default_rng(0), PRIOR)
    assert completed == replace(plan, num_bars=16)
    assert completed.completed(np.random.default_rng(1)) == completed


def test_giving_one_part_does_not_change_the_others() -> None:
    free = SongPlan(num_bars=48).completed(np.random.default_rng(3))
    with_key = SongPlan(num_bars=48, key="A minor").completed(np.random.default_rng(3))
    assert with_key == replace(free, key="A minor")
    with_more = SongPlan(num_bars=48, repeat=1, chords="C Am F G").completed(np.random.default_rng(3))
    assert with_more == replace(free, repeat=1, chords="C Am F G")


def test_what_a_completed_plan_says() -> None:
    plan = SongPlan(form="i1 A2 A1", key="G", tempo_bpm=92, repeat=0.25, chords="A: G | C D")
    chords = [("G", 48, 48), ("C", 96, 24), ("D", 120, 24), ("G", 144, 48)]
    spans = tuple(ChordSpan(onset, duration, parse_chord(text)) for text, onset, duration in chords)
    assert plan.settled == (plan.form, Key(7, "major"), 92.0, 0.25, spans, None, None)
    full = replace(plan, tracks="A: melody", density="A: melody 5")
    assert full.settled == (*plan.settled[:5], parse_cast("A: melody"), parse_density("A: melody 5"))
    assert replace(plan, chords=None).settled.chords == ()


@pytest.mark.parametrize("left_open", ["form", "key", "tempo_bpm", "repeat"])
def test_a_plan_that_leaves_something_open_is_not_settled(left_open: str) -> None:
    plan = SongPlan(form="A8", key="G", tempo_bpm=92, repeat=0)
    assert plan.settled.chords == ()
    with pytest.raises(ValueError, match="leaves something open"):
        _ = replace(plan, **{left_open: None}).settled


def test_chords_for_the_whole_song_need_no_form() -> None:
    assert SongPlan(chords="C Am").completed(np.random.default_rng(0)).settled.chords


def test_texts_and_charts_are_the_same_chords() -> None:
    chart = parse_chart("A: C Am; B: F | G Em")
    assert SongPlan(form="A8 B8", chords=chart) == SongPlan(form="A8 B8", chords="A: C Am ; B: F | G Em")


def test_plan_as_text_and_back() -> None:
    assert SongPlan().to_dict() == {}
    plan = SongPlan(16, "A8 B8", "f# minor", 92.5)
    assert plan.to_dict() == {"num_bars": 16, "form": "A8 B8", "key": "F# minor", "tempo_bpm": 92.5}
    assert SongPlan(**plan.to_dict()) == plan  # ty: ignore[invalid-argument-type]


def test_plan_with_repeats_and_chords_as_text_and_back() -> None:
    """Chords are spelt as the key has them."""
    plan = SongPlan(form="A8", key="Eb", repeat=0, chords="A: D# G# | D#/G G#")
    assert plan.to_dict() == {"form": "A8", "key": "Eb major", "repeat": 0.0, "chords": "A: Eb Ab | Eb/G Ab"}
    assert SongPlan(**plan.to_dict()) == plan  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tracks": "A: all"}, "there is no form"),
        ({"form": "A4", "tracks": "B: all"}, "named for B, but the form is A4"),
        ({"form": "A4", "tracks": 3}, "tracks are 3"),
    ],
)
def test_tracks_need_a_form_that_has_their_letters(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        SongPlan(**asked)


def test_texts_and_densities_are_the_same_notes() -> None:
    density = parse_density("A: melody 5; B: all 0")
    assert SongPlan(form="A8 B8", density=density) == SongPlan(form="A8 B8", density="A: Melody 5.0\nB: all 0")


def test_plan_with_tracks_and_density_as_text_and_back() -> None:
    plan = SongPlan(form="A8 B8", tracks="B: none", density="A: melody 5, Piano 9.5; B: all 0")
    told = {"form": "A8 B8", "tracks": "B: none", "density": "A: melody 5, piano 9.5; B: all 0"}
    assert plan.to_dict() == told
    assert SongPlan(**plan.to_dict()) == plan  # ty: ignore[invalid-argument-type]


def test_plan_with_a_density_that_names_nothing_as_text_and_back() -> None:
    """Where a song is followed whose tracks rest and all are to play, nothing is left to be said."""
    plan = SongPlan(form="A8", density=FREE)
    assert SongPlan(**plan.to_dict()) == plan  # ty: ignore[invalid-argument-type]


def test_completing_keeps_a_density_and_proposes_none() -> None:
    plan = SongPlan(form="A8", density="A: melody 5")
    assert plan.completed(np.random.default_rng(0), PRIOR).density == plan.density
    assert SongPlan(form="A8").completed(np.random.default_rng(0), PRIOR).density is None


@pytest.mark.parametrize(
    ("asked", "message", "remedy"),
    [
        ({"density": "A: all 5; o: all 0"}, "there is no form", "give a form, such as A8 o8"),
        ({"num_bars": 8, "density": "A: all 5"}, "there is no form", "give a form, such as A8"),
        ({"form": "A4", "density": "B: all 5"}, "given for B, but the form is A4", "letters of the form: A"),
        ({"form": "A4", "density": 3}, "density is 3", "such as 'A: melody 5, piano 9; B: all 12'"),
        ({"form": "A4", "density": "A: melody"}, "no track with its notes", "such as A: melody 5"),
    ],
)
def test_densities_need_a_form_that_has_their_letters(asked: dict[str, Any], message: str, remedy: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        SongPlan(**asked)
    assert remedy in raised.value.remedy
