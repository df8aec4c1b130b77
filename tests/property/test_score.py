"""Laws of notes and scores: whatever is built is valid, and cutting into phrases loses nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.form import Section
from phraseloom.harmony import Key, parse_chord
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from phraseloom.transforms import cut, join, normalise_key, normalising_shift, transpose

METERS = [(4, 4), (3, 4), (2, 4), (6, 8), (7, 8), (5, 16), (2, 32), (8, 4)]
ONE_NOTE = Notes.from_rows([(0, 12, 60, 80)])
C_MAJOR = parse_chord("C")

Row = tuple[int, int, int, int]


def note_rows(num_ticks: int, pitches: st.SearchStrategy[int]) -> st.SearchStrategy[list[Row]]:
    """(onset, duration, pitch, velocity) rows in any order; few pitches, so that they overlap often."""
    row = st.tuples(st.integers(0, num_ticks - 1), st.integers(1, 120), pitches, st.integers(1, 127))
    return st.lists(row, max_size=16)


any_rows = note_rows(100, st.sampled_from([0, 59, 60, 61, 127]))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Any number of tracks and bars, meters that change, keys and chords."""
    num_bars = draw(st.integers(1, 8))
    changes = sorted({0, *draw(st.lists(st.integers(0, num_bars - 1), max_size=3))})
    meters = [MeterChange(bar, *draw(st.sampled_from(METERS))) for bar in changes]
    num_ticks = Score((), num_bars, meters).num_ticks
    tracks = [
        Track("track", Notes.from_rows(draw(note_rows(num_ticks, st.integers(48, 72)))), 0, draw(st.booleans()))
        for _ in range(draw(st.integers(0, 3)))
    ]
    key = draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"])))
    chord = draw(st.sampled_from(["C", "F#m7", "Bb/D", "N.C."]).map(parse_chord))
    return Score(tracks, num_bars, meters, chords=[ChordSpan(0, num_ticks, chord)], key=key)


@given(any_rows)
def test_any_rows_make_valid_notes(rows: list[Row]) -> None:
    notes = Notes.from_rows(rows)
    assert {(onset, pitch) for onset, _, pitch, _ in rows} == set(zip(notes.onset_ticks, notes.pitch, strict=True))
    table = notes.table.tolist()
    assert all((a[0], -a[2]) < (b[0], -b[2]) for a, b in pairwise(table))
    for pitch in {row[2] for row in table}:
        sounding = [(onset, onset + duration) for onset, duration, of_pitch, _ in table if of_pitch == pitch]
        assert all(end <= next_onset for (_, end), (next_onset, _) in pairwise(sounding))


@given(any_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], random) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert Notes.from_rows(shuffled) == Notes.from_rows(rows)
    assert hash(Notes.from_rows(shuffled)) == hash(Notes.from_rows(rows))


@given(any_rows)
def test_notes_are_built_of_themselves(rows: list[Row]) -> None:
    notes = Notes.from_rows(rows)
    assert Notes.build(*notes.table.T) == notes
    assert notes.shifted(7).shifted(-7) == notes
    assert notes.where(np.ones(len(notes), bool)) == notes
    assert notes.where(slice(0, 2)) == Notes.from_rows(notes.table[:2])


@given(any_rows, st.integers(-130, 130))
def test_transposed_notes_keep_their_pitch_classes(rows: list[Row], semitones: int) -> None:
    notes = Notes.from_rows(rows)
    moved = notes.transposed(semitones)
    expected = set(zip(notes.onset_ticks, (notes.pitch + semitones) % 12, strict=True))
    assert set(zip(moved.onset_ticks, moved.pitch % 12, strict=True)) == expected


@settings(max_examples=50)
@given(scores())
def test_cut_and_join_lose_nothing(score: Score) -> None:
    phrases = cut(score)
    assert join(phrases, score) == score
    for bar, num_ticks in zip(phrases, np.diff(score.bar_start_ticks), strict=True):
        assert len(bar) == len(score.tracks)
        assert all((notes.onset_ticks < num_ticks).all() for notes in bar)


@settings(max_examples=50)
@given(scores(), st.integers(-24, 24), st.integers(-24, 24))
def test_transpositions_add_up(score: Score, first: int, second: int) -> None:
    assert transpose(transpose(score, first), second) == transpose(score, first + second)


@settings(max_examples=50)
@given(scores())
def test_a_normalised_key_needs_no_more(score: Score) -> None:
    normal = normalise_key(score)
    assert normalise_key(normal) == normal
    assert normal.key is None or normalising_shift(normal.key) == 0


