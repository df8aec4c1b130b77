"""Parts beside chords and other tracks, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.evaluation.part_harmony import part_harmony
from phraseloom.harmony import NO_CHORD, parse_chord
from phraseloom.score import ChordSpan, Notes, Score, Track

C, G_OVER_A = parse_chord("C"), parse_chord("G/A")
Row = tuple[int, int, int]
"""Onset and duration in ticks, pitch."""


def track(*rows: Row, is_drum: bool = False) -> Track:
    return Track("x", Notes.from_rows([(*row, 80) for row in rows]), is_drum=is_drum)


def song(*tracks: Track, chords: tuple[ChordSpan, ...] = ()) -> Score:
    return Score(tracks, num_bars=2, chords=chords)


def test_notes_count_by_the_chord_under_which_they_begin():
    part = track(
        (0, 12, 60),  # C in C
        (12, 12, 62),  # D in C: outside
        (24, 60, 64),  # E in C; that it rings on under G does not matter
        (48, 12, 62),  # D in G
        (60, 12, 69),  # A, the bass of G/A
        (72, 12, 60),  # behind all chords
    )
    chords = (ChordSpan(0, 48, C), ChordSpan(48, 24, G_OVER_A))
    assert part_harmony(song(part, chords=chords), [0]).in_chord == 4 / 5


def test_notes_before_the_first_chord_and_under_no_chord_do_not_count():
    part = track((0, 12, 61), (12, 12, 61), (24, 12, 64))
    chords = (ChordSpan(12, 12, NO_CHORD), ChordSpan(24, 12, C))
    assert part_harmony(song(part, chords=chords), [0]).in_chord == 1


@pytest.mark.parametrize(
    ("pitch", "expected"),
    [(61, 1), (59, 1), (73, 1), (47, 1), (60, 0), (62, 0), (71, 0), (49, 0), (72, 0)],
)
def test_a_clash_is_a_minor_second_with_or_without_octaves(pitch, expected):
    """60 against each: 59 and 61, 73 and 47 are a semitone away, 71 and 49 are a major seventh."""
    assert part_harmony(song(track((0, 12, 60)), track((0, 12, pitch))), [0]).clashing == expected


def test_clashes_are_shares_of_the_time_together():
    """Of 24 ticks of 60 and 12 of 64 with others, 61 rubs against 60 for 6."""
    part = track((0, 24, 60), (12, 24, 64))
    others = track((0, 24, 67), (18, 6, 61))
    assert part_harmony(song(part, others), [0]).clashing == 6 / 36


def test_several_tracks_are_one_part_that_does_not_clash_with_itself():
    harmony = part_harmony(song(track((0, 12, 60)), track((0, 12, 61)), track((0, 12, 67))), [0, 1])
    assert harmony.clashing == 0
    assert harmony.num_notes == 2


def test_drums_are_neither_part_nor_others():
    drums = track((0, 12, 61), is_drum=True)
    harmony = part_harmony(song(track((0, 12, 60)), drums, chords=(ChordSpan(0, 48, C),)), [0, 1])
    assert (harmony.in_chord, harmony.num_notes) == (1, 1)
    assert np.isnan(part_harmony(song(track((0, 12, 60)), drums), [0]).clashing)


def test_where_nothing_is_to_be_measured():
    harmony = part_harmony(song(track(), track((0, 12, 60)), chords=(ChordSpan(0, 48, C),)), [0])
    assert harmony.to_dict() == {"in_chord": None, "clashing": None, "num_notes": 0}
    assert np.isnan(part_harmony(song(track((0, 12, 60))), [0]).in_chord)


def test_notes_that_ring_past_the_end_count_up_to_it():
    harmony = part_harmony(song(track((84, 96, 60)), track((90, 6, 61))), [0])
    assert harmony.clashing == 1


def test_tracks_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"no tracks \[2\]"):
        part_harmony(song(track(), track()), [0, 2])
