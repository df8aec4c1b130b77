"""Songs from plans: plan, generate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phraseloom.cli.application import Count, Json, Output, PlanFile, Steps, app
from phraseloom.cli.takes import load_composer, make_takes

if TYPE_CHECKING:
    from phraseloom.composer import Composer, Take
    from phraseloom.plan import SongPlan
    from phraseloom.progress import Progress


@app.command(name="plan")
def propose_plan(
    *,
    bars: int | None = None,
    form: str | None = None,
    key: str | None = None,
    tempo: float | None = None,
    chords: str | None = None,
    tracks: str | None = None,
    repeat: float | None = None,
    plan: PlanFile = None,
    seed: int | None = None,
    checkpoint: Path | None = None,
) -> None:
    """Print the plan of a song as TOML, what is not given proposed, to be edited and handed to generate.

    Parameters
    ----------
    bars
        Length of the song in bars.
    form
        Sections as letters with lengths in bars, such as "i4 A8 A8 B8 o4".
    key
        Such as G, "G major", Am or "F# minor".
    tempo
        Quarter notes a minute.
    chords
        As for generate.
    tracks
        As for generate.
    repeat
        As for generate.
    plan
        TOML file with a plan; the other options go before it.
    seed
        The plan is the one that generate follows with this seed.
    checkpoint
        Folder with weights of your own training.
    """
    from phraseloom.plan_file import plan_toml

    asked = _asked_plan(plan, bars, form, key, tempo, repeat, chords, tracks)
    composer, _ = load_composer(checkpoint)
    print(plan_toml(composer.propose(asked, seed=composer.any_seed() if seed is None else seed)), end="")


@app.command
def generate(
    *,
    output: Output,
    bars: int | None = None,
    form: str | None = None,
    key: str | None = None,
    tempo: float | None = None,
    chords: str | None = None,
    tracks: str | None = None,
    repeat: float | None = None,
    plan: PlanFile = None,
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
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
    chords
        For letters of the form or for the whole song, such as "A: C Am F G; B: F | G Em . Am"; one a bar, or the bars
        with "|" between them.
    tracks
        Who plays in which sections, such as "A: melody piano; B: all; o: none".
    repeat
        How much of a section that returns is the same note for note: 0 nothing, 0.5 as much as in the songs that the
        model has learned from (the default), 1 everything.
    plan
        TOML file with a plan, as the command plan prints it; the other options go before it.
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
    asked = _asked_plan(plan, bars, form, key, tempo, repeat, chords, tracks)

    def compose(composer: Composer, seed: int | None, progress: Progress) -> Take:
        return composer.generate(asked, seed=seed, steps=steps, progress=progress)

    make_takes(compose, output, count, seed, checkpoint, as_json)


def _asked_plan(
    file: Path | None,
    bars: int | None,
    form: str | None,
    key: str | None,
    tempo: float | None,
    repeat: float | None,
    chords: str | None,
    tracks: str | None,
) -> SongPlan:
    """The plan in a file, if there is one, with what the options say instead."""
    from phraseloom.plan import SongPlan
    from phraseloom.plan_file import read_plan

    options: dict[str, Any] = {
        "num_bars": bars,
        "form": form,
        "key": key,
        "tempo_bpm": tempo,
        "repeat": repeat,
        "chords": chords,
        "tracks": tracks,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if file is None:
        return SongPlan(**given)
    if {"num_bars", "form"} & given.keys():  # the file's length is not that of another form
        given = {"num_bars": None, "form": None, **given}
    return replace(read_plan(file), **given)
