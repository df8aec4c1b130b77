"""A MIDI file as a song at its own resolution: tracks with notes, tempos, meters, keys, texts, and all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from phraseloom.harmony import Key
from phraseloom.midi.annotations import is_recipe_text
from phraseloom.passengers import Message, Place


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
    """The notes that one track plays on one channel.

    Attributes:
        name: the track's name, or its instrument's where one chunk of the file held several.
        program: 0 to 127, with which it begins.
        is_drum: it plays on General MIDI's drum channel.
        place: its port and channel.
        onset_ticks, duration_ticks, pitch, velocity: `[n]` int64 in the file's ticks, ordered by onset; a duration may
            be 0, and notes of one pitch may overlap, as the file has them.
        note_programs: `[n]` int64, with which each note is played; others than `program` behind a change of it.
        release_velocity: `[n]` int64, 64 where a note ends without one.
        messages: what else is meant for it, in the file's ticks, ordered by them.
        has_program: the file sets its program, here or in another track; else it is 0.
    """

    name: str
    program: int
    is_drum: bool
    place: Place
    onset_ticks: np.ndarray
    duration_ticks: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    note_programs: np.ndarray
    release_velocity: np.ndarray
    messages: tuple[Message, ...]
    has_program: bool

    @property
    def num_notes(self) -> int:
        return len(self.onset_ticks)

    @property
    def channel(self) -> int:
        """0 to 15."""
        return self.place.channel


@dataclass(frozen=True, eq=False)
class MidiSong:
    """What a MIDI file holds. All ticks are the file's own, `ticks_per_quarter` to the quarter note.

    Attributes:
        file_type: 0 or 1.
        title: the name of the sequence; empty where there is none.
        tempos, meters, keys, markers, texts: ordered by tick; empty where the file has none.
        messages: of the conductor track, which has no notes; markers and texts are among them, but not the title,
            tempos, meters and the first key signature.
        silent_tracks: the messages of further tracks without an instrument.
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
    messages: tuple[Message, ...]
    silent_tracks: tuple[tuple[Message, ...], ...]
    warnings: tuple[str, ...]

    @property
    def recipe(self) -> str | None:
        """The text that says how we made the song; None in a file from elsewhere."""
        return next((text for _, text in reversed(self.texts) if is_recipe_text(text)), None)
