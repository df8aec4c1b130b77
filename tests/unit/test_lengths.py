"""Durations of a finished song drawn anew: where they may be, alike for phrases that are alike."""

from __future__ import annotations

import numpy as np

from phraseloom.lengths import with_drawn_lengths
from phraseloom.phrase_codec import song_phrases
from phraseloom.score import Notes, Score
from phraseloom.transforms import with_notes
from support.networks import tiny_codec
from support.songs import make_song

CODEC = tiny_codec()
SONG = make_song(1, num_tracks=3, with_drums=False, form="A2 B2 A2")
SHAPE = SONG.num_bars, len(SONG.tracks)


def drawn(noise: np.ndarray, song: Score = SONG, seed: int = 0) -> Score:
    return with_drawn_lengths(song, noise, CODEC, seed=seed)


def contents_of(song: Score) -> list[bytes]:
    phrases = song_phrases(song)
    return [phrases.content(number) for number in range(len(phrases))]


def everything_else(song: Score) -> list[list]:
    notes = [track.notes for track in song.tracks]
    return [[each.onset_ticks.tolist(), each.pitch.tolist(), each.velocity.tolist()] for each in notes]


def test_nothing_but_durations_changes_and_these_only_where_they_may():
    noise = np.zeros(SHAPE)
    noise[2:4, 1] = 0.45
    song = drawn(noise)
    assert everything_else(song) == everything_else(SONG)
    is_other = song.tracks[1].notes.duration_ticks != SONG.tracks[1].notes.duration_ticks
    assert set(song.bar_of(song.tracks[1].notes.onset_ticks)[is_other].tolist()) <= {2, 3}
    assert is_other.any()
    assert [song.tracks[slot] for slot in (0, 2)] == [SONG.tracks[slot] for slot in (0, 2)]
    assert drawn(np.zeros(SHAPE)) == SONG


def test_phrases_that_are_alike_stay_alike():
    song = drawn(np.full(SHAPE, 0.45))
    before, after = (np.array([contents.index(c) for c in contents]) for contents in map(contents_of, (SONG, song)))
    assert len(set(before)) < len(before)
    assert all(len(set(after[before == number])) == 1 for number in before)


def test_what_is_kept_keeps_its_copies():
    whole = np.full(SHAPE, 0.45)
    whole[0] = 0.0
    number = np.array([contents_of(SONG).index(each) for each in contents_of(SONG)])
    copies = np.isin(number, number[: SHAPE[1]]).reshape(SHAPE)
    copies[0] = False
    assert copies.any()
    song = drawn(whole)
    for bar, slot in np.argwhere(copies).tolist():
        for each in (song, SONG):
            is_here = each.bar_of(each.tracks[slot].notes.onset_ticks) == bar
            durations = each.tracks[slot].notes.duration_ticks[is_here].tolist()
            assert durations == SONG.tracks[slot].notes.duration_ticks[is_here].tolist()


def test_the_same_seed_draws_the_same_and_another_does_not():
    noise = np.full(SHAPE, 0.45)
    assert drawn(noise, seed=3) == drawn(noise, seed=3)
    assert drawn(noise, seed=3) != drawn(noise, seed=4)


def test_a_bar_with_more_notes_than_a_phrase_holds_stays():
    crowd = Notes.from_rows([(tick, 1, pitch, 64) for tick in range(24) for pitch in (60, 64, 67)])
    song = with_notes(SONG, [crowd, *(track.notes for track in SONG.tracks[1:])])
    noise = np.full(SHAPE, 0.45)
    noise[:, 0] = 0.0
    assert drawn(noise, song).tracks[0] == song.tracks[0]


def test_a_song_of_nothing_stays():
    silence = with_notes(SONG, [Notes.empty()] * len(SONG.tracks))
    assert drawn(np.full(SHAPE, 0.45), silence) == silence
