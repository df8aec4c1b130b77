"""What clients may send: the bodies of requests. What they mean is checked where it is applied."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StrictBool, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from phraseloom.form import MAX_BARS
from phraseloom.score import MAX_TEMPO_BPM, MIN_TEMPO_BPM

MAX_SEED = 2**31 - 1
MAX_ID = 2**53 - 1
"""Beyond it, numbers are not the same in every language."""
MAX_TAKES = 8
MAX_STEPS = 1000
DEFAULT_STEPS = 16
MAX_TEXT_CHARACTERS = 4000
MAX_ENTRIES = 1000

UNKNOWN_MEMBER = "unknown_member"
"""Type of the error for a member that a body does not have."""


def _track_name(value: Any) -> int | str:
    """One error for what is neither, where a union of types would give one for each."""
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and len(value) <= 100):
        return value
    raise PydanticCustomError("no_track", "this is no track", {"remedy": "give its name, or its number from 1"})


Bars = Annotated[int, Field(ge=1, le=MAX_BARS)]
Id = Annotated[int, Field(ge=0, le=MAX_ID)]
Name = Annotated[str, Field(max_length=100)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Steps = Annotated[int, Field(ge=1, le=MAX_STEPS)]
Share = Annotated[float, Field(ge=0, le=1)]
Tempo = Annotated[float, Field(ge=MIN_TEMPO_BPM, le=MAX_TEMPO_BPM)]
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
TrackName = Annotated[
    int | str, PlainValidator(_track_name), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
Letter = Annotated[str, Field(pattern="^[A-Za-z]$")]


class Body(BaseModel):
    """A JSON object of which every member is known; nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, content: Any) -> Any:
        known = list(cls.model_fields)
        for name in content if isinstance(content, dict) else ():
            if name not in known:
                near = get_close_matches(name, known, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"choose among {', '.join(known)}"
                raise PydanticCustomError(
                    UNKNOWN_MEMBER, "there is no member {name}", {"name": name[:100], "remedy": remedy}
                )
        return content


class SectionEntry(Body):
    """One section of a new form; see `PATCH /api/songs/{id}`."""

    id: Id | None = None
    copy_of: Id | None = None
    letter: Letter | None = None
    num_bars: Bars | None = None
    name: Name | None = None


class NewSectionEntry(Body):
    """One section of a new song."""

    letter: Letter
    num_bars: Bars
    name: Name | None = None


class ChordsEntry(Body):
    """Chords for the bars of a section, from `first_bar` of it on."""

    section: Id
    first_bar: Bars = 1
    bars: Annotated[list[Text | None], Field(min_length=1, max_length=MAX_BARS)]
    same_letter: StrictBool = True
    fill: StrictBool = False


class TrackEntry(Body):
    """Another instrument for a track, counted from 1."""

    track: Annotated[Id, Field(ge=1)]
    program: Annotated[int, Field(ge=0, le=127)]


class RectangleEntry(Body):
    """Some bars (from 1, both ends in) of some tracks (names, or numbers from 1)."""

    first_bar: Id | None = None
    last_bar: Id | None = None
    tracks: Annotated[list[TrackName], Field(max_length=MAX_ENTRIES)] | None = None


class LockEntry(RectangleEntry):
    """Cells to lock, or to open."""

    locked: StrictBool


class PlanEntry(Body):
    """Changes of a plan."""

    key: Text | None = None
    tempo_bpm: Tempo | None = None
    repeat: Share | None = None
    cast: Text | None = None
    density: Text | None = None
    sections: Annotated[list[SectionEntry], Field(max_length=MAX_BARS)] | None = None
    chords: Annotated[list[ChordsEntry], Field(max_length=MAX_ENTRIES)] | None = None


class SongChanges(PlanEntry):
    """The body of `PATCH /api/songs/{id}`."""

    title: Name | None = None
    seed: Seed | None = None
    tracks: Annotated[list[TrackEntry], Field(max_length=MAX_ENTRIES)] | None = None
    locks: Annotated[list[LockEntry], Field(max_length=MAX_ENTRIES)] | None = None
    clear: Annotated[list[RectangleEntry], Field(max_length=MAX_ENTRIES)] | None = None
    label: Name | None = None
    head: Id | None = None
    keep: Id | None = None

    @model_validator(mode="after")
    def _check_alone(self) -> Self:
        for name in ("head", "keep"):
            if getattr(self, name) is not None and len(self.model_fields_set) > 1:
                raise PydanticCustomError("not_alone", "{name} stands beside other members", {"name": name})
        return self


class SongPlanBody(Body):
    """What a new song may be asked to be."""

    title: Name | None = None
    form: Text | None = None
    sections: Annotated[list[NewSectionEntry], Field(min_length=1, max_length=MAX_BARS)] | None = None
    key: Text | None = None
    tempo_bpm: Tempo | None = None
    repeat: Share | None = None
    chords: Text | None = None
    cast: Text | None = None
    density: Text | None = None
    seed: Seed | None = None


class NewSong(SongPlanBody):
    """The body of `POST /api/songs`."""

    upload: Id | None = None
    roles: dict[Name, Id] | None = None
    others: Literal["keep", "drop"] = "drop"
    first_bar: Annotated[int, Field(ge=1)] | None = None
    last_bar: Annotated[int, Field(ge=1)] | None = None
    restore: StrictBool = True


class GenerateRequest(SongPlanBody):
    """The body of `POST /api/generate`."""

    steps: Steps = DEFAULT_STEPS


class JobRequest(Body):
    """The body of `POST /api/jobs`."""

    song: Id
    operation: Literal["generate", "infill", "vary", "extend"]
    revision: Id | None = None
    cells: Annotated[list[RectangleEntry], Field(min_length=1, max_length=MAX_ENTRIES)] | None = None
    distance: Share = 1.0
    form: Text | None = None
    before: StrictBool = False
    seed: Seed | None = None
    count: Annotated[int, Field(ge=1, le=MAX_TAKES)] = 1
    steps: Steps = DEFAULT_STEPS
    keep: StrictBool | None = None
    plan: PlanEntry | None = None

    @property
    def keeps(self) -> bool:
        """Whether the first take becomes the song's."""
        return self.count == 1 if self.keep is None else self.keep


class ChordsRequest(Body):
    """The body of `POST /api/chords`."""

    text: Text
    key: Text | None = None


class FormRequest(Body):
    """The body of `POST /api/forms`: a text to read, or a length to propose a form for."""

    text: Text | None = None
    num_bars: Bars | None = None
    seed: Seed = 0
