"""Chord charts: the chords of a song's sections as musicians type them, `A: C Am F G; B: F | G Em . Am`.

A chart is made of parts, with `;` or a new line between them. A part names a letter of the form, or several (`A, B:`),
and gives the chords of its bars:

- Without any `|` each chord lasts a bar. With `|` between the bars, the chords in a bar share it evenly: 1, 2 or 4.
- `.` holds the chord before it for one more share, at the start of a bar the last chord of the bar before.
- `%` repeats the bar before; `N.C.` is no chord.
- `x2`, `x3`, ... repeats the bars of its line, from the last `||` or `x2` on if there is one: `C Am x2 F G x3` are four
  bars of C and Am, then six of F and G. `||` by itself only marks where such a repeat starts.
- A line without a letter goes on with the part above it; whether its chords share bars depends on the line alone.

A chart without any letter is for the whole song. In the example the bars of B are F, then G, Em for two beats and Am.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

from phraseloom.errors import ParseError
from phraseloom.form import MAX_BARS, Section, num_bars_of, require_letters
from phraseloom.harmony import NO_CHORD, Chord, Key, parse_chord
from phraseloom.score import TICKS_PER_QUARTER, ChordSpan

BEATS_PER_BAR = 4
"""A chart knows 4/4 only; a beat is its finest resolution."""

_TICKS_PER_BAR = BEATS_PER_BAR * TICKS_PER_QUARTER
_SHARES = (1, 2, BEATS_PER_BAR)
_HOLD, _REPEAT_BAR = ".", "%"
_CHART_REMEDY = "write a letter and the chords of its bars, such as A: C Am F G; B: F | G Em . Am"

Bar = tuple[Chord, ...]
"""1, 2 or 4 chords that share a bar evenly."""


@dataclass(frozen=True)
class ChartPart:
    """The chords of one letter's bars.

    Attributes:
        letter: of the form; None for the whole song.
        bars: 1 to 128; each is kept with as few chords as say the same, so that `C C` and `C` are one bar.

    Raises:
        ValueError: no such letter or number of bars, or a bar of other than 1, 2 or 4 chords.
    """

    letter: str | None
    bars: tuple[Bar, ...]

    def __post_init__(self) -> None:
        Section("A" if self.letter is None else self.letter, len(self.bars))  # raises for what no section can have
        for bar in self.bars:
            if len(bar) not in _SHARES:
                raise ValueError(f"a bar has {len(bar)} chords, expected 1, 2 or 4")
        object.__setattr__(self, "bars", tuple(map(_with_fewest_chords, self.bars)))


@dataclass(frozen=True)
class ChordChart:
    """Chords for the bars of some of a form's letters, or of the whole song; `str` gives it as text.

    Attributes:
        parts: one a letter, in the order in which they are shown; or a single one without a letter.

    Raises:
        ValueError: there is no part, a letter comes twice, or a part without a letter is not the only one.
    """

    parts: tuple[ChartPart, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a chord chart needs at least one part")
        if len(set(self.letters)) != len(self.letters):
            raise ValueError(f"a letter comes twice in {', '.join(self.letters)}")
        if self.letters and len(self.letters) != len(self.parts):
            raise ValueError("a part for the whole song stands beside parts for letters")

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters that it names; none if it is for the whole song."""
        return tuple(part.letter for part in self.parts if part.letter is not None)

    def spans(self, form: Sequence[Section], ticks_per_bar: int = _TICKS_PER_BAR) -> tuple[ChordSpan, ...]:
        """The chords laid over a form, equal neighbours of one section joined.

        Every section that the chart names starts with the first bar of its part; the bars repeat until the section is
        full. A chart for the whole song runs through all sections, and starts again when it ends. Sections that the
        chart does not name have no spans; no chord (`N.C.`) is a span too.

        Args:
            form: sections from the start of the song.
            ticks_per_bar: length of a bar, a multiple of 4.

        Raises:
            RequestError: the chart names a letter that the form does not have.
            ValueError: `ticks_per_bar` does not divide into beats.
        """
        _check_ticks_per_bar(ticks_per_bar)
        require_letters(self.letters, form, "the chart has chords", "give chords")
        bars_of = {part.letter: part.bars for part in self.parts}
        spans: list[ChordSpan] = []
        for section, start_bar in _with_start_bars(form):
            bars = bars_of.get(section.letter)
            first = 0
            if bars is None:
                bars, first = bars_of.get(None), start_bar
            if bars is not None:
                section_bars = [bars[(first + bar) % len(bars)] for bar in range(section.num_bars)]
                spans += _joined(section_bars, start_bar * ticks_per_bar, ticks_per_bar)
        return tuple(spans)

    def transposed(self, semitones: int) -> ChordChart:
        """The same chords `semitones` higher."""
        return ChordChart(tuple(ChartPart(part.letter, _transposed(part.bars, semitones)) for part in self.parts))

    def __str__(self) -> str:
        return format_chart(self)


