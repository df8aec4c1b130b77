"""Chords for sections that were given none, in the way of a corpus.

A section is put together of four-bar progressions that several songs of the corpus share, so that none is the mark of
a single song; the first and the later ones of a section are drawn by how often they stand there, and the later ones
also by how often the corpus moves from the last root of one to the first root of the other. Progressions are counted as
plain triads; sevenths, suspensions and basses are put on them afterwards, as often as the corpus has them on that triad
before that root. The last section, if it comes but once, ends on the root on which most songs end, as no progression by
itself knows to do. Everything is in C major or A minor.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from phraseloom.chord_chart import BEATS_PER_BAR, Bar, ChartPart, ChordChart
from phraseloom.form import Section
from phraseloom.harmony import Chord, parse_chord
from phraseloom.score import TICKS_PER_QUARTER, Score
from phraseloom.transforms import beat_chords, normalise_key

BARS_PER_PROGRESSION = 4
MIN_SONGS = 2
"""A progression that fewer songs use is left out."""
NUM_ROOTS = 12
FOURTH, DIMINISHED_FIFTH, FIFTH, AUGMENTED_FIFTH = 5, 6, 7, 8

Progression = tuple[Bar, ...]
Colours = Mapping[tuple[str, int | None], Mapping[str, int]]
"""How often a triad, before the root that comes next (None for any), stands as which chord; symbols for both."""
MIN_COLOURS = 20
"""Fewer chords of a triad before a root say less than those of the triad before any."""


@dataclass(frozen=True)
class ChordPrior:
    """Progressions by mode, and how roots follow each other.

    Attributes:
        progressions: of each mode, how often each begins a section and how often it stands later.
        root_moves: `[12][12]` how often a chord on the second root follows one on the first.
        colours: of each mode, as what chords its triads stand.
        endings: of each mode, how many songs have which root last.
    """

    progressions: Mapping[str, Mapping[Progression, tuple[int, int]]]
    root_moves: tuple[tuple[int, ...], ...]
    colours: Mapping[str, Colours]
    endings: Mapping[str, Mapping[int, int]]

    @classmethod
    def fit(cls, scores: Iterable[Score]) -> ChordPrior:
        """The prior of songs in 4/4 with sections, chords and a key; other songs do not count."""
        counts: defaultdict[str, defaultdict[Progression, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        num_songs: Counter[tuple[str, Progression]] = Counter()
        colours: defaultdict[str, defaultdict[tuple[str, int | None], Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        num_coloured: Counter[tuple[str, str]] = Counter()
        moves = np.zeros((NUM_ROOTS, NUM_ROOTS), np.int64)
        endings: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for score in scores:
            if score.key is None or not score.chords or score.num_ticks != score.num_bars * _TICKS_PER_BAR:
                continue
            played = beat_chords(normalise_key(score))
            num_coloured.update({(score.key.mode, str(chord)) for chord in played})
            for triad, next_root, chord in _coloured(played):
                for before in (next_root, None):
                    colours[score.key.mode][triad, before][chord] += 1
            chords = [_triad(chord) for chord in played]
            for first, second in pairwise(root for root, _ in groupby(_root(chord) for chord in chords)):
                if first is not None and second is not None:
                    moves[first, second] += 1
            endings[score.key.mode].update([root for chord in played if (root := _root(chord)) is not None][-1:])
            of_song = list(_progressions(score.sections, chords))
            for progression, is_later in of_song:
                counts[score.key.mode][progression][is_later] += 1
            num_songs.update((score.key.mode, progression) for progression in {each for each, _ in of_song})
        kept = {
            mode: {each: (n[0], n[1]) for each, n in of_mode.items() if num_songs[mode, each] >= MIN_SONGS}
            for mode, of_mode in counts.items()
        }
        shared = {
            mode: {
                place: known
                for place, counted in of_mode.items()
                if (known := {chord: n for chord, n in counted.items() if num_coloured[mode, chord] >= MIN_SONGS})
            }
            for mode, of_mode in colours.items()
        }
        last = {mode: dict(counted) for mode, counted in endings.items()}
        return cls(kept, tuple(map(tuple, moves.tolist())), shared, last)

    def propose(self, sections: Sequence[Section], mode: str, rng: np.random.Generator) -> ChordChart | None:
        """A chart in C major or A minor for every letter of a form; None where the corpus had no chords in the mode."""
        known = self.progressions.get(mode)
        if not known:
            return None
        num_bars: dict[str, int] = {}
        for section in sections:
            num_bars[section.letter] = max(section.num_bars, num_bars.get(section.letter, 0))
        last = sections[-1].letter if sections else ""
        is_ending = sum(section.letter == last for section in sections) == 1  # what returns is no ending elsewhere
        endings = self.endings.get(mode, {})
        home = max(endings, key=lambda root: endings[root]) if endings and is_ending else None
        parts = {
            letter: self._bars(known, length, rng, home if letter == last else None)
            for letter, length in num_bars.items()
        }
        colours = self.colours.get(mode, {})
        return ChordChart(tuple(ChartPart(letter, _with_colours(bars, colours, rng)) for letter, bars in parts.items()))

    def _bars(
        self,
        known: Mapping[Progression, tuple[int, int]],
        num_bars: int,
        rng: np.random.Generator,
        ends_on: int | None,
    ) -> tuple[Bar, ...]:
        """So many bars; the last chord on the root `ends_on` if a progression that may come last has it there."""
        progressions = list(known)
        counts = np.array([known[each] for each in progressions], float)
        bars: Progression = ()
        while len(bars) < num_bars:
            weights = counts[:, 0] if not bars else counts[:, 1] * self._moves_from(bars, progressions)
            weights = weights if weights.any() else np.ones(len(progressions))
            left = num_bars - len(bars)
            if ends_on is not None:
                ending = weights * [len(each) >= left and each[left - 1][-1].root == ends_on for each in progressions]
                weights = ending if ending.any() else weights
            bars += progressions[rng.choice(len(progressions), p=weights / weights.sum())]
        return bars[:num_bars]

    def _moves_from(self, bars: Progression, progressions: Sequence[Progression]) -> np.ndarray:
        moves = np.array(self.root_moves)[bars[-1][-1].root]
        return np.array([moves[progression[0][0].root] for progression in progressions], float)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` is the way back."""
        return {
            "progressions": {
                mode: [[_text(each), first, later] for each, (first, later) in of_mode.items()]
                for mode, of_mode in self.progressions.items()
            },
            "root_moves": [list(row) for row in self.root_moves],
            "colours": {
                mode: [[triad, before, dict(counted)] for (triad, before), counted in of_mode.items()]
                for mode, of_mode in self.colours.items()
            },
            "endings": {mode: [list(item) for item in counted.items()] for mode, counted in self.endings.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ChordPrior:
        """The prior that `to_dict` gave."""
        progressions = {
            mode: {_progression(text): (first, later) for text, first, later in of_mode}
            for mode, of_mode in content["progressions"].items()
        }
        colours = {
            mode: {(triad, before): counted for triad, before, counted in of_mode}
            for mode, of_mode in content["colours"].items()
        }
        endings = {mode: dict(counted) for mode, counted in content["endings"].items()}
        return cls(progressions, tuple(map(tuple, content["root_moves"])), colours, endings)


_TICKS_PER_BAR = BEATS_PER_BAR * TICKS_PER_QUARTER


def _triad(chord: Chord | None) -> Chord | None:
    """The chord without bass and extensions; None where there is none."""
    if chord is None or chord.root is None:
        return None
    third = next((interval for interval in (4, 3, FOURTH, 2) if interval in chord.intervals), None)
    fifth = next((each for each in (FIFTH, DIMINISHED_FIFTH, AUGMENTED_FIFTH) if each in chord.intervals), FIFTH)
    return Chord(chord.root, frozenset({0, fifth} if third is None else {0, third, fifth}), chord.root)


def _coloured(chords: Sequence[Chord | None]) -> Iterable[tuple[str, int | None, str]]:
    """Each chord of the beats of a song, once a bar: its triad, the root that comes next, and itself."""
    bar_and_chord = list(groupby(enumerate(chords), lambda beat: (beat[0] // BEATS_PER_BAR, beat[1])))
    roots = [_root(chord) for (_, chord), _ in bar_and_chord]
    for place, ((_, chord), _) in enumerate(bar_and_chord):
        if chord is not None and chord.root is not None:
            yield str(_triad(chord)), _next_root(roots, place), str(chord)


def _with_colours(bars: Progression, colours: Colours, rng: np.random.Generator) -> Progression:
    """Triads as the chords that they are played as, one for as long as a triad lasts in a bar."""
    triads = [triad for bar in bars for triad, _ in groupby(bar)]
    roots = [triad.root for triad in triads]
    drawn = iter([_drawn(colours, str(triad), _next_root(roots, at), rng) for at, triad in enumerate(triads)])
    return tuple(tuple(chord for _, same in groupby(bar) for chord in [next(drawn)] * len(list(same))) for bar in bars)


def _drawn(colours: Colours, triad: str, before: int | None, rng: np.random.Generator) -> Chord:
    counted = colours.get((triad, before), {})
    if sum(counted.values()) < MIN_COLOURS:
        counted = colours.get((triad, None), {})
    symbols, counts = [*counted, triad], np.array([*counted.values(), not counted], float)
    return parse_chord(symbols[rng.choice(len(symbols), p=counts / counts.sum())])


def _next_root(roots: Sequence[int | None], place: int) -> int | None:
    """The first other root behind a place; None where there is none."""
    return next((root for root in roots[place + 1 :] if root != roots[place]), None)


def _root(chord: Chord | None) -> int | None:
    return None if chord is None else chord.root


def _progressions(sections: Sequence[Section], chords: Sequence[Chord | None]) -> Iterable[tuple[Progression, bool]]:
    """The four-bar progressions of a song's sections, with whether each stands later than a section's first bar."""
    start = 0
    for section in sections:
        for offset in range(0, section.num_bars - BARS_PER_PROGRESSION + 1, BARS_PER_PROGRESSION):
            first = (start + offset) * BEATS_PER_BAR
            beats = chords[first : first + BARS_PER_PROGRESSION * BEATS_PER_BAR]
            known = [chord for chord in beats if chord is not None]
            if len(known) == len(beats):
                bars = [tuple(known[at : at + BEATS_PER_BAR]) for at in range(0, len(known), BEATS_PER_BAR)]
                yield ChartPart(None, tuple(bars)).bars, offset > 0
        start += section.num_bars


def _text(progression: Progression) -> str:
    return " | ".join(" ".join(str(chord) for chord in bar) for bar in progression)


def _progression(text: str) -> Progression:
    return tuple(tuple(parse_chord(symbol) for symbol in bar.split()) for bar in text.split(" | "))
