"""Form strings, the position of every bar, proposed forms."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.errors import ParseError
from phraseloom.form import MAX_BARS, Section, bar_positions, format_form, num_bars_of, parse_form, propose_form

FORM = (Section("i", 4), Section("A", 8), Section("B", 8), Section("o", 4))


@pytest.mark.parametrize(
    "text",
    ["i4 A8 B8 o4", "i4A8B8o4", "i4-A8-B8-o4", "i4, A8, B8, o4", "  i4\tA8\nB8 o4 ", "i04 A 8 B8 o4-"],
)
def test_form_is_read_with_any_separator(text: str) -> None:
    assert parse_form(text) == FORM
    assert format_form(FORM) == "i4 A8 B8 o4"


@pytest.mark.parametrize(
    ("text", "token", "message"),
    [
        ("", "", "empty"),
        (" - ", " - ", "empty"),
        ("i4 A", "A", "no number of bars"),
        ("i4 AB8", "A", "no number of bars"),
        ("A8 8", "8", "no section"),
        ("A8 ?? B4", "??", "no section"),
        ("é4", "é4", "no section"),
        ("A8 B0", "0", "expected 1 to 128"),
        ("A129", "129", "expected 1 to 128"),
        ("A" + "9" * 5000, "9" * 5000, "expected 1 to 128"),
        ("A٣", "A", "no number of bars"),
    ],
)
def test_error_points_at_the_token(text: str, token: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as raised:
        parse_form(text)
    assert text[raised.value.start : raised.value.end] == token


def test_capitals_have_vocals() -> None:
    assert [section.has_vocals for section in parse_form("i4 A8 b4")] == [False, True, False]


@pytest.mark.parametrize(("letter", "num_bars"), [("", 4), ("AB", 4), ("é", 4), ("1", 4), ("A", 0), ("A", 129)])
def test_section_out_of_range_is_refused(letter: str, num_bars: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Section(letter, num_bars)


def test_bar_positions_by_hand() -> None:
    positions = bar_positions(parse_form("i1 A2 b1 A3"))
    assert len(positions) == 7
    assert positions.section_index.tolist() == [0, 1, 1, 2, 3, 3, 3]
    assert positions.letter_index.tolist() == [0, 1, 1, 2, 1, 1, 1]
    assert positions.instance.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert positions.offset.tolist() == [0, 0, 1, 0, 0, 1, 2]
    assert positions.section_num_bars.tolist() == [1, 2, 2, 1, 3, 3, 3]
    assert all(column.dtype == np.int32 for column in vars(positions).values())


def test_bar_positions_of_no_section() -> None:
    assert len(bar_positions(())) == 0


def test_small_and_capital_letters_differ() -> None:
    assert bar_positions(parse_form("B1 b1 B1")).letter_index.tolist() == [0, 1, 0]


def test_proposed_forms_have_any_length() -> None:
    for num_bars in range(1, MAX_BARS + 1):
        for seed in range(3):
            form = propose_form(num_bars, np.random.default_rng(seed))
            assert num_bars_of(form) == num_bars, format_form(form)


def test_proposed_songs_begin_end_and_return() -> None:
    for num_bars in range(32, MAX_BARS + 1, 3):
        form = propose_form(num_bars, np.random.default_rng(num_bars))
        letters = [section.letter for section in form]
        assert letters[0] == "i"
        assert letters[-1] == "o"
        assert {section.num_bars for section in form[1:-1]} <= {4, 8}
        returning = [section for index, section in enumerate(form) if section.letter in letters[:index]]
        assert 0.3 <= num_bars_of(returning) / num_bars <= 0.8, format_form(form)


def test_proposed_form_depends_on_the_seed_alone() -> None:
    forms = [propose_form(64, np.random.default_rng(seed)) for seed in range(20)]
    assert forms == [propose_form(64, np.random.default_rng(seed)) for seed in range(20)]
    assert len(set(forms)) > 10


@pytest.mark.parametrize("num_bars", [0, -4, 129])
def test_no_form_out_of_range_is_proposed(num_bars: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 128"):
        propose_form(num_bars, np.random.default_rng(0))
