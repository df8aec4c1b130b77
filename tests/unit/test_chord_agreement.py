from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.chord_agreement import AGREEING_SHARE, chord_agreement, summarise_chord_agreement
from phraseloom.harmony import parse_chord
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, Track
from phraseloom.transforms import transpose
from support.songs import make_song

BEAT = 12
C_TRIAD, G_TRIAD = (60, 64, 67), (55, 59, 62)

some_chords = st.lists(st.sampled_from(["C", "C/E", "F", "G7", "Am", "N.C."]), min_size=4, max_size=8)
some_rows = st.lists(
    st.tuples(st.integers(0, 47), st.integers(1, 30), st.integers(58, 72), st.just(64)), min_size=1, max_size=12
)


def song(chords: str, *tracks: list[tuple[int, int, int, int]], beats_each: float = 1, is_drum: bool = False) -> Score:
    """Chords of `beats_each` beats, one after the other, over (onset, duration, pitch, velocity) rows."""
    length = round(beats_each * BEAT)
    names = chords.split()
    return Score(
        tuple(Track("track", Notes.from_rows(rows), is_drum=is_drum) for rows in tracks),
        num_bars=-(-length * len(names) // (4 * BEAT)),
        chords=tuple(ChordSpan(index * length, length, parse_chord(name)) for index, name in enumerate(names)),
    )


def strike(beat: int, pitches: tuple[int, ...], beats: int = 1) -> list[tuple[int, int, int, int]]:
    return [(beat * BEAT, beats * BEAT, pitch, 64) for pitch in pitches]


def test_two_bars_by_hand():
    notes = [*strike(0, C_TRIAD, 4), *strike(4, C_TRIAD), *strike(5, C_TRIAD), *strike(6, G_TRIAD)]
    agreement = chord_agreement(song("C G", notes, beats_each=4))
    # Of seven beats with notes the four under C and one under G agree. Under G, the two C triads agree with C, which
    # is the only wrong chord; no other beat has more than its G in common with the other chord.
    assert agreement.num_beats == 7
    assert agreement.asked == pytest.approx(5 / 7)
    assert agreement.wrong == pytest.approx(2 / 7)
    assert agreement.difference == pytest.approx(3 / 7)


def test_a_wrong_chord_is_as_probable_as_it_is_frequent():
    # A and C are in F and in Am, and only half of them in C. Wrong chords under C: F or Am, both agree; under F: C
    # twice as often as Am, one of three agrees; the same under Am.
    agreement = chord_agreement(song("C C F Am", strike(0, (69, 72), 4)))
    assert agreement.asked == pytest.approx(2 / 4)
    assert agreement.wrong == pytest.approx((1 + 1 + 1 / 3 + 1 / 3) / 4)


@pytest.mark.parametrize(("f_ticks", "asked"), [(4, 1.0), (5, 0.0)])
def test_notes_weigh_as_long_as_they_sound_in_the_beat(f_ticks, asked):
    # An E for 12 ticks is in C, an F is not: 12 of 16 ticks are just enough.
    assert AGREEING_SHARE == 0.75
    assert chord_agreement(song("C", [(0, 12, 64, 1), (0, f_ticks, 65, 127)])).asked == asked


def test_a_note_counts_in_every_beat_in_which_it_sounds_and_in_every_octave():
    agreement = chord_agreement(song("C G C", [(6, 18, 76, 64)]))
    assert (agreement.asked, agreement.num_beats) == (0.5, 2)


def test_the_bass_belongs_to_the_chord():
    agreement = chord_agreement(song("C/D C", strike(0, (62,), 2)))
    assert (agreement.asked, agreement.wrong) == (0.5, 0.5)


def test_what_sounds_without_a_chord_does_not_count():
    notes = strike(0, C_TRIAD, 4)
    assert chord_agreement(song("C N.C. N.C. G", notes)).num_beats == 2
    gap = Score(
        (Track("piano", Notes.from_rows(notes)),),
        1,
        chords=(ChordSpan(0, 12, parse_chord("C")), ChordSpan(36, 12, parse_chord("G"))),
    )
    assert chord_agreement(gap) == chord_agreement(song("C N.C. N.C. G", notes))


def test_a_beat_in_which_the_chord_changes_counts_in_parts():
    agreement = chord_agreement(song("C G C", strike(0, C_TRIAD, 2), beats_each=0.5))
    assert agreement.num_beats == 1.5
    assert agreement.asked == pytest.approx(2 / 3)


def test_drums_do_not_count():
    drums = song("C G", strike(0, C_TRIAD, 2), is_drum=True)
    assert chord_agreement(drums).num_beats == 0
    both = Score((*drums.tracks, *song("C", strike(0, G_TRIAD, 2)).tracks), 1, chords=drums.chords)
    assert chord_agreement(both).asked == 0.5


def test_songs_with_nothing_to_measure():
    notes = strike(0, C_TRIAD, 4)
    for score in (song("C G", []), song("N.C.", notes), Score(song("C", notes).tracks, 1), Score((), 1)):
        agreement = chord_agreement(score)
        assert agreement.num_beats == 0
        assert all(map(math.isnan, (agreement.asked, agreement.wrong, agreement.difference)))


def test_a_song_of_one_chord_has_no_wrong_one():
    agreement = chord_agreement(song("C C/E C", strike(0, C_TRIAD, 3)))
    assert agreement.asked == 1.0
    assert math.isnan(agreement.wrong)
    assert agreement.to_dict() == {"asked": 1.0, "wrong": None, "difference": None, "num_beats": 3.0}


def test_bars_of_odd_length_and_notes_that_ring_past_the_end():
    score = Score(
        (Track("piano", Notes.from_rows([(0, 500, 60, 64)])),),
        1,
        meters=(MeterChange(0, 7, 8),),
        chords=(ChordSpan(0, 42, parse_chord("C")),),
    )
    agreement = chord_agreement(score)
    assert (agreement.asked, agreement.num_beats) == (1.0, 3.5)


def agreement_by_ticks(score: Score) -> tuple[float, float]:
    """The definition, beat by beat and note by note; chords must change on beats only."""
    beats = []
    for span in score.chords:
        for start in range(span.onset_ticks, span.onset_ticks + span.duration_ticks, BEAT):
            ticks = range(start, start + BEAT)
            sounding = [
                pitch % 12
                for track in score.tracks
                for onset, duration, pitch, _ in track.notes.table
                for tick in ticks
                if onset <= tick < onset + duration
            ]
            if sounding and span.chord.pitch_classes:
                beats.append((span.chord.pitch_classes, sounding))

    def agrees(chord, sounding):
        return sum(pitch_class in chord for pitch_class in sounding) >= AGREEING_SHARE * len(sounding)

    asked = [agrees(chord, sounding) for chord, sounding in beats]
    wrong = [
        [agrees(other, sounding) for other, _ in beats if other != chord] or [math.nan] for chord, sounding in beats
    ]
    return (float(np.mean(asked)), float(np.mean([np.mean(row) for row in wrong]))) if beats else (math.nan, math.nan)


@settings(max_examples=60)
@given(some_chords, some_rows, some_rows)
def test_it_is_what_its_definition_says(chords, first, second):
    score = song(" ".join(chords), first, second)
    agreement = chord_agreement(score)
    asked, wrong = agreement_by_ticks(score)
    assert agreement.asked == pytest.approx(asked, nan_ok=True)
    assert agreement.wrong == pytest.approx(wrong, nan_ok=True)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(-12, 12))
