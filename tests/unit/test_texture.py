"""How each track plays in each section: worked by hand, and the same in every key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.texture import (
    EDGES,
    LOWEST_GRADE,
    NUM_GRADES,
    RESTS,
    UNKNOWN,
    Aspect,
    grade,
    section_pitches,
    section_textures,
    texture_of_bars,
)
from phraseloom.transforms import transpose
from support.songs import make_song

BAR = 48


def song_of(*tracks: list[tuple[int, int, int]], num_bars: int = 4, **others) -> Score:
    """Tracks of (onset, duration, pitch)."""
    notes = [Notes.from_rows([(*row, 80) for row in rows]) for rows in tracks]
    return Score(tuple(Track(str(number), own) for number, own in enumerate(notes)), num_bars, **others)


def test_a_song_worked_by_hand():
    """Two sections of two bars; the first track plays in one bar of the first and in both of the second."""
    tune = [(0, 3, 60), (0, 3, 64), (6, 12, 67), (21, 12, 65)]
    chords = [(2 * BAR + 12 * beat, 12, pitch) for beat in range(8) for pitch in (48, 52, 55)]
    textures = section_textures(song_of(tune + chords), parse_form("A2 B2"), 1)
    # In the bar that sounds: 4 notes at 3 onsets (one of them off the quavers), mean pitch 64, (3 * 3 * 12 * 12)^(1/4)
    # ticks long; 6 and 15 ticks from onset to onset, which is one bit; the upper line goes three semitones up and two
    # down; four semitones sound at once. Then 12 notes and 4 onsets a bar, mean pitch 51 2/3, 12 ticks long, all on
    # quavers, one like the other; of the intervals of a chord (3, 4 and 7 semitones) two are thirds.
    values = [(4, 3, 64, 6.0, 1 / 3, 1, 0, 1 / 2, 1), (12, 4, 51 + 2 / 3, 12, 0, 0, 1, 0, 2 / 3)]
    assert textures[:, 0].tolist() == [[4, 3, 6, 5, 7, 5, 2, 8, 9], [7, 4, 2, 8, 2, 2, 9, 2, 9]]
    for section, row in zip(textures[:, 0], values, strict=True):
        assert section.tolist() == [grade(aspect, value) for aspect, value in zip(Aspect, row, strict=True)]


@pytest.mark.parametrize(
    ("aspect", "value", "number"),
    [
        (Aspect.NOTES, 1.0, 2),
        (Aspect.NOTES, 1.99, 2),
        (Aspect.NOTES, 2.0, 3),
        (Aspect.NOTES, 16.0, 9),
        (Aspect.NOTES, 99.0, 9),
        (Aspect.PITCH, 0.0, 2),
        (Aspect.PITCH, 60.0, 5),
        (Aspect.OFF_QUAVERS, 0.0, 2),
        (Aspect.OFF_QUAVERS, 1.0, 9),
    ],
)
def test_a_border_belongs_to_the_grade_above_it(aspect, value, number):
    assert grade(aspect, value) == number


@pytest.mark.parametrize("aspect", Aspect)
def test_there_are_eight_grades_from_little_to_much(aspect):
    edges = EDGES[aspect]
    assert list(edges) == sorted(set(edges))
    grades = [grade(aspect, value) for value in (0.0, *edges)]
    assert grades == list(range(LOWEST_GRADE, NUM_GRADES))
    assert UNKNOWN < RESTS < LOWEST_GRADE


def test_tracks_that_are_silent_or_not_there_rest():
    score = song_of([(0, 12, 60)], [], [(2 * BAR, 12, 60)])
    textures = section_textures(score, parse_form("A2 B2"), 4)
    assert textures.shape == (2, 4, len(Aspect))
    is_resting = (textures == RESTS).all(axis=2)
    assert is_resting.tolist() == [[False, True, True, True], [True, True, False, True]]
    assert (textures[~is_resting] >= LOWEST_GRADE).all()


def test_tracks_beyond_those_asked_for_are_left_out():
    score = make_song(1, num_tracks=4)
    three = section_textures(score, score.sections, 3)
    np.testing.assert_array_equal(three, section_textures(score, score.sections, 4)[:, :3])


def test_what_is_behind_the_sections_does_not_count():
    score = song_of([(0, 12, 60), (2 * BAR, 12, 72)])
    assert section_textures(score, parse_form("A2"), 1).tolist() == [[[2, 2, 5, 8, 2, 2, 2, 2, 2]]]


def test_a_note_belongs_to_the_section_in_which_it_begins():
    textures = section_textures(song_of([(BAR, 3 * BAR, 60)]), parse_form("A2 B2"), 1)
    assert textures[0, 0, Aspect.DURATION] == NUM_GRADES - 1
    assert (textures[1] == RESTS).all()


def test_onsets_are_counted_from_the_bar_line():
    """In bars of 7/16 every other one begins beside the quavers of the song's beginning."""
    seven = (MeterChange(0, 7, 16),)
    score = song_of([(0, 3, 60), (21, 3, 60), (42, 3, 60), (63, 3, 60)], meters=seven)
    assert section_textures(score, parse_form("A4"), 1)[0, 0, Aspect.OFF_QUAVERS] == LOWEST_GRADE


