"""Where each tick of a performance lies on the grid of its labels.

The map is piecewise constant: a shift for each piece of the song. The melodies say what the shifts are
(`corpus.melody_matching`); they cannot say where between two melody notes the shift changes, nor whether it changes
before the first or behind the last of them. The accompaniment can: it must fit the labelled chords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phraseloom.corpus.melody_matching import Grid, Matches, MelodyLine, match_melodies

BAR_LINE_BONUS = 2.0
"""Chord tones that a cut at a bar line may cost against a cut at a beat."""

MAX_OUTER_CHANGE_QUARTERS = 4
"""How far an introduction or an ending may be moved against the melody."""

MIN_OUTER_GAIN_NOTES, MIN_OUTER_GAIN_SHARE = 12, 0.2
"""Notes, and share of an introduction's or ending's notes, that must become chord tones for it to be moved."""

_FOREVER = np.iinfo(np.int64).max // 2  # behind every performed tick, with room to add to it


@dataclass(frozen=True)
class Change:
    """At performed tick `cut` the shift changes from `old` to `new`; `score` says how well the music around it fits."""

    cut: int
    old: int
    new: int
    score: float

    @property
    def removed(self) -> int:
        """Performed ticks from `cut` on that the labels leave out."""
        return max(0, self.old - self.new)


@dataclass(frozen=True)
class Piece:
    """Performed ticks from `start` to before `end` lie at tick + `shift` of the label grid; None is open-ended."""

    start: int | None
    end: int | None
    shift: int


@dataclass(frozen=True)
class Alignment:
    """The piecewise constant map from performed ticks to label ticks; what lies between two pieces was taken out.

    Attributes:
        pieces: in order, the first open to the front, the last to the back.
        early_ticks: how far the pieces' edges lie before the beats that they stand for, so that notes played a little
            early stay with their beat.
    """

    pieces: tuple[Piece, ...]
    early_ticks: int = 0

    @classmethod
    def from_changes(cls, shift: int, changes: Sequence[Change], early_ticks: int = 0) -> Alignment:
        """The map with these changes, in order; with `shift` throughout where there are none."""
        starts = [None, *(change.cut + change.removed for change in changes)]
        ends = [*(change.cut for change in changes), None]
        shifts = [changes[0].old if changes else shift, *(change.new for change in changes)]
        return cls(tuple(Piece(*piece) for piece in zip(starts, ends, shifts, strict=True)), early_ticks)

    @property
    def num_changes(self) -> int:
        return len(self.pieces) - 1

    def place(self, onset_ticks: np.ndarray, duration_ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Label ticks of performed notes.

        Returns:
            onset `[n]` and duration `[n]` in label ticks, and a mask `[n]` of the notes that lie in a piece. A note
            that rings into a part that was taken out gives up what was taken; no note grows, and each keeps a tick.
        """
        starts = np.array([piece.start for piece in self.pieces[1:]], np.int64)
        ends = np.array([piece.end for piece in self.pieces[:-1]] + [_FOREVER], np.int64)
        shifts = np.array([piece.shift for piece in self.pieces], np.int64)
        stop_ticks = onset_ticks + duration_ticks
        first = np.searchsorted(starts, onset_ticks, side="right")
        last = np.maximum(first, np.searchsorted(starts, stop_ticks - self.early_ticks, side="right"))
        onset = np.minimum(onset_ticks, ends[first]) + shifts[first]
        stop = np.minimum(stop_ticks, ends[last] + self.early_ticks) + shifts[last]
        return onset, np.maximum(1, np.minimum(duration_ticks, stop - onset)), onset_ticks < ends[first]


