"""Solvers of the flow from noise to latents, as generators: progress and cancelling stay with the caller.

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from phraseloom.diffusion.flow import corrupt, shifted, velocity

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""`(noisy [b, n, s, z], level [b, n, s]) -> clean [b, n, s, z]`."""


class SampleState(NamedTuple):
    """Where sampling stands after a step."""

    step: int
    """Steps done."""
    latents: Tensor
    """`[b, n, s, z]` at the present level."""
    predicted: Tensor
    """`[b, n, s, z]` the clean latents as the network last saw them."""


def level_grid(num_steps: int, shift: float, start: float = 1.0) -> Tensor:
    """Levels from `start` down to 0, denser towards noise for a shift above 1: `[num_steps + 1]` of them from 1.

    From further below it takes fewer steps of the same size: smaller ones would end where next to no noise is left, and
    so little the network cannot tell from what it predicted itself.
    """
    grid = shifted(torch.linspace(1, 0, num_steps + 1), shift)[:-1]
    return torch.cat([torch.tensor([start]), grid[grid < start], torch.zeros(1)])


def cell_levels(grid: Tensor, start: Tensor) -> Tensor:
    """`[k + 1, b, n, s]` levels of every cell on a grid `[k + 1]`: none above the cell's own `start [b, n, s]`.

    A cell that starts at 0 is known and stays as it is; one that starts in between waits until the others are there.
    """
    return torch.minimum(grid[:, None, None, None], start)


def euler(
    denoise: Denoiser,
    noisy: Tensor,
    levels: Tensor,
    *,
    project: Denoiser | None = None,
    project_below: Sequence[float] = (),
) -> Iterator[SampleState]:
    """First order: one evaluation of the network a step. Error falls with the number of steps.

    What the network predicts lies between the latents of real phrases. Where the levels fall below certain marks, the
    prediction is moved onto one, and sampling goes on from there: at the level that is due, but without noise, which
    would only hide the phrases from each other.

    Args:
        noisy: `[b, n, s, z]` at the first levels.
        levels: `[k + 1]` falling to 0, or `[k + 1, b, n, s]`, falling for each cell.
        project: the latents as they were predicted, and the level from which, to the nearest that are possible.
        project_below: marks, each used once, at the step behind which the highest level is below it, unless that is the
            last one.
    """
    x, marks = noisy, sorted(project_below)
    for step, (level, following) in enumerate(pairwise(levels), start=1):
        at = level.expand(x.shape[:-1])
        predicted = denoise(x, at)
        if project is not None and marks and 0 < following.max() < marks[-1]:
            marks = [mark for mark in marks if mark <= following.max()]
            moved = corrupt(project(predicted, at), torch.zeros_like(x), following.expand(at.shape))
            x = torch.where((following < level)[..., None], moved, x)
        else:
            x = x + (following - level)[..., None] * velocity(x, predicted, at)
        yield SampleState(step, x, predicted)
