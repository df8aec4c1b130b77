"""How alike the bars of a song are, by their notes."""

from __future__ import annotations

import numpy as np

from phraseloom.score import Notes, Score


def note_set_jaccard(score: Score) -> np.ndarray:
    """Note-set Jaccard similarity of every pair of bars.

    The note set of a bar holds (track, onset counted from the bar line, pitch) of every note that starts in the bar;
    duration and velocity are left out, so that the same notes played differently count as the same. The Jaccard index
    of two sets is the size of their intersection over the size of their union (Jaccard 1912).

    Returns:
        `[num_bars, num_bars]` float64, symmetric, 0 to 1; NaN where both bars are silent.
    """
    shared = np.zeros((score.num_bars, score.num_bars))
    for track in score.tracks:
        shared += count_shared_notes(score, track.notes)
    return jaccard(shared)


def count_shared_notes(score: Score, notes: Notes) -> np.ndarray:
    """How many (onset in bar, pitch) every two bars share in `notes`, a track of `score`.

    Returns:
        `[num_bars, num_bars]` float64 of whole numbers, symmetric; the diagonal is the number of notes in each bar.
    """
    bar = score.bar_of(notes.onset_ticks)
    onset_in_bar = notes.onset_ticks - score.bar_start_ticks[bar]
    kinds, kind = np.unique(onset_in_bar * 128 + notes.pitch, return_inverse=True)
    holds = np.zeros((score.num_bars, len(kinds)), np.float32)  # floats have the fast product, exact up to 2**24
    holds[bar, kind] = 1.0
    return (holds @ holds.T).astype(np.float64)


def jaccard(shared: np.ndarray) -> np.ndarray:
    """Jaccard index of every two sets.

    Args:
        shared: `[n, n]`, the sizes of the sets on the diagonal, of their intersections elsewhere.

    Returns:
        `[n, n]` float64; NaN for two empty sets.
    """
    sizes = np.diagonal(shared)
    union = sizes[:, None] + sizes[None, :] - shared
    return np.divide(shared, union, out=np.full(union.shape, np.nan), where=union > 0)
