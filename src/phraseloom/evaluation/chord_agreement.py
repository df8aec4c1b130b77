"""Do the notes of a song follow the chords that were asked for?

For every beat (quarter note) in which something sounds, the notes are held against the chord asked, and against the
other chords of the same song. Notes in the right key agree with many of its chords, whatever was asked; what they agree
with the chord asked more than with the others is due to the chord. (Held against chords from anywhere, such as the
chord asked moved by some semitones, a song that knows only its key would seem to follow its chords.) Drums and
velocities do not count, nor does which note is the lowest. As with the other measures, hold the figures against those
of real songs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate, bootstrap_mean
from phraseloom.evaluation.plain import plain_dict
from phraseloom.score import TICKS_PER_QUARTER, ChordSpan, Score

AGREEING_SHARE = 0.75
"""Notes agree with a chord when at least this share of what sounds, every note weighted by how long, is in it.

On 100 training songs of POP909 the chord asked and a wrong one differ most at this share: by 0.756, against 0.701 at
0.6 and 0.586 at 0.9.
"""


@dataclass(frozen=True)
class ChordAgreement:
    """How the notes of one song agree with its chords; NaN where a song has nothing to measure.

    Attributes:
        asked: share of the beats whose notes agree with the chord asked; NaN without chords or notes under them.
        wrong: the same for a wrong chord: one of the song's chords with other pitch classes than the one asked, each as
            probable as it is frequent. This is the mean over every such chord, nothing is drawn. NaN where all
            chords have the same pitch classes.
        difference: `asked - wrong`.
        num_beats: how many beats with a chord and with notes the shares are over.
    """

    asked: float
    wrong: float
    difference: float
    num_beats: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


@dataclass(frozen=True)
class ChordAgreementSummary:
    """`ChordAgreement`s of many songs: for every figure the mean over songs with its confidence interval."""

    asked: Estimate
    wrong: Estimate
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """One line a figure, for people: mean, confidence interval, number of songs."""
        rows = {
            "beats that agree, chord asked": self.asked,
            "beats that agree, wrong chord": self.wrong,
            "difference": self.difference,
        }
        return "\n".join(f"{name:31}{estimate}  ({estimate.num_songs} songs)" for name, estimate in rows.items())


def chord_agreement(score: Score) -> ChordAgreement:
    """Compares what sounds in every beat with the chord that the score has there.

    A beat agrees with a chord when at least `AGREEING_SHARE` of what sounds in it is among the chord's pitch classes,
    its bass included: of the ticks that all notes sound in that beat, wherever they began. A beat in which the chord
    changes counts in parts, each by its length. What sounds where there is no chord does not count.
    """
    spans = [span for span in score.chords if span.chord.pitch_classes]
    start_ticks, end_ticks, asked = _beats(spans)
    masks, kind_of_span = _chord_kinds(spans)

    mass = _sounding_ticks(score)
    mass = mass[end_ticks] - mass[start_ticks]
    sounds = mass.sum(axis=1) > 0
    mass, kind = mass[sounds], kind_of_span[asked[sounds]]
    beats = (end_ticks - start_ticks)[sounds] / TICKS_PER_QUARTER
    num_beats = float(beats.sum())
    if not num_beats:
        return ChordAgreement(np.nan, np.nan, np.nan, 0.0)

    agrees = mass @ masks.T >= AGREEING_SHARE * mass.sum(axis=1, keepdims=True)
    asked_share = float(beats @ agrees[np.arange(len(kind)), kind]) / num_beats

    others = np.bincount(kind, weights=beats, minlength=len(masks)) * (kind[:, None] != np.arange(len(masks)))
    if not others.any():
        return ChordAgreement(asked_share, np.nan, np.nan, num_beats)
    wrong_share = float(beats @ ((others * agrees).sum(axis=1) / others.sum(axis=1))) / num_beats
    return ChordAgreement(asked_share, wrong_share, asked_share - wrong_share, num_beats)


def summarise_chord_agreement(
    reports: Iterable[ChordAgreement], *, confidence: float = 0.95, seed: int = 0
) -> ChordAgreementSummary:
    """Means over songs, every song with the same weight, with bootstrap confidence intervals by song.

    A song in which a figure is not defined (NaN) does not count for that figure.
    """
    songs = list(reports)

    def mean(values: list[float]) -> Estimate:
        return bootstrap_mean(values, confidence=confidence, seed=seed)

    return ChordAgreementSummary(
        asked=mean([song.asked for song in songs]),
        wrong=mean([song.wrong for song in songs]),
        difference=mean([song.difference for song in songs]),
    )


def _beats(spans: Sequence[ChordSpan]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every beat, or part of one, under one chord: its first tick, the tick behind it, the index of its span; `[n]`."""
    first = np.array([span.onset_ticks for span in spans], np.int64)
    last = first + np.array([span.duration_ticks for span in spans], np.int64)
    lines = np.arange(0, last.max(initial=0) + 1, TICKS_PER_QUARTER)
    edges = np.unique(np.concatenate([lines, first, last]))
    start_ticks, end_ticks = edges[:-1], edges[1:]
    asked = np.searchsorted(first, start_ticks, side="right") - 1
    under_chord = (asked >= 0) & (start_ticks < last[asked])
    return start_ticks[under_chord], end_ticks[under_chord], asked[under_chord]


def _chord_kinds(spans: Sequence[ChordSpan]) -> tuple[np.ndarray, np.ndarray]:
    """Chords with the same pitch classes are of one kind: `[num_kinds, 12]` of 0 and 1, and each span's kind."""
    index = {kind: place for place, kind in enumerate(dict.fromkeys(span.chord.pitch_classes for span in spans))}
    masks = np.array([[pitch_class in kind for pitch_class in range(12)] for kind in index], np.int64).reshape(-1, 12)
    return masks, np.array([index[span.chord.pitch_classes] for span in spans], np.int64)


def _sounding_ticks(score: Score) -> np.ndarray:
    """`[num_ticks + 1, 12]` int64: how many ticks the notes of each pitch class have sounded before each tick."""
    notes = [track.notes for track in score.tracks if not track.is_drum]
    change = np.zeros((score.num_ticks + 1) * 12, np.int64)
    for part in notes:
        pitch_class = part.pitch % 12
        end_ticks = np.minimum(part.end_ticks, score.num_ticks)
        change += np.bincount(part.onset_ticks * 12 + pitch_class, minlength=len(change))
        change -= np.bincount(end_ticks * 12 + pitch_class, minlength=len(change))
    sounding = np.cumsum(change.reshape(-1, 12), axis=0)
    return np.concatenate([np.zeros((1, 12), np.int64), np.cumsum(sounding, axis=0)[:-1]])
