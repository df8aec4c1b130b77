"""Changes of a song, state to state: what is moved, what becomes stale, what never changes.

Masks are `[n, t]` bool, n bars and t tracks; bars are counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from phraseloom.cast import PLAYS, RESTS, Cast
from phraseloom.chord_chart import ChordChart
from phraseloom.density import Density
from phraseloom.errors import RequestError
from phraseloom.form import MAX_BARS
from phraseloom.harmony import Key
from phraseloom.score import Notes, Score, TempoChange
from phraseloom.studio.problems import pointing_at
from phraseloom.studio.state import (
    EMPTY,
    FRESH,
    LOCKED,
    OPEN,
    STALE,
    TICKS_PER_BAR,
    BarChords,
    GridTrack,
    PlacedSection,
    SongState,
    bar_chords,
    new_section_id,
)
from phraseloom.texture import UNKNOWN, Aspect, texture_of_bars
from phraseloom.transforms import overlaid

Asked = TypeVar("Asked", Cast, Density)

NOWHERE = -1
"""In lists of the bars that bars come from: from none."""
KEEP = "keep"
"""In place of a bar's chords: as they are."""


@dataclass(frozen=True)
class SectionChange:
    """One section of a new form.

    Attributes:
        id: of a section that the song has, to bring it along; None for another one.
        copy_of: id of a section that the song has, to copy it; with neither the section is new.
        letter, num_bars: None to leave them as they are.
        name: read only where `renames`; None for the usual name.
    """

    id: int | None = None
    copy_of: int | None = None
    letter: str | None = None
    num_bars: int | None = None
    name: str | None = None
    renames: bool = False


def with_key(state: SongState, key: Key) -> SongState:
    """Another key; nothing is transposed, pitched cells become stale."""
    if key == state.key:
        return state
    is_pitched = np.tile([not track.track.is_drum for track in state.tracks], (state.num_bars, 1))
    return stale_where(replace(state, key=key), is_pitched)


def with_tempo(state: SongState, tempo_bpm: float) -> SongState:
    """One tempo for the whole song; a tempo that the song begins with already changes nothing."""
    tempo = TempoChange(0, tempo_bpm)
    return state if tempo == state.tempos[0] else replace(state, tempos=(tempo,))


def with_cast(state: SongState, cast: Cast | None) -> SongState:
    """Another cast; cells become stale where it says otherwise than the notes.

    Raises:
        RequestError: a letter that the form does not have, or a name that no track of the model has.
    """
    if cast == state.cast:
        return state
    changed = replace(state, cast=cast)
    if cast is None:
        return changed
    sounds = cast_mask(changed)
    is_silent = np.stack([_num_notes(changed, track) == 0 for track in changed.tracks], axis=1)
    return stale_where(changed, ((sounds == RESTS) & ~is_silent) | ((sounds == PLAYS) & is_silent))


def cast_mask(state: SongState) -> np.ndarray:
    """`[n, t]` what the cast says of each cell, see `phraseloom.cast`; tracks that are not the model's are free."""
    sounds = np.zeros((state.num_bars, len(state.tracks)), np.int64)
    if state.cast is not None:
        written, names = _model_tracks(state)
        sounds[:, written] = state.cast.playing(state.form, names)
    return sounds


def with_density(state: SongState, density: Density | None) -> SongState:
    """Other numbers of notes; cells become stale where another grade is asked for than before.

    Raises:
        RequestError: a letter that the form does not have, or a name that no track of the model has.
    """
    if density == state.density:
        return state
    changed = replace(state, density=density)
    before, asked = (density_grades(each)[..., Aspect.NOTES] for each in (state, changed))
    return stale_where(changed, (asked != before) & (asked != UNKNOWN))


def density_grades(state: SongState) -> np.ndarray:
    """`[n, t, a]` what the density says of each cell, see `phraseloom.texture`; what is not the model's is unknown."""
    grades = np.full((state.num_bars, len(state.tracks), len(Aspect)), UNKNOWN, np.int64)
    if state.density is not None:
        written, names = _model_tracks(state)
        grades[:, written] = texture_of_bars(state.density.grades(state.form, names), state.form)
    return grades


def with_sections(state: SongState, changes: Sequence[SectionChange]) -> SongState:
    """Another form; notes, chords, cells and locks move with their sections.

    Raises:
        RequestError: an unknown section, one that comes twice, no letter or length for a new one, or too many bars.
    """
    ids = [change.id for change in changes if change.id is not None]
    if len(set(ids)) < len(ids):
        raise RequestError("a section comes twice", "copy it the second time, with copy_of in place of id")
    moves = []
    for index, change in enumerate(changes):
        with pointing_at(f"/{index}"):
            moves.append(_move(state, change))
    sources = [bar for move in moves for bar in move.sources]
    if not 1 <= len(sources) <= MAX_BARS:
        raise RequestError(f"the form has {len(sources)} bars", f"give it sections of 1 to {MAX_BARS} bars together")
    moved = rebuilt(state, [move.section for move in moves], sources)
    copies = bars_of_sections(moved, {move.section.id for move in moves if move.is_copy})
    relettered = bars_of_sections(moved, {move.section.id for move in moves if move.is_relettered})
    moved = with_locks(moved, bars_mask(moved, copies), False)
    moved = stale_where(moved, bars_mask(moved, relettered))
    letters = {section.letter for section in moved.sections}
    return replace(moved, cast=of_letters(moved.cast, letters), density=of_letters(moved.density, letters))


