"""What music is like: inspect, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from cyclopts import Parameter
from cyclopts.validators import Number

from phraseloom import terminal
from phraseloom.cli.application import Json, Readings, Refinements, app, evaluate


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

    print_report(inspect_midi(file), as_json)


@evaluate.command(name="reconstruction")
def evaluate_reconstruction(
    corpus: Path,
    *,
    split: Literal["train", "validation", "test"] = "test",
    noise: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0,
    refinements: Refinements = None,
    readings: Readings = None,
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
    refinements
        How many steps latents that do not decode to their notes are moved at most, as for encode.
    readings
        How often phrases that do not encode to their latents again are read once more, as for decode.
    checkpoint
        Folder with trained weights, in place of the package's own.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.evaluating import evaluate_reconstruction

    with terminal.progress_bar() as progress:
        report = evaluate_reconstruction(
            corpus, split, noise, checkpoint, progress, refinements=refinements, readings=readings
        )
    print_report(report, as_json)


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

    print_report(evaluate_repetition(songs, split), as_json)


@evaluate.command(name="songs")
def evaluate_songs(
    songs: Path,
    *,
    reference: Path,
    split: Literal["validation", "test"] = "test",
    plans: Path | None = None,
    checkpoint: Path | None = None,
    no_latents: bool = False,
    html: Path | None = None,
    as_json: Json = False,
) -> None:
    """Compare songs, made by any system, with real ones: plan, form, chords, closeness, and what was copied.

    Needs scikit-learn: pip install "phraseloom[evaluate]".

    Parameters
    ----------
    songs
        Folder of MIDI files.
    reference
        Prepared corpus; its training songs are searched for what was copied.
    split
        Which of its songs stand for real music.
    plans
        TOML file with a table for each MIDI file: the plan that it was made to.
    checkpoint
        Folder with the phrase VAE whose latents are compared, in place of the package's own.
    no_latents
        Leave out the Fréchet distances of phrase latents, which take torch and the most time.
    html
        Page to write, one file with figures and pictures.
    as_json
        Print the report as one JSON object.
    """
    from phraseloom.evaluating import SongsEvaluation
    from phraseloom.evaluating import evaluate_songs as evaluated

    asked = SongsEvaluation(songs, reference, split, plans, not no_latents, checkpoint, html)
    with terminal.progress_bar() as progress:
        report = evaluated(asked, progress)
    print_report(report, as_json)


class _Report(Protocol):
    def text(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


def print_report(report: _Report, as_json: bool) -> None:
    """A report as text or as one JSON object."""
    if as_json:
        terminal.print_json(report.to_dict())
    else:
        print(report.text())
