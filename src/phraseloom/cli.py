"""The command line: every command parses, calls, prints.

Commands import what they call inside their function, so that `phraseloom --help` needs no torch. How errors, progress
and output reach the user is in `phraseloom.terminal`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from cyclopts import App, Parameter
from cyclopts.validators import Number

from phraseloom import __version__, terminal
from phraseloom.errors import RequestError
from phraseloom.files import require_writable

if TYPE_CHECKING:
    from phraseloom.composer import Composer, Composition

STDOUT = "-"

app = App(
    name="phraseloom",
    help="Compose whole multitrack songs as MIDI.",
    version=__version__,
    help_format="plaintext",  # the other formats' parsers take longer to import than all the rest
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command()
prepare = App(name="prepare", help="Turn MIDI files into a corpus to train on.")
app.command(prepare)
evaluate = App(name="evaluate", help="Measure weights and music.")
app.command(evaluate)


def _no_option(_type: type, name: str) -> None:
    """`-` must be let in as a file name, and with it comes everything else that starts with a hyphen."""
    if name.startswith("-") and name != STDOUT:
        raise ValueError("Expected a file name; one that starts with a hyphen is written ./-name.")


Output = Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True, validator=_no_option)]
Json = Annotated[bool, Parameter(name="--json", show_default=False)]
Jobs = Annotated[int | None, Parameter(validator=Number(gte=1))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's own) and return its exit code."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    return terminal.run(lambda: app(tokens))


@app.command
def generate(
    *,
    output: Output,
    bars: int | None = None,
    form: str | None = None,
    key: str | None = None,
    tempo: float | None = None,
    seed: int | None = None,
    count: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 1,
    steps: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Compose a song. What is not asked for is chosen by the seed, and told.

    Parameters
    ----------
    output
        MIDI file to write; "-" is stdout. With --count, "{n}" in the name becomes 1, 2, ...; a name without it gets
        -1, -2, ... before its suffix.
    bars
        Length of the song in bars.
    form
        Sections as letters with lengths in bars, such as "i4 A8 A8 B8 o4"; capitals have a melody.
    key
        Such as G, "G major", Am or "F# minor".
    tempo
        Quarter notes a minute.
    seed
        The same seed gives the same song; with --count, the songs have this seed and the ones after it.
    count
        How many songs.
    steps
        Sampling steps a song: more is slower and finer.
    checkpoint
        Folder with weights of your own training, in place of those in the package.
    as_json
        Print what was made as JSON: one object a song, one a line.
    """
    from phraseloom.plan import SongPlan

    if output == STDOUT:
        _check_stdout(count, as_json)
    paths = _output_paths(output, count)
    plan = SongPlan(num_bars=bars, form=form, key=key, tempo_bpm=tempo)
    with terminal.progress_bar() as progress:
        progress("loading", 0.0)
        composer, import_seconds = _load_composer(checkpoint)
    for path in paths:
        with terminal.progress_bar() as progress:
            composition = composer.generate(plan, seed=seed, steps=steps, progress=progress)
        start = time.perf_counter()
        _write_midi(composition, output, path)
        seconds = {"import": import_seconds, **composition.seconds, "writing": time.perf_counter() - start}
        terminal.say(_summary(path, composition))
        if as_json:
            terminal.print_json(_record(path, composition, seconds))
        seed = composer.seed_after(composition.seed)


@app.command
def inspect(file: Path, *, as_json: Json = False) -> None:
    """Say what a MIDI file holds: tracks, bars, meter, key, form, and what could not be read.

    Parameters
    ----------
    file
        MIDI file.
    as_json
        Print it as one JSON object.
    """
    from phraseloom.inspection import inspect_midi

    _print_report(inspect_midi(file), as_json)


@prepare.command(name="pop909")
def prepare_pop909(*, midi: Path, labels: Path, out: Path, jobs: Jobs = None, as_json: Json = False) -> None:
    """Prepare POP909 from checkouts of its two public repositories.

    Parameters
    ----------
    midi
        Checkout of POP909-Dataset.
    labels
        Checkout of hierarchical-structure-analysis.
    out
        Folder for the corpus.
    jobs
        Processes to use; all cores when not given.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.corpus.prepare import prepare_pop909

    with terminal.progress_bar() as progress:
        report = prepare_pop909(midi, labels, out, jobs, progress)
    _print_report(report, as_json)


@prepare.command(name="folder")
def prepare_folder(folder: Path, *, out: Path, jobs: Jobs = None, as_json: Json = False) -> None:
    """Prepare any folder of MIDI files, subfolders included.

    Parameters
    ----------
    folder
        Folder with MIDI files.
    out
        Folder for the corpus.
    jobs
        Processes to use; all cores when not given.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.corpus.prepare import prepare_folder

    with terminal.progress_bar() as progress:
        report = prepare_folder(folder, out, jobs, progress)
    _print_report(report, as_json)


