"""How each track plays in each section, in a few coarse numbers: how many notes, how high, how long, in what rhythm.

Letters in shapes: n bars, k sections, s tracks, a aspects.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from phraseloom.form import Section, bar_positions
from phraseloom.score import TICKS_PER_QUARTER, Notes, Score
from phraseloom.transforms import normalise_key

TICKS_PER_QUAVER = 6
LONGEST_WAIT = 4 * TICKS_PER_QUARTER
"""Times from onset to onset that are longer, in ticks, count as this one."""


class Aspect(IntEnum):
    """What is measured of a track in the bars of a section in which it sounds."""

    NOTES = 0
    """Notes a bar."""
    ONSETS = 1
    """Onsets a bar, notes that begin together counted once."""
    PITCH = 2
    """MIDI pitch, of the song in C major or A minor."""
    DURATION = 3
    """Ticks that a note lasts, geometric mean."""
    OFF_QUAVERS = 4
    """Share of the onsets that lie beside the quavers."""
    VARIETY = 5
    """Entropy in bits of the times from onset to onset."""
    REPETITION = 6
    """Share of the upper line's intervals, highest note to highest note, that are none."""
    STEPS = 7
    """Share of them that are steps of one or two semitones."""
    THIRDS = 8
    """Share of the intervals between notes that begin together that are minor or major thirds, octaves apart too."""


EDGES = (
    (2.0, 3.5, 5.0, 7.0, 9.5, 12.5, 16.0),
    (2.0, 3.5, 4.5, 5.5, 6.5, 8.0, 10.5),
    (52.0, 56.0, 60.0, 64.0, 68.0, 72.0, 77.0),
    (3.5, 4.5, 5.5, 7.0, 9.0, 12.0, 18.0),
    (0.03, 0.08, 0.15, 0.22, 0.3, 0.4, 0.5),
    (0.25, 0.75, 1.0, 1.3, 1.55, 1.8, 2.1),
    (0.01, 0.03, 0.06, 0.1, 0.15, 0.22, 0.33),
    (0.02, 0.08, 0.18, 0.32, 0.42, 0.5, 0.62),
    (0.05, 0.15, 0.25, 0.32, 0.4, 0.48, 0.58),
)
"""Of each aspect, the borders between its grades."""

TYPICAL_NOTES = (1.0, 3.0, 4.0, 6.0, 8.0, 11.0, 14.0, 18.0)
"""Notes a bar that stand for the eight grades of it."""

UNKNOWN, RESTS, LOWEST_GRADE = 0, 1, 2
NUM_GRADES = LOWEST_GRADE + 8
"""Grades are whole numbers: unknown, a track that rests, and eight from little to much."""


def section_textures(
    score: Score, sections: Sequence[Section], num_tracks: int, is_known: np.ndarray | None = None
) -> np.ndarray:
    """`[k, s, a]` grades of the first `num_tracks` tracks in each section; tracks that are not there rest.

    Args:
        is_known: `[n, s]` bool, the cells of which the notes count; all where None. A track is unknown in a section of
            which no cell is known, or of which some are not and the others rest.
    """
    score = normalise_key(score)
    shape = (score.num_bars, num_tracks)
    is_known = np.ones(shape, bool) if is_known is None else is_known
    ends = np.cumsum([section.num_bars for section in sections])
    section_of_bar = np.searchsorted(ends, np.arange(score.num_bars), side="right")
    textures = np.full((len(sections), num_tracks, len(Aspect)), RESTS, np.int64)
    for number in range(len(sections)):
        textures[number, ~is_known[section_of_bar == number].all(axis=0)] = UNKNOWN
    for slot, track in enumerate(score.tracks[:num_tracks]):
        bars = score.bar_of(track.notes.onset_ticks)
        counts = is_known[bars, slot]
        for number in np.unique(section_of_bar[bars[counts & (bars < ends[-1])]]):
            chosen = counts & (section_of_bar[bars] == number)
            textures[number, slot] = _grades(track.notes.where(chosen), bars[chosen], score)
    return textures


def section_pitches(score: Score, num_tracks: int) -> np.ndarray:
    """`[k, s]` int64: the mean MIDI pitch of the first `num_tracks` tracks in each section as it sounds, 0 for a rest.

    Not of the song in C major or A minor, as grades are: players stay where their instrument sounds well, whatever the
    key, and singers choose the key for it.
    """
    section_of_bar = bar_positions(score.sections).section_index
    pitches = np.zeros((len(score.sections), num_tracks), np.int64)
    for slot, track in enumerate(score.tracks[:num_tracks]):
        section = section_of_bar[score.bar_of(track.notes.onset_ticks)]
        for number in np.unique(section):
            pitches[number, slot] = max(1, round(float(track.notes.pitch[section == number].mean())))
    return pitches


def texture_of_bars(textures: np.ndarray, sections: Sequence[Section]) -> np.ndarray:
    """`[n, s, a]` of every bar, from those `[k, s, a]` of its section."""
    return np.repeat(textures, [section.num_bars for section in sections], axis=0)


def grade(aspect: Aspect, value: float) -> int:
    """The grade of a mean, at least `LOWEST_GRADE`."""
    return int(grades_of(aspect, np.asarray(value)))


def grades_of(aspect: Aspect, values: np.ndarray) -> np.ndarray:
    """As `grade`, of all values."""
    return LOWEST_GRADE + np.searchsorted(EDGES[aspect], values, side="right")


def _grades(notes: Notes, bars: np.ndarray, score: Score) -> list[int]:
    num_bars = len(np.unique(bars))
    onsets, first = np.unique(notes.onset_ticks, return_index=True)
    leaps = np.abs(np.diff(notes.pitch[first]))  # of one onset the highest comes first
    in_bar = onsets - np.asarray(score.bar_start_ticks)[score.bar_of(onsets)]
    values = {
        Aspect.NOTES: len(notes) / num_bars,
        Aspect.ONSETS: len(onsets) / num_bars,
        Aspect.PITCH: float(notes.pitch.mean()),
        Aspect.DURATION: float(np.exp(np.log(notes.duration_ticks).mean())),
        Aspect.OFF_QUAVERS: float((in_bar % TICKS_PER_QUAVER != 0).mean()),
        Aspect.VARIETY: _entropy(np.minimum(np.diff(onsets), LONGEST_WAIT)),
        Aspect.REPETITION: _share(leaps == 0),
        Aspect.STEPS: _share((leaps == 1) | (leaps == 2)),
        Aspect.THIRDS: _share(np.isin(_intervals_at_once(notes) % 12, (3, 4))),
    }
    return [grade(aspect, values[aspect]) for aspect in Aspect]


def _intervals_at_once(notes: Notes) -> np.ndarray:
    """Semitones between each two notes that begin together."""
    most = int(np.unique(notes.onset_ticks, return_counts=True)[1].max())
    pairs = [np.zeros(0, np.int64)]
    for apart in range(1, most):
        together = notes.onset_ticks[apart:] == notes.onset_ticks[:-apart]
        pairs.append(np.abs(notes.pitch[apart:] - notes.pitch[:-apart])[together])
    return np.concatenate(pairs)


def _share(is_so: np.ndarray) -> float:
    """0 of nothing."""
    return float(is_so.mean()) if len(is_so) else 0.0


def _entropy(values: np.ndarray) -> float:
    """Bits; 0 of nothing."""
    shares = np.unique(values, return_counts=True)[1] / max(1, len(values))
    return float(-(shares * np.log2(shares)).sum())
