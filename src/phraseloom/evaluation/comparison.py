"""Generated songs beside real ones that no model has seen: every figure with the same figure of real against real."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phraseloom.evaluation.bootstrap import Estimate
from phraseloom.evaluation.chord_agreement import (
    ChordAgreement,
    ChordAgreementSummary,
    chord_agreement,
    summarise_chord_agreement,
)
from phraseloom.evaluation.discrimination import DiscriminationReport, discriminate
from phraseloom.evaluation.distances import KernelDistance, kid, standardised
from phraseloom.evaluation.latent_distance import LatentDistance
from phraseloom.evaluation.originality import OriginalityComparison, OriginalityIndex, compare_originality
from phraseloom.evaluation.plain import plain_dict
from phraseloom.evaluation.plan_adherence import PlanAdherence, PlanAdherenceSummary, summarise_plan_adherence
from phraseloom.evaluation.repetition import (
    RepetitionReport,
    RepetitionSummary,
    repetition_report,
    summarise_repetition,
)
from phraseloom.evaluation.song_features import song_features, window_features
from phraseloom.progress import Progress
from phraseloom.score import Score

STANDARD_ERRORS_OF_95_PERCENT = 1.96


@dataclass(frozen=True, eq=False)
class JudgedSong:
    """A song to be judged.

    Attributes:
        name: to tell it from the others.
        score: with the form, the chords and the key by which it is to be judged: those asked, where there was a plan
            (`phraseloom.evaluation.plan_adherence.as_asked`).
        plan: how it meets its plan; None where there was none.
    """

    name: str
    score: Score
    plan: PlanAdherence | None = None


@dataclass(frozen=True)
class SongReport:
    """What one song is like.

    Attributes:
        likeness_mean, likeness_highest: of its windows of 8 bars to the nearest of a training song; NaN where no window
            has enough notes.
    """

    name: str
    repetition: RepetitionReport
    chords: ChordAgreement
    plan: PlanAdherence | None
    likeness_mean: float
    likeness_highest: float


@dataclass(frozen=True)
class SetReport:
    """What one set of songs is like by itself.

    Attributes:
        plans: None where no song had a plan.
        songs: every song, in the order given.
    """

    repetition: RepetitionSummary
    chords: ChordAgreementSummary
    plans: PlanAdherenceSummary | None
    songs: tuple[SongReport, ...]

    @classmethod
    def of(cls, songs: Sequence[SongReport]) -> SetReport:
        plans = [song.plan for song in songs if song.plan is not None]
        return cls(
            summarise_repetition(song.repetition for song in songs),
            summarise_chord_agreement(song.chords for song in songs),
            summarise_plan_adherence(plans) if plans else None,
            tuple(songs),
        )


@dataclass(frozen=True)
class Row:
    """One figure of generated songs beside the same of real ones.

    Attributes:
        group: figures of one group belong together.
        label: what it is, for people.
        generated, real: with 95 % intervals; NaN for what was not measured.
        has_ratio: whether generated over real says something.
        note: what has to be known to read it, or empty.
    """

    group: str
    label: str
    generated: Estimate
    real: Estimate
    has_ratio: bool = True
    note: str = ""

    @property
    def ratio(self) -> float:
        """Generated over real; NaN where that says nothing."""
        is_defined = self.has_ratio and self.real.mean > 0
        return self.generated.mean / self.real.mean if is_defined else math.nan


@dataclass(frozen=True)
class Distribution:
    """One figure, song by song; songs for which it is not defined are left out."""

    label: str
    generated: tuple[float, ...]
    real: tuple[float, ...]


@dataclass(frozen=True)
class ComparisonReport:
    """Generated songs against real ones.

    Attributes:
        generated, real: each set by itself.
        told_apart: 8-bar windows of generated songs told from those of real ones by a classifier.
        kernel_distance: between features of whole songs (see `phraseloom.evaluation.distances.kid`).
        real_told_apart, real_kernel_distance: the same between the real songs and other real ones: what a perfect
            composer would get.
        originality: likeness to the nearest 8 bars of a training song, of generated and of real songs.
        latents: Fréchet distances of phrase latents; None where there were no latents.
    """

    generated: SetReport
    real: SetReport
    told_apart: DiscriminationReport
    real_told_apart: DiscriminationReport
    kernel_distance: KernelDistance
    real_kernel_distance: KernelDistance
    originality: OriginalityComparison
    latents: LatentDistance | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def rows(self) -> list[Row]:
        """All figures, in the order in which they are read."""
        return [*self._plan_rows(), *self._form_rows(), *self._chord_rows(), *self._closeness_rows()]

    def distributions(self) -> list[Distribution]:
        """The figures that every song has, song by song."""
        values: dict[str, Callable[[SongReport], float]] = {
            "Homologous bars, Jaccard index": lambda song: song.repetition.homologous,
            "Bars of different sections, Jaccard index": lambda song: song.repetition.different_sections,
            "Section recurrence score": lambda song: song.repetition.section_recurrence,
            "Bars that repeat an earlier one exactly": lambda song: song.repetition.repeated_bars,
            "Beats that agree: chord asked less wrong chord": lambda song: song.chords.difference,
            "Likeness to the nearest training song, mean": lambda song: song.likeness_mean,
            "Likeness to the nearest training song, highest": lambda song: song.likeness_highest,
        }
        return [
            Distribution(label, _defined(map(value, self.generated.songs)), _defined(map(value, self.real.songs)))
            for label, value in values.items()
        ]

    def text(self) -> str:
        """For people."""
        lines = [f"{'':46}{'generated':24}{'real':24}{'generated/real':>14}"]
        group = None
        for row in self.rows():
            if row.group != group:
                group = row.group
                lines += ["", group]
            ratio = "" if math.isnan(row.ratio) else f"{row.ratio:.0%}"
            note = f"  {row.note}" if row.note else ""
            lines.append(f"  {row.label:44}{_text(row.generated):24}{_text(row.real):24}{ratio:>14}{note}".rstrip())
        num_generated, num_real = len(self.generated.songs), len(self.real.songs)
        lines += ["", f"{num_generated} generated and {num_real} real songs; means with 95 % intervals by song", ""]
        return "\n".join([*lines, self.told_apart.text()])

    def _plan_rows(self) -> Iterator[Row]:
        asked, real = self.generated.plans, self.real.plans
        if asked is None:
            return
        group = "Plan: asked and got"
        figures = {
            "songs of as many bars as asked": "bars_met",
            "bars too many or too few": "bars_off",
            "form found in the notes, boundaries F1": "boundary_f1",
            "form found in the notes, pairs of bars F1": "pairwise_f1",
            "key found in the notes is the one asked": "key_met",
            "cells that play or rest as asked": "cells_met",
        }
        nothing = Estimate(math.nan, math.nan, math.nan, 0)
        for label, name in figures.items():
            generated, other = getattr(asked, name), nothing if real is None else getattr(real, name)
            if generated.num_songs:
                yield Row(group, label, generated, other)

    def _form_rows(self) -> Iterator[Row]:
        group = "Form, on notes"
        generated, real = self.generated.repetition, self.real.repetition
        figures = {
            "homologous bars, Jaccard": "homologous",
            "bars of different sections, Jaccard": "different_sections",
            "the first less the second": "section_contrast",
            "section recurrence score": "section_recurrence",
            "best match 4 or more bars away": "best_distant_match",
            "bars repeated exactly": "repeated_bars",
        }
        for label, name in figures.items():
            yield Row(group, label, getattr(generated, name), getattr(real, name))
        real_cells = list(real.repeated_cells.items())
        for index, (name, cells) in enumerate(generated.repeated_cells.items()):
            if index < len(real_cells):  # tracks correspond by their order, whatever they are called
                yield Row(group, f"cells repeated exactly, {name}", cells, real_cells[index][1])

    def _chord_rows(self) -> Iterator[Row]:
        group = "Chords: share of beats whose notes agree"
        generated, real = self.generated.chords, self.real.chords
        yield Row(group, "with the chord asked", generated.asked, real.asked)
        yield Row(group, "with a wrong chord", generated.wrong, real.wrong)
        yield Row(group, "the first less the second", generated.difference, real.difference)

    def _closeness_rows(self) -> Iterator[Row]:
        group = "Closeness to real music"
        yield Row(group, "8-bar windows told from real ones, AUC", self.told_apart.auc, self.real_told_apart.auc, False)
        kernel = [_of_kernel_distance(each) for each in (self.kernel_distance, self.real_kernel_distance)]
        yield Row(group, "kernel distance of song features", kernel[0], kernel[1], False)
        if self.latents is not None:
            correct, published = self.latents.correct, self.latents.as_published
            label, note = "Fréchet distance of phrase latents", f"ratio {correct.ratio}"
            if correct.real_ratio.num_songs:
                note += f", of other real songs {correct.real_ratio}"
            yield Row(group, label, correct.generated, correct.real, note=note)
            note = "no true distance, see docs"
            yield Row(group, "the same, as published", published.generated, published.real, False, note)
        for label, test in (
            ("nearest training song, mean of windows", self.originality.mean_similarity),
            ("nearest training song, highest", self.originality.highest_similarity),
        ):
            yield Row(group, label, test.first, test.second, note=f"p = {test.p_value:.3f}")


def compare_songs(
    generated: Sequence[JudgedSong],
    real: Sequence[JudgedSong],
    other_real: Sequence[Score],
    training: Sequence[Score],
    progress: Progress,
    *,
    latents: LatentDistance | None = None,
) -> ComparisonReport:
    """All figures of this package that look at songs.

    Args:
        generated: songs of at least as many tracks as the real ones have, in the same order of tracks.
        real, other_real: songs that no model has learnt from.
        training: songs that the model has learnt from.
        latents: Fréchet distances, where somebody has latents.

    Raises:
        RequestError: too few songs are long enough, or scikit-learn is not installed.
        ValueError: a set is empty, or a generated song has too few tracks.
    """
    sets = [[song.score for song in generated], [song.score for song in real], other_real]
    num_tracks = min(len(score.tracks) for score in sets[1])
    windows = [window_features(scores, num_tracks) for scores in sets]
    whole = [song_features(scores, num_tracks).values for scores in sets]
    scaled = [standardised(values, whole[1]) for values in whole]
    progress("telling apart", 0.1)
    told_apart = discriminate(windows[1], windows[0])
    progress("telling apart", 0.3)
    real_told_apart = discriminate(windows[1], windows[2])
    index = OriginalityIndex.build(training)
    nearest = []
    for done, song in enumerate([*generated, *real]):
        progress("searching the training songs", 0.5 + 0.5 * done / (len(generated) + len(real)))
        nearest.append(index.nearest(song.score))
    reports = [
        SongReport(
            song.name,
            repetition_report(song.score),
            chord_agreement(song.score),
            song.plan,
            near.mean_similarity,
            near.highest_similarity,
        )
        for song, near in zip([*generated, *real], nearest, strict=True)
    ]
    return ComparisonReport(
        SetReport.of(reports[: len(generated)]),
        SetReport.of(reports[len(generated) :]),
        told_apart,
        real_told_apart,
        kid(scaled[0], scaled[1]),
        kid(scaled[2], scaled[1]),
        compare_originality(nearest[: len(generated)], nearest[len(generated) :]),
        latents,
    )


def _of_kernel_distance(distance: KernelDistance) -> Estimate:
    margin = STANDARD_ERRORS_OF_95_PERCENT * distance.standard_error
    squared = distance.squared_mmd
    return Estimate(squared, squared - margin, squared + margin, distance.num_a)


def _defined(values: Iterator[float]) -> tuple[float, ...]:
    return tuple(value for value in values if not math.isnan(value))


def _text(estimate: Estimate) -> str:
    return str(estimate) if estimate.num_songs else "-"
