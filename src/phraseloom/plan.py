"""What is asked of a song, in one frozen object; what it leaves open is filled in by `SongPlan.completed`."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from phraseloom.cast import Cast, parse_cast
from phraseloom.chord_chart import ChordChart, format_chart, parse_chart
from phraseloom.density import Density, parse_density
from phraseloom.errors import RequestError
from phraseloom.form import MAX_BARS, Section, format_form, num_bars_of, parse_form, propose_form
from phraseloom.harmony import Key, parse_key
from phraseloom.plan_prior import PlanPrior
from phraseloom.repeats import AS_IN_THE_CORPUS
from phraseloom.score import MAX_TEMPO_BPM, MIN_TEMPO_BPM, ChordSpan

DEFAULT_NUM_BARS = 64
"""Length of a song whose plan gives neither bars nor form."""

_LOWEST_PROPOSED_BPM, _HIGHEST_PROPOSED_BPM = 60, 140
_MOST_PROPOSED_ACCIDENTALS = 4  # keys that most players read with ease
_MAJOR_SHARE = 0.6  # as in POP909


class SettledPlan(NamedTuple):
    """What a completed plan says."""

    form: tuple[Section, ...]
    key: Key
    tempo_bpm: float
    repeat: float
    chords: tuple[ChordSpan, ...]
    """In the plan's key; beats without one are free."""
    cast: Cast | None
    density: Density | None


@dataclass(frozen=True, init=False)
class SongPlan:
    """What is asked of a song; None leaves a thing open.

    Attributes:
        num_bars: 1 to 128.
        form: sections; their bars add up to `num_bars` where both are given.
        key: of the song as a whole.
        tempo_bpm: quarter notes a minute, 10 to 600, rounded to 0.01.
        repeat: how much of a section that returns repeats note for note: 0 nothing, 0.5 as much as in the songs that
            the model has learned from, 1 everything.
        chords: of some sections or of the whole song; where it names none, the harmony is free.
        tracks: who plays in which sections; sections that it does not name are free.
        density: how many notes a bar tracks play in which sections; what it does not name is free.
    """

    num_bars: int | None
    form: tuple[Section, ...] | None
    key: Key | None
    tempo_bpm: float | None
    repeat: float | None
    chords: ChordChart | None
    tracks: Cast | None
    density: Density | None

    def __init__(
        self,
        num_bars: int | None = None,
        form: str | Iterable[Section] | None = None,
        key: str | Key | None = None,
        tempo_bpm: float | None = None,
        repeat: float | None = None,
        chords: str | ChordChart | None = None,
        tracks: str | Cast | None = None,
        density: str | Density | None = None,
    ) -> None:
        """A plan, checked.

        Args:
            form: sections, or a text such as `i4 A8 A8 B8 o4`.
            key: a key, or a text such as `G` or `F# minor`.
            chords: a chart, or a text such as `A: C Am F G; B: F | G Em . Am`.
            tracks: a cast, or a text such as `A: melody piano; B: all; o: none`.
            density: a density, or a text such as `A: melody 5, piano 9; B: all 12`.

        Raises:
            RequestError: something is out of range, or form and number of bars, or form and chords, contradict each
                other.
            ParseError: the text of the form, of the key or of the chords does not parse; it is a `RequestError` too.
        """
        bars = None if num_bars is None else _checked_num_bars(num_bars)
        sections = None if form is None else _checked_form(form, bars)
        object.__setattr__(self, "num_bars", bars)
        object.__setattr__(self, "form", sections)
        object.__setattr__(self, "key", _checked_key(key))
        object.__setattr__(self, "tempo_bpm", None if tempo_bpm is None else _checked_tempo(tempo_bpm))
        object.__setattr__(self, "repeat", None if repeat is None else _checked_repeat(repeat))
        object.__setattr__(self, "chords", None if chords is None else _checked_chords(chords, sections))
        object.__setattr__(self, "tracks", None if tracks is None else _checked_cast(tracks, sections))
        object.__setattr__(self, "density", None if density is None else _checked_density(density, sections))

    def completed(self, rng: np.random.Generator, prior: PlanPrior | None = None) -> SongPlan:
        """This plan with nothing left open: what is given stays, the rest is drawn.

        Without bars and form the song has 64 bars; keys have up to four accidentals. Forms and tempos are those of
        `prior`; without one, or where it has no form of this length, forms are put together of verses and choruses and
        tempos are whole numbers from 60 to 140. Chords that are not given stay free. Each part has its own random
        numbers, so that giving one does not change what is drawn for the others.
        """
        prior = PlanPrior((), ()) if prior is None else prior
        form_rng, key_rng, tempo_rng = rng.spawn(3)
        num_bars = self.num_bars or (num_bars_of(self.form) if self.form else DEFAULT_NUM_BARS)
        return replace(
            self,
            num_bars=num_bars,
            form=self.form or prior.propose_form(num_bars, form_rng) or propose_form(num_bars, form_rng),
            key=self.key or _proposed_key(key_rng),
            tempo_bpm=self.tempo_bpm or prior.propose_tempo(tempo_rng) or _proposed_tempo(tempo_rng),
            repeat=AS_IN_THE_CORPUS if self.repeat is None else self.repeat,
        )

    @property
    def settled(self) -> SettledPlan:
        """What a completed plan says.

        Raises:
            ValueError: it leaves something open.
        """
        if self.form is None or self.key is None or self.tempo_bpm is None or self.repeat is None:
            raise ValueError("the plan leaves something open; complete it first")
        chords = () if self.chords is None else self.chords.spans(self.form)
        return SettledPlan(self.form, self.key, self.tempo_bpm, self.repeat, chords, self.tracks, self.density)

    def to_dict(self) -> dict[str, int | float | str]:
        """What is given, as text and numbers for JSON or TOML; `SongPlan(**plan.to_dict()) == plan`."""
        given = {
            "num_bars": self.num_bars,
            "form": None if self.form is None else format_form(self.form),
            "key": None if self.key is None else str(self.key),
            "tempo_bpm": self.tempo_bpm,
            "repeat": self.repeat,
            "chords": None if self.chords is None else format_chart(self.chords, self.key),
            "tracks": None if self.tracks is None else str(self.tracks),
            "density": None if self.density is None else str(self.density),
        }
        return {name: value for name, value in given.items() if value is not None}


