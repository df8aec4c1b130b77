"""Copied melodies are found in any key; others are not; the file is whole or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.errors import UnreadableFileError
from phraseloom.melody_index import MELODY_INDEX_FILE, NOTES_PER_GRAM, WINDOW, MelodyIndex, MelodyMatch, melody_of
from phraseloom.score import Notes, Score, Track

BAR_TICKS = 48
EIGHTH_TICKS = 6


def song_of(pitches: list[int], onsets: list[int] | None = None, *, bars: int = 32) -> Score:
    """A melody in eighths, or with onsets in ticks."""
    onset_ticks = onsets or [EIGHTH_TICKS * index for index in range(len(pitches))]
    rows = [(onset, 3, pitch, 80) for onset, pitch in zip(onset_ticks, pitches, strict=True)]
    return Score((Track("Piano", Notes.empty()), Track("Melody", Notes.from_rows(rows))), num_bars=bars)


def random_pitches(seed: int, count: int = 120) -> list[int]:
    return np.random.default_rng(seed).integers(50, 80, count).tolist()


SONGS = [song_of(random_pitches(seed)) for seed in range(8)]
INDEX = MelodyIndex.build(SONGS, salt=1)


@given(seed=st.integers(0, 7), semitones=st.integers(-20, 20), later_ticks=st.integers(0, 2 * BAR_TICKS))
def test_a_training_melody_is_known_whole_in_any_key_and_at_any_place(seed, semitones, later_ticks):
    pitches = random_pitches(seed)
    onsets = [later_ticks + EIGHTH_TICKS * index for index in range(len(pitches))]
    match = INDEX.longest_match(song_of([pitch + semitones for pitch in pitches], onsets))
    assert len(pitches) - 2 * (WINDOW - 1) <= match.num_notes <= len(pitches)


@given(seed=st.integers(100, 10_000))
def test_a_melody_of_its_own_is_hardly_known(seed):
    assert INDEX.longest_match(song_of(random_pitches(seed))).num_notes <= NOTES_PER_GRAM


@given(start=st.integers(0, 60), length=st.integers(NOTES_PER_GRAM + WINDOW - 1, 50))
def test_a_stretch_is_found_and_its_bars_are_told(start, length):
    copied = random_pitches(3)[start : start + length]
    match = INDEX.longest_match(song_of(random_pitches(500, 40) + copied + random_pitches(501, 40)))
    assert length - 2 * (WINDOW - 1) <= match.num_notes <= length + 2
    assert match.first_bar is not None
    assert match.last_bar is not None
    assert 40 // 8 - 1 <= match.first_bar <= match.last_bar <= (40 + length) // 8 + 1


def test_another_rhythm_is_another_melody():
    pitches = random_pitches(0)
    assert INDEX.longest_match(song_of(pitches, [12 * index for index in range(120)])).num_notes == 0


def test_times_are_compared_to_the_sixteenth():
    pitches = random_pitches(0)
    onsets = [EIGHTH_TICKS * index + index % 2 for index in range(len(pitches))]
    assert INDEX.longest_match(song_of(pitches, onsets)).num_notes >= len(pitches) - 2 * (WINDOW - 1)


def test_a_song_without_melody_matches_nothing():
    assert INDEX.longest_match(song_of([])) == MelodyMatch(0)
    assert INDEX.longest_match(Score((), num_bars=4)) == MelodyMatch(0)


def test_the_melody_is_the_highest_note_of_every_onset_of_the_melody_s_track():
    chords = Notes.from_rows([(0, 6, 60, 80), (0, 6, 72, 80), (6, 6, 64, 80)])
    drums = Track("Melodic toms", Notes.from_rows([(0, 6, 40, 80)]), is_drum=True)
    score = Score((drums, Track("Piano", Notes.empty()), Track("MELODY", chords)), num_bars=1)
    assert melody_of(score).pitch.tolist() == [72, 64]
    unnamed = Score((Track("Lead", chords),), num_bars=1)
    assert melody_of(unnamed).pitch.tolist() == [72, 64]


def test_the_usual_range_is_that_of_the_held_out_songs():
    copies = [song_of(random_pitches(900 + number, 30) + random_pitches(number, 40)) for number in range(5)]
    index = MelodyIndex.build(SONGS, copies, salt=1)
    lengths = [INDEX.longest_match(copy).num_notes for copy in copies]
    assert index.usual_notes == (np.median(lengths), np.percentile(lengths, 95))
    assert MelodyIndex.build(SONGS, [song_of([])]).usual_notes is None


def test_what_a_report_says():
    told = replace(INDEX, usual_notes=(7.0, 9.5)).originality(SONGS[2])
    assert told["longest_match_notes"] >= 120 - 2 * (WINDOW - 1)
    first, last = map(int, told["bars"].split("-"))
    assert first == 1
    assert last >= 14
    assert (told["usual_median_notes"], told["usual_95th_percentile_notes"]) == (7.0, 9.5)
    assert INDEX.originality(song_of([])) == {
        "longest_match_notes": 0,
        "bars": None,
        "usual_median_notes": None,
        "usual_95th_percentile_notes": None,
    }


def test_the_index_is_small_and_seldom_wrong():
    assert len(INDEX.hashes) < 8 * 120 * 0.6
    assert INDEX.false_match_rate == len(INDEX.hashes) / 2**32


def test_another_salt_gives_other_hashes():
    assert not np.isin(MelodyIndex.build(SONGS, salt=2).hashes, INDEX.hashes).any()


def test_a_file_gives_the_index_again(tmp_path):
    index = MelodyIndex.build(SONGS, SONGS[:2], salt=2**64 - 1)
    index.save(tmp_path / MELODY_INDEX_FILE)
    again = MelodyIndex.load(tmp_path / MELODY_INDEX_FILE)
    assert again is not None
    assert np.array_equal(again.hashes, index.hashes)
    assert (again.salt, again.usual_notes) == (index.salt, index.usual_notes)
    assert [path.name for path in tmp_path.iterdir()] == [MELODY_INDEX_FILE]


def test_no_file_is_no_index(tmp_path):
    assert MelodyIndex.load(tmp_path / MELODY_INDEX_FILE) is None


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / MELODY_INDEX_FILE
    INDEX.save(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UnreadableFileError, match="no melody index"):
        MelodyIndex.load(path)
