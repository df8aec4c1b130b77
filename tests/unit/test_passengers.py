"""What travels with a song, by hand: where it goes when bars move, what holds there, and what is not taken along."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.passengers import (
    DEFAULT_TICKS_PER_QUARTER,
    END_OF_TIME,
    Message,
    Phase,
    PlayedNotes,
    PlayedTempo,
    SongPassengers,
    Stretch,
    TrackPassengers,
    common_ticks_per_quarter,
)
from phraseloom.passengers.moving import moved_messages
from phraseloom.passengers.resolution import rescaled_tick
from phraseloom.score import Notes, Score, TempoChange, Track
from phraseloom.transforms import excerpt, stretches_of, transpose

BAR = 48
"""Ticks of the grid in a bar; messages below count the same ticks."""
PEDAL_DOWN, PEDAL_UP = b"\xb0\x40\x7f", b"\xb0\x40\x00"
VOLUME, LOUDER = b"\xb0\x07\x50", b"\xb0\x07\x70"
LYRIC, COPYRIGHT = b"\xff\x05la", b"\xff\x02me"
FLUTE, VIOLIN = b"\xc0\x49", b"\xc0\x28"


def moved(messages: list[tuple[int, bytes]], *stretches: Stretch) -> list[tuple[int, bytes]]:
    found = moved_messages([Message(*message) for message in messages], stretches, scale=1)
    return [(message.tick, message.data) for message in found]


# Where messages go


def test_a_song_s_set_up_stays_at_its_start_and_the_rest_moves():
    messages = [(0, COPYRIGHT), (0, VOLUME), (0, LYRIC), (3, FLUTE), (60, LYRIC)]
    later = Stretch(2 * BAR, 0, END_OF_TIME)
    assert moved(messages, Stretch(0), later) == [
        (0, COPYRIGHT),
        (0, VOLUME),
        (3, FLUTE),
        (2 * BAR, LYRIC),
        (2 * BAR + 60, LYRIC),
    ]


def test_what_does_not_move_stays_in_its_order():
    messages = [(0, LYRIC), (0, VOLUME), (5, PEDAL_DOWN), (5, LOUDER), (70, PEDAL_UP)]
    assert moved(messages, Stretch(0, 0, END_OF_TIME)) == messages
    assert moved(messages, Stretch(0, 0, END_OF_TIME), Stretch(2 * BAR)) == messages


def test_what_holds_in_bars_is_set_anew_where_they_come_to_stand():
    messages = [(0, VOLUME), (50, LOUDER), (60, PEDAL_DOWN), (110, PEDAL_UP)]
    second, first = Stretch(0, BAR, 2 * BAR), Stretch(BAR, 0, BAR)
    assert moved(messages, second, first) == [
        (0, VOLUME),
        (2, LOUDER),
        (12, PEDAL_DOWN),
        (BAR, PEDAL_UP),
        (BAR, VOLUME),
    ]


def test_new_bars_have_no_pedal():
    messages = [(20, PEDAL_DOWN), (30, VOLUME), (40, b"\xe0\x10\x10"), (45, b"\xd0\x30")]
    assert moved(messages, Stretch(0, 0, BAR), Stretch(BAR))[4:] == [
        (BAR, PEDAL_UP),
        (BAR, b"\xe0\x00\x40"),
        (BAR, b"\xd0\x00"),
    ]


def test_what_stands_behind_the_last_bar_goes_with_it():
    song = Score((), 2)
    assert stretches_of(song, [0, 1], BAR) == (Stretch(0, 0, END_OF_TIME),)
    assert stretches_of(song, [0, 1, -1, -1], BAR) == (Stretch(0, 0, END_OF_TIME), Stretch(2 * BAR))
    assert stretches_of(song, [-1, 1, 0, 0, 1], BAR) == (
        Stretch(0),
        Stretch(BAR, BAR, 2 * BAR),  # old bars follow, so its tail has no room
        Stretch(2 * BAR, 0, BAR),
        Stretch(3 * BAR, 0, END_OF_TIME),
    )
    messages = [(60, PEDAL_DOWN), (100, PEDAL_UP)]
    assert moved(messages, Stretch(0, 0, END_OF_TIME), Stretch(2 * BAR)) == messages


def test_mode_messages_and_sysex_hold_nothing():
    messages = [(20, b"\xb0\x7b\x00"), (20, b"\xf0\x01\xf7"), (100, LYRIC)]
    assert moved(messages, Stretch(0, BAR, 3 * BAR)) == [(52, LYRIC)]


# Tracks


def track_with(*messages: tuple[int, bytes], program: int | None = None, number: int = 40) -> Track:
    passengers = TrackPassengers(
        tuple(Message(*message) for message in messages), program=program, ticks_per_quarter=12
    )
    return Track("Lead", Notes.empty(), number, passengers=passengers)


def test_an_excerpt_begins_with_the_program_that_holds_there():
    song = Score((track_with((60, FLUTE), (130, VIOLIN)),), 3)
    parts = [excerpt(song, bar, 1).tracks[0] for bar in range(3)]
    assert [part.program for part in parts] == [40, 40, 73]
    assert [part.passengers.program for part in parts] == [None, None, None]
    assert [[message.data for message in part.passengers.messages] for part in parts] == [[], [FLUTE], [VIOLIN]]


def test_a_program_that_begins_a_track_is_the_track_s():
    assert track_with((0, VIOLIN), (0, VOLUME), program=40).passengers == track_with((0, VOLUME)).passengers
    bank_first = track_with((0, b"\xb0\x00\x01"), (0, VIOLIN), program=40).passengers
    assert [message.data for message in bank_first.messages] == [b"\xb0\x00\x01", VIOLIN]


def test_a_track_that_is_given_another_program_has_it_from_its_start():
    track = track_with((0, b"\xb0\x00\x01"), (5, VIOLIN), (9, VOLUME), program=40, number=7)
    assert track.passengers.program is None
    assert [message.data for message in track.passengers.messages] == [VOLUME]


def test_messages_for_keys_are_transposed_and_key_signatures_left_out():
    track = track_with((0, b"\xa0\x3c\x10"), (0, b"\xa0\x7e\x10"), (0, b"\xff\x59\x01\x00"), (0, VOLUME))
    after = transpose(Score((track,), 1), 2).tracks[0]
    assert [message.data for message in after.passengers.messages] == [b"\xa0\x3e\x10", VOLUME]


def test_the_phase_of_a_message_is_no_part_of_it():
    assert Message(0, VOLUME, phase=Phase.BEHIND_NOTE_ONS) == Message(0, VOLUME)


# Notes as they were played: rows of onset, duration, pitch, velocity, and as played with 10 ticks to the grid's


def played(*rows: tuple[int, ...]) -> PlayedNotes:
    return PlayedNotes(np.array(rows))


def fitted(notes: list[tuple[int, int, int, int]], *rows: tuple[int, ...]) -> list[list[int]]:
    return played(*rows).fitted(Notes.from_rows(notes).table, scale=10).table.tolist()


LATE = (4, 4, 60, 80, 43, 41, 80, 64)


def test_notes_that_are_gone_or_changed_are_forgotten():
    assert fitted([(4, 4, 60, 80)], LATE) == [list(LATE)]
    for other in ([], [(5, 4, 60, 80)], [(4, 3, 60, 80)], [(4, 4, 61, 80)], [(4, 4, 60, 81)]):
        assert fitted(other, LATE) == []


def test_new_notes_make_room_for_those_that_were_played():
    notes = [(0, 4, 60, 77), (4, 4, 60, 80), (8, 4, 60, 77)]
    early = (4, 4, 60, 80, 38, 46, 80, 64)
    assert [row[4:6] for row in fitted(notes, early)] == [[0, 38], [38, 46], [84, 36]]
    assert fitted([*notes[:2]], LATE) == [list(LATE)], "what has room stays on the grid"


def test_a_note_rings_on_under_the_next_only_while_that_is_there():
    long, again = (0, 4, 60, 80, 0, 90, 80, 64), (4, 8, 60, 70, 41, 81, 70, 64)
    both = [(0, 4, 60, 80), (4, 8, 60, 70)]
    assert fitted(both, long, again) == [list(long), list(again)]
    assert fitted(both[:1], long, again) == [], "it ends where the score says, which is plain"
    assert fitted([both[0], (4, 8, 60, 71)], long, again) == []


def test_notes_that_come_to_stand_beside_each_other_end_in_order():
    long, brief = (0, 4, 60, 80, 0, 120, 80, 64), (4, 1, 60, 70, 38, 12, 70, 64)
    assert [row[4:6] for row in fitted([(0, 4, 60, 80), (4, 1, 60, 70)], long, brief)] == [[0, 38], [38, 12]]


def test_what_a_file_gets_is_as_played_or_on_the_grid():
    notes = Notes.from_rows([(4, 4, 60, 80), (8, 2, 62, 70)]).table
    assert played(LATE).sounding(notes, 10).tolist() == [[43, 41, 60, 80, 64], [80, 20, 62, 70, 64]]
    assert PlayedNotes.none().sounding(notes, 10).tolist() == [[40, 40, 60, 80, 64], [80, 20, 62, 70, 64]]


def test_a_note_moved_to_the_start_is_not_played_before_it():
    early = (48, 4, 60, 80, 476, 40, 80, 64)
    assert played(early).moved([Stretch(0, 48, 96)], 10).table[:, [0, 4]].tolist() == [[0, 0]]


# Songs


def test_changes_of_tempo_are_kept_as_played_while_they_are_there():
    passengers = SongPassengers(tempos=(PlayedTempo(0, 90.0, 0, 666_660), PlayedTempo(50, 80.0, 2001, 750_001)))
    song = Score((), 4, tempos=(TempoChange(0, 90), TempoChange(50, 80)), passengers=passengers)
    assert song.passengers.tempos == passengers.tempos
    assert Score((), 4, tempos=(TempoChange(0, 90),), passengers=passengers).passengers.tempos == passengers.tempos[:1]
    assert excerpt(song, 1, 2).passengers.tempos == (passengers.tempos[0], PlayedTempo(2, 80.0, 81, 750_001))
    assert excerpt(song, 2, 2).passengers.tempos == ()


def test_a_song_counts_one_kind_of_ticks():
    coarse, fine = (TrackPassengers((Message(5, VOLUME),), ticks_per_quarter=each) for each in (24, 36))
    song = Score([Track(name, Notes.empty(), passengers=own) for name, own in (("a", coarse), ("b", fine))], 1)
    assert song.passenger_ticks_per_quarter == 72
    assert [track.passengers.messages[0].tick for track in song.tracks] == [15, 10]
    assert Score((), 1).passenger_ticks_per_quarter == DEFAULT_TICKS_PER_QUARTER


@pytest.mark.parametrize(
    ("resolutions", "expected"),
    [([480], 480), ([96], 96), ([100], 300), ([1024], 3072), ([480, 384], 1920), ([32_767], 32_760), ([1], 12)],
)
def test_ticks_are_as_fine_as_a_file_can_have_them(resolutions, expected):
    assert common_ticks_per_quarter(resolutions) == expected


def test_ticks_go_to_the_nearest_and_halves_up():
    assert [rescaled_tick(tick, 4, 2) for tick in range(6)] == [0, 1, 1, 2, 2, 3]
    assert rescaled_tick(rescaled_tick(32_766, 32_767, 32_760), 32_760, 32_767) in (32_766, 32_767)


@pytest.mark.parametrize("passengers", [TrackPassengers, SongPassengers])
def test_ticks_that_miss_the_grid_are_refused(passengers):
    with pytest.raises(ValueError, match="100 ticks"):
        passengers(messages=(Message(0, VOLUME),), ticks_per_quarter=100)
