"""What the song transformer is trained for."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from phraseloom.diffusion.flow import corrupt, draw_levels, velocity_error
from phraseloom.models.conditions import GROUPS, SongConditions
from phraseloom.models.song_dit import SongDiT
from phraseloom.training.loop import Objective
from phraseloom.training.songs import SongBatch


class SongDiTLossSettings(BaseModel):
    """Noise levels, and how often the network must do without being told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift: float = Field(1.9, gt=0)
    """How far noise levels are moved towards noise; 1 leaves them logit-normal."""
    group_dropout: float = Field(0.1, ge=0, le=1)
    """Chance of each group of conditions, on its own, to be unknown."""
    all_dropout: float = Field(0.15, ge=0, le=1)
    """Chance of all groups to be unknown together."""


class SongDiTObjective(Objective[SongDiT]):
    """Squared error of the flow's velocity, mean over the cells of all songs."""

    def __init__(self, network: SongDiT, settings: SongDiTLossSettings) -> None:
        super().__init__(network)
        self.settings = settings

    def forward(self, batch: SongBatch) -> tuple[Tensor, dict[str, Tensor]]:
        num_songs = batch.latents.shape[0]
        device = batch.latents.device
        level = draw_levels(num_songs, self.settings.shift, device)
        conditions = self._with_some_unknown(batch.conditions, num_songs, device)
        error = denoising_error(self.network, batch, level, conditions)
        loss = cell_mean(error, batch.conditions)
        return loss, {}

    def _with_some_unknown(self, conditions: SongConditions, num_songs: int, device: torch.device) -> SongConditions:
        all_unknown = torch.rand(num_songs, device=device) < self.settings.all_dropout
        for group in GROUPS:
            unknown = torch.rand(num_songs, device=device) < self.settings.group_dropout
            conditions = conditions.without(group, unknown | all_unknown)
        return conditions


def denoising_error(network: nn.Module, batch: SongBatch, level: Tensor, conditions: SongConditions) -> Tensor:
    """`[b, n, s]` squared error of the velocity with fresh noise at `level [b]`."""
    cells = level[:, None, None].expand(batch.latents.shape[:-1])
    noisy = corrupt(batch.latents, torch.randn_like(batch.latents), cells)
    return velocity_error(network(noisy, cells, conditions), batch.latents, cells)


def cell_mean(error: Tensor, conditions: SongConditions) -> Tensor:
    """Mean of `error [b, n, s]` over the bars that songs have."""
    is_bar = conditions.is_bar[..., None]
    return (error * is_bar).sum() / (is_bar.sum() * error.shape[-1])
