"""How finely passengers' ticks divide a quarter note: as finely as the file that they came from, and a whole number of
times as finely as the grid, so that both are exact."""

from __future__ import annotations

from collections.abc import Iterable
from math import lcm

import numpy as np

from phraseloom.grid import TICKS_PER_QUARTER

DEFAULT_TICKS_PER_QUARTER = 480
"""Where nothing asks for another one; files without passengers are written in it."""

_MAX_TICKS_PER_QUARTER = 0x7FFF  # of a MIDI file's header
_FINEST = _MAX_TICKS_PER_QUARTER // TICKS_PER_QUARTER * TICKS_PER_QUARTER


def common_ticks_per_quarter(resolutions: Iterable[int]) -> int:
    """The coarsest resolution in which all of these and the grid are exact.

    Where a MIDI file could not hold it, the finest multiple of the grid that it can: 32,760, so that nothing is moved
    by more than a 65,520th of a quarter.
    """
    common = lcm(TICKS_PER_QUARTER, *resolutions)
    return common if common <= _MAX_TICKS_PER_QUARTER else _FINEST


def rescaled_tick(tick: int, before: int, after: int) -> int:
    """A tick of `before` to the quarter as the nearest one of `after` to the quarter; halves go up."""
    return (2 * tick * after + before) // (2 * before)


def rescaled_ticks(ticks: np.ndarray, before: int, after: int) -> np.ndarray:
    """`rescaled_tick` for an int64 array."""
    return (2 * ticks * after + before) // (2 * before)
