"""Jobs with a worker process and tiny weights: what is written, what stays, and every way to end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from phraseloom.composer import DEFAULT_STEPS, MAX_SEED, MAX_STEPS, Composer
from phraseloom.errors import RequestError
from phraseloom.midi import midi_bytes, read_midi
from phraseloom.plan import SongPlan
from phraseloom.studio import requests
from phraseloom.studio.changes import cleared
from phraseloom.studio.documents import document_of, state_of
from phraseloom.studio.operations import Rectangle, cells_of
from phraseloom.studio.service import create_app
from phraseloom.studio.worker import Task
from phraseloom.studio.writing import written
from support.networks import write_tiny_weights
from support.songs import make_song
from support.studio import with_track, written_song

FORM = "i2 A4 B4 A4"
LONG_STEPS = 1000
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def composer(weights) -> Composer:
    return Composer.load(weights)


@pytest.fixture(scope="module")
def client(weights, tmp_path_factory):
    app = create_app(tmp_path_factory.mktemp("library") / "library.sqlite", checkpoint=weights)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def new_song(client: TestClient, **asked: object) -> dict:
    return client.post("/api/songs", json={"form": FORM, "key": "C", "tempo_bpm": 96} | asked).json()


def ask(client: TestClient, song: dict, **asked: object) -> dict:
    answer = client.post("/api/jobs", json={"song": song["id"], "operation": "generate", "steps": 2} | asked)
    assert answer.status_code == 202, answer.text
    return answer.json()


def wait(client: TestClient, job: dict, *states: str) -> dict:
    """The job as soon as it is in one of some states."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while job["state"] not in states:
        assert time.monotonic() < ends, job
        time.sleep(0.01)
        job = client.get(f"/api/jobs/{job['id']}").json()
    return job


def done(client: TestClient, song: dict, **asked: object) -> tuple[dict, dict]:
    """A job that is done, and the song after it."""
    job = wait(client, ask(client, song, **asked), "done", "failed")
    assert job["state"] == "done", job["problem"]
    return job, client.get(f"/api/songs/{song['id']}").json()


