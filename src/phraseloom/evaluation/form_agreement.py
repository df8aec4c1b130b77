"""How well two forms of one song agree: where sections begin, and which bars carry the same letter.

The two figures are those of `mir_eval.segment` (Raffel et al. 2014), on bars in place of seconds: F1 of the section
boundaries (Turnbull et al. 2007) and of the pairs of bars with the same letter (Levy and Sandler 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from phraseloom.form import Section, bar_positions

BOUNDARY_TOLERANCE_BARS = 1


@dataclass(frozen=True)
class FormAgreement:
    """How well two forms agree, 0 to 1.

    Attributes:
        boundary_f1: of the boundaries between sections; NaN where neither form has one.
        pairwise_f1: of the pairs of bars with the same letter; NaN where neither form has one.
    """

    boundary_f1: float
    pairwise_f1: float


def form_agreement(
    first: Sequence[Section], second: Sequence[Section], tolerance_bars: int = BOUNDARY_TOLERANCE_BARS
) -> FormAgreement:
    """Compares two forms of one song; which of them comes first does not matter.

    Args:
        first, second: sections from the same bar on. Where one form is longer, its further bars make no pairs.
        tolerance_bars: how far two boundaries may lie apart and still be the same.
    """
    return FormAgreement(_boundary_f1(first, second, tolerance_bars), _pairwise_f1(first, second))


def _boundary_f1(first: Sequence[Section], second: Sequence[Section], tolerance_bars: int) -> float:
    a, b = _boundaries(first), _boundaries(second)
    if not a and not b:
        return np.nan
    matched = i = j = 0
    while i < len(a) and j < len(b):  # pairing the earliest that can be paired leaves the most for the rest
        if abs(a[i] - b[j]) <= tolerance_bars:
            matched, i, j = matched + 1, i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return 2 * matched / (len(a) + len(b))


def _boundaries(form: Sequence[Section]) -> list[int]:
    """The bars at which sections begin, but for the first."""
    return list(accumulate(section.num_bars for section in form))[:-1]


def _pairwise_f1(first: Sequence[Section], second: Sequence[Section]) -> float:
    letters = [bar_positions(form).letter_index for form in (first, second)]
    num_bars = min(map(len, letters))
    pairs = np.triu_indices(num_bars, 1)
    a, b = ((letter[pairs[0]] == letter[pairs[1]]) for letter in letters)
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2 * np.count_nonzero(a & b) / total if total else np.nan
