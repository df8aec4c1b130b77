"""The recipe: one TOML file that says how the weights came to be."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.models.note_bias import SlotBias
from phraseloom.models.phrase_vae import PhraseVAEConfig
from phraseloom.models.song_dit import SongDiTConfig
from phraseloom.training.drawn_latents import DrawnLatentSettings
from phraseloom.training.loop import LoopSettings
from phraseloom.training.phrase_augmentation import PhraseAugmentation
from phraseloom.training.phrase_vae_objective import PhraseVAELossSettings
from phraseloom.training.song_dit_objective import SongDiTLossSettings


class PhraseVAEStage(BaseModel):
    """The first stage: phrases into latents and back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: PhraseVAEConfig = PhraseVAEConfig()
    loss: PhraseVAELossSettings = PhraseVAELossSettings()
    loop: LoopSettings
    tokens_per_batch: int = Field(6000, gt=0)
    """Notes and leading tokens in a batch of one process."""
    augmentation: PhraseAugmentation = PhraseAugmentation()


class SongDiTStage(BaseModel):
    """The second stage: latents of whole songs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: SongDiTConfig = SongDiTConfig()
    loss: SongDiTLossSettings = SongDiTLossSettings()
    loop: LoopSettings
    bars_per_batch: int = Field(2048, gt=0)
    """Bars in a batch of one process, padding included."""
    excerpt_share: float = Field(0.4, ge=0, le=1)
    """Share of the visits of a song in which only some successive sections of it are seen."""
    rearranged_share: float = Field(0.0, ge=0, le=1)
    """Share of the other visits in which one section is left out or comes twice, the form with it."""
    exchanged_slots: tuple[str, ...] = ()
    """Slots whose cells change places with others over the same chords in the same song, for more songs to learn from
    than there are."""
    exchanged_share: float = Field(0.5, ge=0, le=1)
    """Share of the visits of a song in which they do."""
    transposed_copies: int = Field(0, ge=0, le=11)
    """Copies of every training song in other keys than C major and A minor, to learn from beside it."""
    noise_shift: float | None = Field(None, gt=0)
    """How far noise levels are moved towards noise when songs are drawn with these weights; as in training if None."""
    note_bias: dict[str, SlotBias] = {}
    """By the names of slots, what the decoder is biased by when songs are drawn with these weights."""


class DecoderStage(BaseModel):
    """The last stage: the phrase decoder learns to read what the song transformer predicts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loop: LoopSettings
    latents: DrawnLatentSettings = DrawnLatentSettings()
    velocity_weight: float = Field(0.1, ge=0)
    """Of the velocities' nats; the encoder does not change any more, so that they take nothing from the notes."""
    tokens_per_batch: int = Field(4000, gt=0)
    """Notes and leading tokens in a batch of one process."""
    bars_per_batch: int = Field(2048, gt=0)
    """Bars that are predicted together."""
    excerpt_share: float = Field(0.2, ge=0, le=1)
    """As for the song transformer."""
    transposed_copies: int = Field(0, ge=0, le=11)
    """As for the song transformer; with its number and seed, the latents of the copies are there already."""


class Recipe(BaseModel):
    """All stages and where they read and write."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(0, ge=0, lt=2**31)
    corpus: Path | None = None
    """Folder of a prepared corpus, relative to the working folder; `--corpus` overrides it."""
    out: Path
    """Folder of checkpoints, logs and weights, relative to the working folder; `--out` overrides it."""
    phrase_vae: PhraseVAEStage | None = None
    song_dit: SongDiTStage | None = None
    decoder: DecoderStage | None = None
    """Without it the decoder stays as the phrase VAE's stage leaves it. A recipe that leaves another stage out takes
    that network's weights from `--start-from`."""


def read_recipe(path: Path) -> Recipe:
    """Reads and checks a recipe.

    Raises:
        UnreadableFileError: no such file, or no TOML.
        RequestError: an unknown key (with the nearest known one) or a value out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}", "name a recipe, a .toml file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} is no TOML: {error}", "mend the line that is named") from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"{path}: {place}: {first['msg']}", _remedy(first["loc"], first["type"])) from error


def _remedy(place: tuple[int | str, ...], kind: str) -> str:
    if kind not in ("extra_forbidden", "unexpected_keyword_argument"):
        return "give a value of the kind and range that is named"
    near = get_close_matches(str(place[-1]), _known_keys(Recipe), n=1)
    return f"did you mean {near[0]!r}?" if near else "remove the key"


def _known_keys(model: type) -> set[str]:
    fields = model.model_fields if issubclass(model, BaseModel) else getattr(model, "__dataclass_fields__", {})
    keys = set(fields)
    for field in fields.values():
        annotation = getattr(field, "annotation", None)
        for kind in get_args(annotation) or (annotation,):  # a stage may be None
            if isinstance(kind, type):
                keys |= _known_keys(kind)
    return keys
