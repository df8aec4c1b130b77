"""How near a song comes to the songs of a reference, such as those that a model was trained on.

A window is some bars of a song, beginning at any bar. Its note set holds bar in the window, onset in the bar and pitch
of every note that starts in it; durations and velocities do not count, drums are left out, and a note that two tracks
play together counts once. Two windows are as similar as the Jaccard index of their note sets at the transposition, of
all there are, at which it is highest: 1 for a copy in any key, 0 for nothing in common. Bars meet at their bar lines; a
copy that is moved against them is not recognised.

Real songs resemble each other too. So hold what generated songs reach against what real songs that were kept out of the
reference reach; `compare_originality` does so with a permutation test.

The search has two steps. The reference windows most similar by (sixteenth in the bar, pitch class), at the best of
twelve rotations of the pitch classes, are found by matrix products over all bars; of the `NUM_CANDIDATES` best, the
similarity itself is computed. A copy is thus always found, unless that many windows agree with it but for octaves; of
lesser likenesses, what is found is a lower bound, and near to the highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate, bootstrap_mean
from phraseloom.evaluation.plain import plain_dict
from phraseloom.score import TICKS_PER_QUARTER, Score, Track

Part = Literal["all", "melody"]
"""Which notes are compared: those of all pitched tracks together, or of the first with "melody" in its name."""

NUM_CANDIDATES = 200
"""For each window of a song, how many windows of the reference are looked at note for note.

