"""A MIDI song onto the library's grid: from `MidiSong` to `Score`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from phraseloom.errors import ParseError, UnsupportedScoreError
from phraseloom.form import MAX_BARS, Section
from phraseloom.harmony import Chord
from phraseloom.midi.annotations import is_chord_text, is_end_marker, parse_chord_text, parse_section_marker
from phraseloom.midi.bar_lines import Bars, lay_bars
from phraseloom.midi.song import MidiSong, MidiTrack
from phraseloom.score import (
    MAX_TEMPO_BPM,
    MIN_TEMPO_BPM,
    TICKS_PER_QUARTER,
    ChordSpan,
    Notes,
    Score,
    TempoChange,
    Track,
)

DEFAULT_TEMPO_BPM = 120.0
"""What the standard says of a file without a tempo."""

_MAX_TICK = np.iinfo(np.int32).max  # of the columns of `Notes`


class QuantisedSong(NamedTuple):
    """A score, and what putting the song on the grid changed."""

    score: Score
    warnings: tuple[str, ...]


def quantise(song: MidiSong) -> QuantisedSong:
    """The song on the grid of 12 ticks to the quarter.

    Onsets and ends are rounded, so that notes that follow each other at once still do; a note lasts at least one tick.
    A meter change starts a bar, so inside a bar it makes that bar shorter. The song ends at the marker `End`, or else
    with the bar in which the last note ends, where less than a quarter of ringing on does not count; it always covers
    every onset.

    Raises:
        UnsupportedScoreError: a meter that the grid cannot hold, or more than 2,000 bars.
    """
    warnings: list[str] = []
    grid = _Grid(song.ticks_per_quarter)
    columns = [_rounded(track, grid) for track in song.tracks]
    bars = lay_bars(
        [change._replace(tick=grid.round(change.tick)) for change in song.meters],
        _needed_ticks(columns, [grid.round(marker.tick) for marker in song.markers if is_end_marker(marker.text)]),
        warnings,
    )
    tracks = [
        _track(track, onset_ticks, duration_ticks)
        for track, (onset_ticks, duration_ticks) in zip(song.tracks, columns, strict=True)
    ]
    num_lost = sum(track.num_notes for track in song.tracks) - sum(len(track.notes) for track in tracks)
    if num_lost:
        warnings.append(f"notes that fall on another of their pitch on the grid: {num_lost}; the longer one stays")
    score = Score(
        tracks=tuple(tracks),
        num_bars=bars.num_bars,
        meters=bars.meters,
        tempos=_tempos(song, grid, bars.num_ticks, warnings),
        sections=_sections(song, grid, bars, warnings),
        chords=_chords(song, grid, bars.num_ticks, warnings),
        key=song.keys[0].key if song.keys else None,
        title=song.title,
    )
    return QuantisedSong(score, tuple(warnings))


@dataclass(frozen=True)
class _Grid:
    """From the file's ticks to the library's; halves go up."""

    ticks_per_quarter: int

    def round_all(self, ticks: np.ndarray) -> np.ndarray:
        return (2 * TICKS_PER_QUARTER * ticks + self.ticks_per_quarter) // (2 * self.ticks_per_quarter)

    def round(self, tick: int) -> int:
        return (2 * TICKS_PER_QUARTER * tick + self.ticks_per_quarter) // (2 * self.ticks_per_quarter)


def _rounded(track: MidiTrack, grid: _Grid) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and durations, which may be 0."""
    onset_ticks = grid.round_all(track.onset_ticks)
    return onset_ticks, grid.round_all(track.onset_ticks + track.duration_ticks) - onset_ticks


def _needed_ticks(columns: Sequence[tuple[np.ndarray, np.ndarray]], end_ticks: Sequence[int]) -> int:
    """How many ticks the bars have to cover, for the onsets and durations of each track and the `End` markers."""
    last_onset = max(int(onset[-1]) for onset, _ in columns if len(onset))
    last_end = max(int((onset + duration).max()) for onset, duration in columns if len(onset))
    if last_end > _MAX_TICK:
        raise UnsupportedScoreError(
            "the song has a note of millions of quarters", "look for a note without an end and shorten it"
        )
    return max(last_onset + 1, end_ticks[-1] if end_ticks else last_end - TICKS_PER_QUARTER + 1)


def _track(track: MidiTrack, onset_ticks: np.ndarray, duration_ticks: np.ndarray) -> Track:
    notes = Notes.build(onset_ticks, np.maximum(duration_ticks, 1), track.pitch, track.velocity)
    return Track(track.name, notes, track.program, track.is_drum)


def _tempos(song: MidiSong, grid: _Grid, num_ticks: int, warnings: list[str]) -> tuple[TempoChange, ...]:
    tempos = {0: DEFAULT_TEMPO_BPM}
    out_of_range: list[float] = []
    for tick, tempo_bpm in song.tempos:
        if (grid_tick := grid.round(tick)) >= num_ticks:
            continue
        tempos[grid_tick] = min(max(tempo_bpm, MIN_TEMPO_BPM), MAX_TEMPO_BPM)
        if tempos[grid_tick] != tempo_bpm:
            out_of_range.append(tempo_bpm)
    if out_of_range:
        warnings.append(
            f"tempos outside {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} bpm: {len(out_of_range)}, "
            f"the first {out_of_range[0]:.4g}; each is read as the nearest allowed"
        )
    return tuple(TempoChange(tick, tempo_bpm) for tick, tempo_bpm in tempos.items())


def _sections(song: MidiSong, grid: _Grid, bars: Bars, warnings: list[str]) -> tuple[Section, ...]:
    """The form by the section markers, each at its nearest bar line; empty where they make none."""
    letters: dict[int, str] = {}
    for marker in song.markers:
        letter = parse_section_marker(marker.text)
        bar = bars.nearest_line(grid.round(marker.tick))
        if letter is not None and bar < bars.num_bars:
            letters[bar] = letter
    if not letters:
        return ()
    if 0 not in letters:
        warnings.append(f"section markers begin at bar {min(letters) + 1}, not at bar 1, and are not used")
        return ()
    lengths = [following - first for first, following in pairwise([*letters, bars.num_bars])]
    if max(lengths) > MAX_BARS:
        warnings.append(f"section markers leave a section of {max(lengths)} bars, over {MAX_BARS}, and are not used")
        return ()
    return tuple(map(Section, letters.values(), lengths))


def _chords(song: MidiSong, grid: _Grid, num_ticks: int, warnings: list[str]) -> tuple[ChordSpan, ...]:
    chords: dict[int, Chord | None] = {}
    unread: list[str] = []
    for tick, text in song.texts:
        grid_tick = grid.round(tick)
        if not is_chord_text(text) or grid_tick >= num_ticks:
            continue
        try:
            chords[grid_tick] = parse_chord_text(text)
        except ParseError:
            unread.append(text)
    if unread:
        warnings.append(f"chord texts that name no chord: {len(unread)}, the first {unread[0]!r}; they are passed over")
    return tuple(
        ChordSpan(onset, following - onset, chord)
        for (onset, chord), following in zip(chords.items(), [*list(chords)[1:], num_ticks], strict=False)
        if chord is not None
    )
