"""A song in the studio: a grid of cells (a bar of a track) under a plan, frozen like a score.

Bars are counted from 0 here. Letters in shapes: n bars, t tracks.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from operator import itemgetter

import numpy as np

from phraseloom.cast import Cast
from phraseloom.chord_chart import ChartPart
from phraseloom.density import Density
from phraseloom.form import MAX_BARS, Section
from phraseloom.harmony import Chord, Key
from phraseloom.midi.annotations import section_name
from phraseloom.score import TICKS_PER_QUARTER, ChordSpan, Notes, Score, TempoChange, Track
from phraseloom.transforms import beat_chords

BEATS_PER_BAR = 4
TICKS_PER_BAR = BEATS_PER_BAR * TICKS_PER_QUARTER
EMPTY, STALE, FRESH = ".", "=", "#"
"""A cell that was never written; one that was, under another plan; one that was written under this plan."""
OPEN, LOCKED = "0", "1"
HASH_DIGITS = 16

BarChords = tuple[Chord, ...] | None
"""1, 2 or 4 chords that share a bar evenly; None leaves the bar's harmony open."""


@dataclass(frozen=True)
class PlacedSection:
    """A section that is the same one wherever it is moved.

    Attributes:
        id: stays with the section.
        letter, num_bars: as in `phraseloom.form.Section`.
        name: what the user called it; None for its letter's usual name.
        chords: one entry a bar.

    Raises:
        ValueError: another number of chords than of bars, or no such letter or length.
    """

    id: int
    letter: str
    num_bars: int
    name: str | None
    chords: tuple[BarChords, ...]

    def __post_init__(self) -> None:
        Section(self.letter, self.num_bars)
        if len(self.chords) != self.num_bars:
            raise ValueError(f"{len(self.chords)} bars of chords for {self.num_bars} bars")

    @classmethod
    def new(cls, letter: str, num_bars: int, name: str | None = None) -> PlacedSection:
        """A section of its own, with its harmony open."""
        return cls(new_section_id(), letter, num_bars, name, (None,) * num_bars)

    @property
    def shown_name(self) -> str:
        return self.name or section_name(self.letter)


def new_section_id() -> int:
    """Drawn, so that sections made on two lines of a song's history are never taken for one another."""
    return secrets.randbelow(2**31)


@dataclass(frozen=True)
class GridTrack:
    """A track and what is known of its cells.

    Attributes:
        track: with the notes of the whole song.
        cells: `EMPTY`, `STALE` or `FRESH`, one character a bar.
        locked: `OPEN` or `LOCKED`, one character a bar.
        is_writable: the model has this track.
    """

    track: Track
    cells: str
    locked: str
    is_writable: bool = True


