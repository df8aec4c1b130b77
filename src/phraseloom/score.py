"""A song as data: notes in tracks over bars, with sections, chords, key and tempo.

Units: a *tick* is 1/12 of a quarter note; a *bar* is counted from 0 inside the library (users count from 1). Pitch and
velocity are MIDI numbers. Everything here is frozen and checked when built, so that a `Score` in hand is a valid one.
No MIDI library and no torch is needed to import this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from phraseloom.form import Section
from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.harmony import Chord, Key
from phraseloom.passengers import (
    DEFAULT_TICKS_PER_QUARTER,
    NO_SONG_PASSENGERS,
    NO_TRACK_PASSENGERS,
    SongPassengers,
    TrackPassengers,
    common_ticks_per_quarter,
)

MIN_TEMPO_BPM, MAX_TEMPO_BPM = 10.0, 600.0


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes of one track as four int32 columns of equal length `n`, read-only.

    Ordered by onset, then by falling pitch. No two notes of one pitch overlap, so that MIDI can hold them.

    Attributes:
        onset_ticks: `[n]`, at least 0.
        duration_ticks: `[n]`, at least 1.
        pitch: `[n]`, 0 to 127.
        velocity: `[n]`, 1 to 127.

    Raises:
        ValueError: columns of different lengths, out of range, out of order, or overlapping notes of one pitch.
    """

    onset_ticks: np.ndarray
    duration_ticks: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray

    def __post_init__(self) -> None:
        for name in ("onset_ticks", "duration_ticks", "pitch", "velocity"):
            column = np.array(getattr(self, name), dtype=np.int32)
            if column.ndim != 1 or len(column) != len(self.onset_ticks):
                raise ValueError(f"{name} has shape {column.shape}, expected ({len(self.onset_ticks)},)")
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        if len(self) == 0:
            return
        _check_range("onset_ticks", self.onset_ticks, 0, None)
        _check_range("duration_ticks", self.duration_ticks, 1, None)
        _check_range("pitch", self.pitch, 0, 127)
        _check_range("velocity", self.velocity, 1, 127)
        if (_canonical_order(self) != np.arange(len(self))).any():
            raise ValueError("notes are not ordered by onset, then falling pitch; use Notes.build")
        if _overlapping(self.onset_ticks, self.end_ticks, self.pitch).any():
            raise ValueError("notes of one pitch overlap; use Notes.build, which cuts the earlier one short")

    @classmethod
    def empty(cls) -> Notes:
        return cls(*(np.zeros(0, np.int32) for _ in range(4)))

    @classmethod
    def build(cls, onset_ticks, duration_ticks, pitch, velocity) -> Notes:
        """Notes in any order, overlaps allowed; ordered here, and made playable.

        Notes with the same onset and pitch become one, as long as the longest of them and as loud as the loudest; a
        note that still sounds when its pitch is struck again ends there. Both are what is heard of them.
        """
        onset, duration, pitch, velocity = (
            np.asarray(column, np.int64) for column in (onset_ticks, duration_ticks, pitch, velocity)
        )
        by_pitch = np.lexsort((onset, pitch))
        onset, duration, pitch, velocity = (a[by_pitch] for a in (onset, duration, pitch, velocity))
        if len(onset) > 1:
            starts = np.flatnonzero(np.r_[True, (np.diff(onset) != 0) | (np.diff(pitch) != 0)])
            onset, pitch = onset[starts], pitch[starts]
            duration, velocity = (np.maximum.reduceat(a, starts) for a in (duration, velocity))
            gap = np.where(pitch[1:] == pitch[:-1], onset[1:] - onset[:-1], np.iinfo(np.int64).max)
            duration[:-1] = np.minimum(duration[:-1], gap)
        order = np.lexsort((-pitch, onset))
        return cls(onset[order], duration[order], pitch[order], velocity[order])

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, int, int, int]]) -> Notes:
        """Notes from (onset_ticks, duration_ticks, pitch, velocity) rows in any order."""
        table = np.array(list(rows), np.int64).reshape(-1, 4)
        return cls.build(*table.T)

    @cached_property
    def end_ticks(self) -> np.ndarray:
        end_ticks = self.onset_ticks + self.duration_ticks
        end_ticks.flags.writeable = False
        return end_ticks

    @property
    def table(self) -> np.ndarray:
        """`[n, 4]` int32: onset, duration, pitch, velocity."""
        return np.stack([self.onset_ticks, self.duration_ticks, self.pitch, self.velocity], axis=1)

    def __len__(self) -> int:
        return len(self.onset_ticks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Notes) and np.array_equal(self.table, other.table)

    def __hash__(self) -> int:
        return hash(self.table.tobytes())

    def where(self, keep: np.ndarray | slice) -> Notes:
        """The notes selected by a boolean mask `[n]` or a slice."""
        return Notes(self.onset_ticks[keep], self.duration_ticks[keep], self.pitch[keep], self.velocity[keep])

    def shifted(self, ticks: int) -> Notes:
        return Notes(self.onset_ticks + ticks, self.duration_ticks, self.pitch, self.velocity)

    def transposed(self, semitones: int) -> Notes:
        """Every pitch moved by `semitones`; a pitch that would leave 0..127 moves by octaves back into it."""
        pitch = self.pitch.astype(np.int64) + semitones
        pitch = np.where(pitch > 127, 127 - (127 - pitch) % 12, pitch)
        pitch = np.where(pitch < 0, pitch % 12, pitch)
        if (pitch == self.pitch + semitones).all():
            return Notes(self.onset_ticks, self.duration_ticks, pitch, self.velocity)
        return Notes.build(self.onset_ticks, self.duration_ticks, pitch, self.velocity)


