"""What travels with a song as a whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.passengers.messages import Message, rescaled, transposed
from phraseloom.passengers.moving import Stretch, moved_messages
from phraseloom.passengers.resolution import DEFAULT_TICKS_PER_QUARTER, rescaled_tick


class PlayedTempo(NamedTuple):
    """A change of tempo as the file has it, where that is not exactly what the score says.

    Attributes:
        score_tick, tempo_bpm: the change in the score that it is part of.
        tick: its place, in the ticks of whatever holds it.
        microseconds_per_quarter: the tempo.
    """

    score_tick: int
    tempo_bpm: float
    tick: int
    microseconds_per_quarter: int


@dataclass(frozen=True)
class SongPassengers:
    """What a MIDI file says of a song beside its score and its tracks.

    Attributes:
        messages: ordered by tick; every channel message names its channel.
        silent_tracks: the messages of tracks without an instrument, such as one of lyrics, as `messages`.
        tempos: where changes of tempo do not lie on the grid, or are finer than the score's.
        ticks_per_quarter: of all these, a multiple of the grid's; the usual one where there is nothing.
    """

    messages: tuple[Message, ...] = ()
    silent_tracks: tuple[tuple[Message, ...], ...] = ()
    tempos: tuple[PlayedTempo, ...] = ()
    ticks_per_quarter: int = DEFAULT_TICKS_PER_QUARTER

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        object.__setattr__(self, "silent_tracks", tuple(tuple(track) for track in self.silent_tracks if track))
        object.__setattr__(self, "tempos", tuple(self.tempos))
        if self.ticks_per_quarter % TICKS_PER_QUARTER:
            raise ValueError(f"{self.ticks_per_quarter} ticks to the quarter are no multiple of {TICKS_PER_QUARTER}")
        if not self.has_ticks:
            object.__setattr__(self, "ticks_per_quarter", DEFAULT_TICKS_PER_QUARTER)

    @property
    def has_ticks(self) -> bool:
        return bool(self.messages or self.silent_tracks or self.tempos)

    def fitted(self, tempos: Collection[tuple[int, float]]) -> SongPassengers:
        """Without changes of tempo, by tick and tempo, that the song does not have (any more)."""
        if all(tempo[:2] in tempos for tempo in self.tempos):
            return self
        return replace(self, tempos=tuple(tempo for tempo in self.tempos if tempo[:2] in tempos))

    def moved(self, stretches: Sequence[Stretch]) -> SongPassengers:
        """Of a song that is put together of stretches of this one."""
        if not self.has_ticks:
            return self
        scale = self.ticks_per_quarter // TICKS_PER_QUARTER
        return replace(
            self,
            messages=moved_messages(self.messages, stretches, scale),
            silent_tracks=tuple(moved_messages(track, stretches, scale) for track in self.silent_tracks),
            tempos=tuple(_moved_tempos(self.tempos, stretches, scale)),
        )

    def transposed(self, semitones: int) -> SongPassengers:
        return replace(
            self,
            messages=transposed(self.messages, semitones),
            silent_tracks=tuple(transposed(track, semitones) for track in self.silent_tracks),
        )

    def rescaled(self, ticks_per_quarter: int) -> SongPassengers:
        """The same in other ticks."""
        before, after = self.ticks_per_quarter, ticks_per_quarter
        if not self.has_ticks or before == after:
            return self
        tempos = tuple(tempo._replace(tick=rescaled_tick(tempo.tick, before, after)) for tempo in self.tempos)
        return SongPassengers(
            rescaled(self.messages, before, after),
            tuple(rescaled(track, before, after) for track in self.silent_tracks),
            tempos,
            after,
        )


def _moved_tempos(tempos: Sequence[PlayedTempo], stretches: Sequence[Stretch], scale: int) -> list[PlayedTempo]:
    """The changes inside the stretches; the tempo at the start of the song stays at its start."""
    moved = [tempo for tempo in tempos if tempo.score_tick == 0]
    for stretch in stretches:
        if stretch.start is None:
            continue
        shift = stretch.place - stretch.start
        moved += [
            tempo._replace(score_tick=tempo.score_tick + shift, tick=tempo.tick + shift * scale)
            for tempo in tempos
            if max(1, stretch.start) <= tempo.score_tick < stretch.end
        ]
    return [tempo for tempo in moved if tempo.tick >= 0]


NO_SONG_PASSENGERS = SongPassengers()
