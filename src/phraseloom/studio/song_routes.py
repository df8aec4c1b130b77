"""Routes of songs: the library, changes, undo and redo, history."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from phraseloom.studio.context import CurrentStudio, ExpectedVersion, Number, Studio
from phraseloom.studio.keeping import keeping
from phraseloom.studio.library import Change, NewRevision, RevisionEntry, Song
from phraseloom.studio.new_songs import new_song, song_of_upload
from phraseloom.studio.patching import changed
from phraseloom.studio.problem_answers import answer
from phraseloom.studio.problems import pointing_at
from phraseloom.studio.requests import NewSong, SongChanges
from phraseloom.studio.uploads import Upload

router = APIRouter(tags=["songs"])

MAX_PAGE = 500
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@router.get("/api/songs", summary="The library, the latest saved first")
def list_songs(studio: CurrentStudio, limit: Limit = 50, offset: Annotated[int, Query(ge=0)] = 0) -> Response:
    songs, total = studio.library.songs(limit, min(offset, 2**31))
    return answer({"songs": [_summary(studio, song) for song in songs], "total": total})


@router.post("/api/songs", status_code=201, summary="A new song, empty or made of an upload")
def create_song(studio: CurrentStudio, asked: NewSong) -> Response:
    song = studio.library.create(_new_revision(studio, asked))
    studio.jobs.tell_song(song, "created")
    return song_answer(studio, song, 201, {"Location": f"/api/songs/{song.id}"})


@router.get("/api/songs/{song_id}", summary="A song with its current revision")
def read_song(studio: CurrentStudio, song_id: Number) -> Response:
    return song_answer(studio, studio.library.song(song_id))


@router.patch("/api/songs/{song_id}", summary="Change a song: one step of undo")
def change_song(studio: CurrentStudio, song_id: Number, changes: SongChanges, if_version: ExpectedVersion) -> Response:
    before = studio.library.song(song_id)
    song = studio.library.change(song_id, _change(studio, song_id, changes), if_version=if_version)
    if song.version != before.version:
        studio.jobs.tell_song(song, "edit" if changes.keep is None else "keep")
    return song_answer(studio, song)


@router.post("/api/songs/{song_id}/undo", summary="One step back")
def undo(studio: CurrentStudio, song_id: Number, if_version: ExpectedVersion) -> Response:
    song = studio.library.undo(song_id, if_version=if_version)
    studio.jobs.tell_song(song, "undo")
    return song_answer(studio, song)


@router.post("/api/songs/{song_id}/redo", summary="One step forward again")
def redo(studio: CurrentStudio, song_id: Number, if_version: ExpectedVersion) -> Response:
    song = studio.library.redo(song_id, if_version=if_version)
    studio.jobs.tell_song(song, "redo")
    return song_answer(studio, song)


@router.get("/api/songs/{song_id}/revisions", summary="The history, the latest first")
def read_history(
    studio: CurrentStudio, song_id: Number, limit: Limit = 200, before: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    song = studio.library.song(song_id)
    entries = studio.library.history(song_id, limit, None if before is None else min(before, 2**62))
    return answer({"revisions": [_history_row(entry, song) for entry in entries]})


def song_answer(studio: Studio, song: Song, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A song with its version as the ETag."""
    return answer(studio.describe_song(song), status, {"ETag": f'"{song.version}"', **(headers or {})})


def _new_revision(studio: Studio, asked: NewSong) -> NewRevision:
    if asked.upload is None:
        return NewRevision(new_song(asked, studio.tracks), "New song")
    with pointing_at("/upload"):
        name, content = studio.uploads.content(asked.upload)
    return NewRevision(song_of_upload(asked, Upload.read(content), studio.tracks), f"From {name}")


def _change(studio: Studio, song_id: Number, changes: SongChanges) -> Change:
    if changes.head is not None:
        revision_id = studio.library.revision_of(song_id, changes.head).entry.id
        return lambda head: revision_id
    if changes.keep is not None:
        take = studio.library.revision_of(song_id, changes.keep)
        with pointing_at("/keep"):
            return keeping(studio.library, take)
    return lambda head: changed(head.state, changes)


def _history_row(entry: RevisionEntry, song: Song) -> dict[str, Any]:
    return {
        "id": entry.id,
        "parent": entry.parent,
        "label": entry.label,
        "created": entry.created,
        "job": entry.job,
        "take": entry.take,
        "seed": entry.seed,
        "notes_hash": entry.notes_hash,
        "num_bars": entry.num_bars,
        "form": entry.form,
        "is_head": entry.id == song.head,
        "is_on_line": entry.id in song.line,
    }


def _summary(studio: Studio, song: Song) -> dict[str, Any]:
    entry = studio.library.revision(song.head).entry
    return {
        "id": song.id,
        "title": song.title,
        "version": song.version,
        "head": song.head,
        "form": entry.form,
        "num_bars": entry.num_bars,
        "created": song.created,
        "saved": song.saved,
    }
