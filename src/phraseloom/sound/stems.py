"""A song as one mix, or as stems: audio for each track, all from bar 1 and equally long, that add up to the mix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.files import require_writable
from phraseloom.progress import Progress
from phraseloom.sound.audio_files import write_audio
from phraseloom.sound.loudness import gain_without_clipping, num_frames_rung_out
from phraseloom.sound.performance import Performance
from phraseloom.sound.soundfont import Soundfont
from phraseloom.sound.synthesis import NUM_CHANNELS, num_frames_rendered, synthesise
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ

_STEM_SUFFIX = ".wav"
_NAMELESS = "Track"
_MAX_NAME_CHARACTERS = 60
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')


@dataclass(frozen=True, eq=False)
class Stems:
    """The sound of every track.

    Attributes:
        names: of the tracks.
        sounds: for each track `[num_frames, 2]` float32 at `SAMPLE_RATE_HZ`; zeros for silent tracks.
        mix: `[num_frames, 2]` float32, their sum; neither it nor any of them clips.
    """

    names: tuple[str, ...]
    sounds: tuple[np.ndarray, ...]
    mix: np.ndarray


def render_mix(
    performance: Performance, soundfont: Soundfont | None = None, progress: Progress | None = None
) -> np.ndarray:
    """The song's sound: `[num_frames, 2]` float32 at `SAMPLE_RATE_HZ`, turned down where it would clip.

    It ends with the song or, where that is later, when the last note has rung out.

    Raises:
        UserError: as `synthesise`.
    """
    mix = _silence(performance)
    for audio in synthesise(performance, soundfont, progress):
        mix += audio
    mix = mix[: num_frames_rung_out(mix, _num_song_frames(performance))]
    mix *= gain_without_clipping([mix])
    return mix


def render_stems(
    performance: Performance, soundfont: Soundfont | None = None, progress: Progress | None = None
) -> Stems:
    """The song's sound by tracks; stems and mix end together and are turned down alike where one would clip.

    Raises:
        UserError: as `synthesise`.
    """
    sounds = list(synthesise(performance, soundfont, progress))
    mix = _silence(performance)
    for audio in sounds:
        mix += audio
    num_frames = num_frames_rung_out(mix, _num_song_frames(performance))
    kept = [audio[:num_frames] for audio in (mix, *sounds)]
    gain = gain_without_clipping(kept)
    for audio in kept:
        audio *= gain
    mix, *sounds = kept
    return Stems(tuple(part.name for part in performance.parts), tuple(sounds), mix)


def require_stems_folder(folder: Path) -> None:
    """Say at once, not after rendering, that stems could not be written to `folder`.

    Raises:
        RequestError: `folder` is a file, cannot be written to, or cannot be made where it is.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is a file", "name a folder for the stems")
    require_writable(folder / f"stem{_STEM_SUFFIX}" if folder.is_dir() else folder)


def write_stems(stems: Stems, folder: Path) -> list[Path]:
    """Write the stems as WAV files, `01 Melody.wav` and so on, into `folder`, which is made where it is missing.

    Raises:
        RequestError: as `require_stems_folder`, or a file cannot be written.
    """
    require_stems_folder(folder)
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name in stem_file_names(stems.names)]
    for path, audio in zip(paths, stems.sounds, strict=True):
        write_audio(audio, path)
    return paths


def stem_file_names(names: Sequence[str]) -> list[str]:
    """A file name for each track: its number from 01, and its name without what file systems refuse."""
    num_digits = max(2, len(str(len(names))))
    return [f"{number:0{num_digits}} {_file_name(name)}{_STEM_SUFFIX}" for number, name in enumerate(names, start=1)]


def _file_name(name: str) -> str:
    return _NOT_IN_FILE_NAMES.sub("_", name)[:_MAX_NAME_CHARACTERS].strip(" .") or _NAMELESS


def _silence(performance: Performance) -> np.ndarray:
    return np.zeros((num_frames_rendered(performance), NUM_CHANNELS), np.float32)


def _num_song_frames(performance: Performance) -> int:
    return round(performance.end_seconds * SAMPLE_RATE_HZ)
