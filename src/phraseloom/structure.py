"""Find the form of a song that has no labels: where sections begin, and which of them carry the same music.

A self-similarity matrix of the bars says what returns. Boundaries are those of the best-scoring division into sections
(dynamic programming over every possible section, as in Jensen 2007), which prefers usual lengths, sections that return
as a whole, and boundaries where repeats begin or end (the time-lag idea of Serrà et al. 2014) or the melody enters or
leaves. Sections then take the letter of the earlier section that they repeat. The letters mean what they mean in the
POP909 labels (see `phraseloom.form`).

The constants were chosen on the training songs of POP909; `benchmarks/form_finding.py` measures how well the form found
agrees with the hand-made labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from phraseloom.form import Section
from phraseloom.harmony import Key, estimate_key
from phraseloom.score import Notes, Score, Track
from phraseloom.similarity import count_shared_notes, jaccard

LENGTH_BONUS = np.array([0.0, -1.0, -0.5, -0.5, 2.0, 0.0, 0.0, 0.0, 4.5, 4.0])
"""By number of bars: how welcome a section of that length is. A longer idea is found as two sections, such as A8 B8."""
MAX_SECTION_BARS = len(LENGTH_BONUS) - 1
MAX_INTRO_BARS = 16
"""Sections without melody at the start (or end) of a song are joined to one intro (outro) of up to this length."""

PART_WEIGHTS = (1.0, 1.0, 1.0, 0.75)
"""Of the four similarities that `bar_similarity` takes together, in its order."""

REPEAT_WEIGHT = 1.5
"""Score a bar of a section for returning elsewhere with similarity 1; none at `REPEAT_FLOOR` or below."""
REPEAT_FLOOR = 0.5
NOVELTY_WEIGHT = 6.0
"""Score of a boundary at which repeats begin or end, for a change of similarity by 1."""
NOVELTY_CONTEXT_BARS = 2
NUM_NOVELTY_LAGS = 8
MELODY_CHANGE_WEIGHT = 1.0
"""Score of a boundary at which the melody enters or leaves."""
MIXED_MELODY_PENALTY = 1.0
"""Taken from a section's score for each bar that differs from most of its bars in whether the melody plays."""

SUNG_SHARE = 0.25
"""The melody plays in a bar when it sounds for at least this share of it; a pick-up to the next bar is less."""
SAME_LETTER_SIMILARITY = 0.54
"""Mean similarity of homologous bars from which two sections carry the same music."""

_VOCAL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OTHER_LETTERS = "bcdefghjklmnpqrstuvwyz"  # i and o have their own meaning; x is POP909's for what does not return

_MELODY_NAMES = ("melody", "vocal", "voice", "vox", "lead")
_LOWEST_MELODY_PITCH = 48  # a line that lies lower on average is a bass


def find_form(score: Score) -> tuple[Section, ...]:
    """The form of a song, from its notes alone; any labels that it has are not looked at.

    A section's letter is a capital when the melody plays in at least half of its bars. The first section is `i`, the
    last `o`, when the melody does not; sections that carry the same music share a letter, while music that returns in
    another key counts as new.

    Returns:
        Sections that add up to `score.num_bars`; the same for the same notes.
    """
    melody = find_melody(score)
    notes = melody.notes if melody else Notes.empty()
    similarity = bar_similarity(score, notes)
    sung = _sung_bars(score, notes)
    spans = _join_ends(_best_division(similarity, sung), sung)
    letters = _letters(spans, similarity, sung)
    return tuple(Section(letter, end - start) for letter, (start, end) in zip(letters, spans, strict=True))


def find_melody(score: Score) -> Track | None:
    """The track that carries the melody: one that is named so, else the one that is most like a melody.

    Most like a melody is the pitched track, not in the bass, that most nearly plays one note at a time; of several, the
    one that plays in most bars. None when no pitched track has notes.
    """
    pitched = [track for track in score.tracks if len(track.notes) and not track.is_drum]
    for name in _MELODY_NAMES:
        for track in pitched:
            if name in track.name.lower():
                return track
    above_bass = [track for track in pitched if track.notes.pitch.mean() >= _LOWEST_MELODY_PITCH]
    return max(above_bass or pitched, key=lambda track: _melody_likeness(score, track.notes), default=None)


def bar_similarity(score: Score, melody: Notes) -> np.ndarray:
    """How much every two bars sound the same.

    A weighted mean of four similarities: note sets of the melody, note sets of all tracks, chroma by half bar, and the
    melody's rhythm. What neither bar has (a melody, for one) does not count; two silent bars are alike.

    Returns:
        `[num_bars, num_bars]` float64, symmetric, 0 to 1.
    """
    melody_notes = count_shared_notes(score, melody)
    all_notes = np.zeros_like(melody_notes)
    for track in score.tracks:
        all_notes += count_shared_notes(score, track.notes)
    parts = [jaccard(melody_notes), jaccard(all_notes), _cosine(_chroma(score)), _cosine(_rhythm(score, melody))]
    weights = np.array(PART_WEIGHTS)[:, None, None] * ~np.isnan(parts)
    total = weights.sum(axis=0)
    weighted = (weights * np.nan_to_num(parts)).sum(axis=0)
    return np.divide(weighted, total, out=np.ones_like(total), where=total > 0)


