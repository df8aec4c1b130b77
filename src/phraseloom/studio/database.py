"""The library's file: SQLite in write-ahead mode, one connection, migrations that are only ever added.

A process killed at any moment leaves a file that opens again with every transaction that was committed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from phraseloom.errors import RequestError, UnreadableFileError

APPLICATION_ID = 0x7068_6C6D
"""`phlm`, in the file's header: it tells our files from other programs'."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE songs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        created TEXT NOT NULL,
        saved TEXT NOT NULL,
        version INTEGER NOT NULL,
        position INTEGER NOT NULL
    );
    CREATE TABLE revisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        song INTEGER NOT NULL REFERENCES songs (id),
        parent INTEGER REFERENCES revisions (id),
        label TEXT NOT NULL,
        created TEXT NOT NULL,
        job INTEGER,
        take INTEGER,
        seed INTEGER,
        notes_hash TEXT NOT NULL,
        num_bars INTEGER NOT NULL,
        form TEXT NOT NULL,
        made_by TEXT,
        document BLOB NOT NULL
    );
    CREATE INDEX revisions_of_song ON revisions (song, id);
    CREATE INDEX revisions_of_job ON revisions (job, take) WHERE job IS NOT NULL;
    CREATE TABLE steps (
        song INTEGER NOT NULL REFERENCES songs (id),
        position INTEGER NOT NULL,
        revision INTEGER NOT NULL REFERENCES revisions (id),
        PRIMARY KEY (song, position)
    ) WITHOUT ROWID;
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        song INTEGER NOT NULL REFERENCES songs (id),
        base INTEGER NOT NULL REFERENCES revisions (id),
        state TEXT NOT NULL,
        request TEXT NOT NULL,
        cells TEXT NOT NULL,
        seed INTEGER NOT NULL,
        kept INTEGER REFERENCES revisions (id),
        problem TEXT,
        created TEXT NOT NULL,
        started TEXT,
        ended TEXT
    );
    CREATE INDEX jobs_by_state ON jobs (state, id);
    CREATE INDEX jobs_of_song ON jobs (song, id);
    CREATE TABLE idempotency_keys (
        key TEXT PRIMARY KEY,
        body_hash TEXT NOT NULL,
        job INTEGER NOT NULL REFERENCES jobs (id),
        created TEXT NOT NULL
    );
    CREATE TABLE uploads (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        content BLOB NOT NULL,
        created TEXT NOT NULL
    );
    """,
)
"""Scripts, the first for a new file. One that was released is never changed; what is to be otherwise is one more."""

_WAIT_SECONDS = 0.5
_NAME_OURS = "name a file that the studio made, or a new one"


class Database:
    """One connection that threads share, one transaction at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Database:
        """Opens a library, or makes one.

        Raises:
            RequestError: another service has it open, or it cannot be made there.
            UnreadableFileError: it is no library, or one of a later version.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.OperationalError) as error:
            raise RequestError(
                f"{path} cannot be opened: {error}", "name a file in a folder that you can write to"
            ) from error
        try:
            _prepare(connection, path)
        except sqlite3.OperationalError as error:
            connection.close()
            raise RequestError(
                f"{path} cannot be used: {error}", "end the studio that has it open, or name another library"
            ) from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise UnreadableFileError(f"{path} is no library: {error}", _NAME_OURS) from error
        except UnreadableFileError:
            connection.close()
            raise
        return cls(connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """The connection for a block whose changes are made together or not at all; inner blocks join the outer one."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def now() -> str:
    """The time of day as it is stored and told."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # two services would run each other's jobs
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    num_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and num_tables:
        raise UnreadableFileError(f"{path} is another program's database", _NAME_OURS)
    if version > len(MIGRATIONS):
        raise UnreadableFileError(
            f"{path} was written by a later version of phraseloom", "use that version, or name another library"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # in write-ahead mode a killed process loses nothing by it
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript("BEGIN IMMEDIATE; COMMIT;")  # takes the lock now
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN; {script}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT;"
        )
