"""Songs and their revisions. A revision never changes; a song is a line of them and a pointer into it."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from phraseloom.studio.database import Database, now
from phraseloom.studio.documents import document_of, state_of
from phraseloom.studio.problems import ChangedMeanwhileError, ConflictError, NotFoundError
from phraseloom.studio.state import SongState

_COMPRESSION = 1  # 5 times smaller in a millisecond; higher levels gain little on lists of small numbers
_ENTRY_COLUMNS = "id, song, parent, label, created, job, take, seed, notes_hash, num_bars, form, made_by"


@dataclass(frozen=True)
class RevisionEntry:
    """What the history says of a revision; `job`, `take` and `made_by` are of takes only."""

    id: int
    song: int
    parent: int | None
    label: str
    created: str
    job: int | None
    take: int | None
    seed: int
    notes_hash: str
    num_bars: int
    form: str
    made_by: Mapping[str, Any] | None

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> RevisionEntry:
        values = {name.strip(): row[name.strip()] for name in _ENTRY_COLUMNS.split(",")}
        made_by = values.pop("made_by")
        return cls(**values, made_by=None if made_by is None else json.loads(made_by))


@dataclass(frozen=True, eq=False)
class Revision:
    """A whole song as it once was."""

    entry: RevisionEntry
    compressed: bytes

    @cached_property
    def document(self) -> dict[str, Any]:
        """See `phraseloom.studio.documents`."""
        return json.loads(zlib.decompress(self.compressed))

    @cached_property
    def state(self) -> SongState:
        return state_of(self.document)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; see `docs/studio.md`, "Songs"."""
        entry = self.entry
        return {
            "id": entry.id,
            "song": entry.song,
            "parent": entry.parent,
            "label": entry.label,
            "created": entry.created,
            "job": entry.job,
            "take": entry.take,
            **self.document,
            "made_by": entry.made_by,
        }


@dataclass(frozen=True)
class Song:
    """A song: `line[position]` is its current revision; undo leads to those before, redo to those behind."""

    id: int
    title: str
    created: str
    saved: str
    version: int
    position: int
    line: tuple[int, ...]

    @property
    def head(self) -> int:
        return self.line[self.position]


class NewRevision(NamedTuple):
    """What a change makes of a song: a state and what the history calls the step."""

    state: SongState
    label: str


Change = Callable[[Revision], "NewRevision | int"]
"""From the current revision to the next: a new one, or the number of one that is there; the same one for no change."""


