"""REMI-z text in and out, the notation of Ou and Wang (arXiv 2512.11348): `i-0 o-0 p-60 d-9 p-57 d-9 o-12 ... b-1`.

A bar is a list of phrases and ends with `b-1`. A phrase is an instrument (`i-`: the General MIDI program, 128 for
drums) and its notes by onset, then by falling pitch: the onset in ticks from the bar line (`o-`, once for all notes
that start there), then pitch and duration in ticks of each (`p-`, `d-`) and, where wanted, its velocity (`v-`).

The text has no names, so a program played by several tracks needs a rule: the first `i-0` of a bar is the song's first
track of program 0, the second `i-0` its second, and so on. `format_remi_z` leaves a track out of the bars where it is
silent, as the paper does, with two exceptions in which it writes the bare `i-` token: in the first bar, so that every
track is there and in its place, and before another track of the same program that does play.

What the text holds comes back: `parse_remi_z(format_remi_z(score, velocity=True))` has the bars and tracks of `score`,
programs and notes alike. Names, tempo, meter, sections, chords, key, title and the program of a drum track are not in
it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from phraseloom.errors import ParseError
from phraseloom.general_midi import program_name
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.transforms import cut, join

DRUMS_INSTRUMENT = 128
DEFAULT_VELOCITY = 80

_LONGEST_TICKS = int(np.iinfo(np.int32).max)
"""As long as `Notes` can hold."""

_TOKEN = re.compile(r"([iopdvb])-([0-9]{1,10})")
_KINDS = {"i": "instrument", "o": "onset", "p": "pitch", "d": "duration", "v": "velocity", "b": "end of bar"}
_FOLLOWERS = {"i": "oib", "o": "p", "p": "d", "d": "pvoib", "v": "poib", "b": "ib"}
"""Kinds of token that may stand behind each; a text starts as if behind `b`."""

_EXAMPLE = "write bars such as: i-0 o-0 p-60 d-12 p-55 d-12 o-24 p-62 d-24 b-1"


def format_remi_z(score: Score, *, velocity: bool = False) -> str:
    """The song as text, one bar a line.

    Args:
        velocity: write a `v-` token behind every duration; without them velocities are lost.
    """
    instruments = [DRUMS_INSTRUMENT if track.is_drum else track.program for track in score.tracks]
    lines = []
    for bar, phrases in enumerate(cut(score)):
        tokens: list[str] = []
        for index, (instrument, notes) in enumerate(zip(instruments, phrases, strict=True)):
            later = zip(instruments[index + 1 :], phrases[index + 1 :], strict=True)
            keeps_place = bar == 0 or any(other == instrument and len(theirs) for other, theirs in later)
            if len(notes) or keeps_place:
                tokens += [f"i-{instrument}", *_note_tokens(notes, velocity)]
        lines.append(" ".join([*tokens, "b-1"]))
    return "\n".join(lines)


def parse_remi_z(
    text: str,
    *,
    default_velocity: int = DEFAULT_VELOCITY,
    meters: Sequence[MeterChange] = (MeterChange(0, 4, 4),),
) -> Score:
    """The song that a text spells.

    Tracks come in the order in which the text first names them and are called by their instrument. Any whitespace
    separates tokens. The notes of an onset may come in any order; a note that still sounds when its pitch is struck
    again ends there.

    Args:
        text: tokens; every bar ends with `b-1`, the last one too.
        default_velocity: of notes without a `v-` token, 1 to 127.
        meters: of the bars, as `Score` takes them.

    Raises:
        ParseError: an unknown token, one that cannot stand where it does (such as a duration without a pitch), a value
            out of range, an onset outside its bar or before the last one, or no `b-1` at the end.
        ValueError: `meters` that the number of bars cannot have.
    """
    tokens = list(_tokens(text))
    num_bars = sum(token.kind == "b" for token in tokens)
    if not tokens:
        raise ParseError(text, 0, len(text), "the text is empty", _EXAMPLE)
    if tokens[-1].kind != "b":
        raise tokens[-1].error(f"the text ends with {str(tokens[-1])!r}, inside a bar", "write b-1 behind the last bar")
    empty = Score((), num_bars, tuple(meters))
    phrases = _Phrases(np.diff(empty.bar_start_ticks).tolist(), default_velocity)
    for token in tokens:
        phrases.take(token)
    tracks = [_empty_track(instrument) for instrument, _ in phrases.rows]
    bars = [[Notes.from_rows(bars.get(bar, ())) for bars in phrases.rows.values()] for bar in range(num_bars)]
    return join(bars, Score(tuple(tracks), num_bars, empty.meters))


class _Token(NamedTuple):
    """A token and its place in the text."""

    kind: str
    value: int
    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.text[self.start : self.end]

    def error(self, message: str, remedy: str) -> ParseError:
        return ParseError(self.text, self.start, self.end, message, remedy)

    def require_range(self, low: int, high: int) -> None:
        if not low <= self.value <= high:
            allowed = f"write {self.kind}-{low} to {self.kind}-{high}" if high > low else f"write {self.kind}-{low}"
            raise self.error(f"{_KINDS[self.kind]} {str(self)!r} is out of range", allowed)


def _tokens(text: str) -> Iterator[_Token]:
    previous: _Token | None = None
    for word in re.finditer(r"\S+", text):
        match = _TOKEN.fullmatch(word.group())
        if match is None:
            raise ParseError(text, word.start(), word.end(), f"{word.group()!r} is no REMI-z token", _EXAMPLE)
        token = _Token(match[1], int(match[2]), text, word.start(), word.end())
        followers = _FOLLOWERS["b" if previous is None else previous.kind]
        if token.kind not in followers:
            place = "at the start" if previous is None else f"behind {str(previous)!r}"
            expected = " or ".join(f"{_KINDS[kind]} ({kind}-)" for kind in followers)
            raise token.error(f"{_KINDS[token.kind]} {str(token)!r} cannot stand {place}", f"write {expected} there")
        yield token
        previous = token


@dataclass
class _Phrases:
    """The notes of a text, taken in token by token.

    Attributes:
        ticks_per_bar: length of every bar.
        default_velocity: of notes that have none.
        rows: by instrument and place among the tracks of that instrument, in order of first appearance: for every bar
            its notes as (onset_ticks, duration_ticks, pitch, velocity), onsets from the bar line.
        bar: the bar being read.
        num_seen: how often each instrument has come in it.
        phrase: the rows of the phrase being read.
        onset_ticks, pitch: of the note being read.
    """

    ticks_per_bar: list[int]
    default_velocity: int
    rows: dict[tuple[int, int], dict[int, list[tuple[int, int, int, int]]]] = field(default_factory=dict)
    bar: int = 0
    num_seen: Counter[int] = field(default_factory=Counter)
    phrase: list[tuple[int, int, int, int]] = field(default_factory=list)
    onset_ticks: int = 0
    pitch: int = 0

    def take(self, token: _Token) -> None:
        match token.kind:
            case "b":
                token.require_range(1, 1)
                self.bar += 1
                self.num_seen.clear()
            case "i":
                token.require_range(0, DRUMS_INSTRUMENT)
                track = self.rows.setdefault((token.value, self.num_seen[token.value]), {})
                self.num_seen[token.value] += 1
                self.phrase = track[self.bar] = []
                self.onset_ticks = 0
            case "o":
                self._take_onset(token)
            case "p":
                token.require_range(0, 127)
                self.pitch = token.value
            case "d":
                token.require_range(1, _LONGEST_TICKS)
                self.phrase.append((self.onset_ticks, token.value, self.pitch, self.default_velocity))
            case "v":
                token.require_range(1, 127)
                self.phrase[-1] = (*self.phrase[-1][:3], token.value)

    def _take_onset(self, token: _Token) -> None:
        last = self.ticks_per_bar[self.bar] - 1
        if token.value > last:
            message = f"onset {str(token)!r} lies outside bar {self.bar + 1}, which has {last + 1} ticks"
            raise token.error(message, f"write o-0 to o-{last}")
        if token.value < self.onset_ticks:
            message = f"onset {str(token)!r} comes after o-{self.onset_ticks}"
            raise token.error(message, "write the notes of an instrument in order of onset")
        self.onset_ticks = token.value


def _note_tokens(notes: Notes, velocity: bool) -> Iterator[str]:
    last_onset = None
    for onset, duration, pitch, loudness in notes.table.tolist():
        if onset != last_onset:
            yield f"o-{onset}"
            last_onset = onset
        yield f"p-{pitch}"
        yield f"d-{duration}"
        if velocity:
            yield f"v-{loudness}"


def _empty_track(instrument: int) -> Track:
    if instrument == DRUMS_INSTRUMENT:
        return Track("Drums", Notes.empty(), is_drum=True)
    return Track(program_name(instrument), Notes.empty(), instrument)
