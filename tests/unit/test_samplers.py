"""Samplers against truth: where the data are Gaussian, the best denoiser and the exact flow are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from phraseloom.diffusion.samplers import SampleState, cell_levels, euler, level_grid

MEAN, DEVIATION = 0.7, 0.4
SHAPE = (2, 3, 2, 4)
STEPS = (32, 64, 128, 256)


def gaussian_denoiser(noisy: Tensor, level: Tensor) -> Tensor:
    """Posterior mean of data N(MEAN, DEVIATION^2) at its noisy value, by the rule for jointly normal variables."""
    level = level[..., None]
    variance = (1 - level) ** 2 * DEVIATION**2 + level**2
    return MEAN + (1 - level) * DEVIATION**2 / variance * (noisy - (1 - level) * MEAN)


def exact_flow(noise: Tensor) -> Tensor:
    """Where the flow of that data ends: each noisy value keeps its distance from the mean in standard deviations."""
    return MEAN + DEVIATION * noise


def some_noise() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def last_of(states: Iterator[SampleState]) -> SampleState:
    *_, last = states
    return last


def error_of(num_steps: int, shift: float) -> float:
    noise = some_noise()
    levels = level_grid(num_steps, shift).double()
    sampled = last_of(euler(gaussian_denoiser, noise, levels)).latents
    return float((sampled - exact_flow(noise)).square().mean().sqrt())


class Witness:
    """A denoiser of one point that remembers at which levels it was asked."""

    def __init__(self, point: Tensor) -> None:
        self.point = point
        self.levels: list[Tensor] = []

    def __call__(self, noisy: Tensor, level: Tensor) -> Tensor:
        self.levels.append(level)
        return self.point


@pytest.mark.parametrize("shift", [1.0, 1.9])
def test_errors_fall_with_the_number_of_steps(shift):
    errors = [error_of(num_steps, shift) for num_steps in STEPS]
    slope, _ = np.polyfit(np.log(STEPS), np.log(errors), 1)
    assert slope == pytest.approx(-1, abs=0.1)


def test_many_steps_reach_the_exact_flow():
    assert error_of(256, 1.9) < 5e-3


@given(num_steps=st.integers(1, 40), shift=st.floats(0.3, 5))
def test_one_point_is_reached_on_a_straight_line(num_steps, shift):
    """All paths to a single point are straight, and a first-order method already follows those exactly."""
    noise, point = some_noise(), torch.arange(4.0, dtype=torch.float64).expand(SHAPE)
    levels = level_grid(num_steps, shift).double()
    states = list(euler(Witness(point), noise, levels))
    for state, level in zip(states, levels[1:], strict=True):
        torch.testing.assert_close(state.latents, (1 - level) * point + level * noise, rtol=0, atol=1e-9)
    torch.testing.assert_close(states[-1].latents, point, rtol=0, atol=1e-9)


def test_an_euler_step_worked_by_hand():
    """From 2 at level 1 to level 0.75, clean seen as -1: the velocity is 3, so a quarter of it is taken back."""
    state = next(euler(lambda noisy, level: -torch.ones_like(noisy), torch.full((1, 1, 1, 1), 2.0), levels_of(1, 0.75)))
    assert state.latents.item() == pytest.approx(1.25)
    assert state.predicted.item() == -1


def test_a_projected_step_worked_by_hand():
    """Seen as -1, so the noise in 2 at level 1 is 2; behind 0.75 there is only half of the clean value's projection."""
    levels = torch.tensor([1, 0.75, 0.5]).reshape(3, 1, 1, 1, 1).expand(3, 1, 1, 2, 1).squeeze(-1).clone()
    levels[:, ..., 1] = 0.5  # waits until the other is there
    states = euler(
        lambda noisy, level: -torch.ones_like(noisy),
        torch.full((1, 1, 2, 1), 2.0),
        levels,
        project=lambda clean, level: 10 * clean,
        project_below=(0.6, 0.4),
    )
    first, second = (state.latents.flatten().tolist() for state in states)
    assert first == pytest.approx([0.25 * -1 + 0.75 * 2, 2])
    assert second == pytest.approx([0.5 * -10, 2])


def test_marks_above_the_first_level_count_at_the_first_step():
    projected_at = []

    def project(clean, level):
        projected_at.append(round(level.max().item(), 3))
        return torch.zeros_like(clean)

    for _ in euler(
        gaussian_denoiser, some_noise(), levels_of(0.3, 0.2, 0.1, 0), project=project, project_below=(0.6, 0.4)
    ):
        pass
    assert projected_at == [0.3]


def test_what_comes_last_is_not_projected():
    states = [
        last_of(euler(gaussian_denoiser, some_noise(), levels_of(0.3, 0), project=project, project_below=(0.4,)))
        for project in (None, lambda clean, level: torch.zeros_like(clean))
    ]
    assert torch.equal(states[0].latents, states[1].latents)


