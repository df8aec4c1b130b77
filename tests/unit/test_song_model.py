"""The song transformer's weights as a file: they come back with their slots, and only beside their phrase VAE."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from phraseloom.checkpoint import read_checkpoint, write_checkpoint
from phraseloom.errors import CheckpointError, UnreadableFileError
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.song_model import KIND, SONG_DIT_FILE, SongModel, load_song_model, song_dit_checkpoint, speaks_meter_of
from support.networks import (
    BIASES,
    CHORDS,
    LOUDNESS,
    ONE_VOICE,
    PLANS,
    REPEATS,
    SLOTS,
    TEXTURES,
    TINY_SONG_DIT,
    tiny_codec,
    tiny_song_dit,
    write_tiny_weights,
)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_tiny_weights(tmp_path / "weights")


def test_weights_come_back_with_what_belongs_to_them_in_evaluation_mode(weights):
    codec = PhraseCodec.load(weights / PHRASE_VAE_FILE)
    model = load_song_model(weights / SONG_DIT_FILE, codec)
    assert (model.slots, model.noise_shift) == (SLOTS, 1.9)
    assert (model.repeat_prior, model.chord_prior, model.plan_prior) == (REPEATS, CHORDS, PLANS)
    assert model.network.config == TINY_SONG_DIT
    assert not model.network.training
    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}
    torch.testing.assert_close(model.network.state_dict(), tiny_song_dit().state_dict(), rtol=1e-3, atol=1e-6)
    assert model.calibration == 0.25
    assert model.note_bias == BIASES


def test_the_fingerprint_is_that_of_both_networks(weights):
    codec = PhraseCodec.load(weights / PHRASE_VAE_FILE)
    model = load_song_model(weights / SONG_DIT_FILE, codec)
    other = PhraseCodec(codec.network, codec.statistics, "another decoder", codec.latent_fingerprint)
    assert load_song_model(weights / SONG_DIT_FILE, codec).fingerprint == model.fingerprint
    assert load_song_model(weights / SONG_DIT_FILE, other).fingerprint != model.fingerprint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("texture_prior", {"num_slots": 3, "songs": [["A", "2" * 27]]}),
        ("note_bias", [{"colour": 1.0}]),
        ("plan_prior", []),
        ("slots", None),
    ],
)
def test_what_belongs_to_weights_of_another_version_is_refused(weights, name, content):
    codec, path = PhraseCodec.load(weights / PHRASE_VAE_FILE), weights / SONG_DIT_FILE
    checkpoint = read_checkpoint(path, KIND)
    write_checkpoint(replace(checkpoint, extra={**checkpoint.extra, name: content}), path)
    with pytest.raises(CheckpointError, match=r"song_dit\.safetensors is of another version") as refused:
        load_song_model(path, codec)
    assert "train again" in refused.value.remedy


def test_facts_travel_with_the_weights(weights):
    assert read_checkpoint(weights / SONG_DIT_FILE, KIND).extra["corpus"] == "none"


def test_a_codec_in_memory_is_the_one_from_its_file(weights):
    load_song_model(weights / SONG_DIT_FILE, tiny_codec())


def test_the_latents_of_another_phrase_vae_are_refused(weights):
    other = tiny_codec(seed=1)
    with pytest.raises(CheckpointError, match=f"the one beside it is {other.latent_fingerprint}") as raised:
        load_song_model(weights / SONG_DIT_FILE, other)
    assert PhraseCodec.load(weights / PHRASE_VAE_FILE).latent_fingerprint in raised.value.message
    assert "keep the two files together" in raised.value.remedy


def test_a_phrase_vae_is_no_song_transformer(weights):
    codec = PhraseCodec.load(weights / PHRASE_VAE_FILE)
    with pytest.raises(CheckpointError, match="holds a phrase_vae, expected a song_dit"):
        load_song_model(weights / PHRASE_VAE_FILE, codec)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError, match=SONG_DIT_FILE):
        load_song_model(tmp_path / SONG_DIT_FILE, tiny_codec())


def test_weights_that_do_not_fit_their_configuration_are_refused_by_name(tmp_path):
    codec, model = (
        tiny_codec(),
        SongModel(tiny_song_dit(), SLOTS, 1.9, REPEATS, CHORDS, PLANS, LOUDNESS, TEXTURES, ONE_VOICE, BIASES),
    )
    checkpoint = song_dit_checkpoint(model, codec.latent_fingerprint, {})
    checkpoint.config["latent_size"] = 16
    write_checkpoint(checkpoint, tmp_path / SONG_DIT_FILE)
    with pytest.raises(CheckpointError, match=r"from_cells\.weight is \(32, 39\), expected \(32, 48\)"):
        load_song_model(tmp_path / SONG_DIT_FILE, codec)


@pytest.mark.parametrize(
    ("meters", "spoken"),
    [
        ([MeterChange(0, 4, 4)], True),
        ([MeterChange(0, 4, 4), MeterChange(2, 2, 2)], True),
        ([MeterChange(0, 3, 4)], False),
        ([MeterChange(0, 4, 4), MeterChange(2, 2, 4), MeterChange(3, 4, 4)], False),
    ],
)
def test_the_model_speaks_bars_of_four_quarters(meters, spoken):
    assert speaks_meter_of(Score((Track("P", Notes.empty()),), 4, meters)) is spoken


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: replace(c, extra={k: v for k, v in c.extra.items() if k != "noise_shift"}), "noise_shift"),
        (lambda c: replace(c, extra={k: v for k, v in c.extra.items() if k != "repeat_prior"}), "repeat_prior"),
        (lambda c: replace(c, extra={k: v for k, v in c.extra.items() if k != "chord_prior"}), "chord_prior"),
        (lambda c: replace(c, extra={k: v for k, v in c.extra.items() if k != "plan_prior"}), "plan_prior"),
        (lambda c: replace(c, config={k: v for k, v in c.config.items() if k != "width"}), "width"),
        (lambda c: replace(c, config={**c.config, "colour": 1}), "colour"),
    ],
)
def test_a_header_of_another_version_is_refused_by_name(tmp_path, change, named):
    path = write_tiny_weights(tmp_path) / SONG_DIT_FILE
    write_checkpoint(change(read_checkpoint(path, KIND)), path)
    with pytest.raises(CheckpointError, match=f"header .*'{named}'"):
        load_song_model(path, PhraseCodec.load(tmp_path / PHRASE_VAE_FILE))
