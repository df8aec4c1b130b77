"""What makes a phrase VAE learn fast: one thing changed at a time, the same processor minutes for each.

    python benchmarks/phrase_vae_ablation.py CORPUS --out FILE.jsonl [--minutes 4] [--seed 0] [--only NAME ...]
    python benchmarks/phrase_vae_ablation.py CORPUS --out FILE.jsonl --table

Every network learns from the training songs' distinct phrases with one thread, for so many minutes of processor time
(not of the clock: other work on the machine takes none of it), with a constant learning rate; its moving average is
judged on the validation songs' distinct phrases. One line of JSON a run is added to the file, and runs that are in it
are not made again. `--table` prints the file's runs, means over seeds with the least and the most.

Columns: steps in the minutes; held-out nats a note for onset, pitch and duration together, and for the velocity, both
with the true notes before; note F1 (onset, pitch, duration) of 2,000 phrases decoded, and the same from latents with
noise of 0.1 of their scale. Two of the networks cannot be decoded by the library's decoder and have no F1.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from cyclopts import App
from torch import Tensor, nn

from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.reconstruction import reconstruction_report
from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.models.layers import rotary_tables
from phraseloom.models.phrase_decoding import decode_phrases
from phraseloom.models.phrase_tables import encode_means
from phraseloom.models.phrase_vae import Memory, PhraseVAE, PhraseVAEConfig, StepLosses
from phraseloom.song_model import TICKS_PER_BAR
from phraseloom.training.loop import LoopSettings, train
from phraseloom.training.optimisers import OptimiserSettings
from phraseloom.training.phrase_augmentation import PhraseAugmentation
from phraseloom.training.phrase_vae_objective import PhraseVAELossSettings, PhraseVAEObjective
from phraseloom.training.phrases import PhraseBatches, corpus_phrases
from phraseloom.training.run import fastest_precision
from phraseloom.training.stages import model_songs

TOKENS_PER_BATCH = 1000
NUM_DECODED = 2000
ENDLESS = 10**6
STAGE_MINUTES = 0.2
"""Share of the minutes that each stage before the latent takes."""

NO_AUGMENTATION = PhraseAugmentation()

app = App(help=__doc__)


class ForgetfulPhraseVAE(PhraseVAE):
    """12 % of the notes that the decoder has written are hidden from it."""

    is_decoding = False

    def embed_steps(self, steps: Tensor, tables: list[Tensor]) -> Tensor:
        embedded = super().embed_steps(steps, tables)
        if not (self.training and self.is_decoding):
            return embedded
        return embedded * (torch.rand(*steps.shape[:2], 1) > 0.12)

    def losses_of_memory(self, memory: Memory, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        self.is_decoding = True
        losses = super().losses_of_memory(memory, headers, steps, num_notes)
        self.is_decoding = False
        return losses


class RemindedPhraseVAE(PhraseVAE):
    """The latent is added to every note that the decoder reads, beside the memory tokens."""

    reminder: Tensor | None = None

    def __init__(self, config: PhraseVAEConfig) -> None:
        super().__init__(config)
        self.at_every_step = nn.Linear(config.latent_size, config.width, bias=False)

    def embed_steps(self, steps: Tensor, tables: list[Tensor]) -> Tensor:
        embedded = super().embed_steps(steps, tables)
        return embedded if self.reminder is None else embedded + self.reminder[:, None]

    def losses(self, latents: Tensor, noise: Tensor, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        self.reminder = self.at_every_step(latents)
        losses = super().losses(latents, noise, headers, steps, num_notes)
        self.reminder = None
        return losses


class PianoRollPhraseVAE(PhraseVAE):
    """From the latent alone, which pitches begin in which sixteenth, with 0.3 of the loss of a note each."""

    SIXTEENTHS = 32

    def __init__(self, config: PhraseVAEConfig) -> None:
        super().__init__(config)
        self.roll = nn.Sequential(
            nn.Linear(config.latent_size, config.width), nn.ReLU(), nn.Linear(config.width, self.SIXTEENTHS * 128)
        )

    def losses(self, latents: Tensor, noise: Tensor, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        losses = super().losses(latents, noise, headers, steps, num_notes)
        if not self.training:
            return losses
        is_note = torch.arange(steps.shape[1]) < num_notes[:, None]
        place = (steps[..., Attribute.ONSET] // 3).clamp(max=self.SIXTEENTHS - 1) * 128 + steps[..., Attribute.PITCH]
        target = torch.zeros(len(steps), self.SIXTEENTHS * 128).scatter_add_(1, place, is_note.float()).clamp(max=1)
        missed = F.binary_cross_entropy_with_logits(self.roll(latents).float(), target, reduction="sum")
        return losses._replace(onset=losses.onset + 0.3 * missed)


class AttributePhraseVAE(PhraseVAE):
    """One step an attribute: four tokens a note, as in the report."""

    def __init__(self, config: PhraseVAEConfig) -> None:
        super().__init__(config)
        longest = 4 * VOCABULARY.max_notes + 2 + config.num_memory_tokens
        self.rotary_cos, self.rotary_sin = rotary_tables(longest, config.width // config.num_heads)

    def losses_of_memory(self, memory: Memory, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        tables, t = self.tables(), steps.shape[1]
        embedded = torch.stack([self.input_norm(F.embedding(steps[..., a], tables[a])) for a in Attribute], dim=2)
        tokens = torch.cat([memory.tokens, self.embed_headers(headers), embedded.flatten(1, 2)], dim=1)
        states = self.run_decoder(tokens, 0, is_seen=memory.is_seen)[:, memory.tokens.shape[1] :]
        places = torch.arange(t + 1)
        is_end = places == num_notes[:, None]
        onset = F.pad(steps[..., Attribute.ONSET], (0, 1)).masked_fill(is_end, VOCABULARY.end_index)
        counts = (places <= num_notes[:, None]) & (num_notes > 0)[:, None]
        sums = []
        for attribute in Attribute:
            own = states[:, int(attribute) :: 4]
            targets = onset if attribute == Attribute.ONSET else steps[..., attribute]
            logits = self.heads[attribute](own[:, : targets.shape[1]], tables[attribute])
            nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
            is_due = counts if attribute == Attribute.ONSET else places[:t] < num_notes[:, None]
            sums.append((nats * is_due.flatten()).sum())
        return StepLosses(sums[0].new_zeros(()), *sums)


@dataclass(frozen=True)
class Variant:
    """What is changed.

    Attributes:
        stages: stages before the latent: 1 the query tokens, 2 filling in before that.
    """

    loss: dict[str, float] = field(default_factory=dict)
    network: dict[str, int] = field(default_factory=dict)
    augmentation: PhraseAugmentation = NO_AUGMENTATION
    kind: Callable[[PhraseVAEConfig], PhraseVAE] = PhraseVAE
    stages: int = 0
    can_decode: bool = True


VARIANTS = {
    "one stage": Variant(),
    "two stages: query tokens, latent": Variant(stages=1),
    "three stages: infilling, query tokens, latent": Variant(stages=2),
    "augmentation (35 % transposed, 40 % spliced)": Variant(
        augmentation=PhraseAugmentation(transposed_share=0.35, spliced_share=0.4)
    ),
    "decoder noise 0.7": Variant(loss={"latent_noise": 0.7}),
    "KL weight 0.01 a nat, for 0.002": Variant(loss={"kl_weight": 0.01}),
    "history dropout 12 %": Variant(kind=ForgetfulPhraseVAE),
    "latent at every step": Variant(kind=RemindedPhraseVAE, can_decode=False),
    "auxiliary piano-roll head": Variant(kind=PianoRollPhraseVAE),
    "width 192, for 256": Variant(network={"width": 192}),
    "width 320, for 256": Variant(network={"width": 320, "num_heads": 5}),
    "attribute steps, for note steps": Variant(kind=AttributePhraseVAE, can_decode=False),
}


def distinct(phrases: PhraseTable) -> PhraseTable:
    return phrases.select(phrases.distinct()[0])


class StagedObjective(PhraseVAEObjective):
    """Stages by processor time, where the library's go by steps, of which the ways make unlike many in a minute."""

    def __init__(self, network: PhraseVAE, settings: PhraseVAELossSettings, stages: int, minutes: float) -> None:
        super().__init__(network, settings)
        self.stages, self.stage_seconds, self.started = stages, 60 * STAGE_MINUTES * minutes, time.process_time()

    def forward(self, batch: object) -> tuple[Tensor, dict[str, Tensor]]:
        if self.training and self.stages:
            number = int((time.process_time() - self.started) / self.stage_seconds) + 2 - self.stages
            infilling, autoencoder = [(1, 0), (0, 1), (0, 0)][min(number, 2)]
            always = {"infilling_steps": infilling * ENDLESS, "autoencoder_steps": autoencoder * ENDLESS}
            self.settings = self.settings.model_copy(update=always)
        return super().forward(batch)


