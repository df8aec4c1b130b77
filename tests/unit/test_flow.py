"""Flow matching: identities of the straight path, and losses worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.diffusion.flow import MIN_LEVEL, corrupt, draw_levels, shifted, velocity, velocity_error

shifts = st.floats(0.1, 10)
inner_levels = st.floats(0.01, 0.99)
CPU = torch.device("cpu")


def level_of(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def test_a_shift_of_3_moves_a_half_to_three_quarters():
    assert shifted(level_of(0.5), 3.0) == pytest.approx(0.75)


@given(shifts)
def test_shifts_leave_clean_and_noise_where_they_are(shift):
    assert shifted(torch.tensor([0.0, 1.0]), shift).tolist() == [0, 1]


@given(inner_levels, shifts)
def test_a_shift_multiplies_the_ratio_of_noise_to_clean(value, shift):
    level = shifted(level_of(value), shift)
    torch.testing.assert_close(level / (1 - level), level_of(shift * value / (1 - value)))


@given(inner_levels, shifts)
def test_a_shift_and_its_inverse_undo_each_other(value, shift):
    torch.testing.assert_close(shifted(shifted(level_of(value), shift), 1 / shift), level_of(value))


@pytest.mark.parametrize("shift", [0.5, 1.0, 1.9])
def test_drawn_levels_are_logit_normal_around_the_logarithm_of_the_shift(shift):
    torch.manual_seed(0)
    levels = draw_levels(20_000, shift, CPU)
    assert levels.shape == (20_000,)
    assert ((levels > 0) & (levels < 1)).all()
    logits = levels.logit()
    assert float(logits.mean()) == pytest.approx(math.log(shift), abs=0.03)
    assert float(logits.std()) == pytest.approx(1, abs=0.03)


def test_more_shift_is_more_noise():
    torch.manual_seed(0)
    less = draw_levels(100, 1.0, CPU)
    torch.manual_seed(0)
    assert (draw_levels(100, 1.9, CPU) > less).all()


def test_every_cell_is_as_noisy_as_its_level_says():
    clean, noise = torch.full((1, 1, 3, 2), 10.0), torch.full((1, 1, 3, 2), -2.0)
    noisy = corrupt(clean, noise, torch.tensor([[[0.0, 0.25, 1.0]]]))
    assert noisy.tolist() == [[[[10, 10], [7, 7], [-2, -2]]]]


def test_velocity_is_noise_less_clean_at_every_level():
    torch.manual_seed(0)
    clean, noise = torch.randn(2, 2, 5, 3, 4, dtype=torch.float64)
    level = torch.rand(2, 5, 3, dtype=torch.float64) * 0.9 + 0.1
    torch.testing.assert_close(velocity(corrupt(clean, noise, level), clean, level), noise - clean)


def test_where_nothing_is_noisy_nothing_flows():
    noisy, clean = torch.tensor([[3.0, 1.0], [3.0, 1.0]]), torch.tensor([[3.0, 1.0], [1.0, 2.0]])
    assert velocity(noisy, clean, torch.zeros(2)).tolist() == [[0, 0], [0, 0]]
    assert velocity(noisy, clean, torch.tensor([0.0, 0.5])).tolist() == [[0, 0], [4, -2]]


def test_the_error_is_that_of_the_velocity_which_the_prediction_implies():
    torch.manual_seed(0)
    clean, noise, predicted = torch.randn(3, 2, 5, 3, 4, dtype=torch.float64)
    level = torch.rand(2, 5, 3, dtype=torch.float64) * (1 - MIN_LEVEL) + MIN_LEVEL
    noisy = corrupt(clean, noise, level)
    expected = (velocity(noisy, predicted, level) - (noise - clean)).square().mean(dim=-1)
    torch.testing.assert_close(velocity_error(predicted, clean, level), expected)


def test_the_error_worked_by_hand():
    """Misses of 3 and 4 are 12.5 in the mean square; the level's square divides, 0.05 being the least."""
    clean = torch.zeros(4, 2)
    predicted = torch.tensor([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [0.0, 0.0]])
    level = torch.tensor([1.0, 0.5, 0.001, 0.5])
    torch.testing.assert_close(velocity_error(predicted, clean, level), torch.tensor([12.5, 50.0, 5000.0, 0.0]))
