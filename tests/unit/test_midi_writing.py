"""The files that we write: their layout event by event, and how they get onto the disk."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import symusic

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.form import parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.midi import load_midi, midi_bytes, read_midi, write_midi
from phraseloom.midi.chunks import MetaEvent, read_chunks
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from support.songs import make_song

ONE_NOTE = Notes.from_rows([(0, 12, 60, 80)])


def song_with(*tracks: Track, num_bars: int = 1) -> Score:
    return Score(tracks, num_bars)


def tracks_named(count: int, is_drum: bool = False) -> list[Track]:
    return [Track(f"track {i}", Notes.from_rows([(i % 48, 3, 60, 80)]), i % 128, is_drum) for i in range(count)]


def metas_of(score: Score, texts: tuple[str, ...] = ()) -> list[MetaEvent]:
    """Of the conductor track."""
    return read_chunks(midi_bytes(score, texts=texts)).tracks[0].metas


def test_header_and_tracks():
    content = midi_bytes(make_song(1))
    assert content[:14] == b"MThd" + struct.pack(">IHHH", 6, 1, 4, 480)
    assert content.count(b"MTrk") == 4


def test_the_bytes_of_a_small_song():
    track = Track("A", Notes.from_rows([(0, 12, 60, 80), (12, 12, 60, 70)]), program=5)
    conductor = b"\x00\xff\x58\x04\x04\x02\x18\x08" + b"\x00\xff\x51\x03\x07\xa1\x20" + b"\x8f\x00\xff\x06\x03End"
    body = b"\x00\xff\x03\x01A" + b"\x00\xc0\x05" + b"\x00\x90\x3c\x50"
    body += b"\x83\x60\x80\x3c\x40" + b"\x00\x90\x3c\x46" + b"\x83\x60\x80\x3c\x40" + b"\x87\x40\xff\x2f\x00"
    conductor += b"\x00\xff\x2f\x00"
    assert midi_bytes(song_with(track)) == b"".join(
        [
            b"MThd" + struct.pack(">IHHH", 6, 1, 2, 480),
            b"MTrk" + struct.pack(">I", len(conductor)) + conductor,
            b"MTrk" + struct.pack(">I", len(body)) + body,
        ]
    )


def test_the_conductor_track_says_everything_but_notes():
    score = Score(
        (Track("Melody", ONE_NOTE),),
        num_bars=4,
        meters=(MeterChange(0, 4, 4), MeterChange(2, 6, 8)),
        tempos=(TempoChange(0, 120), TempoChange(48, 60)),
        sections=parse_form("i1 A2 A1"),
        chords=(ChordSpan(0, 24, parse_chord("Am7")), ChordSpan(48, 120, parse_chord("F/C"))),
        key=Key(7, "minor"),
        title="Sång",
    )
    assert metas_of(score, texts=("recipe",)) == [
        (0, 0x03, "Sång".encode()),
        (0, 0x01, b"recipe"),
        (0, 0x59, bytes([0xFE, 1])),
        (0, 0x58, bytes([4, 2, 24, 8])),
        (0, 0x51, bytes([0x07, 0xA1, 0x20])),
        (0, 0x06, b"Intro 1 (i)"),
        (0, 0x01, b"chord: Am7"),
        (960, 0x01, b"chord: -"),
        (1920, 0x51, bytes([0x0F, 0x42, 0x40])),
        (1920, 0x06, b"Verse 1 (A)"),
        (1920, 0x01, b"chord: F/C"),
        (3840, 0x58, bytes([6, 3, 12, 8])),
        (5280, 0x06, b"Verse 2 (A)"),
        (6720, 0x06, b"End"),
        (6720, 0x2F, b""),
    ]


def test_names_of_sections():
    score = Score((Track("", ONE_NOTE),), 12, sections=parse_form("i1 A1 B1 C1 D1 E1 a1 b1 b1 x1 I1 o1"))
    names = [meta.data.decode() for meta in metas_of(score) if meta.kind == 0x06]
    assert names == [
        "Intro 1 (i)",
        "Verse 1 (A)",
        "Chorus 1 (B)",
        "Bridge 1 (C)",
        "Pre-chorus 1 (D)",
        "Part 1 (E)",
        "Instrumental 1 (a)",
        "Instrumental 1 (b)",
        "Instrumental 2 (b)",
        "Interlude 1 (x)",
        "Part 1 (I)",
        "Outro 1 (o)",
        "End",
    ]


def test_one_channel_a_track_and_drums_on_10():
    tracks = [*tracks_named(4), Track("Kit", ONE_NOTE, is_drum=True), *tracks_named(11)]
    song = load_midi(midi_bytes(song_with(*tracks)))
    assert [track.channel for track in song.tracks] == [0, 1, 2, 3, 9, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]
    chunks = read_chunks(midi_bytes(song_with(*tracks))).tracks
    assert [[(change.tick, change.program) for change in chunk.program_changes] for chunk in chunks] == [
        [],
        *([(0, track.program)] for track in tracks),
    ]
    assert all(meta.kind != 0x21 for chunk in chunks for meta in chunk.metas), "one port needs no naming"


def test_further_tracks_go_to_further_ports():
    tracks = [*tracks_named(40), *tracks_named(3, is_drum=True)]
    content = midi_bytes(song_with(*tracks))
    places = set()
    for chunk in read_chunks(content).tracks[1:]:
        (port,) = (meta.data[0] for meta in chunk.metas if meta.kind == 0x21)
        places.add((port, chunk.program_changes[0].channel))
    assert len(places) == 43, "no two tracks share a channel of a port"
    assert read_midi(content) == song_with(*tracks)


def test_too_many_tracks_are_not_supported():
    assert len(read_midi(midi_bytes(song_with(*tracks_named(999)))).tracks) == 999
    for tracks in (tracks_named(1000), tracks_named(129, is_drum=True)):
        with pytest.raises(UnsupportedScoreError, match=f"{len(tracks)} tracks"):
            midi_bytes(song_with(*tracks))


def test_another_reader_reads_the_same():
    """symusic, an independent implementation, as the judge."""
    score = make_song(3, num_tracks=6, with_drums=True)
    theirs = symusic.Score.from_midi(midi_bytes(score))
    assert theirs.ticks_per_quarter == 480
    assert [(tempo.time, round(tempo.qpm, 2)) for tempo in theirs.tempos] == [(0, score.tempo_bpm)]
    assert [(change.time, change.numerator, change.denominator) for change in theirs.time_signatures] == [(0, 4, 4)]
    assert [(track.name, track.program, track.is_drum) for track in theirs.tracks] == [
        (track.name, track.program, track.is_drum) for track in score.tracks
    ]
    for track, their_track in zip(score.tracks, theirs.tracks, strict=True):
        columns = their_track.notes.numpy()
        table = np.stack([columns["time"] // 40, columns["duration"] // 40, columns["pitch"], columns["velocity"]], 1)
        assert Notes.build(*table.T) == track.notes


def test_a_recipe_travels_along():
    score = make_song(2)
    content = midi_bytes(score, texts=('phraseloom: {"seed": 7}\n',))
    assert load_midi(content).recipe == 'phraseloom: {"seed": 7}\n'
    assert read_midi(content) == score


def test_another_text_travels_with_the_song():
    content = midi_bytes(make_song(2), texts=("for Anna",))
    assert load_midi(content).recipe is None
    again = midi_bytes(read_midi(content))
    assert (0, "for Anna") in load_midi(again).texts
    assert read_midi(again) == read_midi(content)


def test_a_text_must_not_read_as_a_chord():
    with pytest.raises(ValueError, match="chord"):
        midi_bytes(make_song(1), texts=("chord: C",))


def test_what_midi_cannot_hold():
    with pytest.raises(UnsupportedScoreError, match="300/32 at bar 1"):
        midi_bytes(Score((Track("", ONE_NOTE),), 1, meters=(MeterChange(0, 300, 32),)))
    with pytest.raises(UnsupportedScoreError, match="longer than MIDI can hold"):
        midi_bytes(song_with(Track("", Notes.from_rows([(0, 2**30, 60, 80)]))))


# Files


def test_a_written_file_reads_back_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(b"an older song")
    write_midi(make_song(1), path)
    assert read_midi(path) == make_song(1)
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder_no_file(tmp_path):
    with pytest.raises(RequestError, match="no folder"):
        write_midi(make_song(1), tmp_path / "none" / "song.mid")
    with pytest.raises(RequestError, match="is a folder"):
        write_midi(make_song(1), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "song.mid"
    path.write_bytes(b"an older song")

    def fill_up(self: Path, _content: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(RequestError, match="No space left on device"):
        write_midi(make_song(1), path)
    assert path.read_bytes() == b"an older song"
    assert list(tmp_path.iterdir()) == [path]


def test_a_song_that_midi_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(UnsupportedScoreError):
        write_midi(Score((Track("", ONE_NOTE),), 1, meters=(MeterChange(0, 300, 32),)), tmp_path / "song.mid")
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    write_midi(make_song(1), str(tmp_path / "song.mid"))
    assert read_midi(str(tmp_path / "song.mid")) == make_song(1)
