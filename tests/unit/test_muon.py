"""The Muon optimiser: the steps of torch's own, for all matrices of one shape at once."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from phraseloom.training import muon
from phraseloom.training.muon import Muon, orthogonalised

SHAPES = ((24, 8), (8, 24), (16, 16), (24, 8), (16, 16), (1, 12))
"""Tall, wide and square ones, some of them twice."""
LEARNING_RATE = 0.05


def matrices(seed: int = 0) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def weights_of(own: list[nn.Parameter]) -> list[Tensor]:
    return [matrix.detach().clone() for matrix in own]


def take_steps(optimiser: torch.optim.Optimizer, own: list[nn.Parameter], steps: range) -> None:
    """Steps along gradients that are the same for every optimiser: those of the step's number."""
    for step in steps:
        for matrix, gradient in zip(own, matrices(1000 + step), strict=True):
            matrix.grad = gradient.detach()
        optimiser.step()


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_steps_are_those_of_torch_s_muon(weight_decay):
    """As far as they can be: torch computes in bfloat16. The differences are measured against the way gone."""
    start, own, theirs = weights_of(matrices()), matrices(), matrices()
    torch_s = torch.optim.Muon(theirs, lr=LEARNING_RATE, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    take_steps(Muon(own, lr=LEARNING_RATE, weight_decay=weight_decay), own, range(6))
    take_steps(torch_s, theirs, range(6))
    for before, one, other in zip(start, weights_of(own), weights_of(theirs), strict=True):
        assert (one - other).norm() < 0.05 * (other - before).norm()


def test_a_matrix_without_gradient_stays_as_it_is():
    own = matrices()
    before = weights_of(own)
    optimiser = Muon(own, lr=LEARNING_RATE, weight_decay=0.5)
    for matrix in own[1:]:
        matrix.grad = torch.ones_like(matrix)
    optimiser.step()
    assert torch.equal(own[0], before[0])
    assert not any(torch.equal(matrix, old) for matrix, old in zip(own[1:], before[1:], strict=True))
    assert own[0] not in optimiser.state


def test_matrices_of_one_shape_do_not_mix():
    """Each is moved as it would be alone."""
    together, alone = matrices(), matrices()
    take_steps(Muon(together, lr=LEARNING_RATE, weight_decay=0.1), together, range(3))
    for index in range(len(alone)):
        own = matrices()
        optimiser = Muon([own[index]], lr=LEARNING_RATE, weight_decay=0.1)
        take_steps(optimiser, own, range(3))
        torch.testing.assert_close(own[index], together[index], rtol=1e-4, atol=1e-5)


def test_weights_decay_by_the_learning_rate_whatever_their_gradient():
    own = matrices()
    before = weights_of(own)
    for matrix in own:
        matrix.grad = torch.zeros_like(matrix)
    Muon(own, lr=0.1, weight_decay=0.5).step()
    for matrix, old in zip(own, before, strict=True):
        torch.testing.assert_close(matrix.detach(), 0.95 * old)


def test_groups_have_a_learning_rate_and_a_decay_of_their_own():
    own = matrices()
    before = weights_of(own)
    groups = [{"params": own[:3]}, {"params": own[3:], "lr": 0.0}]
    take_steps(Muon(groups, lr=LEARNING_RATE, weight_decay=0.1), own, range(2))
    assert [torch.equal(matrix, old) for matrix, old in zip(own, before, strict=True)] == [False] * 3 + [True] * 3


def test_a_run_goes_on_from_its_state_to_the_same_weights():
    own = matrices()
    optimiser = Muon(own, lr=LEARNING_RATE, weight_decay=0.1)
    take_steps(optimiser, own, range(3))
    resumed = [nn.Parameter(weights) for weights in weights_of(own)]
    other = Muon(resumed, lr=1.0, weight_decay=0.0)
    other.load_state_dict(deepcopy(optimiser.state_dict()))  # as from a file, with buffers of its own
    take_steps(optimiser, own, range(3, 6))
    take_steps(other, resumed, range(3, 6))
    assert all(torch.equal(one, another) for one, another in zip(own, resumed, strict=True))


@pytest.mark.parametrize("shape", [(5, 32, 8), (5, 8, 32), (1, 64, 16), (2, 1, 12)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(("in_bfloat16", "tolerance"), [(False, 1e-4), (True, 0.05)])
def test_singular_values_end_near_one_and_their_vectors_stay(monkeypatch, shape, size, in_bfloat16, tolerance):
    monkeypatch.setattr(muon, "prefers_bfloat16", lambda device_type: in_bfloat16)
    stack = size * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    result = orthogonalised(stack).float()
    assert result.shape == shape
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, vh = torch.linalg.svd(stack, full_matrices=False)
    in_their_axes = u.mT @ result @ vh.mT
    torch.testing.assert_close(
        in_their_axes, torch.diag_embed(in_their_axes.diagonal(dim1=1, dim2=2)), atol=tolerance, rtol=0
    )


def test_nothing_stays_nothing():
    assert not orthogonalised(torch.zeros(2, 4, 3)).any()