On POP909, ten times as many raise a held-out song's mean similarity by at most 0.0013 and its highest not at all (three
songs against all training songs, windows of 8 bars).
"""

MIN_NOTES_PER_BAR = 2
"""A window with fewer notes than this a bar, on average, does not count: so few notes resemble anything."""

NUM_PERMUTATIONS = 10_000

_NUM_SLOTS = 16  # sixteenths in a bar of 4/4; longer bars wrap around, which only makes the first step less sharp
_TICKS_PER_SLOT = TICKS_PER_QUARTER // 4
_PLACES_PER_BAR = 1 << 20  # more than a bar has ticks
_BARS_PER_BLOCK = 4096  # what is worked on at a time stays in the cache


@dataclass(frozen=True)
class WindowMatch:
    """The reference window most similar to one window of a song.

    Attributes:
        bar: where the song's window starts.
        similarity: 0 to 1, see the module.
        song: the reference song, by its place among those that the index was built from.
        song_bar: where the window starts in that song.
        semitones: the transposition that takes the song's window to the reference's.
    """

    bar: int
    similarity: float
    song: int
    song_bar: int
    semitones: int


@dataclass(frozen=True)
class NearestWindows:
    """For every window of a song that has enough notes, its nearest in the reference.

    Attributes:
        window_bars: length of the windows.
        mean_similarity: over the windows; NaN where there is no match, since the song or the reference has no window
            with enough notes.
        highest_similarity: of all windows; NaN as above.
        matches: in the order of the song's bars.
    """

    window_bars: int
    mean_similarity: float
    highest_similarity: float
    matches: tuple[WindowMatch, ...]

    @property
    def nearest(self) -> WindowMatch | None:
        """The first match with the highest similarity; None where there is no match."""
        return max(self.matches, key=lambda match: match.similarity, default=None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


@dataclass(frozen=True)
class TwoSampleTest:
    """Are two groups of songs alike in one figure?

    Attributes:
        first, second: the mean of each group with its confidence interval.
        difference: mean of the first less that of the second; NaN where a group has no song with a value.
        p_value: how probable a difference at least as large, either way, is if the groups are alike; NaN as above.
    """

    first: Estimate
    second: Estimate
    difference: float
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def __str__(self) -> str:
        return f"{self.first} against {self.second}, p = {self.p_value:.3f}"


@dataclass(frozen=True)
class OriginalityComparison:
    """Similarity to the nearest windows of the reference: of generated songs (first) and of held-out ones (second)."""

    mean_similarity: TwoSampleTest
    highest_similarity: TwoSampleTest

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """One line a figure, for people."""
        rows = {"mean over windows": self.mean_similarity, "highest of a song": self.highest_similarity}
        return "\n".join(f"{name:20}{test}" for name, test in rows.items())


class OriginalityIndex:
    """Reference songs, ready to be searched for windows similar to those of another song.

    Attributes:
        part: which notes are compared.
        num_songs: of the reference.
    """

    def __init__(self, bars: _Bars, first_bars: np.ndarray, part: Part) -> None:
        """Use `build`. `first_bars` `[num_songs + 1]`: where each song starts in `bars`, and the end of the last."""
        self.part = part
        self.num_songs = len(first_bars) - 1
        self._bars = bars
        self._first_bars = first_bars
        self._features_by_column = np.ascontiguousarray(bars.features().T)

    @classmethod
    def build(cls, scores: Iterable[Score], part: Part = "all") -> OriginalityIndex:
        """The index of some songs; those without notes in this part are kept, so that places stay what they are.

        Raises:
            ValueError: there is no song.
        """
        songs = [_Bars.of(score, part) for score in scores]
        if not songs:
            raise ValueError("an index needs at least one song")
        first_bars = np.cumsum([0] + [song.num_bars for song in songs])
        return cls(_Bars.joined(songs), first_bars, part)

    def nearest(self, score: Score, window_bars: int = 8) -> NearestWindows:
        """The most similar reference window of every window of `score`, beginning at each bar.

        Raises:
            ValueError: `window_bars` is less than 1.
        """
        if window_bars < 1:
            raise ValueError(f"window_bars is {window_bars}, expected at least 1")
        song = _Bars.of(score, self.part)
        starts = song.window_starts(window_bars)
        candidates = self._candidates(song, starts, window_bars)
        matches = tuple(
            self._match(song, start, row, window_bars)
            for start, row in zip(starts.tolist(), candidates, strict=True)
            if len(row)
        )
        similarities = np.array([match.similarity for match in matches])
        return NearestWindows(
            window_bars,
            float(similarities.mean()) if matches else np.nan,
            float(similarities.max()) if matches else np.nan,
            matches,
        )

    def _candidates(self, song: _Bars, starts: np.ndarray, window_bars: int) -> np.ndarray:
        """`[len(starts), n]`: reference bars where the windows start that are most similar by the song's features."""
        reference_starts = self._window_starts(window_bars)
        num_candidates = min(NUM_CANDIDATES, len(reference_starts))
        if not len(starts) or not num_candidates:
            return np.zeros((len(starts), 0), np.int64)
        features = song.features()
        shared = np.concatenate(
            [
                _most_shared(features, block, window_bars)[starts]
                for block in _overlapping_blocks(self._features_by_column, window_bars)
            ],
            axis=1,
        )[:, reference_starts]
        sizes = _window_sums(features.sum(axis=1), window_bars)[starts]
        reference_sizes = _window_sums(self._features_by_column.sum(axis=0), window_bars)[reference_starts]
        similarity = shared / (sizes[:, None] + reference_sizes - shared)
        best = np.argpartition(-similarity, num_candidates - 1, axis=1)[:, :num_candidates]
        return reference_starts[np.sort(best, axis=1)]

    def _window_starts(self, window_bars: int) -> np.ndarray:
        """Bars at which a window with enough notes starts that lies within one song."""
        starts = self._bars.window_starts(window_bars)
        song = self._song_of(starts)
        return starts[starts + window_bars <= self._first_bars[song + 1]]

    def _song_of(self, bars: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._first_bars, bars, side="right") - 1

    def _match(self, song: _Bars, start: int, candidates: np.ndarray, window_bars: int) -> WindowMatch:
        """The best of `[n]` candidates, note for note, at any transposition."""
        place, pitch = song.window(start, window_bars)
        shared, semitones = self._bars.most_shared_notes(place, pitch, candidates)
        sizes = self._bars.edges[candidates + window_bars] - self._bars.edges[candidates]
        similarity = shared / (len(place) + sizes - shared)
        best = int(similarity.argmax())
        bar = int(candidates[best])
        reference_song = int(self._song_of(candidates[best : best + 1])[0])
        return WindowMatch(
            bar=start,
            similarity=float(similarity[best]),
            song=reference_song,
            song_bar=bar - int(self._first_bars[reference_song]),
            semitones=int(semitones[best]),
        )


