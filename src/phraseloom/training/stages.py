"""The stages of a recipe: what each reads, trains, evaluates and writes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import nn

from phraseloom.checkpoint import fill_network, read_checkpoint, write_checkpoint
from phraseloom.chord_prior import ChordPrior
from phraseloom.corpus.song import CorpusSong
from phraseloom.corpus.store import Corpus
from phraseloom.errors import CheckpointError, RequestError, UnreadableFileError, UnsupportedScoreError
from phraseloom.events import PhraseTable
from phraseloom.loudness_prior import LoudnessPrior
from phraseloom.melody_index import MELODY_INDEX_FILE, MelodyIndex
from phraseloom.models.note_bias import SlotBias
from phraseloom.models.phrase_tables import encode_means
from phraseloom.models.phrase_vae import PhraseVAE
from phraseloom.models.song_dit import SongDiT
from phraseloom.phrase_codec import KIND as PHRASE_VAE_KIND
from phraseloom.phrase_codec import LatentStatistics, PhraseCodec, phrase_vae_checkpoint
from phraseloom.plan_prior import PlanPrior
from phraseloom.progress import Progress
from phraseloom.ranking import REAL_MUSIC_FILE, RealMusic
from phraseloom.repeats import RepeatPrior
from phraseloom.song_model import KIND as SONG_DIT_KIND
from phraseloom.song_model import TICKS_PER_BAR, Slot, SongModel, song_dit_checkpoint, speaks_meter_of
from phraseloom.texture_prior import TexturePrior
from phraseloom.training.calibrating import fitted_calibration
from phraseloom.training.latents import latents_beside
from phraseloom.training.loop import LoopSettings, StepReport, train
from phraseloom.training.phrase_augmentation import PhraseAugmentation
from phraseloom.training.phrase_vae_objective import PhraseVAEObjective
from phraseloom.training.phrases import PhraseBatches, corpus_phrases
from phraseloom.training.precision import autocast_where_faster
from phraseloom.training.prefetching import workers_for
from phraseloom.training.recipe import PhraseVAEStage, SongDiTStage
from phraseloom.training.song_dit_objective import HELD_OUT_LEVELS, SongDiTObjective, cell_mean, denoising_error
from phraseloom.training.songs import LatentSong, SongBatches, transposed_copies
from phraseloom.voices import parts_of_one_voice


class StageEvent(NamedTuple):
    """A step, with figures on held-out songs where they were just taken."""

    report: StepReport
    held_out: dict[str, float] | None


def model_songs(corpus: Corpus, split: str) -> list[CorpusSong]:
    """The songs of a split in the meter that the model speaks.

    Raises:
        UnsupportedScoreError: there is none to train on.
    """
    songs = [song for song in corpus.songs(split) if speaks_meter_of(song.score)]
    if not songs and split == "train":
        raise UnsupportedScoreError(
            f"the corpus has no training song whose bars all have {TICKS_PER_BAR} ticks (4/4)",
            "prepare a corpus with songs in 4/4",
        )
    return songs


def train_phrase_vae(
    stage: PhraseVAEStage,
    corpus: Corpus,
    out: Path,
    *,
    seed: int,
    resume: bool,
    start_from: Path | None,
    accelerator: Accelerator,
) -> Iterator[StageEvent]:
    """Trains the phrase VAE on distinct training phrases; writes `out` at the end, the training state beside it.

    Args:
        start_from: weights to begin with, in place of random ones.

    Raises:
        UserError: `start_from` cannot be read or is of another network.
    """
    phrases = corpus_phrases(song.score for song in model_songs(corpus, "train"))
    held_out = _distinct(corpus_phrases(song.score for song in model_songs(corpus, "validation")))
    torch.manual_seed(seed)
    network = PhraseVAE(stage.network)
    if start_from is not None:
        _begin_with(network, start_from, PHRASE_VAE_KIND)
    batches = PhraseBatches(_distinct(phrases), stage.tokens_per_batch, stage.augmentation, seed)
    steps = train(
        PhraseVAEObjective(network, stage.loss),
        batches,
        stage.loop,
        seed=seed,
        accelerator=accelerator,
        checkpoint=state_path(out),
        resume=resume,
        num_workers=workers_for(accelerator),
    )
    figures: dict[str, float] = {}
    for report in steps:
        is_due = accelerator.is_main_process and is_validation_step(report.step, stage.loop)
        if is_due:
            figures = phrase_vae_figures(report.averaged, stage, held_out, report.step)
        yield StageEvent(report, figures if is_due else None)
    if accelerator.is_main_process:
        network.eval()
        if not figures:  # killed behind its last step and resumed
            figures = phrase_vae_figures(network, stage, held_out, stage.loop.num_steps)
        statistics = LatentStatistics.of(encode_means(network, phrases))
        network.cpu()
        facts = {"corpus": corpus.fingerprint, "held_out": figures}
        write_checkpoint(phrase_vae_checkpoint(network, statistics, facts), out)
    accelerator.wait_for_everyone()


@torch.no_grad()
def phrase_vae_figures(network: PhraseVAE, stage: PhraseVAEStage, phrases: PhraseTable, step: int) -> dict[str, float]:
    """Losses of phrases through the bottleneck of the `step`th step, latents without noise, mean over batches."""
    objective = PhraseVAEObjective(network, stage.loss).eval()
    objective.step = step - 1
    device = next(network.parameters()).device
    batches = PhraseBatches(phrases, stage.tokens_per_batch, PhraseAugmentation(), seed=0).epoch(0, 0, 1)
    sums: defaultdict[str, float] = defaultdict(float)
    for load in batches:
        with autocast_where_faster(device.type):
            loss, terms = objective(send_to_device(load(), device))
        for name, value in {"loss": loss, **terms}.items():
            sums[name] += float(value) / len(batches)
    return dict(sums)


def train_song_dit(
    stage: SongDiTStage,
    corpus: Corpus,
    codec: PhraseCodec,
    out: Path,
    *,
    seed: int,
    resume: bool,
    start_from: Path | None,
    accelerator: Accelerator,
    progress: Progress,
) -> Iterator[StageEvent]:
    """Trains the song transformer; `out` holds the averaged weights with the least held-out error so far.

    The latents it learns from are kept beside `out`. Without validation songs it is judged on the training songs.

    Args:
        start_from: as for `train_phrase_vae`; from the latents of another phrase VAE too.
    """
    train_songs, validation_songs = model_songs(corpus, "train"), model_songs(corpus, "validation")
    copies = transposed_copies(train_songs, stage.transposed_copies, seed)
    latents = latents_beside(out, [*train_songs, *copies, *validation_songs], corpus, codec, accelerator, progress)
    songs = [LatentSong.of(song.score, latents[song.song_id]) for song in (*train_songs, *copies)]
    held_out = [LatentSong.of(song.score, latents[song.song_id]) for song in validation_songs]
    slots = slots_of(corpus)
    torch.manual_seed(seed)
    repeat_prior = RepeatPrior.fit(((song.sections, song.sources) for song in songs[: len(train_songs)]), len(slots))
    chord_prior = ChordPrior.fit(song.score for song in train_songs)
    plan_prior = PlanPrior.fit(song.score for song in train_songs)
    loudness_prior = LoudnessPrior.fit((song.score for song in train_songs), len(slots))
    texture_prior = TexturePrior.fit((song.score for song in train_songs), len(slots))
    one_voice = parts_of_one_voice((song.score for song in train_songs), len(slots))
    if accelerator.is_main_process:
        _write_companions(corpus, train_songs, out)
    network = SongDiT(stage.network.for_corpus(len(slots), codec.network.config.latent_size))
    if start_from is not None:
        _begin_with(network, start_from, SONG_DIT_KIND)
    note_bias = tuple(stage.note_bias.get(slot.name, SlotBias()) for slot in slots)
    priors = (repeat_prior, chord_prior, plan_prior, loudness_prior, texture_prior, one_voice)
    noise_shift = stage.loss.shift if stage.noise_shift is None else stage.noise_shift
    untrained = SongModel(network, slots, noise_shift, *priors, note_bias)
    steps = train(
        SongDiTObjective(network, stage.loss),
        SongBatches(
            songs,
            stage.bars_per_batch,
            stage.excerpt_share,
            seed,
            stage.rearranged_share,
            [corpus.slots.index(name) for name in stage.exchanged_slots],
            stage.exchanged_share,
        ),
        stage.loop,
        seed=seed,
        accelerator=accelerator,
        checkpoint=state_path(out),
        resume=resume,
        num_workers=workers_for(accelerator),
    )
    belongs_to = {"phrase_vae": codec.latent_fingerprint, "corpus": corpus.fingerprint}
    least = _held_out_mean(out, network, belongs_to) if resume else float("inf")
    for report in steps:
        figures = None
        if accelerator.is_main_process and is_validation_step(report.step, stage.loop):
            figures = song_dit_figures(report.averaged, held_out or songs, stage.bars_per_batch)
            if figures["mean"] < least:
                least = figures["mean"]
                facts = {"corpus": corpus.fingerprint, "step": report.step, "held_out": figures}
                made = replace(
                    untrained,
                    network=report.averaged,
                    calibration=fitted_calibration(report.averaged, held_out or songs, stage.bars_per_batch),
                )
                write_checkpoint(song_dit_checkpoint(made, codec.latent_fingerprint, facts), out)
        yield StageEvent(report, figures)
    accelerator.wait_for_everyone()


@torch.no_grad()
def song_dit_figures(network: nn.Module, songs: Sequence[LatentSong], bars_per_batch: int) -> dict[str, float]:
    """Error of the velocity on whole songs, conditions given, by noise level and in the mean."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    batches = SongBatches(songs, bars_per_batch, 0.0, seed=0).epoch(0, 0, 1)
    torch.manual_seed(0)
    sums: defaultdict[str, float] = defaultdict(float)
    for load in batches:
        batch = send_to_device(load(), device)
        for value in HELD_OUT_LEVELS:
            level = torch.full(batch.latents.shape[:-1], value, device=device)
            with autocast_where_faster(device.type):
                error = denoising_error(network, batch, level, batch.conditions, has_guess=True)
            sums[f"level {value}"] += float(cell_mean(error, batch.conditions.is_bar[..., None])) / len(batches)
    network.train(was_training)
    return {**sums, "mean": sum(sums.values()) / len(HELD_OUT_LEVELS)}