@dataclass(frozen=True)
class Track:
    """One instrument line.

    Attributes:
        name: as shown in a DAW.
        program: General MIDI program, 0 to 127; without meaning for drums.
        is_drum: notes are percussion (General MIDI channel 10).
        passengers: what travels with the track; what is about notes or a program that it does not have is left out.
    """

    name: str
    notes: Notes
    program: int = 0
    is_drum: bool = False
    passengers: TrackPassengers = NO_TRACK_PASSENGERS

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127:
            raise ValueError(f"program is {self.program}, expected 0 to 127")
        if self.passengers is not NO_TRACK_PASSENGERS:
            object.__setattr__(self, "passengers", self.passengers.fitted(self.notes.table, self.program))


@dataclass(frozen=True)
class MeterChange:
    """From bar `bar` on, a bar has `numerator` beats of a 1/`denominator` note."""

    bar: int
    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.numerator < 1 or self.denominator not in (1, 2, 4, 8, 16, 32):
            raise ValueError(f"no meter: {self.numerator}/{self.denominator}")
        if (4 * TICKS_PER_QUARTER * self.numerator) % self.denominator:
            raise ValueError(f"a bar of {self.numerator}/{self.denominator} is no whole number of ticks")

    @property
    def ticks_per_bar(self) -> int:
        return 4 * TICKS_PER_QUARTER * self.numerator // self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True)
class TempoChange:
    """From `tick` on, quarter notes a minute; rounded to 0.01, which MIDI's whole microseconds can hold."""

    tick: int
    tempo_bpm: float

    def __post_init__(self) -> None:
        if not MIN_TEMPO_BPM <= self.tempo_bpm <= MAX_TEMPO_BPM:
            raise ValueError(f"tempo is {self.tempo_bpm}, expected {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} bpm")
        object.__setattr__(self, "tempo_bpm", round(float(self.tempo_bpm), 2))


@dataclass(frozen=True)
class ChordSpan:
    """A chord that sounds from `onset_ticks` for `duration_ticks`."""

    onset_ticks: int
    duration_ticks: int
    chord: Chord


