"""The real command: killed in the middle of a job it loses nothing but that job; interrupted it ends at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from support.networks import write_tiny_weights

PATIENCE_SECONDS = 120


@dataclass
class Running:
    """A studio, and a client of it."""

    process: subprocess.Popen
    client: httpx2.Client


@contextmanager
def studio(folder: Path) -> Iterator[Running]:
    """A studio on a port of its own over the library in `folder`."""
    command = [sys.executable, "-m", "phraseloom", "studio", "--port", "0"]
    options = ["--library", str(folder / "library.sqlite"), "--checkpoint", str(folder)]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+/", process.stderr.readline())
        assert address, process.stderr.read()
        with httpx2.Client(base_url=address[0], timeout=PATIENCE_SECONDS) as client:
            yield Running(process, client)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_until(client: httpx2.Client, address: str, *states: str) -> dict:
    ends = time.monotonic() + PATIENCE_SECONDS
    while (job := client.get(address).json())["state"] not in states:
        assert time.monotonic() < ends, job
        time.sleep(0.05)
    return job


def test_a_studio_that_is_killed_and_one_that_is_interrupted(tmp_path):
    write_tiny_weights(tmp_path)
    with studio(tmp_path) as first:
        song = first.client.post("/api/songs", json={"form": "A4"}).json()
        song = first.client.patch(f"/api/songs/{song['id']}", json={"title": "Kept"}).json()
        jobs = [
            first.client.post("/api/jobs", json={"song": 1, "operation": "generate", "steps": steps, "seed": 1}).json()
            for steps in (1000, 1)
        ]
        wait_until(first.client, f"/api/jobs/{jobs[0]['id']}", "running")
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    with studio(tmp_path) as second:
        assert second.client.get("/api/songs/1").json()["revision"] == song["revision"]
        lost = second.client.get(f"/api/jobs/{jobs[0]['id']}").json()
        assert (lost["state"], lost["request"]) == ("lost", jobs[0]["request"])
        waited = wait_until(second.client, f"/api/jobs/{jobs[1]['id']}", "done", "failed")
        assert waited["state"] == "done"
        again = second.client.post(f"/api/jobs/{lost['id']}/again").json()
        assert again["state"] in ("queued", "running")
        listener = threading.Thread(target=listen, args=(second.client,))
        listener.start()
        time.sleep(0.2)
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(PATIENCE_SECONDS) == 0
        listener.join()


def listen(client: httpx2.Client) -> None:
    """Reads events until the service ends the stream."""
    with client.stream("GET", "/api/events") as answer:
        answer.read()
