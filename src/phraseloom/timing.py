"""How far from the grid the notes of a song were played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phraseloom.passengers.played import ONSET, PLAYED_ONSET
from phraseloom.score import TICKS_PER_QUARTER, Score

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class GridTiming:
    """What putting a song on the grid of 12 ticks to the quarter moved.

    Attributes:
        num_notes: of the file that the song came from.
        num_moved: notes whose beginnings do not lie on the grid.
        largest_distance_ms: how far the furthest of them was moved, at the tempo of its place; 0 without any.
    """

    num_notes: int
    num_moved: int
    largest_distance_ms: float

    def __str__(self) -> str:
        if not self.num_moved:
            return f"all of {self.num_notes} notes on the grid"
        return f"{self.num_moved} of {self.num_notes} notes off the grid, by up to {self.largest_distance_ms:g} ms"


def grid_timing(score: Score) -> GridTiming:
    """The timing of a song as `phraseloom.midi.read_midi` gives it; notes without passengers are on the grid."""
    change_ticks = np.array([tempo.tick for tempo in score.tempos])
    ms_per_quarter = _MS_PER_MINUTE / np.array([tempo.tempo_bpm for tempo in score.tempos])
    distances_ms = [np.zeros(0)]
    num_notes = 0
    for track in score.tracks:
        ticks_per_quarter = track.passengers.ticks_per_quarter
        table = track.passengers.played.table
        offset = table[:, PLAYED_ONSET] - table[:, ONSET] * (ticks_per_quarter // TICKS_PER_QUARTER)
        tempo = np.searchsorted(change_ticks, table[:, ONSET], side="right") - 1
        distances_ms.append(np.abs(offset) / ticks_per_quarter * ms_per_quarter[tempo])
        num_notes += len(track.notes) + len(table) - len(np.unique(table[:, : ONSET + 3], axis=0))
    distance_ms = np.concatenate(distances_ms)
    largest = round(float(distance_ms.max(initial=0.0)), 1)
    return GridTiming(num_notes, int(np.count_nonzero(distance_ms)), largest)
