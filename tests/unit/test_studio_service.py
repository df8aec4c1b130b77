"""The interface without a worker: songs, changes, uploads, exports, and every error a problem with its remedy."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from phraseloom.melody_index import MELODY_INDEX_FILE, NOTES_PER_GRAM, MelodyIndex
from phraseloom.midi import load_midi, midi_bytes, read_midi
from phraseloom.studio.context import Studio
from phraseloom.studio.service import create_app
from support import smf
from support.networks import SLOTS, write_tiny_weights
from support.songs import make_song

BASE = "http://localhost:8765"
FORM = "i2 A4 B4 A4"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def app(weights, tmp_path_factory) -> FastAPI:
    """An application that is not started: jobs wait for ever."""
    return create_app(tmp_path_factory.mktemp("library") / "library.sqlite", checkpoint=weights)


@pytest.fixture
def client(app, weights, tmp_path) -> TestClient:
    """A client of the application, over a library of its own."""
    app.state.studio = Studio(tmp_path / "library.sqlite", weights)
    return TestClient(app, base_url=BASE, raise_server_exceptions=False)


def new_song(client: TestClient, **asked: object) -> dict:
    answer = client.post("/api/songs", json={"form": FORM, **asked})
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer, status: int, name: str) -> dict:
    """The problem that an answer is, checked for what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:phraseloom:problem:{name}"
    assert told["status"] == status
    assert all(told[member] for member in ("title", "detail", "remedy"))
    return told


# Songs


def test_a_song_for_everybody(client):
    song = client.post("/api/songs", json={}).json()
    revision = song["revision"]
    assert revision["form"] == "i4 A8 B8 A8 B8 o4"
    assert [track["cells"] for track in revision["tracks"]] == ["." * 40] * 3
    assert [track["name"] for track in revision["tracks"]] == [slot.name for slot in SLOTS]
    assert (song["version"], song["undo"], song["redo"], song["jobs"]) == (1, [], [], [])


def test_a_song_that_is_asked_for(client):
    asked = {
        "title": "Mine",
        "key": "A minor",
        "tempo_bpm": 80,
        "repeat": 1,
        "cast": "B: all",
        "density": "A: all 6",
        "seed": 3,
    }
    revision = new_song(client, chords="A: Am F", **asked)["revision"]
    assert {name: revision[name] for name in asked} == asked
    assert [section["chords"] for section in revision["sections"]] == [
        [None] * 2,
        ["Am", "F"] * 2,
        [None] * 4,
        ["Am", "F"] * 2,
    ]
    assert [section["first_bar"] for section in revision["sections"]] == [1, 3, 7, 11]


def test_a_song_is_where_its_answer_says(client):
    answer = client.post("/api/songs", json={"sections": [{"letter": "C", "num_bars": 3, "name": "Hook"}]})
    again = client.get(answer.headers["location"])
    assert again.json() == answer.json()
    assert again.headers["etag"] == answer.headers["etag"] == '"1"'
    (section,) = answer.json()["revision"]["sections"]
    assert (section["name"], section["shown_name"]) == ("Hook", "Hook")


def test_the_library_is_listed(client):
    ids = [new_song(client, title=title)["id"] for title in "ab"]
    listed = client.get("/api/songs?limit=1").json()
    assert listed["total"] == 2
    assert listed["songs"][0]["id"] == ids[1]
    assert listed["songs"][0]["form"] == FORM


def test_one_request_is_one_step_of_undo(client):
    song = new_song(client)
    address = f"/api/songs/{song['id']}"
    verse = song["revision"]["sections"][1]
    changes = {
        "title": "Other",
        "key": "G",
        "tempo_bpm": 100,
        "repeat": 0,
        "cast": "A: melody",
        "density": "A: melody 5",
        "seed": 1,
        "sections": [{"id": section["id"]} for section in song["revision"]["sections"][:3]],
        "chords": [{"section": verse["id"], "bars": ["C", None, "F . G Am", ""]}],
        "tracks": [{"track": 2, "program": 4}],
        "locks": [{"first_bar": 1, "last_bar": 2, "tracks": ["melody", 2], "locked": True}],
        "clear": [{"first_bar": 3}],
    }
    changed = client.patch(address, json=changes)
    revision = changed.json()["revision"]
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"2"')
    assert (revision["title"], revision["key"], revision["form"]) == ("Other", "G major", "i2 A4 B4")
    assert revision["sections"][1]["chords"] == ["C", None, "F . G Am", None]
    assert [track["locked"] for track in revision["tracks"]] == ["11" + "0" * 8] * 2 + ["0" * 10]
    assert revision["tracks"][1]["instrument"] == "Electric Piano 1"
    assert revision["label"].startswith("Title, ")
    undone = client.post(f"{address}/undo").json()
    assert undone["revision"] == song["revision"]
    assert undone["redo"] == [revision["id"]]
    assert client.post(f"{address}/redo").json()["revision"] == revision
    problem(client.post(f"{address}/redo"), 409, "conflict")


