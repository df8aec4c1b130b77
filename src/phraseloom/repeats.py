"""Which cells of a song (a track in a bar) repeat an earlier cell note for note, and a prior that proposes it.

In songs, most of what returns exactly returns where the form says so: at the same offset of an earlier section with the
same letter. Only such repeats are spoken of here. Whether a cell repeats goes on from bar to bar and goes together
between tracks, so the prior is a Markov chain over the bars of a section, whose states say which tracks repeat.

Letters in shapes: n bars, s slots (tracks). The *source* of a cell is the first bar that holds the same notes, -1 for a
cell that repeats nothing; a source has itself the source -1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from phraseloom.form import Section, bar_positions
from phraseloom.score import Score
from phraseloom.transforms import cut

FRESH = -1
AS_IN_THE_CORPUS = 0.5
"""The share to ask a prior for where songs should repeat themselves as much as those it was fitted to."""

UNPROPOSED_ODDS = 1.25
"""Real songs also repeat where their form does not say so, which the prior leaves out. With so much higher odds of what
it proposes, composed songs repeat as much in all."""

State = tuple[int, ...]
"""The slots of a bar that repeat, in order."""


def compensated(repeat: float) -> float:
    """What to ask a prior for, so that songs repeat themselves as much in all as `repeat` says."""
    return UNPROPOSED_ODDS * repeat / (1 - repeat + UNPROPOSED_ODDS * repeat)


def shared_noise_of(repeat: float) -> float:
    """The share of their noise that homologous bars have in common: none, all, or less than is asked to repeat.

    A third of it by default: of a half, homologous bars come out a fifth more alike than in real songs
    (`docs/ablations.md`).
    """
    return repeat**1.5


def cell_contents(score: Score) -> np.ndarray:
    """`[n, s]` int64 numbers, equal where the notes are (onset in bar, pitch, duration); silence is 0."""
    numbers: dict[bytes, int] = {b"": 0}
    rows = [
        [numbers.setdefault(notes.table[:, :3].tobytes(), len(numbers)) for notes in phrases] for phrases in cut(score)
    ]
    return np.array(rows, np.int64).reshape(score.num_bars, len(score.tracks))


def find_sources(sections: Sequence[Section], contents: np.ndarray) -> np.ndarray:
    """`[n, s]` int64 sources of the cells of a song with this form and these `contents [n, s]`."""
    sources = np.full(contents.shape, FRESH, np.int64)
    for bars in _homologous_bars(sections):
        for slot in range(contents.shape[1]):
            first_with: dict[int, int] = {}
            for bar in bars:
                first = first_with.setdefault(int(contents[bar, slot]), bar)
                if first != bar:
                    sources[bar, slot] = first
    return sources


def owners_of(sources: np.ndarray) -> np.ndarray:
    """`[n, s]` the bar whose notes each cell holds: its source, or its own where it repeats nothing."""
    return np.where(sources == FRESH, np.arange(len(sources))[:, None], sources)


@dataclass(frozen=True)
class RepeatPrior:
    """How often bars of a returning section repeat which slots, after which others.

    Attributes:
        num_slots: of the songs it speaks of.
        counts: by (whether the section returns for the first time, state of the bar before or None), how often each
            state followed.
    """

    num_slots: int
    counts: Mapping[tuple[bool, State | None], Mapping[State, float]]

    @classmethod
    def fit(cls, songs: Iterable[tuple[Sequence[Section], np.ndarray]], num_slots: int) -> RepeatPrior:
        """The prior of songs, each given by its form and the sources of its cells."""
        counts: defaultdict[tuple[bool, State | None], Counter[State]] = defaultdict(Counter)
        for sections, sources in songs:
            for instance, bars in _returning_bars(sections):
                before = None
                for bar, _ in bars:
                    state = tuple(np.flatnonzero(sources[bar] != FRESH).tolist())
                    counts[instance == 1, before][state] += 1
                    before = state
        return cls(num_slots, {key: dict(counter) for key, counter in counts.items()})

    def propose(
        self,
        sections: Sequence[Section],
        repeat: float,
        rng: np.random.Generator,
        is_open: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draws the sources `[n, s]` of a song with this form.

        Args:
            repeat: 0 for no repeats, 0.5 for as many as in the corpus, 1 for every cell that can repeat. In between,
                the odds of each repeat are multiplied by `repeat / (1 - repeat)`.
            is_open: `[n]` the bars of which something is to be said; the others repeat nothing. All where None.
        """
        num_bars = sum(section.num_bars for section in sections)
        sources = np.full((num_bars, self.num_slots), FRESH, np.int64)
        for instance, bars in _returning_bars(sections):
            before = None
            for bar, homologous in bars:
                if is_open is not None and not is_open[bar]:
                    continue
                state = self._draw(instance == 1, before, repeat, rng)
                earlier = sources[homologous]
                for slot in state:
                    sources[bar, slot] = homologous if earlier[slot] == FRESH else earlier[slot]
                before = state
        return sources

    def _draw(self, is_first: bool, before: State | None, repeat: float, rng: np.random.Generator) -> State:
        place = rng.random()  # one number a bar, whatever the knob: songs of one seed stay comparable
        if repeat in (0.0, 1.0):
            return tuple(range(self.num_slots)) if repeat else ()
        near = ((is_first, before), (is_first, None), (True, before), (True, None))  # the nearest that was seen
        nothing: Mapping[State, float] = {(): 1.0}
        following = next((self.counts[key] for key in near if key in self.counts), nothing)
        states = sorted(following)
        odds = repeat / (1 - repeat)
        likeliest = (max if odds > 1 else min)(map(len, states))  # counted from there, no power grows out of range
        weights = list(accumulate(following[state] * odds ** (len(state) - likeliest) for state in states))
        return states[int(np.searchsorted(weights, place * weights[-1], side="right"))]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` is the way back."""
        rows = [
            [is_first, before, [[state, count] for state, count in sorted(following.items())]]
            for (is_first, before), following in self.counts.items()
        ]
        return {"num_slots": self.num_slots, "counts": rows}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RepeatPrior:
        """The prior that `to_dict` gave."""
        rows = {
            (bool(is_first), None if before is None else tuple(before)): {tuple(s): float(c) for s, c in following}
            for is_first, before, following in content["counts"]
        }
        return cls(content["num_slots"], rows)


def _homologous_bars(sections: Sequence[Section]) -> list[list[int]]:
    """Bars at the same offset of sections with the same letter, in order."""
    bars = bar_positions(sections)
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for bar, key in enumerate(zip(bars.letter_index.tolist(), bars.offset.tolist(), strict=True)):
        groups[key].append(bar)
    return list(groups.values())


def _returning_bars(sections: Sequence[Section]) -> list[tuple[int, list[tuple[int, int]]]]:
    """For every section that is not its letter's first: its instance, and its bars that have a homologous one before,
    each with the latest such."""
    latest: dict[tuple[str, int], int] = {}
    instances: Counter[str] = Counter()
    returning = []
    start = 0
    for section in sections:
        pairs = []
        for offset in range(section.num_bars):
            key = (section.letter, offset)
            if key in latest:
                pairs.append((start + offset, latest[key]))
            latest[key] = start + offset
        if pairs:
            returning.append((instances[section.letter], pairs))
        instances[section.letter] += 1
        start += section.num_bars
    return returning