def _melody_likeness(score: Score, notes: Notes) -> tuple[float, int]:
    monophony = len(np.unique(notes.onset_ticks)) / len(notes)
    return round(monophony, 2), len(np.unique(score.bar_of(notes.onset_ticks)))


def _sung_bars(score: Score, melody: Notes) -> np.ndarray:
    """`[num_bars]` bool: the melody plays in the bar."""
    steps = np.zeros(score.num_ticks + 1, np.int64)
    np.add.at(steps, melody.onset_ticks, 1)
    np.add.at(steps, np.minimum(melody.end_ticks, score.num_ticks), -1)
    sounds = np.cumsum(steps)[:-1] > 0
    edges = score.bar_start_ticks
    return np.add.reduceat(sounds.astype(np.int64), edges[:-1]) >= SUNG_SHARE * np.diff(edges)


def _chroma(score: Score) -> np.ndarray:
    """`[num_bars, 24]`: square root of each pitch class's ticks, by the half of the bar in which a note starts."""
    chroma = np.zeros((score.num_bars, 2, 12))
    for track in score.tracks:
        if not track.is_drum:
            bar, half = _place_in_bar(score, track.notes, 2)
            ticks = np.minimum(track.notes.duration_ticks, np.diff(score.bar_start_ticks)[bar])
            np.add.at(chroma, (bar, half, track.notes.pitch % 12), ticks)
    return np.sqrt(chroma).reshape(score.num_bars, -1)


def _rhythm(score: Score, notes: Notes) -> np.ndarray:
    """`[num_bars, 16]`: onsets in each sixteenth of the bar."""
    rhythm = np.zeros((score.num_bars, 16))
    np.add.at(rhythm, _place_in_bar(score, notes, 16), 1.0)
    return rhythm


def _place_in_bar(score: Score, notes: Notes, num_parts: int) -> tuple[np.ndarray, np.ndarray]:
    """For each note its bar, and in which of `num_parts` equal parts of the bar it starts."""
    bar = score.bar_of(notes.onset_ticks)
    starts = score.bar_start_ticks
    return bar, (notes.onset_ticks - starts[bar]) * num_parts // np.diff(starts)[bar]


def _cosine(rows: np.ndarray) -> np.ndarray:
    """Cosine of every two rows of `[n, features]`; NaN for two rows of zeros, 0 for one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    empty = lengths[:, 0] == 0
    return np.where(np.outer(empty, empty), np.nan, directions @ directions.T)


def _diagonal_sums(matrix: np.ndarray) -> np.ndarray:
    """`[n + 1, n + 1]` whose cell `(i, j)` is the sum of `matrix[i-1, j-1]`, `matrix[i-2, j-2]`, ..."""
    sums = np.zeros((len(matrix) + 1, len(matrix) + 1))
    for row, values in enumerate(matrix):
        sums[row + 1, 1:] = sums[row, :-1] + values
    return sums


def _diagonal_means(sums: np.ndarray, num_bars: int) -> np.ndarray:
    """Mean similarity of the `num_bars` bars from `i` on with those from `j` on, for all `(i, j)` inside the song."""
    return (sums[num_bars:, num_bars:] - sums[:-num_bars, :-num_bars]) / num_bars


def _best_division(similarity: np.ndarray, sung: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (behind the last bar) of the sections with the highest sum of section scores."""
    num_bars = len(sung)
    scores = _section_scores(similarity, sung)
    best = np.full(num_bars + 1, -np.inf)
    best[0] = 0.0
    chosen_bars = np.zeros(num_bars + 1, np.int64)
    for end in range(1, num_bars + 1):
        lengths = np.arange(1, min(MAX_SECTION_BARS, end) + 1)
        totals = best[end - lengths] + scores[lengths, end - lengths]
        choice = int(totals.argmax())
        best[end], chosen_bars[end] = totals[choice], lengths[choice]
    bounds = [num_bars]
    while bounds[-1] > 0:
        bounds.append(bounds[-1] - int(chosen_bars[bounds[-1]]))
    return list(pairwise(reversed(bounds)))


