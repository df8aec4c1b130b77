"""Drums and any instruments go through the same code: corpus, training of the tiny recipe, reconstruction."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.corpus.prepare import prepare_folder
from phraseloom.evaluating import evaluate_reconstruction
from phraseloom.evaluation.reconstruction import ReconstructionReport
from phraseloom.latent_songs import decode_song, encode_song
from phraseloom.midi import write_midi
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.training import run_recipe
from support.songs import make_song

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny.toml"
NUM_SONGS = 8
DRUM_PITCHES = {36, 38, 42}
"""All that the made-up drummers strike."""


def quiet(doing: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five instruments of several programs, and drums."""
    folder = tmp_path_factory.mktemp("band")
    (folder / "midi").mkdir()
    for seed in range(NUM_SONGS):
        write_midi(make_song(seed, num_tracks=5, with_drums=True), folder / "midi" / f"{seed}.mid")
    prepare_folder(folder / "midi", folder / "corpus", 1)
    return folder / "corpus"


@pytest.fixture(scope="module")
def weights(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe in a little less time, with so few steps of the song transformer that it is only seen to run."""
    folder = tmp_path_factory.mktemp("weights")
    recipe = folder / "recipe.toml"
    text = RECIPE.read_text(encoding="utf-8").replace("num_steps = 250", "num_steps = 200")
    recipe.write_text(text.replace("num_steps = 150", "num_steps = 3"), encoding="utf-8")
    run_recipe(recipe, corpus=corpus, out=folder / "run", resume=False, progress=quiet)
    return folder / "run"


@pytest.fixture(scope="module")
def report(corpus: Path, weights: Path) -> ReconstructionReport:
    return evaluate_reconstruction(corpus, "train", 0.0, weights, quiet)


def test_drums_and_instruments_are_given_back(report: ReconstructionReport) -> None:
    assert list(report.by_track) == ["MELODY", "BRIDGE", "PIANO", "BASS", "STRINGS", "DRUMS"]
    assert report.by_track["DRUMS"].notes.f1 > 0.9
    assert report.total.onset_pitch.f1 > 0.4


def test_a_band_comes_back_from_its_latents(weights: Path) -> None:
    score = make_song(99, num_tracks=5, with_drums=True)
    codec = PhraseCodec.load(weights / PHRASE_VAE_FILE)
    decoded = decode_song(encode_song(score, codec)[0], codec)
    told = [[(track.name, track.program, track.is_drum) for track in song.tracks] for song in (score, decoded)]
    assert told[0] == told[1]
    assert DRUM_PITCHES >= set(decoded.tracks[-1].notes.pitch.tolist()) != set()
