"""What the phrase VAE is trained for."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from phraseloom.models.phrase_vae import PhraseVAE, Posterior
from phraseloom.training.loop import Objective
from phraseloom.training.phrases import TOKENS_BESIDE_NOTES, PhraseBatch


class PhraseVAELossSettings(BaseModel):
    """Weights of the terms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kl_weight: float = Field(0.002, ge=0)
    """Of a phrase's divergence from the standard normal, in nats over all dimensions."""
    velocity_weight: float = Field(0.02, ge=0)
    """Of the velocities' cross-entropy; small, so that the latent is spent on the notes."""
    latent_noise: float = Field(0.0, ge=0)
    """Most noise added to the latents that the decoder reads, as a share of their scale; each phrase's is this times
    the square of a uniform number. The decoder is told how much it is. Near latents then decode to like notes."""
    latent_noise_from_step: int = Field(0, ge=0)
    """First step with that noise: the plain task is learned first, which is faster."""


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
        posterior = self.network.encode(*batch)
        if self.training:
            latents, noise = self._disturbed(posterior)
        else:
            latents, noise = posterior.mean, posterior.mean.new_zeros(len(posterior.mean))
        losses = self.network.losses(latents, noise, *batch)
        kl = posterior.kl().sum()
        num_phrases, num_steps, _ = batch.steps.shape
        total = losses.header + losses.onset + losses.pitch + losses.duration
        total = total + self.settings.velocity_weight * losses.velocity + self.settings.kl_weight * kl
        num_notes = batch.num_notes.sum().clamp(min=1)
        terms = {name: value / num_notes for name, value in losses._asdict().items()}
        terms |= {"header": losses.header / num_phrases, "kl": kl / num_phrases}
        loss = total / (num_phrases * (num_steps + TOKENS_BESIDE_NOTES))
        return loss, {name: value.detach() for name, value in terms.items()}

    def _disturbed(self, posterior: Posterior) -> tuple[Tensor, Tensor]:
        """Latents `[b, z]` with noise, and how much `[b]`."""
        latents = posterior.sample()
        if self.settings.latent_noise == 0 or self.step < self.settings.latent_noise_from_step:
            return latents, latents.new_zeros(len(latents))
        scale = (posterior.mean - posterior.mean.mean(dim=0)).std()  # with its gradient: growing must not pay
        noise = self.settings.latent_noise * torch.rand(len(latents), device=latents.device).square()
        return latents + noise[:, None] * scale * torch.randn_like(latents), noise
