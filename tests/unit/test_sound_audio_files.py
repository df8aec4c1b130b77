"""Audio files: what is written is read back, whole or not at all."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import soundfile

from phraseloom.errors import RequestError
from phraseloom.sound.audio_files import AUDIO_FORMATS, audio_bytes, write_audio
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ


def tone(seconds: float) -> np.ndarray:
    """440 Hz on the left, 660 Hz on the right."""
    time = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.5 * np.sin(2 * np.pi * np.outer(time, [440, 660]))).astype(np.float32)


@pytest.mark.parametrize(("name", "tolerance"), [("a.wav", 2**-15), ("a.FLAC", 2**-15), ("a.ogg", 0.05)])
def test_what_is_written_is_read_back(tmp_path, name, tolerance):
    audio, path = tone(2.3), tmp_path / name
    write_audio(audio, path)
    found, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == SAMPLE_RATE_HZ
    assert found.shape == audio.shape
    assert np.abs(found - audio)[1000:-1000].max() < tolerance
    assert soundfile.info(path).format == path.suffix[1:].upper()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
def test_bytes_are_a_whole_file(audio_format):
    found, rate_hz = soundfile.read(BytesIO(audio_bytes(tone(0.5), audio_format)))
    assert rate_hz == SAMPLE_RATE_HZ
    assert len(found) == SAMPLE_RATE_HZ // 2


def test_an_unknown_ending_names_the_known_ones(tmp_path):
    with pytest.raises(RequestError, match=r"\.wav, \.ogg, \.flac"):
        write_audio(tone(0.1), tmp_path / "song.mp3")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(RequestError, match="no folder"):
        write_audio(tone(0.1), tmp_path / "missing" / "song.wav")
    old = tmp_path / "song.wav"
    old.write_bytes(b"old")
    with pytest.raises(ValueError, match="dtype"):
        write_audio(tone(0.1).astype(np.float16), old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]
