"""How long the notes of a finished song sound.

What is read of a prediction has the median duration of every note, and all of them together are more even than real
ones. So durations are drawn anew at the end, for which everything else is settled by then; see
`phraseloom.models.duration_drawing`.

Letters in shapes: n bars, s slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from phraseloom.events import Attribute, PhraseTable
from phraseloom.phrase_codec import PhraseCodec, song_phrases
from phraseloom.score import Notes, Score
from phraseloom.transforms import cut, join


def with_drawn_lengths(song: Score, noise: np.ndarray, codec: PhraseCodec, *, seed: int) -> Score:
    """The song with durations drawn, the same for phrases of the same onsets and pitches; copies of what stays stay.

    Args:
        song: one track a slot.
        noise: `[n, s]` that the latents of cells are given, as a share of their scale; 0 where durations stay. In
            cells whose durations do not stay there are as many notes as fit into a phrase.
    """
    phrases, told = song_phrases(song), noise.ravel()
    first, number = _of_like_notes(phrases)
    chosen = np.setdiff1d(np.flatnonzero(phrases.num_notes[first]), number[told == 0])
    if not len(chosen):
        return song
    generator = torch.Generator().manual_seed(seed)
    drawn = codec.with_drawn_durations(phrases.select(first[chosen]), told[first[chosen]], generator)
    durations = {distinct: drawn.phrase(row).duration_ticks for row, distinct in enumerate(chosen.tolist())}
    longer = _with_durations(song, number, durations)
    for distinct, notes in zip(number.tolist(), _cells(longer), strict=True):
        if distinct in durations:  # where one copy lets go of a note as its pitch is struck again, all do
            durations[distinct] = np.minimum(durations[distinct], notes.duration_ticks)
    return _with_durations(song, number, durations)


def _of_like_notes(phrases: PhraseTable) -> tuple[np.ndarray, np.ndarray]:
    """Of phrases with the same onsets and pitches the first, and of each phrase the number of its own among these."""
    struck = np.ascontiguousarray(phrases.steps[:, : Attribute.DURATION])
    bounds = zip(phrases.headers, phrases.offsets[:-1], phrases.offsets[1:], strict=True)
    keys = [header.tobytes() + struck[begin:end].tobytes() for header, begin, end in bounds]
    _, first, number = np.unique(np.array(keys, object), return_index=True, return_inverse=True)
    return first, number


def _cells(song: Score) -> list[Notes]:
    """The notes of every cell, bar by bar."""
    return [notes for bar in cut(song) for notes in bar]


def _with_durations(song: Score, number: np.ndarray, durations: Mapping[int, np.ndarray]) -> Score:
    """The song with `durations` in the cells that hold the phrases of these numbers; `number [n s]` is each cell's."""
    cells = [
        replace(notes, duration_ticks=durations.get(distinct, notes.duration_ticks))
        for distinct, notes in zip(number.tolist(), _cells(song), strict=True)
    ]
    num_slots = len(song.tracks)
    return join([cells[start : start + num_slots] for start in range(0, len(cells), num_slots)], song)
