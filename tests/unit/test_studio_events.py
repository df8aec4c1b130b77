"""The stream of events: what a listener gets, what is replayed, when it must read again."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable

from phraseloom.studio import event_hub
from phraseloom.studio.event_hub import KEEP_ALIVE, EventHub


def listened(hub: EventHub, num_texts: int, last_event_id: str | None = None, song: int | None = None) -> list[str]:
    """The first texts of a stream, without the greeting."""

    async def listen() -> list[str]:
        stream = hub.stream(last_event_id, song)
        assert await anext(stream) == KEEP_ALIVE
        texts = [await asyncio.wait_for(anext(stream), 5) for _ in range(num_texts)]
        await stream.aclose()
        return texts

    return asyncio.run(listen())


def id_of(text: str) -> str:
    found = re.match(r"id: (\S+)\n", text)
    assert found
    return found[1]


def test_events_that_are_published_from_another_thread_come_at_once():
    hub = EventHub()

    async def listen() -> list[str]:
        stream = hub.stream(None)
        assert await anext(stream) == KEEP_ALIVE
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        threading.Thread(target=hub.publish, args=("take", {"song": 1, "take": "é"})).start()
        return [await asyncio.wait_for(following, 5)]

    (text,) = asyncio.run(listen())
    assert text == f'id: {id_of(text)}\nevent: take\ndata: {{"song":1,"take":"é"}}\n\n'


def publish(hub: EventHub, numbers: range, song: Callable[[int], int | None] = lambda number: 1) -> None:
    for number in numbers:
        hub.publish("progress", {"song": song(number), "number": number})


def numbers(texts: list[str]) -> list[int]:
    return [int(found) for text in texts for found in re.findall(r'"number":(\d+)', text)]


def test_what_was_missed_is_replayed():
    hub = EventHub()
    publish(hub, range(3))
    hub.close()
    run = id_of(listened(hub, 1, "unknown")[0]).split("-")[0]
    assert numbers(listened(hub, 2, f"{run}-1")) == [1, 2]
    assert numbers(listened(hub, 3, f"{run}-0")) == [0, 1, 2]


def test_a_listener_from_another_run_or_too_long_ago_is_told_to_read_again():
    hub = EventHub()
    publish(hub, range(event_hub.MAX_KEPT_EVENTS + 5))
    hub.close()
    (reset,) = listened(hub, 1, "other-3")
    assert "event: reset\ndata: {}" in reset
    run, last = id_of(reset).split("-")
    assert int(last) == event_hub.MAX_KEPT_EVENTS + 5
    for missed in (f"{run}-4", f"{run}-x", f"{run}-99999", f"{run}-{'9' * 5000}", ""):
        assert listened(hub, 1, missed) == [reset]
    assert len(numbers(listened(hub, event_hub.MAX_KEPT_EVENTS, f"{run}-5"))) == event_hub.MAX_KEPT_EVENTS


def test_a_listener_hears_of_its_song_and_of_what_concerns_all():
    hub = EventHub()
    publish(hub, range(6), song=lambda number: None if number == 3 else number % 2)
    hub.close()
    run = id_of(listened(hub, 1, "unknown")[0]).split("-")[0]
    assert numbers(listened(hub, 3, f"{run}-1", song=0)) == [2, 3, 4]


def test_streams_end_when_the_hub_closes():
    hub = EventHub()

    async def listen() -> list[str]:
        asyncio.get_running_loop().call_later(0.01, hub.close)
        return [text async for text in hub.stream(None)]

    assert asyncio.run(listen()) == [KEEP_ALIVE]


def test_silence_is_kept_alive(monkeypatch):
    monkeypatch.setattr(event_hub, "KEEP_ALIVE_SECONDS", 0.01)
    assert listened(EventHub(), 2) == [KEEP_ALIVE] * 2


def test_a_listener_that_left_is_forgotten():
    hub = EventHub()
    listened_to = EventHub.stream(hub, None)

    async def leave() -> None:
        await anext(listened_to)
        await listened_to.aclose()

    asyncio.run(leave())
    hub.publish("song", {"song": 1})  # would fail on the closed loop of a listener that is still known