@dataclass(frozen=True)
class Score:
    """A whole song.

    Attributes:
        tracks: in the order in which they are shown; names need not differ.
        num_bars: length of the song; every note starts inside it (and may ring past its end).
        meters: ordered by bar, the first at bar 0.
        tempos: ordered by tick, the first at tick 0.
        sections: the form; empty where unknown, else its bars add up to `num_bars`.
        chords: ordered, not overlapping; empty where unknown.
        key: of the song as a whole; None where unknown.
        passengers: what travels with the song; all passengers of a song, its tracks' too, count the same ticks.

    Raises:
        ValueError: any of this does not hold.
    """

    tracks: tuple[Track, ...]
    num_bars: int
    meters: tuple[MeterChange, ...] = (MeterChange(0, 4, 4),)
    tempos: tuple[TempoChange, ...] = (TempoChange(0, 120.0),)
    sections: tuple[Section, ...] = ()
    chords: tuple[ChordSpan, ...] = ()
    key: Key | None = None
    title: str = field(default="", kw_only=True)
    passengers: SongPassengers = field(default=NO_SONG_PASSENGERS, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("tracks", "meters", "tempos", "sections", "chords"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.num_bars < 1:
            raise ValueError(f"num_bars is {self.num_bars}, expected at least 1")
        _check_changes("meters", [meter.bar for meter in self.meters], self.num_bars)
        _check_changes("tempos", [tempo.tick for tempo in self.tempos], self.num_ticks)
        for track in self.tracks:
            if len(track.notes) and track.notes.onset_ticks[-1] >= self.num_ticks:
                raise ValueError(f"track {track.name!r} has a note behind the last bar")
        if self.sections and sum(section.num_bars for section in self.sections) != self.num_bars:
            raise ValueError(f"the sections' bars do not add up to {self.num_bars}")
        end = 0
        for span in self.chords:
            if span.onset_ticks < end or span.duration_ticks < 1:
                raise ValueError("chords are out of order or overlap")
            end = span.onset_ticks + span.duration_ticks
        if end > self.num_ticks:
            raise ValueError("a chord ends behind the last bar")
        self._fit_passengers()

    def _fit_passengers(self) -> None:
        """Leave out what is about tempos that are not there, and count the same ticks everywhere."""
        fitted = self.passengers.fitted({(tempo.tick, tempo.tempo_bpm) for tempo in self.tempos})
        aboard = [fitted, *(track.passengers for track in self.tracks)]
        resolutions = {passengers.ticks_per_quarter for passengers in aboard if passengers.has_ticks}
        if len(resolutions) > 1:
            common = common_ticks_per_quarter(resolutions)
            tracks = tuple(replace(track, passengers=track.passengers.rescaled(common)) for track in self.tracks)
            object.__setattr__(self, "tracks", tracks)
            fitted = fitted.rescaled(common)
        object.__setattr__(self, "passengers", fitted)

    @property
    def passenger_ticks_per_quarter(self) -> int:
        """Ticks in which all passengers are counted; the usual ones where there are none."""
        aboard = [self.passengers, *(track.passengers for track in self.tracks)]
        resolutions = [passengers.ticks_per_quarter for passengers in aboard if passengers.has_ticks]
        return resolutions[0] if resolutions else DEFAULT_TICKS_PER_QUARTER

    @cached_property
    def bar_start_ticks(self) -> np.ndarray:
        """`[num_bars + 1]` int64: where each bar starts; the last entry is the end of the song."""
        lengths = np.zeros(self.num_bars, np.int64)
        for meter in self.meters:
            lengths[meter.bar :] = meter.ticks_per_bar
        starts = np.concatenate([[0], np.cumsum(lengths)])
        starts.flags.writeable = False
        return starts

    @property
    def num_ticks(self) -> int:
        return int(self.bar_start_ticks[-1])

    @property
    def num_notes(self) -> int:
        return sum(len(track.notes) for track in self.tracks)

    @property
    def tempo_bpm(self) -> float:
        """The tempo at the start."""
        return self.tempos[0].tempo_bpm

    @property
    def duration_seconds(self) -> float:
        """Length of the bars, with every tempo change; a last note may ring on."""
        ticks = [tempo.tick for tempo in self.tempos] + [self.num_ticks]
        quarters = np.diff(ticks) / TICKS_PER_QUARTER
        return float(sum(q * 60 / tempo.tempo_bpm for q, tempo in zip(quarters, self.tempos, strict=True)))

    def bar_of(self, ticks: np.ndarray) -> np.ndarray:
        """The bar in which each tick lies."""
        return np.searchsorted(self.bar_start_ticks, ticks, side="right") - 1


def _canonical_order(notes: Notes) -> np.ndarray:
    return np.lexsort((-notes.pitch, notes.onset_ticks))


def _overlapping(onset: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    order = np.lexsort((onset, pitch))
    onset, end, pitch = onset[order], end[order], pitch[order]
    return (pitch[1:] == pitch[:-1]) & (onset[1:] < end[:-1])


def _check_range(name: str, column: np.ndarray, low: int, high: int | None) -> None:
    if column.min() < low or (high is not None and column.max() > high):
        allowed = f"at least {low}" if high is None else f"{low} to {high}"
        raise ValueError(f"{name} runs from {column.min()} to {column.max()}, expected {allowed}")


def _check_changes(name: str, positions: list[int], end: int) -> None:
    if not positions or positions[0] != 0:
        raise ValueError(f"{name} must start at 0")
    if any(b <= a for a, b in pairwise(positions)) or positions[-1] >= end:
        raise ValueError(f"{name} are out of order or behind the end of the song")
