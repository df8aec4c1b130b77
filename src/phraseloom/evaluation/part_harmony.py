"""Does a part fit the harmony that the other tracks make?

Two figures, neither of them "the higher, the better": real parts pass through notes outside of the chord, and rub
against the others now and then. Hold them against the same figures of the true part, or of real songs. Drums count
neither as part nor as others, and velocities do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phraseloom.evaluation.plain import plain_dict
from phraseloom.score import Score, Track

NUM_PITCHES = 128


@dataclass(frozen=True)
class PartHarmony:
    """How one part of a song, a track or several, fits chords and other tracks; NaN where there is nothing to measure.

    Attributes:
        in_chord: share of the part's notes that are among the pitch classes, the bass included, of the chord under
            which they begin; notes that begin where there is no chord do not count.
        clashing: share of the time that the part's notes sound together with notes of other tracks in which they are
            a minor second from one of these, or a minor second and octaves (a minor ninth, ...). A major seventh is
            none. Each note's time counts by itself.
        num_notes: of the part.
    """

    in_chord: float
    clashing: float
    num_notes: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


def part_harmony(score: Score, part: Sequence[int]) -> PartHarmony:
    """Holds the tracks of `part` (indices from 0) against the score's chords and against its other tracks.

    Raises:
        ValueError: the score has no such track.
    """
    if outside := [index for index in part if not 0 <= index < len(score.tracks)]:
        raise ValueError(f"no tracks {outside} in a song of {len(score.tracks)}")
    own = [track for index, track in enumerate(score.tracks) if index in part and not track.is_drum]
    others = [track for index, track in enumerate(score.tracks) if index not in part and not track.is_drum]
    return PartHarmony(
        in_chord=_share_in_chord(score, own),
        clashing=_share_clashing(_sounding(score, own), _sounding(score, others)),
        num_notes=sum(len(track.notes) for track in own),
    )


def _share_in_chord(score: Score, tracks: Sequence[Track]) -> float:
    spans = [span for span in score.chords if span.chord.pitch_classes]
    if not spans:
        return np.nan
    first = np.array([span.onset_ticks for span in spans])
    behind = first + np.array([span.duration_ticks for span in spans])
    is_tone = np.array([[tone in span.chord.pitch_classes for tone in range(12)] for span in spans])
    onset = np.concatenate([np.zeros(0, np.int64), *(track.notes.onset_ticks for track in tracks)])
    pitch = np.concatenate([np.zeros(0, np.int64), *(track.notes.pitch for track in tracks)])
    span = np.searchsorted(first, onset, side="right") - 1
    under_chord = (span >= 0) & (onset < behind[span])
    return float(is_tone[span, pitch % 12][under_chord].mean()) if under_chord.any() else np.nan


def _sounding(score: Score, tracks: Sequence[Track]) -> np.ndarray:
    """`[num_ticks, 128]`: how many notes of each pitch sound at each tick of the song."""
    change = np.zeros((score.num_ticks + 1, NUM_PITCHES), np.int32)
    for track in tracks:
        np.add.at(change, (track.notes.onset_ticks, track.notes.pitch), 1)
        np.add.at(change, (np.minimum(track.notes.end_ticks, score.num_ticks), track.notes.pitch), -1)
    return change.cumsum(axis=0)[:-1]


def _share_clashing(own: np.ndarray, others: np.ndarray) -> float:
    """Of `[num_ticks, 128]` each."""
    together = others.any(axis=1) & own.any(axis=1)
    own, others = own[together], others[together] > 0
    pitch = np.arange(NUM_PITCHES)
    rubs = (np.abs(pitch[:, None] - pitch[None, :]) % 12 == 1).astype(np.float32)
    clashes = others.astype(np.float32) @ rubs > 0
    return float(own[clashes].sum() / own.sum()) if len(own) else np.nan