def test_the_history_can_be_gone_back_to(client):
    song = new_song(client)
    address = f"/api/songs/{song['id']}"
    client.patch(address, json={"title": "One", "label": "First"})
    back = client.patch(address, json={"head": song["head"]}).json()
    assert (back["head"], back["version"]) == (song["head"], 3)
    rows = client.get(f"{address}/revisions").json()["revisions"]
    assert [(row["label"], row["is_head"], row["is_on_line"]) for row in rows] == [
        ("First", False, True),
        ("New song", True, True),
    ]
    told = problem(client.patch(address, json={"keep": song["head"]}), 422, "invalid-request")
    assert told["errors"][0]["pointer"] == "#/keep"


def test_changes_by_others_are_not_overwritten(client):
    song = new_song(client)
    address = f"/api/songs/{song['id']}"
    assert client.patch(address, json={"title": "a"}, headers={"If-Match": '"1"'}).status_code == 200
    problem(client.patch(address, json={"title": "b"}, headers={"If-Match": '"1"'}), 412, "changed-meanwhile")
    problem(client.post(f"{address}/undo", headers={"If-Match": '"1"'}), 412, "changed-meanwhile")
    problem(client.post(f"{address}/undo", headers={"If-Match": "x"}), 400, "malformed-request")
    assert client.patch(address, json={"title": "b"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer", "remedy"),
    [
        ({"titel": "x"}, "#/titel", "title"),
        ({"title": 3}, "#/title", "text"),
        ({"title": "x" * 101}, "#/title", "100"),
        ({"title": "\ud800"}, "#/title", "characters"),
        ({"seed": True}, "#/seed", "number"),
        ({"seed": 2**31}, "#/seed", "2147483647"),
        ({"tempo_bpm": 9}, "#/tempo_bpm", "10"),
        ({"key": "H"}, "#/key", ""),
        ({"cast": "Q: all"}, "#/cast", "letters of the form"),
        ({"density": "Q: all 3"}, "#/density", "letters of the form"),
        ({"density": "A: all 99"}, "#/density", "0 to 64"),
        ({"sections": [{"id": 1}]}, "#/sections/0", "choose among"),
        ({"sections": [{"letter": "AB", "num_bars": 4}]}, "#/sections/0/letter", ""),
        ({"sections": [{"letter": "A", "num_bars": 0}]}, "#/sections/0/num_bars", "1"),
        ({"chords": [{"section": 1, "bars": ["C"]}]}, "#/chords/0/section", "choose among"),
        ({"chords": [{"section": 1, "bars": []}]}, "#/chords/0/bars", "1"),
        ({"tracks": [{"track": 9, "program": 0}]}, "#/tracks/0", "1 to 3"),
        ({"locks": [{"locked": True, "tracks": [[]]}]}, "#/locks/0/tracks/0", "name"),
        ({"locks": [{"locked": True, "tracks": ["OBOE"]}]}, "#/locks/0/tracks/0", "MELODY"),
        ({"locks": [{"first_bar": 9, "last_bar": 2, "locked": True}]}, "#/locks/0", "14"),
        ({"locks": [{}]}, "#/locks/0/locked", "give it"),
        ({"head": 1, "title": "x"}, "#", "alone"),
    ],
)
def test_members_at_fault_are_pointed_at_and_nothing_is_changed(client, changes, pointer, remedy):
    song = new_song(client)
    body = json.dumps({"tempo_bpm": 77, **changes} if "head" not in changes else changes)
    answer = client.patch(f"/api/songs/{song['id']}", content=body, headers={"Content-Type": "application/json"})
    told = problem(answer, 422, "invalid-request")
    assert told["errors"][0]["pointer"] == pointer
    assert remedy in told["errors"][0]["remedy"]
    assert client.get(f"/api/songs/{song['id']}").json() == song


def test_a_chord_that_is_none_is_pointed_at_by_its_characters(client):
    song = new_song(client)
    verse = song["revision"]["sections"][1]["id"]
    changes = {"chords": [{"section": verse, "bars": ["C", "F Xyz"]}]}
    (told,) = problem(client.patch(f"/api/songs/{song['id']}", json=changes), 422, "invalid-request")["errors"]
    assert (told["pointer"], told["start"], told["end"]) == ("#/chords/0/bars/1", 2, 5)


# Typed texts


def test_typed_chords(client):
    told = client.post("/api/chords", json={"text": "C Xyz F#", "key": "Db"}).json()
    assert told["parts"] == [{"letter": None, "bars": ["C", None, "Gb"]}]
    assert [(each["start"], each["end"]) for each in told["problems"]] == [(2, 5)]
    told = problem(client.post("/api/chords", json={"text": "C", "key": "x"}), 422, "invalid-request")
    assert told["errors"][0]["pointer"] == "#/key"


def test_typed_and_proposed_forms(client):
    told = client.post("/api/forms", json={"text": "i4A8"}).json()
    assert told["form"] == "i4 A8"
    assert told["sections"] == [{"letter": "i", "num_bars": 4}, {"letter": "A", "num_bars": 8}]
    proposed = client.post("/api/forms", json={"num_bars": 40, "seed": 7}).json()
    assert proposed["num_bars"] == 40
    told = problem(client.post("/api/forms", json={"text": "i4 A"}), 422, "invalid-request")
    assert (told["errors"][0]["start"], told["errors"][0]["end"]) == (3, 4)
    problem(client.post("/api/forms", json={}), 422, "invalid-request")


# Uploads


def test_an_upload_becomes_a_song(client):
    tune = make_song(2, num_tracks=3, with_drums=True)
    answer = client.post(
        "/api/uploads?name=t%C3%BBne.mid", content=midi_bytes(tune), headers={"Content-Type": "audio/midi"}
    )
    assert answer.status_code == 201
    upload = answer.json()
    assert client.get(answer.headers["location"]).json() == upload
    assert upload["name"] == "tûne.mid"
    song = client.post("/api/songs", json={"upload": upload["id"], "roles": {"MELODY": 1}, "title": "Mine"}).json()
    melody = song["revision"]["tracks"][0]
    assert melody["notes"] == tune.tracks[0].notes.table.tolist()
    assert melody["locked"] == "1" * tune.num_bars
    assert (song["title"], song["revision"]["label"]) == ("Mine", "From tûne.mid")


def test_an_upload_in_another_form(client):
    tune = make_song(2, num_tracks=3)
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    revision = client.post("/api/songs", json={"upload": upload, "form": "A10 B10"}).json()["revision"]
    assert (revision["form"], revision["num_bars"]) == ("A10 B10", 20)
    told = problem(client.post("/api/songs", json={"upload": upload, "form": "A10"}), 422, "invalid-request")
    assert told["errors"][0]["pointer"] == "#/form"


def zip_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("song.mid", midi_bytes(make_song(1)))
    return content.getvalue()


HOSTILE_FILES = {
    "empty": (b"", 422, "unreadable-file"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), 422, "unreadable-file"),
    "2 MB of zeros": (bytes(2 * 2**20), 422, "unreadable-file"),
    "2 MB of ones": (b"\xff" * 2 * 2**20, 422, "unreadable-file"),
    "over 2 MB": (bytes(2 * 2**20 + 1), 413, "too-large"),
    "a ZIP": (zip_archive(), 422, "unreadable-file"),
    "a header alone": (smf.midi_file(num_tracks=1), 422, "unreadable-file"),
    "truncated": (midi_bytes(make_song(1))[:60], 422, "unreadable-file"),
    "a chunk that lies": (smf.midi_file(b"MTrk\xff\xff\xff\xff"), 422, "unreadable-file"),
    "no division": (smf.midi_file(smf.chunk(smf.note(60, 480)), division=0), 422, "unreadable-file"),
    "10 hours, one note": (
        smf.midi_file(smf.chunk(smf.note(60, 480, delta_ticks=480 * 72_000))),
        422,
        "unsupported-score",
    ),
    "10 hours of notes": (
        smf.midi_file(smf.chunk(smf.note(60, 480, delta_ticks=480) * 36_000)),
        422,
        "unsupported-score",
    ),
    "128 tracks": (smf.midi_file(*[smf.chunk(smf.note(60, 480))] * 128), 422, "unsupported-score"),
    "60000 tracks": (smf.midi_file(*[smf.chunk()] * 60_000), 422, "unreadable-file"),
    "240000 notes": (smf.midi_file(smf.chunk(smf.note(60, 1) * 240_000), division=24), 422, "unreadable-file"),
    "notes without end": (smf.midi_file(smf.chunk(b"\x00\x90\x3c\x40" * 500_000)), 422, "unreadable-file"),
}


