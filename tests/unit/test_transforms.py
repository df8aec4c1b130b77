"""Cutting, joining and transposing, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phraseloom.harmony import Key, parse_chord
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, Track
from phraseloom.transforms import cut, join, normalise_key, normalising_shift, transpose
from support.songs import make_song

PIANO = Track("PIANO", Notes.from_rows([(0, 48, 60, 80), (47, 100, 62, 70), (48, 12, 64, 90)]))
DRUMS = Track("DRUMS", Notes.from_rows([(100, 3, 36, 80)]), is_drum=True)
SCORE = Score(
    (PIANO, DRUMS),
    num_bars=3,
    chords=(ChordSpan(0, 48, parse_chord("C/E")), ChordSpan(96, 48, parse_chord("N.C."))),
    key=Key(0, "major"),
)


def test_phrases_count_onsets_from_the_bar_line_and_keep_whole_durations():
    assert cut(SCORE) == [
        [Notes.from_rows([(0, 48, 60, 80), (47, 100, 62, 70)]), Notes.empty()],
        [Notes.from_rows([(0, 12, 64, 90)]), Notes.empty()],
        [Notes.empty(), Notes.from_rows([(4, 3, 36, 80)])],
    ]


def test_bars_of_other_meters_have_their_own_length():
    track = Track("A", Notes.from_rows([(35, 1, 60, 80), (36, 1, 61, 80), (83, 1, 62, 80), (84, 1, 63, 80)]))
    score = Score((track,), 3, meters=(MeterChange(0, 3, 4), MeterChange(1, 4, 4), MeterChange(2, 7, 8)))
    assert [phrases[0].onset_ticks.tolist() for phrases in cut(score)] == [[35], [0, 47], [0]]


def test_join_takes_everything_but_notes_from_the_template():
    template = replace(SCORE, tracks=(replace(PIANO, notes=Notes.empty()), replace(DRUMS, notes=Notes.empty())))
    assert join(cut(SCORE), template) == SCORE


def test_join_ends_a_note_where_a_later_phrase_strikes_its_pitch():
    score = Score((Track("A", Notes.empty()),), num_bars=3)
    long, short = Notes.from_rows([(24, 96, 60, 80)]), Notes.from_rows([(12, 12, 60, 70)])
    joined = join([[long], [short], [Notes.empty()]], score)
    assert joined.tracks[0].notes == Notes.from_rows([(24, 36, 60, 80), (60, 12, 60, 70)])


def test_join_refuses_another_shape():
    with pytest.raises(ValueError, match="3 bars of 2 tracks"):
        join(cut(SCORE)[:2], SCORE)
    with pytest.raises(ValueError, match="3 bars of 2 tracks"):
        join([phrases[:1] for phrases in cut(SCORE)], SCORE)


def test_transposition_moves_pitches_chords_and_key_but_no_drums():
    moved = transpose(SCORE, -3)
    assert moved.tracks[0].notes.pitch.tolist() == [57, 59, 61]
    assert moved.tracks[1] == DRUMS
    assert [str(span.chord) for span in moved.chords] == ["A/C#", "N.C."]
    assert moved.key == Key(9, "major")
    assert transpose(moved, 3) == SCORE


def test_transposition_by_nothing_is_the_same_score():
    assert transpose(SCORE, 0) is SCORE


def test_a_score_without_key_stays_without():
    assert transpose(replace(SCORE, key=None), 5).key is None


@pytest.mark.parametrize(
    ("pitch", "semitones", "expected"),
    [
        (127, 1, 116),
        (127, 12, 127),
        (120, 20, 116),
        (0, -1, 11),
        (3, -12, 3),
        (5, -30, 11),
        (60, 67, 127),
        (60, -60, 0),
    ],
)
def test_a_pitch_that_would_leave_the_range_moves_by_octaves(pitch, semitones, expected):
    moved = Notes.from_rows([(0, 1, pitch, 80)]).transposed(semitones)
    assert moved.pitch.tolist() == [expected]
    assert (expected - pitch - semitones) % 12 == 0


def test_notes_that_fall_onto_one_pitch_become_one():
    folded = Notes.from_rows([(0, 6, 127, 80), (0, 9, 115, 70)]).transposed(2)
    assert folded == Notes.from_rows([(0, 9, 117, 70)])


@pytest.mark.parametrize(
    ("key", "semitones"),
    [
        (Key(0, "major"), 0), (Key(1, "major"), -1), (Key(5, "major"), -5), (Key(6, "major"), 6), (Key(11, "major"), 1),
        (Key(9, "minor"), 0), (Key(10, "minor"), -1), (Key(2, "minor"), -5), (Key(3, "minor"), 6), (Key(8, "minor"), 1),
    ],
)  # fmt: skip
def test_the_shift_to_c_major_or_a_minor(key, semitones):
    assert normalising_shift(key) == semitones


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_key_has_its_own_shift(mode):
    assert sorted(normalising_shift(Key(tonic, mode)) for tonic in range(12)) == list(range(-5, 7))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_normalised_songs_are_in_c_major_or_a_minor(seed):
    score = make_song(seed, form="A2")
    normal = normalise_key(score)
    assert str(normal.key) in ("C major", "A minor")
    assert transpose(normal, -normalising_shift(score.key)) == score


def test_a_song_of_unknown_key_is_left_alone():
    unknown = replace(SCORE, key=None)
    assert normalise_key(unknown) is unknown
