"""Twins by their notes, covers by their tune."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.corpus.duplicates import (
    MIN_SHARED_SHINGLES,
    find_near_duplicates,
    melody_candidates,
    melody_shingles,
    notes_digest,
    reject_twins,
    similar_lines,
    similar_songs,
)
from phraseloom.corpus.song import CorpusSong, Rejection
from phraseloom.score import Notes, Score, TempoChange, Track
from phraseloom.transforms import transpose
from support.songs import make_song

SONG = make_song(1, with_drums=True)


def melody(pitches, start_ticks=0, step_ticks=12):
    return Notes.from_rows((start_ticks + step_ticks * k, step_ticks, pitch, 80) for k, pitch in enumerate(pitches))


def song_of(notes, name="MELODY"):
    return Score((Track(name, notes),), num_bars=int(notes.onset_ticks[-1]) // 48 + 1)


def random_tune(seed, num_notes=80):
    return 60 + np.random.default_rng(seed).integers(-12, 13, num_notes)


# Twins


@pytest.mark.parametrize("semitones", [-7, 1, 12])
def test_digest_ignores_transposition(semitones):
    assert notes_digest(transpose(SONG, semitones)) == notes_digest(SONG)


def test_digest_ignores_how_notes_are_presented():
    tracks = [
        Track("other name", Notes.build(*(track.notes.table[:, :3].T), track.notes.velocity // 2), 5, track.is_drum)
        for track in reversed(SONG.tracks)
    ]
    silent = Track("silent", Notes.empty())
    other = replace(SONG, tracks=(*tracks, silent), tempos=(TempoChange(0, 60.0),), chords=(), sections=())
    assert notes_digest(other) == notes_digest(SONG)


def test_digest_ignores_silence_before_the_song():
    later = tuple(replace(track, notes=track.notes.shifted(96)) for track in SONG.tracks)
    shifted = replace(SONG, tracks=later, num_bars=SONG.num_bars + 2, sections=())
    assert notes_digest(shifted) == notes_digest(SONG)


@given(st.data())
def test_digest_tells_one_changed_note(data):
    table = SONG.tracks[2].notes.table.copy()
    row = data.draw(st.integers(0, len(table) - 1))
    table[row, 2] = 127 if table[row, 2] != 127 else 126
    tracks = (*SONG.tracks[:2], replace(SONG.tracks[2], notes=Notes.build(*table.T)), SONG.tracks[3])
    assert notes_digest(replace(SONG, tracks=tracks)) != notes_digest(SONG)


def test_transposed_drums_are_other_drums():
    drums = Track("drums", melody([36, 38, 42, 38]), is_drum=True)
    moved = replace(drums, notes=drums.notes.transposed(2))
    assert notes_digest(Score((drums,), 1)) != notes_digest(Score((moved,), 1))


def test_of_twins_the_first_stays():
    songs = [CorpusSong(name, score, "train") for name, score in (("a", SONG), ("b", make_song(2)), ("c", SONG))]
    kept, rejections = reject_twins(songs)
    assert [song.song_id for song in kept] == ["a", "b"]
    assert rejections == [Rejection("c", "the same notes as another file: a")]


# Melodies


def test_melody_is_the_track_called_so():
    tracks = (Track("Piano", melody([40, 41])), Track("Main Melody", melody([70, 72])), Track("x", melody([90, 91])))
    assert melody_candidates(Score(tracks, 1)) == [melody([70, 72])]


def test_without_a_name_every_pitched_track_may_be_the_melody():
    tracks = (Track("a", melody([40, 41])), Track("b", melody([70, 72])), Track("d", melody([38, 38]), is_drum=True))
    assert melody_candidates(Score(tracks, 1)) == [melody([40, 41]), melody([70, 72])]


def test_top_line_drops_what_lies_below_and_keeps_legato():
    """A chord's lower note and the accompaniment under a long note go; a falling step that overlaps by a tick stays."""
    rows = [(0, 13, 72, 80), (0, 12, 60, 80), (12, 36, 71, 80), (18, 6, 64, 80), (24, 6, 60, 80)]
    (line,) = melody_candidates(song_of(Notes.from_rows(rows)))
    assert line == Notes.from_rows([(0, 13, 72, 80), (12, 36, 71, 80)])


def test_shingles_of_a_scale_and_of_too_short_a_melody():
    """Nine notes have eight intervals, one shingle; a whole-tone scale repeats the same one for ever."""
    assert len(melody_shingles(melody(range(60, 69)))) == 1
    assert len(melody_shingles(melody(range(40, 80, 2)))) == 1
    assert len(melody_shingles(melody(range(60, 68)))) == 0


@given(st.lists(st.integers(30, 90), min_size=9, max_size=60), st.integers(-20, 20), st.integers(1, 30))
def test_shingles_ignore_transposition_bar_lines_and_tempo(pitches, semitones, start_ticks):
    moved = melody([pitch + semitones for pitch in pitches], start_ticks, step_ticks=6)
    assert np.array_equal(melody_shingles(moved), melody_shingles(melody(pitches)))


# Near-duplicates


def test_containment_of_two_hand_made_sets():
    """Sets of 20 and 40 with 15 in common: 15 / 20."""
    first, second = np.arange(20), np.arange(5, 45)
    (pair,) = similar_lines([first, second], min_similarity=0.5)
    assert (pair.first, pair.second, pair.similarity) == (0, 1, 0.75)
    assert similar_lines([first, second], min_similarity=0.76) == []


def test_a_few_shared_shingles_make_no_pair():
    shared = np.arange(MIN_SHARED_SHINGLES - 1)
    assert similar_lines([shared, shared], min_similarity=0.3) == []


@given(st.lists(st.sets(st.integers(0, 60), min_size=1), min_size=2, max_size=6))
def test_pairs_agree_with_set_arithmetic(sets):
    expected = {
        (a, b): len(sets[a] & sets[b]) / min(len(sets[a]), len(sets[b]))
        for b in range(len(sets))
        for a in range(b)
        if len(sets[a] & sets[b]) >= MIN_SHARED_SHINGLES
    }
    found = similar_lines([np.array(sorted(codes)) for codes in sets], min_similarity=0.0)
    assert {(pair.first, pair.second): pair.similarity for pair in found} == expected
    assert [pair.similarity for pair in found] == sorted(expected.values(), reverse=True)


def test_a_cover_is_found_through_key_length_tempo_bar_lines_and_ornaments():
    tune = random_tune(0)
    cover = np.concatenate([tune[20:] + 5, random_tune(1, 30)])
    cover[::20] += 1  # a wrong note here and there
    songs = [song_of(melody(tune)), song_of(melody(random_tune(2))), song_of(melody(cover, 18, 9), "the melody")]
    (pair,) = find_near_duplicates(songs)
    assert (pair.first, pair.second) == (0, 2)
    assert 0.3 < pair.similarity < 0.8


def test_a_cover_is_found_in_whichever_track_it_is():
    tune = melody(random_tune(0))
    first = Score((Track("1", melody(random_tune(3))), Track("2", tune)), 30)
    second = Score((Track("1", tune.transposed(3)), Track("2", melody(random_tune(4)))), 30)
    assert [(pair.first, pair.second) for pair in find_near_duplicates([first, second])] == [(0, 1)]


def test_a_song_is_no_duplicate_of_itself():
    """Two tracks in unison are one song."""
    unison = Score((Track("1", melody(random_tune(0))), Track("2", melody(random_tune(0)))), 30)
    assert similar_songs([unison], min_similarity=0.0) == []


def test_made_up_songs_are_not_alike():
    assert find_near_duplicates(make_song(seed) for seed in range(12)) == []
