"""Songs of the studio as JSON: what the library stores and the page reads.

A document says some things twice (`form`, `shown_name`, ...), for whoever reads it; `state_of` takes none of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phraseloom.cast import parse_cast
from phraseloom.density import parse_density
from phraseloom.form import format_form
from phraseloom.general_midi import program_name
from phraseloom.harmony import parse_key
from phraseloom.score import TICKS_PER_QUARTER, Notes, TempoChange, Track
from phraseloom.studio.chord_texts import bar_text, parse_bar
from phraseloom.studio.state import TICKS_PER_BAR, GridTrack, PlacedSection, SongState, stem_name


def document_of(state: SongState) -> dict[str, Any]:
    """A song for JSON; see `docs/studio.md`, "Songs"."""
    return {
        "notes_hash": state.notes_hash,
        "title": state.title,
        "seed": state.seed,
        "key": str(state.key),
        "tempo_bpm": state.tempos[0].tempo_bpm,
        "repeat": state.repeat,
        "cast": None if state.cast is None else str(state.cast),
        "density": None if state.density is None else str(state.density),
        "form": format_form(state.form),
        "num_bars": state.num_bars,
        "ticks_per_quarter": TICKS_PER_QUARTER,
        "ticks_per_bar": TICKS_PER_BAR,
        "duration_seconds": round(state.score.duration_seconds, 3),
        "sections": sections_document(state),
        "tracks": [_track_document(state, index) for index in range(len(state.tracks))],
        "tempos": [[tempo.tick, tempo.tempo_bpm] for tempo in state.tempos],
    }


def sections_document(state: SongState) -> list[dict[str, Any]]:
    """The sections of a song for JSON."""
    return [
        {
            "id": section.id,
            "letter": section.letter,
            "name": section.name,
            "shown_name": section.shown_name,
            "first_bar": first_bar + 1,
            "num_bars": section.num_bars,
            "chords": [bar_text(bar, state.key) for bar in section.chords],
        }
        for section, first_bar in zip(state.sections, state.first_bars, strict=True)
    ]


def _track_document(state: SongState, index: int) -> dict[str, Any]:
    grid_track = state.tracks[index]
    track = grid_track.track
    return {
        "name": track.name,
        "program": track.program,
        "instrument": "Drums" if track.is_drum else program_name(track.program),
        "is_drum": track.is_drum,
        "is_writable": grid_track.is_writable,
        "cells": grid_track.cells,
        "locked": grid_track.locked,
        "stem": stem_name(state.score, index),
        "notes": track.notes.table.tolist(),
    }


def state_of(document: Mapping[str, Any]) -> SongState:
    """The inverse of `document_of`, for documents that it made."""
    cast, density = document["cast"], document.get("density")  # which documents had not always
    return SongState(
        title=document["title"],
        seed=document["seed"],
        key=parse_key(document["key"]),
        repeat=document["repeat"],
        cast=None if cast is None else parse_cast(cast),
        density=None if density is None else parse_density(density),
        tempos=tuple(TempoChange(tick, tempo_bpm) for tick, tempo_bpm in document["tempos"]),
        sections=tuple(map(_section_of, document["sections"])),
        tracks=tuple(map(_track_of, document["tracks"])),
    )


def _section_of(document: Mapping[str, Any]) -> PlacedSection:
    chords = tuple(None if text is None else parse_bar(text) for text in document["chords"])
    return PlacedSection(document["id"], document["letter"], document["num_bars"], document["name"], chords)


def _track_of(document: Mapping[str, Any]) -> GridTrack:
    notes = Notes.from_rows(document["notes"])
    track = Track(document["name"], notes, document["program"], document["is_drum"])
    return GridTrack(track, document["cells"], document["locked"], document["is_writable"])
