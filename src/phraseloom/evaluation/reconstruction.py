"""How faithfully phrases survive encoding and decoding: notes counted, right or wrong.

A decoded note is right when the true phrase, in the same place of the song and the same track, has a note of the same
onset, pitch and (for the strict count) duration, in ticks. Since no two notes of a phrase share onset and pitch, there
is only one way to pair them, and the counts are those of `mir_eval.transcription` (Raffel et al. 2014) with tolerances
below a tick. Counts are summed over phrases before precision and recall are taken (micro average).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phraseloom.evaluation.plain import plain_dict
from phraseloom.score import Notes

SIZE_GROUPS = {"0": (0, 0), "1-8": (1, 8), "9-16": (9, 16), "17-32": (17, 32), "33-64": (33, 64), "65+": (65, None)}
"""Groups of phrases by the number of notes of the true phrase: name, fewest, most."""


@dataclass(frozen=True)
class NoteScores:
    """Counts of notes, and what follows from them.

    Attributes:
        num_true: notes of the true phrases.
        num_decoded: notes of the decoded phrases.
        num_right: notes that both have.
        precision: share of the decoded notes that are right; NaN where nothing was decoded.
        recall: share of the true notes that were found; NaN where there are none.
        f1: harmonic mean of the two; NaN where neither side has notes.
    """

    num_true: int
    num_decoded: int
    num_right: int
    precision: float = field(init=False)
    recall: float = field(init=False)
    f1: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "precision", _share(self.num_right, self.num_decoded))
        object.__setattr__(self, "recall", _share(self.num_right, self.num_true))
        object.__setattr__(self, "f1", _share(2 * self.num_right, self.num_true + self.num_decoded))


@dataclass(frozen=True)
class PhraseGroup:
    """A set of phrases, scored.

    Attributes:
        num_phrases: how many they are.
        exact_share: share of them decoded exactly: all notes with onset, pitch and duration, and no other; velocity
            does not count. NaN for no phrases.
        notes: a note is right with its onset, pitch and duration.
        onset_pitch: a note is right with its onset and pitch.
    """

    num_phrases: int
    exact_share: float
    notes: NoteScores
    onset_pitch: NoteScores


@dataclass(frozen=True)
class ReconstructionReport:
    """What became of phrases.

    Attributes:
        total: all phrases.
        by_track: by the track's name, in order of first appearance.
        by_num_notes: by the number of notes of the true phrase; only groups that have phrases.
        velocity_mae: mean absolute error of the velocity (MIDI, 1 to 127) of notes that are right with onset, pitch and
            duration; NaN where none is.
    """

    total: PhraseGroup
    by_track: dict[str, PhraseGroup]
    by_num_notes: dict[str, PhraseGroup]
    velocity_mae: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """A table for people, one line a group."""
        lines = [
            f"{'phrases':18}{'number':>9}{'exact':>9}{'note F1':>9}{'onset+pitch F1':>16}",
            _row("all", self.total),
        ]
        lines += [_row(name, group) for name, group in self.by_track.items()]
        lines += [_row(f"{name} notes", group) for name, group in self.by_num_notes.items()]
        return "\n".join([*lines, f"velocity: mean absolute error {self.velocity_mae:.2f} of 127"])


def reconstruction_report(
    true: Sequence[Notes], decoded: Sequence[Notes], track_names: Sequence[str]
) -> ReconstructionReport:
    """Compares decoded phrases with the true ones.

    Args:
        true: phrases, onsets counted from the bar line.
        decoded: `decoded[i]` is what became of `true[i]`.
        track_names: the track of each phrase.

    Raises:
        ValueError: the three differ in length.
    """
    if not len(true) == len(decoded) == len(track_names):
        raise ValueError(f"{len(true)} true and {len(decoded)} decoded phrases of {len(track_names)} track names")
    counts = _PhraseCounts.of(true, decoded)
    tracks = np.array(track_names, dtype=object)
    by_size = {
        name: (counts.num_true >= fewest) & (counts.num_true <= (np.inf if most is None else most))
        for name, (fewest, most) in SIZE_GROUPS.items()
    }
    return ReconstructionReport(
        total=counts.group(np.ones(len(true), bool)),
        by_track={name: counts.group(tracks == name) for name in dict.fromkeys(track_names)},
        by_num_notes={name: counts.group(members) for name, members in by_size.items() if members.any()},
        velocity_mae=_share(counts.velocity_error.sum(), counts.num_right.sum()),
    )


@dataclass(frozen=True)
class _PhraseCounts:
    """Numbers of notes by phrase, each `[num_phrases]` int64; `velocity_error` is a sum over right notes."""

    num_true: np.ndarray
    num_decoded: np.ndarray
    num_right: np.ndarray
    num_right_onset_pitch: np.ndarray
    velocity_error: np.ndarray

    @classmethod
    def of(cls, true: Sequence[Notes], decoded: Sequence[Notes]) -> _PhraseCounts:
        true_phrase, true_table = _tables(true)
        decoded_phrase, decoded_table = _tables(decoded)
        pairs = _same_place(true_phrase, true_table, decoded_phrase, decoded_table)
        phrase, true_table, decoded_table = true_phrase[pairs[0]], true_table[pairs[0]], decoded_table[pairs[1]]
        right = true_table[:, 1] == decoded_table[:, 1]
        velocity_error = np.abs(true_table[:, 3] - decoded_table[:, 3])[right]
        num_phrases = len(true)
        return cls(
            num_true=np.bincount(true_phrase, minlength=num_phrases),
            num_decoded=np.bincount(decoded_phrase, minlength=num_phrases),
            num_right=np.bincount(phrase[right], minlength=num_phrases),
            num_right_onset_pitch=np.bincount(phrase, minlength=num_phrases),
            velocity_error=np.bincount(phrase[right], velocity_error, minlength=num_phrases).astype(np.int64),
        )

    def group(self, members: np.ndarray) -> PhraseGroup:
        """The phrases selected by a boolean mask `[num_phrases]`."""
        exact = (self.num_right == self.num_true) & (self.num_right == self.num_decoded)
        num_true, num_decoded = int(self.num_true[members].sum()), int(self.num_decoded[members].sum())
        num_phrases = int(members.sum())
        return PhraseGroup(
            num_phrases=num_phrases,
            exact_share=_share(exact[members].sum(), num_phrases),
            notes=NoteScores(num_true, num_decoded, int(self.num_right[members].sum())),
            onset_pitch=NoteScores(num_true, num_decoded, int(self.num_right_onset_pitch[members].sum())),
        )


def _tables(phrases: Sequence[Notes]) -> tuple[np.ndarray, np.ndarray]:
    """All notes one below the other: the phrase of each, and its onset, duration, pitch and velocity."""
    phrase = np.repeat(np.arange(len(phrases)), [len(notes) for notes in phrases])
    return phrase, np.concatenate([np.zeros((0, 4), np.int64), *(notes.table for notes in phrases)])


def _same_place(
    true_phrase: np.ndarray, true_table: np.ndarray, decoded_phrase: np.ndarray, decoded_table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the true and of the decoded notes that have the same phrase, onset and pitch."""
    num_onsets = 1 + max(true_table[:, 0].max(initial=0), decoded_table[:, 0].max(initial=0))
    true_place, decoded_place = (
        (phrase * num_onsets + table[:, 0]) * 128 + table[:, 2]
        for phrase, table in ((true_phrase, true_table), (decoded_phrase, decoded_table))
    )
    _, true_rows, decoded_rows = np.intersect1d(true_place, decoded_place, assume_unique=True, return_indices=True)
    return true_rows, decoded_rows


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else np.nan


def _row(name: str, group: PhraseGroup) -> str:
    return f"{name:18}{group.num_phrases:9}{group.exact_share:9.3f}{group.notes.f1:9.3f}{group.onset_pitch.f1:16.3f}"
