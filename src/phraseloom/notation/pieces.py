"""Voices cut into what one note or rest can stand for: at bar lines, and where no note is that long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.notation.voices import Voice

_LONG_TICKS = tuple(TICKS_PER_QUARTER * quarters for quarters in (4, 3, 2, 1))
"""Of notes that may begin on a beat: whole, dotted half, half, quarter."""

_DOTTED_QUARTER_TICKS = 3 * TICKS_PER_QUARTER // 2
_SHORT_TICKS = (9, 8, 6, 4, 3, 2, 1)
"""Dotted eighth, quarter of a triplet, eighth, eighth of a triplet, 16th, and the triplet's 16th and 32nd."""


@dataclass(frozen=True)
class Piece:
    """A note, chord or rest of one bar, of a length that one symbol stands for.

    Attributes:
        start_ticks: from the bar line.
        length_ticks: as it is written.
        pitches: MIDI numbers, the lowest first; empty for a rest.
        ties_back, ties_on: it goes on with what was before, or is gone on with.
    """

    start_ticks: int
    length_ticks: int
    pitches: tuple[int, ...] = ()
    ties_back: bool = False
    ties_on: bool = False


def bars_of_voice(voice: Voice, bar_start_ticks: Sequence[int]) -> list[list[Piece]]:
    """For each bar the voice's pieces, which fill it; an empty list for a bar in which the voice has no notes.

    Args:
        bar_start_ticks: where each bar starts, and where the last one ends.
    """
    sounding: list[list[Piece]] = [[] for _ in bar_start_ticks[1:]]
    bar = 0
    for chord in voice:
        while bar_start_ticks[bar + 1] <= chord.onset_ticks:
            bar += 1
        for over, (start, end) in enumerate(pairwise(bar_start_ticks[bar:]), bar):
            if start >= chord.end_ticks:
                break
            for first, length in symbols(max(chord.onset_ticks, start) - start, min(chord.end_ticks, end) - start):
                at = start + first
                piece = Piece(first, length, chord.pitches, at > chord.onset_ticks, at + length < chord.end_ticks)
                sounding[over].append(piece)
    lengths = [end - start for start, end in pairwise(bar_start_ticks)]
    return [_filled(pieces, length) if pieces else [] for pieces, length in zip(sounding, lengths, strict=True)]


def symbols(start_ticks: int, end_ticks: int) -> Iterator[tuple[int, int]]:
    """Start and length, in ticks from the bar line, of the symbols that together last from start to end.

    Long ones begin on beats, or lie across one by an eighth on either side or more; all others end with their beat.
    """
    while start_ticks < end_ticks:
        length = _first_length(start_ticks, end_ticks - start_ticks)
        yield start_ticks, length
        start_ticks += length


def _first_length(start_ticks: int, left_ticks: int) -> int:
    in_beat = start_ticks % TICKS_PER_QUARTER
    if left_ticks == _DOTTED_QUARTER_TICKS and in_beat in (0, TICKS_PER_QUARTER // 2):
        return left_ticks
    if in_beat == TICKS_PER_QUARTER // 2 and left_ticks == TICKS_PER_QUARTER:
        return left_ticks
    if in_beat == 0 and left_ticks >= TICKS_PER_QUARTER:
        return next(length for length in _LONG_TICKS if length <= left_ticks)
    in_beat_left = min(left_ticks, TICKS_PER_QUARTER - in_beat)
    return next(length for length in _SHORT_TICKS if length <= in_beat_left)


def _filled(pieces: list[Piece], bar_ticks: int) -> list[Piece]:
    """The pieces of a bar with rests between them."""
    filled: list[Piece] = []
    position = 0
    for piece in pieces:
        filled += [Piece(*rest) for rest in symbols(position, piece.start_ticks)]
        filled.append(piece)
        position = piece.start_ticks + piece.length_ticks
    return filled + [Piece(*rest) for rest in symbols(position, bar_ticks)]