@pytest.mark.parametrize("semitones", [-6, -1, 3, 5])
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_key_of_a_song_does_not_show(semitones, mode):
    """Those of all keys that go back to C or A minor the way they came."""
    score = replace(make_song(1, with_drums=True), key=Key(0 if mode == "major" else 9, mode))
    moved = section_textures(transpose(score, semitones), score.sections, 4)
    np.testing.assert_array_equal(moved, section_textures(score, score.sections, 4))


def test_without_a_key_pitches_are_what_they_are():
    score = song_of([(0, 12, 60)], num_bars=1)
    low, high = (section_textures(transpose(score, semitones), parse_form("A1"), 1) for semitones in (-5, 6))
    assert (low[0, 0, Aspect.PITCH], high[0, 0, Aspect.PITCH]) == (3, 6)
    others = [aspect for aspect in Aspect if aspect != Aspect.PITCH]
    np.testing.assert_array_equal(low[..., others], high[..., others])


def test_sections_that_are_alike_have_one_texture():
    score = make_song(2, form="i2 A4 B4 A4")
    textures = section_textures(score, score.sections, 3)
    np.testing.assert_array_equal(textures[1], textures[3])
    assert not np.array_equal(textures[1], textures[0])


LOW, DENSE = [(0, 12, 60)], [(BAR + 3 * step, 3, 90) for step in range(16)]


@pytest.mark.parametrize(
    ("rows", "is_known", "expected"),
    [
        (LOW + DENSE, [False, False], UNKNOWN),
        ([], [False, False], UNKNOWN),
        (DENSE, [True, False], UNKNOWN),  # what is known is silent, and the rest may not be
        ([], [False, True], UNKNOWN),
        ([], [True, True], RESTS),
        (LOW + DENSE, [True, False], [2, 2, 5, 8, 2, 2, 2, 2, 2]),
        (LOW + DENSE, [False, True], [9, 9, 9, 2, 9, 2, 9, 2, 2]),
        (DENSE, [True, True], [9, 9, 9, 2, 9, 2, 9, 2, 2]),  # as above: silent bars do not count
    ],
)
def test_only_known_cells_count(rows, is_known, expected):
    """Of the first of two sections; the second one and its neighbour track are known."""
    score = song_of([*rows, (2 * BAR, 12, 60)], LOW)
    known = np.ones((4, 3), bool)
    known[:2, 0] = is_known
    textures = section_textures(score, parse_form("A2 B2"), 3, known)
    assert textures[0, 0].tolist() == np.broadcast_to(expected, len(Aspect)).tolist()
    others = section_textures(score, parse_form("A2 B2"), 3)
    others[0, 0] = textures[0, 0]
    np.testing.assert_array_equal(textures, others)


def test_a_track_that_is_not_there_is_unknown_where_its_cells_are():
    known = np.array([[True, True], [True, False]])
    assert section_textures(song_of(LOW, num_bars=2), parse_form("A1 B1"), 2, known)[:, 1, 0].tolist() == [
        RESTS,
        UNKNOWN,
    ]


def test_pitches_are_those_that_sound():
    """Whatever the key; rounded, and none for a rest."""
    score = song_of(
        [(0, 12, 60), (0, 12, 65), (BAR, 12, 64), (2 * BAR, 12, 72)],
        [(2 * BAR, 12, 40)],
        [(0, 12, 0)],
        sections=parse_form("A2 B2"),
        key=Key(7, "major"),
    )
    assert section_pitches(score, 4).tolist() == [[63, 0, 1, 0], [72, 40, 0, 0]]


def test_every_bar_has_the_texture_of_its_section():
    textures = np.arange(3 * 2 * len(Aspect)).reshape(3, 2, len(Aspect))
    of_bars = texture_of_bars(textures, parse_form("i1 A3 o2"))
    assert of_bars.shape == (6, 2, len(Aspect))
    np.testing.assert_array_equal(of_bars, textures[[0, 1, 1, 1, 2, 2]])
