"""The song transformer: what must hold whatever its weights are, and that all it is told matters."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from phraseloom.form import parse_form
from phraseloom.models.conditions import GROUPS, SongConditions, collate_conditions, song_conditions
from phraseloom.models.song_dit import SongDiT, SongDiTConfig
from support.networks import TINY_SONG_DIT, tiny_song_dit

S, Z = TINY_SONG_DIT.num_slots, TINY_SONG_DIT.latent_size
FORM, NUM_BARS = "A2 B4 A2", 8

Inputs = tuple[Tensor, Tensor, SongConditions]


@pytest.fixture(scope="module")
def network() -> SongDiT:
    return tiny_song_dit()


def inputs_of(*forms: str, num_bars: int = NUM_BARS, seed: int = 0) -> Inputs:
    """Noise and levels at random, those behind a song's end included."""
    generator = torch.Generator().manual_seed(seed)
    songs = [song_conditions(parse_form(form), tempo_bpm=100, mode="minor") for form in forms]
    noisy = torch.randn(len(forms), num_bars, S, Z, generator=generator)
    return noisy, torch.rand(len(forms), num_bars, S, generator=generator), collate_conditions(songs, num_bars)


@torch.inference_mode()
def changed_bars(network: SongDiT, first: Inputs, second: Inputs) -> list[bool]:
    """Of the first song: in which bars the prediction is another."""
    return ((network(*first) - network(*second)).abs().amax(dim=(2, 3)) > 1e-5)[0].tolist()


@pytest.mark.parametrize("num_bars", [1, 8, 128])
def test_predictions_have_the_shape_of_the_latents(network, num_bars):
    noisy, level, conditions = inputs_of("A1", "A1", num_bars=num_bars)
    predicted = network(noisy, level, conditions)
    assert predicted.shape == noisy.shape
    assert predicted.dtype == torch.float32
    assert torch.isfinite(predicted).all()


def test_a_new_network_predicts_the_mean_of_all_latents():
    torch.manual_seed(0)
    assert not SongDiT(TINY_SONG_DIT)(*inputs_of(FORM)).any()


def test_padding_does_not_matter(network):
    """A song alone, and the same song in a batch with a longer one: noise and levels behind its end go unheard."""
    noisy, level, conditions = inputs_of(FORM)
    padded_noisy, padded_level, padded_conditions = inputs_of("A8 B8", FORM, num_bars=16, seed=1)
    padded_noisy[1, :NUM_BARS], padded_level[1, :NUM_BARS] = noisy[0], level[0]
    alone = network(noisy, level, conditions)
    padded = network(padded_noisy, padded_level, padded_conditions)
    torch.testing.assert_close(padded[1, :NUM_BARS], alone[0], rtol=1e-4, atol=1e-5)


def test_songs_of_a_batch_do_not_hear_each_other(network):
    noisy, level, conditions = inputs_of(FORM, "B8")
    other = noisy.clone()
    other[1] += 1
    assert not any(changed_bars(network, (noisy, level, conditions), (other, level, conditions)))


def test_all_bars_hear_each_other(network):
    noisy, level, conditions = inputs_of(FORM)
    other = noisy.clone()
    other[0, 5, 1] += 1
    assert all(changed_bars(network, (noisy, level, conditions), (other, level, conditions)))


@pytest.mark.parametrize("slot", range(S))
def test_the_level_of_one_slot_of_one_bar_matters(network, slot):
    noisy, level, conditions = inputs_of(FORM)
    other = level.clone()
    other[0, 3, slot] = 1 - other[0, 3, slot]
    assert changed_bars(network, (noisy, level, conditions), (noisy, other, conditions))[3]


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_of_conditions_matters(network, group):
    noisy, level, conditions = inputs_of(FORM)
    untold = conditions.without(group, torch.tensor([True]))
    assert all(changed_bars(network, (noisy, level, conditions), (noisy, level, untold)))


def test_bars_of_one_section_are_told_from_others_by_attention(network):
    """Which section a bar is in is no vector of its own: only the relations of bars tell it."""
    noisy, level, conditions = inputs_of(FORM)
    split = conditions.section + (torch.arange(NUM_BARS) >= 4) * 10
    assert any(changed_bars(network, (noisy, level, conditions), (noisy, level, conditions._replace(section=split))))
    renamed = conditions._replace(section=conditions.section * 7)
    assert not any(changed_bars(network, (noisy, level, conditions), (noisy, level, renamed)))


def test_equal_bars_are_told_apart_by_their_place(network):
    """The same noise in every bar and nothing told of them: rotary positions alone make a difference."""
    noisy, level, conditions = inputs_of("A8")
    for group in GROUPS:
        conditions = conditions.without(group, torch.tensor([True]))
    noisy, level = noisy[:, :1].repeat(1, NUM_BARS, 1, 1), level[:, :1].repeat(1, NUM_BARS, 1)
    noisy[0, 0] += 1
    predicted = network(noisy, level, conditions)[0, 1:]
    assert (predicted - predicted[:1]).abs().amax() > 1e-5


def test_mixed_precision_stays_near_and_ends_in_float32(network):
    inputs = inputs_of(FORM)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network(*inputs)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, network(*inputs), rtol=0.1, atol=0.1)


def test_gradients_reach_every_parameter():
    network = tiny_song_dit()
    network(*inputs_of(FORM)).square().mean().backward()
    without = [name for name, parameter in network.named_parameters() if not parameter.grad.any()]
    assert without == []


def test_dropout_is_for_training_only():
    config = SongDiTConfig(num_slots=S, latent_size=Z, width=32, num_layers=2, num_heads=2, dropout=0.5)
    network, inputs = tiny_song_dit(config=config), inputs_of(FORM)
    assert torch.equal(network(*inputs), network(*inputs))
    network.train()
    assert not torch.equal(network(*inputs), network(*inputs))


def test_a_configuration_takes_on_the_shape_of_a_corpus():
    config = SongDiTConfig(width=64, num_heads=2).for_corpus(num_slots=5, latent_size=16)
    assert config == SongDiTConfig(width=64, num_heads=2, num_slots=5, latent_size=16)