@app.command
def train(recipe: Path, *, corpus: Path | None = None, out: Path | None = None, resume: bool = False) -> None:
    """Train the stages of a recipe: phrase VAE, latents, song diffusion transformer.

    Parameters
    ----------
    recipe
        TOML file, such as recipes/pop909.toml.
    corpus
        Prepared corpus, in place of the recipe's.
    out
        Folder for checkpoints and logs, in place of the recipe's.
    resume
        Go on from the last checkpoints in that folder; without it the folder must hold no run.
    """
    from phraseloom.training import run_recipe

    with terminal.progress_bar() as progress:
        run_recipe(recipe, corpus=corpus, out=out, resume=resume, progress=progress)


@evaluate.command(name="reconstruction")
def evaluate_reconstruction(
    corpus: Path,
    *,
    split: Literal["train", "validation", "test"] = "test",
    noise: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Say how well the phrase VAE gives back the phrases of a corpus.

    Parameters
    ----------
    corpus
        Prepared corpus.
    split
        Which of its songs.
    noise
        Gaussian noise added to the latents, as a share of their scale.
    checkpoint
        Folder with trained weights, in place of the package's own.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.evaluating import evaluate_reconstruction

    with terminal.progress_bar() as progress:
        report = evaluate_reconstruction(corpus, split, noise, checkpoint, progress)
    _print_report(report, as_json)


@evaluate.command(name="repetition")
def evaluate_repetition(
    songs: Path, *, split: Literal["train", "validation", "test"] = "test", as_json: Json = False
) -> None:
    """Say how songs repeat themselves, and whether where their form says.

    Parameters
    ----------
    songs
        MIDI file, folder of MIDI files, or prepared corpus.
    split
        Which songs of a corpus.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.evaluating import evaluate_repetition

    _print_report(evaluate_repetition(songs, split), as_json)


@app.command
def render(
    file: Path,
    *,
    output: Output,
    kind: Literal["piano-roll", "self-similarity"] = "piano-roll",
    width: int | None = None,
) -> None:
    """Draw a song as a picture.

    Parameters
    ----------
    file
        MIDI file.
    output
        PNG file to write.
    kind
        The notes of every track, or how alike the bars are.
    width
        Width of the picture in pixels.
    """
    path = Path(output)
    if path.suffix.lower() != ".png":
        raise RequestError(f"cannot write {output}: pictures are PNG files", "end the name in .png")
    require_writable(path)
    from phraseloom import render as pictures
    from phraseloom.midi import read_midi

    draw = {"piano-roll": pictures.piano_roll, "self-similarity": pictures.self_similarity}[kind]
    score = read_midi(file)
    pictures.write_picture(draw(score) if width is None else draw(score, width_px=width), path)
    terminal.say(f"{path}: {score.num_bars} bars")


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


def _load_composer(checkpoint: Path | None) -> tuple[Composer, float]:
    """The composer, and the seconds that importing it took."""
    start = time.perf_counter()
    from phraseloom.composer import Composer

    import_seconds = time.perf_counter() - start
    return (Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)), import_seconds


def _write_midi(composition: Composition, output: str, path: Path) -> None:
    from phraseloom.midi import midi_bytes, write_midi

    if output == STDOUT:
        terminal.write_to_stdout(midi_bytes(composition.score, texts=[composition.recipe]))
    else:
        write_midi(composition.score, path, texts=[composition.recipe])


def _summary(path: Path, composition: Composition) -> str:
    from phraseloom.form import format_form

    score = composition.score
    minutes, seconds = divmod(round(score.duration_seconds), 60)
    name = "stdout" if str(path) == STDOUT else str(path)
    return (
        f"{name}: {score.num_bars} bars, {len(score.tracks)} tracks, {score.num_notes} notes, {minutes}:{seconds:02d}, "
        f"{score.key}, {score.tempo_bpm:g} bpm, form {format_form(score.sections)}, seed {composition.seed}"
    )


def _record(path: Path, composition: Composition, seconds: dict[str, float]) -> dict[str, Any]:
    from phraseloom.form import format_form

    score = composition.score
    return {
        "output": str(path),
        "seed": composition.seed,
        "num_bars": score.num_bars,
        "form": format_form(score.sections),
        "key": str(score.key),
        "tempo_bpm": score.tempo_bpm,
        "duration_seconds": round(score.duration_seconds, 3),
        "tracks": [{"name": track.name, "num_notes": len(track.notes)} for track in score.tracks],
        "report": composition.report,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
    }


class _Report(Protocol):
    def text(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


def _print_report(report: _Report, as_json: bool) -> None:
    """A report as text or as one JSON object."""
    if as_json:
        terminal.print_json(report.to_dict())
    else:
        print(report.text())
