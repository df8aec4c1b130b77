"""The form of a song: sections as letters with lengths in bars, read and written as `i4 A8 A8 B8 o4`.

Letters are as in the POP909 structure labels (Dai, Zhang and Dannenberg, "Automatic Analysis and Influence of
Hierarchical Structure on Melody, Rhythm and Harmony in Popular Music", 2020): one letter is one musical idea, a capital
has vocals, a small letter has none, `i` is the intro and `o` the outro. `B` and `b` are different letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from phraseloom.errors import ParseError, RequestError

MAX_BARS = 128
"""Longest song, and so the longest section, that a form may have."""

_SEPARATORS = re.compile(r"[\s,-]*")
_SECTION = re.compile(r"([A-Za-z])\s*([0-9]+)")
_WORD = re.compile(r"[A-Za-z]|[^A-Za-z\s,-]+")
_EXAMPLE = "write each section as a letter and its number of bars, such as i4 A8 A8 B8 o4"


@dataclass(frozen=True)
class Section:
    """One section of a song.

    Attributes:
        letter: one of a-z, A-Z; sections with the same letter carry the same music.
        num_bars: 1 to 128.

    Raises:
        ValueError: either is out of range.
    """

    letter: str
    num_bars: int

    def __post_init__(self) -> None:
        if len(self.letter) != 1 or not (self.letter.isascii() and self.letter.isalpha()):
            raise ValueError(f"section letter is {self.letter!r}, expected one of a-z, A-Z")
        if not 1 <= self.num_bars <= MAX_BARS:
            raise ValueError(f"section {self.letter} has {self.num_bars} bars, expected 1 to {MAX_BARS}")

    @property
    def has_vocals(self) -> bool:
        return self.letter.isupper()

    def __str__(self) -> str:
        return f"{self.letter}{self.num_bars}"


@dataclass(frozen=True, eq=False)
class BarPositions:
    """Where each bar stands in the form: five int32 arrays `[num_bars]`.

    Attributes:
        section_index: 0 for the bars of the first section.
        letter_index: 0 for the letter that appears first, 1 for the next new letter, ...
        instance: 0 in the first section with this letter, 1 in the second, ...
        offset: 0 for the first bar of a section.
        section_num_bars: length of the bar's section.
    """

    section_index: np.ndarray
    letter_index: np.ndarray
    instance: np.ndarray
    offset: np.ndarray
    section_num_bars: np.ndarray

    def __len__(self) -> int:
        return len(self.section_index)


def format_form(sections: Iterable[Section]) -> str:
    """The form as text, `i4 A8 B8 o4`; the inverse of `parse_form`."""
    return " ".join(map(str, sections))


def require_letters(letters: Iterable[str], form: Sequence[Section], given: str, remedy: str) -> None:
    """Checks that a form has all letters that something is said of.

    Args:
        given: what is said, such as "tracks are named".
        remedy: what to do, such as "name tracks".

    Raises:
        RequestError: it lacks some.
    """
    known = dict.fromkeys(section.letter for section in form)
    unknown = [letter for letter in letters if letter not in known]
    if unknown:
        message = f"{given} for {', '.join(unknown)}, but the form is {format_form(form) or 'empty'}"
        raise RequestError(message, f"{remedy} for letters of the form: {', '.join(known)}")


def num_bars_of(sections: Iterable[Section]) -> int:
    """Bars of all sections together."""
    return sum(section.num_bars for section in sections)


def bar_positions(sections: Iterable[Section]) -> BarPositions:
    """The position of every bar of the form."""
    rows: list[tuple[int, int, int, int, int]] = []
    letters: dict[str, int] = {}
    instances: dict[str, int] = {}
    for index, section in enumerate(sections):
        letter = letters.setdefault(section.letter, len(letters))
        instance = instances[section.letter] = instances.get(section.letter, -1) + 1
        rows += [(index, letter, instance, offset, section.num_bars) for offset in range(section.num_bars)]
    return BarPositions(*np.array(rows, np.int32).reshape(-1, 5).T.copy())


def parse_form(text: str) -> tuple[Section, ...]:
    """The sections of a form, written with or without spaces, hyphens or commas between them.

    Raises:
        ParseError: there is no section, or something in it is not a letter followed by 1 to 128.
    """
    sections: list[Section] = []
    position = _end_of(_SEPARATORS, text, 0)
    while position < len(text):
        match = _SECTION.match(text, position)
        if not match:
            raise _no_section(text, position)
        sections.append(_section(text, match))
        position = _end_of(_SEPARATORS, text, match.end())
    if not sections:
        raise ParseError(text, 0, len(text), "the form is empty", _EXAMPLE)
    return tuple(sections)


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _section(text: str, match: re.Match[str]) -> Section:
    letter, num_bars = match.groups()
    if len(num_bars.lstrip("0")) > len(str(MAX_BARS)) or not 1 <= int(num_bars) <= MAX_BARS:
        message = f"section {letter} has {num_bars} bars, expected 1 to {MAX_BARS}"
        raise ParseError(text, match.start(2), match.end(2), message, "give the section a length in that range")
    return Section(letter, int(num_bars))


def _no_section(text: str, position: int) -> ParseError:
    end = _end_of(_WORD, text, position)
    token = text[position:end]
    missing = "has no number of bars" if token.isascii() and token.isalpha() else "is no section"
    return ParseError(text, position, end, f"{token!r} {missing}", _EXAMPLE)


# Proposed forms: a body of verses (A), choruses and bridges (B, C, D) and interludes (x, b) between intro and outro

_SHORT_ORDERS = ("A", "AA", "AB", "AAB", "AABA", "ABAB")
_CHORUSES = ("B", "BB", "BC", "BCC")  # the last two: a pre-chorus and a chorus
_PHRASE_BARS = (4, 8)
_INTERLUDE_BARS = 4
_SHORT_SONG_BARS = 24
_LEAST_RETURNING_SHARE = 0.3


def propose_form(num_bars: int, rng: np.random.Generator) -> tuple[Section, ...]:
    """A plausible pop form of exactly so many bars, drawn at random.

    Verses and choruses have phrases of 4 or 8 bars and return as they do in POP909, where bars under a letter that was
    heard before make up 0.44 to 0.67 of four songs in five. What the phrases leave over becomes the intro and outro.

    Args:
        num_bars: 1 to 128; below 24 there is no room for more than a few phrases.

    Raises:
        ValueError: `num_bars` is out of range.
    """
    if not 1 <= num_bars <= MAX_BARS:
        raise ValueError(f"num_bars is {num_bars}, expected 1 to {MAX_BARS}")
    if num_bars < min(_PHRASE_BARS):
        return (Section("A", num_bars),)
    frame_bars = range(5) if num_bars < _SHORT_SONG_BARS else range(5, 13)
    bodies = [body for body in _bodies() if num_bars - num_bars_of(body) in frame_bars]
    returning = [body for body in bodies if _returning_bars(body) >= _LEAST_RETURNING_SHARE * num_bars]
    choice = returning or bodies
    body = choice[rng.integers(len(choice))]
    intro, outro = _frame(num_bars - num_bars_of(body), rng)
    return (*intro, *body, *outro)


def _frame(num_bars: int, rng: np.random.Generator) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """Intro and outro, `num_bars` together; both at least from 5 bars on."""
    intros = [bars for bars in (4, 8) if bars < num_bars]
    intro_bars = intros[rng.integers(len(intros))] if intros else 0
    intro = (Section("i", intro_bars),) if intro_bars else ()
    outro = (Section("o", num_bars - intro_bars),) if num_bars > intro_bars else ()
    return intro, outro


def _returning_bars(sections: Iterable[Section]) -> int:
    """Bars under a letter that was heard before."""
    heard: set[str] = set()
    total = 0
    for section in sections:
        total += section.num_bars if section.letter in heard else 0
        heard.add(section.letter)
    return total


@cache
def _bodies() -> tuple[tuple[Section, ...], ...]:
    """Every order of letters with every choice of phrase lengths, one length for a letter."""
    bodies = []
    for order in (*_SHORT_ORDERS, *_two_round_orders()):
        phrases = sorted({letter for letter in order if letter.isupper()})
        for lengths in product(_PHRASE_BARS, repeat=len(phrases)):
            bars = dict(zip(phrases, lengths, strict=True))
            bodies.append(tuple(Section(letter, bars.get(letter, _INTERLUDE_BARS)) for letter in order))
    return tuple(bodies)


def _two_round_orders() -> Iterator[str]:
    """Verse and chorus, an interlude, both again, and an ending: `AABB x ABB C BB`."""
    for verse, chorus, interlude in product(("A", "AA"), _CHORUSES, ("", "x", "bb")):
        bridge = "D" if "C" in chorus else "C"
        for second_verse, ending in product(dict.fromkeys(("A", verse)), ("", chorus, "x" + chorus, bridge + chorus)):
            yield verse + chorus + interlude + second_verse + chorus + ending
