"""How loud, and how long: gains and ring-out on audio made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.sound.loudness import CEILING, gain_without_clipping, num_frames_rung_out


def test_soft_audio_stays_as_it_is():
    assert gain_without_clipping([np.full((4, 2), 0.5), np.full((4, 2), -CEILING)]) == 1.0
    assert gain_without_clipping([]) == 1.0


def test_the_loudest_sets_the_gain_for_all():
    assert gain_without_clipping([np.full((4, 2), 0.5), np.full((4, 2), -2.0)]) == pytest.approx(CEILING / 2)


def test_audio_ends_when_it_is_60_db_down():
    """Full scale for the song's 100 frames, then falling tenfold every 100: 60 dB are reached at 400."""
    audio = np.concatenate([np.ones(100), 10 ** (-np.arange(500) / 100)])[:, None].repeat(2, axis=1)
    assert num_frames_rung_out(audio, 100) == 400


def test_a_song_that_ends_in_silence_keeps_its_length():
    audio = np.zeros((600, 2))
    audio[:10] = 0.5
    assert num_frames_rung_out(audio, 100) == 100
    assert num_frames_rung_out(np.zeros((600, 2)), 100) == 100


def test_one_channel_that_rings_is_enough():
    audio = np.zeros((600, 2))
    audio[250, 1] = -0.5
    assert num_frames_rung_out(audio, 100) == 251
