"""What a file holds beside its notes comes out of it again where it was: files of every kind, each built by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phraseloom.form import parse_form
from phraseloom.midi import load_midi, midi_bytes, quantise, read_midi, with_passengers
from phraseloom.midi.chunks import read_chunks
from phraseloom.passengers import Message, PlayedTempo
from phraseloom.score import Notes, Score, TempoChange, Track
from support.performances import held_in
from support.smf import chunk, meta, midi_file, note, program, quantity
from support.songs import make_song


def control(number: int, value: int, channel: int = 0, delta_ticks: int = 0) -> bytes:
    return quantity(delta_ticks) + bytes([0xB0 | channel, number, value])


def wire(content: bytes) -> list[list[tuple[int, bytes]]]:
    """Of each track its events but names, ends, meters and markers, as they stand in the file."""
    frame = (0x03, 0x06, 0x2F, 0x58)
    return [
        [
            (event.tick, event.data if not hasattr(event, "kind") else bytes([0xFF, event.kind]) + event.data)
            for event in track.events
            if getattr(event, "kind", None) not in frame
        ]
        for track in read_chunks(content).tracks
    ]


def check_law(content: bytes) -> bytes:
    """The file of the song of a file, which reads as the same song and the same notes."""
    written = midi_bytes(read_midi(content))
    assert read_midi(written) == read_midi(content)
    assert held_in(written).notes == held_in(content).notes
    return written


def test_a_song_of_ours_has_no_passengers():
    song = make_song(2, with_drums=True)
    assert read_midi(midi_bytes(song)) == song
    assert quantise(load_midi(midi_bytes(song))).score == song


def test_pedals_and_banks_keep_their_places_among_notes_and_programs():
    events = [
        control(0, 1),
        control(32, 2),
        program(5),
        note(60, 480),
        control(64, 127),
        note(62, 480),
        control(64, 0, delta_ticks=0),
    ]
    written = check_law(midi_file(chunk(meta(0x03, b"Keys"), *events)))
    assert wire(written)[1] == [
        (0, b"\xb0\x00\x01"),
        (0, b"\xb0\x20\x02"),
        (0, b"\xc0\x05"),
        (480, b"\xb0\x40\x7f"),
        (960, b"\xb0\x40\x00"),
    ]
    body = written[written.index(b"Keys") + 4 :]
    off, pedal, on = (body.index(event) for event in (b"\x80\x3c", b"\xb0\x40\x7f", b"\x90\x3e"))
    assert off < pedal < on, "pressed behind the end of a note, a pedal does not hold it"


def test_type_0_comes_apart_by_channels_and_nothing_is_lost():
    events = [
        meta(0x03, b"Song"),
        meta(0x02, b"me"),
        program(40),
        control(7, 90, 1),
        control(7, 10, 5),  # for a channel without notes
        program(3, 5),
        note(60, 480),
        meta(0x05, b"la"),
        note(36, 480, channel=9),
        note(62, 480, channel=1),
    ]
    content = midi_file(chunk(*events), file_type=0)
    written = check_law(content)
    conductor, violin, piano, drums = wire(written)
    assert [event for event in conductor if event[1][1] != 0x51] == [(0, b"\xff\x02me"), (480, b"\xff\x05la")]
    assert violin == [(0, b"\xc0\x28"), (0, b"\xb5\x07\x0a"), (0, b"\xc5\x03")]
    assert piano == [(0, b"\xc1\x00"), (0, b"\xb1\x07\x5a")]
    assert drums == [(0, b"\xc9\x00")]


def test_tracks_of_lyrics_alone_and_conductors_with_set_ups_stay():
    conductor = chunk(
        meta(0x03, b"Song"), b"\x00\xf0\x03\x7e\x09\xf7", program(40, 0), program(41, 1), meta(0x06, b"Take 1")
    )
    words = chunk(meta(0x03, b"Words"), meta(0x01, b"@T"), meta(0x05, b"la", 100))
    written = check_law(midi_file(conductor, words, chunk(note(60, 480)), chunk(note(62, 480, channel=1))))
    assert [event[1] for event in wire(written)[0] if event[1][1] != 0x51] == [
        b"\xf0\x7e\x09\xf7",
        b"\xc0\x28",
        b"\xc1\x29",
    ]
    assert (0, "Take 1") in load_midi(written).markers
    assert wire(written)[-1] == [(0, b"\xff\x01@T"), (100, b"\xff\x05la")]
    assert [track.program for track in read_midi(written).tracks] == [40, 41]
    assert wire(written)[1] == [], "its program is set elsewhere"


def test_a_track_of_several_channels_keeps_its_name_beside_them():
    mixed = chunk(meta(0x03, b"Duo"), meta(0x05, b"la"), note(60, 480), note(62, 480, channel=1))
    written = check_law(midi_file(chunk(), mixed))
    assert b"Duo" in written
    assert [track.name for track in read_midi(written).tracks] == ["Acoustic Grand Piano"] * 2


@pytest.mark.parametrize(("first", "second", "channels"), [(0, 0, [3, 3]), (0, 40, [3, 0])])
def test_tracks_share_a_channel_again_unless_they_sound_otherwise(first, second, channels):
    hands = [chunk(program(number, 3), note(60, 480, channel=3)) for number in (first, second)]
    song = load_midi(check_law(midi_file(*hands)))
    assert [track.channel for track in song.tracks] == channels


def test_tracks_that_take_turns_on_a_channel_do_so_again():
    first = chunk(program(0, 3), note(60, 480, channel=3), program(0, 3, 4000))
    second = chunk(program(40, 3, 960), note(62, 480, channel=3))
    written = check_law(midi_file(first, second))
    assert [event for track in wire(written)[1:] for event in track] == [
        (0, b"\xc3\x00"),
        (4480, b"\xc3\x00"),
        (960, b"\xc3\x28"),
    ]


def test_new_tracks_get_channels_of_their_own():
    song = read_midi(
        midi_file(chunk(note(60, 480)), chunk(note(62, 480, channel=2)), chunk(control(7, 9, 1), control(7, 9, 3)))
    )
    more = [Track(f"new {number}", Notes.from_rows([(0, 12, 70, 80)])) for number in range(14)]
    places = [track.place for track in load_midi(midi_bytes(replace(song, tracks=(*song.tracks, *more)))).tracks]
    assert [place.channel for place in places[:4]] == [0, 2, 4, 5]
    assert len(set(places)) == 16
    assert [place for place in places if place.port] == [(1, 0)], "channels that are spoken to are taken at last"


def test_ports_are_kept():
    chunks = [chunk(meta(0x21, bytes([port])), note(60, 480, channel=2)) for port in (0, 1)]
    written = check_law(midi_file(*chunks))
    assert [track.place for track in load_midi(written).tracks] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(("division", "expected"), [(96, 96), (100, 300), (1024, 3072), (32_767, 32_760)])
def test_files_are_as_fine_as_their_passengers(division, expected):
    content = midi_file(chunk(note(60, division), meta(0x05, b"la", 7), note(62, division, 5)), division=division)
    assert read_chunks(midi_bytes(read_midi(content))).ticks_per_quarter == expected


def test_what_is_on_the_grid_and_plain_needs_no_finer_file():
    content = midi_file(chunk(b"\x00\x90\x3c\x50", b"\x60\x3c\x00"), division=96)
    assert read_chunks(midi_bytes(read_midi(content))).ticks_per_quarter == 480


def test_the_exact_tempo_is_kept():
    conductor = chunk(meta(0x51, (652_173).to_bytes(3, "big")), meta(0x51, (700_000).to_bytes(3, "big"), 7))
    score = read_midi(midi_file(conductor, chunk(note(60, 480))))
    assert score.tempos == (TempoChange(0, 85.71),)
    assert score.passengers.tempos == (PlayedTempo(0, 85.71, 0, 652_173), PlayedTempo(0, 85.71, 7, 700_000))
    assert [event for event in wire(midi_bytes(score))[0] if event[1][1] == 0x51] == [
        (0, b"\xff\x51\x09\xf3\x8d"),
        (7, b"\xff\x51\x0a\xae\x60"),
    ]


def test_sections_chords_and_recipes_are_no_passengers():
    texts = [
        meta(0x06, b"Verse 1 (A)"),
        meta(0x06, b"End", 1920),
        meta(0x01, b"chord: C"),
        meta(0x01, b"phraseloom: {}"),
    ]
    song = load_midi(midi_file(chunk(*texts), chunk(note(60, 1920))))
    score = with_passengers(quantise(song).score, song)
    assert score.passengers.messages == ()
    assert score.sections == parse_form("A1")
    assert song.recipe == "phraseloom: {}"


def test_what_is_not_used_of_the_form_and_the_chords_stays():
    texts = [meta(0x01, b"chord: H#x"), meta(0x06, b"Verse 1 (A)", 1920)]
    score = read_midi(midi_file(chunk(*texts), chunk(note(60, 3840))))
    assert [message.data[2:] for message in score.passengers.messages] == [b"chord: H#x", b"Verse 1 (A)"]
    assert read_midi(midi_bytes(score)) == score
    formed = replace(score, sections=parse_form("B2"))
    assert read_midi(midi_bytes(formed)).sections == parse_form("B2"), "its own sections go before such markers"


def test_the_first_key_signature_is_the_song_s_and_the_others_stay():
    conductor = chunk(meta(0x59, b"\x01\x00"), meta(0x59, b"\x02\x00", 960))
    score = read_midi(midi_file(conductor, chunk(note(60, 1920))))
    assert (str(score.key), score.passengers.messages) == ("G major", (Message(960, b"\xff\x59\x02\x00"),))


def test_several_notes_that_fall_together_on_the_grid_all_stay():
    content = midi_file(chunk(note(60, 5), note(60, 480, 3), note(64, 480)))
    assert len(read_midi(content).tracks[0].notes) == 2
    check_law(content)


def test_notes_of_no_length_and_notes_that_overlap_stay():
    on, off = bytes([0x90, 60, 80]), bytes([0x80, 60, 7])
    overlapping = b"\x00" + on + b"\x64" + on + b"\x64" + off + b"\x64" + off
    check_law(midi_file(chunk(note(64, 0, 5), overlapping)))


def test_drums_and_pitched_tracks_do_not_swap_channels():
    (track,) = read_midi(midi_file(chunk(note(36, 480, channel=9)))).tracks
    song = Score((replace(track, is_drum=False),), 1)
    assert [each.channel for each in load_midi(midi_bytes(song)).tracks] == [0]
