"""From music to weights: prepare, train."""

from __future__ import annotations

from pathlib import Path

from phraseloom import terminal
from phraseloom.cli.application import Jobs, Json, app, prepare
from phraseloom.cli.looking import print_report


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
    print_report(report, as_json)


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
    print_report(report, as_json)


@app.command
def train(
    recipe: Path,
    *,
    corpus: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    start_from: Path | None = None,
) -> None:
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
    start_from
        Folder with the weights of both networks to begin with, in place of random ones: fine-tuning.
    """
    from phraseloom.training import run_recipe

    with terminal.progress_bar() as progress:
        run_recipe(recipe, corpus=corpus, out=out, resume=resume, start_from=start_from, progress=progress)
