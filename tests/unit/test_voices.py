"""Which parts are one voice, and how drawn notes are kept to it."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.score import Notes, Score, Track
from phraseloom.voices import LONGEST_STRETCH, octave_shifts, one_voice_durations, parts_of_one_voice

NONE = np.zeros(0, np.int64)


def line(*rings: int) -> Notes:
    """Quarter notes, each ringing so many ticks into the next."""
    return Notes.from_rows((12 * place, 12 + ring, 60 + place % 12, 80) for place, ring in enumerate((*rings, 0)))


def song(*tracks: Notes) -> Score:
    return Score(tuple(Track(f"part {number}", notes) for number, notes in enumerate(tracks)), num_bars=100)


def test_in_a_voice_one_note_in_a_hundred_may_ring_on():
    usual, few, many = line(*[3] * 199), line(*[3] * 197, 30, 30), line(*[3] * 194, *[30] * 5)
    assert parts_of_one_voice([song(usual), song(few)], 1) == (True,)
    assert parts_of_one_voice([song(usual), song(many)], 1) == (False,)


def test_chords_notes_that_ring_on_silence_and_drums_are_no_voice():
    thirds = Notes.from_rows((12 * place, 12, pitch, 80) for place in range(8) for pitch in (60, 64))
    harp = Notes.from_rows((12 * place, 36, 60 + place % 3 * 4, 80) for place in range(100))
    assert parts_of_one_voice([song(line(0, 0), thirds, harp)], 4) == (True, False, False, False)
    assert parts_of_one_voice([Score((Track("drums", line(0, 0), is_drum=True),), num_bars=100)], 1) == (False,)
    assert parts_of_one_voice([], 1) == (False,)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_what_rings_on_ends_where_the_next_begins(order):
    onsets, held = np.array([0, 12, 24, 36]), np.array([15, 16, 40, 99])
    assert one_voice_durations(onsets[order], held[order], NONE).tolist() == [15, 12, 12, 99][order]


def test_notes_of_others_are_not_rung_into_either():
    assert one_voice_durations(np.array([0]), np.array([48]), np.array([30, 0])).tolist() == [30]
    assert one_voice_durations(NONE, NONE, np.array([30])).tolist() == []


def shifts_of(pitches: list[int], owners: list[int] | None = None, bar_ticks: int = 48) -> list[int]:
    """Of phrases of one pitch each, from the first quarter of a bar to its last."""
    starts = bar_ticks * np.arange(len(pitches))
    own = np.arange(len(pitches)) if owners is None else np.array(owners)
    return octave_shifts(own, np.array(pitches), np.array(pitches), starts, starts + 36).tolist()


def test_a_phrase_in_another_octave_than_its_neighbours_comes_to_them():
    assert shifts_of([60, 62, 76, 60, 59]) == [0, 0, -12, 0, 0]
    assert shifts_of([60, 62, 88, 90, 60, 59]) == [0, 0, -24, -24, 0, 0]
    assert shifts_of([40, 62, 60, 59]) == [12, 0, 0, 0]


def test_copies_of_a_phrase_move_alike():
    assert shifts_of([60, 76, 60, 59, 76, 60], [0, 1, 0, 2, 1, 0]) == [0, -12, 0, 0, -12, 0]


def test_leaps_of_an_octave_and_those_after_a_long_rest_stay():
    assert shifts_of([60, 72, 60]) == [0, 0, 0]
    assert shifts_of([60, 76, 60], bar_ticks=96) == [0, 0, 0]
    assert shifts_of([]) == []
    assert shifts_of([60]) == [0]


def test_long_stretches_are_as_high_as_the_song_has_them():
    low, high = [60] * (LONGEST_STRETCH + 1), [75] * (LONGEST_STRETCH + 1)
    assert shifts_of([*low, *high, *low]) == [0] * 27
    assert shifts_of([*low, *high[:LONGEST_STRETCH], *low]) == [0] * 9 + [-12] * 8 + [0] * 9


@pytest.mark.parametrize("seed", range(20))
def test_the_whole_line_leaps_less_far_and_less_often_or_stays(seed):
    rng = np.random.default_rng(seed)
    owners, starts = rng.integers(12, size=16), 48 * np.arange(16)
    first, last = rng.integers(40, 90, size=(2, 12))[:, owners]

    def beyond(shifts: np.ndarray) -> np.ndarray:
        return (np.abs((first + shifts)[1:] - (last + shifts)[:-1]) - 12).clip(min=0)

    shifts = octave_shifts(owners, first, last, starts, starts + 36)
    before, after = beyond(np.zeros(16, int)), beyond(shifts)
    assert not shifts.any() or (after.sum() < before.sum() and (after > 0).sum() < (before > 0).sum())
    assert all(len(set(shifts[owners == owner])) == 1 for owner in owners)
