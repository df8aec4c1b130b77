"""The weights of a song transformer as a file: what they expect of a song and which phrase VAE they belong to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from phraseloom.checkpoint import (
    Checkpoint,
    checkpoint_of,
    fill_network,
    fingerprint_of,
    of_another_version,
    read_checkpoint,
    require_names,
)
from phraseloom.chord_prior import ChordPrior
from phraseloom.errors import CheckpointError
from phraseloom.loudness_prior import LoudnessPrior
from phraseloom.models.note_bias import SlotBias
from phraseloom.models.song_dit import SongDiT, SongDiTConfig
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.plan_prior import PlanPrior
from phraseloom.repeats import RepeatPrior
from phraseloom.score import Score
from phraseloom.texture_prior import TexturePrior

KIND = "song_dit"
SONG_DIT_FILE = "song_dit.safetensors"
"""Name of the file in a folder of weights."""
TICKS_PER_BAR = 48
"""Bars of 4/4, the meter that the song transformer speaks."""
BELONGINGS = (
    "phrase_vae",
    "slots",
    "noise_shift",
    "calibration",
    "repeat_prior",
    "chord_prior",
    "plan_prior",
    "loudness_prior",
    "texture_prior",
    "one_voice",
    "note_bias",
)
"""What a file of weights must say beside the network's sizes."""


@dataclass(frozen=True)
class Slot:
    """A track's fixed place in the latents of every bar, and how the track is written to MIDI."""

    name: str
    program: int
    is_drum: bool


@dataclass(frozen=True)
class SongModel:
    """A song transformer in evaluation mode, float32, with its slots.

    Attributes:
        noise_shift: how far the levels of sampling steps are moved towards noise; a training run leaves its own.
        calibration: strength of `phraseloom.diffusion.calibration`, fitted to the validation songs.
        repeat_prior: which cells repeat which, as in the training songs.
        chord_prior: progressions that the training songs share.
        plan_prior: forms and tempos of the training songs.
        loudness_prior: how loud their tracks are.
        texture_prior: how densely and how high they play in which sections.
        one_voice: of each slot, whether its notes end where the next begins.
        note_bias: of each slot, what the decoder is biased by when songs are drawn.
        fingerprint: of the weights of both networks, for reports; empty for weights that are still being trained.
    """

    network: SongDiT
    slots: tuple[Slot, ...]
    noise_shift: float
    repeat_prior: RepeatPrior
    chord_prior: ChordPrior
    plan_prior: PlanPrior
    loudness_prior: LoudnessPrior
    texture_prior: TexturePrior
    one_voice: tuple[bool, ...]
    note_bias: tuple[SlotBias, ...]
    calibration: float = 0.0
    fingerprint: str = ""


def speaks_meter_of(score: Score) -> bool:
    """Whether every bar of the song has the model's length."""
    return all(meter.ticks_per_bar == TICKS_PER_BAR for meter in score.meters)


def load_song_model(path: Path, codec: PhraseCodec) -> SongModel:
    """Reads weights and checks that they were trained on this codec's latents.

    Raises:
        UnreadableFileError, CheckpointError: as `read_checkpoint` and `fill_network`, and for another phrase VAE.
    """
    checkpoint = read_checkpoint(path, KIND)
    require_names(checkpoint, path, SongDiTConfig, BELONGINGS)
    if checkpoint.extra["phrase_vae"] != codec.latent_fingerprint:
        raise CheckpointError(
            f"{path} was trained on the latents of phrase VAE {checkpoint.extra['phrase_vae']}, "
            f"the one beside it is {codec.latent_fingerprint}",
            "keep the two files together that were trained together",
        )
    network = SongDiT(SongDiTConfig(**checkpoint.config))
    fill_network(network, checkpoint, path)
    extra = checkpoint.extra
    try:
        return SongModel(
            network.eval(),
            tuple(Slot(**slot) for slot in extra["slots"]),
            extra["noise_shift"],
            RepeatPrior.from_dict(extra["repeat_prior"]),
            ChordPrior.from_dict(extra["chord_prior"]),
            PlanPrior.from_dict(extra["plan_prior"]),
            LoudnessPrior.from_dict(extra["loudness_prior"]),
            TexturePrior.from_dict(extra["texture_prior"]),
            tuple(map(bool, extra["one_voice"])),
            tuple(SlotBias(**bias) for bias in extra["note_bias"]),
            extra["calibration"],
            fingerprint_of([checkpoint.fingerprint, codec.fingerprint], {}),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise of_another_version(path, "says what cannot be understood") from error


def song_dit_checkpoint(model: SongModel, latent_fingerprint: str, facts: dict[str, Any]) -> Checkpoint:
    """A checkpoint in half precision; `facts` (corpus, step, figures) travel with it."""
    extra = {
        "phrase_vae": latent_fingerprint,
        "slots": [asdict(slot) for slot in model.slots],
        "noise_shift": model.noise_shift,
        "repeat_prior": model.repeat_prior.to_dict(),
        "chord_prior": model.chord_prior.to_dict(),
        "plan_prior": model.plan_prior.to_dict(),
        "loudness_prior": model.loudness_prior.to_dict(),
        "texture_prior": model.texture_prior.to_dict(),
        "one_voice": list(model.one_voice),
        "note_bias": [asdict(bias) for bias in model.note_bias],
        "calibration": model.calibration,
        **facts,
    }
    return checkpoint_of(KIND, model.network, model.network.config, extra, torch.float16)
