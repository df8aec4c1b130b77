"""The route of events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from phraseloom.studio.context import CurrentStudio
from phraseloom.studio.requests import MAX_ID

router = APIRouter(tags=["events"])

EventId = Annotated[str | None, Query(max_length=100)]


@router.get("/api/events", summary="What happens, as server-sent events")
async def read_events(
    studio: CurrentStudio,
    song: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
    last_event_id: EventId = None,
    header_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    return StreamingResponse(
        studio.events.stream(header_id or last_event_id, song),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )
