"""The stage in which the phrase decoder learns to read what the song transformer predicts.

The encoder and the vectors of the attributes' values stay as they are, and with them the latents: the song transformer
goes on belonging to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor

from phraseloom.checkpoint import read_checkpoint, write_checkpoint
from phraseloom.corpus.song import CorpusSong
from phraseloom.corpus.store import Corpus
from phraseloom.diffusion.guidance import Guidance
from phraseloom.events import PhraseTable
from phraseloom.models.phrase_vae import DECODER_PARTS, PhraseVAE
from phraseloom.models.song_dit import SongDiT
from phraseloom.phrase_codec import KIND, PhraseCodec, phrase_vae_checkpoint
from phraseloom.progress import Progress
from phraseloom.song_model import SongModel
from phraseloom.training.drawn_latents import (
    DecoderBatch,
    DecoderBatches,
    DrawnCells,
    decoder_batch,
    predicted_cells,
)
from phraseloom.training.latents import latents_beside, slotted
from phraseloom.training.loop import Objective, train
from phraseloom.training.phrases import TOKENS_BESIDE_NOTES, corpus_phrases, of_like_length
from phraseloom.training.recipe import DecoderStage
from phraseloom.training.songs import LatentSong, SongBatch, SongBatches, transposed_copies
from phraseloom.training.stages import StageEvent, is_validation_step, model_songs, state_path

HELD_OUT_LEVELS = (0.0, 0.15, 0.3, 0.45)
"""Noise levels at which validation songs are predicted and decoded; at 0 their latents are clean."""

STEPS_NAME, FIGURES_NAME = "decoder_steps", "decoder_held_out"
"""What phrase VAE weights whose decoder has been through this stage say of it."""


class DecoderObjective(Objective[PhraseVAE]):
    """Nats that phrases cost, given what is read of their latents."""

    def __init__(self, network: PhraseVAE, velocity_weight: float) -> None:
        super().__init__(network)
        self.velocity_weight = velocity_weight
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(DECODER_PARTS))

    def forward(self, batch: DecoderBatch) -> tuple[Tensor, dict[str, Tensor]]:
        losses = self.network.losses(batch.latents, batch.noise, *batch.phrases)
        total = losses.header + losses.onset + losses.pitch + losses.duration + self.velocity_weight * losses.velocity
        num_phrases, num_steps, _ = batch.phrases.steps.shape
        num_notes = batch.phrases.num_notes.sum().clamp(min=1)
        terms = {name: value.detach() / num_notes for name, value in losses._asdict().items()}
        return total / (num_phrases * (num_steps + TOKENS_BESIDE_NOTES)), terms


def train_decoder(
    stage: DecoderStage,
    corpus: Corpus,
    codec: PhraseCodec,
    model: SongModel,
    out: Path,
    *,
    seed: int,
    resume: bool,
    accelerator: Accelerator,
    progress: Progress,
) -> Iterator[StageEvent]:
    """Trains the decoder of `codec` on latents of the training songs as `model` predicts them.

    Args:
        out: the phrase VAE's weights; replaced at the end by those with the new decoder.
    """
    songs, validation = model_songs(corpus, "train"), model_songs(corpus, "validation")
    songs += transposed_copies(songs, stage.transposed_copies, seed)
    latents = latents_beside(out, [*songs, *validation], corpus, codec, accelerator, progress)
    model.network.to(accelerator.device)
    drawn = DecoderBatches(
        _batches(songs, latents, stage, seed),
        _phrases(songs, len(corpus.slots)),
        codec,
        model.network,
        stage.latents,
        stage.tokens_per_batch,
        seed,
    )
    held_out = HeldOutCells.of(validation or songs, latents, codec, model.network, stage)
    steps = train(
        DecoderObjective(codec.network, stage.velocity_weight),
        drawn,
        stage.loop,
        seed=seed,
        accelerator=accelerator,
        checkpoint=decoder_state_path(out),
        resume=resume,
    )
    figures: dict[str, float] = {}
    for report in steps:
        is_due = accelerator.is_main_process and is_validation_step(report.step, stage.loop)
        if is_due:
            figures = held_out.nats(report.averaged)
        yield StageEvent(report, figures if is_due else None)
    if accelerator.is_main_process:
        network = codec.network.cpu().eval()
        before = read_checkpoint(out, KIND).extra
        kept = {name: value for name, value in before.items() if name not in ("latent_mean", "latent_scale")}
        facts = {**kept, STEPS_NAME: stage.loop.num_steps, FIGURES_NAME: figures or held_out.nats(network)}
        write_checkpoint(phrase_vae_checkpoint(network, codec.statistics, facts), out)
    accelerator.wait_for_everyone()


class HeldOutCells:
    """Validation songs as the song transformer predicts them, the same at every evaluation."""

    def __init__(self, batches: dict[float, list[DecoderBatch]]) -> None:
        self.batches = batches

    @classmethod
    def of(
        cls,
        songs: Sequence[CorpusSong],
        latents: dict[str, np.ndarray],
        codec: PhraseCodec,
        network: SongDiT,
        stage: DecoderStage,
    ) -> HeldOutCells:
        phrases = _phrases(songs, next(iter(latents.values())).shape[1])
        whole = _batches(songs, latents, stage.model_copy(update={"excerpt_share": 0.0}), 0).epoch(0, 0, 1)
        batches = {}
        with torch.random.fork_rng(devices=[]):
            for level in HELD_OUT_LEVELS:
                torch.manual_seed(0)
                parts = [_predicted(load(), level, network) for load in whole]
                cells = DrawnCells(*(np.concatenate(column) for column in zip(*parts, strict=True)))
                lengths = phrases.num_notes[cells.rows]
                groups = of_like_length(lengths, stage.tokens_per_batch, np.random.default_rng(0))
                batches[level] = [
                    decoder_batch(phrases, codec, DrawnCells(*(part[rows] for part in cells)), num_steps)
                    for num_steps, rows in groups
                ]
        return cls(batches)

    @torch.no_grad()
    def nats(self, network: PhraseVAE) -> dict[str, float]:
        """Nats a note, for onset, pitch and duration together, by level; and for velocity, of clean latents."""
        figures: dict[str, float] = {}
        device = next(network.parameters()).device
        for level, batches in self.batches.items():
            sums = np.zeros(3)
            for batch in send_to_device(batches, device):
                losses = network.losses(batch.latents, batch.noise, *batch.phrases)
                notes = float(losses.onset + losses.pitch + losses.duration)
                sums += [notes, float(losses.velocity), float(batch.phrases.num_notes.sum())]
            figures[f"level {level}"] = float(sums[0] / sums[2])
            figures.setdefault("velocity", float(sums[1] / sums[2]))
        return figures


def has_learnt_decoder(weights: Path) -> bool:
    """Whether a phrase VAE's weights have been through this stage."""
    return STEPS_NAME in read_checkpoint(weights, KIND).extra


