"""The phrases of a corpus, and the phrase VAE's batches of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from phraseloom.events import MAX_NOTES, EncodingLosses, PhraseTable
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.phrase_codec import song_phrases
from phraseloom.score import Score
from phraseloom.training.phrase_augmentation import PhraseAugmentation

TOKENS_BESIDE_NOTES = 5
"""Tokens that a phrase costs beside its notes: queries or memory, and the header."""


def corpus_phrases(scores: Iterable[Score]) -> PhraseTable:
    """The phrases of many songs, one table; an empty one of no songs."""
    tables = [PhraseTable.build([], []), *(song_phrases(score) for score in scores)]
    lengths = np.concatenate([table.num_notes for table in tables])
    return PhraseTable(
        headers=np.concatenate([table.headers for table in tables]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        steps=np.concatenate([table.steps for table in tables]),
        losses=EncodingLosses(
            sum(table.losses.num_notes_dropped for table in tables),
            sum(table.losses.num_durations_clipped for table in tables),
        ),
    )


LENGTHS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 48, MAX_NOTES])
"""What batches of phrases are padded to. Few shapes, because matrix kernels on CPUs are compiled for each shape, and
keeping thousands costs more than the padding."""


def of_like_length(
    num_notes: np.ndarray, tokens_per_batch: int, rng: np.random.Generator
) -> list[tuple[int, np.ndarray]]:
    """Batches of phrases of similar length, in random order: to how many notes each is padded, and its phrases.

    Args:
        num_notes: `[p]` of each phrase.
        tokens_per_batch: notes and leading tokens in a batch, padding included.
    """
    length_index = np.searchsorted(LENGTHS, num_notes)
    batches = []
    for index, length in enumerate(LENGTHS):
        phrases = rng.permutation(np.flatnonzero(length_index == index))
        if not len(phrases):
            continue
        size = max(1, tokens_per_batch // (int(length) + TOKENS_BESIDE_NOTES))
        count = -(-len(phrases) // size)
        filled = np.resize(phrases, count * size)  # the last batch is filled up from the first
        batches += [(int(length), rows) for rows in filled.reshape(count, size)]
    return [batches[i] for i in rng.permutation(len(batches))]


class PhraseBatches:
    """Batches of phrases of similar length.

    Args:
        table: the phrases; give distinct ones.
        tokens_per_batch: notes and leading tokens in a batch, padding included.
        augmentation: what becomes of them each time they are seen.
        seed: of the order and the augmentation.
    """

    def __init__(self, table: PhraseTable, tokens_per_batch: int, augmentation: PhraseAugmentation, seed: int) -> None:
        self.table, self.tokens_per_batch = table, tokens_per_batch
        self.augmentation, self.seed = augmentation, seed

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], PhraseBatch]]:
        rng = np.random.default_rng([self.seed, epoch])
        batches = of_like_length(self.table.num_notes, self.tokens_per_batch, rng)
        chosen = range(len(batches))[process : len(batches) - len(batches) % num_processes : num_processes]
        return [partial(self._load, *batches[i], (self.seed, epoch, i)) for i in chosen]

    def _load(self, num_steps: int, indices: np.ndarray, key: tuple[int, ...]) -> PhraseBatch:
        rng = np.random.default_rng(key)
        return PhraseBatch.of(self.augmentation.apply(self.table.select(indices), num_steps, rng), num_steps)
