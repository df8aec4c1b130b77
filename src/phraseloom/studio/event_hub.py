"""What happens, told to whoever listens: server-sent events that can be replayed.

Events are kept in one ring for all listeners, each of whom only remembers how far it has read. So a slow listener costs
nothing, and one that is too slow, like one from before a restart, is told to read everything again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

MAX_KEPT_EVENTS = 1000
KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = ": still here\n\n"
RESET = "reset"


class Event(NamedTuple):
    """One event; `number` grows by one from the first of the service's run, `song` is None for what concerns all."""

    number: int
    name: str
    song: int | None
    data: str


class EventHub:
    """Publishes from any thread, streams in an event loop."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._events: deque[Event] = deque(maxlen=MAX_KEPT_EVENTS)
        self._num_published = 0
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._is_closed = False

    def publish(self, name: str, data: Mapping[str, Any]) -> None:
        """Tells all listeners; `data` may name a `song`."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._num_published += 1
            self._events.append(Event(self._num_published, name, data.get("song"), text))
            listeners = list(self._listeners)
        for listener in listeners:
            listener.wake()

    def close(self) -> None:
        """Ends all streams, those that are opened later included."""
        with self._lock:
            self._is_closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener.wake()

    async def stream(self, last_event_id: str | None, song: int | None = None) -> AsyncGenerator[str]:
        """Events as text, from the one after `last_event_id` on, or from now on; only those of `song`, if given."""
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
            read = self._num_published if last_event_id is None else self._number_of(last_event_id)
        try:
            yield KEEP_ALIVE  # so that the client sees at once that it is connected
            while True:
                with self._lock:
                    is_closed, last = self._is_closed, self._num_published
                    is_known = read is not None and last - read <= len(self._events)
                    new = [event for event in self._events if read is not None and event.number > read]
                if not is_known:
                    yield self._text(last, RESET, "{}")
                    new = []
                for event in new:
                    if song is None or event.song in (None, song):
                        yield self._text(event.number, event.name, event.data)
                read = last
                if is_closed:
                    return
                if not await listener.woken(KEEP_ALIVE_SECONDS):
                    yield KEEP_ALIVE
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _number_of(self, event_id: str) -> int | None:
        """The number of an event of this run; None for another run's, or no id of ours at all."""
        run, _, number = event_id.partition("-")
        if run != self._run or not (number.isascii() and number.isdecimal()) or len(number) > len(str(2**63)):
            return None
        return int(number) if int(number) <= self._num_published else None

    def _text(self, number: int, name: str, data: str) -> str:
        return f"id: {self._run}-{number}\nevent: {name}\ndata: {data}\n\n"


class _Listener:
    """One stream's alarm clock, to be set off from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def woken(self, timeout_seconds: float) -> bool:
        """Whether something happened before the time was over."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_seconds)
        except TimeoutError:
            return False
        self._event.clear()
        return True
