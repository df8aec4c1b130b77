"""Chords for music that says none: those that fit its notes, in the way of a corpus.

A hidden Markov model over half bars (as for chord recognition, Sheh and Ellis 2003): its states are the chords of the
corpus's progressions, it moves between them as often as these do, and a chord makes its own tones likely, other tones
of the scale less, and others hardly at all. The likeliest path is found by the Viterbi algorithm. One melody fits many
chords; what is found is one way to harmonise it.

Letters in shapes: h half bars, c chords.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from phraseloom.chord_prior import ChordPrior
from phraseloom.harmony import MAJOR_SCALE, Chord
from phraseloom.score import TICKS_PER_QUARTER, ChordSpan, Score
from phraseloom.structure import key_of_notes
from phraseloom.transforms import normalising_shift

HALF_BAR_TICKS = 2 * TICKS_PER_QUARTER
CHORD_TONE, SCALE_TONE, OTHER_TONE = 0.24, 0.05, 0.005
"""Relative chances of a pitch class under a chord. Three chord tones get most of the notes' time, as in real songs."""
BEATS_A_TONE = 0.5
"""So many beats of notes count as one tone that is drawn on its own: those of a half bar do not stand alone."""
UNSEEN = 0.2
"""Added to the counts of moves, so that all are possible."""


def harmonised(score: Score, prior: ChordPrior, tracks: Sequence[int] | None = None) -> Score:
    """The song, in bars of 4/4, with chords that fit the notes of some tracks (all where None).

    A song that has chords, and one of whose mode the corpus had none, stays as it is.
    """
    key = score.key or key_of_notes(score.tracks)
    if score.chords or key is None or not prior.progressions.get(key.mode):
        return score
    shift = normalising_shift(key)
    chords, entries, moves = _chain(prior, key.mode)
    emissions = _emissions(_pitch_class_beats(score, tracks, shift), chords)
    path = _likeliest(emissions, entries, moves)
    return replace(score, chords=tuple(_spans([chords[state].transposed(-shift) for state in path])))


def _chain(prior: ChordPrior, mode: str) -> tuple[list[Chord], np.ndarray, np.ndarray]:
    """The chords, `[c]` log chances to begin with each, and `[2, c, c]` of moves within a bar and over a bar line."""
    starts: Counter[Chord] = Counter()
    moves: tuple[Counter[tuple[Chord, Chord]], ...] = (Counter(), Counter())
    for bars, (first, later) in prior.progressions[mode].items():
        halves = [bar[len(bar) * half // 2] for bar in bars for half in (0, 1)]
        starts[halves[0]] += first
        for place, move in enumerate(pairwise(halves)):
            moves[place % 2][move] += first + later
    chords = sorted({chord for pair in (*moves[0], *moves[1]) for chord in pair}, key=str)
    counts = np.array([[[way[a, b] for b in chords] for a in chords] for way in moves]) + UNSEEN
    entries = np.array([starts[chord] for chord in chords]) + UNSEEN
    return chords, np.log(entries / entries.sum()), np.log(counts / counts.sum(axis=2, keepdims=True))


def _pitch_class_beats(score: Score, tracks: Sequence[int] | None, shift: int) -> np.ndarray:
    """`[h, 12]` for how many beats each pitch class sounds in each half bar, moved by `shift` semitones."""
    num_halves = -(-score.num_ticks // HALF_BAR_TICKS)
    beats = np.zeros((num_halves, 12))
    for index, track in enumerate(score.tracks):
        if track.is_drum or (tracks is not None and index not in tracks):
            continue
        notes = track.notes
        for onset, end, pitch in zip(notes.onset_ticks, notes.end_ticks, notes.pitch, strict=True):
            for half in range(onset // HALF_BAR_TICKS, min(num_halves, -(-end // HALF_BAR_TICKS))):
                start = half * HALF_BAR_TICKS
                inside = min(end, start + HALF_BAR_TICKS) - max(onset, start)
                beats[half, (pitch + shift) % 12] += inside / TICKS_PER_QUARTER
    return beats


def _emissions(beats: np.ndarray, chords: Sequence[Chord]) -> np.ndarray:
    """`[h, c]` log chances of the notes of each half bar under each chord."""
    chances = np.full((len(chords), 12), OTHER_TONE)
    chances[:, list(MAJOR_SCALE)] = SCALE_TONE
    for row, chord in zip(chances, chords, strict=True):
        row[list(chord.pitch_classes)] = CHORD_TONE
    return beats / BEATS_A_TONE @ np.log(chances / chances.sum(axis=1, keepdims=True)).T


def _likeliest(emissions: np.ndarray, entries: np.ndarray, moves: np.ndarray) -> list[int]:
    """The likeliest states `[h]` (Viterbi 1967)."""
    best = entries + emissions[0]
    came_from = []
    for half in range(1, len(emissions)):
        reached = best[:, None] + moves[(half - 1) % 2]
        came_from.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + emissions[half]
    path = [int(best.argmax())]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _spans(halves: Sequence[Chord]) -> Iterator[ChordSpan]:
    start = 0
    for chord, same in groupby(halves):
        length = len(list(same)) * HALF_BAR_TICKS
        yield ChordSpan(start, length, chord)
        start += length
