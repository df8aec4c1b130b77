"""Routes of revisions: exports, stems, reports, differences."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from phraseloom import __version__
from phraseloom.errors import RequestError
from phraseloom.score import Score
from phraseloom.studio.context import CurrentStudio, Number
from phraseloom.studio.exports import (
    DEFAULT_WIDTH_PX,
    MAX_WIDTH_PX,
    MEDIA_TYPES,
    MIN_WIDTH_PX,
    Picture,
    PictureOptions,
    content_disposition,
    exported,
)
from phraseloom.studio.library import Revision
from phraseloom.studio.problem_answers import answer
from phraseloom.studio.problems import NotFoundError
from phraseloom.studio.rendering import SoundRenderer
from phraseloom.studio.report import difference
from phraseloom.studio.requests import MAX_ID
from phraseloom.studio.state import SongState
from phraseloom.transforms import excerpt

router = APIRouter(tags=["revisions"])

IfNoneMatch = Annotated[str | None, Header()]
Bar = Annotated[int | None, Query(ge=1, le=MAX_ID)]


@router.get("/api/revisions/{revision_id}/report", summary="What was asked and what was got")
def read_report(studio: CurrentStudio, revision_id: Number) -> Response:
    return answer(studio.report(studio.library.revision(revision_id)))


@router.get("/api/revisions/{revision_id}/difference", summary="Notes added and removed since another revision")
def read_difference(
    studio: CurrentStudio, revision_id: Number, other: Annotated[int, Query(alias="from", ge=0, le=MAX_ID)]
) -> Response:
    old, new = studio.library.revision(other), studio.library.revision(revision_id)
    return answer({"from": other, "to": revision_id, **difference(old.state, new.state)})


@router.get("/api/revisions/{revision_id}/stems/{track}.{audio_format}", summary="The sound of one track, from 1")
def read_stem(
    studio: CurrentStudio,
    revision_id: Number,
    track: Number,
    audio_format: str,
    first_bar: Bar = None,
    last_bar: Bar = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    revision = studio.library.revision(revision_id)
    state = revision.state
    if audio_format not in ("wav", "ogg") or not 1 <= track <= len(state.tracks):
        raise NotFoundError(
            f"there is no stem {track}.{audio_format}", f"ask for 1 to {len(state.tracks)}, as .wav or .ogg"
        )
    score = _bars_of(state, first_bar, last_bar)
    tag = _tag(revision, studio.sound, "stem", track, audio_format, first_bar, last_bar)
    if if_none_match is not None and tag in if_none_match:
        return _unchanged(tag)
    content = studio.sound.stem(score, track - 1, audio_format)
    return Response(content, headers=_headers(tag), media_type=MEDIA_TYPES[audio_format])


@router.get("/api/revisions/{revision_id}.{kind}", summary="A revision as a file")
def read_export(
    studio: CurrentStudio,
    revision_id: Number,
    kind: str,
    picture: Annotated[Picture, Query(alias="kind")] = "piano-roll",
    width: Annotated[int, Query(ge=MIN_WIDTH_PX, le=MAX_WIDTH_PX)] = DEFAULT_WIDTH_PX,
    if_none_match: IfNoneMatch = None,
) -> Response:
    if kind not in MEDIA_TYPES:
        raise NotFoundError(f"there is no export .{kind}", f"choose among {', '.join(MEDIA_TYPES)}")
    revision = studio.library.revision(revision_id)
    tag = _tag(revision, studio.sound, kind, picture, width)
    if if_none_match is not None and tag in if_none_match:
        return _unchanged(tag)
    content = exported(revision, kind, studio.sound, PictureOptions(picture, width))
    headers = _headers(tag)
    if kind != "json":
        headers["Content-Disposition"] = content_disposition(revision.state.title, kind)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[kind])


def _bars_of(state: SongState, first_bar: int | None, last_bar: int | None) -> Score:
    first = 1 if first_bar is None else first_bar
    last = state.num_bars if last_bar is None else last_bar
    if not 1 <= first <= last <= state.num_bars:
        raise RequestError(
            f"the song has no bars {first} to {last}", f"name bars from 1 to {state.num_bars}, in their order"
        )
    whole = (first, last) == (1, state.num_bars)
    return state.score if whole else excerpt(state.score, first - 1, last - first + 1)


def _tag(revision: Revision, sound: SoundRenderer, *parts: object) -> str:
    """An ETag: of the song rather than of its number, which another library gives to another song."""
    content = repr((__version__, sound.soundfont_path, revision.entry.id, parts)).encode()
    return f'"{hashlib.sha256(content + revision.compressed).hexdigest()[:32]}"'


def _headers(tag: str) -> dict[str, str]:
    """Whoever has it keeps it, and asks whether it still is the same: another library gives its numbers anew."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers=_headers(tag))