def with_chart(state: SongState, chart: ChordChart) -> SongState:
    """The chords of a chart in all sections that it names; see `with_chords` for what becomes stale.

    Raises:
        RequestError: the chart names a letter that the form does not have.
    """
    chords = bar_chords(replace(state.score, chords=chart.spans(state.form)))
    for section, first_bar in zip(state.sections, state.first_bars, strict=True):
        own = chords[first_bar : first_bar + section.num_bars]
        state = with_chords(state, {section.id}, 0, [KEEP if bar is None else bar for bar in own], fill=False)
    return state


def with_chords(
    state: SongState, section_ids: Collection[int], first_bar: int, bars: Sequence[BarChords | str], fill: bool
) -> SongState:
    """Other chords in some sections; bars whose chords change become stale in their pitched tracks.

    Args:
        first_bar: counted in the section, from 0.
        bars: chords, None to free a bar, `KEEP` to leave it as it is.
        fill: the same bars again until the section is full; what lies behind its end is left out.
    """
    sections = []
    for section in state.sections:
        chords = list(section.chords)
        if section.id in section_ids and bars:
            behind = section.num_bars if fill else min(first_bar + len(bars), section.num_bars)
            for place in range(first_bar, behind):
                new = bars[(place - first_bar) % len(bars)]
                chords[place] = chords[place] if isinstance(new, str) else new
        sections.append(replace(section, chords=tuple(chords)))
    before, after = ([bar for section in each for bar in section.chords] for each in (state.sections, sections))
    is_changed = [old != new for old, new in zip(before, after, strict=True)]
    is_pitched = [not track.track.is_drum for track in state.tracks]
    return stale_where(replace(state, sections=tuple(sections)), np.outer(is_changed, is_pitched))


def with_program(state: SongState, index: int, program: int) -> SongState:
    """Another instrument, 0 to 127, for a track counted from 0."""
    grid_track = state.tracks[index]
    changed = replace(grid_track, track=replace(grid_track.track, program=program))
    return replace(state, tracks=(*state.tracks[:index], changed, *state.tracks[index + 1 :]))


def with_locks(state: SongState, mask: np.ndarray, locked: bool) -> SongState:
    """The cells of a mask locked, or open."""
    character = LOCKED if locked else OPEN
    return _each_track(state, lambda track, bars: replace(track, locked=_marked(track.locked, bars, character)), mask)