def _section_scores(similarity: np.ndarray, sung: np.ndarray) -> np.ndarray:
    """`[MAX_SECTION_BARS + 1, num_bars]`: the score of a section by its length and its first bar; -inf if outside."""
    num_bars = len(sung)
    sums = _diagonal_sums(similarity)
    num_sung = np.concatenate([[0], np.cumsum(sung)])
    boundary = NOVELTY_WEIGHT * _novelty(sums)
    boundary[1:] += MELODY_CHANGE_WEIGHT * (sung[1:] != sung[:-1])
    scores = np.full((MAX_SECTION_BARS + 1, num_bars), -np.inf)
    for length in range(1, min(MAX_SECTION_BARS, num_bars) + 1):
        means = _diagonal_means(sums, length)
        best_repeat = np.where(_far_apart(len(means), length), means, 0.0).max(axis=1)
        sung_inside = num_sung[length:] - num_sung[:-length]
        scores[length, : len(means)] = (
            LENGTH_BONUS[length]
            + REPEAT_WEIGHT * length * np.maximum(best_repeat - REPEAT_FLOOR, 0.0)
            - MIXED_MELODY_PENALTY * np.minimum(sung_inside, length - sung_inside)
            + boundary[: len(means)]
        )
    return scores


def _novelty(sums: np.ndarray) -> np.ndarray:
    """`[num_bars]`: how clearly repeats begin or end at each bar, less the mean over the song.

    For every other place in the song: the difference between the similarity of what follows the two bar lines and of
    what leads to them. A mean over the places where it is largest.
    """
    num_bars = len(sums) - 1
    novelty = np.zeros(num_bars)
    context = NOVELTY_CONTEXT_BARS
    if num_bars < 2 * context:
        return novelty
    means = _diagonal_means(sums, context)
    change = np.abs(means[context:, context:] - means[:-context, :-context])
    change = np.where(_far_apart(len(change), context), change, 0.0)
    strongest = np.sort(change, axis=1)[:, -NUM_NOVELTY_LAGS:].mean(axis=1)
    novelty[context : context + len(strongest)] = strongest - strongest.mean()
    return novelty


def _far_apart(num_bars: int, distance_bars: int) -> np.ndarray:
    bars = np.arange(num_bars)
    return np.abs(bars[:, None] - bars[None, :]) >= distance_bars


def _join_ends(spans: list[tuple[int, int]], sung: np.ndarray) -> list[tuple[int, int]]:
    """Sections without melody at either end of the song joined to one, up to `MAX_INTRO_BARS`."""
    plays = [_melody_plays(span, sung) for span in spans]
    if not any(plays):
        return spans
    num_first = plays.index(True)
    num_last = plays[::-1].index(True)
    middle = spans[num_first : len(spans) - num_last]
    return [*_joined(spans[:num_first]), *middle, *_joined(spans[len(spans) - num_last :])]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if spans and spans[-1][1] - spans[0][0] <= MAX_INTRO_BARS:
        return [(spans[0][0], spans[-1][1])]
    return spans


def _melody_plays(span: tuple[int, int], sung: np.ndarray) -> bool:
    start, end = span
    return bool(2 * np.count_nonzero(sung[start:end]) >= end - start)


def _letters(spans: list[tuple[int, int]], similarity: np.ndarray, sung: np.ndarray) -> list[str]:
    """A letter for each section: intro and outro, then that of the section that it repeats, then a new one."""
    plays = [_melody_plays(span, sung) for span in spans]
    letters: list[str] = []
    for index, span in enumerate(spans):
        if any(plays) and not plays[index] and index in (0, len(spans) - 1):
            letters.append("i" if index == 0 else "o")
            continue
        alphabet = _VOCAL_LETTERS if plays[index] else _OTHER_LETTERS
        earlier = [(_likeness(span, spans[j], similarity), -j) for j, used in enumerate(letters) if used in alphabet]
        likeness, nearest = max(earlier, default=(0.0, 0))
        unused = [letter for letter in alphabet if letter not in letters]
        # A song of more ideas than letters reuses the letter of the likest section.
        repeats = earlier and (likeness >= SAME_LETTER_SIMILARITY or not unused)
        letters.append(letters[-nearest] if repeats else unused[0])
    return letters


def _likeness(first: tuple[int, int], second: tuple[int, int], similarity: np.ndarray) -> float:
    """Mean similarity of the homologous bars of two sections."""
    num_bars = min(first[1] - first[0], second[1] - second[0])
    offsets = np.arange(num_bars)
    return float(similarity[first[0] + offsets, second[0] + offsets].mean())


def key_of_notes(tracks: Sequence[Track]) -> Key | None:
    """The key that the notes speak for, by how long each pitch class sounds; None where nothing pitched sounds."""
    sounding_ticks = np.zeros(12)
    for track in tracks:
        if not track.is_drum:
            np.add.at(sounding_ticks, track.notes.pitch % 12, track.notes.duration_ticks)
    return estimate_key(sounding_ticks) if sounding_ticks.any() else None
