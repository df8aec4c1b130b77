"""Tied cells: one noise, one latent, and equal to the last bit all the way through a solver."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from phraseloom.diffusion.samplers import Denoiser, euler, level_grid
from phraseloom.diffusion.ties import partly_shared, shared, tied_mean

OWNERS = torch.tensor([[[0, 0], [1, 1], [0, 2], [3, 1], [0, 4]]])
"""Five bars of two slots: bars 2 and 4 hold the first slot of bar 0, bar 3 the second slot of bar 1."""

ALONE = torch.arange(5)[:, None].expand(5, 2)[None]


def cells() -> Tensor:
    return torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0], [8.0, 50.0]]])[..., None]


def test_shared_cells_are_their_owner_s() -> None:
    assert shared(cells(), OWNERS)[0, ..., 0].tolist() == [[1, 10], [2, 20], [1, 30], [4, 20], [1, 50]]


def test_the_mean_is_of_the_cells_with_one_owner() -> None:
    assert tied_mean(cells(), OWNERS)[0, ..., 0].tolist() == [[4, 10], [2, 30], [4, 30], [4, 30], [4, 50]]


def test_songs_and_dimensions_of_a_latent_have_nothing_to_do_with_each_other() -> None:
    first, second = torch.randn(2, 1, 5, 2, 3, generator=torch.Generator().manual_seed(0))
    both, owners = torch.cat([first, second]), torch.cat([OWNERS, ALONE])
    for tie in (shared, tied_mean):
        assert torch.equal(tie(both, owners), torch.cat([tie(first, OWNERS), second]))
        assert torch.equal(tie(both, owners)[..., 1:2], tie(both[..., 1:2], owners))


@pytest.mark.parametrize("tie", [shared, tied_mean])
def test_cells_that_stand_alone_stay_as_they_are(tie) -> None:
    latents = torch.randn(1, 5, 2, 8)
    assert torch.equal(tie(latents, ALONE), latents)


def test_gradients_of_a_mean_go_to_all_that_it_is_of() -> None:
    latents = cells().requires_grad_()
    tied_mean(latents, OWNERS)[0, 0, 0].sum().backward()
    assert latents.grad is not None
    torch.testing.assert_close(latents.grad[0, :, 0, 0], torch.tensor([1 / 3, 0, 1 / 3, 0, 1 / 3]))


def test_tied_cells_stay_equal_to_the_last_bit() -> None:
    """The network here tells every cell something else."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(1, 5, 2, 8, generator=generator)
    denoise: Denoiser = lambda noisy, level: tied_mean(target + noisy.sin(), OWNERS)  # noqa: E731
    noise = shared(torch.randn(target.shape, generator=generator), OWNERS)
    for state in euler(denoise, noise, level_grid(7, 1.9)):
        assert torch.equal(state.latents, shared(state.latents, OWNERS))
        assert not torch.equal(state.latents[0, 0], state.latents[0, 1])


GROUPS_OF_BARS = torch.tensor([[0, 1, 0, 1, 4]])
"""Bars 2 and 3 belong to bars 0 and 1; bar 4 is alone."""


def test_noise_is_partly_shared_worked_by_hand() -> None:
    """A quarter of the variance is common: half of the amplitude, and the root of three quarters of the rest."""
    own, common = cells(), -cells()
    noise = partly_shared(own, common, GROUPS_OF_BARS, torch.full((1, 5, 2), 0.25))[0, ..., 0]
    rest = 0.75**0.5
    expected = torch.tensor([
        [rest * 1 - 0.5, rest * 10 - 5],
        [rest * 2 - 1, rest * 20 - 10],
        [rest * 3 - 0.5, rest * 30 - 5],
        [rest * 4 - 1, rest * 40 - 10],
        [rest * 8 - 4, rest * 50 - 25],
    ])  # fmt: skip
    torch.testing.assert_close(noise, expected)


def test_bars_share_none_of_their_noise_or_all_of_it() -> None:
    own, common = torch.randn(2, 2, 5, 2, 3, generator=torch.Generator().manual_seed(0))
    noise = partly_shared(
        own, common, GROUPS_OF_BARS.expand(2, 5), torch.tensor([0.0, 1.0])[:, None, None].expand(2, 5, 2)
    )
    assert torch.equal(noise[0], own[0])
    assert torch.equal(noise[1], common[1][[0, 1, 0, 1, 4]])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_noise_keeps_its_variance_however_much_of_it_is_shared(share: float) -> None:
    own, common = torch.randn(2, 2000, 5, 2, 8, generator=torch.Generator().manual_seed(0))
    noise = partly_shared(own, common, GROUPS_OF_BARS.expand(2000, 5), torch.full((2000, 5, 2), share))
    torch.testing.assert_close(noise.var(dim=(0, 2, 3)), torch.ones(5), rtol=0, atol=0.03)
    correlation = torch.einsum("bnsz,bmsz->nm", noise, noise) / (2000 * 2 * 8)
    expected = share * (GROUPS_OF_BARS[0, :, None] == GROUPS_OF_BARS[0]) + (1 - share) * torch.eye(5)
    torch.testing.assert_close(correlation, expected, rtol=0, atol=0.03)
