"""Chords as they are typed: bars there and back, and charts with all their mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.chord_chart import parse_chart
from phraseloom.errors import ParseError
from phraseloom.harmony import parse_key
from phraseloom.studio.chord_texts import bar_text, parse_bar, read_chart

C = parse_key("C")


@pytest.mark.parametrize("text", ["C", "Am7/G", "F G", "F . G Am", "N.C.", "Bb"])
def test_a_bar_there_and_back(text):
    assert bar_text(parse_bar(text), C) == text


def test_a_bar_of_spaces_is_open():
    assert parse_bar("  ") is None
    assert bar_text(None, C) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [("Xyz", (0, 3)), ("C Xyz", (2, 5)), ("C | F", (0, 5)), ("A: C", (0, 2)), ("C F G", (0, 5)), ("%", (0, 1))],
)
def test_what_is_no_bar_is_pointed_at(text, place):
    with pytest.raises(ParseError) as caught:
        parse_bar(text)
    assert (caught.value.start, caught.value.end) == place
    assert caught.value.text == text


def bars_of(text: str) -> list[str | None]:
    (part,) = read_chart(text).to_dict(C)["parts"]
    return part["bars"]


@pytest.mark.parametrize(
    ("text", "bars", "mistakes"),
    [
        ("C Am F G", ["C", "Am", "F", "G"], []),
        ("C Xyz F G", ["C", None, "F", "G"], ["Xyz"]),
        ("Q", [None], ["Q"]),
        ("C Xyz F Qq7", ["C", None, "F", None], ["Xyz", "Qq7"]),
        ("C | F Xyz | G", ["C", None, "G"], ["Xyz"]),
        ("C | F G A | G", ["C", None, "G"], ["F G A"]),
        ("Xyz % F", [None, None, "F"], ["Xyz"]),
        ("C Xyz x2", ["C", None, "C", None], ["Xyz"]),
        ("C F x0", ["C", "F", None], ["x0"]),
    ],
)
def test_every_mistake_is_found_and_its_neighbours_are_kept(text, bars, mistakes):
    read = read_chart(text)
    assert bars_of(text) == bars
    assert [text[error.start : error.end] for error in read.mistakes] == mistakes


def test_letters_keep_their_parts():
    read = read_chart("A: C Xyz; B: F").to_dict(C)
    assert read["parts"] == [{"letter": "A", "bars": ["C", None]}, {"letter": "B", "bars": ["F"]}]


@pytest.mark.parametrize("text", ["", "  ", "||", ";"])
def test_nothing_is_one_mistake(text):
    read = read_chart(text)
    assert read.parts == ()
    assert len(read.mistakes) == 1


@given(st.text(alphabet="CFGm7 |.%x2;:AXb(),\n/", max_size=30))
def test_every_text_is_read_and_sound_ones_as_charts_are(text):
    read = read_chart(text)
    for error in read.mistakes:
        assert 0 <= error.start <= error.end <= len(text)
    try:
        chart = parse_chart(text)
    except ParseError:
        assert read.mistakes
    else:
        assert read.mistakes == ()
        assert read.parts == tuple((part.letter, part.bars) for part in chart.parts)
