"""Forms and tempos for plans that leave them open, in the way of a corpus.

A form of any length is the beginning and the end of one of the corpus's forms with some sections between them left
out: it begins and ends as songs do, and its sections are as long as theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phraseloom.form import MAX_BARS, Section, format_form, num_bars_of, parse_form
from phraseloom.score import Score

LEAST_RETURNING_SHARE = 0.25
"""Of the bars of a form, at least so many stand under a letter that was heard before, where there is such a form."""
BARS_LEFT_OUT_SCALE = 16.0
"""A form with so many bars left out is proposed e times less often than a whole one."""
NUM_TEMPOS = 41


@dataclass(frozen=True)
class PlanPrior:
    """What songs of a corpus are like before a note is written.

    Attributes:
        forms: distinct forms.
        tempos_bpm: quantiles of the tempos, evenly spaced, rising.
    """

    forms: tuple[tuple[Section, ...], ...]
    tempos_bpm: tuple[float, ...]

    @classmethod
    def fit(cls, scores: Iterable[Score]) -> PlanPrior:
        """The prior of songs with sections. Forms with sections of odd lengths inside are left out: few ask for one."""
        scores = list(scores)
        forms = {format_form(score.sections) for score in scores if score.sections and _is_square(score.sections)}
        tempos = [score.tempo_bpm for score in scores]
        quantiles = np.quantile(tempos, np.linspace(0.02, 0.98, NUM_TEMPOS)) if tempos else ()
        return cls(tuple(map(parse_form, sorted(forms))), tuple(float(round(tempo)) for tempo in quantiles))

    def propose_form(self, num_bars: int, rng: np.random.Generator) -> tuple[Section, ...] | None:
        """A form of exactly so many bars; None where no form can be cut to this length."""
        found = [each for form in self.forms for each in _cuts(form, num_bars)]
        returning = [each for each in found if returning_share(each[0]) >= LEAST_RETURNING_SHARE]
        choice = returning or found
        if not choice:
            return None
        weights = np.exp([-left_out / BARS_LEFT_OUT_SCALE for _, left_out in choice])
        return choice[rng.choice(len(choice), p=weights / weights.sum())][0]

    def propose_tempo(self, rng: np.random.Generator) -> float | None:
        """A whole number of quarter notes a minute; None where the corpus had no songs."""
        if not self.tempos_bpm:
            return None
        place = rng.uniform(0, len(self.tempos_bpm) - 1)
        return float(round(np.interp(place, np.arange(len(self.tempos_bpm)), self.tempos_bpm)))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `PlanPrior.from_dict` reads it."""
        return {"forms": [format_form(form) for form in self.forms], "tempos_bpm": list(self.tempos_bpm)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> PlanPrior:
        return cls(tuple(map(parse_form, content["forms"])), tuple(content["tempos_bpm"]))


def returning_share(sections: Sequence[Section]) -> float:
    """Share of the bars of a form that stand under a letter that was heard before."""
    heard: set[str] = set()
    num_returning = 0
    for section in sections:
        num_returning += section.num_bars if section.letter in heard else 0
        heard.add(section.letter)
    return num_returning / num_bars_of(sections)


def _is_square(sections: Sequence[Section]) -> bool:
    return all(section.num_bars % 2 == 0 for section in sections[1:-1])


def _cuts(form: tuple[Section, ...], num_bars: int) -> list[tuple[tuple[Section, ...], int]]:
    """Beginning and end of a form, `num_bars` together, at most `MAX_BARS`, and the bars between them left out."""
    edges = np.cumsum([0, *(section.num_bars for section in form)])
    total = int(edges[-1])
    if not 1 <= num_bars <= min(total, MAX_BARS):
        return []
    ends = {int(edge): index for index, edge in enumerate(edges)}
    cuts = []
    for first, edge in enumerate(edges[:-1]):
        last = ends.get(int(edge) + total - num_bars)
        if last is not None and (num_bars < total or first == 0):
            cuts.append((form[:first] + form[last:], total - num_bars))
    return cuts
