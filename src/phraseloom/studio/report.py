"""What was asked of a song and what was got, and how two states of it differ. Numbers about notes, never verdicts."""

from __future__ import annotations

import math
from typing import Any

from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.evaluation.repetition import homologous_similarity
from phraseloom.form import format_form
from phraseloom.score import Notes
from phraseloom.structure import key_of_notes
from phraseloom.studio.state import EMPTY, SongState

_DIGITS = 3


def report_rows(state: SongState) -> list[dict[str, Any]]:
    """Rows of name, asked and got; None where nothing was asked, or nothing can be got yet."""
    score = state.score
    key = key_of_notes(score.tracks)
    is_written = state.is_writable & ~state.is_cell(EMPTY)
    similarity = homologous_similarity(score)
    agreement = chord_agreement(score) if score.chords else None
    return [
        _row("bars", state.num_bars, score.num_bars),
        _row("form", format_form(state.form), format_form(score.sections)),
        _row("key", str(state.key), None if key is None else str(key)),
        _row("tempo_bpm", state.tempos[0].tempo_bpm, score.tempo_bpm),
        _row("chords", None if agreement is None else 1.0, None if agreement is None else _rounded(agreement.asked)),
        _row("written_cells", int(state.is_writable.sum()), int(is_written.sum())),
        _row("form_similarity", None, _rounded(similarity.homologous)),
        _row("other_similarity", None, _rounded(similarity.different_sections)),
    ]


def difference(old: SongState, new: SongState) -> dict[str, Any]:
    """Notes that only one of two songs has, by tracks; velocity does not count.

    Returns:
        `added` and `removed` as numbers, and for each track that differs as rows of a note's four columns.
    """
    tracks = []
    notes = [{track.track.name: track.track.notes for track in state.tracks} for state in (old, new)]
    for name in dict.fromkeys((*notes[1], *notes[0])):
        before, after = (of_state.get(name, Notes.empty()) for of_state in notes)
        added, removed = _only_in(after, before), _only_in(before, after)
        if added or removed:
            tracks.append({"name": name, "added": added, "removed": removed})
    return {
        "added": sum(len(track["added"]) for track in tracks),
        "removed": sum(len(track["removed"]) for track in tracks),
        "tracks": tracks,
    }


def _row(name: str, asked: Any, got: Any) -> dict[str, Any]:
    return {"name": name, "asked": asked, "got": got}


def _rounded(share: float) -> float | None:
    return None if math.isnan(share) else round(share, _DIGITS)


def _only_in(notes: Notes, others: Notes) -> list[list[int]]:
    known = set(map(tuple, others.table[:, :3].tolist()))
    return [row for row in notes.table.tolist() if tuple(row[:3]) not in known]
