"""Guidance: to the chords, and away from what a part of the network would draw by itself.

The prediction with chords is moved further away from the one without them (Ho and Salimans, arXiv 2207.12598), but
only at middle noise levels: at high ones guidance takes variety away, at low ones it does nothing good (Kynkäänniemi et
al., arXiv 2404.07724). All else is told in both: moved away from it too, songs follow the chords less and are further
from real ones (`docs/ablations.md`).

A network makes its own mistakes more often the less it knows; a prediction moved away from that of a worse network of
the same kind makes fewer (Karras et al., arXiv 2406.02507). The worse one is the network without one of its layers
(Hyung et al., arXiv 2411.18664), which costs next to nothing.

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
    """How much, and where. A scale of 1 and a sharpness of 0 are no guidance and cost nothing."""

    scale: float = 1.0
    """Of the way from what the network predicts without the chords to what it predicts with them."""
    sharpness: float = 0.0
    """How far on from what it predicts without its last layer but one, as a share of that way."""
    lowest_level: float = 0.2
    highest_level: float = 0.9


def guided(
    network: SongDiT,
    noisy: Tensor,
    level: Tensor,
    conditions: SongConditions,
    guidance: Guidance,
    guess: Tensor | None = None,
) -> Tensor:
    """The network's prediction `[b, n, s, z]` with guidance; the level of most noise decides whether there is any.

    Songs without chords need none to them.
    """
    is_between = guidance.lowest_level <= float(level.max()) <= guidance.highest_level
    is_to_chords = is_between and guidance.scale != 1 and bool(conditions.chord_root.any())
    if is_to_chords:
        free = conditions.without(GUIDED_GROUP, torch.ones(len(noisy), dtype=torch.bool, device=noisy.device))
        conditions = SongConditions(*(torch.cat(pair) for pair in zip(conditions, free, strict=True)))
        noisy, level = noisy.repeat(2, 1, 1, 1), level.repeat(2, 1, 1)
        guess = None if guess is None else guess.repeat(2, 1, 1, 1)
    if is_between and guidance.sharpness:
        predicted, weaker = network.with_weakened(noisy, level, conditions, guess, max(0, len(network.blocks) - 2))
    else:
        predicted = weaker = network(noisy, level, conditions, guess)
    moved = predicted
    if is_to_chords:
        told, untold = predicted.chunk(2)
        moved = untold + guidance.scale * (told - untold)
    if weaker is not predicted:
        moved = moved + guidance.sharpness * (predicted - weaker)[: len(moved)]
    return moved
