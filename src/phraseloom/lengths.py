"""How long the notes of a finished song sound.

What is read of a prediction has the median duration of every note, and all of them together are more even than real
ones. So durations are drawn anew at the end, for which everything else is settled by then; see
`phraseloom.models.duration_drawing`.

Letters in shapes: n bars, s slots.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from phraseloom.phrase_codec import PhraseCodec, song_phrases
from phraseloom.score import Score
from phraseloom.transforms import cut, join


def with_drawn_lengths(song: Score, noise: np.ndarray, codec: PhraseCodec, *, seed: int) -> Score:
    """The song with durations drawn; phrases of the same notes stay the same, those of cells that stay are kept.

    Args:
        song: one track a slot.
        noise: `[n, s]` that the latents of cells are given, as a share of their scale; 0 where durations stay. In
            cells whose durations do not stay there are as many notes as fit into a phrase.
    """
    phrases, told = song_phrases(song), noise.ravel()
    first, number = phrases.distinct()
    chosen = np.setdiff1d(np.flatnonzero(phrases.num_notes[first]), number[told == 0])
    if not len(chosen):
        return song
    generator = torch.Generator().manual_seed(seed)
    drawn = codec.with_drawn_durations(phrases.select(first[chosen]), told[first[chosen]], generator)
    durations = {distinct: drawn.phrase(row).duration_ticks for row, distinct in enumerate(chosen.tolist())}
    numbers = iter(number.tolist())
    bars = [
        [replace(notes, duration_ticks=durations.get(next(numbers), notes.duration_ticks)) for notes in bar]
        for bar in cut(song)
    ]
    return join(bars, song)
