"""Sound for real, with the default soundfont: where notes are and where none are, and programs that fail."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phraseloom.errors import RequestError, UnreadableFileError, UnsupportedScoreError
from phraseloom.passengers import Phase
from phraseloom.score import Notes, Score, Track
from phraseloom.sound import synthesis, synthesisers
from phraseloom.sound.performance import Part, Performance, TimedMessage, perform_score
from phraseloom.sound.soundfont import Soundfont, default_soundfont
from phraseloom.sound.synthesis import MAX_RING_OUT_SECONDS, num_frames_rendered, synthesise
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ, choose_synthesiser

XYLOPHONE, ORGAN, SAWTOOTH = 13, 16, 81
HALF_NOTE_ONSETS_SECONDS = (0.0, 1.0, 2.0)


def two_bars() -> Score:
    """At 120 bpm: short xylophone notes on every half but the last, an organ note in bar 2, drums, a silent track."""
    xylophone = Notes.from_rows([(24 * half, 6, 84, 110) for half in range(3)])
    organ = Notes.from_rows([(48, 24, 60, 90)])
    drums = Notes.from_rows([(12, 6, 38, 100)])
    return Score(
        (
            Track("Xylophone", xylophone, XYLOPHONE),
            Track("Organ", organ, ORGAN),
            Track("Drums", drums, is_drum=True),
            Track("Silent", Notes.empty(), 40),
        ),
        num_bars=2,
    )


def frames(start_seconds: float, end_seconds: float) -> slice:
    return slice(round(start_seconds * SAMPLE_RATE_HZ), round(end_seconds * SAMPLE_RATE_HZ))


def peak(audio: np.ndarray, start_seconds: float, end_seconds: float) -> float:
    return float(np.abs(audio[frames(start_seconds, end_seconds)]).max())


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    return list(synthesise(perform_score(two_bars())))


def test_every_part_is_equally_long_stereo(sounds):
    num_frames = round((4.0 + MAX_RING_OUT_SECONDS) * SAMPLE_RATE_HZ)
    assert num_frames_rendered(perform_score(two_bars())) == num_frames
    assert [(audio.shape, audio.dtype) for audio in sounds] == [((num_frames, 2), np.float32)] * 4


def test_notes_sound_at_their_time(sounds):
    """The first frames over a tenth of the peak, after a stretch that has died away."""
    xylophone = np.abs(sounds[0]).max(axis=1)
    loud = xylophone > 0.1 * xylophone.max()
    for onset in HALF_NOTE_ONSETS_SECONDS:
        window = frames(max(0.0, onset - 0.1), onset + 0.4)
        first = window.start + int(np.argmax(loud[window]))
        assert first / SAMPLE_RATE_HZ == pytest.approx(onset, abs=0.015)


def test_there_is_silence_where_no_note_is(sounds):
    _xylophone, organ, drums, silent = sounds
    assert peak(organ, 0.0, 1.999) == 0.0
    assert peak(organ, 2.1, 2.9) > 0.01
    assert peak(organ, 7.0, 8.0) < 0.01 * peak(organ, 2.1, 2.9)
    assert peak(drums, 0.0, 0.499) == 0.0
    assert peak(drums, 0.5, 0.7) > 0.01
    assert not silent.any()


def test_a_part_has_the_pitch_of_its_notes(sounds):
    """The organ's C4 is 261.6 Hz; drawbars add octaves above and below it."""
    spectrum = np.abs(np.fft.rfft(sounds[1][frames(2.1, 2.9), 0]))
    strongest_hz = np.argmax(spectrum) / 0.8
    octaves = np.log2(strongest_hz / 261.63)
    assert octaves == pytest.approx(round(octaves), abs=0.02)


def test_a_cluster_beyond_full_scale_is_not_cut_off():
    """47 sawtooths at full velocity are too loud for the 16 bits of the synthesiser's file."""
    cluster = Notes.from_rows([(0, 24, pitch, 127) for pitch in range(36, 83)])
    score = Score((Track("Lead", cluster, SAWTOOTH),), 1)
    (audio,) = synthesise(perform_score(score))
    values = np.abs(audio)
    assert values.max() > 1.0
    assert (values == values.max()).sum() < 4, "a plateau is a clipped wave"


def test_progress_names_the_part(monkeypatch):
    told = []
    score = replace(two_bars(), tracks=two_bars().tracks[2:])
    list(synthesise(perform_score(score), progress=lambda doing, share: told.append((doing, share))))
    assert told == [("rendering Drums", 0.0), ("rendering Silent", 0.5)]