def cleared(state: SongState, mask: np.ndarray) -> SongState:
    """The cells of a mask empty, but for those that are locked."""

    def emptied(track: GridTrack, bars: np.ndarray) -> GridTrack:
        notes = track.track.notes
        kept = notes.where(~bars[notes.onset_ticks // TICKS_PER_BAR])
        return replace(track, track=replace(track.track, notes=kept), cells=_marked(track.cells, bars, EMPTY))

    return _each_track(state, emptied, mask & ~state.is_locked)


def with_cells(state: SongState, drawn: Score, mask: np.ndarray) -> SongState:
    """The cells of a mask written with the notes that `drawn`, a score of the same tracks and bars, has there.

    Where one of these notes would sound together with a note of its pitch that stays, it yields.
    """
    tracks = []
    for index, (grid_track, source) in enumerate(zip(state.tracks, drawn.tracks, strict=True)):
        bars = mask[:, index]
        own, new = grid_track.track.notes, source.notes
        notes = overlaid(
            own.where(~bars[own.onset_ticks // TICKS_PER_BAR]), new.where(bars[new.onset_ticks // TICKS_PER_BAR])
        )
        cells = _marked(grid_track.cells, bars, FRESH)
        tracks.append(replace(grid_track, track=replace(grid_track.track, notes=notes), cells=cells))
    return replace(state, tracks=tuple(tracks))


def stale_where(state: SongState, mask: np.ndarray) -> SongState:
    """Fresh cells of a mask stale; locked ones, and those that the model does not write, stay as they are."""
    chosen = mask & state.is_cell(FRESH) & ~state.is_locked & state.is_writable
    return _each_track(state, lambda track, bars: replace(track, cells=_marked(track.cells, bars, STALE)), chosen)


def bars_mask(state: SongState, bars: Collection[int]) -> np.ndarray:
    """All tracks in some bars."""
    is_chosen = np.isin(np.arange(state.num_bars), list(bars))
    return np.tile(is_chosen[:, None], (1, len(state.tracks)))


def bars_of_sections(state: SongState, section_ids: Collection[int]) -> list[int]:
    """The bars of some sections, in order."""
    return [
        first_bar + offset
        for section, first_bar in zip(state.sections, state.first_bars, strict=True)
        if section.id in section_ids
        for offset in range(section.num_bars)
    ]


def rebuilt(state: SongState, sections: Sequence[PlacedSection], sources: Sequence[int]) -> SongState:
    """The song with other sections, for every bar of them the bar that it comes from, `NOWHERE` for an empty one."""
    tracks = []
    for grid_track in state.tracks:
        tracks.append(
            replace(
                grid_track,
                track=replace(grid_track.track, notes=_notes_of_bars(grid_track.track.notes, sources, state.num_bars)),
                cells="".join(EMPTY if bar == NOWHERE else grid_track.cells[bar] for bar in sources),
                locked="".join(OPEN if bar == NOWHERE else grid_track.locked[bar] for bar in sources),
            )
        )
    tempos = tuple(tempo for tempo in state.tempos if tempo.tick < len(sources) * TICKS_PER_BAR)
    return replace(state, sections=tuple(sections), tracks=tuple(tracks), tempos=tempos)


@dataclass(frozen=True)
class _Move:
    """A section of the new form, and the old bars that its bars are."""

    section: PlacedSection
    sources: list[int]
    is_copy: bool = False
    is_relettered: bool = False


def _move(state: SongState, change: SectionChange) -> _Move:
    of_song = change.id if change.copy_of is None else change.copy_of
    if change.id is not None and change.copy_of is not None:
        raise RequestError("a section is brought along and copied at once", "give id or copy_of, not both")
    if of_song is None:
        if change.letter is None or change.num_bars is None:
            raise RequestError("a new section has no letter or no number of bars", "give it both, such as A and 8")
        return _Move(PlacedSection.new(change.letter, change.num_bars, change.name), [NOWHERE] * change.num_bars)
    index = next((index for index, section in enumerate(state.sections) if section.id == of_song), None)
    if index is None:
        known = ", ".join(str(section.id) for section in state.sections)
        raise RequestError(f"the song has no section {of_song}", f"choose among {known}, or read the song again")
    old, first_bar = state.sections[index], state.first_bars[index]
    num_bars = change.num_bars or old.num_bars
    section = PlacedSection(
        id=old.id if change.copy_of is None else new_section_id(),
        letter=change.letter or old.letter,
        num_bars=num_bars,
        name=change.name if change.renames else old.name,
        chords=tuple(old.chords[bar % old.num_bars] for bar in range(num_bars)),
    )
    sources = [first_bar + bar if bar < old.num_bars else NOWHERE for bar in range(num_bars)]
    return _Move(section, sources, change.copy_of is not None, section.letter != old.letter)


def of_letters(asked: Asked | None, letters: Collection[str]) -> Asked | None:
    """What is asked without letters that the form does not have; None where nothing is left."""
    parts = () if asked is None else tuple(part for part in asked.parts if part[0] in letters)
    return None if asked is None or not parts else replace(asked, parts=parts)


def _model_tracks(state: SongState) -> tuple[list[int], list[str]]:
    """The places and the names of the model's tracks."""
    written = [index for index, track in enumerate(state.tracks) if track.is_writable]
    return written, [state.tracks[index].track.name for index in written]


def _notes_of_bars(notes: Notes, sources: Sequence[int], num_bars: int) -> Notes:
    """The notes that begin in the bars `sources`, one bar after the other; nothing from `NOWHERE`."""
    bounds = np.searchsorted(notes.onset_ticks, TICKS_PER_BAR * np.arange(num_bars + 1))
    tables = [
        notes.table[bounds[bar] : bounds[bar + 1]] + np.array([(place - bar) * TICKS_PER_BAR, 0, 0, 0])
        for place, bar in enumerate(sources)
        if bar != NOWHERE
    ]
    return Notes.build(*np.concatenate(tables).T) if tables else Notes.empty()


def _num_notes(state: SongState, grid_track: GridTrack) -> np.ndarray:
    """`[n]`: notes that begin in each bar."""
    return np.bincount(grid_track.track.notes.onset_ticks // TICKS_PER_BAR, minlength=state.num_bars)


def _each_track(state: SongState, change: Callable[[GridTrack, np.ndarray], GridTrack], mask: np.ndarray) -> SongState:
    """Every track changed, given the bars `[n]` of a mask `[n, t]` that are its."""
    tracks = [change(track, mask[:, index]) for index, track in enumerate(state.tracks)]
    return replace(state, tracks=tuple(tracks))


def _marked(row: str, bars: np.ndarray, character: str) -> str:
    """A row of cells or locks with one character in some bars `[n]`."""
    return "".join(character if marked else old for old, marked in zip(row, bars.tolist(), strict=True))
