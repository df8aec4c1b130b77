"""When notes were played, where that was not on the grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from phraseloom.passengers.moving import Stretch
from phraseloom.passengers.resolution import rescaled_ticks

ONSET, DURATION, PITCH, VELOCITY, PLAYED_ONSET, PLAYED_DURATION, PLAYED_VELOCITY, RELEASE_VELOCITY = range(8)
"""Columns: the note as the score has it, in ticks of the grid; then as it was played, in the finer ticks of whatever
holds the table."""
NUM_COLUMNS = 8
_OF_SCORE = slice(ONSET, VELOCITY + 1)

DEFAULT_RELEASE_VELOCITY = 64
"""What MIDI says of a note that ends without one."""


@dataclass(frozen=True, eq=False)
class PlayedNotes:
    """Notes of a file that are not exactly what the score says of them.

    A note of the score may have several: those that fall together on the grid. Notes that are *plain* are not in it:
    they begin and end on the grid, sound alone on their pitch, and are released as if nothing were said about that.

    Attributes:
        table: `[m, 8]` int64, read-only, ordered by the score's onset, falling pitch, and when they were played.
    """

    table: np.ndarray

    def __post_init__(self) -> None:
        table = np.array(self.table, np.int64).reshape(-1, NUM_COLUMNS)
        table = table[np.lexsort((table[:, PLAYED_ONSET], -table[:, PITCH], table[:, ONSET]))]
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    @classmethod
    def none(cls) -> PlayedNotes:
        return cls(np.zeros((0, NUM_COLUMNS), np.int64))

    @classmethod
    def of(cls, table: np.ndarray, scale: int) -> PlayedNotes:
        """Those of all notes of a track, as rows of a table, that are not plain.

        Args:
            scale: played ticks in a tick of the grid.
        """
        return cls(table[_is_not_plain(table, scale)])

    def __len__(self) -> int:
        return len(self.table)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlayedNotes) and np.array_equal(self.table, other.table)

    def __hash__(self) -> int:
        return hash(self.table.tobytes())

    def fitted(self, notes: np.ndarray, scale: int) -> PlayedNotes:
        """For a track that has `notes [n, 4]` (onset, duration, pitch, velocity), in the order of a score.

        What is about other notes goes. The others stay as they were played, and notes that are new beside them yield
        where both would sound on one pitch: they begin with the end of the one before, or end with the beginning of the
        one behind, which is less than half a tick of the grid away. A note that was cut short because it was struck
        again sounds on for as long as it did only where it still is.

        Args:
            scale: played ticks in a tick of the grid.
        """
        if not len(self):
            return self
        return PlayedNotes.of(_with_room(self._of(notes), notes, scale), scale)

    def sounding(self, notes: np.ndarray, scale: int) -> np.ndarray:
        """`[k, 5]` onset, duration, pitch, velocity and release velocity of what a file has for `notes [n, 4]`."""
        if not len(self):
            release = np.full((len(notes), 1), DEFAULT_RELEASE_VELOCITY)
            return np.concatenate([notes * np.array([scale, scale, 1, 1]), release], axis=1)
        table = _complete(self.table, notes, scale)
        return table[:, [PLAYED_ONSET, PLAYED_DURATION, PITCH, PLAYED_VELOCITY, RELEASE_VELOCITY]]

    def _of(self, notes: np.ndarray) -> np.ndarray:
        """The rows of notes that are there, exactly so."""
        if not len(notes):
            return self.table[:0]
        places, own = _places(notes), _places(self.table)
        order = np.argsort(places)
        found = order[np.minimum(np.searchsorted(places[order], own), len(places) - 1)]
        return self.table[(notes[found] == self.table[:, _OF_SCORE]).all(axis=1)]

    def moved(self, stretches: Iterable[Stretch], scale: int) -> PlayedNotes:
        """The notes that begin in some stretches of their song, where these are put together; see `moved_messages`."""
        parts = []
        for stretch in stretches:
            if stretch.start is not None:
                is_inside = (self.table[:, ONSET] >= stretch.start) & (self.table[:, ONSET] < stretch.end)
                part = self.table[is_inside].copy()
                part[:, ONSET] += stretch.place - stretch.start
                part[:, PLAYED_ONSET] += (stretch.place - stretch.start) * scale
                part[:, PLAYED_ONSET] = np.maximum(part[:, PLAYED_ONSET], 0)  # nothing is played before the song
                parts.append(part)
        return PlayedNotes(np.concatenate(parts)) if parts else PlayedNotes.none()

    def transposed(self, semitones: int) -> PlayedNotes:
        """The notes moved by `semitones`, without those that would leave MIDI's pitches."""
        table = self.table.copy()
        table[:, PITCH] += semitones
        return PlayedNotes(table[(table[:, PITCH] >= 0) & (table[:, PITCH] <= 127)])

    def rescaled(self, before: int, after: int) -> PlayedNotes:
        """The same in played ticks of `after` to the quarter."""
        table = self.table.copy()
        table[:, PLAYED_ONSET : PLAYED_DURATION + 1] = rescaled_ticks(
            table[:, PLAYED_ONSET : PLAYED_DURATION + 1], before, after
        )
        return PlayedNotes(table)


