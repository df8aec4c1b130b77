"""Stems of the studio: one level and one length for all, rendered once, whatever happens to the other tracks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from phraseloom import sound
from phraseloom.errors import RequestError
from phraseloom.score import Score
from phraseloom.sound import synthesisers
from phraseloom.studio import rendering
from phraseloom.studio.problems import NotAvailableError
from phraseloom.studio.rendering import RING_OUT_SECONDS, STEM_GAIN, SoundRenderer
from phraseloom.transforms import excerpt
from support.studio import written_song

SONG: Score = written_song("A2").score
LOUDNESS = {"MELODY": 0.5, "BRIDGE": 4.0, "DRUMS": 0.1}
"""Of the stand-in synthesiser, by track; 1 is full scale."""


@pytest.fixture
def played(monkeypatch) -> list[str]:
    """The tracks that were rendered, in order; each sounds as one level for a time of its own."""
    names: list[str] = []

    def synthesise(performance, soundfont):
        for part in performance.parts:
            names.append(part.name)
            yield np.full((48_000 * (1 + len(names)), 2), LOUDNESS[part.name], np.float32)

    monkeypatch.setattr(sound, "synthesise", synthesise)
    monkeypatch.setattr(sound, "default_soundfont", lambda: sound.Soundfont(None))
    monkeypatch.setattr(synthesisers, "choose_synthesiser", lambda soundfont: None)
    return names


def heard(content: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(content), dtype="float32")


def test_stems_are_equally_long_and_as_loud_as_they_are_alone(played):
    stems = [heard(SoundRenderer().stem(SONG, index, "wav")) for index in range(3)]
    num_frames = round((SONG.duration_seconds + RING_OUT_SECONDS) * sound.SAMPLE_RATE_HZ)
    assert [audio.shape for audio, _ in stems] == [(num_frames, 2)] * 3
    assert {rate_hz for _, rate_hz in stems} == {sound.SAMPLE_RATE_HZ}
    levels = [float(audio[0, 0]) for audio, _ in stems]
    assert levels == pytest.approx([0.5 * STEM_GAIN, 1.0, 0.1 * STEM_GAIN], abs=1e-3)


def test_another_instrument_renders_only_itself(played):
    renderer = SoundRenderer()
    changed = replace(SONG, tracks=(SONG.tracks[0], replace(SONG.tracks[1], program=0), SONG.tracks[2]))
    contents = [renderer.stem(score, index, "wav") for score in (SONG, SONG, changed) for index in range(3)]
    assert played == ["MELODY", "BRIDGE", "DRUMS", "BRIDGE"]
    assert contents[:3] == contents[3:6]
    assert renderer.stem(excerpt(SONG, 0, 1), 0, "wav") != contents[0]


def test_stems_that_nobody_asked_for_lately_go_first(played, monkeypatch):
    size = len(SoundRenderer().stem(SONG, 0, "wav"))
    monkeypatch.setattr(rendering, "MAX_CACHED_BYTES", 2 * size)
    renderer = SoundRenderer()
    played.clear()
    for index in (0, 1, 0, 2, 0, 1):
        renderer.stem(SONG, index, "wav")
    assert played == ["MELODY", "BRIDGE", "DRUMS", "BRIDGE"]


@pytest.mark.parametrize("failure", [RequestError("no soundfont", "get one"), ImportError("x", name="soundfile")])
def test_what_is_missing_is_told(monkeypatch, failure):
    def fail():
        raise failure

    monkeypatch.setattr(sound, "default_soundfont", fail)
    renderer = SoundRenderer()
    assert not renderer.is_available
    with pytest.raises(NotAvailableError, match="sound cannot be rendered"):
        renderer.mix(SONG, "wav")
