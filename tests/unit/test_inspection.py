"""What `inspect_midi` finds in songs whose content is known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from phraseloom import inspection
from phraseloom.errors import UnreadableFileError
from phraseloom.form import parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.inspection import TrackInspection, inspect_midi
from phraseloom.midi import midi_bytes
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from phraseloom.song_recipe import SongRecipe
from phraseloom.timing import GridTiming
from support.smf import chunk, meta, midi_file, note
from support.songs import make_song

SCALE = Notes.from_rows([(12 * i, 12, pitch, 80) for i, pitch in enumerate([60, 62, 64, 65, 67, 69, 71, 72])])
SCORE = Score(
    (
        Track("Tune", SCALE, program=73),
        Track("Kit", Notes.from_rows([(0, 3, 36, 90)]), is_drum=True),
        Track("Silent harp", Notes.empty(), program=46),
    ),
    num_bars=5,
    meters=(MeterChange(0, 4, 4), MeterChange(4, 3, 4)),
    tempos=(TempoChange(0, 120), TempoChange(96, 60)),
    sections=parse_form("i2 A3"),
    chords=(
        ChordSpan(0, 48, parse_chord("C")),
        ChordSpan(66, 30, parse_chord("G7")),
        ChordSpan(96, 100, parse_chord("F")),
    ),
    key=Key(7, "major"),
    title="Five bars",
)


def test_everything_that_a_file_says():
    found = inspect_midi(midi_bytes(SCORE))
    assert found.title == "Five bars"
    assert found.num_bars == 5
    assert found.duration_seconds == pytest.approx(8 * 0.5 + 8 * 1 + 3 * 1)
    assert [(meter.bar, meter.name) for meter in found.meters] == [(1, "4/4"), (5, "3/4")]
    assert (found.tempo_bpm, found.num_tempo_changes) == (120, 1)
    assert (found.key, found.key_source) == ("G major", "key signature")
    assert (found.form, found.form_source) == ("i2 A3", "markers")
    assert [(chord.bar, chord.beat, chord.name) for chord in found.chords] == [
        (1, 1, "C"),
        (2, 1, "-"),
        (2, 2.5, "G7"),
        (3, 1, "F"),
        (5, 1.333, "-"),
    ]
    assert found.tracks == (
        TrackInspection("Tune", 73, "Flute", False, 8, 60, 72),
        TrackInspection("Kit", 0, "Drums", True, 1, 36, 36),
        TrackInspection("Silent harp", 46, "Orchestral Harp", False, 0, None, None),
    )
    assert found.timing == GridTiming(num_notes=9, num_moved=0, largest_distance_ms=0.0)
    assert found.recipe is None
    assert found.warnings == ()


def test_the_text_for_people():
    assert inspect_midi(midi_bytes(SCORE)).text().splitlines() == [
        "title   Five bars",
        "length  5 bars, 0:15",
        "meter   4/4, 3/4 from bar 5",
        "tempo   120 bpm, then 1 change",
        "key     G major (given by the key signature)",
        "form    i2 A3 (given by the markers)",
        "tracks",
        "   1  Tune         Flute                8 notes  C4 to C5",
        "   2  Kit          Drums                 1 note",
        "   3  Silent harp  Orchestral Harp      0 notes",
        "chords",
        "     1  C | - G7 | F | % | -",
    ]


def test_how_a_song_was_made_is_told():
    steps = ({"plan": {"form": "i2 A3"}, "seed": 7}, {"edit": {"kind": "infill", "bars": "3"}, "seed": 8})
    recipe = SongRecipe(steps, "Tune")
    found = inspect_midi(midi_bytes(SCORE, texts=[recipe.text()]))
    assert found.recipe == recipe
    assert found.text().splitlines()[-4:] == [
        "made by phraseloom",
        "  generate, form i2 A3, seed 7",
        "  infill, bars 3, seed 8",
        "  locked: Tune",
    ]
    assert json.loads(json.dumps(found.to_dict()))["recipe"] == {"steps": list(steps), "locked": "Tune"}


def test_how_far_notes_lie_from_the_grid_is_told():
    found = inspect_midi(midi_file(chunk(note(60, 480, 12), note(62, 480, 468 - 12))))
    assert found.timing == GridTiming(num_notes=2, num_moved=2, largest_distance_ms=12.5)
    assert inspect_midi(midi_bytes(SCORE)).summary() == (
        "5 bars of 4/4, 3/4, 120 bpm, key G major, form i2 A3, all of 9 notes on the grid"
    )
    assert "grid    2 of 2 notes off the grid, by up to 12.5 ms" in found.text()
    assert found.summary() == (
        "1 bar of 4/4, 120 bpm, key C major (estimated), form A1 (estimated), "
        "2 of 2 notes off the grid, by up to 12.5 ms"
    )


def test_it_is_json():
    record = inspect_midi(midi_bytes(SCORE)).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == json.loads(json.dumps(record))
    assert record["tracks"][0]["instrument"] == "Flute"
    assert record["meters"][1] == {"bar": 5, "beat": 1.0, "name": "3/4"}


def test_what_the_file_does_not_say_is_found_in_its_notes():
    score = make_song(4, form="i4 A8 B8 A8 B8 o4")
    found = inspect_midi(midi_bytes(replace(score, key=None, sections=(), chords=())))
    assert (found.key, found.key_source) == (str(score.key), "notes")
    assert found.form_source == "notes"
    assert sum(section.num_bars for section in parse_form(found.form or "")) == 40
    assert found.chords == ()
    assert "estimated from the notes" in found.text()


def test_drums_alone_have_no_key():
    found = inspect_midi(midi_file(chunk(note(36, 10, channel=9))))
    assert (found.key, found.key_source) == (None, None)
    assert "key     not known" in found.text()


def test_the_form_of_a_very_long_song_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(inspection, "MAX_BARS_TO_FIND_FORM", 10)
    found = inspect_midi(midi_bytes(replace(make_song(1), sections=())))
    assert (found.form, found.form_source) == (None, None)


def test_oddities_of_the_file_and_of_the_grid_are_told():
    content = midi_file(chunk(meta(0x51, b"\xff\xff\xff"), b"\x00\x90\x3c\x50"), num_tracks=2)
    found = inspect_midi(content)
    assert found.warnings == (
        "the file ends after 1 of 2 tracks",
        "notes without a note-off: 1; each ends with its pitch's next event or its track",
        "tempos outside 10 to 600 bpm: 1, the first 3.576; each is read as the nearest allowed",
    )
    assert "not as it should be" in found.text()


def test_a_file_by_its_path(tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(midi_bytes(SCORE))
    assert inspect_midi(path) == inspect_midi(midi_bytes(SCORE))
    with pytest.raises(UnreadableFileError):
        inspect_midi(tmp_path / "none.mid")