def notes(revision: dict, bars: range | None = None) -> list[list[list[int]]]:
    """The notes of every track, or of those bars (from 1)."""
    return [
        [note for note in track["notes"] if bars is None or note[0] // 48 + 1 in bars] for track in revision["tracks"]
    ]


def events(client: TestClient, job: int) -> list[tuple[str, dict]]:
    """Name and data of the events of a job, replayed from the start of the service."""
    hub = client.app.state.studio.events

    async def replayed() -> list[tuple[str, dict]]:
        first = hub.stream("unknown")
        await anext(first)
        run, number = re.match(r"id: (\w+)-(\d+)", await anext(first)).groups()
        stream = hub.stream(f"{run}-0")
        await anext(stream)
        texts = [await anext(stream) for _ in range(int(number))]
        found = [re.match(r"id: \S+\nevent: (\w+)\ndata: (.*)\n\n", text).groups() for text in texts]
        return [(name, json.loads(data)) for name, data in found]

    return [(name, data) for name, data in asyncio.run(replayed()) if data.get("job") == job]


def test_a_song_is_woven_and_told(client):
    song = new_song(client)
    job, woven = done(client, song)
    revision = woven["revision"]
    assert (woven["version"], woven["undo"], job["kept"]) == (2, [song["head"]], revision["id"])
    assert revision["num_bars"] == 14
    assert [track["cells"] for track in revision["tracks"]] == ["#" * 14] * 3
    assert sum(map(len, notes(revision))) > 0
    assert all(None not in section["chords"] for section in revision["sections"])
    assert revision["made_by"]["weights"] == client.get("/api/model").json()["weights"]
    told = events(client, job["id"])
    assert list(dict.fromkeys(name for name, _ in told)) == ["queued", "started", "plan", "progress", "take", "done"]
    plan = next(data for name, data in told if name == "plan")
    assert plan["chords"] == [section["chords"] for section in revision["sections"]]
    shares = [data["share"] for name, data in told if name == "progress"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_woven_song_is_the_one_that_the_composer_makes_of_its_plan(client, composer):
    song = new_song(client, seed=7, chords="A: C Am F G")
    _, woven = done(client, song)
    plan = SongPlan(form=FORM, key="C", tempo_bpm=96, repeat=0.5, chords="A: C Am F G")
    score = composer.generate(plan, seed=7, steps=2).score
    assert notes(woven["revision"]) == [track.notes.table.tolist() for track in score.tracks]


def test_the_same_seed_gives_the_same_notes(client):
    hashes = [done(client, new_song(client), seed=seed)[1]["revision"]["notes_hash"] for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_takes_differ_in_their_cells_only_and_are_kept_when_asked(client):
    _, song = done(client, new_song(client))
    locked = {"locks": [{"tracks": ["MELODY"], "locked": True}]}
    song = client.patch(f"/api/songs/{song['id']}", json=locked).json()
    cells = [{"first_bar": 3, "last_bar": 6}]
    job, after = done(client, song, operation="infill", cells=cells, count=3, seed=10)
    assert after == {**song, "jobs": []}
    assert [take["seed"] for take in job["takes"]] == [10, 11, 12]
    takes = [client.get(f"/api/revisions/{take['revision']}.json").json() for take in job["takes"]]
    assert len({take["notes_hash"] for take in takes}) > 1
    outside = [*range(1, 3), *range(7, 15)]
    for take in takes:
        assert notes(take, outside) == notes(song["revision"], outside)
        assert notes(take)[0] == notes(song["revision"])[0]
        assert take["parent"] == song["head"]
        assert take["seed"] == song["revision"]["seed"]
    kept = client.patch(f"/api/songs/{song['id']}", json={"keep": takes[1]["id"]}).json()
    assert (kept["head"], kept["undo"][-1]) == (takes[1]["id"], song["head"])


def test_no_distance_is_no_change(client):
    _, song = done(client, new_song(client))
    _, varied = done(client, song, operation="vary", distance=0.0)
    assert varied["revision"]["notes_hash"] == song["revision"]["notes_hash"]


def test_the_gaps_are_woven(client):
    _, song = done(client, new_song(client))
    sections = [{"id": section["id"]} for section in song["revision"]["sections"]]
    sections[1]["num_bars"] = 6
    song = client.patch(f"/api/songs/{song['id']}", json={"sections": sections}).json()
    assert song["revision"]["tracks"][0]["cells"] == "#" * 6 + ".." + "#" * 8
    _, woven = done(client, song, operation="infill")
    outside = [*range(1, 7), *range(9, 17)]
    assert notes(woven["revision"], outside) == notes(song["revision"], outside)
    assert woven["revision"]["tracks"][0]["cells"] == "#" * 16


@pytest.mark.parametrize("before", [False, True])
def test_a_song_goes_on(client, before):
    _, song = done(client, new_song(client))
    _, longer = done(client, song, operation="extend", form="C2", before=before)
    revision = longer["revision"]
    assert revision["form"] == ("C2 " + FORM if before else FORM + " C2")
    moved = 2 * 48 if before else 0
    old = [[[note[0] - moved, *note[1:]] for note in track] for track in notes(revision, range(3 if before else 1, 17))]
    assert [track[: len(kept)] for track, kept in zip(old, notes(song["revision"]), strict=True)] == notes(
        song["revision"]
    )


def test_an_arrangement_leaves_the_melody_as_it_is(client):
    tune = make_song(4, num_tracks=1)
    upload = client.post("/api/uploads", content=midi_bytes(tune)).json()["id"]
    song = client.post("/api/songs", json={"upload": upload}).json()
    _, arranged = done(client, song)
    melody, *others = arranged["revision"]["tracks"]
    assert melody["notes"] == tune.tracks[0].notes.table.tolist()
    assert sum(len(track["notes"]) for track in others) > 0


def test_a_plan_for_one_job_is_carried_by_its_takes(client):
    _, song = done(client, new_song(client))
    _, changed = done(client, song, plan={"key": "D", "cast": "A: melody", "density": "A, B: all 6"})
    assert (changed["revision"]["key"], changed["revision"]["density"]) == ("D major", "A: all 6; B: all 6")
    assert [len(track) for track in notes(changed["revision"], range(3, 7))[1:]] == [0, 0]
    _, after = done(client, changed, operation="infill", cells=[{"first_bar": 3, "last_bar": 4}])
    assert [len(track) for track in notes(after["revision"], range(3, 5))[1:]] == [0, 0]


def test_what_is_changed_meanwhile_stays(client):
    song = new_song(client)
    job = wait(client, ask(client, song, steps=200), "running")
    address = f"/api/songs/{song['id']}"
    client.patch(address, json={"title": "Meanwhile", "locks": [{"last_bar": 2, "locked": True}]})
    job = wait(client, job, "done")
    after = client.get(address).json()
    assert after["revision"]["title"] == "Meanwhile"
    assert after["revision"]["tracks"][0]["cells"] == ".." + "#" * 12
    assert (job["kept"], after["version"]) == (after["head"], 3)
    assert job["kept"] != job["takes"][0]["revision"]


def test_a_running_job_is_cancelled_between_two_steps_and_the_next_one_runs(client):
    song = new_song(client)
    job = wait(client, ask(client, song, steps=LONG_STEPS, count=8), "running")
    while job["doing"] != "sampling":
        job = client.get(f"/api/jobs/{job['id']}").json()
    waiting = ask(client, song)
    told = client.delete(f"/api/jobs/{job['id']}").json()
    assert told["is_cancelling"] or told["state"] == "cancelled"
    job = wait(client, job, "cancelled", "done")
    assert (job["state"], job["kept"], job["is_cancelling"]) == ("cancelled", None, False)
    progress = [data for name, data in events(client, job["id"]) if name == "progress"]
    assert progress[-1]["share"] < 0.9
    assert wait(client, waiting, "done", "failed")["state"] == "done"


def test_a_worker_that_dies_fails_its_job_and_the_next_one_has_another(client):
    song = new_song(client)
    queue = client.app.state.studio.jobs
    job = wait(client, ask(client, song, steps=LONG_STEPS), "running")
    while job["doing"] != "sampling":
        job = client.get(f"/api/jobs/{job['id']}").json()
    dead = queue.worker_process_id
    os.kill(dead, signal.SIGKILL)
    job = wait(client, job, "failed", "done")
    assert job["problem"]["type"].endswith(":fault")
    assert job["problem"]["remedy"]
    assert client.get(f"/api/songs/{song['id']}").json() == song
    again = client.post(f"/api/jobs/{job['id']}/again").json()
    assert again["request"] == job["request"]
    client.delete(f"/api/jobs/{again['id']}")
    done(client, song)
    assert queue.worker_process_id != dead


def test_a_song_in_one_call(client):
    asked = {"form": "A2", "seed": 5, "steps": 1, "title": "One"}
    told = client.post("/api/generate", json=asked).json()
    assert told["song"]["revision"]["form"] == "A2"
    assert told["report"]["rows"][0] == {"name": "bars", "asked": 2, "got": 2}
    file = client.post("/api/generate", json=asked, headers={"Accept": "audio/midi"})
    assert (file.headers["content-type"], file.headers["x-seed"]) == ("audio/midi", "5")
    song = client.get(file.headers["location"]).json()
    assert song["revision"]["notes_hash"] == told["song"]["revision"]["notes_hash"]
    assert [track.notes.table.tolist() for track in read_midi(file.content).tracks] == notes(song["revision"])


def test_what_may_be_asked_is_what_the_composer_takes():
    """The service names these by itself, for it starts without the composer."""
    assert (requests.DEFAULT_STEPS, requests.MAX_STEPS, requests.MAX_SEED) == (DEFAULT_STEPS, MAX_STEPS, MAX_SEED)


# The writing itself, without a process


def task_for(state, **changes: object) -> Task:
    cells = tuple("1" * state.num_bars if track.is_writable else "0" * state.num_bars for track in state.tracks)
    asked = {"cells": cells, "operation": "generate", "distance": 1.0, "seeds": (1,), "steps": 1}
    return Task(1, document_of(state), **asked | changes)


def silent(doing: str, share: float) -> None:
    pass


def test_a_song_of_other_weights_is_refused(composer):
    state = written_song("A2")
    other = state_of(json.loads(json.dumps(document_of(state)).replace("BRIDGE", "OBOE")))
    with pytest.raises(RequestError, match="OBOE"):
        written(composer, task_for(other), 1, silent)


def test_tracks_that_are_not_the_model_s_stay(composer):
    state = with_track(written_song("A2"), 2, is_writable=False)
    document, made_by = written(composer, task_for(state), 1, silent)
    assert document["tracks"][2] == document_of(state)["tracks"][2]
    assert made_by["written"] == ["11", "11", "00"]


def test_empty_cells_are_drawn_along_and_thrown_away(composer):
    """So a cell is written as in a song that is full, not as in one that rests around it."""
    state = written_song("A4")
    for track in (0, 1):
        state = cleared(with_track(state, track, cells="...."), cells_of(state, Rectangle(tracks=(track + 1,))))
    state = with_track(state, 2, locked="1111")
    cells = (("1111", "1111", "0000"), ("1100", "0000", "0000"))
    whole, part = (
        written(composer, task_for(state, cells=each, operation="infill"), 1, silent)[0]["tracks"] for each in cells
    )
    assert part[0]["notes"] == [note for note in whole[0]["notes"] if note[0] < 96] != []
    assert part[1]["notes"] == []
    assert (part[0]["cells"], part[1]["cells"]) == ("##..", "....")