def two_sample_test(
    first: Iterable[float], second: Iterable[float], *, confidence: float = 0.95, seed: int = 0
) -> TwoSampleTest:
    """Permutation test of the difference of two means, two-sided (Fisher 1935; p-value of Phipson and Smyth 2010).

    Args:
        first: one value a song; NaN does not count.
        second: the same of the other songs.
        confidence: of the intervals of the two means.
        seed: the same values and seed give the same result.
    """
    groups = [np.array(list(values), np.float64) for values in (first, second)]
    estimates = [bootstrap_mean(group, confidence=confidence, seed=seed) for group in groups]
    groups = [group[~np.isnan(group)] for group in groups]
    if not all(map(len, groups)):
        return TwoSampleTest(*estimates, difference=np.nan, p_value=np.nan)
    difference = float(groups[0].mean() - groups[1].mean())
    songs = np.concatenate(groups)
    shuffled = np.random.default_rng(seed).permuted(np.tile(songs, (NUM_PERMUTATIONS, 1)), axis=1)
    split = len(groups[0])
    by_chance = np.abs(shuffled[:, :split].mean(axis=1) - shuffled[:, split:].mean(axis=1))
    rounding = 1e-12 * np.abs(songs).max()
    at_least = np.count_nonzero(by_chance >= abs(difference) - rounding)
    return TwoSampleTest(*estimates, difference=difference, p_value=(1 + at_least) / (1 + NUM_PERMUTATIONS))


def compare_originality(
    generated: Iterable[NearestWindows], held_out: Iterable[NearestWindows], *, confidence: float = 0.95, seed: int = 0
) -> OriginalityComparison:
    """Do generated songs come nearer to the reference than real songs that are not in it? One value a song.

    Both must come from the same index and the same length of windows.
    """
    first, second = list(generated), list(held_out)

    def test(value: Literal["mean_similarity", "highest_similarity"]) -> TwoSampleTest:
        groups = ([getattr(song, value) for song in songs] for songs in (first, second))
        return two_sample_test(*groups, confidence=confidence, seed=seed)

    return OriginalityComparison(test("mean_similarity"), test("highest_similarity"))