def levels_of(*values: float | list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def test_each_step_is_yielded_with_its_number():
    states = list(euler(gaussian_denoiser, some_noise(), level_grid(5, 1.0).double()))
    assert [state.step for state in states] == [1, 2, 3, 4, 5]
    assert {state.latents.shape for state in states} == {state.predicted.shape for state in states} == {SHAPE}


def test_the_network_is_asked_once_a_step():
    witness = Witness(torch.zeros(SHAPE, dtype=torch.float64))
    last_of(euler(witness, some_noise(), level_grid(4, 1.0).double()))
    assert {level.shape for level in witness.levels} == {SHAPE[:-1]}
    assert [level.unique().tolist() for level in witness.levels] == [[value] for value in (1, 0.75, 0.5, 0.25)]


def test_sampling_can_be_stopped_between_steps():
    witness = Witness(torch.zeros(SHAPE, dtype=torch.float64))
    states = euler(witness, some_noise(), level_grid(100, 1.0).double())
    assert witness.levels == []
    next(states)
    states.close()
    assert len(witness.levels) == 1
    assert list(states) == []


def test_the_noise_given_is_left_as_it_is():
    noise = some_noise()
    last_of(euler(gaussian_denoiser, noise, level_grid(3, 1.0).double()))
    assert torch.equal(noise, some_noise())


@given(st.integers(1, 1000), st.floats(0.1, 10))
def test_levels_fall_from_noise_to_clean(num_steps, shift):
    levels = level_grid(num_steps, shift)
    assert levels.shape == (num_steps + 1,)
    assert (levels[0], levels[-1]) == (1, 0)
    assert (levels.diff() < 0).all()


def test_without_a_shift_levels_are_evenly_spaced():
    torch.testing.assert_close(level_grid(4, 1.0), levels_of(1, 0.75, 0.5, 0.25, 0))
    torch.testing.assert_close(level_grid(4, 1.0, 0.6), levels_of(0.6, 0.5, 0.25, 0))
    torch.testing.assert_close(level_grid(4, 1.0, 0.5), levels_of(0.5, 0.25, 0))


def test_a_shift_makes_steps_smaller_where_there_is_much_noise():
    assert (level_grid(20, 1.9).diff().diff() < 0).all()


def starts() -> Tensor:
    """Levels for the cells of `SHAPE`: of every song one slot that is known and one that starts in between."""
    start = torch.ones(SHAPE[:-1], dtype=torch.float64)
    start[:, 1, 0], start[:, 2, 1] = 0.0, 0.4
    return start


def test_no_cell_is_noisier_than_where_it_starts():
    levels = cell_levels(levels_of(1, 0.5, 0.25, 0), levels_of(0, 0.3, 1)[None, None])
    expected = levels_of([0, 0.3, 1], [0, 0.3, 0.5], [0, 0.25, 0.25], [0, 0, 0])
    torch.testing.assert_close(levels[:, 0, 0], expected)
    assert levels.shape == (4, 1, 1, 3)


@given(num_steps=st.integers(1, 12), shift=st.floats(0.5, 3))
def test_known_cells_stay_to_the_last_bit_and_every_other_one_reaches_its_point(num_steps, shift):
    noise, point = some_noise(), torch.arange(4.0, dtype=torch.float64).expand(SHAPE)
    levels = cell_levels(level_grid(num_steps, shift).double(), starts())
    clean = torch.where(starts()[..., None] > 0, point, 7.5)
    noisy = (1 - levels[0, ..., None]) * clean + levels[0, ..., None] * noise
    for state in euler(Witness(point), noisy, levels):
        assert (state.latents[:, 1, 0] == 7.5).all()
    torch.testing.assert_close(state.latents, clean, rtol=0, atol=1e-9)


def test_cells_that_start_in_between_follow_the_exact_flow_from_there():
    levels = cell_levels(level_grid(256, 1.9).double(), starts())
    noisy, start = some_noise(), starts()[..., None]
    deviation = ((1 - start) ** 2 * DEVIATION**2 + start**2).sqrt()
    exact = MEAN + DEVIATION * (noisy - (1 - start) * MEAN) / deviation
    exact = torch.where(start > 0, exact, noisy)
    torch.testing.assert_close(last_of(euler(gaussian_denoiser, noisy, levels)).latents, exact, rtol=0, atol=2e-2)


def test_the_network_is_told_the_level_of_every_cell():
    witness = Witness(torch.zeros(SHAPE, dtype=torch.float64))
    levels = cell_levels(level_grid(2, 1.0).double(), starts())
    last_of(euler(witness, some_noise(), levels))
    assert torch.equal(witness.levels[0], starts())
    assert torch.equal(witness.levels[-1], starts().clamp(max=0.5))
