"""What a phrase VAE says of whole tables of phrases, those of like length together.

Letters in shapes: p phrases, z latent size.
"""

from __future__ import annotations

import numpy as np
import torch

from phraseloom.events import Attribute, PhraseTable
from phraseloom.models.phrase_batch import PHRASES_PER_BATCH, PHRASES_PER_GPU_BATCH, PhraseBatch, rows_of_like_length
from phraseloom.models.phrase_vae import PhraseVAE


@torch.inference_mode()
def encode_means(network: PhraseVAE, table: PhraseTable) -> np.ndarray:
    """Posterior means `[p, z]` float32, neither centred nor scaled."""
    latents = np.zeros((len(table), network.config.latent_size), np.float32)
    device = network.queries.device
    size = PHRASES_PER_BATCH if device.type == "cpu" else PHRASES_PER_GPU_BATCH
    for rows in rows_of_like_length(table.num_notes, size):
        latents[rows] = network.encode(*PhraseBatch.of(table.select(rows)).to(device)).mean.cpu().numpy()
    return latents


@torch.inference_mode()
def phrase_nats(network: PhraseVAE, table: PhraseTable, latents: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """How unlikely each phrase is to the decoder, its velocities aside: `[p]` nats given its latent.

    Args:
        latents: `[p, z]`, neither centred nor scaled.
        noise: `[p]`, as for `phraseloom.models.phrase_decoding.decode_phrases`.
    """
    nats = np.zeros(len(table), np.float32)
    for rows in rows_of_like_length(table.num_notes):
        memory = network.memory(torch.from_numpy(latents[rows]), torch.from_numpy(noise[rows]))
        of_steps = network.step_nats(memory, *PhraseBatch.of(table.select(rows)))
        nats[rows] = torch.cat(of_steps[: Attribute.VELOCITY], dim=1).sum(dim=1).numpy()
    return nats