def test_songs_too_long_are_refused_before_anything_is_rendered(monkeypatch):
    def long_performance(num_parts: int, seconds: float) -> Performance:
        one = np.ones(1)
        part = Part("Long", False, one * 0, one * seconds, np.array([60]), np.array([90]), np.array([0]))
        return Performance((part,) * num_parts, seconds)

    monkeypatch.setattr(synthesis, "choose_synthesiser", lambda soundfont: pytest.fail("too late"))
    with pytest.raises(UnsupportedScoreError, match="lasts 600 minutes"):
        next(synthesise(long_performance(1, 36_000)))
    with pytest.raises(UnsupportedScoreError, match=r"100 tracks are 33\.3 hours"):
        next(synthesise(long_performance(100, 1200)))


def test_a_damaged_soundfont_is_told_from_our_faults(tmp_path):
    damaged = tmp_path / "own.sf2"
    damaged.write_bytes(default_soundfont().path.read_bytes()[:100_000])
    with pytest.raises(UnreadableFileError, match=r"midirenderer cannot play the soundfont .*own\.sf2: \w+"):
        list(synthesise(perform_score(two_bars()), Soundfont(damaged)))


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!{sys.executable}\nimport os, shutil, signal, sys\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def fluidsynth(tmp_path, monkeypatch) -> Path:
    """A stand-in on the PATH, the only synthesiser there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(synthesisers, "find_spec", lambda name: None)
    return folder / "fluidsynth"


def test_fluidsynth_is_the_second_choice(fluidsynth, tmp_path):
    render = synthesisers._MIDIRENDERER_SCRIPT
    write_program(
        fluidsynth,
        "wav = sys.argv[sys.argv.index('-F') + 1]\n"
        f"os.execv(sys.executable, [sys.executable, {str(render)!r}, *sys.argv[-2:], wav])",
    )
    performance = perform_score(two_bars())
    assert choose_synthesiser(default_soundfont()).name == "fluidsynth"
    assert [audio.any() for audio in synthesise(performance)] == [True, True, True, False]


def test_a_soundfont_that_fluidsynth_replaces_is_an_error(fluidsynth):
    """It says so on stderr, plays another one, and exits with 0."""
    write_program(
        fluidsynth,
        "open(sys.argv[sys.argv.index('-F') + 1], 'wb').close()\n"
        "print('fluidsynth: error: not a soundfont', file=sys.stderr)\n"
        "print('fluidsynth: error: Failed to load SoundFont', file=sys.stderr)",
    )
    with pytest.raises(UnreadableFileError, match=r"fluidsynth cannot play .*: fluidsynth: error: not a soundfont"):
        list(synthesise(perform_score(two_bars())))


def test_a_pedal_holds_notes():
    score = replace(two_bars(), tracks=two_bars().tracks[1:2])
    performance = perform_score(score)
    (part,) = performance.parts
    pedal = TimedMessage(2.0, bytes([0xB0, 64, 127]), Phase.BEFORE_NOTES)
    held = Performance((replace(part, messages=(pedal,)),), performance.song_seconds)
    (plain,), (sustained,) = (list(synthesise(one)) for one in (performance, held))
    assert peak(plain, 4.0, 5.0) < 0.05 * peak(plain, 2.1, 2.9)
    assert peak(sustained, 4.0, 5.0) > 0.5 * peak(plain, 2.1, 2.9)
    assert peak(sustained, 7.99, 8.0) < 0.05 * peak(plain, 2.1, 2.9), "faded out"


def test_a_killed_synthesiser_is_our_fault(fluidsynth):
    write_program(fluidsynth, "os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RuntimeError, match="killed by signal 9"):
        list(synthesise(perform_score(two_bars())))


def test_without_a_synthesiser_one_is_asked_for(fluidsynth, tmp_path):
    with pytest.raises(RequestError, match="pip install midirenderer"):
        choose_synthesiser(default_soundfont())


def test_a_compressed_soundfont_needs_fluidsynth(tmp_path, monkeypatch):
    compressed = Soundfont(tmp_path / "own.sf3", is_compressed=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match=r"uncompressed one \(\.sf2\), or install fluidsynth"):
        choose_synthesiser(compressed)
    write_program(tmp_path / "fluidsynth", "")
    assert choose_synthesiser(compressed).name == "fluidsynth"
