"""What commands that make songs have in common: takes one after the other, each written and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from cyclopts import Parameter

from phraseloom import terminal
from phraseloom.cli.application import STDOUT, Count, Json, Output, Steps
from phraseloom.errors import RequestError
from phraseloom.files import require_writable

if TYPE_CHECKING:
    from phraseloom.composer import Composer, Take
    from phraseloom.progress import Progress


class Sampling(TypedDict, total=False):
    """How the composer samples; what is left out is as usual."""

    steps: int


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TakeOptions:
    """What every command that makes songs can be told.

    Parameters
    ----------
    output
        MIDI file to write; "-" is stdout. With --count, "{n}" in the name becomes 1, 2, ...; a name without it gets
        -1, -2, ... before its suffix.
    seed
        The same seed gives the same song; with --count, the songs have this seed and the ones after it.
    count
        How many songs.
    steps
        Sampling steps a song, 16 unless given: more is slower and finer.
    checkpoint
        Folder with weights of your own training, in place of those in the package.
    as_json
        Print what was made as JSON: one object a song, one a line.
    """

    output: Output
    seed: int | None = None
    count: Count = 1
    steps: Steps | None = None
    checkpoint: Path | None = None
    as_json: Json = False

    @property
    def sampling(self) -> Sampling:
        """How the composer samples, where that was said."""
        return {} if self.steps is None else {"steps": self.steps}


def make_takes(make: Callable[[Composer, int | None, Progress], Take], options: TakeOptions) -> None:
    """Makes takes one after the other, writes each and tells what it is."""
    output, seed = options.output, options.seed
    if output == STDOUT:
        _check_stdout(options.count, options.as_json)
    paths = _output_paths(output, options.count)
    with terminal.progress_bar() as progress:
        progress("loading", 0.0)
        composer, import_seconds = load_composer(options.checkpoint)
    for path in paths:
        with terminal.progress_bar() as progress:
            take = make(composer, seed, progress)
        start = time.perf_counter()
        _write_midi(take, output, path)
        seconds = {"import": import_seconds, **take.seconds, "writing": time.perf_counter() - start}
        terminal.say(_summary(path, take))
        if options.as_json:
            terminal.print_json(_record(path, take, seconds))
        seed = composer.seed_after(take.seed)


def load_composer(checkpoint: Path | None) -> tuple[Composer, float]:
    """The composer, and the seconds that importing it took."""
    start = time.perf_counter()
    from phraseloom.composer import Composer

    import_seconds = time.perf_counter() - start
    return (Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)), import_seconds


def _check_stdout(count: int, as_json: bool) -> None:
    """One MIDI file is all that stdout can carry."""
    terminal.refuse_terminal()
    if count > 1:
        raise RequestError(f"{count} songs cannot all go to stdout", "name files, such as -o take-{n}.mid")
    if as_json:
        raise RequestError("MIDI and JSON cannot both go to stdout", "name a file for the song, or leave --json out")


def _output_paths(output: str, count: int) -> list[Path]:
    """The file of each song, as `--output` promises, every one in a place that can be written to."""
    path = Path(output)
    if output == STDOUT:
        return [path]
    if "{n}" in output:
        paths = [Path(output.replace("{n}", str(n))) for n in range(1, count + 1)]
    else:
        require_writable(path)
        paths = [path.with_name(f"{path.stem}-{n}{path.suffix}") for n in range(1, count + 1)] if count > 1 else [path]
    for place in paths:
        require_writable(place)
    return paths


def _write_midi(take: Take, output: str, path: Path) -> None:
    from phraseloom.midi import midi_bytes, write_midi

    if output == STDOUT:
        terminal.write_to_stdout(midi_bytes(take.score, texts=[take.recipe]))
    else:
        write_midi(take.score, path, texts=[take.recipe])


def _summary(path: Path, take: Take) -> str:
    from phraseloom.form import format_form

    score = take.score
    minutes, seconds = divmod(round(score.duration_seconds), 60)
    parts = [
        f"{'stdout' if str(path) == STDOUT else path}: {score.num_bars} bars",
        f"{len(score.tracks)} tracks",
        f"{score.num_notes} notes",
        f"{minutes}:{seconds:02d}",
        *([str(score.key)] if score.key else []),
        f"{score.tempo_bpm:g} bpm",
        *([f"form {format_form(score.sections)}"] if score.sections else []),
        f"seed {take.seed}",
    ]
    chords = _composed_to(take).get("chords")
    return ", ".join(parts) + (f"\n  chords {chords}" if chords else "")


def _record(path: Path, take: Take, seconds: dict[str, float]) -> dict[str, Any]:
    from phraseloom.form import format_form

    score = take.score
    return {
        "output": str(path),
        "seed": take.seed,
        **({} if take.plan is None else {"plan": take.plan.to_dict()}),
        "num_bars": score.num_bars,
        "form": format_form(score.sections),
        "key": None if score.key is None else str(score.key),
        "tempo_bpm": score.tempo_bpm,
        "duration_seconds": round(score.duration_seconds, 3),
        "tracks": [{"name": track.name, "num_notes": len(track.notes)} for track in score.tracks],
        "report": take.report,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }


def _composed_to(take: Take) -> dict[str, Any]:
    """The plan that a song was composed to; an edit has none that it followed."""
    from phraseloom.composer import Composition

    return take.plan.to_dict() if isinstance(take, Composition) else {}
