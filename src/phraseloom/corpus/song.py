"""What a corpus source makes of one file: a song with its split and a report, or a rejection with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from phraseloom.score import Score


@dataclass(frozen=True)
class AlignmentReport:
    """How well a song agrees with its labels.

    Attributes:
        found_share: share of the labelled melody notes found at their labelled place, 0 to 1.
        num_shift_changes: how often the distance between performance and labels changes within the song.
        num_notes_moved: notes whose onset was not on the 12-ticks-a-quarter grid (by more than 1/48 of a quarter).
        num_notes_left_out: notes outside the labelled bars, or in beats that the labels took out.
        num_notes_merged: notes that had the place and pitch of another one of their track.
    """

    found_share: float
    num_shift_changes: int
    num_notes_moved: int
    num_notes_left_out: int
    num_notes_merged: int


@dataclass(frozen=True)
class CorpusSong:
    """One accepted song.

    Attributes:
        song_id: unique in the corpus, such as `pop909-001`.
        score: the song.
        split: "train", "validation", "test" or "excluded" (`phraseloom.corpus.splits`).
        report: agreement with the labels; None for sources without labels.
    """

    song_id: str
    score: Score
    split: str
    report: AlignmentReport | None = None


@dataclass(frozen=True)
class Rejection:
    """One song that did not enter the corpus, and why, in a sentence without the song's name."""

    song_id: str
    reason: str
