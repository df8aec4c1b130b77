"""What the worker does with the composer: a song and the cells to be written, to the song with them written.

Where all cells of the model's tracks are to be written, the song is composed to its plan, as the command line would.
Else it is an edit: cells to be written are drawn, the others stay. Cells that are empty but not to be written are drawn
along and thrown away, for if the network were told that they are silent, it would write for a song that rests there.

Letters in shapes: n bars, t tracks of the song, s slots of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from phraseloom.cast import RESTS
from phraseloom.chord_chart import ChordChart, chart_of
from phraseloom.composer import Composer
from phraseloom.editing import Edit
from phraseloom.errors import RequestError
from phraseloom.plan import SongPlan
from phraseloom.progress import Progress
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import Notes, Score, Track
from phraseloom.song_model import Slot
from phraseloom.studio.changes import cast_mask, cleared, density_grades, with_cells, with_chart
from phraseloom.studio.documents import document_of, state_of
from phraseloom.studio.operations import Operation, Work, noise_levels
from phraseloom.studio.state import EMPTY, SongState
from phraseloom.studio.worker import Task
from phraseloom.transforms import with_notes


def planned(composer: Composer, task: Task, seed: int) -> dict[str, Any]:
    """The song as it will be but for the cells to be written: with the chords that a take of this seed follows."""
    return document_of(_proposed(composer, _work(task), seed))


def written(composer: Composer, task: Task, seed: int, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    """A take as a document, and how it was made.

    Raises:
        RequestError: the song has a track that these weights do not know.
    """
    work = _work(task)
    state = _proposed(composer, work, seed)
    track_of_slot = _track_of_slot(state, composer.model.slots)
    plan = _plan(state) if _is_whole_song(work) else None
    if plan is not None:
        take = composer.generate(plan, seed=seed, steps=task.steps, progress=progress)
        drawn = _by_names(take.score, state.score)
    else:
        edit = _edit(work, state, composer.model.slots, track_of_slot, task.operation)
        take = composer.edit(edit, seed=seed, steps=task.steps, progress=progress)
        drawn = take.score
    made_by = {
        "operation": task.operation,
        "seed": seed,
        "steps": task.steps,
        "distance": task.distance,
        "weights": composer.model.fingerprint,
        "written": list(task.cells),
        "seconds": {stage: round(seconds, 3) for stage, seconds in take.seconds.items()},
    }
    song = with_cells(state, drawn, work.cells)
    return document_of(replace(song, seed=seed) if task.operation == Operation.GENERATE else song), made_by


def _work(task: Task) -> Work:
    cells = np.array([[mark == "1" for mark in row] for row in task.cells], bool).T
    return Work(state_of(task.document), cells, task.distance)


def _is_whole_song(work: Work) -> bool:
    """Whether nothing that the model writes stays."""
    return bool((work.cells == work.state.is_writable).all() and (noise_levels(work)[work.cells] == NEW).all())


def _proposed(composer: Composer, work: Work, seed: int) -> SongState:
    """The song with the chords that a song without any is composed to; to those of others nothing is added."""
    if work.state.score.chords or not _is_whole_song(work):
        return work.state
    plan = _plan(work.state)
    proposed = None if plan is None else composer.propose(plan, seed=seed).chords
    return work.state if proposed is None else with_chart(work.state, proposed)


def _plan(state: SongState) -> SongPlan | None:
    """The song's plan; None where its chords are not to be said by letters."""
    chart = chart_of(state.score.chords, state.form)
    if chart is not None and not _is_said_by(chart, state):
        return None
    return SongPlan(
        form=state.form,
        key=state.key,
        tempo_bpm=state.tempos[0].tempo_bpm,
        repeat=state.repeat,
        chords=chart,
        tracks=state.cast,
        density=state.density,
    )


def _is_said_by(chart: ChordChart, state: SongState) -> bool:
    return chart.spans(state.form) == state.score.chords


def _by_names(composed: Score, song: Score) -> Score:
    """A composed song's notes in the tracks of `song` that have the same names."""
    notes_of = {track.name: track.notes for track in composed.tracks}
    return with_notes(song, [notes_of.get(track.name, Notes.empty()) for track in song.tracks])


def _edit(
    work: Work, state: SongState, slots: Sequence[Slot], track_of_slot: tuple[int | None, ...], operation: str
) -> Edit:
    levels = noise_levels(work)
    drawn_along = state.is_cell(EMPTY) & state.is_writable & ~state.is_locked & ~work.cells
    sounds = cast_mask(state)
    rests = (work.cells | drawn_along) & (sounds == RESTS)
    levels = np.where(rests, KNOWN, np.where(drawn_along, NEW, levels))
    score = cleared(state, rests).score
    silent = [Track(slot.name, Notes.empty(), slot.program, slot.is_drum) for slot in slots]
    tracks = [
        empty if index is None else score.tracks[index] for index, empty in zip(track_of_slot, silent, strict=True)
    ]
    request = Request(
        replace(score, tracks=tuple(tracks)),
        _of_slots(levels, track_of_slot).astype(np.float32),
        sounds=None if state.cast is None else _of_slots(np.where(levels > KNOWN, sounds, 0), track_of_slot),
        texture=None if state.density is None else _of_slots(density_grades(state), track_of_slot),
    )
    return Edit(score, track_of_slot, 0, request, {"kind": operation})


def _track_of_slot(state: SongState, slots: Sequence[Slot]) -> tuple[int | None, ...]:
    index_of = {track.track.name: index for index, track in enumerate(state.tracks) if track.is_writable}
    unknown = [name for name in index_of if name not in [slot.name for slot in slots]]
    if unknown:
        raise RequestError(
            f"these weights have no track {unknown[0]}", "start the studio with the weights that the song was made with"
        )
    return tuple(index_of.get(slot.name) for slot in slots)


def _of_slots(cells: np.ndarray, track_of_slot: Sequence[int | None]) -> np.ndarray:
    """`[n, s, ...]` of `[n, t, ...]`; zeros for slots that have no track."""
    silent = np.zeros_like(cells[:, 0])
    return np.stack([silent if index is None else cells[:, index] for index in track_of_slot], axis=1)
