"""Phrases as small integer arrays, the form in which the phrase VAE reads and writes them.

A phrase is a *header* (what sounds: a General MIDI program, drums, or nothing) and one *step* a note. A step holds four
attributes: onset, pitch, duration and velocity. Each attribute is an index into its own named range; `VOCABULARY` says
where every range starts and ends, and its fingerprint travels with every set of weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from phraseloom.score import Notes

MAX_NOTES = 64
"""Notes a phrase can hold; `PhraseTable.build` counts what is beyond."""

DRUMS_HEADER = 128
SILENT_HEADER = 129
NUM_HEADERS = 130


class Attribute(IntEnum):
    """Columns of a step, in the order in which the decoder predicts them."""

    ONSET = 0
    PITCH = 1
    DURATION = 2
    VELOCITY = 3


@dataclass(frozen=True)
class AttributeRange:
    """The values `first .. first + num_values - 1` of one attribute, stored as indices from 0."""

    name: str
    first: int
    num_values: int

    @property
    def last(self) -> int:
        return self.first + self.num_values - 1


@dataclass(frozen=True)
class Vocabulary:
    """Named ranges of everything that a phrase can hold."""

    attributes: tuple[AttributeRange, ...] = (
        AttributeRange("onset_ticks", 0, 96),
        AttributeRange("pitch", 0, 128),
        AttributeRange("duration_ticks", 1, 192),
        AttributeRange("velocity", 1, 127),
    )
    num_headers: int = NUM_HEADERS
    max_notes: int = MAX_NOTES

    @property
    def first_values(self) -> np.ndarray:
        """`[4]`: the value of index 0 of every attribute."""
        return np.array([attribute.first for attribute in self.attributes])

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(attribute.num_values for attribute in self.attributes)

    @property
    def end_index(self) -> int:
        """The onset index behind the last onset: the decoder's sign that the phrase is over."""
        return self.sizes[Attribute.ONSET]

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with every change of the vocabulary."""
        content = [[a.name, a.first, a.num_values] for a in self.attributes] + [self.num_headers, self.max_notes]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


VOCABULARY = Vocabulary()


def header_of(program: int, is_drum: bool, num_notes: int) -> int:
    """The header of a phrase of a track: its program, drums, or nothing where there is no note."""
    if num_notes == 0:
        return SILENT_HEADER
    return DRUMS_HEADER if is_drum else program


def encode_phrase(notes: Notes) -> np.ndarray:
    """Steps `[n, 4]` int16 of a phrase whose onsets count from the bar line.

    Raises:
        ValueError: a value outside its range, or more than `MAX_NOTES` notes; nothing is cut here.
    """
    columns = [notes.onset_ticks, notes.pitch, notes.duration_ticks, notes.velocity]
    steps = np.stack(columns, axis=1) - VOCABULARY.first_values
    if len(steps) > MAX_NOTES:
        raise ValueError(f"a phrase of {len(steps)} notes, expected at most {MAX_NOTES}")
    for column, attribute in zip(steps.T, VOCABULARY.attributes, strict=True):
        if len(column) and column.max() >= attribute.num_values:
            value = column.max() + attribute.first
            raise ValueError(f"{attribute.name} is {value}, expected {attribute.first} to {attribute.last}")
    return steps.astype(np.int16)


def decode_phrase(steps: np.ndarray) -> Notes:
    """The notes of steps `[n, 4]`; `decode_phrase(encode_phrase(notes)) == notes`."""
    onset_ticks, pitch, duration_ticks, velocity = (steps.astype(np.int64) + VOCABULARY.first_values).T
    return Notes(onset_ticks, duration_ticks, pitch, velocity)


@dataclass(frozen=True)
class EncodingLosses:
    """What did not fit into the vocabulary when phrases were encoded."""

    num_notes_dropped: int = 0
    num_durations_clipped: int = 0


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """Many phrases in three arrays.

    Attributes:
        headers: `[p]` int16.
        offsets: `[p + 1]` int64; phrase `i` has the steps `offsets[i] : offsets[i + 1]`.
        steps: `[n, 4]` int16.
        losses: what was cut to make them fit.
    """

    headers: np.ndarray
    offsets: np.ndarray
    steps: np.ndarray
    losses: EncodingLosses = EncodingLosses()

    @classmethod
    def build(cls, phrases: Sequence[Notes], headers: Sequence[int]) -> PhraseTable:
        """Encodes phrases; notes beyond the 64th are dropped and longer notes shortened, and both are counted.

        Raises:
            ValueError: an onset outside the longest bar of the vocabulary.
        """
        longest = VOCABULARY.attributes[Attribute.DURATION].last
        dropped = clipped = 0
        encoded = []
        for notes in phrases:
            kept = notes if len(notes) <= MAX_NOTES else notes.where(np.arange(len(notes)) < MAX_NOTES)
            too_long = kept.duration_ticks > longest
            if too_long.any():
                duration = np.minimum(kept.duration_ticks, longest)
                kept = Notes(kept.onset_ticks, duration, kept.pitch, kept.velocity)
            dropped += len(notes) - len(kept)
            clipped += int(too_long.sum())
            encoded.append(encode_phrase(kept))
        lengths = [len(steps) for steps in encoded]
        return cls(
            headers=np.array(headers, np.int16),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            steps=np.concatenate([np.zeros((0, 4), np.int16), *encoded]),
            losses=EncodingLosses(dropped, clipped),
        )

    def __len__(self) -> int:
        return len(self.headers)

    @property
    def num_notes(self) -> np.ndarray:
        """`[p]` notes of each phrase."""
        return np.diff(self.offsets)

    def phrase(self, index: int) -> Notes:
        return decode_phrase(self.steps[self.offsets[index] : self.offsets[index + 1]])

    def content(self, index: int) -> bytes:
        """What is the same for phrases that are the same, velocities and header too."""
        return self.headers[index].tobytes() + self.steps[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def select(self, indices: np.ndarray) -> PhraseTable:
        """The phrases `indices`, in that order."""
        lengths = self.num_notes[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return PhraseTable(self.headers[indices], offsets, self.steps[rows])

    def replaced(self, indices: np.ndarray, others: PhraseTable) -> PhraseTable:
        """The same with the phrases `indices` replaced by `others`, one for each."""
        chosen = np.arange(len(self))
        chosen[indices] = len(self) + np.arange(len(indices))
        return self.followed_by(others).select(chosen)

    def followed_by(self, others: PhraseTable) -> PhraseTable:
        """The phrases of both."""
        return PhraseTable(
            np.concatenate([self.headers, others.headers]),
            np.concatenate([self.offsets, self.offsets[-1] + others.offsets[1:]]),
            np.concatenate([self.steps, others.steps]),
        )

    def padded(self, num_steps: int | None = None) -> np.ndarray:
        """`[p, num_steps, 4]` int64 steps, zeros behind the end of each phrase; as long as the longest by default."""
        lengths = self.num_notes
        out = np.zeros((len(self), int(lengths.max(initial=0)) if num_steps is None else num_steps, 4), np.int64)
        out[np.arange(out.shape[1]) < lengths[:, None]] = self.steps
        return out

    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """Index of the first phrase of every distinct one (velocity aside), and how often each occurs."""
        bounds = zip(self.offsets[:-1], self.offsets[1:], strict=True)
        no_velocity = np.ascontiguousarray(self.steps[:, : Attribute.VELOCITY])
        keys = [
            header.tobytes() + no_velocity[a:b].tobytes() for header, (a, b) in zip(self.headers, bounds, strict=True)
        ]
        _, first, counts = np.unique(np.array(keys, object), return_index=True, return_counts=True)
        return first, counts
