"""The parts of a performance as stereo audio, each rendered on its own, several side by side."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from phraseloom.errors import UnsupportedScoreError
from phraseloom.progress import Progress
from phraseloom.sound.part_midi import STANDARD_VOLUME, part_midi
from phraseloom.sound.performance import Part, Performance
from phraseloom.sound.soundfont import Soundfont, default_soundfont
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ, Synthesiser, choose_synthesiser

NUM_CHANNELS = 2
MAX_RING_OUT_SECONDS = 4.0
FADE_SECONDS = 0.5
"""What still rings at the end of the ring-out is faded over its last stretch, so that it does not break off."""

MAX_SONG_SECONDS = 30 * 60
MAX_TRACK_SECONDS = 4 * 60 * 60
"""All tracks together: 5 GB as stems."""

MAX_PROCESSES = 4
"""Each holds the soundfont and one part's audio."""

LOW_VOLUME = 25
"""Channel volume for parts that are too loud for 16 bits at the standard one."""

_FULL_SCALE = 2**15
_SPARE_SECONDS = 0.1  # synthesisers end on the block in which the file ends


def num_frames_rendered(performance: Performance) -> int:
    """The length of every part's sound: from bar 1 to `MAX_RING_OUT_SECONDS` behind the last note's end."""
    return math.ceil((performance.end_seconds + MAX_RING_OUT_SECONDS) * SAMPLE_RATE_HZ)


def synthesise(
    performance: Performance, soundfont: Soundfont | None = None, progress: Progress | None = None
) -> Iterator[np.ndarray]:
    """The sound of every part, in their order.

    Args:
        performance: what is played.
        soundfont: the instruments; by default `default_soundfont()`.
        progress: told which part is being waited for.

    Yields:
        `[num_frames_rendered(performance), 2]` float32 at `SAMPLE_RATE_HZ`; 1 is full scale, and a very loud part goes
        beyond it. Silent parts are zeros.

    Raises:
        RequestError: no soundfont or no synthesiser is installed.
        UnreadableFileError: the synthesiser cannot play the soundfont.
        UnsupportedScoreError: the song is longer than half an hour, or its tracks are longer than four hours together.
    """
    _check_duration(performance)
    soundfont = soundfont or default_soundfont()
    renderer = _PartRenderer(choose_synthesiser(soundfont), soundfont, num_frames_rendered(performance))
    pool = ThreadPoolExecutor(min(MAX_PROCESSES, os.cpu_count() or 1))
    try:
        sounds = pool.map(renderer.render, performance.parts)
        for index, part in enumerate(performance.parts):
            if progress is not None:
                progress(f"rendering {part.name}".rstrip(), index / len(performance.parts))
            yield next(sounds)
    finally:
        pool.shutdown(cancel_futures=True)


def _check_duration(performance: Performance) -> None:
    seconds = performance.end_seconds
    if seconds > MAX_SONG_SECONDS:
        raise UnsupportedScoreError(
            f"the song lasts {seconds / 60:.0f} minutes; up to {MAX_SONG_SECONDS // 60} can be rendered",
            "render a shorter part of it",
        )
    num_sounding = sum(part.num_notes > 0 for part in performance.parts)
    if num_sounding * seconds > MAX_TRACK_SECONDS:
        hours = num_sounding * seconds / 3600
        raise UnsupportedScoreError(
            f"the song's {num_sounding} tracks are {hours:.1f} hours of sound together; "
            f"up to {MAX_TRACK_SECONDS // 3600} can be rendered at once",
            "render fewer tracks, or a shorter part of the song",
        )


@dataclass(frozen=True)
class _PartRenderer:
    """Renders parts with one soundfont, all to the same length."""

    synthesiser: Synthesiser
    soundfont: Soundfont
    num_frames: int

    def render(self, part: Part) -> np.ndarray:
        """`[num_frames, 2]` float32, faded out."""
        audio = np.zeros((self.num_frames, NUM_CHANNELS), np.float32)
        if not part.num_notes:
            return audio
        samples, gain = self._samples(part, STANDARD_VOLUME), 1.0
        if _is_clipped(samples):
            # MIDI's channel volume is an attenuation of 40 log10(volume / 127) dB
            samples, gain = self._samples(part, LOW_VOLUME), (STANDARD_VOLUME / LOW_VOLUME) ** 2
        num_rendered = min(len(samples), self.num_frames)
        np.multiply(samples[:num_rendered], np.float32(gain / _FULL_SCALE), out=audio[:num_rendered])
        num_faded = round(FADE_SECONDS * SAMPLE_RATE_HZ)
        audio[-num_faded:] *= np.linspace(1, 0, num_faded, dtype=np.float32)[:, None]
        return audio

    def _samples(self, part: Part, volume: int) -> np.ndarray:
        """`[about num_frames, 2]` int16, as the synthesiser gives them."""
        with TemporaryDirectory(prefix="phraseloom-") as folder:
            midi, wav = Path(folder, "part.mid"), Path(folder, "part.wav")
            midi.write_bytes(part_midi(part, self.num_frames / SAMPLE_RATE_HZ + _SPARE_SECONDS, volume))
            self.synthesiser.render(self.soundfont, midi, wav)
            samples, rate_hz = soundfile.read(wav, dtype="int16", always_2d=True)
        if rate_hz != SAMPLE_RATE_HZ or samples.shape[1] != NUM_CHANNELS:
            raise RuntimeError(f"{self.synthesiser.name} gave {samples.shape[1]} channels at {rate_hz} Hz")
        return samples


def _is_clipped(samples: np.ndarray) -> bool:
    return samples.max() >= _FULL_SCALE - 1 or samples.min() <= -_FULL_SCALE
