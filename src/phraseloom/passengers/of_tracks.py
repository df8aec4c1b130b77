"""What travels with a track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.passengers.messages import PROGRAM, Message, rescaled, transposed
from phraseloom.passengers.moving import Stretch, begin_as_before, moved_messages, set_up_messages
from phraseloom.passengers.played import PlayedNotes
from phraseloom.passengers.resolution import DEFAULT_TICKS_PER_QUARTER


class Place(NamedTuple):
    """Where in a MIDI file a track plays: a port and one of its channels, 0 to 15."""

    port: int
    channel: int


@dataclass(frozen=True)
class TrackPassengers:
    """What a MIDI file says of a track beside its notes on the grid.

    Attributes:
        messages: ordered by tick.
        played: when its notes were played, where that was not on the grid.
        program: the track's program, where its messages or another track set it; None where it is set at tick 0,
            before all messages.
        ticks_per_quarter: of messages and played notes, a multiple of the grid's; the usual one where there are none.
        place: where it was; another song may have no room there, so it does not count for equality.
    """

    messages: tuple[Message, ...] = ()
    played: PlayedNotes = field(default_factory=PlayedNotes.none)
    program: int | None = None
    ticks_per_quarter: int = DEFAULT_TICKS_PER_QUARTER
    place: Place | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        if self.ticks_per_quarter % TICKS_PER_QUARTER:
            raise ValueError(f"{self.ticks_per_quarter} ticks to the quarter are no multiple of {TICKS_PER_QUARTER}")
        if not self.has_ticks:
            object.__setattr__(self, "ticks_per_quarter", DEFAULT_TICKS_PER_QUARTER)

    @property
    def has_ticks(self) -> bool:
        return bool(self.messages) or len(self.played) > 0

    def fitted(self, notes: np.ndarray, program: int) -> TrackPassengers:
        """For a track with `notes [n, 4]` and a program.

        Without what is about notes or a program that it does not have (any more), and without the message that sets its
        program at tick 0 before all that sounds, as it is set there anyway.
        """
        fitted = self
        if len(self.played):
            played = self.played.fitted(notes, self.ticks_per_quarter // TICKS_PER_QUARTER)
            fitted = self if played == self.played else replace(self, played=played)
        if self.program is None:
            return fitted
        if self.program != program:
            messages = tuple(message for message in self.messages if not message.chooses_program)
            return replace(fitted, program=None, messages=messages)
        first = next((index for index, message in enumerate(self.messages) if message.meta_kind is None), None)
        if first is not None and self.messages[first] == Message(0, bytes([PROGRAM, program])):
            return replace(fitted, program=None, messages=(*self.messages[:first], *self.messages[first + 1 :]))
        return fitted

    def moved(self, stretches: Sequence[Stretch], program: int) -> tuple[TrackPassengers, int]:
        """Of a track of this program that is put together of stretches of its song; and the program of that track.

        A track that begins with what was a later part of it begins with the program of that part.
        """
        if not self.has_ticks:
            return self, program
        scale = self.ticks_per_quarter // TICKS_PER_QUARTER
        messages = moved_messages(self.messages, stretches, scale, [Message(0, bytes([PROGRAM, program]))])
        programs = [message.data[1] for message in set_up_messages(messages, scale) if message.sets_program]
        by_messages = programs[-1] if programs else self._later_program(stretches)
        moved = replace(self, messages=messages, played=self.played.moved(stretches, scale), program=by_messages)
        return moved, programs[-1] if programs else program

    def _later_program(self, stretches: Sequence[Stretch]) -> int | None:
        """The program that another track sets, or the first change of it, where that stays where it is."""
        scale = self.ticks_per_quarter // TICKS_PER_QUARTER
        first = next((message.tick for message in self.messages if message.sets_program), 0)
        is_kept = begin_as_before(stretches) and first < stretches[0].end * scale
        return self.program if is_kept else None

    def transposed(self, semitones: int) -> TrackPassengers:
        if not self.has_ticks:
            return self
        messages, played = transposed(self.messages, semitones), self.played.transposed(semitones)
        return replace(self, messages=messages, played=played)

    def rescaled(self, ticks_per_quarter: int) -> TrackPassengers:
        """The same in other ticks."""
        if not self.has_ticks or self.ticks_per_quarter == ticks_per_quarter:
            return self
        return replace(
            self,
            messages=rescaled(self.messages, self.ticks_per_quarter, ticks_per_quarter),
            played=self.played.rescaled(self.ticks_per_quarter, ticks_per_quarter),
            ticks_per_quarter=ticks_per_quarter,
        )

    def without_gestures(self) -> TrackPassengers:
        """For other notes: without pedals, bends and pressures, which were made for those that go."""
        messages = tuple(message for message in self.messages if message.neutral_data is None)
        return replace(self, messages=messages, played=PlayedNotes.none())


NO_TRACK_PASSENGERS = TrackPassengers()
