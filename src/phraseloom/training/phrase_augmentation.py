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
LOWEST_BORDER, HIGHEST_BORDER = 48, 72
"""MIDI pitches between which phrases are layered: where the hands of a pianist meet."""
THINNED_SHARE = 0.2
"""Share of the notes that a thinned phrase loses."""


class PhraseAugmentation(BaseModel):
    """How often a phrase of a batch is another one than in the corpus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transposed_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases moved by one to six semitones up or down."""
    spliced_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases that end like another one of the batch."""
    layered_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases with the low notes of another one of the batch."""
    thinned_share: float = Field(0.0, ge=0, le=1)
    """Share of the phrases that lose a fifth of their notes."""

    def apply(self, table: PhraseTable, most_notes: int, rng: np.random.Generator) -> PhraseTable:
        """The phrases `[p]`, none with more than `most_notes` notes."""
        if self.spliced_share:
            table = spliced(
                table, self._partners(self.spliced_share, table, rng), rng.choice(CUTS, len(table)), most_notes
            )
        if self.layered_share:
            borders = rng.integers(LOWEST_BORDER, HIGHEST_BORDER + 1, len(table))
            table = layered(table, self._partners(self.layered_share, table, rng), borders, most_notes)
        if self.thinned_share:
            is_lost = rng.random(len(table.steps)) < THINNED_SHARE
            owner = np.repeat(np.arange(len(table)), table.num_notes)
            table = without_notes(table, is_lost & (rng.random(len(table)) < self.thinned_share)[owner])
        if self.transposed_share:
            chosen = rng.random(len(table)) < self.transposed_share
            distance = rng.integers(1, MOST_SEMITONES + 1, len(table)) * rng.choice([-1, 1], len(table))
            table = transposed(table, np.where(chosen, distance, 0))
        return table

    @staticmethod
    def _partners(share: float, table: PhraseTable, rng: np.random.Generator) -> np.ndarray:
        """`[p]` another phrase for so many of the phrases; -1 for the rest."""
        return np.where(rng.random(len(table)) < share, rng.permutation(len(table)), -1)


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
    is_spliced = _can_join(table, partners, num_notes, most_notes) & ~collides
    return _joined(table, partners, before, behind, is_spliced)


def layered(table: PhraseTable, partners: np.ndarray, borders: np.ndarray, most_notes: int) -> PhraseTable:
    """Each phrase from its border upwards, and its partner below.

    A phrase stays as it is where the two are of different headers, of drums, or where the result would have no note or
    more than `most_notes`.

    Args:
        partners: `[p]` index of another phrase of the table; -1 for none.
        borders: `[p]` lowest MIDI pitch that is the phrase's own.
    """
    pitch, borders = (
        table.padded()[..., Attribute.PITCH] + VOCABULARY.attributes[Attribute.PITCH].first,
        borders[:, None],
    )
    place = np.arange(pitch.shape[1])
    above = (place < table.num_notes[:, None]) & (pitch >= borders)
    below = (place < table.num_notes[partners][:, None]) & (pitch[partners] < borders)
    num_notes = above.sum(axis=1) + below.sum(axis=1)
    is_layered = _can_join(table, partners, num_notes, most_notes) & (table.headers < DRUMS_HEADER)
    return _in_order(_joined(table, partners, above, below, is_layered))


def without_notes(table: PhraseTable, is_lost: np.ndarray) -> PhraseTable:
    """The phrases without the notes `is_lost [all notes]`; a phrase that would lose all of them stays as it is."""
    owner = np.repeat(np.arange(len(table)), table.num_notes)
    num_kept = np.bincount(owner[~is_lost], minlength=len(table))
    is_kept = ~is_lost | (num_kept == 0)[owner]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner[is_kept], minlength=len(table)))])
    return PhraseTable(table.headers, offsets, table.steps[is_kept])


def _can_join(table: PhraseTable, partners: np.ndarray, num_notes: np.ndarray, most_notes: int) -> np.ndarray:
    """`[p]` whether a phrase has a partner of its kind, and the two together `num_notes [p]` notes, neither 0 nor more
    than `most_notes`."""
    is_like = (partners >= 0) & (table.headers == table.headers[partners])
    return is_like & (num_notes > 0) & (num_notes <= most_notes)


def _joined(
    table: PhraseTable, partners: np.ndarray, own: np.ndarray, others: np.ndarray, is_joined: np.ndarray
) -> PhraseTable:
    """The notes `own [p, t]` of each phrase and behind them `others [p, t]` of its partner, where `is_joined [p]`."""
    steps = table.padded()
    whole = np.arange(steps.shape[1]) < table.num_notes[:, None]
    kept = np.where(
        is_joined[:, None],
        np.concatenate([own, others], axis=1),
        np.concatenate([whole, np.zeros_like(whole)], axis=1),
    )
    both = np.concatenate([steps, steps[partners]], axis=1)
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return PhraseTable(table.headers, offsets, both[kept].astype(table.steps.dtype))


def _in_order(table: PhraseTable) -> PhraseTable:
    """Notes in order of onset, then of falling pitch."""
    owner = np.repeat(np.arange(len(table)), table.num_notes)
    order = np.lexsort((-table.steps[:, Attribute.PITCH].astype(np.int64), table.steps[:, Attribute.ONSET], owner))
    return PhraseTable(table.headers, table.offsets, table.steps[order])
