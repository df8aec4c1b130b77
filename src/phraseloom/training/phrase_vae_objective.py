"""What the phrase VAE is trained for."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.phrase_vae import PhraseVAE, Posterior, StepLosses
from phraseloom.training.loop import Objective
from phraseloom.training.phrase_infilling import with_missing_spans
from phraseloom.training.phrases import TOKENS_BESIDE_NOTES

Bottleneck = Literal["open", "queries", "gaussian"]
"""What lies between encoder and decoder: all of the encoder's states, those of its query tokens, or the latent."""


class PhraseVAELossSettings(BaseModel):
    """Weights of the terms, and through what the phrases go in the course of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    infilling_steps: int = Field(0, ge=0)
    """Steps at the start in which the decoder sees all of the encoder's states, and the encoder phrases of which spans
    of notes are missing: both learn what phrases are like."""
    autoencoder_steps: int = Field(0, ge=0)
    """Steps behind those in which the phrases go through the query tokens' states. Then comes the latent."""

    kl_weight: float = Field(0.002, ge=0)
    """Of a phrase's divergence from the standard normal, in nats over all dimensions."""
    velocity_weight: float = Field(0.02, ge=0)
    """Of the velocities' cross-entropy; small, so that the latent is spent on the notes."""
    latent_noise: float = Field(0.0, ge=0)
    """Most noise added to the latents that the decoder reads, as a share of their scale; each phrase's is this times
    the square of a uniform number. The decoder is told how much it is. Near latents then decode to like notes."""
    latent_noise_from_step: int = Field(0, ge=0)
    """First step with that noise: the plain task is learned first, which is faster."""

    @property
    def begins_without_latent(self) -> bool:
        """Whether there are steps in which some weights take no part."""
        return self.infilling_steps + self.autoencoder_steps > 0

    def bottleneck_at(self, step: int) -> Bottleneck:
        """Through what phrases go at a step, from 0."""
        if step < self.infilling_steps:
            return "open"
        return "queries" if step < self.infilling_steps + self.autoencoder_steps else "gaussian"


class PhraseVAEObjective(Objective[PhraseVAE]):
    """Nats that the phrases of a batch cost, plus their posteriors' divergence from the standard normal.

    The sum is divided by the tokens of the batch, padding included, which are as many in a batch of short phrases as
    in one of long ones: every note counts the same, whatever the length of its phrase. The terms that are reported are
    means a note, `header` and `kl` means a phrase.
    """

    def __init__(self, network: PhraseVAE, settings: PhraseVAELossSettings) -> None:
        super().__init__(network)
        self.settings = settings

    def forward(self, batch: PhraseBatch) -> tuple[Tensor, dict[str, Tensor]]:
        losses, kl = self._losses(batch)
        num_phrases, num_steps, _ = batch.steps.shape
        total = losses.header + losses.onset + losses.pitch + losses.duration
        total = total + self.settings.velocity_weight * losses.velocity + self.settings.kl_weight * kl
        num_notes = batch.num_notes.sum().clamp(min=1)
        terms = {name: value / num_notes for name, value in losses._asdict().items()}
        terms |= {"header": losses.header / num_phrases, "kl": kl / num_phrases}
        loss = total / (num_phrases * (num_steps + TOKENS_BESIDE_NOTES))
        return loss, {name: value.detach() for name, value in terms.items()}

    def _losses(self, batch: PhraseBatch) -> tuple[StepLosses, Tensor]:
        """Cross-entropies, and the posteriors' divergence; both sums, which is 0 without a posterior."""
        bottleneck = self.settings.bottleneck_at(self.step)
        if bottleneck == "gaussian":
            posterior = self.network.encode(*batch)
            latents, noise = self._disturbed(posterior)
            return self.network.losses(latents, noise, *batch), posterior.kl().sum()
        if bottleneck == "queries":
            memory = self.network.query_memory(*batch)
        else:
            steps, num_notes = with_missing_spans(batch.steps, batch.num_notes)
            memory = self.network.open_memory(batch.headers, steps, num_notes)
        return self.network.losses_of_memory(memory, *batch), memory.tokens.new_zeros(())

    def _disturbed(self, posterior: Posterior) -> tuple[Tensor, Tensor]:
        """Latents `[b, z]` with noise, and how much `[b]`."""
        if not self.training:
            return posterior.mean, posterior.mean.new_zeros(len(posterior.mean))
        latents = posterior.sample()
        if self.settings.latent_noise == 0 or self.step < self.settings.latent_noise_from_step:
            return latents, latents.new_zeros(len(latents))
        scale = (posterior.mean - posterior.mean.mean(dim=0)).std()  # with its gradient: growing must not pay
        noise = self.settings.latent_noise * torch.rand(len(latents), device=latents.device).square()
        return latents + noise[:, None] * scale * torch.randn_like(latents), noise
