"""From a plan to a song: the only place where the phrase VAE and the song transformer meet."""

from __future__ import annotations

import json
import operator
import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from phraseloom.diffusion.samplers import euler, level_grid
from phraseloom.errors import RequestError
from phraseloom.events import PhraseTable
from phraseloom.form import format_form, num_bars_of
from phraseloom.harmony import Key
from phraseloom.models.conditions import collate_conditions, song_conditions
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.plan import SongPlan
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.progress import Progress
from phraseloom.score import Notes, Score, TempoChange, Track
from phraseloom.song_model import SONG_DIT_FILE, TICKS_PER_BAR, SongModel, load_song_model
from phraseloom.structure import key_of_notes
from phraseloom.transforms import join, normalising_shift, transpose

DEFAULT_STEPS = 24
MAX_STEPS = 1000
MAX_SEED = 2**31 - 1
RECIPE_PREFIX = "phraseloom: "


@dataclass(frozen=True)
class Composition:
    """A song and how it came to be.

    Attributes:
        plan: as it was followed, with nothing left open.
        seed: gives the same song again, with the same plan, steps, weights and machine.
        seconds: wall time of `load` (once a composer), `sampling` and `decoding`.
        report: of each thing asked, what was `asked` and what was `got`.
        recipe: plan, seed, steps and fingerprint of the weights as one line of text, to travel in the MIDI file.
    """

    score: Score
    plan: SongPlan
    seed: int
    seconds: dict[str, float]
    report: dict[str, dict[str, Any]]
    recipe: str


class Composer:
    """Composes songs with one set of weights."""

    def __init__(self, codec: PhraseCodec, model: SongModel, load_seconds: float = 0.0) -> None:
        self.codec, self.model = codec, model
        self._load_seconds = load_seconds

    @classmethod
    def pretrained(cls) -> Composer:
        """The composer with the weights that come with the package."""
        return cls.load(PRETRAINED_DIRECTORY)

    @classmethod
    def load(cls, directory: Path | str) -> Composer:
        """The composer with the weights in a folder, as `phraseloom train` leaves them.

        Raises:
            UnreadableFileError: the folder holds no weights.
            CheckpointError: they are of another version, or do not belong together.
        """
        directory = Path(directory)
        started = time.perf_counter()
        codec = PhraseCodec.load(directory / PHRASE_VAE_FILE)
        model = load_song_model(directory / SONG_DIT_FILE, codec)
        return cls(codec, model, time.perf_counter() - started)

    def generate(
        self,
        plan: SongPlan | None = None,
        *,
        seed: int | None = None,
        steps: int = DEFAULT_STEPS,
        progress: Progress | None = None,
    ) -> Composition:
        """Composes a song to a plan; what the plan leaves open is drawn with the seed.

        Args:
            seed: 0 to 2147483647; drawn and reported where None.
            steps: evaluations of the song transformer, 1 to 1000.

        Raises:
            RequestError: seed or steps out of range.
        """
        seed = secrets.randbelow(MAX_SEED + 1) if seed is None else _checked("seed", seed, 0, MAX_SEED)
        steps = _checked("steps", steps, 1, MAX_STEPS)
        tell = progress or (lambda doing, share: None)
        plan = (plan or SongPlan()).completed(np.random.default_rng(seed))
        started = time.perf_counter()
        latents = self._sample(plan, seed, steps, tell)
        sampled = time.perf_counter()
        tell("decoding", 0.9)
        phrases = self.codec.decode(latents.reshape(-1, latents.shape[-1]), TICKS_PER_BAR)
        score = self._score(plan, phrases)
        tell("done", 1.0)
        seconds = {
            "load": self._load_seconds,
            "sampling": sampled - started,
            "decoding": time.perf_counter() - sampled,
        }
        made_by = {"plan": plan.to_dict(), "seed": seed, "steps": steps, "weights": self.model.fingerprint}
        return Composition(score, plan, seed, seconds, _report(plan, score), RECIPE_PREFIX + json.dumps(made_by))

    @staticmethod
    def seed_after(seed: int) -> int:
        """The next seed, for one more take; the first one follows the last."""
        return (seed + 1) % (MAX_SEED + 1)

    @torch.inference_mode()
    def _sample(self, plan: SongPlan, seed: int, steps: int, tell: Progress) -> np.ndarray:
        """Latents `[bars, slots, z]` of a completed plan."""
        network = self.model.network
        form, key, tempo_bpm = plan.settled
        num_bars = num_bars_of(form)
        told = song_conditions(form, tempo_bpm=tempo_bpm, mode=key.mode)
        conditions = collate_conditions([told], num_bars)
        shape = (1, num_bars, network.config.num_slots, network.config.latent_size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        denoise = partial(network, conditions=conditions)
        latents = noise
        for state in euler(denoise, noise, level_grid(steps, self.model.noise_shift)):
            tell("sampling", 0.9 * state.step / steps)
            latents = state.latents
        return latents[0].numpy()

    def _score(self, plan: SongPlan, phrases: PhraseTable) -> Score:
        form, key, tempo_bpm = plan.settled
        slots = self.model.slots
        silent = Score(
            tracks=tuple(Track(slot.name, Notes.empty(), slot.program, slot.is_drum) for slot in slots),
            num_bars=num_bars_of(form),
            tempos=(TempoChange(0, tempo_bpm),),
            sections=form,
            key=Key((key.tonic + normalising_shift(key)) % 12, key.mode),
        )
        first_cells = range(0, len(phrases), len(slots))
        rows = [[phrases.phrase(first + slot) for slot in range(len(slots))] for first in first_cells]
        return transpose(join(rows, silent), -normalising_shift(key))


def _report(plan: SongPlan, score: Score) -> dict[str, dict[str, Any]]:
    form, key, tempo_bpm = plan.settled
    return {
        "bars": {"asked": num_bars_of(form), "got": score.num_bars},
        "form": {"asked": format_form(form), "got": format_form(score.sections)},
        "key": {"asked": str(key), "got": _text(key_of_notes(score.tracks))},
        "tempo_bpm": {"asked": tempo_bpm, "got": score.tempo_bpm},
    }


def _text(key: Key | None) -> str | None:
    return None if key is None else str(key)


def _checked(name: str, value: int, low: int, high: int) -> int:
    error = RequestError(f"{name} is {value!r}, allowed are {low} to {high}", "give a whole number in that range")
    try:
        whole = operator.index(value)
    except TypeError:
        raise error from None
    if not low <= whole <= high:
        raise error
    return whole