@settings(max_examples=50)
@given(scores())
def test_every_tick_has_its_bar(score: Score) -> None:
    edges = score.bar_start_ticks
    bars = score.bar_of(np.arange(score.num_ticks))
    assert np.bincount(bars, minlength=score.num_bars).tolist() == np.diff(edges).tolist()
    assert score.bar_of(edges[:-1]).tolist() == list(range(score.num_bars))


def test_notes_struck_at_once_are_one_as_long_as_the_longest_and_as_loud_as_the_loudest():
    assert Notes.from_rows([(0, 6, 60, 127), (0, 12, 60, 40), (0, 12, 60, 50)]) == Notes.from_rows([(0, 12, 60, 127)])


def test_a_note_ends_where_its_pitch_is_struck_again():
    assert Notes.from_rows([(0, 48, 60, 80), (12, 3, 60, 70)]).duration_ticks.tolist() == [12, 3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([-1], [1], [60], [80]), "onset_ticks"),
        (([0], [0], [60], [80]), "duration_ticks"),
        (([0], [1], [128], [80]), "pitch"),
        (([0], [1], [60], [0]), "velocity"),
        (([0], [1], [60], [80, 80]), "velocity has shape"),
        (([6, 0], [1, 1], [60, 60], [80, 80]), "not ordered"),
        (([0, 0], [1, 1], [60, 64], [80, 80]), "not ordered"),
        (([0, 6], [12, 1], [60, 60], [80, 80]), "overlap"),
        (([0, 0], [1, 1], [60, 60], [80, 80]), "overlap"),
    ],
)
def test_notes_that_cannot_be_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        Notes(*columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_bars": 0}, "num_bars is 0"),
        ({"tracks": [Track("A", Notes.from_rows([(96, 1, 60, 80)]))]}, "'A' has a note behind the last bar"),
        ({"meters": []}, "meters must start at 0"),
        ({"meters": [MeterChange(1, 4, 4)]}, "meters must start at 0"),
        ({"meters": [MeterChange(0, 4, 4), MeterChange(2, 3, 4)]}, "meters are out of order or behind"),
        ({"tempos": [TempoChange(0, 90), TempoChange(0, 100)]}, "tempos are out of order or behind"),
        ({"tempos": [TempoChange(0, 90), TempoChange(96, 100)]}, "tempos are out of order or behind"),
        ({"sections": [Section("A", 3)]}, "do not add up to 2"),
        ({"chords": [ChordSpan(0, 49, C_MAJOR), ChordSpan(48, 48, C_MAJOR)]}, "chords are out of order or overlap"),
        ({"chords": [ChordSpan(0, 0, C_MAJOR)]}, "chords are out of order or overlap"),
        ({"chords": [ChordSpan(48, 49, C_MAJOR)]}, "a chord ends behind the last bar"),
    ],
)
def test_scores_that_cannot_be_are_refused(change, message):
    content = {"tracks": [Track("A", ONE_NOTE)], "num_bars": 2, **change}
    with pytest.raises(ValueError, match=message):
        Score(**content)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Track("A", ONE_NOTE, program=128), "program is 128"),
        (lambda: MeterChange(0, 0, 4), "no meter: 0/4"),
        (lambda: MeterChange(0, 4, 3), "no meter: 4/3"),
        (lambda: MeterChange(0, 1, 32), "no whole number of ticks"),
        (lambda: TempoChange(0, 9.9), "tempo is 9.9"),
    ],
)
def test_parts_that_cannot_be_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_score_and_what_it_counts():
    score = Score([Track("A", ONE_NOTE)], 2, [MeterChange(0, 3, 4), MeterChange(1, 6, 8)], [TempoChange(0, 90.004)])
    assert score.bar_start_ticks.tolist() == [0, 36, 72]
    assert (score.num_ticks, score.num_notes, score.tempo_bpm) == (72, 1, 90.0)
    assert score.duration_seconds == pytest.approx(6 * 60 / 90)


def test_every_tempo_counts_for_its_part_of_the_time():
    score = Score([], 2, tempos=[TempoChange(0, 60), TempoChange(24, 120)])
    assert score.duration_seconds == pytest.approx(2 * 1 + 6 * 0.5)


@pytest.mark.parametrize(
    "column", [ONE_NOTE.onset_ticks, ONE_NOTE.end_ticks, Score((), 2).bar_start_ticks], ids=["onset", "end", "bar"]
)
def test_nobody_writes_into_what_is_shared(column):
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 5
