"""What is added to the decoder's logits so that drawn songs have notes of every kind about as often as real ones.

Of an uncertain prediction the likeliest note is taken, again and again, and what is less likely than something else
each time never comes: too few notes sound at once, lines move too seldom by steps. And of notes that few songs have
often, every song gets a few. So some kinds of notes have a number for each slot that is added to their logits. Where
the decoder is certain, it changes nothing.

Letters in shapes: p phrases, b those still being written, s slots, q quarter notes of a bar, v values of a range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from phraseloom.events import VOCABULARY, Attribute
from phraseloom.harmony import MAJOR_SCALE, Chord
from phraseloom.score import TICKS_PER_QUARTER

STEPS, REPEATS = (-2, -1, 1, 2), (0,)
"""Semitones from the highest note of one onset to that of the next."""
THIRDS, SECONDS = (3, 4, 8, 9), (1, 2, 10, 11)
"""Semitones modulo 12 between notes that begin together: thirds and sixths, seconds and sevenths."""


@dataclass(frozen=True)
class SlotBias:
    """What is added in the phrases of one slot.

    Attributes:
        same_onset: to one more note at the onset of the last.
        step: to pitches one or two semitones from the highest of the onset before.
        repeat: to that pitch itself.
        third: to notes a third or a sixth, octaves apart too, below the one before of the same onset.
        second: the same of seconds and sevenths.
        chord: to pitches of the chord.
        foreign: to pitches neither of the chord nor of C major and A minor. Where no chord is known there are none.

    Raises:
        ValueError: one is not finite.
    """

    same_onset: float = 1.0
    step: float = 0.0
    repeat: float = 0.0
    third: float = 0.0
    second: float = 0.0
    chord: float = 0.0
    foreign: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not math.isfinite(value):
                raise ValueError(f"{name} is {value}, expected a finite number")


class Tone(IntEnum):
    """What a pitch class is in C major or A minor, under a chord."""

    OTHER = 0
    CHORD = 1
    FOREIGN = 2


def tones_of(chords: Sequence[Chord | None]) -> np.ndarray:
    """`[len(chords), 12]` the `Tone` of each pitch class under each chord."""
    tones = np.full((len(chords), 12), Tone.OTHER)
    foreign = np.where(np.isin(np.arange(12), MAJOR_SCALE), Tone.OTHER, Tone.FOREIGN)
    for row, chord in zip(tones, chords, strict=True):
        if chord is not None and chord.pitch_classes:
            row[:] = foreign
            row[list(chord.pitch_classes)] = Tone.CHORD
    return tones


class NoteBias(NamedTuple):
    """The biases of phrases."""

    same_onset: Tensor
    """`[p]`."""
    by_interval: Tensor
    """`[p, 3]` of pitches at a new onset: none, that of a step, that of a repetition."""
    by_gap: Tensor
    """`[p, 3]` of further pitches of an onset: none, that of a third, that of a second."""
    by_tone: Tensor
    """`[p, q, 12]` of pitch classes, by the quarter note in which a note begins."""

    @classmethod
    def of(cls, slots: Sequence[SlotBias], slot: np.ndarray, tones: np.ndarray) -> NoteBias:
        """Of phrases that lie in the slots `slot [p]` and in bars of `tones [p, q, 12]`."""
        table = torch.tensor([astuple(each) for each in slots], dtype=torch.float32)
        same_onset, step, repeat, third, second, chord, foreign = table[torch.from_numpy(slot)].T
        none = torch.zeros_like(step)
        by_tone = torch.stack([none, chord, foreign], dim=1)
        chosen = by_tone.gather(1, torch.from_numpy(tones).flatten(1)).view(tones.shape)
        return cls(
            same_onset, torch.stack([none, step, repeat], dim=1), torch.stack([none, third, second], dim=1), chosen
        )

    def keep(self, rows: Tensor) -> NoteBias:
        """Those of the phrases `rows`."""
        return NoteBias(*(of_phrases[rows] for of_phrases in self))


def _kinds(groups: Sequence[Sequence[int]], of: Tensor) -> Tensor:
    """`[len(of)]` the number, from 1, of the group that each of some semitones is in; 0 for none."""
    kinds = torch.zeros_like(of)
    for number, semitones in enumerate(groups, start=1):
        kinds[torch.isin(of, torch.tensor(semitones))] = number
    return kinds


_NUM_PITCHES = VOCABULARY.sizes[Attribute.PITCH]
_INTERVALS = _kinds([STEPS, REPEATS], torch.arange(-_NUM_PITCHES, _NUM_PITCHES))
_GAPS = _kinds([THIRDS, SECONDS], torch.arange(-_NUM_PITCHES, _NUM_PITCHES) % 12)


class BiasedNotes:
    """Phrases that are being written: what is added to the logits of their next onsets and pitches."""

    def __init__(self, bias: NoteBias) -> None:
        self.bias = bias
        num_phrases = len(bias.same_onset)
        self.last_onset = torch.full((num_phrases,), -1)
        self.last_pitch, self.highest = torch.zeros((2, num_phrases), dtype=torch.int64)
        self._pitches = torch.arange(_NUM_PITCHES)

    def keep(self, rows: Tensor) -> None:
        self.bias = self.bias.keep(rows)
        self.last_onset, self.last_pitch, self.highest = (
            self.last_onset[rows],
            self.last_pitch[rows],
            self.highest[rows],
        )

    def note(self, step: Tensor) -> None:
        """Takes in the step `[b, 4]` that was just written."""
        onset, pitch = step[:, Attribute.ONSET], step[:, Attribute.PITCH]
        self.highest = torch.where(onset == self.last_onset, self.highest, pitch)
        self.last_onset, self.last_pitch = onset, pitch

    def add_to_onsets(self, logits: Tensor) -> None:
        """To `logits [b, v]` of what follows the last note."""
        logits.scatter_add_(1, self.last_onset[:, None], self.bias.same_onset[:, None])

    def of_pitches(self, onset: Tensor) -> Tensor:
        """`[b, v]` of notes at `onset [b]`."""
        quarter = onset // TICKS_PER_QUARTER
        biases = self.bias.by_tone[torch.arange(len(onset)), quarter][:, self._pitches % 12]
        is_first = self.last_onset < 0
        is_same = (onset == self.last_onset)[:, None]
        gap = _GAPS[self.last_pitch[:, None] - self._pitches + _NUM_PITCHES]
        interval = _INTERVALS[self._pitches - self.highest[:, None] + _NUM_PITCHES]
        by_line = torch.where(is_same, self.bias.by_gap.gather(1, gap), self.bias.by_interval.gather(1, interval))
        return biases + by_line.masked_fill(is_first[:, None], 0.0)
