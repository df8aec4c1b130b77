"""Songs from songs: infill, vary, extend, restructure, arrange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from phraseloom import terminal
from phraseloom.cli.application import Count, Json, Output, Steps, Tracks, app
from phraseloom.cli.takes import make_takes
from phraseloom.errors import RequestError

if TYPE_CHECKING:
    from phraseloom.composer import Composer, Take
    from phraseloom.editing import Edit
    from phraseloom.progress import Progress
    from phraseloom.score import Score
    from phraseloom.song_model import Slot


@app.command
def infill(
    file: Path,
    *,
    output: Output,
    bars: str | None = None,
    tracks: Tracks = None,
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Write some bars of some tracks of a song anew, to fit what stands around them; everything else stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    output
        As for generate.
    bars
        Such as 13-20 or 4,9-12, counted from 1; all bars when not given.
    tracks
        Names or numbers, from 1, with commas between; all that the model can write when not given.
    seed
        The same seed gives the same notes.
    count
        How many takes.
    steps
        Sampling steps a take.
    checkpoint
        Folder with weights of your own training.
    as_json
        Print what was made as JSON.
    """
    score = _read_for_editing(file)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.infill(score, slots, bars, _names(tracks))

    _make_edits(edit_for, output, count, seed, steps, checkpoint, as_json)


@app.command
def vary(
    file: Path,
    *,
    output: Output,
    distance: float = 0.5,
    bars: str | None = None,
    tracks: Tracks = None,
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Vary a song, or some bars of some tracks; everything else stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    output
        As for generate.
    distance
        0 leaves all as it is, 1 writes all anew.
    bars
        Such as 13-20 or 4,9-12, counted from 1; all bars when not given.
    tracks
        Names or numbers, from 1, with commas between; all that the model can write when not given.
    seed
        The same seed gives the same notes.
    count
        How many takes.
    steps
        Sampling steps a take.
    checkpoint
        Folder with weights of your own training.
    as_json
        Print what was made as JSON.
    """
    score = _read_for_editing(file)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.vary(score, slots, distance, bars, _names(tracks))

    _make_edits(edit_for, output, count, seed, steps, checkpoint, as_json)


@app.command
def extend(
    file: Path,
    *,
    output: Output,
    form: str | None = None,
    bars: int | None = None,
    before: bool = False,
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Let a song go on; what is there stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    output
        As for generate.
    form
        Sections to add, such as "B8 o4"; a letter that the song has is meant to be heard again.
    bars
        How many bars to add, in place of a form: a new section.
    before
        Add them at the front.
    seed
        The same seed gives the same notes.
    count
        How many takes.
    steps
        Sampling steps a take.
    checkpoint
        Folder with weights of your own training.
    as_json
        Print what was made as JSON.
    """
    from phraseloom.form import parse_form

    if (form is None) == (bars is None):
        raise RequestError("how the song is to go on is not clear", 'give either --form "B8 o4" or --bars 16')
    asked = None if form is None else parse_form(form)
    score = _read_for_editing(file)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.extend(score, slots, asked or editing.new_section(score, bars or 0), before=before)

    _make_edits(edit_for, output, count, seed, steps, checkpoint, as_json)


@app.command
def restructure(
    file: Path,
    *,
    output: Output,
    form: str,
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Rebuild a song to another form from its own sections; sections that it does not have are written anew.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    output
        As for generate.
    form
        Such as "i4 A8 B8 A8 C8 B8"; letters that the song has are its own sections.
    seed
        The same seed gives the same notes.
    count
        How many takes.
    steps
        Sampling steps a take.
    checkpoint
        Folder with weights of your own training.
    as_json
        Print what was made as JSON.
    """
    from phraseloom.form import parse_form

    sections = parse_form(form)
    score = _read_for_editing(file)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.restructure(score, slots, sections)

    _make_edits(edit_for, output, count, seed, steps, checkpoint, as_json)


@app.command
def arrange(
    file: Path,
    *,
    output: Output,
    given: Annotated[str, Parameter(name="--given")],
    seed: int | None = None,
    count: Count = 1,
    steps: Steps = 24,
    checkpoint: Path | None = None,
    as_json: Json = False,
) -> None:
    """Write the missing parts to some that are given: an accompaniment to a melody, or a melody to it.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    output
        As for generate.
    given
        Which track, by name or number from 1, is which part of the model, such as Melody=1; several with commas
        between.
    seed
        The same seed gives the same notes.
    count
        How many takes.
    steps
        Sampling steps a take.
    checkpoint
        Folder with weights of your own training.
    as_json
        Print what was made as JSON.
    """
    score = _read_for_editing(file)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.arrange(score, slots, given.split(","))

    _make_edits(edit_for, output, count, seed, steps, checkpoint, as_json)


def _read_for_editing(file: Path) -> Score:
    """The score of a file; what was odd about it, or had to be moved onto the grid, goes to stderr."""
    from phraseloom.midi import load_midi, quantise

    song = load_midi(file)
    quantised = quantise(song)
    for warning in song.warnings + quantised.warnings:
        terminal.say(f"{file}: {warning}")
    return quantised.score


def _names(tracks: str | None) -> list[str] | None:
    return None if tracks is None else tracks.split(",")


def _make_edits(
    edit_for: Callable[[Sequence[Slot]], Edit],
    output: str,
    count: int,
    seed: int | None,
    steps: int,
    checkpoint: Path | None,
    as_json: bool,
) -> None:
    """As `make_takes`, for the edit that a model's slots make of what was asked."""

    def make(composer: Composer, seed: int | None, progress: Progress) -> Take:
        return composer.edit(edit_for(composer.model.slots), seed=seed, steps=steps, progress=progress)

    make_takes(make, output, count, seed, checkpoint, as_json)
