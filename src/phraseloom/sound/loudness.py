"""How loud audio may be, and when it has rung out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CEILING = 10 ** (-1 / 20)
"""Peaks stay 1 dB below full scale: lossy formats give some of them back higher than they were."""

SILENCE = 10 ** (-60 / 20)
"""Softer than the loudest frame by 60 dB is silence."""


def gain_without_clipping(sounds: Iterable[np.ndarray]) -> float:
    """The factor, at most 1, that brings every one of `sounds` (float, 1 is full scale) under `CEILING`."""
    return min(1.0, CEILING / max([CEILING, *(_peak(audio) for audio in sounds)]))


def num_frames_rung_out(audio: np.ndarray, num_song_frames: int) -> int:
    """How many frames of `audio` (`[num_frames, channels]`) to keep: the song's, and what rings on after them."""
    after = np.abs(audio[num_song_frames:]).max(axis=1, initial=0.0)
    sounding = np.flatnonzero(after > SILENCE * _peak(audio))
    num_ringing = int(sounding[-1]) + 1 if len(sounding) else 0
    return min(num_song_frames, len(audio)) + num_ringing


def _peak(audio: np.ndarray) -> float:
    return max(float(audio.max(initial=0.0)), -float(audio.min(initial=0.0)))
