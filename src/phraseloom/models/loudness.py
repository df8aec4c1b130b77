"""How loud a phrase is, as a few numbers of its latent: not learned, but fitted to the phrase's velocities.

A latent that is learned spends nothing on velocities as long as notes still need it. Yet most of what there is to know
of them is how loud the phrase is as a whole, and how much louder its beats are: a line through its velocities says so
(Bayesian linear regression: Bishop, "Pattern Recognition and Machine Learning", 2006, section 3.3), and the decoder
only has to learn what is left.

Letters in shapes: b phrases, t notes, k numbers of a phrase.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import VOCABULARY, Attribute
from phraseloom.score import TICKS_PER_QUARTER

TYPICAL_VELOCITY = 84.0
"""At which all numbers are 0."""
UNIT = 10.0
"""Velocities that a number of 1 adds where its part of the line is 1."""
SPREADS = (15.0, 5.0)
"""How far each part of the line lies from 0 in songs, in velocities: what little a phrase of few notes says is taken
with that much reserve."""
UNEVENNESS = 5.0
"""How far single notes lie from the line, in velocities."""
NUM_LOUDNESS = len(SPREADS)


def loudness_of(steps: Tensor, num_notes: Tensor) -> Tensor:
    """The line through the velocities of phrases, `[b, k]` float32; 0 for silence.

    Args:
        steps: `[b, t, 4]` int64; what lies behind the end of a phrase does not matter.
        num_notes: `[b]` int64.
    """
    is_note = torch.arange(steps.shape[1], device=steps.device) < num_notes[:, None]
    parts = F.embedding(steps[..., Attribute.ONSET], _parts(steps.device)) * is_note[..., None]
    velocities = steps[..., Attribute.VELOCITY] + VOCABULARY.attributes[Attribute.VELOCITY].first - TYPICAL_VELOCITY
    reserve = torch.diag((UNEVENNESS / torch.tensor(SPREADS, device=steps.device)).square())
    # As sums, which autocast leaves in full precision.
    squares = (parts[..., :, None] * parts[..., None, :]).sum(dim=1) + reserve
    products = (parts * velocities[..., None]).sum(dim=1)
    return torch.linalg.solve(squares, products) / UNIT


def expected_velocities(loudness: Tensor, onsets: Tensor) -> Tensor:
    """Where the line lies at notes, as an index into the velocities; shape of `onsets`.

    Args:
        loudness: `[b, k]`.
        onsets: `[b]` or `[b, t]` indices as in a step.
    """
    parts = F.embedding(onsets, _parts(onsets.device))
    loudness = loudness[:, None] if parts.ndim == 3 else loudness
    velocities = VOCABULARY.attributes[Attribute.VELOCITY]
    expected = TYPICAL_VELOCITY + UNIT * (loudness * parts).sum(dim=-1) - velocities.first
    return expected.clamp(0, velocities.num_values - 1)


@cache
def _parts(device: torch.device) -> Tensor:
    """`[v, k]` of every onset and the end: one, and how near it is to a quarter."""
    with torch.inference_mode(False):  # wherever it was first asked for, it serves training too
        onsets = torch.arange(VOCABULARY.end_index + 1, dtype=torch.float32)
        nearness = (2 * math.pi / TICKS_PER_QUARTER * onsets).cos()
        return torch.stack([torch.ones_like(onsets), nearness], dim=-1).to(device)