def slots_of(corpus: Corpus) -> tuple[Slot, ...]:
    """Name and most frequent sound of each of the corpus's slots."""
    sounds: list[Counter[tuple[int, bool]]] = [Counter() for _ in corpus.slots]
    for song in corpus.songs("train"):
        for counter, track in zip(sounds, song.score.tracks, strict=False):
            counter[track.program, track.is_drum] += 1
    most = [counter.most_common(1)[0][0] if counter else (0, False) for counter in sounds]
    return tuple(Slot(name, program, drum) for name, (program, drum) in zip(corpus.slots, most, strict=True))


def require_known_slots(stage: SongDiTStage, corpus: Corpus) -> None:
    """Checks that the slots that the stage names are the corpus's.

    Raises:
        RequestError: one is not.
    """
    for name in (*stage.exchanged_slots, *stage.note_bias):
        if name not in corpus.slots:
            raise RequestError(
                f"the recipe names the slot {name!r}, which the corpus does not have",
                f"name some of these in exchanged_slots and note_bias, or none: {', '.join(corpus.slots)}",
            )


def _begin_with(network: PhraseVAE | SongDiT, path: Path, kind: str) -> None:
    checkpoint = read_checkpoint(path, kind)
    if {**checkpoint.config, "dropout": None} != {**asdict(network.config), "dropout": None}:
        raise CheckpointError(f"{path} holds a {kind} of other sizes than the recipe's", "give both the same sizes")
    fill_network(network, checkpoint, path)