@dataclass(frozen=True, eq=False)
class _Bars:
    """The note sets of consecutive bars.

    Attributes:
        place: `[n]` int64, bar * `_PLACES_PER_BAR` + onset in the bar, in rising order.
        pitch: `[n]` int64.
        edges: `[num_bars + 1]`: where each bar's notes start.
    """

    place: np.ndarray
    pitch: np.ndarray
    edges: np.ndarray

    @property
    def num_bars(self) -> int:
        return len(self.edges) - 1

    @classmethod
    def of(cls, score: Score, part: Part) -> _Bars:
        notes = [track.notes for track in _tracks(score, part)]
        onset_ticks = np.concatenate([np.zeros(0, np.int64), *(part.onset_ticks for part in notes)])
        pitch = np.concatenate([np.zeros(0, np.int64), *(part.pitch for part in notes)])
        bar = score.bar_of(onset_ticks)
        place = bar * _PLACES_PER_BAR + onset_ticks - score.bar_start_ticks[bar]
        place, pitch = np.divmod(np.unique(place * 128 + pitch), 128)
        return cls(place, pitch, np.searchsorted(place, np.arange(score.num_bars + 1) * _PLACES_PER_BAR))

    @classmethod
    def joined(cls, songs: list[_Bars]) -> _Bars:
        first_bars = np.cumsum([0] + [song.num_bars for song in songs])
        first_notes = np.cumsum([0] + [len(song.place) for song in songs])
        return cls(
            np.concatenate([song.place + bar * _PLACES_PER_BAR for song, bar in zip(songs, first_bars, strict=False)]),
            np.concatenate([song.pitch for song in songs]),
            np.concatenate(
                [*(song.edges[:-1] + note for song, note in zip(songs, first_notes, strict=False)), first_notes[-1:]]
            ),
        )

    def window_starts(self, window_bars: int) -> np.ndarray:
        """The bars at which a window with enough notes starts."""
        num_notes = self.edges[window_bars:] - self.edges[:-window_bars]
        return np.flatnonzero(num_notes >= MIN_NOTES_PER_BAR * window_bars)

    def window(self, start: int, window_bars: int) -> tuple[np.ndarray, np.ndarray]:
        """Places, counted from the start of the window, and pitches of its notes."""
        inside = slice(self.edges[start], self.edges[start + window_bars])
        return self.place[inside] - start * _PLACES_PER_BAR, self.pitch[inside]

    def features(self) -> np.ndarray:
        """`[num_bars, _NUM_SLOTS * 12]` float32 of 0 and 1: which (sixteenth, pitch class) each bar has."""
        bar, onset_in_bar = np.divmod(self.place, _PLACES_PER_BAR)
        slot = onset_in_bar // _TICKS_PER_SLOT % _NUM_SLOTS
        features = np.zeros((self.num_bars, _NUM_SLOTS * 12), np.float32)
        features[bar, slot * 12 + self.pitch % 12] = 1.0
        return features

    def most_shared_notes(
        self, place: np.ndarray, pitch: np.ndarray, starts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How many notes a window has in common with the windows at `starts`, at the transposition that is best.

        Args:
            place: `[n]` of the notes, counted from the start of the window.
            pitch: `[n]`.
            starts: `[num_windows]` bars in here.

        Returns:
            `[num_windows]` numbers of shared notes and `[num_windows]` semitones from the window to those here.
        """
        # Every two notes at one place speak for the transposition that takes one to the other.
        targets = (starts[:, None] * _PLACES_PER_BAR + place).ravel()
        first = np.searchsorted(self.place, targets, side="left")
        num_partners = np.searchsorted(self.place, targets, side="right") - first
        behind = np.cumsum(num_partners)
        partner = np.repeat(first - (behind - num_partners), num_partners) + np.arange(behind[-1])
        semitones = self.pitch[partner] - np.repeat(np.tile(pitch, len(starts)), num_partners)
        window = np.repeat(np.repeat(np.arange(len(starts)), len(place)), num_partners)
        votes = np.bincount(window * 256 + semitones + 128, minlength=len(starts) * 256).reshape(-1, 256)
        return votes.max(axis=1), votes.argmax(axis=1) - 128


def _tracks(score: Score, part: Part) -> list[Track]:
    pitched = [track for track in score.tracks if not track.is_drum]
    if part == "all":
        return pitched
    return [track for track in pitched if "melody" in track.name.lower()][:1]


def _overlapping_blocks(features_by_column: np.ndarray, window_bars: int) -> Iterator[np.ndarray]:
    """`[num_features, bars]` pieces; together every window is in one, and the order is kept."""
    for start in range(0, features_by_column.shape[1] - window_bars + 1, _BARS_PER_BLOCK):
        yield features_by_column[:, start : start + _BARS_PER_BLOCK + window_bars - 1]


def _most_shared(features: np.ndarray, reference: np.ndarray, window_bars: int) -> np.ndarray:
    """How many features every window of a song shares with every window of the reference, at the best rotation.

    Args:
        features: `[num_bars, num_features]`.
        reference: `[num_features, num_reference_bars]`.
        window_bars: of both.

    Returns:
        `[num_bars - window_bars + 1, num_reference_bars - window_bars + 1]` float32 of whole numbers.
    """
    num_windows = len(features) - window_bars + 1
    num_reference_windows = reference.shape[1] - window_bars + 1
    most = np.zeros((num_windows, num_reference_windows), np.float32)
    for semitones in range(12):
        rotated = np.roll(features.reshape(-1, _NUM_SLOTS, 12), semitones, axis=2).reshape(features.shape)
        by_bar = rotated @ reference
        by_window = by_bar[:num_windows, :num_reference_windows].copy()
        for bar in range(1, window_bars):
            by_window += by_bar[bar : bar + num_windows, bar : bar + num_reference_windows]
        np.maximum(most, by_window, out=most)
    return most


def _window_sums(values: np.ndarray, window_bars: int) -> np.ndarray:
    """The sum of `[num_bars]` values over the window that starts at each bar, `[num_bars - window_bars + 1]`."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return (total[window_bars:] - total[:-window_bars]).astype(np.float32)
