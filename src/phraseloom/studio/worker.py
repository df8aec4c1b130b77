"""The process with the model: it is handed work, tells how far it is, and stops between two sampling steps if asked.

Service and worker speak through one pipe. The worker ends when the pipe does, so that it never outlives the service,
and does nothing on Ctrl-C, which a terminal sends to both: ending is the service's to decide.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from phraseloom.errors import UserError
from phraseloom.studio.problems import FAULT, model_problem, problem_of


@dataclass(frozen=True)
class Task:
    """What a job is to write.

    Attributes:
        job: its number.
        document: the song, see `phraseloom.studio.documents`.
        cells: for each track one character a bar, `1` for the cells to be written.
        operation: as the job names it, for the record.
        distance: see `phraseloom.studio.operations.Work`.
        seeds: one a take.
        steps: of the sampler.
    """

    job: int
    document: Mapping[str, Any]
    cells: tuple[str, ...]
    operation: str
    distance: float
    seeds: tuple[int, ...]
    steps: int


@dataclass(frozen=True)
class Cancel:
    """To the worker: leave the job, if it still runs."""

    job: int


@dataclass(frozen=True)
class Ready:
    """From the worker: the model is loaded, and this is its weights' fingerprint."""

    weights: str


@dataclass(frozen=True)
class Unavailable:
    """From the worker, before it ends: the model cannot be loaded."""

    problem: dict[str, Any]


@dataclass(frozen=True)
class Progressed:
    """From the worker: what it does, and the share of the whole job that is done; takes count from 1."""

    job: int
    doing: str
    share: float
    take: int


@dataclass(frozen=True)
class Planned:
    """From the worker: the plan that a take follows, as a document without notes."""

    job: int
    take: int
    seed: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Taken:
    """From the worker: a take, and how it was made."""

    job: int
    take: int
    document: Mapping[str, Any]
    made_by: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """From the worker: it is done with a job; `problem` where that failed."""

    job: int
    is_cancelled: bool = False
    problem: dict[str, Any] | None = None


Message = Ready | Unavailable | Progressed | Planned | Taken | Ended


class _CancelledError(Exception):
    """Raised out of the sampler, from within its report of progress."""


def run_worker(connection: Connection, weights: Path) -> None:
    """The worker's life: load the weights of a folder, then one task after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _work(connection, weights)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the service is gone


def _work(connection: Connection, weights: Path) -> None:
    from phraseloom.composer import Composer

    try:
        composer = Composer.load(weights)
    except UserError as error:
        connection.send(Unavailable(model_problem(error).to_dict()))
        return
    connection.send(Ready(composer.model.fingerprint))
    while True:
        message = connection.recv()
        if isinstance(message, Task):  # what else comes is for a job that has just ended
            connection.send(_done(connection, composer, message))


def _done(connection: Connection, composer: Any, task: Task) -> Ended:
    """Does a task, and says how it ended."""
    try:
        for number, seed in enumerate(task.seeds):
            _Take(connection, task, number).write(composer, seed)
    except _CancelledError:
        return Ended(task.job, is_cancelled=True)
    except UserError as error:
        return Ended(task.job, problem=problem_of(error).to_dict())
    except (EOFError, OSError):
        raise  # of the pipe
    except Exception as error:  # the last door: one job's fault must not end the worker
        traceback.print_exception(error, file=sys.stderr)
        return Ended(task.job, problem=FAULT.to_dict())
    return Ended(task.job)


@dataclass(frozen=True)
class _Take:
    """One take of a task, by its number from 0."""

    connection: Connection
    task: Task
    number: int

    def write(self, composer: Any, seed: int) -> None:
        from phraseloom.studio.writing import planned, written

        plan = planned(composer, self.task, seed)
        self.connection.send(Planned(self.task.job, self.number + 1, seed, plan))
        document, made_by = written(composer, self.task, seed, self._progress)
        self.connection.send(Taken(self.task.job, self.number + 1, document, made_by))

    def _progress(self, doing: str, share: float) -> None:
        while self.connection.poll():
            message = self.connection.recv()
            if isinstance(message, Cancel) and message.job == self.task.job:
                raise _CancelledError
        whole = (self.number + share) / len(self.task.seeds)
        self.connection.send(Progressed(self.task.job, doing, round(whole, 4), self.number + 1))
