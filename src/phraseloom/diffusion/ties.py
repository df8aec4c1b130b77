"""Cells that hold the same notes: one noise, one latent.

Cells that a plan ties together start from the noise of one of them, and after every evaluation of the network their
predictions are replaced by the mean. They then stay equal to the last bit through any solver, and are decoded to the
same notes.

Letters in shapes: b songs, n bars, s slots, z latent size. `owners [b, n, s]` int64 names for every cell the bar of the
cell (of the same slot) that it is tied to, its own where it stands alone; an owner owns itself.
"""

from __future__ import annotations

import torch
from torch import Tensor


def shared(cells: Tensor, owners: Tensor) -> Tensor:
    """`[b, n, s, z]`: every cell replaced by its owner's."""
    return cells.gather(1, owners[..., None].expand(cells.shape))


def tied_mean(cells: Tensor, owners: Tensor) -> Tensor:
    """`[b, n, s, z]`: every cell replaced by the mean of those with its owner."""
    index = owners[..., None].expand(cells.shape)
    sums = torch.zeros_like(cells).scatter_add(1, index, cells)
    counts = torch.zeros_like(cells[..., :1]).scatter_add(1, owners[..., None], torch.ones_like(cells[..., :1]))
    return (sums / counts.clamp(min=1)).gather(1, index)


def partly_shared(own: Tensor, common: Tensor, groups: Tensor, share: Tensor) -> Tensor:
    """Noise `[b, n, s, z]` of unit variance, of which bars of one group have a share in common.

    Args:
        own, common: `[b, n, s, z]` standard normal.
        groups: `[b, n]` the bar whose common noise each bar takes.
        share: `[b, n, s]` of the variance, 0 to 1.
    """
    taken = common.gather(1, groups[:, :, None, None].expand(common.shape))
    share = share[..., None]
    return (1 - share).sqrt() * own + share.sqrt() * taken
