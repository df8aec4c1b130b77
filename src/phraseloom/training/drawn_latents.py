"""What the phrase decoder reads when songs are drawn, with the phrases that it should make of it.

A composed song is decoded from what the song transformer predicts, and that is no phrase's latent with Gaussian noise:
it is a mean over all that fits what is seen of the song. Here songs are made noisy, predicted, and given to the decoder
beside clean and plainly noisy latents.

Letters in shapes: b songs or phrases, n bars, s slots, p cells, z latent size.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from accelerate.utils import send_to_device
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from phraseloom.diffusion.flow import corrupt
from phraseloom.diffusion.guidance import Guidance, guided
from phraseloom.diffusion.ties import shared, tied_mean
from phraseloom.events import PhraseTable
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.song_dit import SongDiT
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.training.phrases import of_like_length
from phraseloom.training.songs import SongBatch, SongBatches


class DrawnLatentSettings(BaseModel):
    """From what the decoder learns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clean_share: float = Field(0.3, ge=0, le=1)
    """Share of the cells whose latents are the phrases' own."""
    noisy_share: float = Field(0.2, ge=0, le=1)
    """Share of the cells whose latents carry Gaussian noise; the others are predicted."""
    highest_noise: float = Field(0.7, ge=0)
    """Most of that noise, as a share of the latents' scale."""
    highest_level: float = Field(0.6, gt=0, le=1)
    """Highest noise level of a song that is predicted; levels from 0 on are equally likely."""
    guidance: float = Field(1.6, ge=1)
    """Guidance of half of the predictions, as when songs are drawn."""


class DecoderBatch(NamedTuple):
    """Phrases and what the decoder reads of them; letters as in `phraseloom.models.phrase_vae`."""

    phrases: PhraseBatch
    latents: Tensor
    """`[b, z]` as the encoder gives them, not normalised."""
    noise: Tensor
    """`[b]` what the decoder is told: the noise as a share of the latents' scale; of predictions the noise level, which
    is about how far they lie from the true latents."""


class DrawnCells(NamedTuple):
    """Cells of songs as they are read."""

    rows: np.ndarray
    """`[p]` the phrase of each, counted bar by bar through all songs and in each bar slot by slot."""
    latents: np.ndarray
    """`[p, z]` normalised."""
    noise: np.ndarray
    """`[p]` what the decoder is told."""


class DecoderBatches:
    """Batches of phrases of similar length with latents of each kind, drawn anew for every epoch.

    Args:
        songs: the songs in batches; where a cell repeats an earlier one, only the earlier is used.
        phrases: the phrases of all cells of all songs, as `DrawnCells.rows` counts them.
        network: predicts; with dropout, so that songs that it has learned from are as hard as others.
    """

    def __init__(
        self,
        songs: SongBatches,
        phrases: PhraseTable,
        codec: PhraseCodec,
        network: SongDiT,
        settings: DrawnLatentSettings,
        tokens_per_batch: int,
        seed: int,
    ) -> None:
        self.songs, self.phrases, self.codec, self.network = songs, phrases, codec, network
        self.settings, self.tokens_per_batch, self.seed = settings, tokens_per_batch, seed

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], DecoderBatch]]:
        rng = np.random.default_rng([self.seed, epoch])
        cells = self._drawn(epoch, rng)
        batches = of_like_length(self.phrases.num_notes[cells.rows], self.tokens_per_batch, rng)
        usable = len(batches) - len(batches) % num_processes
        return [partial(self._load, cells, *batch) for batch in batches[process:usable:num_processes]]

    def _load(self, cells: DrawnCells, num_steps: int, chosen: np.ndarray) -> DecoderBatch:
        return decoder_batch(self.phrases, self.codec, DrawnCells(*(part[chosen] for part in cells)), num_steps)

    def _drawn(self, epoch: int, rng: np.random.Generator) -> DrawnCells:
        settings = self.settings
        parts = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed * 1_000_003 + epoch)
            self.network.train()
            for load in self.songs.epoch(epoch, 0, 1):
                batch = load()
                level = settings.highest_level * torch.rand(len(batch.latents))
                scale = settings.guidance if rng.random() < 0.5 else 1.0
                clean, predicted = predicted_cells(batch, level, self.network, Guidance(scale))
                parts.append(self._mixed(clean, predicted, rng))
            self.network.eval()
        return DrawnCells(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _mixed(self, clean: np.ndarray, predicted: DrawnCells, rng: np.random.Generator) -> DrawnCells:
        """Cells of which some are seen as they are, some with noise, and the rest as predicted."""
        settings, kind = self.settings, rng.random(len(clean))
        is_clean = kind < settings.clean_share
        is_noisy = ~is_clean & (kind < settings.clean_share + settings.noisy_share)
        noise = np.where(is_noisy, settings.highest_noise * rng.random(len(clean), np.float32), 0)
        noisy = clean + noise[:, None] * rng.standard_normal(clean.shape, np.float32)
        is_predicted = ~is_clean & ~is_noisy
        return DrawnCells(
            predicted.rows,
            np.where(is_predicted[:, None], predicted.latents, noisy).astype(np.float32),
            np.where(is_predicted, predicted.noise, noise).astype(np.float32),
        )


@torch.no_grad()
def predicted_cells(
    batch: SongBatch, level: Tensor, network: SongDiT, guidance: Guidance
) -> tuple[np.ndarray, DrawnCells]:
    """The clean latents `[p, z]` of the cells of a batch that repeat no other, and the cells as they are predicted.

    Args:
        level: `[b]` noise level of each song.
    """
    num_slots = batch.latents.shape[2]
    device = next(network.parameters()).device
    batch, level = send_to_device(batch, device), level.to(device)
    own = torch.arange(batch.latents.shape[1], device=device)[:, None]
    owners = torch.where(batch.conditions.repeats > 0, batch.owners, own)
    levels = level[:, None, None].expand(batch.owners.shape)
    noisy = corrupt(batch.latents, shared(torch.randn_like(batch.latents), owners), levels)
    guess = tied_mean(guided(network, noisy, levels, batch.conditions, guidance), owners)
    predicted = tied_mean(guided(network, noisy, levels, batch.conditions, guidance, guess), owners)
    is_used = (batch.owners == own) & (batch.bars >= 0)[..., None]
    rows = (batch.bars[..., None] * num_slots + torch.arange(num_slots, device=device))[is_used]
    cells = DrawnCells(*(each.cpu().numpy() for each in (rows, predicted[is_used], levels[is_used])))
    return batch.latents[is_used].cpu().numpy(), cells


def decoder_batch(phrases: PhraseTable, codec: PhraseCodec, cells: DrawnCells, num_steps: int) -> DecoderBatch:
    """What the decoder is to learn of some cells, phrases padded to `num_steps` notes."""
    own = PhraseBatch.of(phrases.select(cells.rows), num_steps)
    return DecoderBatch(own, torch.from_numpy(codec.raw(cells.latents)), torch.from_numpy(cells.noise))
