"""Agreement of two forms: by hand, and as mir_eval has it."""

from __future__ import annotations

import math

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.form_agreement import FormAgreement, form_agreement
from phraseloom.form import Section, parse_form

lengths = st.lists(st.integers(1, 9), min_size=2, max_size=7)


@st.composite
def forms(draw: st.DrawFn) -> tuple[list[Section], list[Section]]:
    """Two forms of one song, each of two sections or more."""
    first, second = draw(lengths), draw(lengths)
    shorter, longer = sorted((first, second), key=sum)
    shorter[-1] += sum(longer) - sum(shorter)
    return tuple([Section(draw(st.sampled_from("ABi")), num_bars) for num_bars in each] for each in (first, second))


def test_by_hand():
    # Boundaries 4 8 against 4 10: the first meets, the second lies two bars off, so 2 of 2 + 2.
    # Pairs of one letter: A4 B4 A4 has 28 + 6, A4 B6 A2 has 15 + 15. In both: 15 among the six bars that are A in both,
    # 6 among the four that are B in both, and that of bars 9 and 10, A in the one form and B in the other.
    agreement = form_agreement(parse_form("A4 B4 A4"), parse_form("A4 B6 A2"))
    assert agreement.boundary_f1 == pytest.approx(2 * 1 / 4)
    assert agreement.pairwise_f1 == pytest.approx(2 * (15 + 6 + 1) / (34 + 30))


def test_letters_are_names_only():
    assert form_agreement(parse_form("i4 A8 B8 A8"), parse_form("x4 C8 A8 C8")) == FormAgreement(1.0, 1.0)


def test_one_boundary_meets_one_other():
    assert form_agreement(parse_form("A4 B1 A4"), parse_form("A4 B5")).boundary_f1 == pytest.approx(2 / 3)


def test_forms_without_boundaries_have_nothing_to_agree_on():
    agreement = form_agreement(parse_form("A8"), parse_form("B8"))
    assert math.isnan(agreement.boundary_f1)
    assert agreement.pairwise_f1 == 1


def test_what_only_one_form_reaches_makes_no_pairs():
    assert form_agreement(parse_form("A4 B4"), parse_form("A4 B4 C90")).pairwise_f1 == 1


@settings(max_examples=60, deadline=None)
@given(forms())
def test_the_figures_are_those_of_mir_eval(pair: tuple[list[Section], list[Section]]):
    intervals = [np.cumsum([0, *(section.num_bars for section in form)]) for form in pair]
    spans = [np.stack([edges[:-1], edges[1:]], axis=1).astype(float) for edges in intervals]
    letters = [[section.letter for section in form] for form in pair]
    agreement = form_agreement(*pair)
    expected = mir_eval.segment.detection(*spans, window=1.0, trim=True)[2]
    assert agreement.boundary_f1 == pytest.approx(expected)
    pairwise = mir_eval.segment.pairwise(spans[0], letters[0], spans[1], letters[1], frame_size=1.0)
    if not math.isnan(pairwise[2]) and not math.isnan(agreement.pairwise_f1):
        assert agreement.pairwise_f1 == pytest.approx(pairwise[2])
