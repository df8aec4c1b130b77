"""How the studio bears load: many clients while a job runs, and its memory over many jobs.

    python benchmarks/studio_load.py [--clients 20] [--seconds 60] [--jobs 200] [--checkpoint FOLDER]

Starts `phraseloom studio` over a library of its own and prints one JSON object.

- `load`: for a time, every client listens to the events and, several times a second, asks for the job, the song and the
  model, while one job or another always runs. It tells how many requests there were, how many went wrong (and how), and
  how long they took from sending to the whole answer, the slowest with its address; and how many events each client
  heard. All clients run in this one process, so that on a busy machine their own waiting counts too.
- `memory`: then, job after job of one song of four bars; it tells the resident memory of the service and of its worker
  in MiB after every tenth job, and their growth over the second half, when whatever is cached is there. Linux only.

Without `--checkpoint` the model is the tests' tiny one, whose steps take a millisecond: it reports progress far more
often than a real one, which makes the load heavier, and its own size does not hide what grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx2
from cyclopts import App, Parameter
from cyclopts.validators import Number

app = App(help=__doc__)
Count = Annotated[int, Parameter(validator=Number(gte=1))]

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 60.0
LONG_SONG = "A32 B32 A32 B32"
SHORT_SONG = "A4"
LOAD_JOB_STEPS = 1000
SHORT_JOB_STEPS = 2
SAMPLE_EVERY_JOBS = 10
ENDED = ("done", "failed", "cancelled", "lost")


@dataclass(frozen=True)
class Service:
    """A running studio."""

    process: subprocess.Popen[str]
    address: str

    @property
    def worker_id(self) -> int:
        """The process with the model, which is the largest of the service's children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        children += [child for thread in threads for child in (thread / "children").read_text().split()]
        return max(map(int, children), key=resident_mib)


