"""Which notes of a performed melody are which notes of a labelled one, when the labels are cut and moved.

A labeller who puts bar lines right moves a whole song by one shift, and here and there takes whole beats out or puts
some in. The notes are matched as the best chain of pairs (performed note, labelled note) of equal pitch, rising in both
melodies: a pair counts 1, a change of the shift between them costs `CHANGE_PENALTY`. This is sparse dynamic programming
over matches as in Eppstein et al., "Sparse Dynamic Programming" (JACM 1992), with a constant gap cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

CHANGE_PENALTY = 3
"""Matched notes that a change of the shift must gain; fewer, and a chance repetition would look like a cut."""

MIN_VOTES = 4
"""Pairs of equal pitch that a shift needs to be considered at all."""

MAX_CANDIDATES = 48
"""Shifts considered, those with the most pairs first; it bounds the time for very repetitive melodies."""


@dataclass(frozen=True)
class Grid:
    """The label grid in the performance's ticks: `quarter` ticks a quarter note, `bar` ticks a bar."""

    quarter: int
    bar: int

    @property
    def sixteenth(self) -> int:
        return self.quarter // 4


@dataclass(frozen=True)
class MelodyLine:
    """Onsets in ticks and pitches of a melody, `[n]` each, ordered by onset, at least one note."""

    onset_ticks: np.ndarray
    pitch: np.ndarray


@dataclass(frozen=True)
class Matches:
    """Matched notes in order, `[n]` each: performed and labelled onset, and the shift under which they were matched.

    A performed tick + shift is a tick of the label grid, to within half a 16th; shifts are whole quarters apart.
    """

    performed_ticks: np.ndarray
    labelled_ticks: np.ndarray
    shift_ticks: np.ndarray


def match_melodies(performed: MelodyLine, labelled: MelodyLine, grid: Grid) -> Matches | None:
    """The best chain of matches.

    Args:
        performed: the melody as performed.
        labelled: the melody as labelled, its onsets whole 16ths of `grid`.
        grid: of the labels.

    Returns:
        None where no shift brings even `MIN_VOTES` notes together.
    """
    difference = labelled.onset_ticks[None, :] - performed.onset_ticks[:, None]
    same_pitch = labelled.pitch[None, :] == performed.pitch[:, None]
    shifts = _candidate_shifts(difference[same_pitch], grid)
    return _best_chain(performed, labelled, shifts, grid) if len(shifts) else None


def _candidate_shifts(differences: np.ndarray, grid: Grid) -> np.ndarray:
    """The shift that most pairs support, to the tick, and those whole beats away from it with enough pairs."""
    if not len(differences):
        return differences
    width = grid.sixteenth
    lowest = differences.min() - width
    counts = np.bincount(differences - lowest, minlength=int(differences.max() - lowest) + width)
    below = np.concatenate([[0], np.cumsum(counts)])
    votes = below[width:] - below[:-width]  # [k]: pairs in the 16th from lowest + k on
    best = np.flatnonzero(votes == votes.max())
    plateau = best[: int(np.argmax(np.diff(best, append=best[-1] + 2) > 1)) + 1]
    centre = int(plateau[len(plateau) // 2])
    beats = np.arange(centre % grid.quarter, len(votes), grid.quarter)
    ranked = beats[np.argsort(-votes[beats], kind="stable")][:MAX_CANDIDATES]
    return ranked[votes[ranked] >= MIN_VOTES] + lowest + width // 2


def _best_chain(performed: MelodyLine, labelled: MelodyLine, shifts: np.ndarray, grid: Grid) -> Matches:
    """The chain of pairs with the highest score, each pair within half a 16th of one of `shifts`, beats apart."""
    distance = labelled.onset_ticks[None, :] - performed.onset_ticks[:, None] - shifts[0]
    beat = np.floor_divide(distance + grid.quarter // 2, grid.quarter)
    beats = (shifts - shifts[0]) // grid.quarter
    order = np.argsort(beats)
    slot = order[np.clip(np.searchsorted(beats, beat, sorter=order), 0, len(beats) - 1)]
    hit = np.abs(distance - beat * grid.quarter) <= grid.sixteenth // 2
    hit &= (beats[slot] == beat) & (labelled.pitch[None, :] == performed.pitch[:, None])
    rows, columns = np.nonzero(hit)
    slots = slot[hit]
    chain = _trace_best(rows, columns, slots, len(shifts), len(labelled.pitch))
    return Matches(performed.onset_ticks[rows[chain]], labelled.onset_ticks[columns[chain]], shifts[slots[chain]])


def _trace_best(
    rows: np.ndarray, columns: np.ndarray, slots: np.ndarray, num_slots: int, num_columns: int
) -> list[int]:
    """Indices of the best chain of pairs; `rows` ascend, and so do rows and columns along a chain.

    A chain's score and its last pair travel in one integer, score x number of pairs + pair, so that the best of many
    chains is a maximum.
    """
    num_pairs = len(rows)
    best_before = np.full(num_columns + 1, -1, np.int64)  # [j]: best chain that ends before column j
    best_of_slot = [-1] * num_slots
    previous = [-1] * num_pairs
    column_list, slot_list = columns.tolist(), slots.tolist()
    row_bounds = np.flatnonzero(np.diff(rows, prepend=-1, append=-1)).tolist()
    for first, last in pairwise(row_bounds):
        chains = []
        for pair, best in zip(range(first, last), best_before[columns[first:last]].tolist(), strict=True):
            before = max(best_of_slot[slot_list[pair]], best - CHANGE_PENALTY * num_pairs)
            score = 1
            if before >= 0:
                score, previous[pair] = before // num_pairs + 1, before % num_pairs
            chains.append(score * num_pairs + pair)
        for pair, chain in zip(range(first, last), chains, strict=True):
            best_of_slot[slot_list[pair]] = max(best_of_slot[slot_list[pair]], chain)
            tail = best_before[column_list[pair] + 1 :]
            np.maximum(tail, chain, out=tail)
    trace = [int(best_before[-1]) % num_pairs]
    while previous[trace[-1]] >= 0:
        trace.append(previous[trace[-1]])
    return trace[::-1]
