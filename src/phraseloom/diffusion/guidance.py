"""Classifier-free guidance in an interval of noise levels.

The prediction with conditions is moved further away from the one without them (Ho and Salimans, arXiv 2207.12598), but
only at middle noise levels: at high ones guidance takes variety away, at low ones it does nothing good (Kynkäänniemi et
al., arXiv 2404.07724).

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from phraseloom.models.conditions import GROUPS, SongConditions
from phraseloom.models.song_dit import SongDiT


class Guidance(NamedTuple):
    """How much, and where. A scale of 1 is no guidance and costs nothing."""

    scale: float = 1.0
    lowest_level: float = 0.2
    highest_level: float = 0.9


def guided(network: SongDiT, noisy: Tensor, level: Tensor, conditions: SongConditions, guidance: Guidance) -> Tensor:
    """The network's prediction `[b, n, s, z]` with guidance; the level of most noise decides whether there is any."""
    if guidance.scale == 1 or not guidance.lowest_level <= float(level.max()) <= guidance.highest_level:
        return network(noisy, level, conditions)
    free = conditions
    for group in GROUPS:
        free = free.without(group, torch.ones(len(noisy), dtype=torch.bool, device=noisy.device))
    both = SongConditions(*(torch.cat(pair) for pair in zip(conditions, free, strict=True)))
    told, untold = network(noisy.repeat(2, 1, 1, 1), level.repeat(2, 1, 1), both).chunk(2)
    return untold + guidance.scale * (told - untold)
