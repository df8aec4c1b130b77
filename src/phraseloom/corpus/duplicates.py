"""Songs that are in a corpus more than once: the same notes, or a cover with the same tune.

A cover may be transposed, arranged anew, longer or shorter, at another tempo, or have its bar lines elsewhere. What
stays is the order of the tune's intervals. So a melody is taken as the set of its runs of eight intervals, without
rhythm, and two melodies are compared by how much of the smaller set is in the larger one: the containment of shingles
(Broder, "On the resemblance and containment of documents", 1997), on interval n-grams as in melodic search
(Uitdenbogerd and Zobel, "Melodic matching techniques for large music databases", 1999). Where no track is called
melody, every pitched track is tried as one.

On POP909 this separates cleanly. Of its 412,686 pairs of songs, four have 0.42 and more, each one tune under two
titles; the next has 0.11, and one pair in ten thousand has more than 0.06. With the names of the tracks taken away the
same four lead, and the next, two accompaniments of one pattern, has 0.25. Runs of other lengths (5 to 10), rhythm
added, repeated notes taken out, and pitches on the beats in place of notes all name the same four pairs first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloom.corpus.song import CorpusSong, Rejection
from phraseloom.score import Notes, Score

NEAR_DUPLICATE_SIMILARITY = 0.3
"""Pairs at least this alike are near-duplicates: between unrelated songs (at most 0.25) and covers (at least 0.42)."""

MIN_SHARED_SHINGLES = 10
"""A scale or a trill that two short melodies have in common makes no cover."""

_INTERVALS_PER_SHINGLE = 8
_MAX_INTERVAL = 20
_MAX_SONGS_PER_SHINGLE = 100  # runs that so many songs share say nothing, and would make the count of pairs quadratic


@dataclass(frozen=True)
class SimilarPair:
    """Two of the songs given, by their places, and how alike they are, 0 to 1."""

    first: int
    second: int
    similarity: float


def notes_digest(score: Score) -> str:
    """SHA-256 of the notes, in hexadecimal: the same for songs that differ only in how the notes are presented.

    What does not count: transposition of the whole song, silence before it, velocities, tempos, the order, the names
    and the instruments of its tracks.
    """
    sounding = [track for track in score.tracks if len(track.notes)]
    start_ticks = min((int(track.notes.onset_ticks[0]) for track in sounding), default=0)
    lowest = min((int(track.notes.pitch.min()) for track in sounding if not track.is_drum), default=0)
    digests = []
    for track in sounding:
        base = [start_ticks, 0, 0 if track.is_drum else lowest]
        table = (track.notes.table[:, :3] - base).astype("<i4")
        digests.append(hashlib.sha256(bytes([track.is_drum]) + table.tobytes()).digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def reject_twins(songs: Iterable[CorpusSong]) -> tuple[list[CorpusSong], list[Rejection]]:
    """The songs with notes of their own, and a rejection for every song whose notes an earlier one has."""
    kept: list[CorpusSong] = []
    rejections: list[Rejection] = []
    owners: dict[str, str] = {}
    for song in songs:
        owner = owners.setdefault(notes_digest(song.score), song.song_id)
        if owner == song.song_id:
            kept.append(song)
        else:
            rejections.append(Rejection(song.song_id, f"the same notes as another file: {owner}"))
    return kept, rejections


def melody_candidates(score: Score) -> list[Notes]:
    """The lines that may be the tune: the first track with "melody" in its name, else every pitched track.

    Of each track the top line: its notes that are the highest sounding in the middle of their length, so that legato
    may overlap and what lies below goes.
    """
    pitched = [track for track in score.tracks if not track.is_drum and len(track.notes)]
    named = [track for track in pitched if "melody" in track.name.lower()]
    return [_top_line(track.notes) for track in named[:1] or pitched]


def melody_shingles(melody: Notes) -> np.ndarray:
    """The distinct runs of eight intervals in a melody, as int64 codes in rising order `[num_shingles]`."""
    intervals = np.clip(np.diff(melody.pitch.astype(np.int64)), -_MAX_INTERVAL, _MAX_INTERVAL) + _MAX_INTERVAL
    if len(intervals) < _INTERVALS_PER_SHINGLE:
        return np.zeros(0, np.int64)
    runs = np.lib.stride_tricks.sliding_window_view(intervals, _INTERVALS_PER_SHINGLE)
    return np.unique(runs @ (2 * _MAX_INTERVAL + 1) ** np.arange(_INTERVALS_PER_SHINGLE, dtype=np.int64))


def find_near_duplicates(scores: Iterable[Score]) -> list[SimilarPair]:
    """The pairs of songs with the same tune, the most alike first."""
    return similar_songs(scores, NEAR_DUPLICATE_SIMILARITY)


def similar_songs(scores: Iterable[Score], min_similarity: float) -> list[SimilarPair]:
    """The pairs of songs of which some line is at least `min_similarity` alike, with `first < second`.

    Returns:
        pairs with the similarity of their most similar lines, the most alike first.
    """
    shingles: list[np.ndarray] = []
    owners: list[int] = []
    for owner, score in enumerate(scores):
        lines = melody_candidates(score)
        shingles += map(melody_shingles, lines)
        owners += [owner] * len(lines)
    best: dict[tuple[int, int], float] = {}
    for pair in similar_lines(shingles, min_similarity):
        songs = owners[pair.first], owners[pair.second]
        if songs[0] != songs[1]:
            best.setdefault(songs, pair.similarity)  # lines come in falling order
    return [SimilarPair(*songs, similarity) for songs, similarity in best.items()]


def similar_lines(shingles: Sequence[np.ndarray], min_similarity: float) -> list[SimilarPair]:
    """The pairs of shingle sets with a containment of at least `min_similarity` and `MIN_SHARED_SHINGLES` in common.

    Returns:
        pairs with `first < second`, the most alike first.
    """
    counts = np.array([len(codes) for codes in shingles], np.int64)
    first, second, num_shared = _count_shared(shingles)
    similarity = num_shared / np.minimum(counts[first], counts[second])
    chosen = np.flatnonzero((similarity >= min_similarity) & (num_shared >= MIN_SHARED_SHINGLES))
    order = chosen[np.argsort(-similarity[chosen], kind="stable")]
    return [SimilarPair(int(first[k]), int(second[k]), float(similarity[k])) for k in order]


def _top_line(notes: Notes) -> Notes:
    highest = np.zeros(int(notes.end_ticks.max()), np.int32)
    for k in np.argsort(notes.pitch, kind="stable"):
        highest[notes.onset_ticks[k] : notes.end_ticks[k]] = notes.pitch[k]
    return notes.where(highest[notes.onset_ticks + notes.duration_ticks // 2] == notes.pitch)


def _count_shared(shingles: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of sets that have a shingle in common: first, second (first < second) and how many, `[num_pairs]`."""
    codes = np.concatenate([np.zeros(0, np.int64), *shingles])
    owners = np.repeat(np.arange(len(shingles)), [len(line) for line in shingles])
    by_code = np.argsort(codes, kind="stable")  # owners stay in order within one code
    codes, owners = codes[by_code], owners[by_code]
    _, group, group_sizes = np.unique(codes, return_inverse=True, return_counts=True)
    telling = group_sizes[group] <= _MAX_SONGS_PER_SHINGLE
    codes, owners = codes[telling], owners[telling]
    pairs = [np.zeros(0, np.int64)]
    for lag in range(1, _MAX_SONGS_PER_SHINGLE):
        same = np.flatnonzero(codes[lag:] == codes[:-lag])
        pairs.append(owners[same] * len(shingles) + owners[same + lag])
    pair, num_shared = np.unique(np.concatenate(pairs), return_counts=True)
    return *np.divmod(pair, max(1, len(shingles))), num_shared