def test_it_is_the_same_in_every_key(seed, semitones):
    score = make_song(seed, with_drums=True, form="A4 B4")
    assert chord_agreement(transpose(score, semitones)) == chord_agreement(score)


def test_music_over_its_own_chords_agrees_more_than_over_other_chords():
    played, other = make_song(1), make_song(2)
    moved = Score(played.tracks, played.num_bars, chords=transpose(other, 6).chords)
    assert chord_agreement(played).difference > chord_agreement(moved).difference + 0.3


def test_summary_gives_every_song_the_same_weight():
    right = chord_agreement(song("C G", [*strike(0, C_TRIAD), *strike(1, G_TRIAD)]))
    long_wrong = chord_agreement(song("C", strike(0, G_TRIAD, 8), beats_each=8))
    summary = summarise_chord_agreement([right, long_wrong])
    assert (summary.asked.mean, summary.asked.num_songs) == (0.5, 2)
    assert (summary.difference.mean, summary.difference.num_songs) == (1.0, 1)
    assert json.dumps(summary.to_dict(), allow_nan=False)
    assert summary.text().splitlines()[2].split() == ["difference", "1.000", "[1.000,", "1.000]", "(1", "songs)"]


def test_a_song_of_128_bars_is_measured_in_no_time():
    score = make_song(0, num_tracks=6, form="A32 B32 A32 B32")
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        chord_agreement(score)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.025
