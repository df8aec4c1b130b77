"""How long somebody who opens the studio waits for the page, for the first song, and for its sound.

    python benchmarks/studio_first_song.py [--runs 3] [--browser /usr/bin/chromium] [--checkpoint FOLDER]

Each run starts `phraseloom studio` over an empty library and a browser with an empty cache, waits until the service has
its model, opens the page, clicks "Weave a song", and then Play. Prints, as seconds (least, median, most): from opening
the page to a form and an enabled button; from the click to the notes on the page; from the click to sound that the
page's own meter reads. Needs the extra `phraseloom[browser]` and Chromium.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from playwright.sync_api import Page, sync_playwright

app = App(help=__doc__)
Count = Annotated[int, Parameter(validator=Number(gte=1))]

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
STUDIO = "import phraseloom.cli.studio, phraseloom.cli, sys; sys.exit(phraseloom.cli.main())"


@contextmanager
def running_studio(folder: Path, checkpoint: Path | None) -> Iterator[str]:
    """The address of a studio whose model is there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        STUDIO,
        "studio",
        "--port",
        str(port),
        "--library",
        str(folder / "songs.phraseloom"),
    ]
    command += [] if checkpoint is None else ["--checkpoint", str(checkpoint)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_ready(address))
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/api/model", timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["ready"]
    except (urllib.error.URLError, ConnectionError):
        return False


def wait_until(holds: Callable[[], bool]) -> float:
    """Asks until it holds; the time at which it did."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError("what was waited for did not come")
        time.sleep(POLL_SECONDS)
    return time.perf_counter()


def first_song(page: Page, address: str) -> dict[str, float]:
    start = time.perf_counter()
    page.goto(address)
    page.locator(".chip").first.wait_for()
    page.locator("#weave:enabled").wait_for()
    usable = time.perf_counter()
    page.locator("#weave").click()
    clicked = time.perf_counter()
    page.locator('body[data-state="done"]').wait_for()
    notes = time.perf_counter()
    page.locator("#play").click()
    heard = wait_until(lambda: page.locator("#level").evaluate("meter => meter.value") > 0.001)
    return {
        "page opened to usable": usable - start,
        "click to notes": notes - clicked,
        "click to sound": heard - clicked,
    }


@app.default
def main(*, runs: Count = 3, browser: Path | None = None, checkpoint: Path | None = None) -> None:
    program = str(browser) if browser else next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    times = []
    with sync_playwright() as playwright:
        for _ in range(runs):
            chromium = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            page = chromium.new_page(viewport={"width": 1360, "height": 860})
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            with tempfile.TemporaryDirectory() as folder, running_studio(Path(folder), checkpoint) as address:
                times.append(first_song(page, address))
                form = page.locator("#plan").input_value()
            chromium.close()
    print(f"{runs} runs, {form}: seconds, least, median, most")
    for part in times[0]:
        values = [each[part] for each in times]
        print(f"  {part:24}{min(values):7.2f}{statistics.median(values):7.2f}{max(values):7.2f}")


if __name__ == "__main__":
    app()
