"""How much a song repeats itself, and whether it does so where its form says.

Everything is measured on notes, never on latents. Two ways to compare bars are used: the note-set Jaccard index of
`phraseloom.similarity` (track, onset in bar, pitch), and equality note for note (track, onset in bar, pitch, duration).
Velocity never counts. None of the measures is "higher is better": hold them against the same figures of real songs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate, bootstrap_mean
from phraseloom.evaluation.plain import plain_dict
from phraseloom.form import bar_positions
from phraseloom.score import Notes, Score
from phraseloom.similarity import note_set_jaccard

MIN_DISTANCE_BARS = 4
"""A bar's best match is sought at least this far away, so that a figure held for some bars does not count as form."""


@dataclass(frozen=True)
class HomologousSimilarity:
    """Mean note-set Jaccard index over two kinds of pairs of bars; pairs of silent bars are left out.

    Attributes:
        homologous: over bars at the same offset in two sections with the same letter; NaN where there are none.
        different_sections: over bars in sections with different letters; NaN where there are none.
        num_homologous_pairs, num_different_pairs: how many pairs each mean is over.
    """

    homologous: float
    different_sections: float
    num_homologous_pairs: int
    num_different_pairs: int


@dataclass(frozen=True)
class RepetitionReport:
    """How one song repeats itself; NaN where a song has nothing to measure.

    Attributes:
        homologous, different_sections: see `HomologousSimilarity`; NaN for a song without a form.
        section_contrast: the first of these two less the second: how much more alike what the form calls alike is.
        repeated_bars: share of the sounding bars that equal an earlier bar note for note.
        repeated_cells: the same share for each track by itself, by the track's name.
        best_distant_match: mean over the sounding bars of the highest note-set Jaccard index with a bar at least four
            bars away.
        section_recurrence: see `section_recurrence_score`; of the note-set Jaccard index, so that no latents matter.
    """

    homologous: float
    different_sections: float
    section_contrast: float
    repeated_bars: float
    repeated_cells: dict[str, float]
    best_distant_match: float
    section_recurrence: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


@dataclass(frozen=True)
class RepetitionSummary:
    """`RepetitionReport`s of many songs: for every figure the mean over songs with its confidence interval."""

    homologous: Estimate
    different_sections: Estimate
    section_contrast: Estimate
    repeated_bars: Estimate
    repeated_cells: dict[str, Estimate]
    best_distant_match: Estimate
    section_recurrence: Estimate

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """One line a figure, for people: mean, confidence interval, number of songs."""
        rows = {
            "homologous bars, Jaccard": self.homologous,
            "bars of different sections": self.different_sections,
            "the first less the second": self.section_contrast,
            "best match 4+ bars away": self.best_distant_match,
            "section recurrence score": self.section_recurrence,
            "bars repeated exactly": self.repeated_bars,
            **{f"  {name} cells": estimate for name, estimate in self.repeated_cells.items()},
        }
        return "\n".join(f"{name:28}{estimate}  ({estimate.num_songs} songs)" for name, estimate in rows.items())


def homologous_similarity(score: Score) -> HomologousSimilarity:
    """Are bars that the form calls alike more alike than bars that it calls different?

    Raises:
        ValueError: the score has no sections.
    """
    if not score.sections:
        raise ValueError("the score has no sections; find them with phraseloom.structure.find_form")
    return _homologous_similarity(score, note_set_jaccard(score))


def exact_repeats(score: Score, notes: Notes | None = None) -> float:
    """Share of the sounding bars that equal an earlier bar note for note: onset in bar, pitch, duration (and track).

    Args:
        score: the song.
        notes: those of one of its tracks, to look at that track alone; None for all tracks together.

    Returns:
        0 to 1; NaN where no note sounds.
    """
    parts = [track.notes for track in score.tracks] if notes is None else [notes]
    contents = list(zip(*(_bar_contents(score, part) for part in parts), strict=True))
    sounding = [content for content in contents if any(content)]
    return 1 - len(set(sounding)) / len(sounding) if sounding else np.nan


def best_distant_match(similarity: np.ndarray, min_distance_bars: int = MIN_DISTANCE_BARS) -> float:
    """Mean over bars of the highest similarity to a bar that is at least `min_distance_bars` away.

    Args:
        similarity: `[num_bars, num_bars]`; a bar that is NaN on the diagonal (as a silent one is in
            `note_set_jaccard`) neither seeks a match nor is one.
        min_distance_bars: at least 1.

    Returns:
        NaN where no bar has another that far away.
    """
    bars = np.flatnonzero(~np.isnan(np.diagonal(similarity)))
    far = np.abs(bars[:, None] - bars[None, :]) >= min_distance_bars
    best = np.where(far, similarity[np.ix_(bars, bars)], -np.inf).max(axis=1, initial=-np.inf)
    return _mean(best[np.isfinite(best)])