class Library:
    """The songs of one library file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All that is changed in the block is changed together, or not at all."""
        with self._database.transaction():
            yield

    def create(self, new: NewRevision) -> Song:
        """A new song."""
        with self._database.transaction() as connection:
            time = now()
            song_id = connection.execute(
                "INSERT INTO songs (title, created, saved, version, position) VALUES (?, ?, ?, 1, 0)",
                (new.state.title, time, time),
            ).lastrowid
            assert song_id is not None
            revision_id = self._insert(connection, song_id, None, new)
            connection.execute("INSERT INTO steps VALUES (?, 0, ?)", (song_id, revision_id))
            return self.song(song_id)

    def song(self, song_id: int) -> Song:
        """
        Raises:
            NotFoundError: there is none.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT * FROM songs WHERE id = ?", (song_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"there is no song {song_id}", "see /api/songs for those that there are")
            steps = connection.execute("SELECT revision FROM steps WHERE song = ? ORDER BY position", (song_id,))
            return Song(**row, line=tuple(step["revision"] for step in steps))

    def songs(self, limit: int, offset: int) -> tuple[list[Song], int]:
        """Songs, the latest saved first, and how many there are in all."""
        with self._database.transaction() as connection:
            total = connection.execute("SELECT count(*) FROM songs").fetchone()[0]
            rows = connection.execute(
                "SELECT id FROM songs ORDER BY saved DESC, id DESC LIMIT ? OFFSET ?", (limit, offset)
            ).fetchall()
            return [self.song(row["id"]) for row in rows], total

    def change(self, song_id: int, change: Change, *, if_version: int | None = None) -> Song:
        """One step of undo further; nothing at all where `change` gives the current revision, or an equal state.

        Raises:
            NotFoundError: there is no such song.
            ChangedMeanwhileError: it does not have the version `if_version`.
        """
        with self._database.transaction() as connection:
            song = self._checked(song_id, if_version)
            head = self.revision(song.head)
            new = change(head)
            if not isinstance(new, int):
                if new.state == head.state:
                    return song
                new = self._insert(connection, song_id, song.head, new)
            if new == song.head:
                return song
            position = song.position + 1
            connection.execute("DELETE FROM steps WHERE song = ? AND position >= ?", (song_id, position))
            connection.execute("INSERT INTO steps VALUES (?, ?, ?)", (song_id, position, new))
            return self._pointed(connection, song, position, new)

    def undo(self, song_id: int, *, if_version: int | None = None) -> Song:
        """One step back; errors as `change`.

        Raises:
            ConflictError: there is nothing to undo.
        """
        return self._move(song_id, -1, if_version, "there is nothing to undo")

    def redo(self, song_id: int, *, if_version: int | None = None) -> Song:
        """One step forward again; errors as `undo`."""
        return self._move(song_id, +1, if_version, "there is nothing to redo")

    def revision(self, revision_id: int) -> Revision:
        """
        Raises:
            NotFoundError: there is none.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT * FROM revisions WHERE id = ?", (revision_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no revision {revision_id}", "see the history of a song for its revisions")
        return Revision(RevisionEntry.of_row(row), row["document"])

    def revision_of(self, song_id: int, revision_id: int) -> Revision:
        """A revision of this song.

        Raises:
            NotFoundError: the song has no such revision.
        """
        revision = self.revision(revision_id)
        if revision.entry.song != song_id:
            raise NotFoundError(f"song {song_id} has no revision {revision_id}", "see the song's history")
        return revision

    def history(self, song_id: int, limit: int, before: int | None) -> list[RevisionEntry]:
        """Revisions of a song, the latest first, from the one before `before` on."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_ENTRY_COLUMNS} FROM revisions WHERE song = ? AND id < ? ORDER BY id DESC LIMIT ?",
                (song_id, sys.maxsize if before is None else before, limit),
            ).fetchall()
        return list(map(RevisionEntry.of_row, rows))

    def add_take(self, base: RevisionEntry, new: NewRevision, job: int, take: int, made_by: Mapping[str, Any]) -> int:
        """A take in the history of the base's song; the song stays as it is. Returns the revision's number."""
        with self._database.transaction() as connection:
            return self._insert(connection, base.song, base.id, new, job, take, made_by)

    def takes(self, job: int) -> list[RevisionEntry]:
        """The takes of a job, in order."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_ENTRY_COLUMNS} FROM revisions WHERE job = ? ORDER BY take", (job,)
            ).fetchall()
        return list(map(RevisionEntry.of_row, rows))

    def _checked(self, song_id: int, if_version: int | None) -> Song:
        song = self.song(song_id)
        if if_version is not None and if_version != song.version:
            raise ChangedMeanwhileError(
                f"the song has version {song.version}, not {if_version}", "read it again and repeat the change"
            )
        return song

    def _move(self, song_id: int, by: int, if_version: int | None, message: str) -> Song:
        with self._database.transaction() as connection:
            song = self._checked(song_id, if_version)
            position = song.position + by
            if position not in range(len(song.line)):
                raise ConflictError(message, "see the history for every state that the song has had")
            return self._pointed(connection, song, position, song.line[position])

    def _pointed(self, connection: sqlite3.Connection, song: Song, position: int, revision_id: int) -> Song:
        connection.execute(
            "UPDATE songs SET position = ?, version = version + 1, saved = ?, title = ? WHERE id = ?",
            (position, now(), self.revision(revision_id).document["title"], song.id),
        )
        return self.song(song.id)

    def _insert(
        self,
        connection: sqlite3.Connection,
        song_id: int,
        parent: int | None,
        new: NewRevision,
        job: int | None = None,
        take: int | None = None,
        made_by: Mapping[str, Any] | None = None,
    ) -> int:
        document = document_of(new.state)
        content = zlib.compress(json.dumps(document, ensure_ascii=False).encode(), _COMPRESSION)
        row = {
            "song": song_id,
            "parent": parent,
            "label": new.label,
            "created": now(),
            "job": job,
            "take": take,
            "seed": new.state.seed if made_by is None else made_by["seed"],
            "notes_hash": document["notes_hash"],
            "num_bars": document["num_bars"],
            "form": document["form"],
            "made_by": None if made_by is None else json.dumps(made_by),
            "document": content,
        }
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        revision_id = connection.execute(f"INSERT INTO revisions ({columns}) VALUES ({places})", row).lastrowid
        assert revision_id is not None
        return revision_id


def default_library_path() -> Path:
    """Where the library is when nobody says: in the user's folder for programs' data."""
    if sys.platform == "win32":
        folder = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(folder) / "phraseloom" / "library.sqlite"
