"""Songs made up for the tests: musical enough to be learnt, with real repeats, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from phraseloom.form import Section, parse_form
from phraseloom.harmony import Chord, Key
from phraseloom.score import ChordSpan, Notes, Score, TempoChange, Track

TICKS_PER_BAR = 48
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 0), (3, 4, 2, 5), (0, 2, 3, 4))
"""Degrees of the scale, one triad a bar."""

RHYTHMS = ((0, 12, 24, 36), (0, 6, 12, 24, 36), (0, 18, 24, 30, 36), (0, 12, 18, 24, 42), (6, 12, 24, 30), (0, 24))
"""Onsets in a bar of melody, in ticks."""

Row = tuple[int, int, int, int]
Part = Callable[[np.random.Generator, "Harmony"], list[Row]]


@dataclass(frozen=True)
class Harmony:
    """One bar's chord: the tonic (-5 to 6, from C), the scale as semitones above it, the degree of the chord's root."""

    tonic: int
    scale: tuple[int, ...]
    degree: int

    def pitch(self, step: int, octave: int) -> int:
        """The MIDI pitch `step` steps of the scale above the chord's root, whose octave starts at `12 * octave`."""
        octaves, degree = divmod(self.degree + step, len(self.scale))
        return self.tonic + self.scale[degree] + 12 * (octave + octaves)

    @property
    def chord(self) -> Chord:
        root, third, fifth = (self.pitch(step, 5) for step in (0, 2, 4))
        return Chord(root % 12, frozenset({0, third - root, fifth - root}), root % 12)


def make_song(
    seed: int, num_tracks: int = 3, form: str = "i2 A4 B4 A4 B4 o2", with_drums: bool = False, title: str = ""
) -> Score:
    """A song in 4/4 with key, one chord a bar, tempo and form; sections with one letter are alike note for note.

    Args:
        seed: other seeds give other keys, tempos, chords and notes.
        num_tracks: 1 to 6 pitched tracks: MELODY (silent in sections without vocals), BRIDGE, PIANO, and more.
        form: as `parse_form` reads it.
        with_drums: adds one more track, DRUMS.
        title: the score's title.
    """
    rng = np.random.default_rng(seed)
    sections = parse_form(form)
    key = Key(int(rng.integers(12)), "major" if rng.random() < 0.7 else "minor")
    tempo_bpm = float(rng.integers(70, 140))
    harmonies = _harmonies(seed, sections, key)
    tracks = [
        Track(name, _part(seed, index, part, sections, harmonies, vocal=name == "MELODY"), program)
        for index, (name, program, part) in enumerate(PITCHED_PARTS[:num_tracks])
    ]
    if with_drums:
        tracks.append(Track("DRUMS", _part(seed, len(PITCHED_PARTS), _drums, sections, harmonies), is_drum=True))
    return Score(
        tuple(tracks),
        num_bars=len(harmonies),
        tempos=(TempoChange(0, tempo_bpm),),
        sections=sections,
        chords=tuple(
            ChordSpan(bar * TICKS_PER_BAR, TICKS_PER_BAR, harmony.chord) for bar, harmony in enumerate(harmonies)
        ),
        key=key,
        title=title,
    )


def _harmonies(seed: int, sections: tuple[Section, ...], key: Key) -> list[Harmony]:
    """The chord of every bar; sections with one letter share their progression."""
    scale = MAJOR_SCALE if key.mode == "major" else MINOR_SCALE
    tonic = (key.tonic + 5) % 12 - 5
    harmonies = []
    for section in sections:
        rng = np.random.default_rng((seed, ord(section.letter)))
        progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
        harmonies += [Harmony(tonic, scale, progression[bar % 4]) for bar in range(section.num_bars)]
    return harmonies


def _part(
    seed: int, index: int, part: Part, sections: tuple[Section, ...], harmonies: list[Harmony], *, vocal: bool = False
) -> Notes:
    """One track's notes: `part` asked for every bar, with the same random numbers for homologous bars."""
    rows: list[Row] = []
    bar = 0
    for section in sections:
        for offset in range(section.num_bars):
            if section.has_vocals or not vocal:
                rng = np.random.default_rng((seed, ord(section.letter), index, offset))
                rows += [(bar * TICKS_PER_BAR + onset, *rest) for onset, *rest in part(rng, harmonies[bar])]
            bar += 1
    return Notes.from_rows(rows)


def _melody(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    """Chord tones on the beat, neighbours between them."""
    onsets = RHYTHMS[rng.integers(len(RHYTHMS))]
    step = int(rng.choice([0, 2, 4]))
    rows = []
    for onset, end in zip(onsets, (*onsets[1:], TICKS_PER_BAR), strict=True):
        rows.append((onset, end - onset, harmony.pitch(step, 5), _velocity(rng, 88)))
        step += int(rng.choice([-2, 2] if step % 2 == 0 and rng.random() < 0.4 else [-1, 1]))
        step = min(max(step, -2), 7)
    return rows


def _bridge(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    """A slow line in thirds and fifths below the melody, sometimes silent."""
    if rng.random() < 0.25:
        return []
    steps = rng.choice([0, 2, 4], size=2)
    return [(24 * half, 24, harmony.pitch(int(step), 4), _velocity(rng, 70)) for half, step in enumerate(steps)]


def _piano(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    """A bass note, and triads on the other beats or broken in quavers."""
    rows = [(0, 24, harmony.pitch(0, 3), _velocity(rng, 76))]
    if rng.random() < 0.5:
        beats = [(onset, step) for onset in (12, 24, 36) for step in (0, 2, 4)]
        return rows + [(onset, 10, harmony.pitch(step, 4), _velocity(rng, 62)) for onset, step in beats]
    steps = (0, 2, 4, 2, 4, 7, 4, 2)
    return rows + [(6 * index, 6, harmony.pitch(step, 4), _velocity(rng, 62)) for index, step in enumerate(steps)]


def _bass(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    return [(onset, 12, harmony.pitch(step, 2), _velocity(rng, 80)) for onset, step in ((0, 0), (24, 4), (36, 0))]


def _strings(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    return [(0, TICKS_PER_BAR, harmony.pitch(step, 5), _velocity(rng, 50)) for step in (0, 2, 4)]


def _guitar(rng: np.random.Generator, harmony: Harmony) -> list[Row]:
    return [(onset, 6, harmony.pitch(step, 4), _velocity(rng, 66)) for onset in (6, 18, 30, 42) for step in (2, 4)]


def _drums(rng: np.random.Generator, _harmony: Harmony) -> list[Row]:
    """Kick (36) on 1 and 3, snare (38) on 2 and 4, closed hi-hat (42) in quavers."""
    hits = [(0, 36), (24, 36), (12, 38), (36, 38), *((onset, 42) for onset in range(0, TICKS_PER_BAR, 6))]
    return [(onset, 3, pitch, _velocity(rng, 84)) for onset, pitch in hits]


def _velocity(rng: np.random.Generator, loudness: int) -> int:
    return loudness + int(rng.integers(-8, 9))


PITCHED_PARTS: tuple[tuple[str, int, Part], ...] = (
    ("MELODY", 0, _melody),
    ("BRIDGE", 0, _bridge),
    ("PIANO", 0, _piano),
    ("BASS", 33, _bass),
    ("STRINGS", 48, _strings),
    ("GUITAR", 25, _guitar),
)
"""Name, General MIDI program and writer of every pitched track, in the order in which `make_song` takes them."""