def learn(variant: Variant, phrases: PhraseTable, minutes: float, seed: int, folder: Path) -> tuple[PhraseVAE, int]:
    """The network behind so many minutes of processor time, and how many steps it took."""
    torch.manual_seed(seed)
    network = variant.kind(PhraseVAEConfig(**variant.network))
    settings = PhraseVAELossSettings(**{"velocity_weight": 0.05, **variant.loss})
    optimiser = OptimiserSettings(learning_rate=3e-3, weight_decay=0.1, warmup_steps=30, cooldown_share=0.0)
    steps = train(
        StagedObjective(network, settings, variant.stages, minutes).train(),
        PhraseBatches(phrases, TOKENS_PER_BATCH, variant.augmentation, seed),
        LoopSettings(num_steps=ENDLESS, optimiser=optimiser, ema_decay=0.98, checkpoint_minutes=1e6),
        seed=seed,
        accelerator=Accelerator(cpu=True, mixed_precision=fastest_precision()),
        checkpoint=folder / "state.pt",
        resume=False,
    )
    started = time.process_time()
    last = next(report for report in steps if time.process_time() - started > 60 * minutes)
    return last.averaged.eval(), last.step


@torch.no_grad()
def held_out_nats(network: PhraseVAE, phrases: PhraseTable) -> tuple[float, float]:
    """Nats a note: onset, pitch and duration together; velocity."""
    sums: defaultdict[str, float] = defaultdict(float)
    batches = PhraseBatches(phrases, TOKENS_PER_BATCH, PhraseAugmentation(), 0).epoch(0, 0, 1)
    for load in batches:
        batch = load()
        with torch.autocast("cpu", torch.bfloat16, enabled=fastest_precision() == "bf16"):
            mean = network.encode(*batch).mean
            losses = network.losses(mean, torch.zeros(len(mean)), *batch)
        for name, value in (*losses._asdict().items(), ("notes", batch.num_notes.sum())):
            sums[name] += float(value)
    return (sums["onset"] + sums["pitch"] + sums["duration"]) / sums["notes"], sums["velocity"] / sums["notes"]


