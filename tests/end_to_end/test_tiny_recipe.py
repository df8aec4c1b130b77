"""From a handful of MIDI files to a song, through the command line, as the README says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from phraseloom.form import format_form
from phraseloom.midi import read_midi
from support.training import write_midi_folder

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny.toml"
FORM = "i2 A4 B4 A4 o2"


def phraseloom(*arguments: str | Path) -> str:
    """Runs one command on one thread and returns what it wrote to stdout."""
    command = [sys.executable, "-m", "phraseloom", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_midi_files_become_a_song(tmp_path: Path) -> None:
    midi = write_midi_folder(tmp_path / "midi", num_songs=12)
    prepared = json.loads(phraseloom("prepare", "folder", midi, "--out", tmp_path / "corpus", "--jobs", "1", "--json"))
    phraseloom("train", RECIPE, "--corpus", tmp_path / "corpus", "--out", tmp_path / "run")
    out = tmp_path / "song.mid"
    record = json.loads(
        phraseloom("generate", "--checkpoint", tmp_path / "run", "--form", FORM, "--seed", "7", "-o", out, "--json")
    )
    score = read_midi(out)

    assert prepared["num_songs"] == 12
    assert record["seed"] == 7
    assert score.num_bars == record["num_bars"] == 16
    assert format_form(score.sections) == FORM
    assert [track.name for track in score.tracks] == ["MELODY", "BRIDGE", "PIANO"]
    assert score.num_notes > 0

    vae_log = [json.loads(line) for line in (tmp_path / "run" / "phrase_vae.jsonl").read_text().splitlines()]
    assert vae_log[-1]["loss"] < 0.5 * vae_log[0]["loss"]
    dit_log = [json.loads(line) for line in (tmp_path / "run" / "song_dit.jsonl").read_text().splitlines()]
    assert dit_log[-1]["loss"] < dit_log[0]["loss"]

    phraseloom(
        "generate", "--checkpoint", tmp_path / "run", "--form", FORM, "--seed", "7", "-o", tmp_path / "again.mid"
    )
    assert (tmp_path / "again.mid").read_bytes() == out.read_bytes()
