"""The events of a MIDI file that are no notes, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from phraseloom.passengers.resolution import rescaled_tick

POLY_PRESSURE, CONTROL, PROGRAM, CHANNEL_PRESSURE, PITCH_BEND = 0xA0, 0xB0, 0xC0, 0xD0, 0xE0
SYSEX, META = 0xF0, 0xFF
LYRIC, MARKER, CUE, KEY_SIGNATURE = 0x05, 0x06, 0x07, 0x59

_BANK_SELECTS = (0, 32)
_MODULATION, _PEDALS, _FIRST_MODE_MESSAGE = 1, range(64, 70), 120


class Phase(IntEnum):
    """Where a message stands among the notes at its tick: a pedal pressed behind a note's end does not hold it."""

    BEFORE_NOTES = 0
    BEHIND_NOTE_OFFS = 1
    BEHIND_NOTE_ONS = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One event that is no note.

    Attributes:
        tick: its place; what holds the message says how many there are to a quarter.
        data: as MIDI has it, the status first. The channel in the status of a channel message is 0. Of a meta event
            FF, kind and content; of SysEx F0 or F7 and content, without its length.
        channel: of a channel message that is not for its own track's channel; else None.
        phase: its place among the notes at its tick. Where these go, it means nothing, so it does not count for
            equality.
    """

    tick: int
    data: bytes
    channel: int | None = None
    phase: Phase = field(default=Phase.BEFORE_NOTES, compare=False)

    @property
    def meta_kind(self) -> int | None:
        return self.data[1] if self.data[0] == META else None

    @property
    def is_of_channel(self) -> bool:
        return self.data[0] < SYSEX

    @property
    def line(self) -> tuple[int | None, bytes] | None:
        """What it sets until the next one of its line, such as a sustain pedal; None where it sets nothing."""
        kind = self.data[0]
        if kind >= SYSEX or (kind == CONTROL and self.data[1] >= _FIRST_MODE_MESSAGE):
            return None
        return self.channel, self.data[: 2 if kind in (POLY_PRESSURE, CONTROL) else 1]

    @property
    def neutral_data(self) -> bytes | None:
        """What ends the gesture that it is part of: pedal up, bend in the middle; None where it is none."""
        kind = self.data[0]
        if kind == PITCH_BEND:
            return bytes([kind, 0, 0x40])
        if kind == CHANNEL_PRESSURE:
            return bytes([kind, 0])
        is_gesture = kind == POLY_PRESSURE or (
            kind == CONTROL and (self.data[1] == _MODULATION or self.data[1] in _PEDALS)
        )
        return self.data[:2] + b"\0" if is_gesture else None

    @property
    def is_of_moment(self) -> bool:
        """It is part of the music at its place, as a pedal or a syllable is, and not said for all that follows."""
        return self.neutral_data is not None or self.meta_kind in (LYRIC, MARKER, CUE)

    @property
    def sets_program(self) -> bool:
        """A change of program for its own track."""
        return self.channel is None and self.data[0] == PROGRAM

    @property
    def chooses_program(self) -> bool:
        """A change of program for its own track, or the bank of one."""
        is_bank = self.channel is None and self.data[0] == CONTROL and self.data[1] in _BANK_SELECTS
        return self.sets_program or is_bank

    def at(self, tick: int) -> Message:
        return replace(self, tick=tick)


def rescaled(messages: tuple[Message, ...], before: int, after: int) -> tuple[Message, ...]:
    """The messages in ticks of `after` to the quarter."""
    return tuple(message.at(rescaled_tick(message.tick, before, after)) for message in messages)


def transposed(messages: tuple[Message, ...], semitones: int) -> tuple[Message, ...]:
    """The messages for notes that are moved by `semitones`; key signatures, which would be wrong, are left out."""
    moved = []
    for message in messages:
        if message.data[0] == POLY_PRESSURE:
            key = message.data[1] + semitones
            if 0 <= key <= 127:
                moved.append(replace(message, data=bytes([POLY_PRESSURE, key, message.data[2]])))
        elif message.meta_kind != KEY_SIGNATURE:
            moved.append(message)
    return tuple(moved)