def forget_decoder_stage(weights: Path) -> None:
    """Takes from a phrase VAE's weights what they say of this stage, so that their decoder goes through it again."""
    checkpoint = read_checkpoint(weights, KIND)
    kept = {name: value for name, value in checkpoint.extra.items() if name not in (STEPS_NAME, FIGURES_NAME)}
    write_checkpoint(replace(checkpoint, extra=kept), weights)


def decoder_state_path(weights: Path) -> Path:
    """The training state of this stage, beside the phrase VAE's weights."""
    return state_path(weights.with_name(f"decoder{weights.suffix}"))


def _predicted(batch: SongBatch, level: float, network: SongDiT) -> DrawnCells:
    return predicted_cells(batch, torch.full((len(batch.latents),), level), network, Guidance())[1]


def _batches(
    songs: Sequence[CorpusSong], latents: dict[str, np.ndarray], stage: DecoderStage, seed: int
) -> SongBatches:
    latent_songs = [LatentSong.of(song.score, latents[song.song_id]) for song in songs]
    return SongBatches(latent_songs, stage.bars_per_batch, stage.excerpt_share, seed)


def _phrases(songs: Sequence[CorpusSong], num_slots: int) -> PhraseTable:
    return corpus_phrases(slotted(song.score, num_slots) for song in songs)
