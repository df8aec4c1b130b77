"""Cutting, joining and transposing, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.form import parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from phraseloom.transforms import (
    beat_chords,
    cut,
    excerpt,
    join,
    normalise_key,
    normalising_shift,
    overlaid,
    transpose,
    with_notes,
)
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
    assert folded == Notes.from_rows([(0, 9, 117, 80)])


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


@pytest.mark.parametrize(
    ("spans", "beats"),
    [
        ([], "- - - - - - - -"),
        ([("C", 0, 48), ("G", 48, 48)], "C C C C G G G G"),
        ([("C", 0, 24), ("N.C.", 24, 24), ("G", 60, 12)], "C C N.C. N.C. - G - -"),
        ([("C", 6, 12), ("G", 18, 12)], "C G - - - - - -"),  # the middle of a beat decides, and belongs to what starts
        ([("C", 7, 11), ("G", 31, 6)], "- - - - - - - -"),  # between two middles there is no beat
        ([("C", 89, 7)], "- - - - - - - C"),
    ],
)
def test_a_beat_has_the_chord_in_its_middle(spans, beats):
    chords = tuple(ChordSpan(onset, duration, parse_chord(text)) for text, onset, duration in spans)
    score = Score((), 2, chords=chords)
    assert beat_chords(score) == [None if text == "-" else parse_chord(text) for text in beats.split()]


def test_beats_are_quarters_in_any_meter():
    score = Score((), 2, [MeterChange(0, 6, 8)], chords=[ChordSpan(0, 72, parse_chord("Am"))])
    assert beat_chords(score) == [parse_chord("Am")] * 6


KEPT = Notes.from_rows([(0, 20, 60, 80), (48, 10, 60, 81), (10, 10, 64, 82)])


@pytest.mark.parametrize(
    ("added", "left"),
    [
        ((19, 5, 60, 1), None),  # begins while its pitch sounds
        ((20, 5, 60, 1), (20, 5, 60, 1)),  # begins as it ends
        ((20, 40, 60, 1), (20, 28, 60, 1)),  # ends where its pitch is struck again
        ((0, 99, 60, 1), None),  # begins with it, and is the longer one
        ((58, 99, 60, 1), (58, 99, 60, 1)),
        ((0, 99, 61, 1), (0, 99, 61, 1)),  # no pitch of theirs
        ((0, 99, 64, 1), (0, 10, 64, 1)),
        ((0, 5, 59, 1), (0, 5, 59, 1)),
    ],
)
def test_where_two_notes_of_one_pitch_would_sound_the_added_one_yields(added, left):
    rows = [*KEPT.table.tolist(), *([left] if left else [])]
    assert overlaid(KEPT, Notes.from_rows([added])) == Notes.from_rows(rows)


def test_laid_over_nothing_notes_are_as_they_were():
    assert overlaid(KEPT, Notes.empty()) == overlaid(Notes.empty(), KEPT) == KEPT


rows_of_few_pitches = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 20), st.sampled_from([0, 60, 61, 127]), st.integers(1, 127)),
    max_size=12,
)


@given(rows_of_few_pitches, rows_of_few_pitches)
def test_overlaid_notes_are_all_that_are_kept_and_what_fits_of_the_added(kept_rows, added_rows):
    """Against the definition, note by note."""
    kept, added = Notes.from_rows(kept_rows), Notes.from_rows(added_rows)
    expected = kept.table.tolist()
    for onset, duration, pitch, velocity in added.table.tolist():
        same = [(start, start + ticks) for start, ticks, other, _ in kept.table.tolist() if other == pitch]
        if not any(start <= onset < end for start, end in same):
            end = min([onset + duration, *(start for start, _ in same if start > onset)])
            expected.append([onset, end - onset, pitch, velocity])
    assert sorted(overlaid(kept, added).table.tolist()) == sorted(expected)


def test_a_song_takes_other_notes_as_they_are():
    changed = with_notes(SCORE, [Notes.empty(), KEPT])
    assert [track.notes for track in changed.tracks] == [Notes.empty(), KEPT]
    assert with_notes(changed, [PIANO.notes, DRUMS.notes]) == SCORE
    with pytest.raises(ValueError, match="shorter"):
        with_notes(SCORE, [KEPT])


LONG = Score(
    (Track("A", Notes.from_rows([(0, 200, 60, 80), (47, 9, 62, 80), (48, 99, 64, 80), (131, 50, 65, 80)])),),
    num_bars=4,
    meters=(MeterChange(0, 4, 4), MeterChange(2, 3, 4)),
    tempos=(TempoChange(0, 100), TempoChange(48, 120), TempoChange(100, 140), TempoChange(140, 90)),
    sections=parse_form("A1 B3"),
    chords=(ChordSpan(0, 96, parse_chord("C")), ChordSpan(96, 60, parse_chord("G"))),
    key=Key(0, "major"),
    title="Long",
)


def test_an_excerpt_worked_by_hand():
    assert excerpt(LONG, 1, 2) == Score(
        (Track("A", Notes.from_rows([(0, 99, 64, 80), (83, 50, 65, 80)])),),
        num_bars=2,
        meters=(MeterChange(0, 4, 4), MeterChange(1, 3, 4)),
        tempos=(TempoChange(0, 120), TempoChange(52, 140)),
        sections=parse_form("B2"),
        chords=(ChordSpan(0, 48, parse_chord("C")), ChordSpan(48, 36, parse_chord("G"))),
        key=Key(0, "major"),
        title="Long",
    )


def test_what_holds_from_before_holds_in_an_excerpt():
    last = excerpt(LONG, 3, 1)
    assert last.meters == (MeterChange(0, 3, 4),)
    assert last.tempos == (TempoChange(0, 140), TempoChange(8, 90))


def test_the_whole_song_is_an_excerpt_of_itself():
    assert excerpt(LONG, 0, 4) == LONG


@pytest.mark.parametrize(("first_bar", "num_bars"), [(-1, 2), (0, 0), (3, 2), (4, 1)])
def test_bars_that_a_song_does_not_have_are_no_excerpt(first_bar, num_bars):
    with pytest.raises(ValueError, match="of a song of 4"):
        excerpt(LONG, first_bar, num_bars)


@given(seed=st.integers(0, 3), bar=st.integers(1, 7))
def test_excerpts_side_by_side_are_the_song(seed, bar):
    song = make_song(seed, form="i2 A4 B2")
    parts = excerpt(song, 0, bar), excerpt(song, bar, song.num_bars - bar)
    assert join([phrases for part in parts for phrases in cut(part)], song) == song
    assert [chord for part in parts for chord in beat_chords(part)] == beat_chords(song)
    assert sum(section.num_bars for part in parts for section in part.sections) == song.num_bars
