"""Weights on disk: they come back equal, and what does not fit is refused by name."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from phraseloom.checkpoint import Checkpoint, checkpoint_of, fill_network, read_checkpoint, write_checkpoint
from phraseloom.errors import CheckpointError, UnreadableFileError
from phraseloom.models.phrase_tables import encode_means
from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig
from phraseloom.phrase_codec import KIND, LatentStatistics, PhraseCodec, phrase_vae_checkpoint
from phraseloom.training.phrases import song_phrases
from support.songs import make_song

TINY = PhraseVAEConfig(width=32, num_heads=2, encoder_layers=1, decoder_layers=1, latent_size=13)


def tiny_network(seed: int = 0, config: PhraseVAEConfig = TINY) -> PhraseVAE:
    torch.manual_seed(seed)
    return PhraseVAE(config).eval()


def tiny_checkpoint(dtype: torch.dtype = torch.float32) -> Checkpoint:
    return checkpoint_of(KIND, tiny_network(), TINY, {"latent_scale": 0.1, "latent_mean": [0.25] * 8}, dtype)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights" / "vae.safetensors"
    write_checkpoint(tiny_checkpoint(), path)
    return path


def change_header(path: Path, **changes) -> None:
    """Rewrites the file with other values in its header; None takes the value out."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["phraseloom"])
    weights = dict(read_checkpoint(path, KIND).weights)
    header = {name: value for name, value in {**header, **changes}.items() if value is not None}
    save_file(weights, path, metadata={"phraseloom": json.dumps(header)})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_checkpoint_comes_back(tmp_path, dtype):
    written = tiny_checkpoint(dtype)
    write_checkpoint(written, tmp_path / "a.safetensors")
    read = read_checkpoint(tmp_path / "a.safetensors", KIND)
    assert (read.kind, read.config, read.extra) == (KIND, asdict(TINY), written.extra)
    assert read.weights.keys() == written.weights.keys()
    for name, value in written.weights.items():
        assert read.weights[name].dtype == value.dtype == dtype
        assert torch.equal(read.weights[name], value)
    assert read.fingerprint == written.fingerprint


def test_a_network_is_filled_with_what_was_written(path):
    network = tiny_network(seed=1)
    fill_network(network, read_checkpoint(path, KIND), path)
    for name, value in tiny_network(seed=0).state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_half_precision_fills_a_float32_network(path):
    network = tiny_network(seed=1)
    fill_network(network, tiny_checkpoint(torch.float16), path)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    torch.testing.assert_close(network.state_dict(), tiny_network(seed=0).state_dict(), rtol=1e-3, atol=1e-6)


def test_whole_numbers_stay_whole():
    counter = torch.nn.BatchNorm1d(3)
    counter.num_batches_tracked.fill_(70_000)  # beyond float16
    checkpoint = checkpoint_of("counter", counter, TINY, {}, torch.float16)
    other = torch.nn.BatchNorm1d(3)
    fill_network(other, checkpoint, Path("counter.safetensors"))
    assert other.num_batches_tracked == 70_000


def test_the_fingerprint_changes_with_weights_and_with_what_belongs_to_them():
    checkpoint = tiny_checkpoint()
    name, value = next(iter(checkpoint.weights.items()))
    changed = [
        replace(checkpoint, weights={**checkpoint.weights, name: value + 1e-3}),
        replace(checkpoint, extra={**checkpoint.extra, "latent_scale": 0.2}),
        replace(checkpoint, config={**checkpoint.config, "num_heads": 4}),
        replace(checkpoint, kind="song_dit"),
    ]
    assert len({checkpoint.fingerprint, *(other.fingerprint for other in changed)}) == 5
    assert checkpoint.fingerprint == tiny_checkpoint().fingerprint


def test_the_sign_of_a_zero_does_not_change_the_fingerprint():
    """Averages of weights that stay as they are lose it."""
    plus, minus = (Checkpoint("x", {}, {}, {"a": torch.tensor([zero, 1.0])}) for zero in (0.0, -0.0))
    assert plus.fingerprint == minus.fingerprint


def test_a_single_number_has_a_fingerprint():
    one, two = (Checkpoint("k", {}, {}, {"level": torch.tensor(value)}) for value in (1.0, 2.0))
    assert one.fingerprint != two.fingerprint


