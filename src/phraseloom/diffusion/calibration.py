"""What a network makes too little of on songs that it has not learned from, given back to its predictions.

With the best prediction of the clean latents, `(clean - predicted) * noisy` is 0 in the mean. On songs that it has not
learned from, a network that knows its training songs too well leaves something there: it goes too little by what it
sees. Each step of a sampler then takes a little of the songs' variety away. A share of the noisy latents, fitted to
songs that were not learned from, mends that.

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from torch import Tensor


def share_at(level: Tensor, strength: float) -> Tensor:
    """The share of the noisy latents that is added: none at both ends, most at level 2/3; shape of `level`."""
    return strength * level.square() * (1 - level)


def calibrated(predicted: Tensor, noisy: Tensor, level: Tensor, strength: float) -> Tensor:
    """`predicted [b, n, s, z]` from `noisy [b, n, s, z]` at `level [b, n, s]`, with that share of it."""
    return predicted + share_at(level, strength)[..., None] * noisy


def leaning(clean: Tensor, predicted: Tensor, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """What is left in the mean of `(clean - predicted) * noisy`, and what a strength of 1 takes from it; `[b, n, s]`.

    The quotient of their sums over many cells is the strength that leaves nothing.
    """
    left = ((clean - predicted) * noisy).mean(dim=-1)
    return left, share_at(level, 1.0) * noisy.square().mean(dim=-1)
