"""MIDI files of every kind that occurs, each built by hand: what they hold, and what is said of their oddities."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from phraseloom.harmony import Key
from phraseloom.midi import MidiTrack, load_midi
from support.smf import END_OF_TRACK, chunk, meta, midi_file, note, program, quantity

ONE_NOTE = chunk(note(60, 480))


def rows(track: MidiTrack) -> list[tuple[int, int, int, int]]:
    """Onset, duration, pitch, velocity."""
    columns = (track.onset_ticks, track.duration_ticks, track.pitch, track.velocity)
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


def notes_of(*events: bytes) -> list[tuple[int, int, int, int]]:
    """The notes of a file with one track."""
    (track,) = load_midi(midi_file(chunk(*events))).tracks
    return rows(track)


def test_a_plain_type_1_file():
    conductor = chunk(
        meta(0x03, b"Song"),
        meta(0x51, (500_000).to_bytes(3, "big")),
        meta(0x58, bytes([3, 3, 36, 8])),
        meta(0x59, bytes([0xFE, 1])),  # two flats, minor
        meta(0x06, b"Start"),
        meta(0x01, b"made by hand"),
        meta(0x51, (1_000_000).to_bytes(3, "big"), delta_ticks=960),
    )
    violin = chunk(meta(0x03, b"Fiddle"), program(40, channel=2), note(67, 240, channel=2), note(69, 120, 240, 90, 2))
    song = load_midi(midi_file(conductor, violin, division=240))
    assert song.file_type == 1
    assert song.ticks_per_quarter == 240
    assert song.title == "Song"
    assert song.tempos == ((0, 120.0), (960, 60.0))
    assert song.meters == ((0, 3, 8),)
    assert song.keys == ((0, Key(7, "minor")),)
    assert song.markers == ((0, "Start"),)
    assert song.texts == ((0, "made by hand"),)
    assert song.warnings == ()
    (track,) = song.tracks
    assert (track.name, track.program, track.is_drum, track.channel) == ("Fiddle", 40, False, 2)
    assert rows(track) == [(0, 240, 67, 80), (480, 120, 69, 90)]


def test_a_path_reads_as_its_bytes(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(midi_file(ONE_NOTE))
    assert rows(load_midi(path).tracks[0]) == [(0, 480, 60, 80)]


# Events


def test_running_status_and_velocity_0_for_note_off():
    events = b"\x00\x90\x3c\x50" + b"\x60\x3c\x00" + b"\x00\x3e\x51" + b"\x60\x3e\x00"
    assert notes_of(events) == [(0, 96, 60, 80), (96, 96, 62, 81)]


def test_running_status_goes_on_behind_a_meta_event_and_sysex():
    events = b"\x00\x90\x3c\x50" + meta(0x01, b"x") + b"\x00\xf0\x03\x43\x12\xf7" + b"\x60\x3c\x00"
    assert notes_of(events) == [(0, 96, 60, 80)]


def test_sysex_in_pieces_and_system_messages_are_passed_over():
    pieces = (
        b"\x00\xf0\x03\x43\x12\x00" + b"\x81\x48\xf7\x02\x44\xf7" + b"\x00\xf8" + b"\x00\xf1\x01" + b"\x00\xf2\x01\x02"
    )
    assert notes_of(pieces, note(60, 10)) == [(200, 10, 60, 80)]


def test_unknown_meta_events_and_other_messages_are_passed_over():
    others = meta(0x60, b"?") + meta(0x7F, bytes(300)) + b"\x00\xb0\x07\x64\x05\xe0\x00\x40\x05\xd0\x10\x05\xa0\x3c\x01"
    assert notes_of(others, note(60, 10)) == [(15, 10, 60, 80)]


@pytest.mark.parametrize("delta_ticks", [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 0x0FFF_FFFF])
def test_delta_times_of_every_length(delta_ticks):
    assert notes_of(note(60, 1, delta_ticks)) == [(delta_ticks, 1, 60, 80)]


@pytest.mark.parametrize("division", [1, 24, 96, 480, 960, 32_767])
def test_any_division(division):
    song = load_midi(midi_file(chunk(note(60, division)), division=division))
    assert song.ticks_per_quarter == division
    assert rows(song.tracks[0]) == [(0, division, 60, 80)]


# Pairing note-ons with note-offs

ON, OFF = b"\x90\x3c\x50", b"\x80\x3c\x00"


def at(*events: tuple[int, bytes]) -> bytes:
    """Events at absolute ticks."""
    ticks = [0, *(tick for tick, _ in events)]
    return b"".join(quantity(b - a) + event for a, b, (_, event) in zip(ticks, ticks[1:], events, strict=False))


def test_a_note_without_note_off_ends_with_its_track():
    song = load_midi(midi_file(chunk(at((0, ON), (100, b"\x90\x40\x50"), (150, b"\x80\x40\x00")))))
    assert rows(song.tracks[0]) == [(0, 150, 60, 80), (100, 50, 64, 80)]
    assert song.warnings == ("notes without a note-off: 1; each ends with its pitch's next event or its track",)


def test_a_missing_note_off_does_not_shift_the_pairs_behind_it():
    events = at((0, ON), (100, ON), (120, OFF), (200, ON), (220, OFF), (500, b"\xb0\x07\x64"))
    assert notes_of(events) == [(0, 100, 60, 80), (100, 20, 60, 80), (200, 20, 60, 80)]


def test_overlapping_notes_of_a_pitch_end_in_the_order_of_their_beginnings():
    song = load_midi(midi_file(chunk(at((0, ON), (10, ON), (20, OFF), (30, OFF)))))
    assert rows(song.tracks[0]) == [(0, 20, 60, 80), (10, 20, 60, 80)]
    assert song.warnings == ("notes struck again while they sound: 1; the earlier one is cut short",)


def test_a_stray_note_off_is_nothing():
    assert notes_of(at((0, OFF), (5, OFF), (10, ON), (20, OFF), (25, OFF))) == [(10, 10, 60, 80)]


def test_channels_and_tracks_do_not_end_each_others_notes():
    first = chunk(at((0, ON), (5, b"\x81\x3c\x00"), (30, OFF)))
    second = chunk(at((0, ON), (40, OFF)))
    assert [rows(track) for track in load_midi(midi_file(first, second)).tracks] == [
        [(0, 30, 60, 80)],
        [(0, 40, 60, 80)],
    ]


def test_a_note_may_end_where_it_begins():
    assert notes_of(note(60, 0)) == [(0, 0, 60, 80)]


def test_how_hard_a_note_is_released():
    events = at((0, ON), (10, b"\x80\x3c\x05"), (20, ON), (30, b"\x90\x3c\x00"), (40, ON))
    assert load_midi(midi_file(chunk(events))).tracks[0].release_velocity.tolist() == [64, 64, 64]
    assert load_midi(midi_file(chunk(at((0, ON), (10, b"\x80\x3c\x05"))))).tracks[0].release_velocity.tolist() == [5]


# Instruments


def test_type_0_is_split_by_channel():
    events = [
        meta(0x03, b"Tune"),
        program(33, channel=1),
        note(60, 10),
        note(36, 10, channel=1),
        note(38, 10, channel=9),
    ]
    song = load_midi(midi_file(chunk(*events), file_type=0))
    assert song.title == "Tune"
    assert [(track.name, track.channel, track.program, track.is_drum) for track in song.tracks] == [
        ("Acoustic Grand Piano", 0, 0, False),
        ("Electric Bass (finger)", 1, 33, False),
        ("Drums", 9, 0, True),
    ]
    assert [rows(track) for track in song.tracks] == [[(0, 10, 60, 80)], [(10, 10, 36, 80)], [(20, 10, 38, 80)]]


def test_a_channel_that_changes_its_program_is_one_instrument():
    song = load_midi(midi_file(chunk(program(40), note(60, 10), program(73), note(62, 10), program(40), note(64, 10))))
    (track,) = song.tracks
    assert (track.name, track.program) == ("Violin", 40)
    assert track.pitch.tolist() == [60, 62, 64]
    assert track.note_programs.tolist() == [40, 73, 40]


@pytest.mark.parametrize(("behind_ticks", "expected"), [(0, 73), (479, 73), (480, 40)])
def test_a_program_that_is_chosen_in_the_first_quarter_is_the_track_s(behind_ticks, expected):
    song = load_midi(midi_file(chunk(program(40), program(73, delta_ticks=behind_ticks), note(60, 10, 480))))
    assert song.tracks[0].program == expected
    assert song.tracks[0].note_programs.tolist() == [73]


def test_a_change_of_the_drum_kit_splits_nothing():
    song = load_midi(midi_file(chunk(program(0, 9), note(36, 10, channel=9), program(25, 9), note(36, 10, channel=9))))
    assert [(track.is_drum, track.num_notes) for track in song.tracks] == [(True, 2)]


def test_a_program_behind_the_first_note_counts_for_it():
    assert [track.program for track in load_midi(midi_file(chunk(note(60, 10), program(40), note(62, 10)))).tracks] == [
        40
    ]


def test_programs_may_stand_in_another_track():
    setup = chunk(meta(0x03, b"Title"), program(40, 0), program(73, 1))
    song = load_midi(midi_file(setup, chunk(note(60, 10)), chunk(note(62, 10, channel=1))))
    assert [track.program for track in song.tracks] == [40, 73]
    assert song.title == "Title"


def test_tracks_that_share_a_channel_keep_their_own_program():
    song = load_midi(midi_file(chunk(program(40), note(60, 10)), chunk(program(73), note(62, 10))))
    assert [track.program for track in song.tracks] == [40, 73]


def test_more_tracks_than_channels():
    chunks = [
        chunk(meta(0x03, b"t%d" % i), meta(0x21, bytes([i // 16])), note(60 + i, 10, channel=i % 16)) for i in range(40)
    ]
    song = load_midi(midi_file(*chunks))
    assert [track.name for track in song.tracks] == [f"t{i}" for i in range(40)]
    assert [track.pitch.tolist() for track in song.tracks] == [[60 + i] for i in range(40)]


def test_an_instrument_without_notes_is_kept_and_a_track_without_anything_is_not():
    song = load_midi(midi_file(chunk(meta(0x03, b"Harp"), program(46, 3)), chunk(meta(0x03, b"ghost")), ONE_NOTE))
    assert [(track.program, track.num_notes) for track in song.tracks] == [(46, 0), (0, 1)]
    assert song.tracks[0].name == "Harp"


def test_names():
    named = chunk(meta(0x03, b"Lead"), note(60, 10))
    empty = chunk(meta(0x03, b""), program(40, 1), note(60, 10, channel=1))
    instrument = chunk(meta(0x04, b"Pedal steel"), note(60, 10, channel=2))
    nameless = chunk(program(40, 3), note(60, 10, channel=3))
    song = load_midi(midi_file(named, empty, instrument, nameless))
    assert [track.name for track in song.tracks] == ["Lead", "", "Pedal steel", "Violin"]
    assert song.title == "", "the first track is an instrument, so its name is no title"


# Text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Für Elise ♪ 歌".encode(), "Für Elise ♪ 歌"),
        ("Für Élise".encode("latin-1"), "Für Élise"),
        ("Don\u2019t stop".encode("cp1252"), "Don\u2019t stop"),
        ("さくらの歌".encode("shift_jis"), "さくらの歌"),
        ("ピアノ".encode("shift_jis"), "ピアノ"),
        (b"piano\x00\x00\r", "piano"),
        (b"", ""),
    ],
)
def test_text_of_any_encoding(data, text):
    assert load_midi(midi_file(chunk(meta(0x03, data), note(60, 10)))).tracks[0].name == text


def test_every_byte_as_text():
    for data in (bytes(range(256)), *(bytes([byte]) for byte in range(256))):
        assert isinstance(load_midi(midi_file(chunk(meta(0x03, data), note(60, 10)))).tracks[0].name, str)


# Meta events that make no sense


@pytest.mark.parametrize(
    "event",
    [
        meta(0x51, b"\x00\x00\x00"),
        meta(0x51, b""),
        meta(0x58, b"\x04"),
        meta(0x58, b"\x00\x02\x18\x08"),
        meta(0x58, b"\x04\xff\x18\x08"),
        meta(0x59, b"\x00"),
        meta(0x59, b"\x08\x00"),
        meta(0x59, b"\x00\x02"),
    ],
)
def test_a_senseless_meta_event_is_passed_over(event):
    song = load_midi(midi_file(chunk(event, note(60, 10))))
    assert (song.tempos, song.meters, song.keys) == ((), (), ())


@pytest.mark.parametrize("sharps", range(-7, 8))
def test_key_signatures(sharps):
    majors = {-7: 11, -6: 6, -5: 1, -4: 8, -3: 3, -2: 10, -1: 5, 0: 0, 1: 7, 2: 2, 3: 9, 4: 4, 5: 11, 6: 6, 7: 1}
    for mode, is_minor in (("major", 0), ("minor", 1)):
        song = load_midi(midi_file(chunk(meta(0x59, bytes([sharps % 256, is_minor])), note(60, 10))))
        assert song.keys == ((0, Key((majors[sharps] + 9 * is_minor) % 12, mode)),)


# Containers and damage


def test_midi_wrapped_in_riff():
    content = midi_file(ONE_NOTE)
    body = b"RMID" + b"DISP" + struct.pack("<I", 3) + b"abc\x00" + b"data" + struct.pack("<I", len(content)) + content
    assert load_midi(b"RIFF" + struct.pack("<I", len(body)) + body).tracks[0].num_notes == 1


def test_chunks_of_unknown_kinds_and_a_longer_header_are_passed_over():
    content = midi_file(chunk(b"abc", kind=b"XFIH", end=b""), ONE_NOTE, num_tracks=1)
    assert load_midi(content).tracks[0].num_notes == 1
    longer = b"MThd" + struct.pack(">IHHHH", 8, 1, 1, 480, 7) + ONE_NOTE
    assert load_midi(longer).tracks[0].num_notes == 1


def test_a_wrong_number_of_tracks_in_the_header():
    assert len(load_midi(midi_file(ONE_NOTE, ONE_NOTE, num_tracks=1)).tracks) == 2
    song = load_midi(midi_file(ONE_NOTE, num_tracks=3))
    assert song.warnings == ("the file ends after 1 of 3 tracks",)


def test_junk_behind_the_last_track():
    assert load_midi(midi_file(ONE_NOTE) + b"\x00" * 50 + b"junk!").warnings == ()


def test_a_type_2_file_with_one_song_is_read():
    assert load_midi(midi_file(ONE_NOTE, file_type=2)).tracks[0].num_notes == 1


def test_a_track_without_end_of_track():
    song = load_midi(midi_file(chunk(note(60, 480), end=b"")))
    assert rows(song.tracks[0]) == [(0, 480, 60, 80)]
    assert song.warnings == ()


def test_what_stands_behind_end_of_track_is_nothing():
    assert notes_of(note(60, 10), END_OF_TRACK, note(62, 10)) == [(0, 10, 60, 80)]


def test_a_file_cut_off_in_its_last_track_keeps_what_is_there():
    content = midi_file(chunk(note(60, 480), note(62, 480)), chunk(note(64, 480), note(65, 480), note(67, 480)))
    song = load_midi(content[:-12])
    assert [track.num_notes for track in song.tracks] == [2, 2]
    assert song.warnings[0] == "the file ends inside track 2; its rest is lost"


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00\x90\x85\x40",  # a data byte over 127
        b"\x81\x82\x83\x84\x05\x90\x40\x40",  # a delta time of five bytes
        b"\x00\xff\x01\x50ab",  # a text longer than its track
    ],
)
def test_damage_ends_its_track_only(damage):
    song = load_midi(midi_file(chunk(note(60, 10), damage, note(62, 10)), ONE_NOTE))
    assert [track.pitch.tolist() for track in song.tracks] == [[60], [60]]
    assert song.warnings == ("track 1 is damaged at its byte 8; its rest is lost",)


def test_data_without_any_status_is_damage():
    song = load_midi(midi_file(chunk(b"\x00\x3c\x40"), ONE_NOTE))
    assert song.warnings == ("track 1 is damaged at its byte 0; its rest is lost",)
