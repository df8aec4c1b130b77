"""How long an infill takes as a whole process, and where the time goes.

    python benchmarks/edit_time.py [--bars 64] [--written-bars 8] [--runs 5]

Composes a song, and runs `phraseloom infill --json` on some bars in its middle, all tracks, in processes of its own.
Prints, for the whole process and for each part (import, load, sampling, decoding, writing), the least, the median and
the most seconds. The first run, which fills the disk cache, does not count.
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
PHRASELOOM = (sys.executable, "-m", "phraseloom")


def run_once(song: Path, bars: str, seed: int) -> dict[str, float]:
    """Seconds of one process, whole and in parts."""
    command = [*PHRASELOOM, "infill", str(song), "--bars", bars, "--seed", str(seed), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "-o", str(song.with_name("infilled.mid"))], capture_output=True, text=True, check=True
    )
    whole = time.perf_counter() - start
    return {"whole process": whole, **json.loads(done.stdout)["seconds"]}


@app.default
def main(*, bars: Count = 64, written_bars: Count = 8, runs: Count = 5) -> None:
    first = max(0, (bars - written_bars) // 2) + 1
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.mid"
        compose = [*PHRASELOOM, "generate", "--bars", str(bars), "--seed", "0", "-o", str(song)]
        subprocess.run(compose, capture_output=True, check=True)
        region = f"{first}-{min(bars, first + written_bars - 1)}"
        times = [run_once(song, region, seed) for seed in range(runs + 1)][1:]
    print(f"bars {region} of {bars}, {runs} runs, seconds: least, median, most")
    for part in times[0]:
        values = [each[part] for each in times]
        print(f"  {part:14}{min(values):8.3f}{statistics.median(values):8.3f}{max(values):8.3f}")


if __name__ == "__main__":
    app()
