"""Sound for the studio: whole songs, and stems that keep their level and length whatever the other tracks do.

Needs `phraseloom.sound` and what it needs; where a synthesiser or a soundfont is missing, that is a problem with its
remedy, and everything but sound works.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.score import Score
from phraseloom.studio.problems import NotAvailableError
from phraseloom.studio.state import stem_name

if TYPE_CHECKING:
    from phraseloom.sound import Soundfont

STEM_GAIN = 0.5
"""Of every stem: 6 dB of room for loud parts, the same for all, so that stems can be mixed by adding."""

RING_OUT_SECONDS = 2.0
"""What stems have behind the last bar."""

MAX_CACHED_BYTES = 256 * 2**20


class SoundRenderer:
    """Renders one thing at a time, and keeps stems that were rendered lately."""

    def __init__(self, soundfont: Path | None = None) -> None:
        """
        Args:
            soundfont: the user's own; None for the default one.
        """
        self.soundfont_path = soundfont
        self._lock = threading.Lock()
        self._stems = _ByteCache(MAX_CACHED_BYTES)

    @property
    def is_available(self) -> bool:
        """Whether there is what it takes to render."""
        try:
            self._soundfont()
        except NotAvailableError:
            return False
        return True

    def mix(self, score: Score, audio_format: str) -> bytes:
        """The song as an audio file, `wav` or `ogg`.

        Raises:
            NotAvailableError: no synthesiser or soundfont.
            UnsupportedScoreError: the song is too long.
        """
        soundfont = self._soundfont()
        from phraseloom.sound import audio_bytes, perform_score, render_mix

        with self._lock:
            return audio_bytes(render_mix(perform_score(score), soundfont), audio_format)

    def stem(self, score: Score, index: int, audio_format: str) -> bytes:
        """One track, counted from 0, as an audio file from bar 1 to `RING_OUT_SECONDS` behind the end.

        Its level and length depend on nothing but the track and the song's bars and tempos. Errors as `mix`.
        """
        key = f"{stem_name(score, index)}.{audio_format}"
        content = self._stems.get(key)
        if content is None:
            soundfont = self._soundfont()
            with self._lock:
                content = self._rendered_stem(score, index, audio_format, soundfont)
            self._stems.put(key, content)
        return content

    def add_stems(self, archive: ZipFile, score: Score) -> None:
        """All tracks as WAV files, `01 Melody.wav` and so on, in an archive; errors as `mix`."""
        soundfont = self._soundfont()
        from phraseloom.sound import audio_bytes, perform_score, render_stems
        from phraseloom.sound.stems import stem_file_names

        with self._lock:
            stems = render_stems(perform_score(score), soundfont)
            for name, sound in zip(stem_file_names(stems.names), stems.sounds, strict=True):
                archive.writestr(name, audio_bytes(sound, "wav"))

    def _rendered_stem(self, score: Score, index: int, audio_format: str, soundfont: Soundfont) -> bytes:
        from phraseloom.sound import SAMPLE_RATE_HZ, audio_bytes, perform_score, synthesise

        performance = perform_score(replace(score, tracks=(score.tracks[index],)))
        sound = next(iter(synthesise(performance, soundfont)))
        num_frames = round((score.duration_seconds + RING_OUT_SECONDS) * SAMPLE_RATE_HZ)
        stem = np.zeros((num_frames, sound.shape[1]), np.float32)
        kept = sound[:num_frames] * STEM_GAIN
        stem[: len(kept)] = np.clip(kept, -1, 1)
        return audio_bytes(stem, audio_format)

    def _soundfont(self) -> Soundfont:
        with _as_not_available():
            from phraseloom.sound import default_soundfont, open_soundfont
            from phraseloom.sound.synthesisers import choose_synthesiser

            path = self.soundfont_path
            soundfont = default_soundfont() if path is None else open_soundfont(path)
            choose_synthesiser(soundfont)
            return soundfont


@contextmanager
def _as_not_available() -> Generator[None]:
    """What is missing in this installation is told as that."""
    try:
        yield
    except ImportError as error:
        raise NotAvailableError(
            f"sound cannot be rendered: {error.name} is not installed", f"pip install {error.name}"
        ) from error
    except RequestError as error:
        raise NotAvailableError(f"sound cannot be rendered: {error.message}", error.remedy) from error


class _ByteCache:
    """Contents by name, up to a number of bytes; those that were not asked for longest go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        with self._lock:
            if name in self._contents:
                self._contents.move_to_end(name)
            return self._contents.get(name)

    def put(self, name: str, content: bytes) -> None:
        with self._lock:
            self._num_bytes += len(content) - len(self._contents.pop(name, b""))
            self._contents[name] = content
            while self._num_bytes > self._max_bytes:
                _, oldest = self._contents.popitem(last=False)
                self._num_bytes -= len(oldest)
