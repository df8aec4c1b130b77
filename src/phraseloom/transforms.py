"""Pure functions from score to score: cut into phrases and join, transpose, normalise the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from phraseloom.harmony import Key
from phraseloom.score import ChordSpan, Notes, Score, Track


def cut(score: Score) -> list[list[Notes]]:
    """The phrases of a song.

    Returns:
        `phrases[bar][track]`: the notes of one track that start in one bar, onsets counted from the bar line. Durations
        are whole, so a note may ring past the bar.
    """
    edges = score.bar_start_ticks
    phrases: list[list[Notes]] = [[] for _ in range(score.num_bars)]
    for track in score.tracks:
        bounds = np.searchsorted(track.notes.onset_ticks, edges)
        for bar in range(score.num_bars):
            inside = slice(bounds[bar], bounds[bar + 1])
            phrases[bar].append(track.notes.where(inside).shifted(-int(edges[bar])))
    return phrases


def join(phrases: Sequence[Sequence[Notes]], template: Score) -> Score:
    """The song whose phrases are `phrases[bar][track]`; everything but the notes is taken from `template`.

    `join(cut(score), score) == score`. A note that would still sound when its pitch is struck again in a later phrase
    ends there.

    Raises:
        ValueError: another number of bars or tracks than the template has.
    """
    if len(phrases) != template.num_bars or any(len(row) != len(template.tracks) for row in phrases):
        raise ValueError(f"expected phrases for {template.num_bars} bars of {len(template.tracks)} tracks")
    tracks = []
    for index, track in enumerate(template.tracks):
        starts = template.bar_start_ticks[:-1]
        tables = [row[index].table + np.array([start, 0, 0, 0]) for row, start in zip(phrases, starts, strict=True)]
        tracks.append(replace(track, notes=Notes.build(*np.concatenate(tables).T)))
    return replace(template, tracks=tuple(tracks))


def transpose(score: Score, semitones: int) -> Score:
    """Every pitched track, chord and the key moved by `semitones`; drums stay."""
    if semitones == 0:
        return score
    return replace(
        score,
        tracks=tuple(_transposed_track(track, semitones) for track in score.tracks),
        chords=tuple(
            ChordSpan(span.onset_ticks, span.duration_ticks, span.chord.transposed(semitones)) for span in score.chords
        ),
        key=None if score.key is None else Key((score.key.tonic + semitones) % 12, score.key.mode),
    )


def normalising_shift(key: Key) -> int:
    """Semitones, -5 to 6, from `key` to C major or A minor, whichever has its mode."""
    target = 0 if key.mode == "major" else 9
    return (target - key.tonic + 5) % 12 - 5


def normalise_key(score: Score) -> Score:
    """The song in C major or A minor; unchanged where its key is unknown."""
    return score if score.key is None else transpose(score, normalising_shift(score.key))


def _transposed_track(track: Track, semitones: int) -> Track:
    return track if track.is_drum else replace(track, notes=track.notes.transposed(semitones))
