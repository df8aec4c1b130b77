"""What a job has written, put into a song that has gone on meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from phraseloom.studio.changes import NOWHERE, rebuilt, with_cells
from phraseloom.studio.state import PlacedSection, SongState


def merged(song: SongState, base: SongState, take: SongState, written: np.ndarray) -> SongState:
    """The song with the cells that a take of its past has written.

    Cells are found again by their section and their place in it. Those that have been locked since stay, as do sections
    and bars that are gone; sections that are new in the take are added at the end, or at the start where it has them.

    Args:
        song: as it is now, with the tracks that `base` has.
        base: what the job started from.
        written: `[n, t]` bool, the cells of the take that the job wrote.
    """
    song = _with_new_sections(song, base, take)
    sources = _bars_in(take, song)
    of_take = rebuilt(take, song.sections, sources)
    is_written = np.zeros((song.num_bars, len(song.tracks)), bool)
    is_found = np.array(sources) != NOWHERE
    is_written[is_found] = written[np.array(sources)[is_found]]
    song = replace(song, sections=_with_open_bars_filled(song, take, sources))
    return with_cells(song, of_take.score, is_written & ~song.is_locked & song.is_writable)


def _with_new_sections(song: SongState, base: SongState, take: SongState) -> SongState:
    old = {section.id for section in (*base.sections, *song.sections)}
    new = [section for section in take.sections if section.id not in old]
    if not new:
        return song
    empty_bars = [NOWHERE] * sum(section.num_bars for section in new)
    bars = list(range(song.num_bars))
    if take.sections[0].id == new[0].id:
        return rebuilt(song, (*new, *song.sections), empty_bars + bars)
    return rebuilt(song, (*song.sections, *new), bars + empty_bars)


def _bars_in(take: SongState, song: SongState) -> list[int]:
    """For every bar of the song the same one in the take."""
    bar_of = {
        (section.id, offset): first_bar + offset
        for section, first_bar in zip(take.sections, take.first_bars, strict=True)
        for offset in range(section.num_bars)
    }
    places = [(section.id, offset) for section in song.sections for offset in range(section.num_bars)]
    return [bar_of.get(place, NOWHERE) for place in places]


def _with_open_bars_filled(song: SongState, take: SongState, sources: list[int]) -> tuple[PlacedSection, ...]:
    """The song's sections; bars without chords have those that the take followed there."""
    chords = [bar for section in take.sections for bar in section.chords]
    filled = []
    for section, first_bar in zip(song.sections, song.first_bars, strict=True):
        of_take = [None if bar == NOWHERE else chords[bar] for bar in sources[first_bar : first_bar + section.num_bars]]
        bars = tuple(new if own is None else own for own, new in zip(section.chords, of_take, strict=True))
        filled.append(replace(section, chords=bars))
    return tuple(filled)
