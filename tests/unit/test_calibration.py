"""What is given back to predictions, where truth is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from phraseloom.diffusion.calibration import calibrated, leaning, share_at
from phraseloom.diffusion.flow import corrupt
from phraseloom.models.conditions import SongConditions
from phraseloom.training.calibrating import fitted_calibration
from phraseloom.training.songs import LatentSong
from support.songs import make_song

STRENGTH = 0.5


class TooTimid(nn.Module):
    """The best prediction of Gaussian latents, less a share of what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.somewhere = nn.Parameter(torch.zeros(()))

    def forward(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None = None) -> Tensor:
        return best_prediction(noisy, level) - share_at(level, STRENGTH)[..., None] * noisy


def best_prediction(noisy: Tensor, level: Tensor) -> Tensor:
    level = level[..., None]
    return (1 - level) / ((1 - level).square() + level.square()) * noisy


def test_the_share_worked_by_hand():
    torch.testing.assert_close(share_at(torch.tensor([0.0, 0.5, 1.0]), 2.0), torch.tensor([0.0, 0.25, 0.0]))


def test_a_cell_worked_by_hand():
    """At level 0.5 an eighth of the noisy latents is added, for a strength of 1."""
    noisy, predicted, level = torch.tensor([[[[8.0, -4.0]]]]), torch.tensor([[[[1.0, 1.0]]]]), torch.tensor([[[0.5]]])
    assert calibrated(predicted, noisy, level, 1.0).flatten().tolist() == [2.0, 0.5]
    left, taken = leaning(torch.tensor([[[[2.0, 1.0]]]]), predicted, noisy, level)
    assert left.item() == (1 * 8 + 0 * -4) / 2
    assert taken.item() == 0.125 * (64 + 16) / 2


def test_known_cells_stay():
    noisy = torch.randn(1, 2, 3, 4)
    assert torch.equal(calibrated(noisy, noisy, torch.zeros(1, 2, 3), 0.7), noisy)


def test_the_best_prediction_leaves_nothing():
    torch.manual_seed(0)
    clean, level = torch.randn(8, 64, 3, 64), torch.full((8, 64, 3), 0.6)
    noisy = corrupt(clean, torch.randn_like(clean), level)
    left, taken = leaning(clean, best_prediction(noisy, level), noisy, level)
    assert float(left.sum() / taken.sum()) == pytest.approx(0, abs=0.05)


def test_the_fit_finds_what_is_missing():
    scores = [make_song(seed) for seed in range(3)]
    generator = torch.Generator().manual_seed(0)
    songs = [LatentSong.of(score, torch.randn(score.num_bars, 3, 64, generator=generator).numpy()) for score in scores]
    songs = [song for song in songs for _ in range(12)]
    assert fitted_calibration(TooTimid(), songs, 512) == pytest.approx(STRENGTH, abs=0.1)
