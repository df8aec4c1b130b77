"""What a song of the studio is beside its notes, as one line of text in its MIDI file, so that the file restores it.

The object of JSON has `studio`, which is read here, and `made_by`, of which `phraseloom.song_recipe` reads what the
command line can use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from phraseloom.cast import parse_cast
from phraseloom.density import parse_density
from phraseloom.errors import UserError
from phraseloom.harmony import parse_key
from phraseloom.midi.annotations import RECIPE_PREFIX, is_recipe_text
from phraseloom.score import Score
from phraseloom.studio.chord_texts import parse_bar
from phraseloom.studio.documents import sections_document
from phraseloom.studio.requests import MAX_SEED
from phraseloom.studio.state import GridTrack, PlacedSection, SongState, new_section_id

MAX_NAME_CHARACTERS = 100


class _Section(BaseModel):
    letter: str
    num_bars: int
    name: Annotated[str | None, Field(max_length=MAX_NAME_CHARACTERS)]
    chords: list[str | None]

    def placed(self) -> PlacedSection:
        chords = tuple(None if text is None else parse_bar(text) for text in self.chords)
        return PlacedSection(new_section_id(), self.letter, self.num_bars, self.name, chords)


class _Track(BaseModel):
    cells: str
    locked: str
    is_writable: bool


class StudioRecipe(BaseModel):
    """What a song of the studio is beside its score, as the text event says it; nothing in it is believed unchecked."""

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    key: str
    repeat: Annotated[float, Field(ge=0, le=1)]
    cast: str | None
    density: str | None = None
    sections: list[_Section]
    tracks: list[_Track]
    weights: str

    @classmethod
    def parse(cls, text: str | None) -> StudioRecipe | None:
        """The recipe of a text event; None where there is none, or none that can be read."""
        if text is None or not is_recipe_text(text):
            return None
        try:
            return cls.model_validate(json.loads(text.removeprefix(RECIPE_PREFIX))["studio"])
        except (KeyError, TypeError, ValueError, RecursionError):
            return None  # anybody may have written anything there, and the song is a song without it

    def restored(self, score: Score) -> SongState | None:
        """The song of the recipe with the notes of `score`; None where they do not belong together."""
        if len(self.tracks) != len(score.tracks):
            return None
        try:
            sections = tuple(section.placed() for section in self.sections)
            state = SongState(
                title=score.title,
                seed=self.seed,
                key=parse_key(self.key),
                repeat=self.repeat,
                cast=None if self.cast is None else parse_cast(self.cast),
                density=None if self.density is None else parse_density(self.density),
                tempos=score.tempos,
                sections=sections,
                tracks=tuple(
                    GridTrack(track, kept.cells, kept.locked, kept.is_writable)
                    for track, kept in zip(score.tracks, self.tracks, strict=True)
                ),
            )
            for asked in (state.cast, state.density):
                if asked is not None:
                    asked.check_letters(state.form)
        except (ValueError, UserError):
            return None
        return state if state.num_bars == score.num_bars else None


def recipe_document(state: SongState, made_by: Mapping[str, Any] | None) -> dict[str, Any]:
    """The recipe of a song for JSON; `made_by` as in a take."""
    kept = StudioRecipe(
        seed=state.seed,
        key=str(state.key),
        repeat=state.repeat,
        cast=None if state.cast is None else str(state.cast),
        density=None if state.density is None else str(state.density),
        sections=[_Section.model_validate(section) for section in sections_document(state)],
        tracks=[
            _Track(cells=track.cells, locked=track.locked, is_writable=track.is_writable) for track in state.tracks
        ],
        weights=(made_by or {}).get("weights", ""),
    )
    return {"studio": kept.model_dump(), "made_by": made_by and {**made_by, "written": None}}


def recipe_text(state: SongState, made_by: Mapping[str, Any] | None) -> str:
    """The recipe as a text event."""
    return RECIPE_PREFIX + json.dumps(recipe_document(state, made_by), ensure_ascii=False, separators=(",", ":"))
