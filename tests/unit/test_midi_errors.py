"""What cannot be read ends at once in an error that says what was given and what to do."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from phraseloom.errors import UnreadableFileError, UnsupportedScoreError, UserError
from phraseloom.midi import load_midi, read_midi
from support.smf import chunk, meta, midi_file, note, quantity

ONE_NOTE = chunk(note(60, 480))
GOOD = midi_file(ONE_NOTE)
RIFF = b"RIFF\x24\x00\x00\x00"

NOT_MIDI = {
    "a PNG picture": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "a JPEG picture": b"\xff\xd8\xff\xe0" + bytes(50),
    "WAV audio": RIFF + b"WAVEfmt ",
    "a RIFF container without MIDI": RIFF + b"RMIDLIST\x04\x00\x00\x00abcd",
    "MP3 audio": b"ID3\x03" + bytes(50),
    "OGG audio": b"OggS" + bytes(50),
    "FLAC audio": b"fLaC" + bytes(50),
    "MP4 audio or film": b"\x00\x00\x00\x20ftypM4A ",
    "a PDF document": b"%PDF-1.7",
    "a ZIP archive": b"PK\x03\x04" + bytes(50),
    "a gzip archive": b"\x1f\x8b\x08" + bytes(50),
    "MusicXML": b'<?xml version="1.0"?>\n<!DOCTYPE x>\n<score-partwise version="4.0">',
    "XML": b"<svg></svg>",
    "a web page": b"\n<!DOCTYPE html><html>",
    "JSON": b'{"notes": []}',
    "text": "Für Elise".encode(),
    "unknown binary data (it starts with 00 01 80 FF)": b"\x00\x01\x80\xff",
    "nothing but zeros": bytes(2_000_000),
}


@pytest.mark.parametrize(("looks_like", "content"), NOT_MIDI.items(), ids=NOT_MIDI.keys())
def test_what_is_not_midi_is_named(looks_like, content):
    with pytest.raises(UnreadableFileError) as caught:
        read_midi(content)
    assert f"looks like {looks_like}" in caught.value.message.replace("a file of ", "")
    assert ".mid" in caught.value.remedy


UNREADABLE = {
    "is empty": b"",
    "ends inside its header": GOOD[:10],
    "ends before its first track": GOOD[:16],
    "damaged before its first note": GOOD[:23],
    "header is damaged": midi_file(ONE_NOTE, division=0),
    "bytes, type 9": midi_file(ONE_NOTE, file_type=9),
    "SMPTE": midi_file(ONE_NOTE, division=0xE728),
    "of type 2: 2 songs": midi_file(ONE_NOTE, ONE_NOTE, file_type=2),
    "no notes": midi_file(chunk(meta(0x51, b"\x07\xa1\x20")), chunk(meta(0x03, b"Piano"))),
    "over 1000 tracks": midi_file(*[ONE_NOTE] * 1001),
    "larger than 2 MB": GOOD + bytes(2 * 2**20),
}


@pytest.mark.parametrize(("problem", "content"), UNREADABLE.items(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_said(problem, content):
    with pytest.raises(UnreadableFileError) as caught:
        read_midi(content)
    assert problem in caught.value.message
    assert caught.value.remedy


def test_a_path_that_leads_to_no_file(tmp_path):
    for path, problem in ((tmp_path / "none.mid", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(UnreadableFileError, match=problem) as caught:
            load_midi(path)
        assert str(path) in caught.value.message


def test_a_path_through_a_file(tmp_path):
    (tmp_path / "song").write_bytes(GOOD)
    with pytest.raises(UnreadableFileError, match="Not a directory"):
        load_midi(tmp_path / "song" / "song.mid")


@pytest.mark.parametrize(("numerator", "exponent"), [(1, 5), (7, 5), (4, 6), (5, 8)])
def test_a_meter_off_the_grid_is_not_supported(numerator, exponent):
    content = midi_file(chunk(meta(0x58, bytes([numerator, exponent, 24, 8])), note(60, 480)))
    with pytest.raises(UnsupportedScoreError, match=f"{numerator}/{2**exponent} at bar 1"):
        read_midi(content)


def test_an_odd_meter_behind_the_last_note_does_not_matter():
    assert read_midi(midi_file(chunk(note(60, 480), meta(0x58, bytes([7, 5, 24, 8]), 5000)))).num_bars == 1


# Absurd songs: an answer, not a hang

LATE = 0x0FFF_FFFF
MANY_METERS = b"".join(meta(0x58, bytes([1 + i % 2, 4, 24, 8]), 40) for i in range(20_000))
ABSURD = {
    "a note at tick 2^28": midi_file(chunk(note(60, 480), note(62, 480, LATE))),
    "a note of 2^28 ticks": midi_file(chunk(note(60, LATE))),
    "a note of 2^28 quarters before the song's end": midi_file(
        chunk(note(60, LATE)), chunk(meta(0x06, b"End", 4)), division=1
    ),
    "an End at tick 2^28": midi_file(chunk(note(60, 480), meta(0x06, b"End", LATE))),
    "ten hours": midi_file(chunk(*[note(60, 480, 480 * 3) for _ in range(18_000)])),
    "a bar of 1/16 for each of 20,000 meters": midi_file(chunk(MANY_METERS, note(60, 480))),
}


@pytest.mark.parametrize("content", ABSURD.values(), ids=ABSURD.keys())
def test_an_absurdly_long_song_is_not_supported(content):
    start = time.process_time()
    with pytest.raises(UnsupportedScoreError) as caught:
        read_midi(content)
    assert time.process_time() - start < 2
    assert caught.value.remedy


CROWDED = {
    "one pitch struck all the time": b"\x00\x90\x3c\x50" + b"\x00\x3c\x50" * 300_000,
    "one pitch struck, then released": b"\x00\x90\x3c\x50" + b"\x00\x3c\x50" * 150_000 + b"\x01\x3c\x00" * 150_000,
    "tempos": b"".join(meta(0x51, bytes([7, 161, i % 256]), 1) for i in range(150_000)) + note(60, 10),
    "markers": b"".join(meta(0x06, b"Verse (A)", 1) for i in range(80_000)) + note(60, 10),
    "chords": b"".join(meta(0x01, b"chord: H", 1) for i in range(80_000)) + note(60, 10),
    "the same meter again and again": meta(0x58, b"\x04\x02\x18\x08", 1) * 200_000 + note(60, 10),
    "programs": b"".join(bytes([0, 0xC0, i % 128]) for i in range(300_000)) + note(60, 10),
    "zero bytes": bytes(1_500_000),
    "a delta time without an end": b"\x80" * 1_500_000,
    "one text": meta(0x01, b"(" * 1_500_000) + note(60, 10),
}


@pytest.mark.parametrize("events", CROWDED.values(), ids=CROWDED.keys())
def test_a_crowded_file_is_answered(events):
    start = time.process_time()
    with suppress(UserError):
        read_midi(midi_file(chunk(events)))
    assert time.process_time() - start < 5


def test_a_name_that_is_no_path_is_not_read(tmp_path):
    with pytest.raises(UnreadableFileError):
        load_midi(Path(tmp_path) / ("x" * 300 + ".mid"))


def test_riff_with_a_wrong_length():
    with pytest.raises(UnreadableFileError):
        read_midi(b"RIFF\x00\x00\x00\x00RMIDdata" + struct.pack("<I", 4) + b"MThd")


def test_quantities_of_the_helper():
    """The hand-built files above are worth what this helper is worth; values from the standard's own table."""
    assert [quantity(n).hex() for n in (0, 0x7F, 0x80, 0x2000, 0x3FFF, 0x4000, 0x0FFFFFFF)] == [
        "00", "7f", "8100", "c000", "ff7f", "818000", "ffffff7f",
    ]  # fmt: skip
