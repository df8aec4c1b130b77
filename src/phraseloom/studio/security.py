"""Who may speak to a service that anybody's web page could try to reach.

A page elsewhere can make a browser send requests here, and can point a name of its own at this machine to be taken for
us (DNS rebinding). So `Host` must be an address, `localhost` or the name that we were started with, and `Origin`, where
a browser sends it, must be ours. Bodies are counted while they arrive.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phraseloom.errors import UserError
from phraseloom.studio.problem_answers import problem_answer
from phraseloom.studio.problems import ForbiddenHostError, ForbiddenOriginError, TooLargeError, problem_of

MAX_BODY_BYTES = 2 * 2**20
_MAX_DRAINED_BYTES = 64 * 2**20
LOCAL_NAMES = frozenset({"localhost"})

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Turns away requests that are made for or by others, or are too large; adds the headers that bind the page."""

    def __init__(self, app: ASGIApp, host_names: frozenset[str] = LOCAL_NAMES) -> None:
        """
        Args:
            host_names: names, beside addresses, under which the service may be asked, in small letters.
        """
        self._app, self._host_names = app, host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(Headers(scope=scope))
        except UserError as error:
            await _drain(receive)
            await problem_answer(problem_of(error))(scope, receive, _with_headers(send))
            return
        await self._app(scope, _counted(receive), _with_headers(send))

    def _check(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise ForbiddenHostError(
                f"this service does not answer for the host {host!r}",
                "open it as 127.0.0.1 or localhost, or start it with --host and this name",
            )
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != host:
            raise ForbiddenOriginError(
                f"a page of {origin} may not use this service",
                "use the studio's own page, or no browser at all",
            )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
            raise _too_large()

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None:
            return False
        if name in self._host_names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _authority(origin: str) -> str | None:
    """Host and port of an origin; None where it has none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"the body is larger than {MAX_BODY_BYTES // 2**20} MB",
        "give a song's MIDI file, without sample dumps and dense controller curves",
    )


async def _drain(receive: Receive) -> None:
    """Reads what is still coming, within reason: a client that cannot finish sending never sees the answer."""
    num_bytes, has_more = 0, True
    while has_more and num_bytes < _MAX_DRAINED_BYTES:
        message = await receive()
        num_bytes += len(message.get("body", b""))
        has_more = message.get("more_body", False)


def _counted(receive: Receive) -> Receive:
    """Receives no more than the limit, whatever the length was said to be."""
    num_bytes = 0

    async def counted() -> Message:
        nonlocal num_bytes
        message = await receive()
        num_bytes += len(message.get("body", b""))
        if num_bytes > MAX_BODY_BYTES:
            raise HTTPException(TooLargeError.http_status)  # passes through the framework's reading of bodies
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in PAGE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers
