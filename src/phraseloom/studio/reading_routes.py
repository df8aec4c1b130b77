"""Routes that read what somebody has: the model, typed chords and forms, MIDI files."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from phraseloom.errors import RequestError
from phraseloom.form import Section, format_form, num_bars_of, parse_form, propose_form
from phraseloom.harmony import parse_key
from phraseloom.studio.chord_texts import read_chart
from phraseloom.studio.context import CurrentStudio, Number, Studio
from phraseloom.studio.problem_answers import answer
from phraseloom.studio.problems import pointing_at
from phraseloom.studio.requests import ChordsRequest, FormRequest
from phraseloom.studio.uploads import Upload, preview

router = APIRouter(tags=["reading"])

_UNNAMED = "song.mid"


@router.get("/api/model", summary="Limits, tracks, weights")
def read_model(studio: CurrentStudio) -> Response:
    return answer(studio.describe_model())


@router.post("/api/chords", summary="Read typed chords, with every mistake in them")
def read_chords(asked: ChordsRequest) -> Response:
    with pointing_at("/key"):
        key = None if asked.key is None else parse_key(asked.key)
    return answer(read_chart(asked.text).to_dict(key))


@router.post("/api/forms", summary="Read a typed form, or propose one")
def read_form(asked: FormRequest) -> Response:
    if (asked.text is None) == (asked.num_bars is None):
        raise RequestError("what is wanted is not clear", "give a text to read, or num_bars to propose a form for")
    if asked.num_bars is not None:
        return answer(_form(propose_form(asked.num_bars, np.random.default_rng(asked.seed))))
    with pointing_at("/text"):
        return answer(_form(parse_form(asked.text or "")))


@router.post("/api/uploads", status_code=201, summary="A MIDI file: what is in it, which track may be what")
async def create_upload(
    studio: CurrentStudio, request: Request, name: Annotated[str, Query(max_length=255)] = _UNNAMED
) -> Response:
    content = await request.body()
    described = await to_thread.run_sync(_kept, studio, name.strip() or _UNNAMED, content)
    return answer(described, 201, {"Location": f"/api/uploads/{described['id']}"})


@router.get("/api/uploads/{upload_id}", summary="What is in a file that was handed in")
def read_upload(studio: CurrentStudio, upload_id: Number) -> Response:
    name, content = studio.uploads.content(upload_id)
    return answer(_preview(studio, Upload.read(content), upload_id, name))


def _kept(studio: Studio, name: str, content: bytes) -> dict[str, Any]:
    upload = Upload.read(content)
    return _preview(studio, upload, studio.uploads.add(name, content), name)


def _preview(studio: Studio, upload: Upload, upload_id: int, name: str) -> dict[str, Any]:
    return preview(upload, upload_id, name, studio.tracks, studio.jobs.weights)


def _form(sections: tuple[Section, ...]) -> dict[str, Any]:
    return {
        "form": format_form(sections),
        "num_bars": num_bars_of(sections),
        "sections": [{"letter": section.letter, "num_bars": section.num_bars} for section in sections],
    }
