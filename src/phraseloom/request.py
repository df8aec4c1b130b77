"""What is asked of the models: a song of which some cells are known, and for every cell the level it is drawn from.

Letters in shapes: n bars, s slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phraseloom.repeats import FRESH, owners_of
from phraseloom.score import Score

KNOWN, NEW = 0.0, 1.0
"""Noise levels of cells that are kept and of cells that are drawn from nothing; in between they are varied."""


@dataclass(frozen=True, eq=False)
class Request:
    """A song to be completed.

    Attributes:
        song: one track a slot, in their order, at most 128 bars of 4/4, with sections; notes in cells that are new do
            not count.
        levels: `[n, s]` the noise level from which each cell is drawn.
        sources: `[n, s]` as in `phraseloom.repeats`, cells to be tied; None to leave repeats to the network.
        sounds: `[n, s]` what the network is told of each cell: 0 nothing, 1 that it is silent, 2 that it sounds.
        texture: `[n, s, a]` grades as in `phraseloom.texture`; None for nothing.
        shared_noise: share of the noise, 0 to 1, that homologous bars have in common, which makes them alike.
        has_start, has_end: the song's first bar is where it begins, its last where it ends, and not an excerpt's.
    """

    song: Score
    levels: np.ndarray
    sources: np.ndarray | None = None
    sounds: np.ndarray | None = None
    texture: np.ndarray | None = None
    shared_noise: float = 0.0
    has_start: bool = True
    has_end: bool = True

    @property
    def owners(self) -> np.ndarray:
        """`[n, s]` the bar whose notes each cell holds."""
        return owners_of(np.full(self.levels.shape, FRESH) if self.sources is None else self.sources)
