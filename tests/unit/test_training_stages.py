"""What a stage leaves behind when it goes on after it was killed, and where a run may begin."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors import safe_open

from phraseloom.checkpoint import read_checkpoint, write_checkpoint
from phraseloom.corpus.store import Corpus
from phraseloom.errors import CheckpointError, RequestError
from phraseloom.models.note_bias import SlotBias
from phraseloom.models.phrase_vae import PhraseVAEConfig
from phraseloom.models.song_dit import SongDiT, SongDiTConfig
from phraseloom.repeats import FRESH, RepeatPrior, cell_contents, find_sources
from phraseloom.song_model import SongModel, song_dit_checkpoint
from phraseloom.structure import find_form
from phraseloom.training import run_recipe
from phraseloom.training.loop import LoopSettings
from phraseloom.training.optimisers import OptimiserSettings
from phraseloom.training.recipe import PhraseVAEStage, SongDiTStage
from phraseloom.training.stages import slots_of, state_path, train_phrase_vae, train_song_dit
from support.networks import BIASES, CHORDS, LOUDNESS, ONE_VOICE, PLANS, REPEATS, TEXTURES, tiny_codec
from support.training import make_corpus, write_recipe

LOOP = LoopSettings(num_steps=2, validation_interval=2)
PHRASE_VAE = PhraseVAEStage(
    network=PhraseVAEConfig(width=32, num_heads=2, encoder_layers=1, decoder_layers=1), loop=LOOP, tokens_per_batch=400
)
SONG_DIT = SongDiTStage(network=SongDiTConfig(width=32, num_layers=1, num_heads=2), loop=LOOP, bars_per_batch=64)


@pytest.fixture(scope="module")
def corpus_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def corpus(corpus_path: Path) -> Corpus:
    return Corpus.open(corpus_path)


def run_phrase_vae(corpus: Corpus, out: Path, *, resume: bool) -> bytes:
    accelerator = Accelerator(cpu=True)
    for _ in train_phrase_vae(PHRASE_VAE, corpus, out, seed=1, resume=resume, start_from=None, accelerator=accelerator):
        pass
    return out.read_bytes()


def run_song_dit(corpus: Corpus, out: Path, *, resume: bool = False, stage: SongDiTStage = SONG_DIT) -> float:
    """Trains and returns the held-out error of the weights that are there at the end."""
    accelerator = Accelerator(cpu=True)
    events = train_song_dit(
        stage,
        corpus,
        tiny_codec(),
        out,
        seed=1,
        resume=resume,
        start_from=None,
        accelerator=accelerator,
        progress=lambda doing, share: None,
    )
    for _ in events:
        pass
    return read_checkpoint(out, "song_dit").extra["held_out"]["mean"]


def untrained(network: SongDiT, corpus: Corpus) -> SongModel:
    return SongModel(network, slots_of(corpus), 1.9, REPEATS, CHORDS, PLANS, LOUDNESS, TEXTURES, ONE_VOICE, BIASES)


def test_repeats_are_counted_in_the_training_songs(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "song_dit.safetensors"
    run_song_dit(corpus, out, resume=False)
    prior = RepeatPrior.from_dict(read_checkpoint(out, "song_dit").extra["repeat_prior"])
    songs = [song.score for song in corpus.songs("train")]
    forms = [score.sections or find_form(score) for score in songs]
    found = [find_sources(form, cell_contents(score)) for form, score in zip(forms, songs, strict=True)]
    assert any((sources != FRESH).any() for sources in found)
    assert prior == RepeatPrior.fit(zip(forms, found, strict=True), len(corpus.slots))


def test_a_phrase_vae_killed_behind_its_last_step_is_the_same(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "phrase_vae.safetensors"
    whole = run_phrase_vae(corpus, out, resume=False)
    out.unlink()
    assert state_path(out).exists()
    assert run_phrase_vae(corpus, out, resume=True) == whole


@pytest.mark.parametrize(("error_so_far", "stays"), [(0.0, True), (1e9, False)])
def test_better_weights_of_an_interrupted_run_stay(
    corpus: Corpus, tmp_path: Path, error_so_far: float, stays: bool
) -> None:
    out, codec = tmp_path / "song_dit.safetensors", tiny_codec()
    network = SongDiT(SONG_DIT.network.for_corpus(len(corpus.slots), codec.network.config.latent_size))
    facts = {"corpus": corpus.fingerprint, "held_out": {"mean": error_so_far}}
    write_checkpoint(song_dit_checkpoint(untrained(network, corpus), codec.latent_fingerprint, facts), out)
    assert (run_song_dit(corpus, out, resume=True) == error_so_far) == stays


@pytest.mark.parametrize("other", [{"corpus": "another"}, {"phrase_vae": "another"}])
def test_weights_of_another_run_do_not_stay(corpus: Corpus, tmp_path: Path, other: dict[str, str]) -> None:
    out, codec = tmp_path / "song_dit.safetensors", tiny_codec()
    network = SongDiT(SONG_DIT.network.for_corpus(len(corpus.slots), codec.network.config.latent_size))
    facts = {"corpus": corpus.fingerprint, "held_out": {"mean": 0.0}, **other}
    write_checkpoint(song_dit_checkpoint(untrained(network, corpus), codec.latent_fingerprint, facts), out)
    assert run_song_dit(corpus, out, resume=True) > 0


def fine_tuned(corpus: Corpus, start: Path, out: Path, network: PhraseVAEConfig) -> None:
    """Trains for a step too small to change a weight."""
    loop = LoopSettings(num_steps=1, validation_interval=1, optimiser=OptimiserSettings(learning_rate=1e-12))
    stage = PhraseVAEStage(network=network, loop=loop, tokens_per_batch=400)
    accelerator = Accelerator(cpu=True)
    list(train_phrase_vae(stage, corpus, out, seed=2, resume=False, start_from=start, accelerator=accelerator))


def test_fine_tuning_starts_from_the_weights_given(corpus: Corpus, tmp_path: Path) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "out.safetensors"
    run_phrase_vae(corpus, start, resume=False)
    fine_tuned(corpus, start, out, PHRASE_VAE.network)
    before, after = (read_checkpoint(path, "phrase_vae").weights for path in (start, out))
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight)


def test_fine_tuning_of_a_network_of_other_sizes_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "out.safetensors"
    run_phrase_vae(corpus, start, resume=False)
    with pytest.raises(CheckpointError, match="other sizes"):
        fine_tuned(corpus, start, out, replace(PHRASE_VAE.network, decoder_layers=2))
    assert not out.exists()


def test_the_transformer_learns_from_transposed_copies_too(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "song_dit.safetensors"
    run_song_dit(corpus, out, stage=SONG_DIT.model_copy(update={"transposed_copies": 2}))
    with safe_open(out.with_name("latents.safetensors"), "numpy") as file:
        names = list(file.keys())
    num_songs = {split: len(list(corpus.songs(split))) for split in ("train", "validation")}
    assert len(names) == 3 * num_songs["train"] + num_songs["validation"]


@pytest.mark.parametrize("name", ["phrase_vae.state.pt", "song_dit.safetensors"])
def test_a_new_run_does_not_mix_with_an_earlier_one(corpus_path: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"an hour's work")
    recipe = write_recipe(tmp_path / "recipe.toml")
    with pytest.raises(RequestError, match="training run already") as caught:
        run_recipe(recipe, corpus=corpus_path, out=tmp_path, resume=False, progress=lambda doing, share: None)
    assert "--resume" in caught.value.remedy
    assert (tmp_path / name).read_bytes() == b"an hour's work"


def test_biases_travel_with_the_weights_by_the_names_of_slots(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "song_dit.safetensors"
    bias = SlotBias(step=0.5)
    update = {"note_bias": {corpus.slots[1]: bias}, "exchanged_slots": corpus.slots[1:]}
    run_song_dit(corpus, out, stage=SONG_DIT.model_copy(update=update))
    told = read_checkpoint(out, "song_dit").extra["note_bias"]
    assert told == [asdict(bias if slot == corpus.slots[1] else SlotBias()) for slot in corpus.slots]


@pytest.mark.parametrize("asked", [None, 1.5])
def test_songs_are_drawn_with_the_noise_levels_of_training_or_others(
    corpus: Corpus, tmp_path: Path, asked: float | None
) -> None:
    out = tmp_path / "song_dit.safetensors"
    run_song_dit(corpus, out, stage=SONG_DIT.model_copy(update={"noise_shift": asked}))
    assert read_checkpoint(out, "song_dit").extra["noise_shift"] == (SONG_DIT.loss.shift if asked is None else asked)


@pytest.mark.parametrize("line", ['exchanged_slots = ["Flute"]', "note_bias.Flute.step = 1.0"])
def test_slots_that_the_corpus_does_not_have_are_refused_at_once(corpus_path: Path, tmp_path: Path, line: str) -> None:
    recipe = write_recipe(tmp_path / "recipe.toml")
    recipe.write_text(recipe.read_text().replace("[song_dit]\n", f"[song_dit]\n{line}\n"))
    with pytest.raises(RequestError, match="'Flute', which the corpus does not have") as caught:
        run_recipe(recipe, corpus=corpus_path, out=tmp_path / "run", resume=False, progress=lambda doing, share: None)
    assert ", ".join(Corpus.open(corpus_path).slots) in caught.value.remedy
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_refused(corpus_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recipe = write_recipe(tmp_path / "recipe.toml")
    with pytest.raises(RequestError, match="there is no folder"):
        run_recipe(
            recipe, corpus=corpus_path, out=tmp_path / "file" / "run", resume=False, progress=lambda doing, share: None
        )
