"""The worker as the service holds it: a process of its own, with a pipe."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from phraseloom.studio.worker import Cancel, Message, Task, run_worker

_END_SECONDS = 5.0


class WorkerProcess:
    """A worker that was started, on fresh memory (spawned), so that no lock or thread of the service's is copied."""

    def __init__(self, weights: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, connection_of_worker = context.Pipe()
        self._process = context.Process(target=run_worker, args=(connection_of_worker, weights), daemon=True)
        self._process.start()
        connection_of_worker.close()  # so that the pipe ends when the worker does

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    def send(self, message: Task | Cancel) -> bool:
        """Whether the worker is there to read it."""
        try:
            self._connection.send(message)
        except OSError:
            return False
        return True

    def receive(self) -> Message | None:
        """Waits for the next message; None when the worker has ended."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._process.terminate()
        self._process.join(_END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