@dataclass(frozen=True)
class SongState:
    """A whole song, with its plan and its cells.

    Attributes:
        title: as shown; may be empty.
        seed: of the next operation that names none.
        key, repeat, cast, density: of the plan; None leaves open who plays where, and how many notes.
        tempos: as in a score.
        sections: 1 to 128 bars together.
        tracks: those of the model first.

    Raises:
        ValueError: bars, cells and locks do not fit together.
    """

    title: str
    seed: int
    key: Key
    repeat: float
    cast: Cast | None
    density: Density | None
    tempos: tuple[TempoChange, ...]
    sections: tuple[PlacedSection, ...]
    tracks: tuple[GridTrack, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.num_bars <= MAX_BARS:
            raise ValueError(f"the song has {self.num_bars} bars, expected 1 to {MAX_BARS}")
        for track in self.tracks:
            if {len(track.cells), len(track.locked)} != {self.num_bars}:
                raise ValueError(f"{track.track.name} has cells or locks for another number of bars")
            if set(track.cells) - {EMPTY, STALE, FRESH} or set(track.locked) - {OPEN, LOCKED}:
                raise ValueError(f"{track.track.name} has cells or locks that mean nothing")

    @property
    def num_bars(self) -> int:
        return total_bars(self.sections)

    @property
    def form(self) -> tuple[Section, ...]:
        return tuple(Section(section.letter, section.num_bars) for section in self.sections)

    @property
    def first_bars(self) -> tuple[int, ...]:
        """The bar in which each section begins."""
        return tuple(accumulate((section.num_bars for section in self.sections[:-1]), initial=0))

    @cached_property
    def score(self) -> Score:
        """The song as the library knows it."""
        return Score(
            tracks=tuple(track.track for track in self.tracks),
            num_bars=self.num_bars,
            tempos=self.tempos,
            sections=self.form,
            chords=tuple(self._chord_spans()),
            key=self.key,
            title=self.title,
        )

    @property
    def is_locked(self) -> np.ndarray:
        """`[n, t]` bool."""
        return self._mask(LOCKED, [track.locked for track in self.tracks])

    @property
    def is_writable(self) -> np.ndarray:
        """`[n, t]` bool: cells that an operation may write, locks aside."""
        return np.tile([track.is_writable for track in self.tracks], (self.num_bars, 1))

    def is_cell(self, kind: str) -> np.ndarray:
        """`[n, t]` bool: cells that are `EMPTY`, `STALE` or `FRESH`."""
        return self._mask(kind, [track.cells for track in self.tracks])

    @property
    def notes_hash(self) -> str:
        """Equal where tracks, programs and notes are."""
        digest = hashlib.sha256()
        for track in self.score.tracks:
            digest.update(repr((track.name, track.program, track.is_drum, len(track.notes))).encode())
            digest.update(track.notes.table.tobytes())
        return digest.hexdigest()[:HASH_DIGITS]

    def _mask(self, character: str, rows: Sequence[str]) -> np.ndarray:
        mask = [[each == character for each in row] for row in rows]
        return np.array(mask, bool).reshape(len(rows), self.num_bars).T

    def _chord_spans(self) -> Iterator[ChordSpan]:
        """Equal neighbours in one section are one span, as where a chart is laid over a form."""
        onset_ticks = 0
        for section in self.sections:
            for chord, group in groupby(_shares(section), key=itemgetter(0)):
                duration_ticks = sum(ticks for _, ticks in group)
                if chord is not None:
                    yield ChordSpan(onset_ticks, duration_ticks, chord)
                onset_ticks += duration_ticks


def _shares(section: PlacedSection) -> Iterator[tuple[Chord | None, int]]:
    """The section's chords, None for open bars, each with its ticks."""
    for bar in section.chords:
        shares: Sequence[Chord | None] = (None,) if bar is None else bar
        yield from ((chord, TICKS_PER_BAR // len(shares)) for chord in shares)


def stem_name(score: Score, index: int) -> str:
    """A name for the sound of one track: equal where it sounds the same, whatever the other tracks do."""
    track = score.tracks[index]
    tempos = [(tempo.tick, tempo.tempo_bpm) for tempo in score.tempos]
    digest = hashlib.sha256(repr((track.program, track.is_drum, score.num_bars, tempos)).encode())
    digest.update(track.notes.table.tobytes())
    return digest.hexdigest()[:HASH_DIGITS]


def empty_track(name: str, program: int, is_drum: bool, num_bars: int) -> GridTrack:
    """A track of the model that nobody has written yet."""
    return GridTrack(Track(name, Notes.empty(), program, is_drum), EMPTY * num_bars, OPEN * num_bars)


def total_bars(sections: Iterable[PlacedSection]) -> int:
    """Bars of all sections together."""
    return sum(section.num_bars for section in sections)


def placed_sections(form: Iterable[Section], score: Score | None = None) -> tuple[PlacedSection, ...]:
    """New sections of a form, with the chords that the bars of `score` have."""
    sections, start = [], 0
    bars = None if score is None else bar_chords(score)
    for section in form:
        chords = (None,) * section.num_bars if bars is None else bars[start : start + section.num_bars]
        sections.append(PlacedSection(new_section_id(), section.letter, section.num_bars, None, chords))
        start += section.num_bars
    return tuple(sections)


def bar_chords(score: Score) -> tuple[BarChords, ...]:
    """The chords of each bar of a song in 4/4, by the beat; None for bars with a beat without one."""
    beats = beat_chords(score)
    bars = (beats[start : start + BEATS_PER_BAR] for start in range(0, len(beats), BEATS_PER_BAR))
    return tuple(fewest_chords([chord for chord in bar if chord is not None]) for bar in bars)


def fewest_chords(beats: Sequence[Chord]) -> BarChords:
    """A bar of chords as few as say the same; None where there are not 1, 2 or 4."""
    return ChartPart(None, (tuple(beats),)).bars[0] if len(beats) in (1, 2, BEATS_PER_BAR) else None
