"""How long a song takes as a whole process, and where the time goes.

    python benchmarks/generation_time.py [--bars 64] [--runs 5]

Runs `phraseloom generate --json` in processes of its own and prints, for the whole process and for each part (import,
load, sampling, decoding, writing), the least, the median and the most seconds. The first run, which fills the disk
cache, does not count.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

app = App(help=__doc__)
Count = Annotated[int, Parameter(validator=Number(gte=1))]


def run_once(bars: int, seed: int, folder: Path) -> dict[str, float]:
    """Seconds of one process, whole and in parts."""
    command = [sys.executable, "-m", "phraseloom", "generate", "--bars", str(bars), "--seed", str(seed), "--json"]
    start = time.perf_counter()
    done = subprocess.run([*command, "-o", str(folder / "song.mid")], capture_output=True, text=True, check=True)
    whole = time.perf_counter() - start
    return {"whole process": whole, **json.loads(done.stdout)["seconds"]}


@app.default
def main(*, bars: Count = 64, runs: Count = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        times = [run_once(bars, seed, Path(folder)) for seed in range(runs + 1)][1:]
    print(f"{bars} bars, {runs} runs, seconds: least, median, most")
    for part in times[0]:
        values = [each[part] for each in times]
        print(f"  {part:14}{min(values):8.3f}{statistics.median(values):8.3f}{max(values):8.3f}")


if __name__ == "__main__":
    app()
