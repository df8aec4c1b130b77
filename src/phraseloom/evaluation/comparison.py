"""Generated songs beside real ones that no model has seen: every figure with the same figure of real against real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phraseloom.evaluation.chord_agreement import (
    ChordAgreementSummary,
    chord_agreement,
    summarise_chord_agreement,
)
from phraseloom.evaluation.discrimination import DiscriminationReport, discriminate
from phraseloom.evaluation.distances import KernelDistance, kid, standardised
from phraseloom.evaluation.originality import OriginalityComparison, OriginalityIndex, compare_originality
from phraseloom.evaluation.plain import plain_dict
from phraseloom.evaluation.repetition import RepetitionSummary, repetition_report, summarise_repetition
from phraseloom.evaluation.song_features import song_features, window_features
from phraseloom.progress import Progress
from phraseloom.score import Score


@dataclass(frozen=True)
class SetReport:
    """What one set of songs is like by itself."""

    repetition: RepetitionSummary
    chords: ChordAgreementSummary

    @classmethod
    def of(cls, scores: Sequence[Score]) -> SetReport:
        return cls(
            summarise_repetition(map(repetition_report, scores)),
            summarise_chord_agreement(map(chord_agreement, scores)),
        )

    def text(self) -> str:
        return f"{self.repetition.text()}\n{self.chords.text()}"


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
    """

    generated: SetReport
    real: SetReport
    told_apart: DiscriminationReport
    real_told_apart: DiscriminationReport
    kernel_distance: KernelDistance
    real_kernel_distance: KernelDistance
    originality: OriginalityComparison

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """For people."""
        return "\n".join(
            (
                "generated songs",
                self.generated.text(),
                "",
                "real songs",
                self.real.text(),
                "",
                "generated against real",
                self.told_apart.text(),
                f"real from other real, AUC     {self.real_told_apart.auc}",
                f"kernel distance               {self.kernel_distance}",
                f"  real from other real        {self.real_kernel_distance}",
                "",
                "likeness to the nearest training song, generated against real",
                self.originality.text(),
            )
        )


def compare_songs(
    generated: Sequence[Score],
    real: Sequence[Score],
    other_real: Sequence[Score],
    training: Sequence[Score],
    progress: Progress,
) -> ComparisonReport:
    """All figures of this package that look at songs.

    Args:
        generated: songs of at least as many tracks as the real ones have, in the same order of tracks.
        real, other_real: songs that no model has learnt from.
        training: songs that the model has learnt from.

    Raises:
        RequestError: too few songs are long enough, or scikit-learn is not installed.
        ValueError: a set is empty, or a generated song has too few tracks.
    """
    num_tracks = min(len(score.tracks) for score in real)
    windows = [window_features(scores, num_tracks) for scores in (generated, real, other_real)]
    whole = [song_features(scores, num_tracks).values for scores in (generated, real, other_real)]
    scaled = [standardised(values, whole[1]) for values in whole]
    progress("telling apart", 0.1)
    told_apart = discriminate(windows[1], windows[0])
    progress("telling apart", 0.3)
    real_told_apart = discriminate(windows[1], windows[2])
    index = OriginalityIndex.build(training)
    nearest = []
    for done, score in enumerate([*generated, *real]):
        progress("searching the training songs", 0.5 + 0.5 * done / (len(generated) + len(real)))
        nearest.append(index.nearest(score))
    return ComparisonReport(
        SetReport.of(generated),
        SetReport.of(real),
        told_apart,
        real_told_apart,
        kid(scaled[0], scaled[1]),
        kid(scaled[2], scaled[1]),
        compare_originality(nearest[: len(generated)], nearest[len(generated) :]),
    )