def _write_companions(corpus: Corpus, train_songs: Sequence[CorpusSong], weights: Path) -> None:
    """What travels with the weights: the index of the training melodies, and what real songs are like."""
    learnt = [song.score for song in train_songs]
    held_out = [song.score for split in ("validation", "test") for song in model_songs(corpus, split)]
    MelodyIndex.build(learnt, held_out).save(weights.with_name(MELODY_INDEX_FILE))
    RealMusic.fit(learnt).save(weights.with_name(REAL_MUSIC_FILE))


def _distinct(phrases: PhraseTable) -> PhraseTable:
    return phrases.select(phrases.distinct()[0])


def _held_out_mean(weights: Path, network: SongDiT, belongs_to: Mapping[str, str]) -> float:
    """Held-out error of the weights that an interrupted run left; infinite where there are none of this network."""
    try:
        checkpoint = read_checkpoint(weights, SONG_DIT_KIND)
    except (UnreadableFileError, CheckpointError):
        return float("inf")
    is_ours = checkpoint.config == asdict(network.config) and belongs_to.items() <= checkpoint.extra.items()
    return checkpoint.extra["held_out"]["mean"] if is_ours else float("inf")


def state_path(weights: Path) -> Path:
    """The training state beside weights."""
    return weights.with_suffix(".state.pt")


def is_validation_step(step: int, loop: LoopSettings) -> bool:
    return step % loop.validation_interval == 0 or step == loop.num_steps
