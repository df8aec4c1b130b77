"""Whole training runs in processes of their own: killed and resumed, interrupted, and on two processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phraseloom.composer import Composer
from phraseloom.plan import SongPlan
from support.training import make_corpus, write_recipe

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
SECONDS_TO_START = 120
SECONDS_TO_END = 240


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def train_command(recipe: Path, corpus: Path, out: Path, *options: str) -> list[str]:
    module = ["-m", "phraseloom", "train", str(recipe), "--corpus", str(corpus), "--out", str(out)]
    return [sys.executable, *module, *options]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=SECONDS_TO_END)


def start_and_signal(command: list[str], state: Path, kind: signal.Signals) -> tuple[int, str]:
    """Starts a run, sends it a signal once it has saved its state, and returns exit code and stderr."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    deadline = time.monotonic() + SECONDS_TO_START
    while not state.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.02)
    process.send_signal(kind)
    _, told = process.communicate(timeout=SECONDS_TO_START)
    return process.returncode, told


@pytest.mark.parametrize("stage", ["phrase_vae", "song_dit"])
def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path, corpus: Path, stage: str) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml", vae_steps=40, dit_steps=40)
    whole = run(train_command(recipe, corpus, tmp_path / "whole"))
    killed = train_command(recipe, corpus, tmp_path / "killed")
    code, _ = start_and_signal(killed, tmp_path / "killed" / f"{stage}.state.pt", signal.SIGKILL)
    resumed = run([*killed, "--resume"])

    assert whole.returncode == 0, whole.stderr
    assert code == -signal.SIGKILL
    assert resumed.returncode == 0, resumed.stderr
    for name in ("phrase_vae", "song_dit"):
        ends = [tmp_path / folder / f"{name}.safetensors" for folder in ("whole", "killed")]
        assert ends[0].read_bytes() == ends[1].read_bytes()
        steps = [json.loads(line)["step"] for line in (tmp_path / "killed" / f"{name}.jsonl").read_text().splitlines()]
        assert steps == sorted(set(steps))
        assert steps[-1] == 40
    assert not list((tmp_path / "killed").glob(".*"))


def test_an_interrupted_run_says_so(tmp_path: Path, corpus: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml", vae_steps=5000)
    command = train_command(recipe, corpus, tmp_path / "run")
    code, told = start_and_signal(command, tmp_path / "run" / "phrase_vae.state.pt", signal.SIGINT)
    assert code == 130
    assert "Traceback" not in told


def test_two_processes_train_together(tmp_path: Path, corpus: Path) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml", vae_steps=6, dit_steps=6)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = train_command(recipe, corpus, tmp_path / "run")
    done = run([*launch, *command[1:]])

    assert done.returncode == 0, done.stderr
    composition = Composer.load(tmp_path / "run").generate(SongPlan(num_bars=4), seed=1, steps=2)
    assert composition.score.num_bars == 4
