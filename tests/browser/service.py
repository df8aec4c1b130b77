"""The real service in a process of its own, with tiny weights, to be talked to, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

STARTING_SECONDS = 120.0
POLL_SECONDS = 0.1
JOB_SECONDS = 120.0
ENDED = ("done", "failed", "cancelled", "lost")


class Service:
    """`phraseloom studio` on a free port, with a library of its own."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self._library, self._weights = folder / "songs.phraseloom", weights
        self._log = folder / "service.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until its model is there."""
        command = [
            sys.executable,
            "-c",
            "import phraseloom.cli.studio, phraseloom.cli, sys; sys.exit(phraseloom.cli.main())",
            "studio",
            "--port",
            str(self.port),
        ]
        command += ["--library", str(self._library), "--checkpoint", str(self._weights)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + STARTING_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start:\n{self._log.read_text()}")
            time.sleep(POLL_SECONDS)

    def kill(self) -> None:
        """Ends it and its worker at once, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that a route answers."""
        content = self.fetch(method, path, body)
        return json.loads(content)

    def fetch(self, method: str, path: str, body: Any = None) -> bytes:
        """The bytes that a route answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=JOB_SECONDS) as response:
            return response.read()

    def run_job(self, **request: Any) -> dict[str, Any]:
        """Asks for a job and waits until it has ended."""
        return self.wait_for_job(self.ask("POST", "/api/jobs", request)["id"])

    def wait_for_job(self, job_id: int) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_SECONDS
        while (job := self.ask("GET", f"/api/jobs/{job_id}"))["state"] not in ENDED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the job has not ended: {job}")
            time.sleep(POLL_SECONDS)
        return job

    def woven_song(self, **members: Any) -> dict[str, Any]:
        """A new song with all its cells written."""
        song = self.ask("POST", "/api/songs", {"form": "i2 A4 B4 A4", "seed": 7, "tempo_bpm": 120, **members})
        job = self.run_job(song=song["id"], operation="generate")
        assert job["state"] == "done", job
        return self.ask("GET", f"/api/songs/{song['id']}")

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/api/model")["ready"]
        except (urllib.error.URLError, ConnectionError):
            return False
