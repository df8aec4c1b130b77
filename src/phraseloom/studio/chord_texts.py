"""Chords as they are typed and shown: a bar's text to chords and back, and charts that are read with their mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from phraseloom.chord_chart import ChartPart, ChordChart, format_chart, parse_chart
from phraseloom.errors import ParseError
from phraseloom.harmony import Key
from phraseloom.studio.state import BarChords

_OPENING = "| "
_STAND_INS = ("C", "D")
"""What stands for a token that means nothing; no longer than any token, so that all others keep their places. Two of
them: a bar that differs between them depends on such a token."""
_SEPARATORS = re.compile(r"[\s|;,]")


def bar_text(bar: BarChords, key: Key | None) -> str | None:
    """The chords of a bar, `F . G Am`; `parse_bar` reads them back. None for a bar whose harmony is open."""
    return None if bar is None else format_chart(ChordChart((ChartPart(None, (bar,)),)), key).strip("| ")


def parse_bar(text: str) -> BarChords:
    """The chords of one bar; None for a text of nothing but spaces.

    Raises:
        ParseError: a token is no chord, or there are several bars; it points there.
    """
    if not text.strip():
        return None
    try:
        parts = parse_chart(f"{_OPENING}{text} |").parts
    except ParseError as error:
        start, end = (min(max(place - len(_OPENING), 0), len(text)) for place in (error.start, error.end))
        raise ParseError(text, start, end, error.message, error.remedy) from None
    if len(parts) != 1 or len(parts[0].bars) != 1:
        raise ParseError(text, 0, len(text), f"{text!r} is more than a bar", "give each bar its own entry")
    return parts[0].bars[0]


@dataclass(frozen=True)
class ReadChart:
    """A chart as far as it could be read.

    Attributes:
        parts: letter (None for the whole song) and bars; None for a bar in which something is wrong.
        mistakes: each pointing at its place in the text.
    """

    parts: tuple[tuple[str | None, tuple[BarChords, ...]], ...]
    mistakes: tuple[ParseError, ...]

    def to_dict(self, key: Key | None) -> dict[str, Any]:
        """For JSON, with the names of notes that are usual in `key`."""
        return {
            "parts": [{"letter": letter, "bars": [bar_text(bar, key) for bar in bars]} for letter, bars in self.parts],
            "problems": [
                {"start": error.start, "end": error.end, "detail": error.message, "remedy": error.remedy}
                for error in self.mistakes
            ],
        }


def read_chart(text: str) -> ReadChart:
    """Reads a chord chart as `phraseloom.chord_chart.parse_chart` does, but goes on behind every mistake."""
    mistakes: list[ParseError] = []
    holes: list[tuple[int, int]] = []
    while True:
        try:
            one, other = (parse_chart(_filled(text, holes, stand_in)) for stand_in in _STAND_INS)
        except ParseError as error:
            mistakes.append(ParseError(text, error.start, error.end, error.message, error.remedy))
            grown = _with_hole(holes, _whole_tokens(text, error.start, error.end))
            if grown == holes or not _SEPARATORS.sub("", text):
                return ReadChart((), tuple(mistakes))  # nothing that could be stood in for
            holes = grown
        else:
            return ReadChart(tuple(map(_sound_bars, one.parts, other.parts)), tuple(mistakes))


def _with_hole(holes: list[tuple[int, int]], hole: tuple[int, int]) -> list[tuple[int, int]]:
    """Holes that only ever grow, so that reading comes to an end: those that overlap are one."""
    touching = [each for each in holes if each[0] < hole[1] and hole[0] < each[1]]
    starts, ends = zip(*touching, hole, strict=True)
    return sorted({*holes} - {*touching} | {(min(starts), max(ends))})


def _filled(text: str, holes: list[tuple[int, int]], stand_in: str) -> str:
    for start, end in holes:
        text = text[:start] + stand_in.ljust(end - start) + text[end:]
    return text


def _whole_tokens(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and not _SEPARATORS.match(text[start - 1]):
        start -= 1
    while end < len(text) and not _SEPARATORS.match(text[end]):
        end += 1
    return start, end


def _sound_bars(one: ChartPart, other: ChartPart) -> tuple[str | None, tuple[BarChords, ...]]:
    return one.letter, tuple(
        bar if bar == same_bar else None for bar, same_bar in zip(one.bars, other.bars, strict=True)
    )
