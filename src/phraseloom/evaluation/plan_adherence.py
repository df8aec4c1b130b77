"""Was a song written to its plan: bars, form, key, and which tracks play where?

Whether its notes follow the chords asked is `phraseloom.evaluation.chord_agreement`, and whether its sections return as
asked `phraseloom.evaluation.repetition`: both look at the form and the chords of a score, which `as_asked` sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate, bootstrap_mean
from phraseloom.evaluation.form_agreement import form_agreement
from phraseloom.evaluation.plain import plain_dict
from phraseloom.form import Section
from phraseloom.harmony import Key
from phraseloom.score import ChordSpan, Score
from phraseloom.transforms import excerpt


@dataclass(frozen=True, eq=False)
class AskedSong:
    """What was asked of a song; None, or no chords, where nothing was.

    Attributes:
        num_bars: at least 1.
        form: sections that add up to `num_bars` where both are given.
        key: of the song as a whole.
        chords: in the song's own key, from tick 0 on.
        plays: `[bars, tracks]` float64 of the form's bars and of the song's first tracks: 1 where the track was to
            play, 0 where it was to rest, NaN where that was left open.
    """

    num_bars: int | None = None
    form: tuple[Section, ...] | None = None
    key: Key | None = None
    chords: tuple[ChordSpan, ...] = ()
    plays: np.ndarray | None = None


@dataclass(frozen=True)
class PlanAdherence:
    """How one song meets its plan; NaN for what was not asked.

    Attributes:
        bars_met: 1 where the song has as many bars as asked, else 0.
        bars_off: by how many bars it is too long or too short.
        boundary_f1, pairwise_f1: agreement of the form that is found in the notes with the one asked, see
            `phraseloom.evaluation.form_agreement`. Finding a form is not exact: hold this against real songs.
        key_met: 1 where the key found in the notes is the one asked, else 0; the same caution.
        cells_met: share of the cells (a track in a bar), of those that were asked to play or to rest, that do.
    """

    bars_met: float
    bars_off: float
    boundary_f1: float
    pairwise_f1: float
    key_met: float
    cells_met: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


@dataclass(frozen=True)
class PlanAdherenceSummary:
    """`PlanAdherence`s of many songs: for every figure the mean over songs with its confidence interval."""

    bars_met: Estimate
    bars_off: Estimate
    boundary_f1: Estimate
    pairwise_f1: Estimate
    key_met: Estimate
    cells_met: Estimate

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


def as_asked(score: Score, asked: AskedSong) -> Score:
    """The song with the form and the chords asked in place of its own, so that it is judged by them.

    What lies behind the last bar of the form asked is left out; where the song is shorter, form and chords are cut.
    What was not asked stays as the song has it.
    """
    if asked.form is not None:
        num_bars = min(score.num_bars, sum(section.num_bars for section in asked.form))
        if num_bars < score.num_bars:
            score = excerpt(replace(score, sections=()), 0, num_bars)
        score = replace(score, sections=_cut_form(asked.form, num_bars))
    if asked.chords:
        score = replace(score, chords=_cut_chords(asked.chords, score.num_ticks))
    return score if asked.key is None else replace(score, key=asked.key)


def plan_adherence(
    score: Score, asked: AskedSong, found_form: Sequence[Section], found_key: Key | None
) -> PlanAdherence:
    """How a song meets its plan.

    Args:
        score: the song as it is.
        asked: its plan.
        found_form: the form that its notes have, by any finder that does not look at labels.
        found_key: the key that its notes speak for; None where they speak for none.
    """
    form = None if asked.form is None else form_agreement(asked.form, found_form)
    return PlanAdherence(
        bars_met=np.nan if asked.num_bars is None else float(score.num_bars == asked.num_bars),
        bars_off=np.nan if asked.num_bars is None else float(abs(score.num_bars - asked.num_bars)),
        boundary_f1=np.nan if form is None else form.boundary_f1,
        pairwise_f1=np.nan if form is None else form.pairwise_f1,
        key_met=np.nan if asked.key is None else float(found_key == asked.key),
        cells_met=np.nan if asked.plays is None else _share_of_cells_met(score, asked.plays),
    )


def summarise_plan_adherence(
    songs: Iterable[PlanAdherence], *, confidence: float = 0.95, seed: int = 0
) -> PlanAdherenceSummary:
    """Means over songs with bootstrap confidence intervals by song; a NaN does not count for its figure."""
    reports = list(songs)

    def mean(values: list[float]) -> Estimate:
        return bootstrap_mean(values, confidence=confidence, seed=seed)

    return PlanAdherenceSummary(
        bars_met=mean([song.bars_met for song in reports]),
        bars_off=mean([song.bars_off for song in reports]),
        boundary_f1=mean([song.boundary_f1 for song in reports]),
        pairwise_f1=mean([song.pairwise_f1 for song in reports]),
        key_met=mean([song.key_met for song in reports]),
        cells_met=mean([song.cells_met for song in reports]),
    )


def _cut_form(form: Sequence[Section], num_bars: int) -> tuple[Section, ...]:
    cut, left = [], num_bars
    for section in form:
        if left > 0:
            cut.append(Section(section.letter, min(section.num_bars, left)))
        left -= section.num_bars
    return tuple(cut)


def _cut_chords(chords: Sequence[ChordSpan], num_ticks: int) -> tuple[ChordSpan, ...]:
    return tuple(
        replace(span, duration_ticks=min(span.duration_ticks, num_ticks - span.onset_ticks))
        for span in chords
        if span.onset_ticks < num_ticks
    )


def _share_of_cells_met(score: Score, plays: np.ndarray) -> float:
    """Over the bars and the tracks that both have; NaN where all is left open."""
    num_bars, num_tracks = min(score.num_bars, len(plays)), min(len(score.tracks), plays.shape[1])
    asked = plays[:num_bars, :num_tracks]
    sounds = np.zeros((score.num_bars, num_tracks))
    for index, track in enumerate(score.tracks[:num_tracks]):
        sounds[score.bar_of(track.notes.onset_ticks), index] = 1.0
    is_asked = ~np.isnan(asked)
    return float((asked == sounds[:num_bars])[is_asked].mean()) if is_asked.any() else np.nan
