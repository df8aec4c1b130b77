"""Texture priors made of grades."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phraseloom.texture import LOWEST_GRADE, RESTS, Aspect, grades_of
from phraseloom.texture_prior import TexturePrior

TYPICAL_PITCHES = np.array([50, 54, 58, 62, 66, 70, 74, 80])
"""Of each grade one."""
assert grades_of(Aspect.PITCH, TYPICAL_PITCHES).tolist() == list(range(LOWEST_GRADE, LOWEST_GRADE + 8))


def prior_of(letters: Sequence[str] = (), textures: Sequence[np.ndarray] = ()) -> TexturePrior:
    """The prior of songs in C major with these grades."""
    return TexturePrior(tuple(letters), tuple(textures), tuple(map(_pitches, textures)))


def _pitches(textures: np.ndarray) -> np.ndarray:
    grades = textures[..., Aspect.PITCH]
    return np.where(grades == RESTS, 0, TYPICAL_PITCHES[np.maximum(grades - LOWEST_GRADE, 0)])
