"""How far from the grid a song was played: worked by hand."""

from __future__ import annotations

from phraseloom.midi import midi_bytes, read_midi
from phraseloom.timing import GridTiming, grid_timing
from support.smf import chunk, meta, midi_file, note
from support.songs import make_song


def test_notes_on_the_grid_were_not_moved():
    song = make_song(1)
    assert grid_timing(song) == grid_timing(read_midi(midi_bytes(song))) == GridTiming(song.num_notes, 0, 0.0)
    assert str(grid_timing(song)) == f"all of {song.num_notes} notes on the grid"


def test_the_furthest_note_counts_at_its_own_tempo():
    conductor = chunk(meta(0x51, (500_000).to_bytes(3, "big")), meta(0x51, (1_000_000).to_bytes(3, "big"), 960))
    # 40 ticks to the grid's: one note 12 late at 120 bpm, one 8 early at 60 bpm, one of an odd length only
    track = chunk(note(60, 100, 12), note(62, 100, 1152 - 112), note(64, 101, 1280 - 1252))
    timing = grid_timing(read_midi(midi_file(conductor, track)))
    assert timing == GridTiming(num_notes=3, num_moved=2, largest_distance_ms=16.7)


def test_notes_that_fall_together_count_each():
    timing = grid_timing(read_midi(midi_file(chunk(note(60, 4, 1), note(60, 400, 1)))))
    assert timing == GridTiming(2, 2, 6.2)
    assert str(timing) == "2 of 2 notes off the grid, by up to 6.2 ms"
