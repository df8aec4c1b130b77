"""Tiny networks with random weights: what they write is no music, but every door can be walked through in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from phraseloom.checkpoint import Checkpoint, write_checkpoint
from phraseloom.chord_prior import ChordPrior
from phraseloom.composer import Composer
from phraseloom.events import VOCABULARY, Attribute
from phraseloom.form import parse_form
from phraseloom.harmony import parse_chord
from phraseloom.loudness_prior import LoudnessPrior
from phraseloom.models.note_bias import SlotBias
from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig
from phraseloom.models.song_dit import SongDiT, SongDiTConfig
from phraseloom.phrase_codec import (
    PHRASE_VAE_FILE,
    LatentStatistics,
    PhraseCodec,
    latent_fingerprint_of,
    phrase_vae_checkpoint,
)
from phraseloom.plan_prior import PlanPrior
from phraseloom.repeats import RepeatPrior
from phraseloom.song_model import SONG_DIT_FILE, Slot, SongModel, song_dit_checkpoint
from phraseloom.texture import LOWEST_GRADE, Aspect
from support.textures import prior_of

TINY_PHRASE_VAE = PhraseVAEConfig(
    width=32, num_heads=2, encoder_layers=1, decoder_layers=1, latent_size=13, num_query_tokens=2, num_memory_tokens=2
)
TINY_SONG_DIT = SongDiTConfig(num_slots=3, latent_size=13, width=32, num_layers=2, num_heads=2, dropout=0.0)
SLOTS = (Slot("MELODY", 73, False), Slot("BRIDGE", 48, False), Slot("DRUMS", 0, True))
STATISTICS = LatentStatistics(mean=(0.25,) * TINY_PHRASE_VAE.latent_size, scale=2.0)
REPEATS = RepeatPrior(
    num_slots=3,
    counts={
        (is_first, before): {(): 1.0, (0,): 1.0, (0, 2): 1.0, (0, 1, 2): 1.0}
        for is_first in (True, False)
        for before in (None, (), (0,), (0, 2), (0, 1, 2))
    },
)
CHORDS = ChordPrior(
    {
        mode: {tuple((parse_chord(symbol),) for symbol in text.split()): (2, 1) for text in ("C Am F G", "F G C C")}
        for mode in ("major", "minor")
    },
    root_moves=((1,) * 12,) * 12,
    colours={"major": {("G", None): {"G": 3, "G7": 1}}},
    endings={"major": {0: 3, 7: 1}},
)
PLANS = PlanPrior(tuple(map(parse_form, ("i4 A8 B8 A8 B8 o4", "i8 A8 A8 B8 A8 B8 o6"))), (60.0, 80.0, 100.0))
LOUDNESS = LoudnessPrior(
    mean=np.array([90.0, 80.0, 70.0, 2.0, 2.0, 2.0]),
    covariance=np.diag([25.0, 25.0, 25.0, 0.1, 0.1, 0.1]),
    lowest=np.array([75.0, 65.0, 55.0, 1.0, 1.0, 1.0]),
    highest=np.array([105.0, 95.0, 85.0, 3.0, 3.0, 3.0]),
)
BIASES = (SlotBias(), SlotBias(step=0.25), SlotBias(foreign=-0.5))
ONE_VOICE = (True, False, False)
TEXTURES = prior_of(("iABABo",), (np.arange(6 * 3 * len(Aspect)).reshape(6, 3, -1) % 8 + LOWEST_GRADE,))

END_LOGIT = 2.0
"""Added to the end of a phrase, so that phrases have a few notes each instead of the 64 that fit."""
OUT_OF_RANGE_LOGIT = -1000.0


def tiny_phrase_vae(seed: int = 0) -> PhraseVAE:
    torch.manual_seed(seed)
    network = PhraseVAE(TINY_PHRASE_VAE)
    with torch.no_grad():
        network.heads[Attribute.ONSET].bias[VOCABULARY.end_index] = END_LOGIT
        pitch_bias = network.heads[Attribute.PITCH].bias  # so far from the ends that every key has room
        pitch_bias[:24] = pitch_bias[104:] = OUT_OF_RANGE_LOGIT
    return network.eval()


def tiny_song_dit(seed: int = 0, config: SongDiTConfig = TINY_SONG_DIT) -> SongDiT:
    """A song transformer in which everything matters: what starts at zero has random weights too."""
    torch.manual_seed(seed)
    network = SongDiT(config)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.2)
    return network.eval()


def tiny_codec(seed: int = 0) -> PhraseCodec:
    """The codec of `write_tiny_weights` with the same seed, but for half precision."""
    checkpoint = _phrase_vae_checkpoint(seed)
    return PhraseCodec(tiny_phrase_vae(seed), STATISTICS, checkpoint.fingerprint, latent_fingerprint_of(checkpoint))


def write_tiny_weights(folder: Path, seed: int = 0) -> Path:
    """Writes both networks as a training run leaves them; returns `folder`, for `Composer.load` or `--weights`."""
    phrase_vae = _phrase_vae_checkpoint(seed)
    priors = (REPEATS, CHORDS, PLANS, LOUDNESS, TEXTURES)
    model = SongModel(tiny_song_dit(seed), SLOTS, 1.9, *priors, ONE_VOICE, BIASES, 0.25)
    song_dit = song_dit_checkpoint(model, latent_fingerprint_of(phrase_vae), {"corpus": "none", "step": 0})
    write_checkpoint(phrase_vae, folder / PHRASE_VAE_FILE)
    write_checkpoint(song_dit, folder / SONG_DIT_FILE)
    return folder


def tiny_composer(folder: Path, seed: int = 0) -> Composer:
    """A composer whose weights were written to `folder` and read again."""
    return Composer.load(write_tiny_weights(folder, seed))


def _phrase_vae_checkpoint(seed: int) -> Checkpoint:
    return phrase_vae_checkpoint(tiny_phrase_vae(seed), STATISTICS, {"corpus": "none"})
