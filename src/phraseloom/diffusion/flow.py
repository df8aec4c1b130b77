"""Flow matching on straight paths: noise levels, noisy latents and the loss.

`noisy = (1 - level) * clean + level * noise` (Lipman et al., arXiv 2210.02747; Liu et al., arXiv 2209.03003). The
network predicts the clean latents and is judged by the velocity that this implies (Li and He, "Back to Basics: Let
Denoising Generative Models Denoise", arXiv 2511.13720).

A level is a number from 0 (clean) to 1 (pure noise), one a bar and slot.
"""

from __future__ import annotations

import torch
from torch import Tensor

MIN_LEVEL = 0.05
"""Levels below this count as this one in the velocity's error, which would grow without bound."""


def shifted(level: Tensor, shift: float) -> Tensor:
    """Levels moved towards noise, 0 and 1 staying (Esser et al., arXiv 2403.03206, equation 23)."""
    moved = shift * level
    return moved / (1 - level + moved)  # in this order, 1 stays exactly 1


def draw_levels(num_songs: int, shift: float, device: torch.device) -> Tensor:
    """`[b]` levels for training: logit-normal, then shifted (Esser et al., section 3.1)."""
    return shifted(torch.randn(num_songs, device=device).sigmoid(), shift)


def corrupt(clean: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """Noisy latents; `level` has the latents' shape without the last dimension."""
    level = level[..., None]
    return (1 - level) * clean + level * noise


def velocity(noisy: Tensor, clean: Tensor, level: Tensor) -> Tensor:
    """Direction of growing noise, `noise - clean`, on the path through `noisy` from `clean`; 0 at level 0."""
    level = level[..., None]
    return torch.where(level > 0, (noisy - clean) / torch.where(level > 0, level, 1.0), 0.0)


def velocity_error(predicted: Tensor, clean: Tensor, level: Tensor) -> Tensor:
    """Squared error of the velocity, mean over the latent's dimensions; shape of `level`."""
    return (predicted - clean).square().mean(dim=-1) / level.clamp(min=MIN_LEVEL).square()
