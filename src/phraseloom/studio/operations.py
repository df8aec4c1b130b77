"""What a job is to write: an operation on a song, resolved to cells and noise level. No model is needed for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.form import parse_form
from phraseloom.studio.changes import SectionChange, with_sections
from phraseloom.studio.problems import ConflictError, pointing_at
from phraseloom.studio.state import EMPTY, FRESH, SongState

ALL_NEW = 1.0
"""The noise level of cells that are written from nothing."""


class Operation(StrEnum):
    """What a job may be asked to do; see `docs/studio.md`, "Jobs"."""

    GENERATE = "generate"
    INFILL = "infill"
    VARY = "vary"
    EXTEND = "extend"


@dataclass(frozen=True)
class Rectangle:
    """Some bars of some tracks.

    Attributes:
        first_bar, last_bar: counted from 1, both included; None for the song's first and last.
        tracks: names, or numbers from 1; None for all.
    """

    first_bar: int | None = None
    last_bar: int | None = None
    tracks: tuple[str | int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Work:
    """A song and the cells of it that are to be written.

    Attributes:
        state: with bars that are new, empty.
        cells: `[n, t]` bool.
        distance: the noise level from which written cells are drawn; empty ones are drawn from nothing.
    """

    state: SongState
    cells: np.ndarray
    distance: float


def work_of(
    state: SongState,
    operation: Operation,
    *,
    cells: Sequence[Rectangle] | None = None,
    distance: float = ALL_NEW,
    form: str | None = None,
    before: bool = False,
) -> Work:
    """The cells that an operation writes: never locked ones, nor those of tracks that the model does not have.

    Raises:
        RequestError: bars or tracks that the song does not have, or a form where none belongs or none where one does.
        ConflictError: no cell is left to write.
    """
    if (form is None) == (operation is Operation.EXTEND):
        with pointing_at("/form"):
            raise RequestError("a form belongs to extend, and extend needs one", 'give extend a form, such as "B8 o4"')
    if form is not None:
        old_bars = state.num_bars
        state = _extended(state, form, before)
        chosen = _new_bars(state, state.num_bars - old_bars, before)
    elif operation is Operation.GENERATE:
        chosen = np.ones((state.num_bars, len(state.tracks)), bool)
    elif cells is None:
        chosen = ~state.is_cell(FRESH) if operation is Operation.INFILL else state.is_writable
    else:
        with pointing_at("/cells"):
            chosen = selected(state, cells)
    chosen = chosen & state.is_writable & ~state.is_locked
    if not chosen.any():
        raise ConflictError("no cell is left to write", "unlock some, or choose others")
    return Work(state, chosen, distance if operation in (Operation.INFILL, Operation.VARY) else ALL_NEW)


def noise_levels(work: Work) -> np.ndarray:
    """`[n, t]` the noise level of each cell: 0 for those that stay as they are."""
    return np.where(work.cells, np.where(work.state.is_cell(EMPTY), ALL_NEW, work.distance), 0.0)


def selected(state: SongState, rectangles: Sequence[Rectangle]) -> np.ndarray:
    """`[n, t]` bool: the cells in any of the rectangles.

    Raises:
        RequestError: bars or tracks that the song does not have.
    """
    mask = np.zeros((state.num_bars, len(state.tracks)), bool)
    for index, rectangle in enumerate(rectangles):
        with pointing_at(f"/{index}"):
            mask |= cells_of(state, rectangle)
    return mask


def cells_of(state: SongState, rectangle: Rectangle) -> np.ndarray:
    """`[n, t]` bool: the cells in a rectangle; errors as `selected`."""
    mask = np.zeros((state.num_bars, len(state.tracks)), bool)
    first_bar, last_bar = _bars(state, rectangle)
    tracks = range(len(state.tracks)) if rectangle.tracks is None else _tracks(state, rectangle.tracks)
    mask[first_bar - 1 : last_bar, list(tracks)] = True
    return mask


def _bars(state: SongState, rectangle: Rectangle) -> tuple[int, int]:
    first_bar = 1 if rectangle.first_bar is None else rectangle.first_bar
    last_bar = state.num_bars if rectangle.last_bar is None else rectangle.last_bar
    if not 1 <= first_bar <= last_bar <= state.num_bars:
        raise RequestError(
            f"the song has no bars {first_bar} to {last_bar}", f"name bars from 1 to {state.num_bars}, in their order"
        )
    return first_bar, last_bar


def _tracks(state: SongState, tracks: Sequence[str | int]) -> list[int]:
    names = [track.track.name.strip().casefold() for track in state.tracks]
    chosen = []
    for index, track in enumerate(tracks):
        place = track - 1 if isinstance(track, int) else _index(names, track.strip().casefold())
        if place not in range(len(names)):
            shown = ", ".join(f"{number} {each.track.name}" for number, each in enumerate(state.tracks, start=1))
            with pointing_at(f"/tracks/{index}"):
                raise RequestError(f"the song has no track {track!r}", f"choose among {shown}")
        chosen.append(place)
    return chosen


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _extended(state: SongState, form: str, before: bool) -> SongState:
    with pointing_at("/form"):
        new = [SectionChange(letter=section.letter, num_bars=section.num_bars) for section in parse_form(form)]
        old = [SectionChange(id=section.id) for section in state.sections]
        return with_sections(state, new + old if before else old + new)


def _new_bars(state: SongState, num_new: int, before: bool) -> np.ndarray:
    mask = np.zeros((state.num_bars, len(state.tracks)), bool)
    mask[slice(num_new) if before else slice(state.num_bars - num_new, None)] = True
    return mask
