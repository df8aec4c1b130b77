"""Which notes of a track are written as one chord, and which chords as one voice.

Sheet music knows chords, whose notes begin and end together, and voices, in which one chord follows another. Played
notes are neither: their ends are rounded here, and notes that sound on under others go to a voice of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.score import Notes

MAX_VOICES = 4
"""On one staff; notation programs have no more."""

_SIXTEENTH_TICKS, _TRIPLET_EIGHTH_TICKS = TICKS_PER_QUARTER // 4, TICKS_PER_QUARTER // 3


@dataclass(frozen=True)
class WrittenChord:
    """Notes that begin and end together; `pitches` are MIDI numbers, the lowest first."""

    onset_ticks: int
    end_ticks: int
    pitches: tuple[int, ...]


Voice = list[WrittenChord]
"""Chords in order, none of which begins before the last one has ended."""


def written_voices(notes: Notes, num_ticks: int) -> list[Voice]:
    """The voices of a staff, 1 to `MAX_VOICES`, the first with a chord at every onset at which it is free.

    Onsets and pitches are those of the notes. Ends are rounded, see `rounded_end`, and none lies behind `num_ticks`.
    Where more chords overlap than there are voices, the one that has sounded longest ends early; chords that begin
    together are joined.
    """
    voices: list[Voice] = [[]]
    for onset_ticks, pitches_by_end in _by_onset(notes, num_ticks):
        chords = [WrittenChord(onset_ticks, end, tuple(sorted(pitches))) for end, pitches in pitches_by_end.items()]
        for chord in sorted(chords, key=lambda chord: chord.pitches[-1], reverse=True):
            _place(voices, chord)
    return voices


def drum_voice(notes: Notes, num_ticks: int) -> Voice:
    """Percussion as one voice: every stroke lasts to the next one, or to the end of its beat."""
    struck: dict[int, list[int]] = defaultdict(list)
    for onset_ticks, _, pitch, _ in notes.table.tolist():
        struck[onset_ticks].append(pitch)
    voice = []
    for onset_ticks, next_ticks in pairwise([*sorted(struck), num_ticks]):
        beat_end = (onset_ticks // TICKS_PER_QUARTER + 1) * TICKS_PER_QUARTER
        voice.append(WrittenChord(onset_ticks, min(next_ticks, beat_end), tuple(sorted(struck[onset_ticks]))))
    return voice


def rounded_end(onset_ticks: int, end_ticks: int) -> int:
    """Where a note ends on paper: at the nearest 16th or, of triplets, eighth, always behind its onset.

    That is at most 2 ticks off (3 where the note lasts 1). A note that begins on neither stays as long as it is.
    """
    is_on_beat = onset_ticks % TICKS_PER_QUARTER == 0
    is_triplet = onset_ticks % _TRIPLET_EIGHTH_TICKS == 0
    if is_triplet and (not is_on_beat or end_ticks % _TRIPLET_EIGHTH_TICKS == 0):
        unit = _TRIPLET_EIGHTH_TICKS
    elif onset_ticks % _SIXTEENTH_TICKS == 0:
        unit = _SIXTEENTH_TICKS
    else:
        return end_ticks
    return max(onset_ticks + unit, (end_ticks + unit // 2) // unit * unit)


def _by_onset(notes: Notes, num_ticks: int) -> Iterator[tuple[int, Mapping[int, list[int]]]]:
    """Onsets in order, each with the pitches that begin there by their written ends."""
    next_onset_ticks: dict[int, int] = {}
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for onset_ticks, duration_ticks, pitch, _ in reversed(notes.table.tolist()):
        again_ticks = next_onset_ticks.get(pitch, num_ticks)  # rounding up must not run into the same key
        end_ticks = min(rounded_end(onset_ticks, onset_ticks + duration_ticks), again_ticks)
        found[onset_ticks][end_ticks].append(pitch)
        next_onset_ticks[pitch] = onset_ticks
    for onset_ticks in sorted(found):
        yield onset_ticks, found[onset_ticks]


def _place(voices: list[Voice], chord: WrittenChord) -> None:
    """Adds a chord, no earlier than any before, to the first voice that has room for it."""
    for voice in voices:
        if not voice or voice[-1].end_ticks <= chord.onset_ticks:
            voice.append(chord)
            return
    if len(voices) < MAX_VOICES:
        voices.append([chord])
        return
    longest = min(voices, key=lambda voice: voice[-1].onset_ticks)
    if longest[-1].onset_ticks < chord.onset_ticks:
        longest[-1] = replace(longest[-1], end_ticks=chord.onset_ticks)
        longest.append(chord)
        return
    alike = min(voices, key=lambda voice: abs(voice[-1].end_ticks - chord.end_ticks))
    alike[-1] = replace(alike[-1], pitches=tuple(sorted({*alike[-1].pitches, *chord.pitches})))
