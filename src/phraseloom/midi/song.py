"""A MIDI file as a song at its own resolution: tracks with notes, tempos, meters, keys, markers and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from phraseloom.harmony import Key


class TimedTempo(NamedTuple):
    """From `tick` on, quarter notes a minute, as the file has it: any positive number."""

    tick: int
    tempo_bpm: float


class TimedMeter(NamedTuple):
    """From `tick` on, bars of `numerator` notes of 1/`denominator`."""

    tick: int
    numerator: int
    denominator: int


class TimedKey(NamedTuple):
    """From `tick` on, a key signature."""

    tick: int
    key: Key


class TimedText(NamedTuple):
    """A text or marker at `tick`."""

    tick: int
    text: str


@dataclass(frozen=True, eq=False)
class MidiTrack:
    """The notes of one track on one channel with one program.

    Attributes:
        name: the track's name, or its instrument's where one chunk of the file held several.
        program: 0 to 127.
        is_drum: it plays on General MIDI's drum channel.
        channel: 0 to 15.
        onset_ticks, duration_ticks, pitch, velocity: `[n]` int64 in the file's ticks, ordered by onset; a duration may
            be 0, and notes of one pitch may overlap, as the file has them.
    """

    name: str
    program: int
    is_drum: bool
    channel: int
    onset_ticks: np.ndarray
    duration_ticks: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray

    @property
    def num_notes(self) -> int:
        return len(self.onset_ticks)


@dataclass(frozen=True, eq=False)
class MidiSong:
    """What a MIDI file holds. All ticks are the file's own, `ticks_per_quarter` to the quarter note.

    Attributes:
        file_type: 0 or 1.
        title: the name of the sequence; empty where there is none.
        tempos, meters, keys, markers, texts: ordered by tick; empty where the file has none.
        warnings: what was damaged or had to be guessed, a sentence each.
    """

    file_type: int
    ticks_per_quarter: int
    title: str
    tracks: tuple[MidiTrack, ...]
    tempos: tuple[TimedTempo, ...]
    meters: tuple[TimedMeter, ...]
    keys: tuple[TimedKey, ...]
    markers: tuple[TimedText, ...]
    texts: tuple[TimedText, ...]
    warnings: tuple[str, ...]
