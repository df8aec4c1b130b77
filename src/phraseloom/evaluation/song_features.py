"""What songs, and windows of some bars of them, are like: named numbers from notes alone.

Each number is one column; a column is named `group/part/feature`, where the part is `all` (the tracks together) or
`track 1`, `track 2` and so on in the order of the score. To compare two sets of songs, give both the same number of
tracks: the smaller of the two sets' counts. A value that is not defined (the mean pitch of a silent track) is NaN.

Times are counted from the bar line, pitch classes from the tonic of the major key with the song's signature, so neither
a shift by bars nor a transposition changes a feature other than those of register. A note belongs to the bar in which
it starts; only what *sounds* (polyphony, pitch classes) is counted bar by bar for as long as it rings. An interval, of
time or pitch, belongs to the bar of its first note. Drum tracks have no harmony and no melody. Entropies are in bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from phraseloom.harmony import MAJOR_SCALE, Key, estimate_key
from phraseloom.score import TICKS_PER_QUARTER, Score, Track
from phraseloom.similarity import count_shared_notes, jaccard

WINDOW_BARS = 8
TICKS_PER_SIXTEENTH = TICKS_PER_QUARTER // 4
NUM_BEATS = 4
"""Beats of a bar that are told apart; further ones count with the last."""

MAX_INTER_ONSET_TICKS = 4 * TICKS_PER_QUARTER
"""Times between onsets that are longer count as this one."""

DURATION_CLASSES = {
    "1-2 ticks": 1,
    "16th": 3,
    "4-5 ticks": 4,
    "8th": 6,
    "7-11 ticks": 7,
    "quarter": 12,
    "13-23 ticks": 13,
    "half or longer": 24,
    "whole or longer": 48,
}
"""Classes of note lengths and the shortest of each, in ticks."""

MELODIC_CLASSES = {
    "8 or more down": None,
    "5-7 down": -7,
    "3-4 down": -4,
    "1-2 down": -2,
    "repeated": 0,
    "1-2 up": 1,
    "3-4 up": 3,
    "5-7 up": 5,
    "8 or more up": 8,
}
"""Classes of melodic intervals and the lowest of each, in semitones."""

LEAP_SEMITONES = 5

Columns = Iterator[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class FeatureTable:
    """Features of windows, or of whole songs.

    Attributes:
        names: of the columns.
        values: `[num_rows, num_features]` float64; NaN where not defined.
        song: `[num_rows]`, the index of the song that each row is from; songs too short for a window have none.
    """

    names: tuple[str, ...]
    values: np.ndarray
    song: np.ndarray

    def of_groups(self, *groups: str) -> FeatureTable:
        """Only the columns of some of `GROUPS`.

        Raises:
            ValueError: there is no such group.
        """
        if unknown := set(groups) - GROUPS.keys():
            raise ValueError(f"no groups of features: {sorted(unknown)}; there are {list(GROUPS)}")
        keep = [index for index, name in enumerate(self.names) if name.partition("/")[0] in groups]
        return FeatureTable(tuple(self.names[index] for index in keep), self.values[:, keep], self.song)


def window_features(
    scores: Sequence[Score], num_tracks: int, *, window_bars: int = WINDOW_BARS, hop_bars: int = WINDOW_BARS
) -> FeatureTable:
    """Features of windows of `window_bars` bars, one every `hop_bars` bars from the first bar on.

    Args:
        scores: songs of at least `num_tracks` tracks; further tracks are left out.
        num_tracks: at least 1.

    Raises:
        ValueError: no songs, one with fewer tracks, or a number below 1.
    """
    if window_bars < 1 or hop_bars < 1:
        raise ValueError(f"windows of {window_bars} bars every {hop_bars}, expected both at least 1")

    def windows(num_bars: int) -> np.ndarray:
        return np.arange(0, num_bars - window_bars + 1, hop_bars)[:, None] + np.arange(window_bars)

    return _table(scores, num_tracks, windows)


def song_features(scores: Sequence[Score], num_tracks: int) -> FeatureTable:
    """The same features of whole songs, one row a song; arguments and errors as for `window_features`."""
    return _table(scores, num_tracks, lambda num_bars: np.arange(num_bars)[None, :])


def _table(scores: Sequence[Score], num_tracks: int, windows: Callable[[int], np.ndarray]) -> FeatureTable:
    if not scores:
        raise ValueError("no songs")
    columns = [_features(score, num_tracks, windows(score.num_bars)) for score in scores]
    rows = [np.stack(list(features.values()), axis=1) for features in columns]
    song = np.repeat(np.arange(len(scores)), [len(block) for block in rows])
    return FeatureTable(tuple(columns[0]), np.concatenate(rows), song)


def _features(score: Score, num_tracks: int, bars: np.ndarray) -> dict[str, np.ndarray]:
    """Columns by name.

    Args:
        bars: `[num_windows, window_bars]`, the bars of each window.
    """
    if not 1 <= num_tracks <= len(score.tracks):
        raise ValueError(f"{num_tracks} tracks asked of a song with {len(score.tracks)}")
    song = _Song(score, tuple(_Line(score, track) for track in score.tracks[:num_tracks]))
    windows = _Windows(bars)
    return {f"{group}/{name}": column for group, part in GROUPS.items() for name, column in part(song, windows)}


@dataclass(frozen=True, eq=False)
class _Windows:
    """`bars [num_windows, window_bars]`; turns counts by bar into counts by window."""

    bars: np.ndarray

    def sums(self, by_bar: np.ndarray) -> np.ndarray:
        """`[num_bars, ...]` to `[num_windows, ...]`."""
        return by_bar[self.bars].sum(axis=1)

    def mean(self, by_bar: np.ndarray, lag_bars: int = 0) -> np.ndarray:
        """Mean of `[num_bars]` where it is defined, over the bars that have another `lag_bars` on in the window."""
        values = by_bar[self.bars[:, : max(0, self.bars.shape[1] - lag_bars)]]
        defined = ~np.isnan(values)
        return _ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Line:
    """One track of a score: where its notes lie."""

    score: Score
    track: Track

    @cached_property
    def bar(self) -> np.ndarray:
        return self.score.bar_of(self.track.notes.onset_ticks)

    @cached_property
    def onset_in_bar(self) -> np.ndarray:
        return self.track.notes.onset_ticks - self.score.bar_start_ticks[self.bar]

    @cached_property
    def attacks(self) -> np.ndarray:
        """Indices of the highest note of every onset: notes are ordered by onset, then falling pitch."""
        return np.unique(self.track.notes.onset_ticks, return_index=True)[1]

    def per_bar(self, weights: np.ndarray | None = None) -> np.ndarray:
        """`[num_bars]`: the number of notes, or the sum of their weights."""
        return np.bincount(self.bar, weights, minlength=self.score.num_bars)

    def sounding(self, lane: np.ndarray | int = 0, num_lanes: int = 1) -> np.ndarray:
        """`[num_ticks, num_lanes]`: how many notes of each lane sound at each tick of the song."""
        notes, num_ticks = self.track.notes, self.score.num_ticks
        starts, ends = (
            np.bincount(ticks * num_lanes + lane, minlength=(num_ticks + 1) * num_lanes)
            for ticks in (notes.onset_ticks, np.minimum(notes.end_ticks, num_ticks))
        )
        return (starts - ends).reshape(num_ticks + 1, num_lanes)[:-1].cumsum(axis=0)


@dataclass(frozen=True, eq=False)
class _Song:
    """A score and the tracks of it that count."""

    score: Score
    lines: tuple[_Line, ...]

    def named_lines(self) -> Iterator[tuple[str, _Line]]:
        for number, line in enumerate(self.lines, 1):
            yield f"track {number}", line

    def histogram(self, bar: np.ndarray, classes: np.ndarray, num_classes: int) -> np.ndarray:
        """`[num_bars, num_classes]`: how often each class occurs in each bar."""
        num_bars = self.score.num_bars
        return np.bincount(bar * num_classes + classes, minlength=num_bars * num_classes).reshape(num_bars, num_classes)

    def ticks_per_bar(self, by_tick: np.ndarray) -> np.ndarray:
        """`[num_ticks, ...]` summed by bar to `[num_bars, ...]`."""
        return np.add.reduceat(by_tick, self.score.bar_start_ticks[:-1], axis=0, dtype=np.int64)

    def pitch_classes(self) -> np.ndarray:
        """`[num_ticks, 12]`: how many notes of each pitch class sound, from the tonic of the major key on."""
        sounding = np.zeros((self.score.num_ticks, 12), np.int64)
        for line in self.lines:
            if not line.track.is_drum:
                sounding += line.sounding(line.track.notes.pitch % 12, 12)
        key = self.score.key or estimate_key(sounding.sum(axis=0))
        return np.roll(sounding, -_relative_major_tonic(key), axis=1)


def _texture(song: _Song, windows: _Windows) -> Columns:
    """How much each track plays, how many notes at once, and how high."""
    window_bars = windows.bars.shape[1]
    everything = np.zeros(song.score.num_ticks, np.int64)
    notes_everywhere = np.zeros(song.score.num_bars, np.int64)
    for name, line in song.named_lines():
        notes_per_bar, pitch = line.per_bar(), line.track.notes.pitch.astype(np.float64)
        num_notes = windows.sums(notes_per_bar)
        attacks = windows.sums(np.bincount(line.bar[line.attacks], minlength=song.score.num_bars))
        mean, spread = _moments(windows, line, pitch)
        sounding = line.sounding()[:, 0]
        everything += sounding
        notes_everywhere += notes_per_bar
        yield f"{name}/notes a bar", num_notes / window_bars
        yield f"{name}/share of bars that play", windows.sums(notes_per_bar > 0) / window_bars
        yield f"{name}/notes an onset", _ratio(num_notes, attacks)
        yield from _sounding_columns(name, song, windows, sounding)
        yield f"{name}/pitch mean", mean
        yield f"{name}/pitch spread", spread
    yield "all/share of bars that play", windows.sums(notes_everywhere > 0) / window_bars
    yield from _sounding_columns("all", song, windows, everything)


def _sounding_columns(name: str, song: _Song, windows: _Windows, sounding: np.ndarray) -> Columns:
    num_ticks = windows.sums(np.diff(song.score.bar_start_ticks))
    sounding_ticks = windows.sums(song.ticks_per_bar(sounding > 0))
    yield f"{name}/share of time that sounds", sounding_ticks / num_ticks
    yield f"{name}/polyphony", _ratio(windows.sums(song.ticks_per_bar(sounding)), sounding_ticks)


def _harmony(song: _Song, windows: _Windows) -> Columns:
    """Which pitch classes sound, how many, and which together."""
    sounding = song.pitch_classes()
    by_bar = song.ticks_per_bar(sounding)
    duration = windows.sums(by_bar)
    profile = _shares(duration)
    for pitch_class, column in enumerate(profile.T):
        yield f"all/pitch class {pitch_class} above the tonic", column
    yield "all/share in the scale", profile[:, MAJOR_SCALE].sum(axis=1)
    yield "all/pitch class entropy of a bar", windows.mean(_entropy(by_bar))
    num_classes = np.count_nonzero(by_bar, axis=1).astype(np.float64)
    yield "all/pitch classes in a bar", windows.mean(np.where(num_classes > 0, num_classes, np.nan))
    yield "all/pitch classes in all", np.count_nonzero(duration, axis=1).astype(np.float64)
    present = sounding > 0
    at_once, sounds = song.ticks_per_bar(present).sum(axis=1), song.ticks_per_bar(present.max(axis=1))
    yield "all/pitch classes at once", _ratio(windows.sums(at_once), windows.sums(sounds))
    pairs = np.stack([(present & np.roll(present, -interval, axis=1)).sum(axis=1) for interval in range(1, 7)], axis=1)
    pairs[:, 5] //= 2  # a tritone is found from both its ends
    for interval, column in enumerate(_shares(windows.sums(song.ticks_per_bar(pairs))).T, 1):
        yield f"all/interval class {interval} at once", column


def _rhythm(song: _Song, windows: _Windows) -> Columns:
    """Where in beat and bar notes start, and how long they last."""
    bar = np.concatenate([line.bar for line in song.lines])
    onset_in_bar = np.concatenate([line.onset_in_bar for line in song.lines])
    positions = song.histogram(bar, onset_in_bar % TICKS_PER_QUARTER, TICKS_PER_QUARTER)
    for tick, column in enumerate(_shares(windows.sums(positions)).T):
        yield f"all/onsets at tick {tick} of a beat", column
    beats = song.histogram(bar, np.minimum(onset_in_bar // TICKS_PER_QUARTER, NUM_BEATS - 1), NUM_BEATS)
    for beat, column in enumerate(_shares(windows.sums(beats)).T, 1):
        yield f"all/onsets in beat {beat}", column
    for name, line in song.named_lines():
        yield from _line_rhythm(name, song, windows, line)


def _line_rhythm(name: str, song: _Song, windows: _Windows, line: _Line) -> Columns:
    off_grid = line.per_bar((line.onset_in_bar % TICKS_PER_SIXTEENTH != 0).astype(np.float64))
    yield f"{name}/onsets off the 16th grid", _ratio(windows.sums(off_grid), windows.sums(line.per_bar()))
    gaps = np.diff(line.track.notes.onset_ticks[line.attacks])
    gap_classes = np.minimum(gaps, MAX_INTER_ONSET_TICKS) - 1
    gap_counts = song.histogram(line.bar[line.attacks[:-1]], gap_classes, MAX_INTER_ONSET_TICKS)
    yield f"{name}/inter-onset entropy", _entropy(windows.sums(gap_counts))
    shortest = list(DURATION_CLASSES.values())
    classes = np.digitize(line.track.notes.duration_ticks, shortest) - 1
    durations = _shares(windows.sums(song.histogram(line.bar, classes, len(shortest))))
    for label, column in zip(DURATION_CLASSES, durations.T, strict=True):
        yield f"{name}/duration {label}", column


def _melody(song: _Song, windows: _Windows) -> Columns:
    """Steps between the highest notes of successive onsets of each track."""
    lowest = [edge for edge in MELODIC_CLASSES.values() if edge is not None]
    for name, line in song.named_lines():
        tops = line.attacks[:0] if line.track.is_drum else line.attacks
        interval = np.diff(line.track.notes.pitch[tops])
        bar = line.bar[tops[:-1]]
        counts = windows.sums(song.histogram(bar, np.digitize(interval, lowest), len(MELODIC_CLASSES)))
        for label, column in zip(MELODIC_CLASSES, _shares(counts).T, strict=True):
            yield f"{name}/interval {label}", column
        leaps = windows.sums(np.bincount(bar, np.abs(interval) >= LEAP_SEMITONES, minlength=song.score.num_bars))
        yield f"{name}/leaps", _ratio(leaps, counts.sum(axis=1))
        semitones = windows.sums(np.bincount(bar, np.abs(interval), minlength=song.score.num_bars))
        yield f"{name}/interval mean", _ratio(semitones, counts.sum(axis=1))


def _repetition(song: _Song, windows: _Windows) -> Columns:
    """How alike near bars are (note-set Jaccard index), and how many repeat an earlier bar of the window exactly."""
    shared = {name: count_shared_notes(song.score, line.track.notes) for name, line in song.named_lines()}
    contents = {name: _bar_contents(line) for name, line in song.named_lines()}
    shared["all"] = np.sum(list(shared.values()), axis=0)
    contents["all"] = [b"|".join(cells) if any(cells) else b"" for cells in zip(*contents.values(), strict=True)]
    for name, counts in shared.items():
        similarity = jaccard(counts)
        for label, lag_bars in (("neighbouring bars", 1), ("bars 4 apart", 4)):
            alike = np.full(song.score.num_bars, np.nan)
            diagonal = np.diagonal(similarity, lag_bars)
            alike[: len(diagonal)] = diagonal
            yield f"{name}/Jaccard of {label}", windows.mean(alike, lag_bars)
        sounds = np.array([bool(content) for content in contents[name]])
        repeats = _previous_equal(contents[name])[windows.bars] >= windows.bars[:, :1]
        yield f"{name}/bars repeated exactly", _ratio(repeats.sum(axis=1), windows.sums(sounds))


def _velocity(song: _Song, windows: _Windows) -> Columns:
    """How loud each track is, and how evenly."""
    for name, line in song.named_lines():
        mean, spread = _moments(windows, line, line.track.notes.velocity.astype(np.float64))
        yield f"{name}/velocity mean", mean
        yield f"{name}/velocity spread", spread


GROUPS: dict[str, Callable[[_Song, _Windows], Columns]] = {
    "texture": _texture,
    "harmony": _harmony,
    "rhythm": _rhythm,
    "melody": _melody,
    "repetition": _repetition,
    "velocity": _velocity,
}
"""Groups of features, in the order of the columns."""


def _relative_major_tonic(key: Key) -> int:
    return (key.tonic + (3 if key.mode == "minor" else 0)) % 12


def _bar_contents(line: _Line) -> list[bytes]:
    """For each bar what starts in it, equal for equal onsets, pitches and durations, empty for nothing."""
    notes = line.track.notes
    rows = np.stack([line.onset_in_bar, notes.pitch, notes.duration_ticks], axis=1).astype(np.int32)
    edges = np.searchsorted(line.bar, np.arange(line.score.num_bars + 1))
    return [rows[start:end].tobytes() for start, end in pairwise(edges)]


def _previous_equal(contents: Sequence[bytes]) -> np.ndarray:
    """`[num_bars]`: the last bar before each that is equal to it; -1 where there is none, and for silent bars."""
    last: dict[bytes, int] = {}
    previous = []
    for bar, content in enumerate(contents):
        previous.append(last.get(content, -1) if content else -1)
        last[content] = bar
    return np.array(previous)


def _moments(windows: _Windows, line: _Line, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, by window, of one value a note."""
    num_notes = windows.sums(line.per_bar())
    mean = _ratio(windows.sums(line.per_bar(values)), num_notes)
    variance = _ratio(windows.sums(line.per_bar(values**2)), num_notes) - mean**2
    return mean, np.sqrt(np.maximum(variance, 0))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _shares(counts: np.ndarray) -> np.ndarray:
    """`[..., num_classes]` counts as shares of their sum; NaN for a sum of 0."""
    return _ratio(counts, np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape))


def _entropy(counts: np.ndarray) -> np.ndarray:
    """Entropy in bits of `[..., num_classes]` counts; NaN for no counts."""
    shares = _shares(counts)
    return -(shares * np.log2(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=-1) + 0.0