def _checked_num_bars(num_bars: int) -> int:
    remedy = f"ask for a whole number of bars from 1 to {MAX_BARS}"
    try:
        whole = operator.index(num_bars)
    except TypeError:
        raise RequestError(f"the number of bars is {num_bars!r}", remedy) from None
    if not 1 <= whole <= MAX_BARS:
        raise RequestError(f"a song of {whole} bars was asked for", remedy)
    return whole


def _checked_form(form: str | Iterable[Section], num_bars: int | None) -> tuple[Section, ...]:
    if not isinstance(form, Iterable):
        raise RequestError(f"the form is {form!r}", "ask for a form such as 'i4 A8 A8 B8 o4'")
    sections = parse_form(form) if isinstance(form, str) else tuple(form)
    total = num_bars_of(sections)
    if not 1 <= total <= MAX_BARS:
        raise RequestError(f"the form has {total} bars", f"give it sections that add up to 1 to {MAX_BARS} bars")
    if num_bars is not None and total != num_bars:
        message = f"the form {format_form(sections)} has {total} bars, but {num_bars} were asked for"
        raise RequestError(message, f"ask for {total} bars, leave the number of bars out, or change the form")
    return sections


def _checked_key(key: str | Key | None) -> Key | None:
    if key is None or isinstance(key, Key):
        return key
    if not isinstance(key, str):
        raise RequestError(f"the key is {key!r}", "ask for a key such as G, Am or 'F# minor'")
    return parse_key(key)


def _checked_tempo(tempo_bpm: float) -> float:
    remedy = f"ask for {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} quarter notes a minute"
    try:
        tempo = round(float(tempo_bpm), 2)
    except (TypeError, ValueError):
        raise RequestError(f"the tempo is {tempo_bpm!r}", remedy) from None
    if not MIN_TEMPO_BPM <= tempo <= MAX_TEMPO_BPM:
        raise RequestError(f"the tempo is {tempo_bpm} bpm", remedy)
    return tempo


def _checked_repeat(repeat: float) -> float:
    remedy = "ask for 0 (nothing repeats exactly) to 1 (all that can)"
    try:
        share = float(repeat)
    except (TypeError, ValueError):
        raise RequestError(f"the share of repeats is {repeat!r}", remedy) from None
    if not 0 <= share <= 1:
        raise RequestError(f"the share of repeats is {repeat}", remedy)
    return share


def _checked_chords(chords: str | ChordChart, form: tuple[Section, ...] | None) -> ChordChart:
    chart = parse_chart(chords) if isinstance(chords, str) else chords
    if not isinstance(chart, ChordChart):
        raise RequestError(f"the chords are {chords!r}", "ask for chords such as 'A: C Am F G; B: F | G Em . Am'")
    if form is not None:
        chart.spans(form)  # raises for letters that the form does not have
    elif chart.letters:
        letters = ", ".join(chart.letters)
        remedy = (
            f"give a form with {'this letter' if len(chart.letters) == 1 else 'these letters'}, such as "
            + " ".join(f"{letter}8" for letter in chart.letters)
        )
        raise RequestError(f"there are chords for {letters}, but no form", remedy)
    return chart


def _checked_cast(tracks: str | Cast, form: tuple[Section, ...] | None) -> Cast:
    cast = parse_cast(tracks) if isinstance(tracks, str) else tracks
    if not isinstance(cast, Cast):
        raise RequestError(f"the tracks are {tracks!r}", "say who plays where, such as 'A: melody piano; B: all'")
    if form is None:
        letters = " ".join(f"{letter}8" for letter, _ in cast.parts)
        raise RequestError("tracks are named for sections, but there is no form", f"give a form, such as {letters}")
    cast.check_letters(form)
    return cast


def _checked_density(density: str | Density, form: tuple[Section, ...] | None) -> Density | None:
    numbers = parse_density(density) if isinstance(density, str) else density
    if not isinstance(numbers, Density):
        raise RequestError(f"the density is {density!r}", "give notes a bar, such as 'A: melody 5, piano 9; B: all 12'")
    if form is None:
        letters = " ".join(f"{letter}8" for letter, _ in numbers.parts)
        raise RequestError("densities are given for sections, but there is no form", f"give a form, such as {letters}")
    numbers.check_letters(form)
    return numbers if numbers.parts else None


def _proposed_tempo(rng: np.random.Generator) -> float:
    return float(rng.integers(_LOWEST_PROPOSED_BPM, _HIGHEST_PROPOSED_BPM + 1))


def _proposed_key(rng: np.random.Generator) -> Key:
    mode = "major" if rng.random() < _MAJOR_SHARE else "minor"
    tonics = [tonic for tonic in range(12) if abs(Key(tonic, mode).signature) <= _MOST_PROPOSED_ACCIDENTALS]
    return Key(int(rng.choice(tonics)), mode)
