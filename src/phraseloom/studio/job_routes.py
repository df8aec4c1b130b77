"""Routes of jobs: ask, look, cancel, run again; and a song in one call."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

import anyio
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response

from phraseloom.studio.context import CurrentStudio, Number, Studio
from phraseloom.studio.exports import MEDIA_TYPES, midi_file
from phraseloom.studio.job_log import IdempotencyKey, Job, JobState
from phraseloom.studio.library import NewRevision, Song
from phraseloom.studio.new_songs import drawn_seed, new_song
from phraseloom.studio.problem_answers import answer, problem_answer
from phraseloom.studio.problems import ConflictError, HeaderError, Problem, pointing_at
from phraseloom.studio.requests import MAX_ID, GenerateRequest, JobRequest

router = APIRouter(tags=["jobs"])

MAX_KEY_CHARACTERS = 200
MAX_JOBS_TOLD = 100
LOOKING_SECONDS = 0.05
"""Between two looks at a job that somebody waits for."""


@router.get("/api/jobs", summary="Jobs, the latest first")
def list_jobs(
    studio: CurrentStudio,
    song: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    state: JobState | None = None,
) -> Response:
    jobs = studio.log.jobs(song, state, MAX_JOBS_TOLD)
    return answer({"jobs": [studio.jobs.describe(job) for job in jobs]})


@router.post("/api/jobs", status_code=202, summary="Have cells written")
def create_job(
    studio: CurrentStudio,
    asked: JobRequest,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    key = _key(idempotency_key, asked)
    earlier = None if key is None else studio.log.replayed(key)
    if earlier is not None:
        return _job_answer(studio, earlier, 202, {"Idempotent-Replayed": "true"})
    with pointing_at("/song"):
        song = studio.library.song(asked.song)
    with pointing_at("/revision"):
        base = studio.library.revision_of(song.id, song.head if asked.revision is None else asked.revision)
    seed = asked.seed
    if seed is None:
        is_take = asked.operation == "vary" or (asked.operation == "infill" and asked.cells is not None)
        seed = drawn_seed() if is_take else base.state.seed
    return _job_answer(studio, studio.jobs.submit(base, asked, seed, key), 202)


@router.get("/api/jobs/{job_id}", summary="A job")
def read_job(studio: CurrentStudio, job_id: Number) -> Response:
    return _job_answer(studio, studio.log.job(job_id))


@router.delete("/api/jobs/{job_id}", summary="Cancel a job")
def cancel_job(studio: CurrentStudio, job_id: Number) -> Response:
    return _job_answer(studio, studio.jobs.cancel(job_id))


@router.post("/api/jobs/{job_id}/again", status_code=202, summary="The same job once more")
def repeat_job(studio: CurrentStudio, job_id: Number) -> Response:
    return _job_answer(studio, studio.jobs.again(job_id), 202)


@router.post("/api/generate", summary="A song in one call: made in the library, woven, waited for")
async def generate(
    studio: CurrentStudio, asked: GenerateRequest, request: Request, accept: Annotated[str, Header()] = "*/*"
) -> Response:
    song, job = await to_thread.run_sync(_begin, studio, asked)
    while not job.state.has_ended:
        await anyio.sleep(LOOKING_SECONDS)
        if await request.is_disconnected():
            await to_thread.run_sync(studio.jobs.cancel, job.id)
        job = await to_thread.run_sync(studio.log.job, job.id)
    if job.problem is not None:
        return problem_answer(Problem.of_dict(job.problem))
    if job.state is not JobState.DONE:
        raise ConflictError("the job was cancelled", "ask again")
    return await to_thread.run_sync(_song_answer, studio, song.id, job, MEDIA_TYPES["mid"] in accept)


def _begin(studio: Studio, asked: GenerateRequest) -> tuple[Song, Job]:
    state = new_song(asked, studio.tracks)
    song = studio.library.create(NewRevision(state, "New song"))
    studio.jobs.tell_song(song, "created")
    request = JobRequest(song=song.id, operation="generate", steps=asked.steps)
    return song, studio.jobs.submit(studio.library.revision(song.head), request, state.seed)


def _song_answer(studio: Studio, song_id: int, job: Job, as_midi: bool) -> Response:
    song = studio.library.song(song_id)
    revision = studio.library.revision(song.head)
    headers = {"Location": f"/api/songs/{song_id}", "X-Seed": str(job.seed)}
    if as_midi:
        return Response(midi_file(revision), headers=headers, media_type=MEDIA_TYPES["mid"])
    return answer({"song": studio.describe_song(song), "report": studio.report(revision)}, headers=headers)


def _key(text: str | None, asked: JobRequest) -> IdempotencyKey | None:
    if text is None:
        return None
    if not 1 <= len(text) <= MAX_KEY_CHARACTERS:
        raise HeaderError(
            f"the Idempotency-Key has {len(text)} characters", f"send one of 1 to {MAX_KEY_CHARACTERS}, such as a UUID"
        )
    body = json.dumps(asked.model_dump(exclude_unset=True), sort_keys=True)
    return IdempotencyKey(text, hashlib.sha256(body.encode()).hexdigest())


def _job_answer(studio: Studio, job: Job, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    headers = {**(headers or {}), **({"Location": f"/api/jobs/{job.id}"} if status == 202 else {})}
    return answer(studio.jobs.describe(job), status, headers)
