"""Parts that are one voice in a corpus, and what keeps them one when they are drawn.

A voice ends each note where the next begins, give or take the time of a sixteenth, and hardly ever leaps further than
an octave. What is drawn holds some notes on for beats, and puts some phrases into another octave than their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from phraseloom.score import TICKS_PER_QUARTER, Score

MOST_RINGING_TICKS = TICKS_PER_QUARTER // 4
"""How far the notes of a voice ring into the next at most."""
OCTAVE = 12
LONGEST_REST_TICKS = 4 * TICKS_PER_QUARTER
"""Notes further apart do not follow each other: between them a line may begin anew."""
LONGEST_STRETCH = 8
"""Phrases that are moved to another octave together, at most."""
USUAL_SHARE = 0.99
"""Share of the notes of a voice that begin alone and do not ring further."""


def parts_of_one_voice(songs: Iterable[Score], num_slots: int) -> tuple[bool, ...]:
    """Which of the songs' first `num_slots` tracks are one voice; drums and parts without notes are none."""
    num_notes, num_alone = np.zeros((2, num_slots), np.int64)
    for song in songs:
        for slot, track in enumerate(song.tracks[:num_slots]):
            onsets = track.notes.onset_ticks
            _, place, together = np.unique(onsets, return_inverse=True, return_counts=True)
            ringing = track.notes.end_ticks - _following(onsets)
            num_notes[slot] += len(onsets)
            if not track.is_drum:
                num_alone[slot] += np.count_nonzero((together[place] == 1) & (ringing <= MOST_RINGING_TICKS))
    return tuple(((num_notes > 0) & (num_alone >= USUAL_SHARE * num_notes)).tolist())


def one_voice_durations(onsets: np.ndarray, durations: np.ndarray, other_onsets: np.ndarray) -> np.ndarray:
    """The durations of notes of which those that ring too far into the next end where it begins.

    Args:
        onsets, durations: `[n]` of the notes, in any order, in ticks.
        other_onsets: `[m]` of notes of the same part that they must not ring into either.
    """
    until_next = _following(onsets, other_onsets) - onsets
    return np.where(durations - until_next > MOST_RINGING_TICKS, until_next, durations)


def _following(onsets: np.ndarray, other_onsets: np.ndarray | None = None) -> np.ndarray:
    """`[n]` the onset that comes next after each of `onsets [n]`, of these or the others; far off behind the last."""
    distinct = np.unique(onsets if other_onsets is None else np.concatenate([onsets, other_onsets]))
    place = np.searchsorted(distinct, onsets, side="right")
    return np.append(distinct, np.iinfo(np.int32).max).astype(np.int64)[place]


def octave_shifts(
    owners: np.ndarray, first: np.ndarray, last: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Semitones, whole octaves, by which phrases of a voice are moved so that it leaps no further than an octave.

    The network knows a phrase's pitches better than which octave its neighbours are in. Short stretches between wide
    leaps are moved as long as fewer leaps are left, and less far ones in all; longer stretches are the song's own.
    Copies of a phrase move alike.

    Args:
        owners: `[n]` of phrases in the order in which they sound, a number that copies share.
        first, last: `[n]` their first and last pitch.
        starts, ends: `[n]` the ticks at which these begin.

    Returns:
        `[n]`.
    """
    _, owner = np.unique(owners, return_inverse=True)
    shifts = np.zeros(owner.max(initial=-1) + 1, np.int64)
    follows = starts[1:] - ends[:-1] <= LONGEST_REST_TICKS

    def beyond(shifts: np.ndarray) -> np.ndarray:
        """Semitones by which each phrase leaps to the next one further than an octave."""
        moved = shifts[owner]
        return follows * (np.abs(first[1:] + moved[1:] - last[:-1] - moved[:-1]) - OCTAVE).clip(min=0)

    # Each turn leaves fewer leaps.
    while (wide := beyond(shifts)).any():
        cuts = np.flatnonzero((wide > 0) | ~follows) + 1  # stretches of phrases without a wide leap between them
        stretches = np.split(owner, cuts)
        moves = [
            np.where(np.isin(np.arange(len(shifts)), stretch), shifts + octave, shifts)
            for stretch in stretches
            if len(stretch) <= LONGEST_STRETCH
            for octave in (-OCTAVE, OCTAVE, -2 * OCTAVE, 2 * OCTAVE)
        ]
        left = [beyond(move) for move in moves]
        costs = [
            ((each > 0).sum(), np.abs(move[owner]).sum(), number)
            for number, (move, each) in enumerate(zip(moves, left, strict=True))
            if (each > 0).sum() < (wide > 0).sum() and each.sum() < wide.sum()
        ]
        if not costs:
            break
        shifts = moves[min(costs)[2]]
    return shifts[owner]