def test_nothing_stays_beside_the_file(path):
    assert [file.name for file in path.parent.iterdir()] == ["vae.safetensors"]


def test_a_write_that_fails_leaves_the_old_file(path):
    before = path.read_bytes()
    shared = torch.zeros(3)
    with pytest.raises(RuntimeError, match="share memory"):
        write_checkpoint(Checkpoint(KIND, {}, {}, {"a": shared, "b": shared}), path)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "has format version 2, this version reads 1"),
        ({"format_version": 0, "vocabulary": None}, "has format version 0, this version reads 1"),
        ({"kind": "song_dit"}, "holds a song_dit, expected a phrase_vae"),
        ({"vocabulary": "0123456789abcdef"}, "was trained on vocabulary 0123456789abcdef, this version has"),
        ({"format_version": None}, "holds weights of another program"),
    ],
)
def test_another_version_kind_or_vocabulary_is_refused_by_name(path, changes, message):
    change_header(path, **changes)
    with pytest.raises(CheckpointError, match=message) as raised:
        read_checkpoint(path, KIND)
    assert str(path) in raised.value.message


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"phraseloom": "not JSON"}, {"phraseloom": "[1]"}])
def test_weights_of_another_program_are_refused(tmp_path, metadata):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="holds weights of another program"):
        read_checkpoint(path, KIND)


@pytest.mark.parametrize("content", [b"", b"MThd\0\0\0\6", b"\xff" * 100])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"song\.mid cannot be read as weights"):
        read_checkpoint(path, KIND)


def test_a_file_cut_short_is_refused(path):
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnreadableFileError, match="cannot be read as weights"):
        read_checkpoint(path, KIND)


@pytest.mark.parametrize("name", ["missing.safetensors", ""])
def test_a_missing_file_or_a_folder_is_refused(tmp_path, name):
    with pytest.raises(UnreadableFileError, match="cannot be read as weights"):
        read_checkpoint(tmp_path / name, KIND)


def test_weights_of_another_shape_are_refused_by_the_parameter_s_name(path):
    wider = tiny_network(config=replace(TINY, latent_size=14))
    with pytest.raises(CheckpointError, match=r"from_latent\.weight is \(128, 11\), expected \(128, 12\)"):
        fill_network(wider, read_checkpoint(path, KIND), path)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (2, r"decoder\.1\.\S+ is missing, expected \("),
        (0, r"decoder\.0\.\S+ is \(\d+(, \d+)*,?\), expected nothing of that name"),
    ],
)
def test_weights_too_few_or_too_many_are_refused_by_name(path, layers, message):
    other = tiny_network(config=replace(TINY, decoder_layers=layers))
    with pytest.raises(CheckpointError, match=message):
        fill_network(other, read_checkpoint(path, KIND), path)


def test_a_codec_is_its_file(tmp_path):
    """Same latents and same notes from the file, at half precision, as from the file read again."""
    network, table = tiny_network(), song_phrases(make_song(1, form="A4"))
    statistics = LatentStatistics.of(encode_means(network, table))
    path = tmp_path / "vae.safetensors"
    checkpoint = phrase_vae_checkpoint(network, statistics, {"corpus": "made up"})
    write_checkpoint(checkpoint, path)
    codec = PhraseCodec.load(path)
    assert codec.statistics == statistics
    assert codec.fingerprint == checkpoint.fingerprint
    latents = codec.encode(table)
    assert latents.shape == (12, 13)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents, PhraseCodec(network, statistics, "", "").encode(table), atol=0.02)
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=0.01)
    assert latents.std() == pytest.approx(1, abs=0.01)
    decoded, again = (codec.decode(latents, 48) for codec in (codec, PhraseCodec.load(path)))
    assert decoded.steps.tolist() == again.steps.tolist()


def test_latents_do_not_depend_on_how_phrases_are_batched(monkeypatch):
    network, table = tiny_network(), song_phrases(make_song(1, form="i2 A4"))
    latents = encode_means(network, table)
    monkeypatch.setattr("phraseloom.models.phrase_tables.PHRASES_PER_BATCH", 5)
    np.testing.assert_allclose(encode_means(network, table), latents, atol=1e-5)
