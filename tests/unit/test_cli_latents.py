"""encode, decode and morph on the command line, with tiny weights."""

from __future__ import annotations

import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from phraseloom.cli import latents, main  # noqa: F401 - the commands register themselves
from phraseloom.latent_file import read_latent_song
from phraseloom.midi import read_midi, write_midi
from phraseloom.score import MeterChange, Notes, Score, Track
from support.networks import write_tiny_weights
from support.songs import make_song


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    path = tmp_path / "song.mid"
    write_midi(make_song(5, form="A4", with_drums=True), path)
    return path


def test_a_song_goes_to_latents_and_back(midi: Path, weights: str, capsys):
    there, back = midi.with_name("song.latents.safetensors"), midi.with_name("back.mid")
    assert main(["encode", str(midi), "-o", str(there), "--checkpoint", weights]) == 0
    assert main(["decode", str(there), "-o", str(back), "--checkpoint", weights]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == f"{there}: 4 bars, 4 tracks, 13 numbers each"
    assert err.splitlines()[1].startswith(f"{back}: 4 bars, 4 tracks, ")
    song, score = read_latent_song(there), read_midi(back)
    assert score.num_bars == 4
    assert [track.name for track in song.frame.tracks] == ["MELODY", "BRIDGE", "PIANO", "DRUMS"]
    assert [track.is_drum for track in score.tracks] == [False, False, False, True]


def test_latents_and_songs_go_to_stdout(midi: Path, weights: str, monkeypatch):
    written = []
    for command, source in (("encode", midi), ("decode", midi.with_name("piped.safetensors"))):
        if written:
            source.write_bytes(written[0])
        stdout = TextIOWrapper(BytesIO())
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main([command, str(source), "-o", "-", "--checkpoint", weights]) == 0
        written.append(stdout.buffer.getvalue())
    assert read_midi(written[1]).num_bars == 4


def test_what_was_not_given_to_the_phrase_vae_is_said(tmp_path: Path, weights: str, capsys):
    cluster = Notes.from_rows([(0, 200 if pitch == 9 else 6, 120 - pitch, 64) for pitch in range(66)])
    write_midi(Score((Track("Piano", cluster),), 5), tmp_path / "dense.mid")
    assert (
        main(["encode", str(tmp_path / "dense.mid"), "-o", str(tmp_path / "d.safetensors"), "--checkpoint", weights])
        == 0
    )
    err = capsys.readouterr().err
    assert "left out: 2\n" in err
    assert "shortened: 1\n" in err


def test_latents_of_another_phrase_vae_are_refused(midi: Path, weights: str, tmp_path: Path, capsys):
    other = write_tiny_weights(tmp_path / "other", seed=1)
    there = tmp_path / "song.safetensors"
    assert main(["encode", str(midi), "-o", str(there), "--checkpoint", weights]) == 0
    assert main(["decode", str(there), "-o", str(tmp_path / "back.mid"), "--checkpoint", str(other)]) == 3
    assert "--checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "back.mid").exists()


def test_files_that_are_no_latents_are_refused(midi: Path, weights: str, capsys):
    assert main(["decode", str(midi), "-o", str(midi.with_name("x.mid")), "--checkpoint", weights]) == 3
    assert "phraseloom encode" in capsys.readouterr().err


def test_long_bars_are_refused(tmp_path: Path, weights: str, capsys):
    notes = Notes.from_rows([(0, 12, 60, 80)])
    write_midi(Score((Track("Piano", notes),), 2, (MeterChange(0, 12, 4),)), tmp_path / "long.mid")
    assert main(["encode", str(tmp_path / "long.mid"), "-o", str(tmp_path / "x"), "--checkpoint", weights]) == 2
    assert "bar 1 is in 12/4" in capsys.readouterr().err


def test_morphs_are_numbered_in_order(midi: Path, weights: str, tmp_path: Path, capsys):
    other = tmp_path / "other.mid"
    write_midi(make_song(6, form="A8", num_tracks=2), other)
    folder = tmp_path / "morphs"
    arguments = ["morph", str(midi), str(other), "-o", str(folder), "--checkpoint", weights]
    assert main([*arguments, "--steps", "3"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["morph-1.mid", "morph-2.mid", "morph-3.mid"]
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        str(folder / f"morph-{number}.mid") for number in (1, 2, 3)
    ]
    assert [read_midi(folder / f"morph-{number}.mid").num_bars for number in (1, 2, 3)] == [4, 6, 8]
    assert main([*arguments, "--steps", "10"]) == 0
    assert (folder / "morph-01.mid").read_bytes() == (folder / "morph-1.mid").read_bytes()
    assert (folder / "morph-10.mid").read_bytes() == (folder / "morph-3.mid").read_bytes()


def test_without_a_folder_a_morph_goes_into_one_of_its_name(midi: Path, weights: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["morph", str(midi), str(midi), "--steps", "2", "--checkpoint", weights]) == 0
    assert sorted(path.name for path in (tmp_path / "morph").iterdir()) == ["morph-1.mid", "morph-2.mid"]


def test_the_ends_of_a_morph_are_what_decode_writes(midi: Path, weights: str, tmp_path: Path):
    folder = tmp_path / "morphs"
    assert main(["morph", str(midi), str(midi), "-o", str(folder), "--steps", "2", "--checkpoint", weights]) == 0
    there, back = tmp_path / "song.safetensors", tmp_path / "back.mid"
    assert main(["encode", str(midi), "-o", str(there), "--checkpoint", weights]) == 0
    assert main(["decode", str(there), "-o", str(back), "--checkpoint", weights]) == 0
    assert (folder / "morph-1.mid").read_bytes() == back.read_bytes() == (folder / "morph-2.mid").read_bytes()


@pytest.mark.parametrize("steps", ["1", "0", "many"])
def test_steps_that_make_no_way_are_refused(midi: Path, tmp_path: Path, steps: str):
    assert main(["morph", str(midi), str(midi), "-o", str(tmp_path / "morphs"), "--steps", steps]) == 2
    assert not (tmp_path / "morphs").exists()


def test_folders_that_cannot_be_made_are_refused(midi: Path, tmp_path: Path, capsys):
    for folder in (midi, tmp_path / "no" / "folder"):
        assert main(["morph", str(midi), str(midi), "-o", str(folder)]) == 2
        assert "cannot be made" in capsys.readouterr().err
