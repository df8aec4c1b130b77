"""Phrases of which spans of notes are missing: what an encoder and a decoder without a bottleneck learn from.

After the text infilling of BART (Lewis et al., arXiv 1910.13461), as the report's first stage: about 30 % of the notes
go, in spans of Poisson(3) notes, and one symbol stands for each span.

Letters in shapes: b phrases, t steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import VOCABULARY, Attribute

MEAN_SPAN = 3.0
START_SHARE = 0.117
"""Chance of a note to begin a span. With the mean length of a span of one note or more, 3.05, and spans that overlap,
1 - exp(-0.117 * 3.05) = 30 % of the notes are in one."""


def with_missing_spans(steps: Tensor, num_notes: Tensor) -> tuple[Tensor, Tensor]:
    """The phrases with the end symbol, as which no note begins, in place of each missing span.

    Args:
        steps: `[b, t, 4]` int64.
        num_notes: `[b]` int64.

    Returns:
        `[b, t, 4]`, and `[b]` how many of them count; draws from torch's global generator.
    """
    b, t, _ = steps.shape
    place = torch.arange(t, device=steps.device)
    lengths = torch.poisson(torch.full((b, t), MEAN_SPAN, device=steps.device)).clamp(min=1).long()
    begins = torch.rand(b, t, device=steps.device) < START_SHARE
    is_note = place < num_notes[:, None]
    is_missing = (torch.where(begins, place + lengths, 0).cummax(dim=1).values > place) & is_note
    is_first = is_missing & ~F.pad(is_missing, (1, 0))[:, :t]
    kept = is_note & (~is_missing | is_first)
    symbol = torch.zeros(steps.shape[-1], dtype=steps.dtype, device=steps.device)
    symbol[Attribute.ONSET] = VOCABULARY.end_index
    shown = torch.where(is_missing[..., None], symbol, steps)
    order = (~kept).int().argsort(dim=1, stable=True)
    return shown.gather(1, order[..., None].expand_as(steps)), kept.sum(dim=1)
