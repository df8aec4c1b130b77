"""`phraseloom render`: audio, stems and pictures, by the name of the output."""

from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from phraseloom.cli import main
from phraseloom.midi import midi_bytes, write_midi
from support.songs import make_song

SONG = make_song(5, 2, form="A2")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with `song.mid` in it."""
    monkeypatch.chdir(tmp_path)
    write_midi(SONG, "song.mid")
    return tmp_path


def feed_stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))


@pytest.mark.parametrize("name", ["song.wav", "song.ogg", "song.FLAC"])
def test_audio_is_as_long_as_the_song_and_its_ringing_out(folder, capsys, name):
    assert main(["render", "song.mid", "-o", name]) == 0
    seconds = soundfile.info(folder / name).duration
    assert SONG.duration_seconds <= seconds < SONG.duration_seconds + 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{name}: 0:{round(seconds):02d}, 2 tracks\n"


def test_stems_and_mix_in_one_go_told_as_json(folder, capsys):
    assert main(["render", "song.mid", "-o", "song.wav", "--stems", "stems", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    stems = [str(Path("stems", name)) for name in ("01 MELODY.wav", "02 BRIDGE.wav")]
    assert record["output"] == "song.wav"
    assert record["stems"] == stems
    (seconds,) = {soundfile.info(name).duration for name in ("song.wav", *stems)}
    assert record["duration_seconds"] == pytest.approx(seconds, abs=1e-3)


def test_stems_need_no_other_output(folder, capsys):
    assert main(["render", "song.mid", "--stems", "stems"]) == 0
    assert sorted(path.name for path in (folder / "stems").iterdir()) == ["01 MELODY.wav", "02 BRIDGE.wav"]
    assert capsys.readouterr().err.startswith("stems: stems, 0:")


@pytest.mark.parametrize("arguments", [[], ["--picture", "piano-roll"], ["--picture", "self-similarity"]])
def test_a_png_is_a_picture(folder, capsys, arguments):
    assert main(["render", "song.mid", "-o", "song.png", *arguments, "--width", "640", "--json"]) == 0
    with Image.open(folder / "song.png") as image:
        assert image.format == "PNG"
        size = image.size
    record = json.loads(capsys.readouterr().out)
    assert (record["width_px"], record["height_px"], record["num_bars"]) == (*size, 2)
    assert record["width_px"] == 640


def test_the_two_pictures_differ(folder):
    assert main(["render", "song.mid", "-o", "roll.png"]) == 0
    assert main(["render", "song.mid", "-o", "bars.png", "--picture", "self-similarity"]) == 0
    assert (folder / "roll.png").read_bytes() != (folder / "bars.png").read_bytes()


@pytest.mark.parametrize(("arguments", "magic"), [([], b"RIFF"), (["--format", "flac"], b"fLaC")])
def test_from_stdin_to_stdout(folder, monkeypatch, capfdbinary, arguments, magic):
    feed_stdin(monkeypatch, midi_bytes(SONG))
    assert main(["render", "-", "-o", "-", *arguments]) == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(magic)
    assert soundfile.info(BytesIO(out)).duration >= SONG.duration_seconds
    assert err.startswith(b"stdout: ")


def test_a_picture_on_stdout(folder, capfdbinary):
    assert main(["render", "song.mid", "-o", "-", "--format", "png"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is asked for"),
        (["-o", "song.mp3"], "end the name in .wav, .ogg, .flac or .png"),
        (["-o", "song"], "end the name in .wav, .ogg, .flac or .png"),
        (["-o", "missing/song.wav"], "no folder missing"),
        (["--stems", "song.mid"], "song.mid is a file"),
        (["--stems", "missing/stems"], "no folder missing"),
        (["-o", "song.wav", "--width", "800"], "for pictures"),
        (["--stems", "stems", "--picture", "piano-roll"], "for pictures"),
        (["-o", "song.png", "--soundfont", "own.sf2"], "--soundfont is for sound"),
        (["-o", "song.wav", "--format", "ogg"], "--format is for stdout"),
        (["-o", "-", "--json"], "cannot both go to stdout"),
        (["-o", "song.png", "--width", "10"], "at least 400"),
        (["-o", "song.png", "--picture", "photo"], "photo"),
        (["-o", "--stems"], "cannot write --stems"),
        (["-o", "song.wav", "--sounfont", "own.sf2"], "--soundfont"),
    ],
)
def test_a_bad_request_ends_in_2_and_leaves_nothing(folder, capsys, arguments, said):
    assert main(["render", "song.mid", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("error: ") == 1
    assert [path.name for path in folder.iterdir()] == ["song.mid"]


@pytest.mark.parametrize("name", ["song.wav", "song.png"])
def test_an_unreadable_song_ends_in_3(folder, monkeypatch, capsys, name):
    assert main(["render", "missing.mid", "-o", name]) == 3
    feed_stdin(monkeypatch, b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert main(["render", "-", "-o", name]) == 3
    assert "PNG" in capsys.readouterr().err
    assert not (folder / name).exists()


def test_an_unreadable_soundfont_ends_in_3(folder, capsys):
    assert main(["render", "song.mid", "-o", "song.wav", "--soundfont", "missing.sf2"]) == 3
    assert main(["render", "song.mid", "-o", "song.wav", "--soundfont", "song.mid"]) == 3
    assert "song.mid is not a soundfont" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["song.mid"]


def test_terminals_are_neither_filled_nor_waited_for(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["render", "-", "-o", "song.wav"]) == 2
    assert "which is a terminal" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["render", "song.mid", "-o", "-"]) == 2
    assert "fill the terminal" in capsys.readouterr().err
