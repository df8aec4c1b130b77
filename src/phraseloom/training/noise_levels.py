"""Which cells of a training song are noisy, and how much.

A network that has only seen songs of one noise level can do nothing with bars that are kept. So the levels of a batch
are drawn in three ways: one for the whole song; one for a region, the rest clean and thereby known; and one for every
slot of every section (a noise level for each token: Chen et al., "Diffusion Forcing", arXiv 2407.01392).

Letters in shapes: b songs, n bars, s slots.
"""

from __future__ import annotations

import torch
from torch import Tensor

from phraseloom.diffusion.flow import draw_levels
from phraseloom.models.conditions import SongConditions

MAX_SECTIONS = 128


def draw_cell_levels(
    conditions: SongConditions, num_slots: int, *, region_share: float, independent_share: float, shift: float
) -> Tensor:
    """`[b, n, s]` levels.

    Args:
        region_share: share of the songs of which a region is noisy and the rest known.
        independent_share: share of the songs whose sections and slots have levels of their own.
    """
    b, n = conditions.is_bar.shape
    device = conditions.is_bar.device
    way = torch.rand(b, 1, 1, device=device)
    uniform = draw_levels(b, shift, device)[:, None, None].expand(b, n, num_slots)
    of_sections = draw_levels(b * MAX_SECTIONS * num_slots, shift, device).view(b, MAX_SECTIONS, num_slots)
    section = conditions.section.clamp(max=MAX_SECTIONS - 1)
    independent = of_sections.gather(1, section[..., None].expand(b, n, num_slots))
    regional = torch.where(draw_regions(conditions, num_slots), uniform, 0.0)
    some = torch.where(way < region_share + independent_share, independent, uniform)
    return torch.where(way < region_share, regional, some)


def draw_regions(conditions: SongConditions, num_slots: int) -> Tensor:
    """`[b, n, s]` bool: in equal shares a run of bars of all slots, all bars of some slots, a run of bars of some."""
    b, n = conditions.is_bar.shape
    device = conditions.is_bar.device
    num_bars = conditions.is_bar.sum(dim=1, keepdim=True)
    ends = (torch.rand(b, 2, device=device) * num_bars).floor().sort(dim=1).values
    bar = torch.arange(n, device=device)
    bars = (bar >= ends[:, :1]) & (bar <= ends[:, 1:])
    one = torch.nn.functional.one_hot(torch.randint(num_slots, (b,), device=device), num_slots).bool()
    slots = one | (torch.rand(b, num_slots, device=device) < 1 / 3)
    kind = torch.randint(3, (b, 1), device=device)
    return (bars | (kind == 1))[..., None] & (slots | (kind == 0))[:, None]
