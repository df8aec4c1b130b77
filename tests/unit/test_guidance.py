"""Guidance: how far, in which direction, and where none is asked for at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor

from phraseloom.diffusion.guidance import Guidance, guided
from phraseloom.form import parse_form
from phraseloom.harmony import parse_chord
from phraseloom.models.conditions import SongConditions, chord_numbers, collate_conditions, song_conditions
from phraseloom.models.song_dit import SongDiT
from phraseloom.texture import Aspect
from support.networks import TINY_SONG_DIT, tiny_song_dit

NUM_BARS, NUM_SLOTS = 6, TINY_SONG_DIT.num_slots


@pytest.fixture(scope="module")
def network() -> SongDiT:
    return tiny_song_dit()


@pytest.fixture(scope="module")
def conditions() -> SongConditions:
    told = song_conditions(
        parse_form("A4 B2"),
        NUM_SLOTS,
        tempo_bpm=96,
        mode="minor",
        sounds=np.full((NUM_BARS, NUM_SLOTS), 2),
        is_repeated=np.zeros((NUM_BARS, NUM_SLOTS), bool),
        texture=np.full((NUM_BARS, NUM_SLOTS, len(Aspect)), 5),
        shared_noise=0.5,
        chords=chord_numbers([parse_chord("Am")] * 4 * NUM_BARS),
    )
    return collate_conditions([told], NUM_BARS)


def noisy() -> Tensor:
    return torch.randn(1, NUM_BARS, NUM_SLOTS, TINY_SONG_DIT.latent_size, generator=torch.Generator().manual_seed(0))


def level_of(value: float) -> Tensor:
    return torch.full((1, NUM_BARS, NUM_SLOTS), value)


@contextmanager
def evaluations(network: SongDiT) -> Iterator[list[int]]:
    """The batch size of every evaluation of the network, as they happen."""
    batch_sizes: list[int] = []
    hook = network.register_forward_pre_hook(lambda _, inputs: batch_sizes.append(len(inputs[0])))
    yield batch_sizes
    hook.remove()


@pytest.mark.parametrize(
    ("guidance", "level", "batch_size"),
    [
        (Guidance(), 0.5, 1),
        (Guidance(scale=2.0), 0.5, 2),
        (Guidance(scale=2.0), 0.95, 1),
        (Guidance(scale=2.0), 0.1, 1),
        (Guidance(2.0, lowest_level=0.0, highest_level=1.0), 1.0, 2),
    ],
)
@torch.inference_mode()
def test_only_a_scale_other_than_1_at_a_middle_level_costs_something(
    network, conditions, guidance, level, batch_size
) -> None:
    with evaluations(network) as batch_sizes:
        predicted = guided(network, noisy(), level_of(level), conditions, guidance)
    assert batch_sizes == [batch_size]
    assert torch.equal(predicted, network(noisy(), level_of(level), conditions)) == (batch_size == 1)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
@torch.inference_mode()
def test_the_prediction_moves_from_the_one_that_is_not_told_the_chords(network, conditions, scale) -> None:
    level = level_of(0.5)
    free = conditions.without("chords", torch.tensor([True]))
    told, untold = network(noisy(), level, conditions), network(noisy(), level, free)
    assert not torch.allclose(told, untold, atol=1e-3)
    predicted = guided(network, noisy(), level, conditions, Guidance(scale))
    torch.testing.assert_close(predicted, untold + scale * (told - untold), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_cells_that_are_known_are_left_alone_and_do_not_hide_the_level_of_the_others(network, conditions) -> None:
    level = level_of(0.0)
    level[:, 2:4] = 0.5
    with evaluations(network) as batch_sizes:
        predicted = guided(network, noisy(), level, conditions, Guidance(scale=2.0))
    assert batch_sizes == [2]
    torch.testing.assert_close(predicted[level == 0], noisy()[level == 0])
    assert not torch.allclose(predicted[level > 0], noisy()[level > 0], atol=1e-3)


@torch.inference_mode()
def test_without_chords_nothing_is_guided(network, conditions) -> None:
    free = conditions.without("chords", torch.tensor([True]))
    with evaluations(network) as batch_sizes:
        guided(network, noisy(), level_of(0.5), free, Guidance(scale=2.0))
    assert batch_sizes == [1]


@torch.inference_mode()
def test_a_guess_is_shown_with_the_chords_and_without(network, conditions) -> None:
    level, guess = level_of(0.5), torch.randn(noisy().shape, generator=torch.Generator().manual_seed(5))
    free = conditions.without("chords", torch.tensor([True]))
    told, untold = (network(noisy(), level, each, guess) for each in (conditions, free))
    predicted = guided(network, noisy(), level, conditions, Guidance(2.0), guess)
    torch.testing.assert_close(predicted, untold + 2 * (told - untold), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(predicted, guided(network, noisy(), level, conditions, Guidance(2.0)), atol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@torch.inference_mode()
def test_sharpening_moves_on_from_the_network_without_its_last_layer_but_one(network, conditions, scale) -> None:
    level = level_of(0.5)
    told, weaker = network.with_weakened(noisy(), level, conditions, None, len(network.blocks) - 2)
    assert not torch.allclose(told, weaker, atol=1e-3)
    only_guided = guided(network, noisy(), level, conditions, Guidance(scale))
    predicted = guided(network, noisy(), level, conditions, Guidance(scale, sharpness=0.5))
    torch.testing.assert_close(predicted, only_guided + 0.5 * (told - weaker), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("level", [0.1, 0.95])
@torch.inference_mode()
def test_nothing_is_sharpened_outside_of_the_interval(network, conditions, level) -> None:
    predicted = guided(network, noisy(), level_of(level), conditions, Guidance(sharpness=0.5))
    assert torch.equal(predicted, network(noisy(), level_of(level), conditions))


@torch.inference_mode()
def test_songs_without_chords_are_sharpened_too(network, conditions) -> None:
    free = conditions.without("chords", torch.tensor([True]))
    plain = guided(network, noisy(), level_of(0.5), free, Guidance())
    predicted = guided(network, noisy(), level_of(0.5), free, Guidance(scale=2.0, sharpness=0.5))
    assert not torch.allclose(predicted, plain, atol=1e-3)


@torch.inference_mode()
def test_known_cells_are_not_sharpened(network, conditions) -> None:
    level = level_of(0.0)
    level[:, 2:4] = 0.5
    predicted = guided(network, noisy(), level, conditions, Guidance(sharpness=0.5))
    torch.testing.assert_close(predicted[level == 0], noisy()[level == 0])
