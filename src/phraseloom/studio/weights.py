"""What a model's files say of themselves, read without loading the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from phraseloom.errors import UnreadableFileError

_SONG_DIT_FILE = "song_dit.safetensors"
_HEADER_NAME = "phraseloom"


@dataclass(frozen=True)
class ModelTrack:
    """A track that the model writes."""

    name: str
    program: int
    is_drum: bool


def read_model_tracks(folder: Path) -> tuple[ModelTrack, ...]:
    """The tracks that the weights in a folder write; whether these can be used at all is for the worker to find out.

    Raises:
        UnreadableFileError: there are no weights there, or they do not say.
    """
    path = folder / _SONG_DIT_FILE
    remedy = "name a folder that phraseloom train has written"
    try:
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[_HEADER_NAME])
        return tuple(ModelTrack(**slot) for slot in header["extra"]["slots"])
    except (OSError, SafetensorError) as error:
        raise UnreadableFileError(f"{path} cannot be read as weights: {error}", remedy) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFileError(f"{path} does not say which tracks it writes", remedy) from error
