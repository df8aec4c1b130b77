"""Phrases in batches, as the phrase VAE takes them; letters as in `phraseloom.models.phrase_vae`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from phraseloom.events import PhraseTable

PHRASES_PER_BATCH, PHRASES_PER_GPU_BATCH = 32, 4096


class PhraseBatch(NamedTuple):
    """Phrases as tensors."""

    headers: Tensor
    """`[b]` int64."""
    steps: Tensor
    """`[b, t, 4]` int64, padded behind the end."""
    num_notes: Tensor
    """`[b]` int64."""

    @classmethod
    def of(cls, table: PhraseTable, num_steps: int | None = None) -> PhraseBatch:
        """All phrases of a table, padded to `num_steps` notes, or to the longest."""
        return cls(
            torch.from_numpy(table.headers.astype(np.int64)),
            torch.from_numpy(table.padded(num_steps)),
            torch.from_numpy(table.num_notes),
        )

    def to(self, device: torch.device) -> PhraseBatch:
        return PhraseBatch(*(part.to(device) for part in self))


def rows_of_like_length(num_notes: np.ndarray, size: int = PHRASES_PER_BATCH) -> Iterator[np.ndarray]:
    """Every phrase once, at most `size` together, as indices `[b]`; short ones first, so that little is padded.

    Args:
        num_notes: `[p]` of each phrase.
    """
    by_length = np.argsort(num_notes, kind="stable")
    for start in range(0, len(by_length), size):
        yield by_length[start : start + size]
