"""Audio as WAV, OGG and FLAC files."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
import soundfile

from phraseloom.errors import RequestError
from phraseloom.files import require_writable, written_beside
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ

AUDIO_FORMATS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"wav": ("WAV", "PCM_16"), "ogg": ("OGG", "VORBIS"), "flac": ("FLAC", "PCM_16")}
)
"""What can be written, by the ending of the file's name: libsndfile's names of the format and of its encoding."""

_BLOCK_FRAMES = 2**16
"""libsndfile's Vorbis encoder keeps on its stack what it is handed at once."""


def write_audio(audio: np.ndarray, path: Path) -> None:
    """Write audio in the format that the ending of `path` names; a file that is there is replaced only by a whole one.

    Args:
        audio: `[num_frames, channels]` float32 at `SAMPLE_RATE_HZ`, between -1 and 1.
        path: ends in one of `AUDIO_FORMATS`.

    Raises:
        RequestError: another ending, or the file cannot be written there.
    """
    audio_format = _format_of(path)
    require_writable(path)
    try:
        with written_beside(path) as part:
            _write(audio, part, audio_format)
    except (OSError, soundfile.LibsndfileError) as error:
        raise RequestError(f"{path} cannot be written: {error}", "write somewhere else") from error


def audio_bytes(audio: np.ndarray, audio_format: str) -> bytes:
    """The content of a file in one of `AUDIO_FORMATS`; `audio` as for `write_audio`."""
    content = BytesIO()
    _write(audio, content, audio_format)
    return content.getvalue()


def _format_of(path: Path) -> str:
    ending = path.suffix.lower().removeprefix(".")
    if ending not in AUDIO_FORMATS:
        allowed = ", ".join(f".{name}" for name in AUDIO_FORMATS)
        raise RequestError(
            f"cannot write {path}: no audio format is known by that ending", f"end the name in {allowed}"
        )
    return ending


def _write(audio: np.ndarray, target: Path | BinaryIO, audio_format: str) -> None:
    container, encoding = AUDIO_FORMATS[audio_format]
    with soundfile.SoundFile(target, "w", SAMPLE_RATE_HZ, audio.shape[1], subtype=encoding, format=container) as file:
        for start in range(0, len(audio), _BLOCK_FRAMES):
            file.write(audio[start : start + _BLOCK_FRAMES])