def note_f1(network: PhraseVAE, phrases: PhraseTable, noise: float) -> float:
    latents = encode_means(network, phrases)
    scale = float((latents - latents.mean(axis=0)).std())
    disturbed = latents + noise * scale * np.random.default_rng(0).standard_normal(latents.shape, np.float32)
    decoded = decode_phrases(network, torch.from_numpy(disturbed), TICKS_PER_BAR)
    places = range(len(phrases))
    tables = [[table.phrase(place) for place in places] for table in (phrases, decoded)]
    return reconstruction_report(tables[0], tables[1], [""] * len(phrases)).total.notes.f1


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def print_table(rows: list[dict]) -> None:
    columns = ("steps", "nats", "velocity_nats", "f1", "noisy_f1")
    print("| | " + " | ".join(("seeds", *columns)) + " |\n" + "|---" * (len(columns) + 2) + "|")
    for name in VARIANTS:
        runs = [row for row in rows if row["variant"] == name]
        if not runs:
            continue
        cells = []
        for column in columns:
            values = [row[column] for row in runs if row[column] is not None]
            digits = 0 if column == "steps" else 3
            spread = f" ({min(values):.{digits}f}, {max(values):.{digits}f})" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.{digits}f}{spread}" if values else "-")
        print(f"| {name} | {len(runs)} | " + " | ".join(cells) + " |")


@app.default
def main(
    corpus: Path, *, out: Path, minutes: float = 4.0, seed: int = 0, only: list[str] | None = None, table: bool = False
) -> None:
    if table:
        print_table(rows_of(out))
        return
    torch.set_num_threads(1)
    opened = Corpus.open(corpus)
    splits = [
        distinct(corpus_phrases(song.score for song in model_songs(opened, split))) for split in ("train", "validation")
    ]
    chosen = np.random.default_rng(0).permutation(len(splits[1]))[:NUM_DECODED]
    for name in only or VARIANTS:
        key = {"variant": name, "seed": seed, "minutes": minutes}
        if any(key.items() <= row.items() for row in rows_of(out)):
            continue
        variant = VARIANTS[name]
        with tempfile.TemporaryDirectory() as folder:
            network, steps = learn(variant, splits[0], minutes, seed, Path(folder))
        nats, velocity = held_out_nats(network, splits[1])
        f1 = [note_f1(network, splits[1].select(chosen), noise) if variant.can_decode else None for noise in (0.0, 0.1)]
        row = {**key, "steps": steps, "nats": nats, "velocity_nats": velocity, "f1": f1[0], "noisy_f1": f1[1]}
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


if __name__ == "__main__":
    app()
