"""Phrases that could have been in the corpus: what is there, moved or put together anew.

The corpus has some ten thousands of distinct phrases, and a network of millions of parameters learns them by heart
within an hour; unseen phrases then lag behind.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from phraseloom.events import DRUMS_HEADER, VOCABULARY, Attribute, PhraseTable
from phraseloom.score import TICKS_PER_QUARTER

MOST_SEMITONES = 6
CUTS = TICKS_PER_QUARTER * np.array([1, 2, 2, 3])
"""Ticks at which phrases are spliced: beats, the middle of a bar of four more often than the others."""


class PhraseAugmentation(BaseModel):
    """How often a phrase of a batch is another one than in the corpus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transposed_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases moved by one to six semitones up or down."""
    spliced_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases that end like another one of the batch."""

    def apply(self, table: PhraseTable, most_notes: int, rng: np.random.Generator) -> PhraseTable:
        """The phrases `[p]`, none with more than `most_notes` notes."""
        if self.spliced_share:
            partners = np.where(rng.random(len(table)) < self.spliced_share, rng.permutation(len(table)), -1)
            table = spliced(table, partners, rng.choice(CUTS, len(table)), most_notes)
        if self.transposed_share:
            chosen = rng.random(len(table)) < self.transposed_share
            distance = rng.integers(1, MOST_SEMITONES + 1, len(table)) * rng.choice([-1, 1], len(table))
            table = transposed(table, np.where(chosen, distance, 0))
        return table


def transposed(table: PhraseTable, semitones: np.ndarray) -> PhraseTable:
    """Each phrase moved by its own `semitones [p]`; phrases of drums, and those that would leave the range, stay."""
    if not semitones.any():
        return table
    owner = np.repeat(np.arange(len(table)), table.num_notes)
    pitch = table.steps[:, Attribute.PITCH] + semitones[owner]
    stays = table.headers >= DRUMS_HEADER  # drums and silence
    stays[owner[(pitch < 0) | (pitch >= VOCABULARY.sizes[Attribute.PITCH])]] = True
    steps = table.steps.copy()
    steps[:, Attribute.PITCH] = np.where(stays[owner], steps[:, Attribute.PITCH], pitch)
    return PhraseTable(table.headers, table.offsets, steps)


def spliced(table: PhraseTable, partners: np.ndarray, cuts: np.ndarray, most_notes: int) -> PhraseTable:
    """Each phrase up to its cut, and its partner from there on.

    A phrase stays as it is where the two are of different headers, where the result would have no note or more than
    `most_notes`, and where a note of the first half would sound into a later one of its pitch.

    Args:
        partners: `[p]` index of another phrase of the table; -1 for none.
        cuts: `[p]` ticks in the bar.
    """
    own, other = table.padded(), table.padded()[partners]
    place, cuts = np.arange(own.shape[1]), cuts[:, None]
    before = (place < table.num_notes[:, None]) & (own[..., Attribute.ONSET] < cuts)
    behind = (place < table.num_notes[partners][:, None]) & (other[..., Attribute.ONSET] >= cuts)
    num_notes = before.sum(axis=1) + behind.sum(axis=1)
    ends = own[..., Attribute.ONSET] + own[..., Attribute.DURATION] + VOCABULARY.attributes[Attribute.DURATION].first
    collides = (
        (before[:, :, None] & behind[:, None])
        & (own[:, :, None, Attribute.PITCH] == other[:, None, :, Attribute.PITCH])
        & (ends[:, :, None] > other[:, None, :, Attribute.ONSET])
    ).any(axis=(1, 2))
    is_spliced = (partners >= 0) & (table.headers == table.headers[partners]) & ~collides
    is_spliced &= (num_notes > 0) & (num_notes <= most_notes)
    both = np.concatenate([own, other], axis=1)
    whole = place < table.num_notes[:, None]
    halves = np.concatenate([before, behind], axis=1)
    kept = np.where(is_spliced[:, None], halves, np.concatenate([whole, np.zeros_like(whole)], axis=1))
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return PhraseTable(table.headers, offsets, both[kept].astype(table.steps.dtype))
