"""The song transformer: what must hold whatever its weights are, and that all it is told matters."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from phraseloom.form import num_bars_of, parse_form
from phraseloom.harmony import parse_chord
from phraseloom.models.conditions import (
    GROUPS,
    NUM_NOISE_SHARES,
    PER_BAR_GROUPS,
    SongConditions,
    chord_numbers,
    collate_conditions,
    song_conditions,
)
from phraseloom.models.song_dit import SongDiT, SongDiTConfig
from phraseloom.texture import Aspect
from support.networks import TINY_SONG_DIT, tiny_song_dit

S, Z = TINY_SONG_DIT.num_slots, TINY_SONG_DIT.latent_size
FORM, NUM_BARS = "A2 B4 A2", 8

Inputs = tuple[Tensor, Tensor, SongConditions]


@pytest.fixture(scope="module")
def network() -> SongDiT:
    return tiny_song_dit()


def inputs_of(*forms: str, num_bars: int = NUM_BARS, seed: int = 0) -> Inputs:
    """Noise and levels at random, those behind a song's end included; all that can be told is."""
    generator = torch.Generator().manual_seed(seed)
    songs = [told_of(form) for form in forms]
    noisy = torch.randn(len(forms), num_bars, S, Z, generator=generator)
    return noisy, torch.rand(len(forms), num_bars, S, generator=generator), collate_conditions(songs, num_bars)


def told_of(form: str) -> dict[str, np.ndarray]:
    sections = parse_form(form)
    is_first_slot = np.tile(np.arange(S) == 0, (num_bars_of(sections), 1))
    chords = chord_numbers([parse_chord(text) for text in ("C", "Am/G", "Dm7", "N.C.")] * len(is_first_slot))
    return song_conditions(
        sections,
        S,
        tempo_bpm=100,
        mode="minor",
        sounds=np.where(is_first_slot, 2, 1),
        is_repeated=~is_first_slot,
        texture=np.where(is_first_slot[..., None], 5, 1).repeat(len(Aspect), axis=-1),
        chords=chords,
    )


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


def test_a_new_network_makes_the_best_linear_guess():
    """Of clean latents and noise of unit variance: the factor that leaves the least squared error on average."""
    torch.manual_seed(0)
    network, (_, level, conditions) = SongDiT(TINY_SONG_DIT), inputs_of(*[FORM] * 400)
    level = torch.full_like(level, 0.3)
    clean, noise = torch.randn(2, *level.shape, Z)
    noisy = 0.7 * clean + 0.3 * noise
    predicted = network(noisy, level, conditions)
    best = (clean * noisy).sum() / noisy.square().sum()
    torch.testing.assert_close(predicted, best * noisy, rtol=0.02, atol=1e-6)


def test_a_new_network_hears_nothing_in_pure_noise():
    torch.manual_seed(0)
    noisy, level, conditions = inputs_of(FORM)
    assert not SongDiT(TINY_SONG_DIT)(noisy, torch.ones_like(level), conditions).any()


def test_a_cell_at_level_zero_comes_out_exactly_as_it_went_in(network):
    noisy, level, conditions = inputs_of(FORM, "A4", num_bars=NUM_BARS)
    is_known = torch.rand(level.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    predicted = network(noisy, level.masked_fill(is_known, 0), conditions)
    assert torch.equal(predicted[is_known], noisy[is_known])
    assert not torch.isclose(predicted[~is_known], noisy[~is_known]).all(dim=-1).any()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_levels_have_finite_predictions_and_gradients(value):
    network, (noisy, level, conditions) = tiny_song_dit(), inputs_of(FORM, "A4")
    predicted = network(noisy, torch.full_like(level, value), conditions)
    predicted.square().mean().backward()
    assert torch.isfinite(predicted).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())


def test_a_guess_counts_for_nothing_to_a_new_network_and_is_heard_by_others(network):
    noisy, level, conditions = inputs_of(FORM)
    guess = torch.randn_like(noisy)
    torch.manual_seed(0)
    new = SongDiT(TINY_SONG_DIT)
    assert torch.equal(new(noisy, level, conditions, guess), new(noisy, level, conditions))
    heard = network(noisy, level, conditions, guess)
    assert not torch.isclose(heard, network(noisy, level, conditions)).all(dim=-1).any()
    assert torch.equal(network(noisy, level, conditions, torch.zeros_like(noisy)), network(noisy, level, conditions))


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


