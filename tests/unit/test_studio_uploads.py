"""Files that are handed in: what they become, what stands in the way, and our own files that come back."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from phraseloom.cast import parse_cast
from phraseloom.chord_chart import parse_chart
from phraseloom.density import parse_density
from phraseloom.errors import RequestError, UnreadableFileError, UnsupportedScoreError
from phraseloom.midi import midi_bytes
from phraseloom.midi.annotations import RECIPE_PREFIX
from phraseloom.midi.chunks import MAX_FILE_BYTES, ChannelEvent, read_chunks, read_track
from phraseloom.passengers import Phase
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.song_recipe import SongRecipe
from phraseloom.studio.changes import SectionChange, with_cast, with_chart, with_density, with_locks, with_sections
from phraseloom.studio.operations import Rectangle, selected
from phraseloom.studio.problems import MemberError
from phraseloom.studio.recipe import recipe_text
from phraseloom.studio.state import SongState
from phraseloom.studio.uploads import MAX_NOTES, Reading, Upload, preview, song_of
from support import smf
from support.songs import make_song
from support.studio import MODEL_TRACKS, bars_heard, written_song


def upload_of(score: Score, *texts: str) -> Upload:
    return Upload.read(midi_bytes(score, texts=texts))


def made(upload: Upload, **reading: object) -> SongState:
    return song_of(upload, Reading(**reading), MODEL_TRACKS, seed=7, repeat=0.5)


SONG = make_song(1, num_tracks=3, with_drums=True, title="Tune")


def test_a_preview_says_what_is_in_the_file():
    told = preview(upload_of(SONG), 5, "tune.mid", MODEL_TRACKS, "weights")
    assert (told["id"], told["name"], told["title"], told["num_bars"]) == (5, "tune.mid", "Tune", SONG.num_bars)
    assert (told["form"], told["form_source"]) == ("i2 A4 B4 A4 B4 o2", "markers")
    assert (told["key"], told["key_source"]) == (str(SONG.key), "key signature")
    assert [track["name"] for track in told["tracks"]] == ["MELODY", "BRIDGE", "PIANO", "DRUMS"]
    for track, shown in zip(SONG.tracks, told["tracks"], strict=True):
        assert sum(shown["notes_per_bar"]) == shown["num_notes"] == len(track.notes)
        assert len(shown["notes_per_bar"]) == SONG.num_bars
    assert told["roles"] == {"MELODY": 1, "BRIDGE": 2, "DRUMS": 4}
    assert (told["obstacles"], told["has_recipe"], told["weights_match"]) == ([], False, None)
    assert json.loads(json.dumps(told)) == told


def test_where_no_name_is_known_the_melody_is_found():
    tracks = [
        replace(track, name=name) for track, name in zip(SONG.tracks[:3], ("Flute", "Cello", "Keys"), strict=True)
    ]
    upload = upload_of(replace(SONG, tracks=tuple(reversed(tracks))))
    assert upload.suggested_roles(MODEL_TRACKS) == {"MELODY": 3, "BRIDGE": None, "DRUMS": None}


def test_given_tracks_are_locked_and_the_model_s_others_are_empty():
    song = made(upload_of(SONG), roles={"MELODY": 2})
    assert [track.track.name for track in song.tracks] == ["MELODY", "BRIDGE", "DRUMS"]
    assert song.tracks[0].track.notes == SONG.tracks[1].notes
    assert song.tracks[0].locked == "1" * SONG.num_bars
    assert song.tracks[0].cells == "#" * SONG.num_bars
    assert [track.cells for track in song.tracks[1:]] == ["." * SONG.num_bars] * 2
    assert song.score.sections == SONG.sections
    assert song.score.chords == SONG.chords
    assert (song.key, song.tempos) == (SONG.key, SONG.tempos)


def test_other_tracks_stay_where_they_are_kept():
    song = made(upload_of(SONG), roles={"DRUMS": 4}, keeps_others=True)
    assert [(track.track.name, track.is_writable) for track in song.tracks[3:]] == [
        ("MELODY", False),
        ("BRIDGE", False),
        ("PIANO", False),
    ]
    assert song.tracks[2].track.notes == SONG.tracks[3].notes


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"OBOE": 1}, "no track 'OBOE'"),
        ({"MELODY": 9}, "no track 9"),
        ({"MELODY": 4}, "MELODY is pitched"),
        ({"MELODY": 1, "BRIDGE": 1}, "given twice"),
    ],
)
def test_roles_that_cannot_be(roles, said):
    with pytest.raises(MemberError, match=said) as caught:
        made(upload_of(SONG), roles=roles)
    assert caught.value.pointer == "/roles"


def test_bars_are_cut_out():
    song = made(upload_of(SONG), first_bar=3, last_bar=6)
    assert song.num_bars == 4
    assert [section.letter for section in song.sections] == ["A"]
    for bars in ((0, 4), (5, 4), (1, 99)):
        with pytest.raises(RequestError):
            made(upload_of(SONG), first_bar=bars[0], last_bar=bars[1])


def test_obstacles_are_told_and_refused():
    waltz = Score((Track("A", Notes.from_rows([(0, 36, 60, 80)])),), 2, meters=(MeterChange(0, 3, 4),))
    long = Score((Track("A", Notes.from_rows([(48 * 199, 12, 60, 80)])),), 200)
    for score, said in ((waltz, "3/4"), (long, "200 bars")):
        upload = upload_of(score)
        (told,) = preview(upload, 1, "x", MODEL_TRACKS, None)["obstacles"]
        assert said in told["detail"]
        assert told["remedy"]
        with pytest.raises(UnsupportedScoreError, match=said):
            made(upload)
    assert made(upload_of(long), first_bar=100, last_bar=200).num_bars == 101


def test_too_much_is_refused():
    tracks = smf.midi_file(*(smf.chunk(smf.meta(3, b"T"), smf.note(60, 480)) for _ in range(128)))
    with pytest.raises(UnsupportedScoreError, match="128 tracks"):
        Upload.read(tracks)
    notes = smf.midi_file(smf.chunk(smf.note(60, 1) * (MAX_NOTES + 1)), division=24)
    with pytest.raises(UnsupportedScoreError, match="notes"):
        Upload.read(notes)
    with pytest.raises(UnreadableFileError):
        Upload.read(bytes(100))


@pytest.mark.parametrize("name", ["Мелодия", "メロディー", "🎵", "a" * 5000, "  two\nlines "])
def test_names_in_any_script(name):
    upload = upload_of(replace(SONG, title=name, tracks=(replace(SONG.tracks[0], name=name),)))
    song = made(upload)
    assert song.title == " ".join(name.split())[:100]
    assert preview(upload, 1, name, MODEL_TRACKS, None)["tracks"][0]["name"] == song.title


# Our own files


def own_song() -> SongState:
    song = with_chart(written_song(title="Own"), parse_chart("A: C | F . G Am"))
    song = with_sections(
        song,
        [SectionChange(id=song.sections[0].id, name="Start", renames=True)]
        + [SectionChange(id=section.id) for section in song.sections[1:]]
        + [SectionChange(letter="C", num_bars=2)],
    )
    song = with_locks(song, selected(song, [Rectangle(2, 5, ("BRIDGE",))]), True)
    return with_density(with_cast(song, parse_cast("A: melody drums")), parse_density("B: all 9"))


def without_ids(song: SongState) -> SongState:
    return replace(song, sections=tuple(replace(section, id=0) for section in song.sections))


def test_our_own_file_gives_the_song_again():
    song = own_song()
    upload = upload_of(song.score, recipe_text(song, {"weights": "abc", "seed": 3, "written": []}))
    assert without_ids(made(upload, roles={"MELODY": 2})) == without_ids(song)
    told = preview(upload, 1, "own.mid", MODEL_TRACKS, "abc")
    assert (told["has_recipe"], told["weights_match"]) == (True, True)
    assert preview(upload, 1, "own.mid", MODEL_TRACKS, "other")["weights_match"] is False
    assert made(upload, restores=False).tracks[0].locked == "1" * song.num_bars


def test_a_recipe_that_no_longer_fits_the_notes_is_left_aside():
    song = own_song()
    text = recipe_text(song, None)
    shorter = replace(song.score, tracks=song.score.tracks[:2])
    assert upload_of(shorter, text).own_song(MODEL_TRACKS) is None
    assert made(upload_of(shorter, text)).num_bars == song.num_bars


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept.update(seed=-1),
        lambda kept: kept.update(repeat=float("nan")),
        lambda kept: kept.update(key="H"),
        lambda kept: kept.update(cast="Q: melody"),
        lambda kept: kept.update(density="Q: melody 4"),
        lambda kept: kept.update(density="A: melody"),
        lambda kept: kept.update(tracks=[]),
        lambda kept: kept["tracks"][0].update(cells="x" * 16),
        lambda kept: kept["tracks"][0].update(locked="0"),
        lambda kept: kept["sections"][0].update(num_bars=3),
        lambda kept: kept["sections"][0].update(chords=["Xyz", "C"]),
        lambda kept: kept["sections"][0].update(name="x" * 1000),
        lambda kept: kept.pop("sections"),
    ],
)
def test_recipes_are_not_believed(damage):
    song = own_song()
    content = json.loads(recipe_text(song, None).removeprefix(RECIPE_PREFIX))
    damage(content["studio"])
    upload = upload_of(song.score, RECIPE_PREFIX + json.dumps(content))
    assert upload.own_song(MODEL_TRACKS) is None
    assert made(upload).num_bars == song.num_bars


@pytest.mark.parametrize(
    "text",
    [RECIPE_PREFIX, RECIPE_PREFIX + "[]", RECIPE_PREFIX + "[" * 100_000, RECIPE_PREFIX + '{"studio": 3}', "other"],
)
def test_texts_that_are_no_recipe(text):
    assert upload_of(SONG, text).own_song(MODEL_TRACKS) is None


def test_a_file_of_the_command_line_gives_what_it_tells():
    song = written_song().score
    plan = {"form": "i2 A4 B4 A4", "repeat": 0.7, "tracks": "B: melody", "density": "A: all 6"}
    steps = ({"plan": plan, "seed": 5, "weights": "old"}, {"edit": {"kind": "vary"}, "seed": 9, "weights": "abc"})
    upload = upload_of(song, SongRecipe(steps, "bridge: 3-4; drums").text())
    state = made(upload)
    assert (state.seed, state.repeat, str(state.cast), str(state.density)) == (9, 0.7, "B: melody", "A: all 6")
    assert [track.cells for track in state.tracks] == ["#" * 14] * 3
    assert [track.locked for track in state.tracks] == ["0" * 14, "0011" + "0" * 10, "1" * 14]
    assert state.score.sections == song.sections
    told = preview(upload, 1, "x", MODEL_TRACKS, "abc")
    assert (told["has_recipe"], told["weights_match"]) == (True, True)


def test_a_file_of_the_command_line_that_was_changed_since_gives_what_still_fits():
    song = written_song("A2").score
    plan = {"form": "Q9", "tempo_bpm": -4}
    upload = upload_of(song, SongRecipe(({"plan": plan, "seed": "x"},), "oboe").text())
    state = made(upload)
    assert (state.seed, state.repeat, state.cast) == (0, 0.5, None)
    assert not state.is_locked.any()
    other_tracks = upload_of(make_song(1, num_tracks=1), SongRecipe(({"seed": 1},)).text())
    assert other_tracks.own_song(MODEL_TRACKS[2:]) is None


def test_notes_are_where_they_were():
    song = made(upload_of(written_song().score), restores=False)
    assert bars_heard(song) == list(np.arange(14))


@pytest.mark.parametrize(
    "event",
    [b"\x00\xff\x01\x00", b"\x00\xb0\x07\x40", b"\x00\x80\x3c\x00"],
    ids=["empty texts", "controllers", "note-offs"],
)
def test_a_file_of_too_many_events_is_refused(event):
    body = event * (MAX_FILE_BYTES // len(event) - 10)
    content = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(body)) + body
    with pytest.raises(UnreadableFileError, match="over 200000 events"):
        read_chunks(content)


def test_messages_of_one_tick_are_read_in_one_pass():
    """Each controller looked at all note-offs before it once."""
    body = b"\x00\x80\x3c\x00" * 90_000 + b"\x00\xb0\x07\x40" * 90_000
    chunk = read_track(body)
    assert {event.phase for event in chunk.events if isinstance(event, ChannelEvent)} == {Phase.BEHIND_NOTE_OFFS}
