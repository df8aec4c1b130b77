"""Bars, tracks and cells as users name them."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.errors import ParseError, RequestError
from phraseloom.regions import format_bars, format_cells, parse_bars, parse_cells
from phraseloom.score import Notes, Score, Track

SONG = Score(tuple(Track(name, Notes.empty()) for name in ("Melody", "Piano", "piano ", "", "3", "a;b", "ALL")), 6)


@pytest.mark.parametrize(
    ("text", "bars"),
    [("1", [1]), ("2-4", [2, 3, 4]), ("4,1-2", [1, 2, 4]), (" 1 - 2 , 2-3 ", [1, 2, 3]), ("1-6", [1, 2, 3, 4, 5, 6])],
)
def test_bars_are_counted_from_1_with_both_ends(text, bars):
    assert (np.flatnonzero(parse_bars(text, 6)) + 1).tolist() == bars


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("", "", "'' names no bars"),
        ("1,,2", "", "'' names no bars"),
        ("1-2,x", "x", "'x' names no bars"),
        ("3-", "3-", "'3-' names no bars"),
        ("-3", "-3", "'-3' names no bars"),
        ("1,0", "0", "no bars 0"),
        ("1,5-7", "5-7", "no bars 5-7"),
        ("4-3", "4-3", "no bars 4-3"),
        ("9" * 5000, "9" * 5000, "names no bars"),
    ],
)
def test_bars_that_are_none_are_pointed_at(text, marked, message):
    with pytest.raises(ParseError, match=message) as caught:
        parse_bars(text, 6)
    assert text[caught.value.start : caught.value.end] == marked
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["1", "2-4", "1-2,4", "1,3,5-6", "1-6"])
def test_bars_are_written_as_they_are_read(text):
    assert format_bars(parse_bars(text, 6)) == text


def cells(*named: tuple[slice | int, slice | int]) -> np.ndarray:
    """Bars and tracks from 0."""
    chosen = np.zeros((6, 7), bool)
    for bars, tracks in named:
        chosen[bars, tracks] = True
    return chosen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", cells()),
        ("melody", cells((slice(None), 0))),
        ("Melody: 2-3; 2", cells((slice(1, 3), 0), (slice(None), 1))),
        ("all: 6;", cells((5, slice(None)))),
        (" 4 : 1 , 3 ;melody", cells((0, 3), (2, 3), (slice(None), 0))),
        ("3", cells((slice(None), 4))),  # a name goes before a number
    ],
)
def test_cells_are_tracks_with_bars(text, expected):
    assert (parse_cells(text, SONG) == expected).all()


@pytest.mark.parametrize("text", ["organ", "8", "organ: 1"])
def test_tracks_that_are_none_are_refused(text):
    with pytest.raises(RequestError, match="the song has no track") as caught:
        parse_cells(text, SONG)
    assert "1 Melody, 2 Piano" in caught.value.remedy


@pytest.mark.parametrize("text", ["melody: 7", "melody:", "all: 3-1", "melody: 1: 2"])
def test_bars_of_cells_are_checked(text):
    with pytest.raises(ParseError):
        parse_cells(text, SONG)


def test_cells_are_written_so_that_no_other_track_is_meant():
    assert format_cells(np.ones((6, 7), bool), SONG) == "Melody; 2; 3; 4; 5; 6; 7"
    assert format_cells(cells((slice(0, 2), 0), (4, 0), (1, 5)), SONG) == "Melody: 1-2,5; 6: 2"
    assert format_cells(cells(), SONG) == ""