@pytest.mark.parametrize("kind", HOSTILE_FILES)
def test_hostile_files(client, kind):
    content, status, name = HOSTILE_FILES[kind]
    began = time.process_time()  # so that a busy machine does not count
    answer = client.post("/api/uploads", content=content)
    assert time.process_time() - began < 1.0
    problem(answer, status, name)
    assert client.get("/api/model").status_code == 200
    problem(client.get("/api/uploads/1"), 404, "not-found")


@pytest.mark.parametrize("cut", range(1, 100, 7))
def test_a_file_cut_anywhere_is_a_song_or_a_problem(client, cut):
    whole = midi_bytes(make_song(1, num_tracks=2, form="A2"))
    answer = client.post("/api/uploads", content=whole[: len(whole) * cut // 100])
    if answer.status_code == 201:
        assert answer.json()["warnings"]
    else:
        problem(answer, 422, "unreadable-file")


@pytest.mark.parametrize(
    "name", ["Мелодия", "メロディー", "שיר אחד", "🎵" * 5, "../../etc/passwd", "a\x00b\x1f", "x" * 150]
)
def test_names_of_any_script_go_in_and_out(client, name):
    tune = replace(make_song(1, num_tracks=1, form="A1"), title=name)
    answer = client.post("/api/uploads", params={"name": f"{name}.mid"}, content=midi_bytes(tune))
    assert answer.status_code == 201
    song = client.post("/api/songs", json={"upload": answer.json()["id"]}).json()
    head = client.get(f"/api/revisions/{song['head']}.mid")
    assert head.status_code == 200
    assert not set(head.headers["content-disposition"].partition("filename=")[2]) & set("/\\\0")
    again = client.post("/api/uploads", content=head.content).json()
    assert again["title"] == song["revision"]["title"]


def test_a_name_without_end_is_a_problem_and_one_that_is_no_text_a_name(client):
    told = problem(client.post(f"/api/uploads?name={'x' * 5000}", content=b"MThd"), 422, "invalid-request")
    assert told["errors"][0]["parameter"] == "name"
    answer = client.post("/api/uploads?name=%ff%fe", content=midi_bytes(make_song(1, form="A1")))
    assert answer.status_code == 201
    assert answer.json()["name"]


def test_a_body_that_does_not_say_how_long_it_is_is_counted(client):
    chunks = (bytes(2**18) for _ in range(9))
    problem(client.post("/api/uploads", content=chunks), 413, "too-large")
    json_chunks = (b" " * 2**18 for _ in range(9))
    answer = client.post("/api/songs", content=json_chunks, headers={"Content-Type": "application/json"})
    problem(answer, 413, "too-large")


# Exports


def test_exports_of_a_song(client):
    tune = make_song(3, num_tracks=2, title="A/b: ü")
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    song = client.post("/api/songs", json={"upload": upload}).json()
    address = f"/api/revisions/{song['head']}"
    midi = client.get(f"{address}.mid")
    assert midi.headers["content-type"] == "audio/midi"
    assert (
        midi.headers["content-disposition"] == "attachment; filename=\"A_b_ _.mid\"; filename*=UTF-8''A_b_%20%C3%BC.mid"
    )
    assert [marker.text for marker in load_midi(midi.content).markers][-2:] == ["Outro 1 (o)", "End"]
    assert read_midi(midi.content).tracks[0].notes == tune.tracks[0].notes
    again = client.post("/api/uploads", content=midi.content).json()
    assert again["has_recipe"]
    restored = client.post("/api/songs", json={"upload": again["id"]}).json()["revision"]
    assert restored["notes_hash"] == song["revision"]["notes_hash"]
    assert [track["locked"] for track in restored["tracks"]] == [
        track["locked"] for track in song["revision"]["tracks"]
    ]
    assert client.get(f"{address}.json").json() == song["revision"]
    picture = Image.open(io.BytesIO(client.get(f"{address}.png?width=500&kind=self-similarity").content))
    assert picture.width == 500


def test_what_is_known_is_not_sent_again(client):
    song = new_song(client)
    address = f"/api/revisions/{song['head']}.mid"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = client.patch(f"/api/songs/{song['id']}", json={"title": "x"}).json()["head"]
    assert client.get(f"/api/revisions/{other}.mid", headers={"If-None-Match": tag}).status_code == 200


def test_an_empty_song_has_a_file(client):
    content = client.get(f"/api/revisions/{new_song(client)['head']}.mid").content
    assert content.startswith(b"MThd")


def test_sound_and_its_absence(client, monkeypatch):
    tune = make_song(3, num_tracks=2, form="A1")
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    head = client.post("/api/songs", json={"upload": upload}).json()["head"]
    monkeypatch.setattr("phraseloom.sound.default_soundfont", no_soundfont)
    assert "wav" not in client.get("/api/model").json()["exports"]
    for address in (f"/api/revisions/{head}.wav", f"/api/revisions/{head}/stems/1.wav"):
        told = problem(client.get(address), 501, "not-available")
        assert told["remedy"] == "install one"
    names = zipfile.ZipFile(io.BytesIO(client.get(f"/api/revisions/{head}.zip").content)).namelist()
    assert names == ["song.mid", "recipe.json"]


def test_sheet_music_and_its_absence(client, monkeypatch):
    tune = make_song(3, num_tracks=2, form="A2")
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    head = client.post("/api/songs", json={"upload": upload}).json()["head"]
    assert "musicxml" in client.get("/api/model").json()["exports"]
    answer = client.get(f"/api/revisions/{head}.musicxml")
    assert answer.headers["content-type"] == "application/vnd.recordare.musicxml+xml"
    assert answer.headers["content-disposition"].endswith(".musicxml")
    assert len(ElementTree.fromstring(answer.content).findall("part[@id='P1']/measure")) == 2
    monkeypatch.setattr("phraseloom.studio.exports.find_spec", lambda name: None)
    assert "musicxml" not in client.get("/api/model").json()["exports"]
    told = problem(client.get(f"/api/revisions/{head}.musicxml"), 501, "not-available")
    assert "pip install phraseloom[musicxml]" in told["remedy"]


def no_soundfont():
    from phraseloom.errors import RequestError

    raise RequestError("there is no soundfont", "install one")


def test_reports_and_differences(client):
    tune = make_song(3, num_tracks=2)
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    song = client.post("/api/songs", json={"upload": upload}).json()
    unlocked = {"locks": [{"locked": False}], "clear": [{"first_bar": 3, "last_bar": 6, "tracks": [1]}]}
    cleared = client.patch(f"/api/songs/{song['id']}", json=unlocked).json()
    num_notes = [len(each["revision"]["tracks"][0]["notes"]) for each in (song, cleared)]
    told = client.get(f"/api/revisions/{cleared['head']}/difference?from={song['head']}").json()
    assert (told["added"], told["removed"]) == (0, num_notes[0] - num_notes[1])
    assert [track["name"] for track in told["tracks"]] == ["MELODY"]
    report = client.get(f"/api/revisions/{song['head']}/report").json()
    rows = {row["name"]: (row["asked"], row["got"]) for row in report["rows"]}
    assert rows["bars"] == (20, 20)
    assert rows["chords"][0] == 1.0
    assert 0 < rows["form_similarity"][1] <= 1
    assert report["originality"] is None


def test_originality_is_told_where_an_index_lies_beside_the_weights(tmp_path):
    tune = make_song(3, num_tracks=2)
    index = MelodyIndex.build([tune], held_out=[make_song(4, num_tracks=2)])
    weights = write_tiny_weights(tmp_path)
    index.save(weights / MELODY_INDEX_FILE)
    app = create_app(tmp_path / "library.sqlite", checkpoint=weights)
    client = TestClient(app, base_url=BASE)
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    song = client.post("/api/songs", json={"upload": upload}).json()
    told = client.get(f"/api/revisions/{song['head']}/report").json()["originality"]
    assert told["longest_match_notes"] > NOTES_PER_GRAM
    assert told == index.originality(tune)


# Jobs that nobody runs


def ask(client: TestClient, song: dict, headers: dict[str, str] | None = None, /, **asked: object):
    return client.post("/api/jobs", json={"song": song["id"], "operation": "generate"} | asked, headers=headers)


def test_a_full_queue_says_when_to_come_again(client):
    song = new_song(client)
    jobs = [ask(client, song) for _ in range(8)]
    assert [job.json()["queue_place"] for job in jobs] == list(range(1, 9))
    assert client.get(jobs[0].headers["location"]).json() == jobs[0].json()
    answer = ask(client, song)
    problem(answer, 429, "queue-full")
    assert answer.headers["retry-after"] == "5"
    cancelled = client.delete("/api/jobs/1").json()
    assert (cancelled["state"], client.delete("/api/jobs/1").json()) == ("cancelled", cancelled)
    assert client.get("/api/jobs/2").json()["queue_place"] == 1
    assert client.get(f"/api/songs/{song['id']}").json()["jobs"] == list(range(2, 9))
    again = client.post("/api/jobs/1/again")
    assert (again.status_code, again.json()["seed"]) == (202, cancelled["seed"])
    problem(client.post("/api/jobs/2/again"), 409, "conflict")
    listed = client.get("/api/jobs?state=cancelled").json()["jobs"]
    assert listed == [cancelled]


def test_a_job_says_which_cells_it_writes(client):
    song = new_song(client, seed=4711)
    cells = [{"first_bar": 2, "last_bar": 3, "tracks": ["BRIDGE"]}]
    job = ask(client, song, operation="infill", cells=cells, count=2).json()
    assert job["cells"] == ["0" * 14, "011" + "0" * 11, "0" * 14]
    assert job["count"] == 2
    assert job["request"] == {"song": song["id"], "operation": "infill", "cells": cells, "count": 2}
    assert ask(client, song).json()["seed"] == 4711
    assert set("".join(ask(client, song, operation="extend", form="B2").json()["cells"])) == {"0"}


def test_a_key_gives_one_job(client):
    song = new_song(client)
    first, second = (ask(client, song, {"Idempotency-Key": "k"}, seed=1) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
    problem(ask(client, song, {"Idempotency-Key": "k"}, seed=2), 422, "idempotency-key-reused")
    problem(ask(client, song, {"Idempotency-Key": "k" * 201}), 400, "malformed-request")


@pytest.mark.parametrize(
    ("asked", "status", "name", "pointer"),
    [
        ({"song": 99}, 404, "not-found", "#/song"),
        ({"revision": 99}, 404, "not-found", "#/revision"),
        ({"operation": "compose"}, 422, "invalid-request", "#/operation"),
        ({"count": 9}, 422, "invalid-request", "#/count"),
        ({"distance": 1.5}, 422, "invalid-request", "#/distance"),
        ({"operation": "extend"}, 422, "invalid-request", "#/form"),
        ({"operation": "extend", "form": "A128"}, 422, "invalid-request", "#/form"),
        ({"operation": "vary", "cells": [{"first_bar": 99}]}, 422, "invalid-request", "#/cells/0"),
        ({"plan": {"key": "H"}}, 422, "invalid-request", "#/plan/key"),
    ],
)
def test_jobs_that_cannot_be(client, asked, status, name, pointer):
    song = new_song(client)
    told = problem(ask(client, song, **asked), status, name)
    assert told["errors"][0]["pointer"] == pointer
    assert client.get("/api/jobs").json() == {"jobs": []}


def test_a_song_that_is_all_locked_has_nothing_to_write(client):
    song = new_song(client)
    client.patch(f"/api/songs/{song['id']}", json={"locks": [{"locked": True}]})
    problem(ask(client, song), 409, "conflict")


# The framework's own errors, and strangers


@pytest.mark.parametrize(
    ("method", "address", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/page/nowhere.js", 404, "not-found"),
        ("PUT", "/api/songs", 405, "method-not-allowed"),
        ("GET", "/api/songs/99", 404, "not-found"),
        ("GET", "/api/songs/x", 422, "invalid-request"),
        ("GET", f"/api/songs/{10**30}", 422, "invalid-request"),
        ("GET", "/api/revisions/99.mid", 404, "not-found"),
        ("GET", "/api/revisions/1.exe", 404, "not-found"),
        ("GET", "/api/songs?limit=0", 422, "invalid-request"),
        ("GET", "/api/jobs?state=lazy", 422, "invalid-request"),
        ("DELETE", "/api/jobs/99", 404, "not-found"),
    ],
)
def test_the_framework_s_errors_are_problems(client, method, address, status, name):
    told = problem(client.request(method, address), status, name)
    if status == 422:
        assert told["errors"][0]["parameter"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "name"),
    [
        (b"{", "application/json", 400, "malformed-request"),
        (b"\xff", "application/json", 400, "malformed-request"),
        (b"[" * 100_000, "application/json", 400, "malformed-request"),
        (b'{"seed": ' + b"1" * 5000 + b"}", "application/json", 400, "malformed-request"),
        (b'{"repeat": NaN}', "application/json", 422, "invalid-request"),
        (b"[]", "application/json", 422, "invalid-request"),
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"", "application/json", 422, "invalid-request"),
    ],
)
def test_bodies_that_are_none(client, body, kind, status, name):
    problem(client.post("/api/songs", content=body, headers={"Content-Type": kind}), status, name)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:8765", "[::1]:8765", "192.168.0.4"])
def test_hosts_that_are_ours(client, host):
    assert client.get("/api/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8765", "127.0.0.1.evil.example", "", "[::1", "a b"]
)
def test_hosts_that_are_not(client, host):
    problem(client.get("/api/model", headers={"Host": host}), 403, "forbidden-host")


