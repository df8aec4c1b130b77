"""How far a song transformer's predictions are to be mended, by songs that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from accelerate.utils import send_to_device
from torch import nn

from phraseloom.diffusion.calibration import leaning
from phraseloom.diffusion.flow import corrupt
from phraseloom.training.song_dit_objective import HELD_OUT_LEVELS
from phraseloom.training.songs import LatentSong, SongBatches


@torch.no_grad()
def fitted_calibration(network: nn.Module, songs: Sequence[LatentSong], bars_per_batch: int) -> float:
    """Strength for `phraseloom.diffusion.calibration`: least squares over whole songs and five levels, at least 0.

    Every cell has noise of its own. With one noise for cells that repeat each other the strength comes out lower, and
    songs less like real ones (`docs/model_card.md`).
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    left = taken = 0.0
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for load in SongBatches(songs, bars_per_batch, 0.0, seed=0).epoch(0, 0, 1):
            batch = send_to_device(load(), device)
            is_bar = batch.conditions.is_bar[..., None]
            for value in HELD_OUT_LEVELS:
                level = torch.full(batch.latents.shape[:-1], value, device=device)
                noisy = corrupt(batch.latents, torch.randn_like(batch.latents), level)
                with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                    guess = network(noisy, level, batch.conditions).float()
                    predicted = network(noisy, level, batch.conditions, guess).float()
                sums = [(each * is_bar).sum() for each in leaning(batch.latents, predicted, noisy, level)]
                left, taken = left + float(sums[0]), taken + float(sums[1])
    network.train(was_training)
    return max(0.0, left / taken)