@dataclass
class Findings:
    """What the clients saw."""

    seconds: list[tuple[float, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    num_events: Counter[int] = field(default_factory=Counter)
    num_jobs_ended: int = 0

    def to_dict(self) -> dict[str, Any]:
        took = sorted(seconds for seconds, _ in self.seconds)
        slowest_seconds, slowest_address = max(self.seconds)
        return {
            "requests": len(took),
            "errors": dict(self.errors),
            "median_seconds": round(statistics.median(took), 4),
            "percentile_99_seconds": round(took[int(0.99 * (len(took) - 1))], 4),
            "slowest_seconds": round(slowest_seconds, 4),
            "slowest_request": slowest_address,
            "events_per_client_least": min(self.num_events.values()),
            "events_per_client_most": max(self.num_events.values()),
            "jobs_ended_meanwhile": self.num_jobs_ended,
        }


@contextlib.contextmanager
def studio(library: Path, checkpoint: Path) -> Generator[Service]:
    """A studio on a free port, ended with the block."""
    command = [sys.executable, "-m", "phraseloom", "studio", "--port", "0"]
    options = ["--library", str(library), "--checkpoint", str(checkpoint)]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        told = process.stderr.readline()
        address = re.search(r"http://\S+/", told)
        if address is None:
            raise RuntimeError(f"the studio did not start: {told}{process.stderr.read()}")
        yield Service(process, address[0])
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def resident_mib(process_id: int) -> float:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    kib = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 0.0 if kib is None else round(int(kib[1]) / 1024, 1)


async def bear(service: Service, num_clients: int, seconds: float) -> dict[str, Any]:
    """The load, for a time."""
    findings = Findings()
    async with client_of(service) as client:
        song = (await client.post("/api/songs", json={"form": LONG_SONG})).json()["id"]
        await wait_for_model(client)
        current = {"job": await submit(client, song, LOAD_JOB_STEPS)}
        tasks = [asyncio.create_task(keep_busy(client, song, current, findings))]
        for number in range(num_clients):
            tasks.append(asyncio.create_task(listen(service, number, findings)))
            tasks.append(asyncio.create_task(poll(service, song, current, findings)))
            await asyncio.sleep(POLL_SECONDS / num_clients)  # so that they do not ask in step
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await client.delete(f"/api/jobs/{current['job']}")
        await wait_for_end(client, current["job"])
    for outcome in outcomes:
        if not isinstance(outcome, asyncio.CancelledError):
            findings.errors[f"a client ended: {outcome!r}"] += 1
    return {"clients": num_clients, "seconds": seconds, **findings.to_dict()}


async def keep_busy(client: httpx2.AsyncClient, song: int, current: dict[str, int], findings: Findings) -> None:
    """Asks for another job when one has ended; `current` tells the others which one runs."""
    while True:
        await wait_for_end(client, current["job"])
        findings.num_jobs_ended += 1
        current["job"] = await submit(client, song, LOAD_JOB_STEPS)


async def listen(service: Service, number: int, findings: Findings) -> None:
    async with client_of(service) as client, client.stream("GET", "/api/events", timeout=None) as answer:
        findings.num_events[number] = 0
        async for line in answer.aiter_lines():
            findings.num_events[number] += line.startswith("event:")


async def poll(service: Service, song: int, current: dict[str, int], findings: Findings) -> None:
    async with client_of(service) as client:
        while True:
            for address in (f"/api/jobs/{current['job']}", f"/api/songs/{song}", "/api/model"):
                began = time.perf_counter()
                try:
                    status = (await client.get(address)).status_code
                except httpx2.HTTPError as error:
                    findings.errors[type(error).__name__] += 1
                    continue
                findings.seconds.append((time.perf_counter() - began, address))
                if status != 200:
                    findings.errors[f"status {status}"] += 1
            await asyncio.sleep(POLL_SECONDS)


async def grow(service: Service, num_jobs: int) -> dict[str, Any]:
    """The memory, job after job."""
    samples = []
    async with client_of(service) as client:
        await wait_for_model(client)
        song = (await client.post("/api/songs", json={"form": SHORT_SONG})).json()["id"]
        worker_id = service.worker_id
        for number in range(1, num_jobs + 1):
            state = await wait_for_end(client, await submit(client, song, SHORT_JOB_STEPS, seed=number))
            if state != "done":
                raise RuntimeError(f"job {number} ended as {state}")
            if number % SAMPLE_EVERY_JOBS == 0 or number == num_jobs:
                samples.append((number, resident_mib(service.process.pid), resident_mib(worker_id)))
    middle, last = samples[(len(samples) - 1) // 2], samples[-1]
    return {
        "jobs": num_jobs,
        "service_growth_mib_second_half": round(last[1] - middle[1], 1),
        "worker_growth_mib_second_half": round(last[2] - middle[2], 1),
        "samples_job_service_worker_mib": samples,
    }


@contextlib.asynccontextmanager
async def client_of(service: Service) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=service.address, timeout=PATIENCE_SECONDS) as client:
        yield client


async def submit(client: httpx2.AsyncClient, song: int, steps: int, seed: int = 1) -> int:
    asked = {"song": song, "operation": "generate", "steps": steps, "seed": seed}
    return (await client.post("/api/jobs", json=asked)).raise_for_status().json()["id"]


async def wait_for_end(client: httpx2.AsyncClient, job: int) -> str:
    while (state := (await client.get(f"/api/jobs/{job}")).json()["state"]) not in ENDED:
        await asyncio.sleep(0.02)
    return state


async def wait_for_model(client: httpx2.AsyncClient) -> None:
    while not (model := (await client.get("/api/model")).json())["ready"]:
        if model["problem"] is not None:
            raise RuntimeError(model["problem"]["detail"])
        await asyncio.sleep(0.05)


def write_tests_weights(folder: Path) -> Path:
    """The tests' tiny networks."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from support.networks import write_tiny_weights

    return write_tiny_weights(folder)


@app.default
def main(*, clients: Count = 20, seconds: float = 60.0, jobs: Count = 200, checkpoint: Path | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        weights = write_tests_weights(Path(folder)) if checkpoint is None else checkpoint
        with studio(Path(folder) / "load.sqlite", weights) as service:
            load = asyncio.run(bear(service, clients, seconds))
        with studio(Path(folder) / "memory.sqlite", weights) as service:
            memory = asyncio.run(grow(service, jobs))
    print(json.dumps({"load": load, "memory": memory}, indent=2))


if __name__ == "__main__":
    app()
