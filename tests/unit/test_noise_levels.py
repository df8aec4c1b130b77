"""Which cells of a training song are noisy, and how much: in the shares asked for, and never none at all."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from phraseloom.form import parse_form
from phraseloom.models.conditions import SongConditions, collate_conditions, song_conditions
from phraseloom.training.noise_levels import draw_cell_levels, draw_regions

NUM_SLOTS, NUM_BARS = 3, 16
SECTION_BARS = (slice(0, 4), slice(4, 6), slice(6, 10))


def conditions_of(num_songs: int, form: str = "A4 B2 A4") -> SongConditions:
    told = song_conditions(parse_form(form), NUM_SLOTS, tempo_bpm=None, mode=None)
    return collate_conditions([told] * num_songs, NUM_BARS)


def levels(num_songs: int, *, region: float = 0.0, independent: float = 0.0, shift: float = 1.0) -> Tensor:
    """Of songs of 10 bars in 16, what is behind their end cut off."""
    torch.manual_seed(0)
    drawn = draw_cell_levels(
        conditions_of(num_songs), NUM_SLOTS, region_share=region, independent_share=independent, shift=shift
    )
    assert drawn.shape == (num_songs, NUM_BARS, NUM_SLOTS)
    return drawn[:, :10]


def is_of_one_level(drawn: Tensor) -> Tensor:
    """`[b]` bool."""
    return (drawn == drawn[:, :1, :1]).all(dim=(1, 2))


def test_a_song_has_one_level_as_a_rule() -> None:
    drawn = levels(500)
    assert is_of_one_level(drawn).all()
    assert len(drawn[:, 0, 0].unique()) > 490
    assert ((drawn > 0) & (drawn < 1)).all()


def test_levels_move_towards_noise() -> None:
    drawn = [levels(500, shift=shift)[:, 0, 0] for shift in (1.0, 3.0)]
    assert (drawn[1] > drawn[0]).all()
    torch.testing.assert_close(drawn[1], 3 * drawn[0] / (1 + 2 * drawn[0]))


def test_of_some_songs_a_region_is_noisy_at_one_level_and_the_rest_known() -> None:
    drawn = levels(500, region=1.0)
    most = drawn.amax(dim=(1, 2))[:, None, None]
    assert ((drawn == 0) | (drawn == most)).all()
    assert (most > 0).all()
    assert (drawn == 0).any(dim=(1, 2)).double().mean() > 0.8


def test_of_some_songs_every_slot_of_every_section_has_its_own_level() -> None:
    drawn = levels(200, independent=1.0)
    firsts = []
    for bars in SECTION_BARS:
        assert torch.equal(drawn[:, bars], drawn[:, bars][:, :1].expand_as(drawn[:, bars]))
        firsts.append(drawn[:, bars.start])
    of_song = torch.cat(firsts, dim=1)
    assert of_song.shape == (200, 3 * NUM_SLOTS)
    assert len(of_song.unique()) == of_song.numel()
    assert ((of_song > 0) & (of_song < 1)).all()


@pytest.mark.parametrize(("region", "independent"), [(0.3, 0.1), (0.0, 0.4), (0.5, 0.5)])
def test_the_ways_have_the_shares_asked_for(region: float, independent: float) -> None:
    drawn = levels(4000, region=region, independent=independent)
    is_independent = drawn[:, 0, 0] != drawn[:, 4, 0]
    is_independent &= (drawn > 0).all(dim=(1, 2))
    is_uniform = is_of_one_level(drawn)
    whole_regions = region * 0.06  # a region may be the whole song: few are
    assert float(is_independent.double().mean()) == pytest.approx(independent, abs=0.03)
    assert float(is_uniform.double().mean()) == pytest.approx(1 - region - independent + whole_regions, abs=0.04)


@pytest.mark.parametrize("form", ["A1", "A2", "A4 B2 A4", "A16"])
def test_a_region_is_bars_times_slots_and_never_behind_the_end_only(form: str) -> None:
    torch.manual_seed(0)
    conditions = conditions_of(1000, form)
    regions = draw_regions(conditions, NUM_SLOTS) & conditions.is_bar[..., None]
    bars, slots = regions.any(dim=2), regions.any(dim=1)
    assert torch.equal(regions, bars[..., None] & slots[:, None])
    assert regions.any(dim=(1, 2)).all()
    starts = bars & ~torch.nn.functional.pad(bars, (1, 0))[:, :-1]
    assert (starts.sum(dim=1) == 1).all(), "the bars of a region are a single run"


def test_regions_are_of_three_kinds() -> None:
    torch.manual_seed(0)
    regions = draw_regions(conditions_of(3000), NUM_SLOTS)[:, :10]
    all_bars, all_slots = regions.any(dim=2).all(dim=1), regions.any(dim=1).all(dim=1)
    # a third each, less or more what a run of all bars and a draw of all slots, rare, put in with the others
    assert float((~all_bars & all_slots).double().mean()) == pytest.approx(1 / 3, abs=0.06)
    assert float((all_bars & ~all_slots).double().mean()) == pytest.approx(1 / 3, abs=0.06)
    assert float((~all_bars & ~all_slots).double().mean()) == pytest.approx(1 / 3, abs=0.06)


def test_every_bar_and_slot_is_in_a_region_at_times_and_at_times_not() -> None:
    torch.manual_seed(0)
    share = draw_regions(conditions_of(3000), NUM_SLOTS)[:, :10].double().mean(dim=0)
    assert share.min() > 0.2
    assert share.max() < 0.8
