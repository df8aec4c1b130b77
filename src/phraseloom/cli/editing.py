"""Songs from songs: infill, vary, extend, restructure, arrange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import Parameter

from phraseloom import terminal
from phraseloom.cli.application import Count, Json, Output, Steps, Tracks, app  # noqa: F401 - inherited options name them
from phraseloom.cli.takes import TakeOptions, make_takes
from phraseloom.errors import RequestError

if TYPE_CHECKING:
    from phraseloom.composer import Composer, Take
    from phraseloom.editing import Edit
    from phraseloom.progress import Progress
    from phraseloom.score import Score
    from phraseloom.song_model import Slot
    from phraseloom.song_recipe import SongRecipe


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class EditOptions(TakeOptions):
    """What every command that edits songs can be told.

    Parameters
    ----------
    meter
        The song is read in bars of 4/4 from its start on, whatever its file says.
    lock
        What is to stay as it is, now and when the song is edited again, such as "melody; piano: 5-8; all: 13-16". When
        not given, what the file says is locked; "" unlocks everything.
    given
        Which track of the file, by name or number from 1, is which part of the model, such as Melody=2,Piano=4. When
        not given, tracks are known by their names, or found, and what was found is told.
    density
        About how many notes a bar of what is written, such as "A: piano 12; B: all 8"; sections and tracks are called
        as in the file.
    """

    meter: Literal["4/4"] | None = None
    lock: str | None = None
    given: str | None = None
    density: str | None = None

    @property
    def given_parts(self) -> list[str]:
        """Pairs such as `Melody=2`."""
        return [] if self.given is None else self.given.split(",")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """Which cells of a song are meant.

    Parameters
    ----------
    bars
        Such as 13-20 or 4,9-12, counted from 1; all bars when not given.
    tracks
        Names or numbers, from 1, with commas between; all that the model can write when not given.
    """

    bars: str | None = None
    tracks: Tracks = None


@app.command
def infill(file: Path, *, region: RegionOptions | None = None, options: EditOptions) -> None:
    """Write some bars of some tracks of a song anew, to fit what stands around them; everything else stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    """
    cells, song = region or RegionOptions(), _open(file, options)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        tracks, given = _names(cells.tracks), options.given_parts
        return editing.infill(song.score, slots, cells.bars, tracks, given=given, locked=song.locked)

    _make_edits(edit_for, song, options)


@app.command
def vary(file: Path, *, distance: float = 0.5, region: RegionOptions | None = None, options: EditOptions) -> None:
    """Vary a song, or some bars of some tracks; everything else stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    distance
        0 leaves all as it is, 1 writes all anew.
    """
    cells, song = region or RegionOptions(), _open(file, options)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        tracks, given = _names(cells.tracks), options.given_parts
        return editing.vary(song.score, slots, distance, cells.bars, tracks, given=given, locked=song.locked)

    _make_edits(edit_for, song, options)


@app.command
def extend(
    file: Path, *, form: str | None = None, bars: int | None = None, before: bool = False, options: EditOptions
) -> None:
    """Let a song go on; what is there stays.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    form
        Sections to add, such as "B8 o4"; a letter that the song has is meant to be heard again.
    bars
        How many bars to add, in place of a form: a new section.
    before
        Add them at the front.
    """
    from phraseloom.form import parse_form

    if (form is None) == (bars is None):
        raise RequestError("how the song is to go on is not clear", 'give either --form "B8 o4" or --bars 16')
    asked = None if form is None else parse_form(form)
    song = _open(file, options)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        sections = asked or editing.new_section(song.score, bars or 0)
        given = options.given_parts
        return editing.extend(song.score, slots, sections, before=before, given=given, locked=song.locked)

    _make_edits(edit_for, song, options)


@app.command
def restructure(file: Path, *, form: str, options: EditOptions) -> None:
    """Rebuild a song to another form from its own sections; sections that it does not have are written anew.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    form
        Such as "i4 A8 B8 A8 C8 B8"; letters that the song has are its own sections.
    """
    from phraseloom.form import parse_form

    sections = parse_form(form)
    song = _open(file, options)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing

        return editing.restructure(song.score, slots, sections, given=options.given_parts, locked=song.locked)

    _make_edits(edit_for, song, options)


@app.command
def arrange(
    file: Path,
    *,
    melody: str | None = None,
    keep_others: bool = False,
    key: str | None = None,
    tempo: float | None = None,
    form: str | None = None,
    options: EditOptions,
) -> None:
    """Write the missing parts to some that are given: an accompaniment to a melody, or a melody to it.

    What is found in the file is told: bars, meter, tempo, key, form, and how far its notes lie from the grid. A track
    that is called like a part that is written makes room for it; drums and other tracks stay.

    Parameters
    ----------
    file
        MIDI file, in 4/4.
    melody
        Which track is the melody, by name or number from 1; found, and told, when nothing is given.
    keep_others
        Keep all tracks of the file beside the new ones.
    key
        The song's key, such as G, "G major", Am or "F# minor", in place of the one found.
    tempo
        Quarter notes a minute for the whole song, in place of the file's.
    form
        The song's sections, such as "i4 A8 A8 B8 o4", in place of those found.
    """
    song = _open(file, options, key=key, tempo=tempo, form=form)

    def edit_for(slots: Sequence[Slot]) -> Edit:
        from phraseloom import editing
        from phraseloom.parts import melody_given

        pairs = options.given_parts
        if melody is not None or not pairs:
            pairs.insert(0, melody_given(song.score, slots, melody))
        edit = editing.arrange(song.score, slots, pairs, keep_others=keep_others, locked=song.locked)
        _say_what_was_found(file, song)
        if melody is None and options.given is None:
            terminal.say(f"{file}: taken for the melody: {pairs[0]}; --melody or --given says otherwise")
        return edit

    _make_edits(edit_for, song, options)


@dataclass(frozen=True)
class _OpenSong:
    """A song to be edited, as its file or the user has it, and how it came to be."""

    score: Score
    recipe: SongRecipe | None
    locked: str | None


def _open(
    file: Path,
    options: EditOptions,
    *,
    key: str | None = None,
    tempo: float | None = None,
    form: str | None = None,
) -> _OpenSong:
    """The song of a file; what was odd about it, or had to be moved onto the grid, goes to stderr."""
    from phraseloom.midi import load_midi, quantise, with_passengers
    from phraseloom.song_recipe import SongRecipe

    midi = load_midi(file)
    quantised = quantise(midi)
    for warning in midi.warnings + quantised.warnings:
        terminal.say(f"{file}: {warning}")
    from phraseloom.editing import corrected  # here, so that a file that cannot be read is answered at once

    in_four = options.meter is not None
    score = corrected(with_passengers(quantised.score, midi), key=key, tempo_bpm=tempo, form=form, in_four=in_four)
    _say_timing(file, score)
    recipe = SongRecipe.parse(midi.recipe)
    locked = _checked_locks(score, recipe) if options.lock is None else options.lock
    return _OpenSong(score, recipe, locked)


def _say_timing(file: Path, score: Score) -> None:
    from phraseloom.timing import grid_timing

    timing = grid_timing(score)
    if timing.num_moved:
        terminal.say(f"{file}: {timing}; those that stay keep their time")


def _checked_locks(score: Score, recipe: SongRecipe | None) -> str | None:
    """What the file locks, which must fit the song: somebody may have changed it elsewhere."""
    from phraseloom.regions import parse_cells

    if recipe is None or recipe.locked is None:
        return None
    try:
        parse_cells(recipe.locked, score)
    except RequestError as error:
        remedy = 'say with --lock what is to stay, or --lock "" for nothing'
        raise RequestError(f"the file locks {recipe.locked}, but {error.message}", remedy) from error
    return recipe.locked


def _say_what_was_found(file: Path, song: _OpenSong) -> None:
    from phraseloom.inspection import inspect_score

    terminal.say(f"{file}: found {inspect_score(song.score).summary()}")


def _names(tracks: str | None) -> list[str] | None:
    return None if tracks is None else tracks.split(",")


def _make_edits(edit_for: Callable[[Sequence[Slot]], Edit], song: _OpenSong, options: EditOptions) -> None:
    """As `make_takes`, for the edit that a model's slots make of what was asked."""
    from phraseloom.density import parse_density
    from phraseloom.editing import with_density

    density = None if options.density is None else parse_density(options.density)
    edits: list[Edit] = []

    def make(composer: Composer, seed: int | None, progress: Progress) -> Take:
        is_first = not edits
        if is_first:
            edit = edit_for(composer.model.slots)
            edits.append(edit if density is None else with_density(edit, density))
            _say_other_weights(song.recipe, composer)
        take = composer.edit(edits[0], seed=seed, progress=progress, recipe=song.recipe, **options.sampling)
        for remark in take.remarks if is_first else ():
            terminal.say(remark)
        return take

    make_takes(make, options)


def _say_other_weights(recipe: SongRecipe | None, composer: Composer) -> None:
    weights = composer.model.fingerprint
    if recipe is not None and recipe.weights not in (None, weights):
        terminal.say(f"the song was made with the weights {recipe.weights}, it is edited with {weights}")
