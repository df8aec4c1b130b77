"""What the song transformer is trained for."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from phraseloom.diffusion.flow import corrupt, velocity_error
from phraseloom.diffusion.ties import partly_shared, shared
from phraseloom.models.conditions import (
    GROUPS,
    NUM_NOISE_SHARES,
    PER_BAR_GROUPS,
    SongConditions,
    homologous_bars,
)
from phraseloom.models.song_dit import SongDiT
from phraseloom.training.loop import Objective
from phraseloom.training.noise_levels import MAX_SECTIONS, draw_cell_levels
from phraseloom.training.songs import SongBatch

HELD_OUT_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Noise levels at which the network is judged on songs that it does not learn from."""


class SongDiTLossSettings(BaseModel):
    """Noise levels, and how often the network must do without being told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift: float = Field(1.9, gt=0)
    """How far noise levels are moved towards noise; 1 leaves them logit-normal."""
    region_share: float = Field(0.3, ge=0, le=1)
    """Share of the songs of which only a region is noisy and the rest known."""
    independent_share: float = Field(0.1, ge=0, le=1)
    """Share of the songs whose sections and slots have noise levels of their own."""
    group_dropout: float = Field(0.1, ge=0, le=1)
    """Chance of each group of conditions of the song, on its own, to be unknown."""
    bar_group_dropout: float = Field(0.4, ge=0, le=1)
    """Chance of each group that users rarely give (chords, which slots sound, which cells repeat) to be unknown in the
    whole song; as often it is unknown in about half of the sections."""
    all_dropout: float = Field(0.15, ge=0, le=1)
    """Chance of all groups to be unknown together."""
    guess_share: float = Field(0.5, ge=0, le=1)
    """Share of the batches in which the network sees what it predicted of the same noisy songs without."""
    shared_noise_share: float = Field(0.5, ge=0, le=1)
    """Share of the songs whose homologous bars have some noise in common; how much is drawn evenly, and told."""


class SongDiTObjective(Objective[SongDiT]):
    """Squared error of the flow's velocity, mean over the noisy cells of all songs."""

    def __init__(self, network: SongDiT, settings: SongDiTLossSettings) -> None:
        super().__init__(network)
        self.settings = settings

    def forward(self, batch: SongBatch) -> tuple[Tensor, dict[str, Tensor]]:
        settings = self.settings
        level = draw_cell_levels(
            batch.conditions,
            batch.latents.shape[2],
            region_share=settings.region_share,
            independent_share=settings.independent_share,
            shift=settings.shift,
        )
        batch = batch._replace(conditions=self._with_shared_noise(batch.conditions))
        conditions = self._with_some_unknown(batch.conditions)
        has_guess = bool(torch.rand(()) < settings.guess_share)
        error = denoising_error(self.network, batch, level, conditions, has_guess=has_guess)
        return cell_mean(error, batch.conditions.is_bar[..., None] & (level > 0)), {}

    def _with_shared_noise(self, conditions: SongConditions) -> SongConditions:
        told = conditions.shared_noise
        drawn = torch.randint(1, NUM_NOISE_SHARES + 1, told.shape, device=told.device)
        has_some = torch.rand(told.shape, device=told.device) < self.settings.shared_noise_share
        return conditions._replace(shared_noise=torch.where(has_some, drawn, 1))

    def _with_some_unknown(self, conditions: SongConditions) -> SongConditions:
        b = conditions.is_bar.shape[0]
        device = conditions.is_bar.device
        section = conditions.section
        all_unknown = torch.rand(b, device=device) < self.settings.all_dropout
        for group in GROUPS:
            chance = torch.rand(b, device=device)
            if group in PER_BAR_GROUPS:
                dropout = self.settings.bar_group_dropout
                of_sections = torch.rand(b, MAX_SECTIONS + 1, device=device) < 0.5
                in_part = (chance < 2 * dropout)[:, None] & of_sections.gather(1, section)
                conditions = conditions.without(group, in_part)
            else:
                dropout = self.settings.group_dropout
            conditions = conditions.without(group, (chance < dropout) | all_unknown)
        return conditions


def denoising_error(
    network: nn.Module, batch: SongBatch, level: Tensor, conditions: SongConditions, *, has_guess: bool = False
) -> Tensor:
    """`[b, n, s]` squared error of the velocity with fresh noise at `level [b, n, s]`.

    Cells that are told to repeat another start from the same noise, and homologous bars from noise that is the same in
    part, as they do when songs are drawn. Not at another level, though: two mixtures of the same two things would give
    both away.

    Args:
        has_guess: the network is shown what it predicts without.
    """
    told = batch.conditions
    groups = homologous_bars(told)
    is_alike = level == level.gather(1, groups[..., None].expand(level.shape))
    share = is_alike * (told.shared_noise[..., None] - 1).clamp(min=0) / (NUM_NOISE_SHARES - 1)
    common = torch.randn_like(batch.latents)
    noise = partly_shared(torch.randn_like(batch.latents), common, groups, share)
    own = torch.arange(noise.shape[1], device=noise.device)[:, None]
    is_tied = (conditions.repeats > 0) & (level == level.gather(1, batch.owners))
    owners = torch.where(is_tied, batch.owners, own)
    noisy = corrupt(batch.latents, shared(noise, owners), level)
    guess = None
    if has_guess:
        with torch.no_grad():
            guess = network(noisy, level, conditions)
    return velocity_error(network(noisy, level, conditions, guess), batch.latents, level)


def cell_mean(error: Tensor, counts: Tensor) -> Tensor:
    """Mean of `error [b, n, s]` over the cells where `counts`, bool that broadcasts to it, is true."""
    counts = counts.expand(error.shape)
    return (error * counts).sum() / counts.sum().clamp(min=1)
