"""From what a client sends to changes of a song, every mistake with a pointer to where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from phraseloom.cast import parse_cast
from phraseloom.density import parse_density
from phraseloom.errors import RequestError
from phraseloom.form import format_form
from phraseloom.harmony import parse_key
from phraseloom.studio.changes import (
    KEEP,
    SectionChange,
    cleared,
    with_cast,
    with_chords,
    with_density,
    with_key,
    with_locks,
    with_program,
    with_sections,
    with_tempo,
)
from phraseloom.studio.chord_texts import parse_bar
from phraseloom.studio.library import NewRevision
from phraseloom.studio.operations import Operation, Rectangle, Work, cells_of, work_of
from phraseloom.studio.problems import pointing_at
from phraseloom.studio.requests import (
    ChordsEntry,
    JobRequest,
    PlanEntry,
    RectangleEntry,
    SectionEntry,
    SongChanges,
    TrackEntry,
)
from phraseloom.studio.state import BarChords, SongState


def changed(state: SongState, changes: SongChanges) -> NewRevision:
    """The song with the changes of one request.

    Raises:
        RequestError: one of them is not possible; none is made.
    """
    new = state
    if changes.title is not None:
        new = replace(new, title=changes.title)
    if changes.seed is not None:
        new = replace(new, seed=changes.seed)
    new = with_plan(new, changes)
    for index, entry in enumerate(changes.tracks or ()):
        with pointing_at(f"/tracks/{index}"):
            new = _with_instrument(new, entry)
    for index, entry in enumerate(changes.locks or ()):
        with pointing_at(f"/locks/{index}"):
            new = with_locks(new, cells_of(new, rectangle_of(entry)), entry.locked)
    for index, entry in enumerate(changes.clear or ()):
        with pointing_at(f"/clear/{index}"):
            new = cleared(new, cells_of(new, rectangle_of(entry)))
    return NewRevision(new, changes.label or _label(new, changes))


def with_plan(state: SongState, plan: PlanEntry) -> SongState:
    """The song with another plan; errors as `changed`."""
    if plan.key is not None:
        with pointing_at("/key"):
            state = with_key(state, parse_key(plan.key))
    if plan.tempo_bpm is not None:
        state = with_tempo(state, plan.tempo_bpm)
    if plan.repeat is not None:
        state = replace(state, repeat=plan.repeat)
    if plan.sections is not None:
        with pointing_at("/sections"):
            state = with_sections(state, list(map(_section_change, plan.sections)))
    for index, entry in enumerate(plan.chords or ()):
        with pointing_at(f"/chords/{index}"):
            state = _with_chords(state, entry)
    if "cast" in plan.model_fields_set:
        with pointing_at("/cast"):
            state = with_cast(state, None if plan.cast is None else parse_cast(plan.cast))
    if "density" in plan.model_fields_set:
        with pointing_at("/density"):
            state = with_density(state, None if plan.density is None else parse_density(plan.density))
    return state


def requested_work(state: SongState, request: JobRequest) -> Work:
    """What a job is to write.

    Raises:
        RequestError: a change of the plan that is not possible, or no such cells.
        ConflictError: no cell is left to write.
    """
    if request.plan is not None:
        with pointing_at("/plan"):
            state = with_plan(state, request.plan)
    return work_of(
        state,
        Operation(request.operation),
        cells=None if request.cells is None else list(map(rectangle_of, request.cells)),
        distance=request.distance,
        form=request.form,
        before=request.before,
    )


def rectangle_of(entry: RectangleEntry) -> Rectangle:
    """The cells that an entry names."""
    return Rectangle(entry.first_bar, entry.last_bar, None if entry.tracks is None else tuple(entry.tracks))


def _section_change(entry: SectionEntry) -> SectionChange:
    return SectionChange(
        entry.id, entry.copy_of, entry.letter, entry.num_bars, entry.name or None, "name" in entry.model_fields_set
    )


def _with_chords(state: SongState, entry: ChordsEntry) -> SongState:
    section = next((section for section in state.sections if section.id == entry.section), None)
    if section is None:
        known = ", ".join(str(section.id) for section in state.sections)
        with pointing_at("/section"):
            raise RequestError(f"the song has no section {entry.section}", f"choose among {known}")
    alike = {each.id for each in state.sections if each.letter == section.letter}
    section_ids = alike if entry.same_letter else {section.id}
    return with_chords(state, section_ids, entry.first_bar - 1, _bars(entry.bars), entry.fill)


def _bars(texts: Sequence[str | None]) -> list[BarChords | str]:
    bars: list[BarChords | str] = []
    for index, text in enumerate(texts):
        with pointing_at(f"/bars/{index}"):
            bars.append(KEEP if text is None else parse_bar(text))
    return bars


def _with_instrument(state: SongState, entry: TrackEntry) -> SongState:
    if entry.track > len(state.tracks):
        raise RequestError(f"the song has no track {entry.track}", f"name one from 1 to {len(state.tracks)}")
    return with_program(state, entry.track - 1, entry.program)


def _label(state: SongState, changes: SongChanges) -> str:
    """What the history calls a step that nobody has named."""
    is_locking = all(entry.locked for entry in changes.locks or ())
    texts = {
        "title": "Title",
        "seed": f"Seed {state.seed}",
        "key": f"Key {state.key}",
        "tempo_bpm": f"{state.tempos[0].tempo_bpm:g} bpm",
        "repeat": "Repeats",
        "sections": f"Form {format_form(state.form)}",
        "chords": "Chords",
        "cast": "Cast",
        "density": "Density",
        "tracks": "Instrument",
        "locks": "Locked" if is_locking else "Unlocked",
        "clear": "Cleared",
    }
    given = [text for name, text in texts.items() if name in changes.model_fields_set]
    return ", ".join(given) or "No change"
