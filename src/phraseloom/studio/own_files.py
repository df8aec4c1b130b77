"""MIDI files that we wrote: the studio's give the song again, the command line's give what they tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from phraseloom.errors import UserError
from phraseloom.form import MAX_BARS
from phraseloom.harmony import Key
from phraseloom.plan import SongPlan
from phraseloom.regions import parse_cells
from phraseloom.repeats import AS_IN_THE_CORPUS
from phraseloom.score import Score, Track
from phraseloom.song_recipe import SongRecipe
from phraseloom.structure import find_form, key_of_notes
from phraseloom.studio.changes import of_letters, with_locks
from phraseloom.studio.recipe import StudioRecipe
from phraseloom.studio.requests import MAX_SEED
from phraseloom.studio.state import (
    FRESH,
    LOCKED,
    OPEN,
    TICKS_PER_BAR,
    GridTrack,
    SongState,
    empty_track,
    placed_sections,
)
from phraseloom.studio.weights import ModelTrack


class OwnSong(NamedTuple):
    """A song out of a file of ours, and the fingerprint of the weights that wrote it, where that is told."""

    state: SongState
    weights: str | None


def own_song(score: Score, recipe_text: str | None, tracks: Sequence[ModelTrack]) -> OwnSong | None:
    """The song that a file of ours holds; None for other files, and for recipes that do not fit the notes.

    Args:
        recipe_text: the text event that says how the song was made.
        tracks: of the model.
    """
    of_studio = StudioRecipe.parse(recipe_text)
    if of_studio is not None:
        state = of_studio.restored(score)
        return None if state is None else OwnSong(state, of_studio.weights or None)
    recipe = SongRecipe.parse(recipe_text)
    if recipe is None or not recipe.steps or score.num_bars > MAX_BARS:
        return None
    names = {track.name for track in score.tracks}
    if not names & {track.name for track in tracks} or any(m.ticks_per_bar != TICKS_PER_BAR for m in score.meters):
        return None
    return OwnSong(_told_song(score, recipe, tracks), recipe.weights)


def _told_song(score: Score, recipe: SongRecipe, tracks: Sequence[ModelTrack]) -> SongState:
    plan = _plan(recipe)
    sections = score.sections or find_form(score)
    letters = {section.letter for section in sections}
    state = SongState(
        title=score.title,
        seed=_seed(recipe),
        key=score.key or key_of_notes(score.tracks) or Key(0),
        repeat=AS_IN_THE_CORPUS if plan.repeat is None else plan.repeat,
        cast=of_letters(plan.tracks, letters),
        density=of_letters(plan.density, letters),
        tempos=score.tempos,
        sections=placed_sections(sections, score),
        tracks=_grid_tracks(score, tracks),
    )
    return with_locks(state, _locked(recipe, score, state), True)


def _grid_tracks(score: Score, tracks: Sequence[ModelTrack]) -> tuple[GridTrack, ...]:
    """The file's tracks, those of the model as it wrote them; and those of the model that the file has not, empty."""
    known = {(track.name, track.is_drum) for track in tracks}
    there = {(track.name, track.is_drum) for track in score.tracks}
    missing = [track for track in tracks if (track.name, track.is_drum) not in there]
    return (
        *(_grid_track(track, (track.name, track.is_drum) in known, score.num_bars) for track in score.tracks),
        *(empty_track(track.name, track.program, track.is_drum, score.num_bars) for track in missing),
    )


def _grid_track(track: Track, is_writable: bool, num_bars: int) -> GridTrack:
    return GridTrack(track, FRESH * num_bars, (OPEN if is_writable else LOCKED) * num_bars, is_writable)


def _plan(recipe: SongRecipe) -> SongPlan:
    try:
        return recipe.plan or SongPlan()
    except UserError:
        return SongPlan()  # written by another version, or by hand


def _seed(recipe: SongRecipe) -> int:
    seed = recipe.steps[-1].get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= MAX_SEED else 0


def _locked(recipe: SongRecipe, score: Score, state: SongState) -> np.ndarray:
    locked = np.zeros((state.num_bars, len(state.tracks)), bool)
    try:
        locked[:, : len(score.tracks)] = parse_cells(recipe.locked or "", score)
    except UserError:
        return locked  # the notes were changed since
    return locked
