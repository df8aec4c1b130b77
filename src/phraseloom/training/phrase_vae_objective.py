"""What the phrase VAE is trained for."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from phraseloom.models.phrase_vae import PhraseVAE, Posterior
from phraseloom.training.loop import Objective
from phraseloom.training.phrases import PhraseBatch


class PhraseVAELossSettings(BaseModel):
    """Weights of the terms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kl_weight: float = Field(0.01, ge=0)
    """Of the divergence from the standard normal, in nats a latent dimension."""
    velocity_weight: float = Field(0.1, ge=0)
    """Of the velocities' cross-entropy; small, so that the latent is spent on the notes."""
    latent_noise: float = Field(0.0, ge=0)
    """Most noise added to the latents that the decoder reads, as a share of their scale; each phrase's is drawn
    uniformly up to it. Near latents then decode to the same notes."""
    latent_noise_from_step: int = Field(0, ge=0)
    """First step with that noise: the plain task is learned first, which is faster."""


class PhraseVAEObjective(Objective[PhraseVAE]):
    """Reconstruction in nats a note, plus the divergence of the posterior from the standard normal."""

    def __init__(self, network: PhraseVAE, settings: PhraseVAELossSettings) -> None:
        super().__init__(network)
        self.settings = settings

    def forward(self, batch: PhraseBatch) -> tuple[Tensor, dict[str, Tensor]]:
        posterior = self.network.encode(*batch)
        latents = self._disturbed(posterior) if self.training else posterior.mean
        losses = self.network.losses(latents, *batch)
        num_notes = batch.num_notes.sum().clamp(min=1)
        num_phrases = batch.headers.shape[0]
        terms = {name: value / num_notes for name, value in losses._asdict().items()}
        terms["header"] = losses.header / num_phrases
        terms["kl"] = posterior.kl().mean()
        total = (
            terms["header"]
            + terms["onset"]
            + terms["pitch"]
            + terms["duration"]
            + self.settings.velocity_weight * terms["velocity"]
            + self.settings.kl_weight * terms["kl"]
        )
        return total, {name: value.detach() for name, value in terms.items()}

    def _disturbed(self, posterior: Posterior) -> Tensor:
        latents = posterior.sample()
        if self.settings.latent_noise == 0 or self.step < self.settings.latent_noise_from_step:
            return latents
        scale = (posterior.mean - posterior.mean.mean(dim=0)).std()  # with its gradient: growing must not pay
        share = self.settings.latent_noise * torch.rand(len(latents), 1, device=latents.device)
        return latents + share * scale * torch.randn_like(latents)
