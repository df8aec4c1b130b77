"""What sounds when: the notes of a song in seconds, and the pedals, bends and other messages that shape them.

A song is performed at the resolution of its file, so that playing that is not on the library's grid keeps its timing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from phraseloom.midi import MidiSong, MidiTrack, TimedTempo, load_midi, midi_bytes
from phraseloom.midi.annotations import is_end_marker
from phraseloom.midi.quantising import DEFAULT_TEMPO_BPM
from phraseloom.passengers import Message, Phase
from phraseloom.passengers.messages import PROGRAM
from phraseloom.score import Score, Track

_SECONDS_PER_MINUTE = 60.0


class TimedMessage(NamedTuple):
    """A message of a part's channel.

    Attributes:
        seconds: from the start of bar 1.
        data: as MIDI has it, the status first; the channel in it is 0.
        phase: its place among notes that begin or end at the same time.
    """

    seconds: float
    data: bytes
    phase: Phase


@dataclass(frozen=True, eq=False)
class Part:
    """What one instrument plays.

    Attributes:
        name: of its track.
        is_drum: notes are percussion.
        onset_seconds, end_seconds: `[n]` float64, counted from the start of bar 1.
        pitch, velocity: `[n]` integers, 0 to 127 and 1 to 127.
        note_programs: `[n]` integers, the General MIDI program of each note.
        messages: in the order of their times; no changes of program.
    """

    name: str
    is_drum: bool
    onset_seconds: np.ndarray
    end_seconds: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    note_programs: np.ndarray
    messages: tuple[TimedMessage, ...] = ()

    @classmethod
    def silent(cls, track: Track) -> Part:
        none, none_seconds = np.zeros(0, np.int64), np.zeros(0)
        return cls(track.name, track.is_drum, none_seconds, none_seconds, none, none, none)

    @property
    def num_notes(self) -> int:
        return len(self.onset_seconds)


@dataclass(frozen=True, eq=False)
class Performance:
    """A song as it is played.

    Attributes:
        parts: in the order of the song's tracks, silent ones included.
        song_seconds: when the song ends; a last note may end later.
    """

    parts: tuple[Part, ...]
    song_seconds: float

    @property
    def end_seconds(self) -> float:
        """When the song and its last note have ended; what rings on comes after."""
        return max([self.song_seconds, *(float(part.end_seconds.max(initial=0.0)) for part in self.parts)])


def perform_score(score: Score) -> Performance:
    """The score as its MIDI file is played; it ends with its last bar.

    Raises:
        UnsupportedScoreError: as `phraseloom.midi.midi_bytes`.
    """
    if not score.num_notes:
        return Performance(tuple(map(Part.silent, score.tracks)), score.duration_seconds)
    return perform_midi(load_midi(midi_bytes(score)))


def perform_midi(song: MidiSong) -> Performance:
    """The MIDI file as it is played; it ends at its marker `End`, or else with its last note."""
    clock = _Clock.of(song.tempos, song.ticks_per_quarter)
    parts = tuple(
        Part(
            name=track.name,
            is_drum=track.is_drum,
            onset_seconds=clock.seconds_at(track.onset_ticks),
            end_seconds=clock.seconds_at(track.onset_ticks + track.duration_ticks),
            pitch=track.pitch,
            velocity=track.velocity,
            note_programs=track.note_programs,
            messages=tuple(_timed(_messages_heard(song, track), clock)),
        )
        for track in song.tracks
    )
    end_ticks = [marker.tick for marker in song.markers if is_end_marker(marker.text)]
    return Performance(parts, float(clock.seconds_at(np.array(max(end_ticks, default=0)))))


def _messages_heard(song: MidiSong, track: MidiTrack) -> Iterator[Message]:
    """Messages to the track's channel, whoever sends them: hands that share a channel share their pedal.

    Changes of program are left out, since the notes say which one they are played with.
    """
    general = (message for messages in (song.messages, *song.silent_tracks) for message in messages)
    yield from (message for message in general if message.channel == track.channel and _shapes_sound(message))
    for sender in song.tracks:
        if sender.place.port == track.place.port:
            for message in sender.messages:
                channel = sender.channel if message.channel is None else message.channel
                if channel == track.channel and _shapes_sound(message):
                    yield message


def _shapes_sound(message: Message) -> bool:
    return message.is_of_channel and message.data[0] != PROGRAM


def _timed(messages: Iterator[Message], clock: _Clock) -> Iterator[TimedMessage]:
    for message in sorted(messages, key=lambda message: message.tick):
        yield TimedMessage(float(clock.seconds_at(np.array(message.tick))), message.data, message.phase)


@dataclass(frozen=True, eq=False)
class _Clock:
    """Ticks to seconds: from `change_ticks[i]`, which is at `change_seconds[i]`, a tick takes `seconds_per_tick[i]`."""

    change_ticks: np.ndarray
    change_seconds: np.ndarray
    seconds_per_tick: np.ndarray

    @classmethod
    def of(cls, tempos: Sequence[TimedTempo], ticks_per_quarter: int) -> _Clock:
        """From tempo changes, ordered by tick; before the first, MIDI's default of 120 bpm holds."""
        change_ticks, tempo_bpm = np.array([(0, DEFAULT_TEMPO_BPM), *tempos], np.float64).T
        seconds_per_tick = _SECONDS_PER_MINUTE / (tempo_bpm * ticks_per_quarter)
        change_seconds = np.concatenate([[0.0], np.cumsum(np.diff(change_ticks) * seconds_per_tick[:-1])])
        return cls(change_ticks, change_seconds, seconds_per_tick)

    def seconds_at(self, ticks: np.ndarray) -> np.ndarray:
        latest = np.searchsorted(self.change_ticks, ticks, side="right") - 1
        return self.change_seconds[latest] + (ticks - self.change_ticks[latest]) * self.seconds_per_tick[latest]