@dataclass(frozen=True)
class Accompaniment:
    """What sounds besides the melody, and the labelled chords.

    Attributes:
        onset_ticks, pitch: `[n]` performed notes, ordered by onset.
        chord_tones: `[num_quarters, 12]` float, for every quarter of the label grid how well each pitch class fits: 1
            for a chord tone, 0 for another, 0.5 where no chord is labelled.
    """

    onset_ticks: np.ndarray
    pitch: np.ndarray
    chord_tones: np.ndarray

    def fit(self, shift_ticks: int, grid: Grid) -> np.ndarray:
        """`[n]`, 0 to 1: how well each note fits the chord under a shift; 0 outside the labels."""
        quarter = (self.onset_ticks + shift_ticks + grid.sixteenth // 2) // grid.quarter
        inside = (quarter >= 0) & (quarter < len(self.chord_tones))
        fit = np.zeros(len(self.pitch))
        fit[inside] = self.chord_tones[quarter[inside], self.pitch[inside] % 12]
        return fit

    def mean_fit(self, alignment: Alignment, grid: Grid) -> float:
        """Mean fit of the notes that the alignment keeps; 1 where there are none."""
        fits = []
        for piece in alignment.pieces:
            bounds = np.searchsorted(self.onset_ticks, [piece.start or 0, _FOREVER if piece.end is None else piece.end])
            fits.append(self.fit(piece.shift, grid)[slice(*bounds)])
        fit = np.concatenate(fits)
        return float(fit.mean()) if len(fit) else 1.0


def align(performed: MelodyLine, labelled: MelodyLine, accompaniment: Accompaniment, grid: Grid) -> Alignment | None:
    """The map from performed ticks to label ticks.

    Args:
        performed: the melody as performed.
        labelled: the melody as labelled, its onsets whole 16ths of `grid`.
        accompaniment: places the changes of the shift; may be without notes.
        grid: of the labels.

    Returns:
        None where the melodies have nothing in common.
    """
    matches = match_melodies(performed, labelled, grid)
    if matches is None:
        return None
    onsets = np.concatenate([performed.onset_ticks, accompaniment.onset_ticks])
    shifts = matches.shift_ticks + _onto_grid(matches, onsets, grid)
    cuts = _Cuts(accompaniment, grid)
    changes = []
    for index in np.flatnonzero(np.diff(shifts)).tolist():
        window = (int(matches.performed_ticks[index]) + 1, int(matches.performed_ticks[index + 1]))
        changes.append(cuts.best(*window, int(shifts[index]), int(shifts[index + 1])))
    head = cuts.at_start(int(matches.performed_ticks[0]), int(shifts[0]))
    tail = cuts.at_end(int(matches.performed_ticks[-1]) + 1, int(shifts[-1]))
    changes = [change for change in (head, *changes, tail) if change]
    return Alignment.from_changes(int(shifts[0]), changes, cuts.early_ticks)


def offset_from_grid(ticks: np.ndarray, step: int) -> float:
    """The constant distance, in -step/2..step/2, of `ticks` from the multiples of `step`: their circular mean.

    0 where the ticks point nowhere (mean resultant length below 0.2).
    """
    resultant = np.exp(2j * np.pi * ticks / step).mean() if len(ticks) else 0.0
    return float(np.angle(resultant) / (2 * np.pi) * step) if abs(resultant) >= 0.2 else 0.0


def share_found(placed: MelodyLine, labelled: MelodyLine, tolerance_ticks: int) -> float:
    """Share of the labelled notes that have a placed note of their pitch within `tolerance_ticks` (inclusive)."""
    near = np.abs(labelled.onset_ticks[:, None] - placed.onset_ticks[None, :]) <= tolerance_ticks
    same_pitch = labelled.pitch[:, None] == placed.pitch[None, :]
    return float((near & same_pitch).any(axis=1).mean())


class _Cuts:
    """Finds where a shift changes, by how well the accompaniment fits the chords on both sides."""

    def __init__(self, accompaniment: Accompaniment, grid: Grid) -> None:
        self._accompaniment = accompaniment
        self._grid = grid
        self.early_ticks = grid.sixteenth // 2

    def best(self, first: int, last: int, old: int, new: int) -> Change:
        """The best change with its cut, and all that it removes, within the performed ticks `first` to `last`.

        Cuts lie before a beat of the old shift (half a 16th, so that notes played a little early stay with theirs),
        at a finer line only where the window holds no beat.
        """
        early = self.early_ticks
        removed = max(0, old - new)
        cuts = np.array([last - removed])
        for step in (self._grid.quarter, self._grid.sixteenth):
            line = -(-(first + old + early) // step) * step
            lines = np.arange(line, last - removed + old + early + 1, step)
            if len(lines):
                cuts = lines - old - early
                break
        at_bar_line = (cuts + old + early) % self._grid.bar == 0
        fit_before = self._fit_between(first, cuts, old)
        fit_behind = self._fit_between(cuts + removed, last, new)
        scores = fit_before + fit_behind + BAR_LINE_BONUS * at_bar_line
        chosen = int(np.argmax(scores))
        return Change(int(cuts[chosen]), old, new, float(scores[chosen]))

    def at_start(self, end: int, shift: int) -> Change | None:
        """A change before tick `end`, from which on `shift` holds, if it makes the introduction fit much better."""
        onsets = self._accompaniment.onset_ticks
        start = int(onsets[0]) if len(onsets) else end
        return self._worthwhile(start, end, [(shift + beats, shift) for beats in self._outer_changes()], shift)

    def at_end(self, start: int, shift: int) -> Change | None:
        """A change from tick `start` on, up to which `shift` holds, if it makes the ending fit much better."""
        onsets = self._accompaniment.onset_ticks
        end = int(onsets[-1]) + 1 if len(onsets) else start
        return self._worthwhile(start, end, [(shift, shift + beats) for beats in self._outer_changes()], shift)

    def _outer_changes(self) -> list[int]:
        quarters = range(-MAX_OUTER_CHANGE_QUARTERS, MAX_OUTER_CHANGE_QUARTERS + 1)
        return [number * self._grid.quarter for number in quarters if number]

    def _worthwhile(self, first: int, last: int, shifts: list[tuple[int, int]], shift: int) -> Change | None:
        candidates = [self.best(first, last, old, new) for old, new in shifts if last - first > abs(old - new)]
        if not candidates:
            return None
        best = max(candidates, key=lambda change: change.score)
        num_notes = int(np.diff(np.searchsorted(self._accompaniment.onset_ticks, [first, last]))[0])
        gain = best.score - BAR_LINE_BONUS - float(self._fit_between(first, last, shift))
        return best if gain >= max(MIN_OUTER_GAIN_NOTES, MIN_OUTER_GAIN_SHARE * num_notes) else None

    def _fit_between(self, first: int | np.ndarray, last: int | np.ndarray, shift: int) -> np.ndarray:
        """Total fit of the notes from performed tick `first` to before `last`, elementwise."""
        total = np.concatenate([[0.0], np.cumsum(self._accompaniment.fit(shift, self._grid))])
        bounds = [np.searchsorted(self._accompaniment.onset_ticks, edge) for edge in (first, last)]
        return total[bounds[1]] - total[bounds[0]]


def _onto_grid(matches: Matches, onsets: np.ndarray, grid: Grid) -> int:
    """What to add to every shift so that the performed onsets lie on the 16ths.

    The labels' own rounding (some songs were rounded down) says only to half a 16th where the grid is; the onsets of
    all tracks say where it is, but not which 16th: the one that leaves the most matched notes within half a 16th is
    taken.
    """
    step = grid.sixteenth
    nearest = -round(offset_from_grid(onsets + matches.shift_ticks[0], step))
    residual = matches.labelled_ticks - matches.performed_ticks - matches.shift_ticks
    corrections = sorted((nearest, nearest - step, nearest + step), key=abs)
    return max(corrections, key=lambda correction: int((np.abs(residual - correction) <= step // 2).sum()))