def format_chart(chart: ChordChart, key: Key | None = None) -> str:
    """The chart as one line of text; `parse_chart` reads it back to the same chart.

    Args:
        key: whose sharps or flats name the notes; None for those usual with each chord.
    """
    return "; ".join(_format_part(part, key) for part in chart.parts)


def chart_of(
    spans: Iterable[ChordSpan], form: Sequence[Section], ticks_per_bar: int = _TICKS_PER_BAR
) -> ChordChart | None:
    """A chart of a song's chords, by letters: what a chart laid over a form makes of it, made a chart again.

    Each letter has the chords of its longest section, of the first one among equals, and only once those that come
    round again. Chords change at the nearest beat. Beats without a span, in a section with others, are `N.C.`.

    Args:
        spans: ordered, not overlapping, as in a `Score`; what lies behind the form is left out.
        form: sections from the start of the song.
        ticks_per_bar: length of a bar, a multiple of 4.

    Returns:
        The chart, without the letters that have no chords; None if none has any.

    Raises:
        ValueError: `ticks_per_bar` does not divide into beats.
    """
    _check_ticks_per_bar(ticks_per_bar)
    bars = _bars_by_beats(spans, num_bars_of(form), ticks_per_bar // BEATS_PER_BAR)
    longest: dict[str, tuple[int, int]] = {}
    for section, start_bar in _with_start_bars(form):
        if section.num_bars > longest.get(section.letter, (0, 0))[1]:
            longest[section.letter] = (start_bar, section.num_bars)
    parts = []
    for letter, (start_bar, num_bars) in longest.items():
        section_bars = bars[start_bar : start_bar + num_bars]
        if any(chord is not None for bar in section_bars for chord in bar):
            filled = tuple(tuple(chord or NO_CHORD for chord in bar) for bar in section_bars)
            parts.append(ChartPart(letter, _once_round(filled)))
    return ChordChart(tuple(parts)) if parts else None


def _transposed(bars: tuple[Bar, ...], semitones: int) -> tuple[Bar, ...]:
    return tuple(tuple(chord.transposed(semitones) for chord in bar) for bar in bars)


def _check_ticks_per_bar(ticks_per_bar: int) -> None:
    if ticks_per_bar < BEATS_PER_BAR or ticks_per_bar % BEATS_PER_BAR:
        raise ValueError(f"ticks_per_bar is {ticks_per_bar}, expected a positive multiple of {BEATS_PER_BAR}")


def _with_start_bars(form: Iterable[Section]) -> Iterator[tuple[Section, int]]:
    start_bar = 0
    for section in form:
        yield section, start_bar
        start_bar += section.num_bars


def _with_fewest_chords(bar: Bar) -> Bar:
    while len(bar) > 1 and bar[0::2] == bar[1::2]:
        bar = bar[0::2]
    return bar


def _joined(bars: Iterable[Bar], onset_ticks: int, ticks_per_bar: int) -> Iterator[ChordSpan]:
    """The chords of the bars from `onset_ticks` on, equal neighbours as one."""
    shares = ((chord, ticks_per_bar // len(bar)) for bar in bars for chord in bar)
    for chord, group in groupby(shares, key=itemgetter(0)):
        duration_ticks = sum(ticks for _, ticks in group)
        yield ChordSpan(onset_ticks, duration_ticks, chord)
        onset_ticks += duration_ticks


def _bars_by_beats(spans: Iterable[ChordSpan], num_bars: int, ticks_per_beat: int) -> list[tuple[Chord | None, ...]]:
    """The chord on every beat of every bar; None where there is none."""
    num_beats = num_bars * BEATS_PER_BAR
    beats: list[Chord | None] = [None] * num_beats
    for span in spans:
        ends = (span.onset_ticks, span.onset_ticks + span.duration_ticks)
        first, last = (min((2 * tick + ticks_per_beat) // (2 * ticks_per_beat), num_beats) for tick in ends)
        beats[first:last] = [span.chord] * (last - first)
    return [tuple(beats[start : start + BEATS_PER_BAR]) for start in range(0, num_beats, BEATS_PER_BAR)]


def _once_round(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """The fewest first bars that make up all of them when repeated a whole number of times."""
    num_bars = len(bars)
    lengths = (length for length in range(1, num_bars + 1) if num_bars % length == 0)
    return next(bars[:length] for length in lengths if bars[:length] * (num_bars // length) == bars)


# Printing


def _format_part(part: ChartPart, key: Key | None) -> str:
    label = "" if part.letter is None else f"{part.letter}: "
    bars = [_format_bar(bar, key) for bar in part.bars]
    if all(len(bar) == 1 for bar in part.bars):
        return label + " ".join(bars)
    # a single bar needs its bar lines, or its chords would be bars
    return label + (" | ".join(bars) if len(bars) > 1 else f"| {bars[0]} |")


def _format_bar(bar: Bar, key: Key | None) -> str:
    later = (_HOLD if chord == before else chord.symbol(key) for before, chord in pairwise(bar))
    return " ".join((bar[0].symbol(key), *later))


# Reading

_LINE = re.compile(r"([^;\r\n]*)([;\r\n]|\Z)")
_LABEL = re.compile(r"\s*(\w+(?:\s*,\s*\w+)*)\s*:(?!\|)")
_LETTER = re.compile(r"\w+")
# bar lines, a repeat, or anything else, whose parentheses may hold spaces: G7(b9, 13)
_TOKEN = re.compile(r"\|+|[xX\u00d7]\s*[0-9]+(?![^\s,|])|(?:\([^()|]*\)|[^\s,|])+")
_REPEAT = re.compile(r"[xX\u00d7]\s*([0-9]+)")


@dataclass(frozen=True)
class _Token:
    """A piece of the chart's text, and where it stands."""

    chart: str
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.chart[self.start : self.end]

    def to(self, last: _Token) -> _Token:
        """The piece from here to the end of another token."""
        return _Token(self.chart, self.start, last.end)

    def error(self, message: str, remedy: str) -> ParseError:
        return ParseError(self.chart, self.start, self.end, message, remedy)


@dataclass(frozen=True)
class _Line:
    """What stands between new lines or semicolons; it starts a part unless only a new line parts it from chords."""

    label: _Token | None
    tokens: tuple[_Token, ...]
    starts_part: bool


def parse_chart(text: str) -> ChordChart:
    """The chart written in the way that this module describes.

    Raises:
        ParseError: there are no chords, or something in it means nothing; it points there.
    """
    lines = list(_lines(text))
    has_letters = any(line.label for line in lines)
    drafts: list[tuple[_Token | None, _BarReader]] = []
    for line in lines:
        if has_letters and line.starts_part and not line.label:
            remedy = "write the letter of their section and a colon before them, or leave all letters out"
            chords = line.tokens[0].to(line.tokens[-1])
            raise chords.error("these chords have no letter, but others in the chart do", remedy)
        if line.label or not drafts:
            drafts.append((line.label, _BarReader()))
        drafts[-1][1].read(line.tokens)
    parts: list[ChartPart] = []
    for label, reader in drafts:
        parts += _parts_of(label, tuple(reader.bars), {part.letter for part in parts})
    if not parts:
        raise ParseError(text, 0, len(text), "the chord chart is empty", _CHART_REMEDY)
    return ChordChart(tuple(parts))


def _lines(text: str) -> Iterator[_Line]:
    """The lines of a chart that are not blank."""
    starts_part = True
    for match in _LINE.finditer(text):
        start, end = match.span(1)
        label = _label(text, start, end)
        # the colon lies between the label and its chords
        start = start if label is None else text.index(":", label.end) + 1
        tokens = tuple(_Token(text, *found.span()) for found in _TOKEN.finditer(text, start, end))
        if label or tokens:
            yield _Line(label, tokens, starts_part)
            starts_part = False
        starts_part = starts_part or match[2] == ";"


def _label(text: str, start: int, end: int) -> _Token | None:
    """The letters before a line's first colon, unless the colon belongs to a Harte label such as `A:min7`."""
    match = _LABEL.match(text, start, end)
    if not match:
        return None
    first = _TOKEN.search(text, start, end)
    if first and ":" in first[0] and _is_chord(first[0]):
        return None
    return _Token(text, *match.span(1))


def _is_chord(text: str) -> bool:
    try:
        parse_chord(text)
    except ParseError:
        return False
    return True


def _parts_of(label: _Token | None, bars: tuple[Bar, ...], taken: set[str | None]) -> Iterator[ChartPart]:
    """A part for every letter of a label; none for bars that are none and have no label either."""
    if label is None:
        if bars:
            yield ChartPart(None, bars)
        return
    for match in _LETTER.finditer(label.chart, label.start, label.end):
        letter = _Token(label.chart, *match.span())
        if len(letter.text) != 1 or not (letter.text.isascii() and letter.text.isalpha()):
            raise letter.error(f"{letter.text!r} is no letter of a form", _CHART_REMEDY)
        if letter.text in taken:
            raise letter.error(f"{letter.text} has chords already", "give each letter its chords once")
        if not bars:
            raise letter.error(f"{letter.text} has no chords", "write its chords behind the colon, or N.C. for none")
        taken = taken | {letter.text}
        yield ChartPart(letter.text, bars)


class _BarReader:
    """The bars of one part, read line by line."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self._repeat_from = 0
        self._open_bar: list[_Token] = []

    def read(self, tokens: Sequence[_Token]) -> None:
        """Adds the bars of one line."""
        for before, token in pairwise(tokens):
            if before.text == token.text == "|":
                raise before.to(token).error("there is no chord between these bar lines", "write one, or . or %")
        has_bar_lines = any(token.text == "|" for token in tokens)
        self._repeat_from = len(self.bars)
        for token in tokens:
            if token.text.startswith("|"):
                self._close_bar()
                if token.text != "|":
                    self._repeat_from = len(self.bars)
            elif times := _REPEAT.fullmatch(token.text):
                self._close_bar()
                self._repeat(times[1].lstrip("0"), token)
            else:
                self._open_bar.append(token)
                if not has_bar_lines:
                    self._close_bar()
        self._close_bar()

    def _close_bar(self) -> None:
        tokens, self._open_bar = self._open_bar, []
        if not tokens:
            return
        self._check_room(1, tokens[0].to(tokens[-1]))
        repeats = [token for token in tokens if token.text == _REPEAT_BAR]
        self.bars.append(self._bar_before(repeats[0], tokens) if repeats else self._shares(tokens))

    def _bar_before(self, repeat: _Token, tokens: Sequence[_Token]) -> Bar:
        if len(tokens) > 1:
            raise repeat.error("% stands for a whole bar", "give it a bar of its own, or hold the chord before with .")
        if not self.bars:
            raise repeat.error("there is no bar before this % to repeat", "write the chords of the first bar")
        return self.bars[-1]

    def _shares(self, tokens: Sequence[_Token]) -> Bar:
        chords = [self.bars[-1][-1]] if self.bars else []
        num_before = len(chords)
        for token in tokens:
            if token.text != _HOLD:
                chords.append(_chord(token))
            elif chords:
                chords.append(chords[-1])
            else:
                raise token.error("there is no chord before this . to hold", "start with a chord, or N.C. for none")
        if len(tokens) not in _SHARES:
            message = f"{len(tokens)} chords cannot share a bar of four beats evenly"
            remedy = "write 1, 2 or 4 a bar, with . to hold a chord for one more share, such as | C . F G |"
            raise tokens[0].to(tokens[-1]).error(message, remedy)
        return tuple(chords[num_before:])

    def _repeat(self, digits: str, token: _Token) -> None:
        repeated = self.bars[self._repeat_from :]
        if not repeated:
            raise token.error(f"there is no bar before {token.text} to repeat", f"put {token.text} behind the bars")
        if not digits:
            raise token.error("bars cannot be played no times", "write x2 to play them twice, or leave them out")
        # Python refuses to read thousands of digits
        times = int(digits) if len(digits) <= len(str(MAX_BARS)) else MAX_BARS + 1
        self._check_room((times - 1) * len(repeated), token)
        self.bars += repeated * (times - 1)
        self._repeat_from = len(self.bars)

    def _check_room(self, num_new_bars: int, token: _Token) -> None:
        if len(self.bars) + num_new_bars > MAX_BARS:
            message = f"the chart goes over {MAX_BARS} bars here, more than a song can have"
            raise token.error(message, "write the bars once: they repeat until the section is full")


def _chord(token: _Token) -> Chord:
    """The chord that a token names, its error moved to where the token stands."""
    if _LABEL.fullmatch(token.text):
        raise token.error(f"{token.text} stands behind other chords", "put ; or a new line before a letter")
    try:
        return parse_chord(token.text)
    except ParseError as error:
        found = _Token(token.chart, token.start + error.start, token.start + error.end)
        raise found.error(error.message, error.remedy) from None
