"""Parts that are one voice in a corpus, and what keeps them one when they are drawn.

A voice ends each note where the next begins, give or take the time of a sixteenth. What is drawn holds some of its
notes on for beats, and is heard as two voices.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from phraseloom.score import TICKS_PER_QUARTER, Score

MOST_RINGING_TICKS = TICKS_PER_QUARTER // 4
"""How far the notes of a voice ring into the next at most."""
USUAL_SHARE = 0.99
"""Share of its notes that do not ring further."""


def parts_of_one_voice(songs: Iterable[Score], num_slots: int) -> tuple[bool, ...]:
    """For each of the songs' first `num_slots` tracks whether it is one voice; a part without notes is none."""
    num_notes, num_ringing = np.zeros((2, num_slots), np.int64)
    for song in songs:
        for slot, track in enumerate(song.tracks[:num_slots]):
            ringing = track.notes.end_ticks - _following(track.notes.onset_ticks)
            num_notes[slot] += len(ringing)
            num_ringing[slot] += np.count_nonzero(ringing > MOST_RINGING_TICKS)
    return tuple(((num_notes > 0) & (num_ringing <= (1 - USUAL_SHARE) * num_notes)).tolist())


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
