"""Runs a recipe: phrase VAE, latents, song transformer, and the phrase decoder once more."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs

from phraseloom.corpus.store import Corpus
from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.files import remove_parts, written_beside
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.progress import Progress
from phraseloom.song_model import SONG_DIT_FILE, load_song_model
from phraseloom.training.decoder_stage import forget_decoder_stage, has_learnt_decoder, train_decoder
from phraseloom.training.precision import prefers_bfloat16
from phraseloom.training.recipe import read_recipe
from phraseloom.training.stages import StageEvent, require_known_slots, state_path, train_phrase_vae, train_song_dit

STEPS_PER_LOG_LINE = 25

# On CPUs every shape of every matrix product is compiled once. The library keeps 1024 of them; a stage has some more,
# and compiling the same ones over and over would take most of the time.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")


@contextmanager
def _denormals_as_zero() -> Generator[None]:
    """Numbers too small for the usual arithmetic, for which a CPU takes many times as long, count as 0.

    The moments of weights without a gradient, such as those of pitches that no song has, shrink to such numbers within
    some thousand steps, which then take twice as long.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_denormals_as_zero()
def run_recipe(
    recipe_path: Path,
    *,
    corpus: Path | None,
    out: Path | None,
    resume: bool,
    start_from: Path | None = None,
    progress: Progress,
) -> Path:
    """Runs the stages of a recipe that are not done yet and returns the folder with the weights.

    The folder holds, for each of the two networks, the weights (`.safetensors`), the training state (`.state.pt`, from
    which an interrupted run goes on) and a log (`.jsonl`, one object every 25 steps: mean losses, learning rate,
    seconds a step, figures on held-out songs).

    Args:
        corpus: folder of a prepared corpus; the recipe's by default.
        out: folder to write to; the recipe's by default.
        resume: go on with what is in `out`; without it, `out` may hold no run.
        start_from: folder with weights of both networks to begin with, in place of random ones: fine-tuning. Has no
            effect on a network whose training is resumed.

    Raises:
        UserError: the recipe or the corpus cannot be read, `out` cannot be made or holds another run, or the state in
            it is of another network.
    """
    recipe = read_recipe(recipe_path)
    corpus_path = corpus or recipe.corpus
    if corpus_path is None:
        raise RequestError(f"{recipe_path} names no corpus", "give one with --corpus, or as `corpus` in the recipe")
    out = out or recipe.out
    opened = Corpus.open(corpus_path)
    if recipe.song_dit is not None:
        require_known_slots(recipe.song_dit, opened)  # before hours of the phrase VAE
    _prepare_folder(out, resume)  # before the processes meet, so that none of them writes yet
    # While phrases go around the latent, what makes it has no gradient, for which several processes must not wait.
    begins_without = recipe.phrase_vae is not None and recipe.phrase_vae.loss.begins_without_latent
    some_unused = DistributedDataParallelKwargs(find_unused_parameters=begins_without)
    device_type = "cuda" if torch.cuda.is_available() else "cpu"
    accelerator = Accelerator(
        cpu=device_type == "cpu",
        mixed_precision="bf16" if prefers_bfloat16(device_type) else "no",
        kwargs_handlers=[some_unused],
    )
    vae_path, dit_path = out / PHRASE_VAE_FILE, out / SONG_DIT_FILE
    if recipe.phrase_vae is None:
        is_brought = not vae_path.exists()
        _bring(vae_path, recipe_path, start_from, accelerator)
        if is_brought and recipe.decoder is not None and accelerator.is_main_process:
            forget_decoder_stage(vae_path)
        accelerator.wait_for_everyone()
    elif not (resume and vae_path.exists()):
        events = train_phrase_vae(
            recipe.phrase_vae,
            opened,
            vae_path,
            seed=recipe.seed,
            resume=resume,
            start_from=start_from and start_from / PHRASE_VAE_FILE,
            accelerator=accelerator,
        )
        _follow("phrase VAE", events, recipe.phrase_vae.loop.num_steps, vae_path, accelerator, progress)
    codec = PhraseCodec.load(vae_path)
    if recipe.song_dit is None:
        _bring(dit_path, recipe_path, start_from, accelerator)
    else:
        events = train_song_dit(
            recipe.song_dit,
            opened,
            codec,
            dit_path,
            seed=recipe.seed,
            resume=resume,
            start_from=start_from and start_from / SONG_DIT_FILE,
            accelerator=accelerator,
            progress=progress,
        )
        _follow("song transformer", events, recipe.song_dit.loop.num_steps, dit_path, accelerator, progress)
    if recipe.decoder is not None and not has_learnt_decoder(vae_path):
        events = train_decoder(
            recipe.decoder,
            opened,
            codec,
            load_song_model(dit_path, codec),
            vae_path,
            seed=recipe.seed,
            resume=resume,
            accelerator=accelerator,
            progress=progress,
        )
        log = vae_path.with_name("decoder.jsonl")
        _follow("phrase decoder", events, recipe.decoder.loop.num_steps, log, accelerator, progress)
    return out


