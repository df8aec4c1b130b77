"""The queue: one job after the other, written by one worker process.

A thread of the service takes the job that has waited longest, hands it to the worker, and keeps and tells what comes
back. Whatever is true of a job stands in the log, so that a service killed at any moment goes on from there.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phraseloom.studio.documents import document_of, state_of
from phraseloom.studio.event_hub import EventHub
from phraseloom.studio.job_log import IdempotencyKey, Job, JobLog, JobState
from phraseloom.studio.keeping import keeping
from phraseloom.studio.library import Library, NewRevision, Revision, Song
from phraseloom.studio.operations import Operation
from phraseloom.studio.patching import requested_work
from phraseloom.studio.problems import FAULT, WORKER_DIED, ConflictError
from phraseloom.studio.requests import MAX_SEED, JobRequest
from phraseloom.studio.worker import Cancel, Ended, Planned, Progressed, Ready, Taken, Task, Unavailable
from phraseloom.studio.worker_process import WorkerProcess

_LABELS = {
    Operation.GENERATE: "Weave",
    Operation.INFILL: "New cells",
    Operation.VARY: "Variation",
    Operation.EXTEND: "Extension",
}


_TELLING_SECONDS = 0.1
"""Between two reports of progress: a small model takes hundreds of steps a second, and a page redraws with each."""


@dataclass
class _Running:
    """The job that the worker is busy with."""

    job: Job
    is_sent: bool = False
    is_cancelling: bool = False
    doing: str = "loading"
    share: float = 0.0
    take: int = 1
    told_at_seconds: float = 0.0


class JobQueue:
    """Jobs from asking to end. `start` and `close` frame its life; all else may come from any thread."""

    def __init__(
        self, library: Library, log: JobLog, events: EventHub, weights: Path, on_model: Callable[[], None]
    ) -> None:
        """
        Args:
            weights: folder that the worker loads them from.
            on_model: called when `weights` or `model_problem` has changed.
        """
        self._library, self._log, self._events = library, log, events
        self._weights_folder, self._on_model = weights, on_model
        self._condition = threading.Condition()
        self._running: _Running | None = None
        self._worker: WorkerProcess | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self.weights: str | None = None
        """Fingerprint of the weights; None while they are not loaded."""
        self.model_problem: dict[str, Any] | None = None

    def start(self) -> None:
        """Begins to work, with what was waiting when the last service ended."""
        self._log.lose_running()
        self._thread.start()

    def close(self) -> None:
        """Ends worker and thread; a job that is running then is one that the next service finds lost."""
        with self._condition:
            self._is_closing = True
            worker = self._worker
            self._condition.notify_all()
        if worker is not None:
            worker.end()
        self._thread.join()

    @property
    def worker_process_id(self) -> int | None:
        return None if self._worker is None else self._worker.process_id

    def submit(self, base: Revision, request: JobRequest, seed: int, key: IdempotencyKey | None = None) -> Job:
        """Queues a job.

        Raises:
            RequestError, ConflictError: as `requested_work`.
            QueueFullError, KeyReusedError: as `JobLog.add`.
        """
        work = requested_work(base.state, request)
        cells = work.cells if work.state.num_bars == base.state.num_bars else np.zeros_like(base.state.is_locked)
        return self._queued(base.entry.song, base.entry.id, request, _rows(cells), seed, key)

    def again(self, job_id: int) -> Job:
        """Queues a job once more, with the same seed.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has not ended yet.
            QueueFullError: as `submit`.
        """
        job = self._log.job(job_id)
        if not job.state.has_ended:
            raise ConflictError(f"job {job_id} has not ended yet", "wait for it, or cancel it first")
        return self._queued(job.song, job.base, _request(job), job.cells, job.seed, None)

    def cancel(self, job_id: int) -> Job:
        """Ends a job that waits; asks the worker to leave one that runs; nothing for one that has ended.

        Raises:
            NotFoundError: there is no such job.
        """
        with self._condition:
            job = self._log.job(job_id)
            if self._running is not None and self._running.job.id == job_id:
                self._running.is_cancelling = True
                if self._running.is_sent and self._worker is not None:
                    self._worker.send(Cancel(job_id))
            elif job.state is JobState.QUEUED:
                job = self._log.end(job_id, JobState.CANCELLED)
                self._tell(job, "cancelled", takes=[])
            return job

    def describe(self, job: Job) -> dict[str, Any]:
        """A job for JSON; see `docs/studio.md`, "Jobs"."""
        running = self._running
        live = running if running is not None and running.job.id == job.id and not job.state.has_ended else None
        queue = self._log.queue() if job.state is JobState.QUEUED else []
        request = _request(job)
        return {
            "id": job.id,
            "song": job.song,
            "base": job.base,
            "operation": request.operation,
            "state": job.state,
            "is_cancelling": live is not None and live.is_cancelling,
            "doing": None if live is None else live.doing,
            "share": live.share if live is not None else float(job.state is JobState.DONE),
            "take": None if live is None else live.take,
            "count": request.count,
            "queue_place": queue.index(job.id) + 1 if job.id in queue else None,
            "request": job.request,
            "cells": job.cells,
            "seed": job.seed,
            "takes": [
                {"revision": take.id, "seed": take.seed, "notes_hash": take.notes_hash}
                for take in self._library.takes(job.id)
            ],
            "kept": job.kept,
            "problem": job.problem,
            "created": job.created,
            "started": job.started,
            "ended": job.ended,
        }

    def tell_song(self, song: Song, cause: str) -> None:
        """Tells that a song has changed."""
        self._events.publish("song", {"song": song.id, "version": song.version, "head": song.head, "cause": cause})

    def _queued(
        self, song: int, base: int, request: JobRequest, cells: Sequence[str], seed: int, key: IdempotencyKey | None
    ) -> Job:
        content = request.model_dump(exclude_unset=True)
        with self._condition:
            job = self._log.add(song, base, content, cells, seed, key)
            self._tell(job, "queued", queue_place=len(self._log.queue()))
            self._condition.notify_all()
        return job

    def _tell(self, job: Job, name: str, **data: Any) -> None:
        self._events.publish(name, {"job": job.id, "song": job.song, **data})

    # The thread

    def _run(self) -> None:
        self._load()
        while (running := self._next()) is not None:
            try:
                self._do(running)
            except Exception as error:  # the last door: one job's fault must not end the queue
                traceback.print_exception(error, file=sys.stderr)
                self._fail(running.job, FAULT.to_dict())
            with self._condition:
                self._running = None

    def _load(self) -> None:
        """Starts a worker and waits until it has the model, or says why not."""
        with self._condition:
            if self._is_closing:
                return
            self._worker = WorkerProcess(self._weights_folder)
        message = self._worker.receive()
        self.weights = message.weights if isinstance(message, Ready) else None
        self.model_problem = message.problem if isinstance(message, Unavailable) else None
        if message is None and not self._is_closing:
            self.model_problem = WORKER_DIED.to_dict()
        self._on_model()

    def _next(self) -> _Running | None:
        """Waits for a job, and marks it as running; None when the queue closes."""
        with self._condition:
            while not self._is_closing:
                job = self._log.start_next()
                if job is not None:
                    self._running = _Running(job)
                    return self._running
                self._condition.wait()
        return None

    def _do(self, running: _Running) -> None:
        job, request = running.job, _request(running.job)
        self._tell(
            job, "started", operation=request.operation, base=job.base, count=request.count, cells=list(job.cells)
        )
        if self._worker is None or not self._worker.is_alive:
            self._load()
        if self._is_closing:
            return
        if self.model_problem is not None:
            self._fail(job, self.model_problem)
            return
        base = self._library.revision(job.base)
        task = _task(job, request, base)
        with self._condition:
            if running.is_cancelling:
                self._cancelled(job)
                return
            assert self._worker is not None
            running.is_sent = self._worker.send(task)
        while (message := self._worker.receive()) is not None:
            if isinstance(message, Progressed):
                self._progressed(running, message)
            elif isinstance(message, Planned):
                self._planned(job, message)
            elif isinstance(message, Taken):
                self._taken(job, request, base, message)
            elif isinstance(message, Ended):
                self._ended(running, request, message)
                return
        if not self._is_closing:
            self._fail(job, WORKER_DIED.to_dict())

    def _progressed(self, running: _Running, message: Progressed) -> None:
        is_news = (message.doing, message.take) != (running.doing, running.take)
        running.doing, running.share, running.take = message.doing, message.share, message.take
        now_seconds = time.monotonic()
        if not is_news and now_seconds - running.told_at_seconds < _TELLING_SECONDS:
            return
        running.told_at_seconds = now_seconds
        self._tell(
            running.job,
            "progress",
            doing=message.doing,
            share=message.share,
            take=message.take,
            count=_request(running.job).count,
        )

    def _planned(self, job: Job, message: Planned) -> None:
        document = message.document
        self._tell(
            job,
            "plan",
            take=message.take,
            seed=message.seed,
            form=document["form"],
            key=document["key"],
            tempo_bpm=document["tempo_bpm"],
            chords=[section["chords"] for section in document["sections"]],
        )

    def _taken(self, job: Job, request: JobRequest, base: Revision, message: Taken) -> None:
        label = _LABELS[Operation(request.operation)]
        if request.count > 1:
            label = f"{label}, take {message.take} of {request.count}"
        state = state_of(message.document)
        take = self._library.add_take(base.entry, NewRevision(state, label), job.id, message.take, message.made_by)
        self._tell(
            job, "take", take=message.take, revision=take, seed=message.made_by["seed"], notes_hash=state.notes_hash
        )

    def _ended(self, running: _Running, request: JobRequest, message: Ended) -> None:
        job = running.job
        if message.is_cancelled:
            self._cancelled(job)
        elif message.problem is not None:
            self._fail(job, message.problem)
        else:
            self._finish(job, request)

    def _finish(self, job: Job, request: JobRequest) -> None:
        takes = [take.id for take in self._library.takes(job.id)]
        kept = None
        before = self._library.song(job.song)
        with self._library.transaction():  # a job that is done and a song that has its take go together
            if request.keeps:
                change = keeping(self._library, self._library.revision(takes[0]))
                kept = self._library.change(job.song, change).head
            self._log.end(job.id, JobState.DONE, kept=kept)
        song = self._library.song(job.song)
        if song.version != before.version:
            self.tell_song(song, "keep")
        self._tell(job, "done", takes=takes, kept=kept, head=song.head, version=song.version)

    def _fail(self, job: Job, problem: dict[str, Any]) -> None:
        self._log.end(job.id, JobState.FAILED, problem=problem)
        self._tell(job, "failed", problem=problem)

    def _cancelled(self, job: Job) -> None:
        self._log.end(job.id, JobState.CANCELLED)
        self._tell(job, "cancelled", takes=[take.id for take in self._library.takes(job.id)])


def _request(job: Job) -> JobRequest:
    return JobRequest.model_validate(job.request)


def _task(job: Job, request: JobRequest, base: Revision) -> Task:
    work = requested_work(base.state, request)
    return Task(
        job=job.id,
        document=document_of(work.state),
        cells=_rows(work.cells),
        operation=request.operation,
        distance=work.distance,
        seeds=tuple((job.seed + number) % (MAX_SEED + 1) for number in range(request.count)),
        steps=request.steps,
    )


def _rows(cells: np.ndarray) -> tuple[str, ...]:
    """A mask `[n, t]` as one text a track."""
    return tuple("".join("1" if marked else "0" for marked in track.tolist()) for track in cells.T)
