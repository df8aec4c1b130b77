"""One part as the MIDI file that a synthesiser is given: one channel, and a tick is a hundredth of a millisecond.

Parts are rendered one by one, since synthesisers look at neither MIDI ports nor more than 16 channels, and share a
limited number of voices among all of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from phraseloom.general_midi import DRUM_CHANNEL
from phraseloom.midi import chunks as smf
from phraseloom.passengers import Phase
from phraseloom.passengers.messages import CONTROL
from phraseloom.score import Notes
from phraseloom.sound.performance import Part

STANDARD_VOLUME = 100
"""Channel volume that General MIDI has at the start."""

_TICKS_PER_SECOND = 100_000
_TICKS_PER_QUARTER = 25_000
_MICROSECONDS_PER_QUARTER = 1_000_000 * _TICKS_PER_QUARTER // _TICKS_PER_SECOND
_SHORTEST_NOTE_TICKS = _TICKS_PER_SECOND // 1000
_CHANNEL_VOLUME = 7
_SET_TEMPO = bytes([smf.META, smf.TEMPO, 3]) + _MICROSECONDS_PER_QUARTER.to_bytes(3, "big")
_END_OF_TRACK = bytes([smf.META, smf.END_OF_TRACK, 0])


class _Rank(IntEnum):
    """The order of events at one tick."""

    SET_UP = 0
    BEFORE_NOTES = 1
    PROGRAM = 2
    OFF = 3
    BEHIND_OFFS = 4
    ON = 5
    BEHIND_ONS = 6
    END = 7


_RANKS = {
    Phase.BEFORE_NOTES: _Rank.BEFORE_NOTES,
    Phase.BEHIND_NOTE_OFFS: _Rank.BEHIND_OFFS,
    Phase.BEHIND_NOTE_ONS: _Rank.BEHIND_ONS,
}


class _Event(NamedTuple):
    tick: int
    rank: _Rank
    data: bytes


def part_midi(part: Part, end_seconds: float, volume: int = STANDARD_VOLUME) -> bytes:
    """The part as a MIDI file of type 0 that goes on to `end_seconds`, so that its last notes can ring out.

    Args:
        part: any part. A note lasts at least a millisecond; one that is struck again while it sounds ends there.
        end_seconds: not before the last note's end. Messages behind it are left out.
        volume: channel volume, 0 to 127; the part's own changes of it are scaled alike.
    """
    channel = DRUM_CHANNEL if part.is_drum else 0
    end_tick = _ticks(end_seconds).item()
    events = [
        _Event(0, _Rank.SET_UP, _SET_TEMPO),
        _Event(0, _Rank.SET_UP, bytes([CONTROL | channel, _CHANNEL_VOLUME, volume])),
        *_program_events(part, channel),
        *_note_events(part, channel),
        *(event for event in _message_events(part, channel, volume) if event.tick <= end_tick),
        _Event(end_tick, _Rank.END, _END_OF_TRACK),
    ]
    events.sort(key=lambda event: event[:2])
    pieces = [_quantity(0) + events[0].data]
    pieces += (_quantity(event.tick - before.tick) + event.data for before, event in pairwise(events))
    body = b"".join(pieces)
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, _TICKS_PER_QUARTER)
    return header + struct.pack(">4sI", b"MTrk", len(body)) + body


def _program_events(part: Part, channel: int) -> Iterator[_Event]:
    """A change of program at the first note, and where a note has another one than the note before."""
    changes = np.flatnonzero(np.diff(part.note_programs, prepend=-1))
    onsets = _ticks(part.onset_seconds[changes])
    for tick, program in zip(onsets.tolist(), part.note_programs[changes].tolist(), strict=True):
        yield _Event(tick, _Rank.PROGRAM, bytes([smf.PROGRAM_CHANGE | channel, program]))


def _note_events(part: Part, channel: int) -> Iterator[_Event]:
    onset = _ticks(part.onset_seconds)
    duration = np.maximum(_ticks(part.end_seconds) - onset, _SHORTEST_NOTE_TICKS)
    notes = Notes.build(onset, duration, part.pitch, part.velocity)
    for onset_tick, duration_ticks, pitch, velocity in notes.table.tolist():
        yield _Event(onset_tick, _Rank.ON, bytes([smf.NOTE_ON | channel, pitch, velocity]))
        yield _Event(onset_tick + duration_ticks, _Rank.OFF, bytes([smf.NOTE_OFF | channel, pitch, velocity]))


def _message_events(part: Part, channel: int, volume: int) -> Iterator[_Event]:
    for seconds, data, phase in part.messages:
        status, *content = data
        if status == CONTROL and content[0] == _CHANNEL_VOLUME:
            content[1] = min(127, round(content[1] * volume / STANDARD_VOLUME))
        yield _Event(_ticks(seconds).item(), _RANKS[phase], bytes([status | channel, *content]))


def _ticks(seconds: np.ndarray | float) -> np.ndarray:
    return np.rint(np.asarray(seconds) * _TICKS_PER_SECOND).astype(np.int64)


def _quantity(value: int) -> bytes:
    """A number as MIDI's variable-length quantity."""
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(0x80 | value & 0x7F)
    return bytes(reversed(septets))