@pytest.mark.parametrize("group", PER_BAR_GROUPS)
def test_what_is_told_of_one_bar_matters(network, group):
    noisy, level, conditions = inputs_of(FORM)
    untold = conditions.without(group, torch.arange(NUM_BARS)[None] == 3)
    assert changed_bars(network, (noisy, level, conditions), (noisy, level, untold))[3]


@pytest.mark.parametrize("aspect", Aspect)
@pytest.mark.parametrize("slot", range(S))
def test_every_aspect_of_the_texture_of_every_slot_matters(network, slot, aspect):
    noisy, level, conditions = inputs_of(FORM)
    other = conditions.texture.clone()
    other[0, 3, slot, aspect] += 1
    assert changed_bars(network, (noisy, level, conditions), (noisy, level, conditions._replace(texture=other)))[3]


@pytest.mark.parametrize("number", range(2, NUM_NOISE_SHARES + 1))
def test_how_much_noise_is_shared_matters_in_every_bar(network, number):
    noisy, level, conditions = inputs_of(FORM)
    other = conditions._replace(shared_noise=torch.full_like(conditions.shared_noise, number))
    assert all(changed_bars(network, (noisy, level, conditions), (noisy, level, other)))


def bars_that_hear_the_first(local_layers: int, *, knows_form: bool) -> list[int]:
    """Of a song of 24 bars in two layers, of which `local_layers` see two bars to either side."""
    config = replace(TINY_SONG_DIT, local_layers=local_layers, local_bars=2)
    noisy, level, conditions = inputs_of("A8 B8 A8", num_bars=24)
    if not knows_form:
        conditions = conditions.without("form", torch.tensor([True]))
    other = noisy.clone()
    other[0, 0] += 1
    changed = changed_bars(tiny_song_dit(config=config), (noisy, level, conditions), (other, level, conditions))
    return np.flatnonzero(changed).tolist()


def test_local_layers_hear_near_bars_only_where_the_form_is_unknown():
    assert bars_that_hear_the_first(2, knows_form=False) == [0, 1, 2, 3, 4]


def test_local_layers_hear_homologous_bars_however_far_they_are():
    """Bar 16 is the first one's again, and tells its neighbours on; nothing comes to the other letter between them."""
    assert bars_that_hear_the_first(2, knows_form=True) == [0, 1, 2, 3, 4, 14, 15, 16, 17, 18]


@pytest.mark.parametrize("knows_form", [False, True])
@pytest.mark.parametrize("local_layers", [0, 1])
def test_layers_behind_the_local_ones_hear_all_bars(local_layers, knows_form):
    assert bars_that_hear_the_first(local_layers, knows_form=knows_form) == list(range(24))


def test_local_layers_do_not_hear_what_is_behind_a_song_s_end():
    network = tiny_song_dit(config=replace(TINY_SONG_DIT, local_layers=2, local_bars=2))
    noisy, level, conditions = inputs_of(FORM)
    padded_noisy, padded_level, padded_conditions = inputs_of("A8 B8", FORM, num_bars=16, seed=1)
    padded_noisy[1, :NUM_BARS], padded_level[1, :NUM_BARS] = noisy[0], level[0]
    padded = network(padded_noisy, padded_level, padded_conditions)
    torch.testing.assert_close(padded[1, :NUM_BARS], network(noisy, level, conditions)[0], rtol=1e-4, atol=1e-5)
    assert torch.isfinite(padded).all()


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
    noisy, *told = inputs_of(FORM)
    network(noisy, *told, torch.randn_like(noisy)).square().mean().backward()
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


@pytest.mark.parametrize("layer", range(TINY_SONG_DIT.num_layers))
@torch.inference_mode()
def test_a_network_without_one_of_its_layers_is_that_network(network, layer):
    noisy, level, conditions = inputs_of(FORM)
    told, weakened = network.with_weakened(noisy, level, conditions, None, layer)
    assert torch.equal(told, network(noisy, level, conditions))
    without = copy.deepcopy(network)
    without.blocks[layer].forward = lambda x, *_: x
    assert torch.equal(weakened, without(noisy, level, conditions))
