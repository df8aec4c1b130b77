"""The decoder's stage: what it learns from, what it changes and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from phraseloom.checkpoint import read_checkpoint
from phraseloom.composer import Composer
from phraseloom.diffusion.guidance import Guidance
from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.models.phrase_vae import DECODER_PARTS
from phraseloom.phrase_codec import PhraseCodec, song_phrases
from phraseloom.training import run_recipe
from phraseloom.training.drawn_latents import DecoderBatches, DrawnLatentSettings, predicted_cells
from phraseloom.training.latents import slotted, song_latents
from phraseloom.training.phrases import corpus_phrases
from phraseloom.training.songs import LatentSong, SongBatches
from support.networks import tiny_codec, tiny_song_dit
from support.songs import make_song
from support.training import make_corpus, write_recipe

DECODER = """
[decoder]
tokens_per_batch = 400
bars_per_batch = 64
latents = { highest_level = 0.4 }

[decoder.loop]
num_steps = 6
checkpoint_minutes = 1e-6
validation_interval = 3
optimiser = { warmup_steps = 1, learning_rate = 1e-2 }
"""


def run(recipe: Path, corpus: Path, out: Path, *, resume: bool = False, start_from: Path | None = None) -> None:
    run_recipe(recipe, corpus=corpus, out=out, resume=resume, start_from=start_from, progress=lambda doing, share: None)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    run(write_recipe(folder / "recipe.toml", vae_steps=10, dit_steps=10), corpus, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "decoder.toml"
    path.write_text('out = "unused"\n' + DECODER, encoding="utf-8")
    return path


def test_only_the_decoder_changes_and_the_networks_still_belong_together(recipe, corpus, trained, tmp_path):
    run(recipe, corpus, tmp_path / "run", start_from=trained)
    before, after = (
        read_checkpoint(path / "phrase_vae.safetensors", "phrase_vae") for path in (trained, tmp_path / "run")
    )
    changed = {name for name, weights in before.weights.items() if not torch.equal(weights, after.weights[name])}
    assert changed
    assert all(name.startswith(DECODER_PARTS) for name in changed)
    assert after.extra["decoder_steps"] == 6
    assert after.extra["decoder_held_out"].keys() == {"level 0.0", "level 0.15", "level 0.3", "level 0.45", "velocity"}
    codecs = [PhraseCodec.load(path / "phrase_vae.safetensors") for path in (trained, tmp_path / "run")]
    assert codecs[0].latent_fingerprint == codecs[1].latent_fingerprint
    assert codecs[0].fingerprint != codecs[1].fingerprint
    assert Composer.load(tmp_path / "run").generate(seed=1).score.num_bars


def test_a_stage_that_is_done_is_not_done_again(recipe, corpus, trained, tmp_path):
    run(recipe, corpus, tmp_path / "run", start_from=trained)
    weights = (tmp_path / "run" / "phrase_vae.safetensors").read_bytes()
    run(recipe, corpus, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "phrase_vae.safetensors").read_bytes() == weights


def test_a_killed_stage_goes_on_to_the_same_weights(recipe, corpus, trained, tmp_path):
    run(recipe, corpus, tmp_path / "whole", start_from=trained)

    class KilledError(Exception):
        pass

    def killing(doing: str, share: float) -> None:
        if "decoder" in doing and share >= 0.5:
            raise KilledError

    with pytest.raises(KilledError):
        run_recipe(recipe, corpus=corpus, out=tmp_path / "killed", resume=False, start_from=trained, progress=killing)
    assert "decoder_steps" not in read_checkpoint(tmp_path / "killed" / "phrase_vae.safetensors", "phrase_vae").extra
    run(recipe, corpus, tmp_path / "killed", resume=True)
    names = ("whole", "killed")
    first, second = ((tmp_path / name / "phrase_vae.safetensors").read_bytes() for name in names)
    assert first == second


def test_a_decoder_that_has_learnt_already_learns_again(recipe, corpus, trained, tmp_path):
    run(recipe, corpus, tmp_path / "once", start_from=trained)
    run(recipe, corpus, tmp_path / "twice", start_from=tmp_path / "once")
    once, twice = (
        read_checkpoint(tmp_path / name / "phrase_vae.safetensors", "phrase_vae") for name in ("once", "twice")
    )
    assert twice.extra["decoder_steps"] == 6
    assert twice.extra["decoder_held_out"] != once.extra["decoder_held_out"]
    assert twice.fingerprint != once.fingerprint


def test_weights_that_are_not_trained_must_come_from_somewhere(recipe, corpus, tmp_path):
    with pytest.raises(RequestError, match="does not train phrase_vae") as caught:
        run(recipe, corpus, tmp_path / "run")
    assert "--start-from" in caught.value.remedy
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        run(recipe, corpus, tmp_path / "other", start_from=tmp_path)


@pytest.fixture(scope="module")
def songs() -> list[LatentSong]:
    scores = [make_song(seed) for seed in range(3)]
    return [LatentSong.of(score, own) for score, own in zip(scores, song_latents(scores, 3, tiny_codec()), strict=True)]


def batches(songs: list[LatentSong], **settings: float) -> DecoderBatches:
    phrases = corpus_phrases(slotted(make_song(seed), 3) for seed in range(3))
    loads = SongBatches(songs, 128, 0.5, seed=1)
    return DecoderBatches(loads, phrases, tiny_codec(), tiny_song_dit(), DrawnLatentSettings(**settings), 400, seed=2)


def drawn(songs: list[LatentSong], **settings: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Latents, the encoder's own latents of the phrases beside them, and the noise that is told, batch by batch."""
    codec = tiny_codec()
    for load in batches(songs, **settings).epoch(0, 0, 1):
        batch = load()
        posterior = codec.network.encode(*batch.phrases)
        yield batch.latents.numpy(), posterior.mean.detach().numpy(), batch.noise.numpy()


def test_clean_latents_are_those_of_their_phrases(songs):
    for latents, own, noise in drawn(songs, clean_share=1.0):
        np.testing.assert_allclose(latents, own, atol=1e-3)
        assert not noise.any()


def test_noise_is_told_as_it_is(songs):
    parts = list(drawn(songs, clean_share=0.0, noisy_share=1.0, highest_noise=0.5))
    latents, own, noise = (np.concatenate(column) for column in zip(*parts, strict=True))
    distance = np.sqrt(((latents - own) ** 2).mean(axis=1)) / tiny_codec().statistics.scale
    assert 0.3 < noise.max() <= 0.5
    assert (distance / noise).mean() == pytest.approx(1, abs=0.1)


def test_predictions_are_told_their_level_and_the_same_in_every_run(songs):
    first, second = (list(drawn(songs, clean_share=0.0, noisy_share=0.0, highest_level=0.3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        assert ((one[2] > 0) & (one[2] <= 0.3)).all()


def test_a_song_at_level_0_is_predicted_as_it_is_and_each_phrase_once(songs):
    batch = SongBatches(songs, 96, 0.0, seed=0).epoch(0, 0, 1)[0]()
    clean, cells = predicted_cells(batch, torch.zeros(len(batch.latents)), tiny_song_dit(), Guidance())
    np.testing.assert_allclose(cells.latents, clean, atol=1e-5)
    assert len(set(cells.rows.tolist())) == len(cells.rows)
    table = song_phrases(slotted(make_song(0), 3))
    assert len(cells.rows) <= sum(len(song.latents) * 3 for song in songs)
    assert len(table) == len(songs[0].latents) * 3
