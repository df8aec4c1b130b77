"""Classifier-free guidance to the chords, in an interval of noise levels.

The prediction with chords is moved further away from the one without them (Ho and Salimans, arXiv 2207.12598), but
only at middle noise levels: at high ones guidance takes variety away, at low ones it does nothing good (Kynkäänniemi et
al., arXiv 2404.07724). All else is told in both: moved away from it too, songs follow the chords less and are further
from real ones (`docs/ablations.md`).

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from phraseloom.models.conditions import SongConditions
from phraseloom.models.song_dit import SongDiT

GUIDED_GROUP = "chords"


class Guidance(NamedTuple):
    """How much, and where. A scale of 1 is no guidance and costs nothing."""

    scale: float = 1.0
    lowest_level: float = 0.2
    highest_level: float = 0.9


def guided(network: SongDiT, noisy: Tensor, level: Tensor, conditions: SongConditions, guidance: Guidance) -> Tensor:
    """The network's prediction `[b, n, s, z]` with guidance; the level of most noise decides whether there is any.

    Songs without chords need none.
    """
    is_between = guidance.lowest_level <= float(level.max()) <= guidance.highest_level
    if guidance.scale == 1 or not is_between or not conditions.chord_root.any():
        return network(noisy, level, conditions)
    free = conditions.without(GUIDED_GROUP, torch.ones(len(noisy), dtype=torch.bool, device=noisy.device))
    both = SongConditions(*(torch.cat(pair) for pair in zip(conditions, free, strict=True)))
    told, untold = network(noisy.repeat(2, 1, 1, 1), level.repeat(2, 1, 1), both).chunk(2)
    return untold + guidance.scale * (told - untold)