def repetition_report(score: Score) -> RepetitionReport:
    """All measures of this module for one song. Cells of tracks with the same name are numbered: `piano`, `piano 2`."""
    similarity = note_set_jaccard(score)
    pairs = _homologous_similarity(score, similarity) if score.sections else None
    return RepetitionReport(
        homologous=pairs.homologous if pairs else np.nan,
        different_sections=pairs.different_sections if pairs else np.nan,
        section_contrast=pairs.homologous - pairs.different_sections if pairs else np.nan,
        repeated_bars=exact_repeats(score),
        repeated_cells={
            name: exact_repeats(score, track.notes)
            for name, track in zip(_distinct([track.name for track in score.tracks]), score.tracks, strict=True)
        },
        best_distant_match=best_distant_match(similarity),
        section_recurrence=section_recurrence_score(similarity),
    )


def summarise_repetition(
    reports: Iterable[RepetitionReport], *, confidence: float = 0.95, seed: int = 0
) -> RepetitionSummary:
    """Means over songs, every song with the same weight, with bootstrap confidence intervals by song.

    A song in which a figure is not defined (a NaN, or no track of that name) does not count for that figure.
    """
    songs = list(reports)

    def mean(values: list[float]) -> Estimate:
        return bootstrap_mean(values, confidence=confidence, seed=seed)

    tracks = dict.fromkeys(name for song in songs for name in song.repeated_cells)
    return RepetitionSummary(
        homologous=mean([song.homologous for song in songs]),
        different_sections=mean([song.different_sections for song in songs]),
        section_contrast=mean([song.section_contrast for song in songs]),
        repeated_bars=mean([song.repeated_bars for song in songs]),
        repeated_cells={name: mean([song.repeated_cells.get(name, np.nan) for song in songs]) for name in tracks},
        best_distant_match=mean([song.best_distant_match for song in songs]),
        section_recurrence=mean([song.section_recurrence for song in songs]),
    )


def section_recurrence_score(similarity: np.ndarray, threshold: float = 0.5, min_run_bars: int = 4) -> float:
    """Section recurrence score (SRS) of a self-similarity matrix (Ou and Wang 2025, arXiv:2512.11348).

    A cell is bright where the similarity is at least `threshold`. On every diagonal above the main one, a run of at
    least `min_run_bars` bright cells counts its length, unless the next diagonal (one bar further from the main one)
    has a bright cell within the same rows: then the run belongs to a bright block, not to a repeat. The sum is divided
    by the number of bars, so it may exceed 1 where a section returns often.

    Args:
        similarity: `[num_bars, num_bars]`, symmetric; the paper takes cosines of bars' mean latents. NaN is not bright.
        threshold: of brightness.
        min_run_bars: the shortest run that counts.

    Raises:
        ValueError: the matrix is not square, or empty.
    """
    num_bars = len(similarity)
    if num_bars == 0 or similarity.shape != (num_bars, num_bars):
        raise ValueError(f"similarity has shape {similarity.shape}, expected a square")
    bright = similarity >= threshold
    counted = 0
    for lag in range(1, num_bars):
        beyond = np.diagonal(bright, lag + 1)
        for start, end in _runs(np.diagonal(bright, lag)):
            if end - start >= min_run_bars and not beyond[start:end].any():
                counted += end - start
    return counted / num_bars


def _homologous_similarity(score: Score, similarity: np.ndarray) -> HomologousSimilarity:
    positions = bar_positions(score.sections)
    later = np.triu(np.ones_like(similarity, bool), 1) & ~np.isnan(similarity)
    same_letter = positions.letter_index[:, None] == positions.letter_index[None, :]
    same_offset = positions.offset[:, None] == positions.offset[None, :]
    homologous = similarity[later & same_letter & same_offset]
    different = similarity[later & ~same_letter]
    return HomologousSimilarity(_mean(homologous), _mean(different), len(homologous), len(different))


def _bar_contents(score: Score, notes: Notes) -> list[bytes]:
    """For each bar what sounds in it, equal for equal notes, empty for none."""
    bar = score.bar_of(notes.onset_ticks)
    rows = notes.table[:, :3].copy()
    rows[:, 0] -= score.bar_start_ticks[bar]
    edges = np.searchsorted(bar, np.arange(score.num_bars + 1))
    return [rows[start:end].tobytes() for start, end in pairwise(edges)]


def _runs(mask: np.ndarray) -> Iterable[tuple[int, int]]:
    """Start and end (behind the last) of every run of True in `[n]`."""
    steps = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True)


def _distinct(names: Sequence[str]) -> list[str]:
    distinct: list[str] = []
    for name in names:
        number = 2
        candidate = name
        while candidate in distinct:
            candidate = f"{name} {number}"
            number += 1
        distinct.append(candidate)
    return distinct


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