def _bring(weights: Path, recipe_path: Path, start_from: Path | None, accelerator: Accelerator) -> None:
    """Copies weights that a recipe does not train, where they are not there yet."""
    if not weights.exists():
        if start_from is None:
            message = f"{recipe_path} does not train {weights.stem}, and no weights were given"
            raise RequestError(message, "name a folder with weights of both networks with --start-from")
        if accelerator.is_main_process:
            with written_beside(weights) as part:
                part.write_bytes(_read_bytes(start_from / weights.name))
    accelerator.wait_for_everyone()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise UnreadableFileError(message, "name a folder with weights of both networks") from error


def _prepare_folder(out: Path, resume: bool) -> None:
    """Makes the folder, and refuses to mix a new run with an earlier one's states and weights."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"there is no folder {out}, and none can be made", "choose another with --out") from error
    kept = [path for name in (PHRASE_VAE_FILE, SONG_DIT_FILE) for path in (out / name, state_path(out / name))]
    if not resume and any(path.exists() for path in kept):
        raise RequestError(
            f"{out} holds a training run already", "go on with it by --resume, or choose another folder with --out"
        )
    remove_parts(out)


def _follow(
    stage: str,
    events: Iterable[StageEvent],
    num_steps: int,
    weights: Path,
    accelerator: Accelerator,
    progress: Progress,
) -> None:
    """Runs a stage to its end, telling how far it is and keeping a log beside the weights."""
    if not accelerator.is_main_process:
        for _ in events:
            pass
        return
    meter = _Meter(stage, num_steps, weights.with_suffix(".jsonl"), progress)
    for event in events:
        meter.take(event)


class _Meter:
    """Means of the last steps' losses, for the log and for whoever watches."""

    def __init__(self, stage: str, num_steps: int, log: Path, progress: Progress) -> None:
        self.stage, self.num_steps, self.log, self.progress = stage, num_steps, log, progress
        self.recent: list[StageEvent] = []
        self.started: tuple[float, int] | None = None

    def take(self, event: StageEvent) -> None:
        step = event.report.step
        if self.started is None:
            self.started = (time.monotonic(), step)
            self._forget_from(step)
        self.recent.append(event)
        if len(self.recent) < STEPS_PER_LOG_LINE and event.held_out is None:
            return
        rows = [{**each.report.values(), "seconds": each.report.seconds} for each in self.recent]
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        line = {"step": step, "learning_rate": event.report.learning_rate, **means}
        if event.held_out is not None:
            line["held_out"] = event.held_out
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.recent = []
        self.progress(f"{self.stage}: loss {means['loss']:.3f}, {self._left(step)} left", step / self.num_steps)

    def _forget_from(self, step: int) -> None:
        """Drops what an earlier run logged of steps that are now taken again."""
        if self.log.exists():
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] < step]
            with written_beside(self.log) as part:
                part.write_text("".join(kept), encoding="utf-8")

    def _left(self, step: int) -> str:
        started_at, first = self.started or (0.0, step)
        per_step = (time.monotonic() - started_at) / max(1, step - first)
        minutes, seconds = divmod(round(per_step * (self.num_steps - step)), 60)
        return f"{minutes}:{seconds:02d}"
