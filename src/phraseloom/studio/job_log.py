"""Jobs as they are kept: what was asked, how far it came. What a killed service leaves as running is lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from phraseloom.studio.database import Database, now
from phraseloom.studio.problems import KeyReusedError, NotFoundError, QueueFullError

MAX_QUEUED_JOBS = 8
KEYS_ARE_KEPT = timedelta(days=1)


class JobState(StrEnum):
    """How far a job is; see `docs/studio.md`, "What there is"."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def has_ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        base: the revision that it starts from.
        request: as it came, for JSON.
        cells: for each track of the base one character a bar, `1` for those to be written.
        seed: of the first take.
        kept: the revision that the song was given.
        problem: what failed, as told.
        created, started, ended: as `phraseloom.studio.database.now` gives them.
    """

    id: int
    song: int
    base: int
    state: JobState
    request: Mapping[str, Any]
    cells: tuple[str, ...]
    seed: int
    kept: int | None
    problem: Mapping[str, Any] | None
    created: str
    started: str | None
    ended: str | None

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> Job:
        values: dict[str, Any] = {**row}
        values["state"] = JobState(row["state"])
        values["request"] = json.loads(row["request"])
        values["cells"] = tuple(json.loads(row["cells"]))
        values["problem"] = None if row["problem"] is None else json.loads(row["problem"])
        return cls(**values)


@dataclass(frozen=True)
class IdempotencyKey:
    """What a client calls its request, and a hash of the request's body."""

    key: str
    body_hash: str


class JobLog:
    """The jobs of one library file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lose_running(self) -> None:
        """What runs according to the log does so no more: for the start of a service."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, ended = ? WHERE state = ?", (JobState.LOST, now(), JobState.RUNNING)
            )

    def add(
        self,
        song: int,
        base: int,
        request: Mapping[str, Any],
        cells: Sequence[str],
        seed: int,
        key: IdempotencyKey | None = None,
    ) -> Job:
        """Queues a job; with a key that came before, gives the job of that time.

        Raises:
            QueueFullError: as many wait as may.
            KeyReusedError: as `replayed`.
        """
        with self._database.transaction() as connection:
            if key is not None and (earlier := self.replayed(key)) is not None:
                return earlier
            if len(self.queue()) >= MAX_QUEUED_JOBS:
                raise QueueFullError(f"{MAX_QUEUED_JOBS} jobs are waiting", "wait for one to end, or cancel one")
            job_id = connection.execute(
                "INSERT INTO jobs (song, base, state, request, cells, seed, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (song, base, JobState.QUEUED, json.dumps(request), json.dumps(cells), seed, now()),
            ).lastrowid
            assert job_id is not None
            if key is not None:
                connection.execute(
                    "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)", (key.key, key.body_hash, job_id, now())
                )
            return self.job(job_id)

    def replayed(self, key: IdempotencyKey) -> Job | None:
        """The job that was made with this key; None for a new key.

        Raises:
            KeyReusedError: it was made with another body.
        """
        oldest = (datetime.now(UTC) - KEYS_ARE_KEPT).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM idempotency_keys WHERE created < ?", (oldest,))
            row = connection.execute("SELECT * FROM idempotency_keys WHERE key = ?", (key.key,)).fetchone()
            if row is None:
                return None
            if row["body_hash"] != key.body_hash:
                raise KeyReusedError("this Idempotency-Key came with another body before", "use a new key")
            return self.job(row["job"])

    def job(self, job_id: int) -> Job:
        """
        Raises:
            NotFoundError: there is none.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no job {job_id}", "see /api/jobs for those that there are")
        return Job.of_row(row)

    def jobs(self, song: int | None, state: JobState | None, limit: int) -> list[Job]:
        """Jobs, the latest first; of one song, or in one state, where these are given."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE (:song IS NULL OR song = :song) AND (:state IS NULL OR state = :state)"
                " ORDER BY id DESC LIMIT :limit",
                {"song": song, "state": state, "limit": limit},
            ).fetchall()
        return list(map(Job.of_row, rows))

    def queue(self) -> list[int]:
        """The numbers of the jobs that wait, the next first."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT id FROM jobs WHERE state = ? ORDER BY id", (JobState.QUEUED,)).fetchall()
        return [row["id"] for row in rows]

    def unfinished(self, song: int) -> list[int]:
        """The numbers of a song's jobs that wait or run."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM jobs WHERE state IN (?, ?) AND song = ? ORDER BY id",
                (JobState.QUEUED, JobState.RUNNING, song),
            ).fetchall()
        return [row["id"] for row in rows]

    def start_next(self) -> Job | None:
        """The job that has waited longest, running from now on; None where none waits."""
        with self._database.transaction() as connection:
            queue = self.queue()
            if not queue:
                return None
            connection.execute(
                "UPDATE jobs SET state = ?, started = ? WHERE id = ?", (JobState.RUNNING, now(), queue[0])
            )
            return self.job(queue[0])

    def end(
        self, job_id: int, state: JobState, *, kept: int | None = None, problem: Mapping[str, Any] | None = None
    ) -> Job:
        """Ends a job in a state; one that has ended stays as it is."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, kept = ?, problem = ?, ended = ? WHERE id = ? AND state IN (?, ?)",
                (
                    state,
                    kept,
                    None if problem is None else json.dumps(problem),
                    now(),
                    job_id,
                    JobState.QUEUED,
                    JobState.RUNNING,
                ),
            )
            return self.job(job_id)