def _places(table: np.ndarray) -> np.ndarray:
    """`[n]`, another number for every onset and pitch; rising with the onset."""
    return table[:, ONSET].astype(np.int64) * 128 + 127 - table[:, PITCH]


def _complete(played: np.ndarray, notes: np.ndarray, scale: int) -> np.ndarray:
    """`[k, 8]` the rows of `played`, and plain ones for the notes that have none, in the order of a table."""
    others = notes[~np.isin(_places(notes), _places(played))].astype(np.int64)
    onset, duration, _, velocity = others.T
    release = np.full(len(others), DEFAULT_RELEASE_VELOCITY)
    plain = np.column_stack([others, onset * scale, duration * scale, velocity, release])
    table = np.concatenate([played, plain])
    return table[np.lexsort((table[:, PLAYED_ONSET], _places(table)))]


def _with_room(played: np.ndarray, notes: np.ndarray, scale: int) -> np.ndarray:
    """All rows, with those of one pitch out of each other's way, as `PlayedNotes.fitted` says."""
    table = _complete(played, notes, scale)
    table = table[np.lexsort((table[:, PLAYED_ONSET], table[:, ONSET], table[:, PITCH]))]
    first = np.flatnonzero(np.diff(_places(table), prepend=-1))  # of the rows of each of the score's notes
    owner = np.repeat(np.arange(len(first)), np.diff(first, append=len(table)))
    is_played = np.isin(_places(table)[first], _places(played))
    is_followed = np.append(table[first, PITCH][1:] == table[first, PITCH][:-1], False)
    following = np.minimum(np.arange(len(first)) + 1, len(first) - 1)
    score_end = table[first, ONSET] + table[first, DURATION]
    onset, end = table[:, PLAYED_ONSET], _played_end(table)

    still_struck = is_followed & is_played[following] & (table[first, ONSET][following] == score_end)
    is_cut = rescaled_ticks(np.maximum.reduceat(end, first), scale, 1) > score_end
    ends_by_score = is_played & is_cut & ~still_struck
    end = np.where(ends_by_score[owner], np.minimum(end, (score_end * scale)[owner]), end)

    yields_to_next = is_followed & is_played[following] & ~is_played
    next_onset = np.minimum.reduceat(onset, first)[following]
    end = np.where(yields_to_next[owner], np.minimum(end, next_onset[owner]), end)
    end = _ending_in_order(first, owner, next_onset, end, is_followed)

    waits = np.zeros(len(first), np.int64)
    is_late = is_followed & is_played & ~is_played[following]
    waits[following[is_late]] = np.maximum.reduceat(end, first)[is_late]
    onset = np.maximum(onset, waits[owner])
    result = table.copy()
    result[:, PLAYED_ONSET], result[:, PLAYED_DURATION] = onset, end - onset
    return result


def _ending_in_order(
    first: np.ndarray, owner: np.ndarray, next_onset: np.ndarray, end: np.ndarray, is_followed: np.ndarray
) -> np.ndarray:
    """The ends of rows, those of one pitch in the order in which the notes begin, as they are in any file.

    Notes that were not together before may end the other way round; then the earlier one ends when it is struck again.
    """
    first_end, last_end = np.minimum.reduceat(end, first), np.maximum.reduceat(end, first)
    if not (is_followed[:-1] & (last_end[:-1] > first_end[1:])).any():
        return end
    limits = np.full(len(first), np.iinfo(np.int64).max)
    earliest = 0
    for note in range(len(first) - 1, -1, -1):
        if not is_followed[note]:
            earliest = int(first_end[note])
            continue
        if last_end[note] > earliest:
            limits[note] = next_onset[note]
        earliest = min(earliest, int(first_end[note]), int(limits[note]))
    return np.minimum(end, limits[owner])


def _is_not_plain(table: np.ndarray, scale: int) -> np.ndarray:
    """`[k]` bool: it, or another row of its note, is not just what the score says, or it sounds while another does."""
    plain = np.column_stack([table[:, [ONSET, DURATION]] * scale, table[:, VELOCITY]])
    is_other = (table[:, PLAYED_ONSET : PLAYED_VELOCITY + 1] != plain).any(axis=1)
    is_other |= table[:, RELEASE_VELOCITY] != DEFAULT_RELEASE_VELOCITY
    order = np.lexsort((table[:, PLAYED_ONSET], table[:, PITCH]))
    onset, end, pitch = (column[order] for column in (table[:, PLAYED_ONSET], _played_end(table), table[:, PITCH]))
    meets = (pitch[1:] == pitch[:-1]) & (onset[1:] < end[:-1])
    is_other[order[1:]] |= meets
    is_other[order[:-1]] |= meets
    places = _places(table)
    return np.isin(places, places[is_other])


def _played_end(table: np.ndarray) -> np.ndarray:
    return table[:, PLAYED_ONSET] + table[:, PLAYED_DURATION]