def test_pages_of_others_are_turned_away(client):
    for origin in ("http://evil.example", "http://localhost:9999", "null", "http://["):
        problem(client.post("/api/songs", json={}, headers={"Origin": origin}), 403, "forbidden-origin")
    own = client.post("/api/songs", json={}, headers={"Origin": BASE})
    assert own.status_code == 201
    assert "access-control-allow-origin" not in own.headers


def test_pages_are_bound_to_this_origin(client):
    for address in ("/", "/api", "/api/model", "/nowhere"):
        assert "default-src 'self'" in client.get(address).headers["content-security-policy"]


def test_the_interface_is_described_without_anything_from_elsewhere(client):
    page = client.get("/api").text
    assert "POST /api/jobs" in page
    assert "idempotency-key" in page
    assert "http" not in page
    assert "/api/generate" in client.get("/openapi.json").json()["paths"]


def test_a_fault_of_ours_is_a_problem_that_says_nothing_of_the_inside(client, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(client.app.state.studio, "describe_model", fail)
    told = problem(client.get("/api/model"), 500, "fault")
    assert "secret" not in json.dumps(told)


def test_without_weights_all_but_new_songs_works(tmp_path):
    client = TestClient(create_app(tmp_path / "library.sqlite", checkpoint=tmp_path), base_url=BASE)
    model = client.get("/api/model").json()
    assert (model["ready"], model["tracks"]) == (False, [])
    assert model["problem"]["type"].endswith("model-unavailable")
    problem(client.post("/api/songs", json={}), 503, "model-unavailable")
    assert client.get("/api/songs").json() == {"songs": [], "total": 0}


def test_the_page_is_served(weights, tmp_path):
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<title>studio</title>")
    (page / "main.js").write_text("export {}")
    client = TestClient(create_app(tmp_path / "library.sqlite", checkpoint=weights, page=page), base_url=BASE)
    assert client.get("/").text == "<title>studio</title>"
    script = client.get("/page/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    problem(client.get("/page/%2e%2e/library.sqlite"), 404, "not-found")
