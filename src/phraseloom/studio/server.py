"""The service on a port."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from phraseloom.errors import RequestError

_CLOSING_SECONDS = 2
_QUEUED_CONNECTIONS = 128


class _Server(uvicorn.Server):
    """Ends the streams of events first: they would never end by themselves, and a server waits for all its answers."""

    def __init__(self, config: uvicorn.Config, close_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._close_streams = close_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._close_streams()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.

    Raises:
        RequestError: the address is not this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_QUEUED_CONNECTIONS)
    except OSError as error:
        raise RequestError(
            f"{host} port {port} cannot be used: {error.strerror or error}", "give another --port or --host"
        ) from error
    return bound


def address_of(bound: socket.socket, host: str) -> str:
    """Where a browser finds the service."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{bound.getsockname()[1]}/"


def serve(app: FastAPI, sockets: Sequence[socket.socket], open_at: str | None = None) -> None:
    """Serves until interrupted.

    Args:
        open_at: address to open in the user's browser.
    """
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_CLOSING_SECONDS)
    if open_at is not None:
        webbrowser.open(open_at)  # the socket listens already: the browser waits for the first answer
    with suppress(KeyboardInterrupt):  # the usual way to end a service
        _Server(config, app.state.studio.events.close).run(sockets=list(sockets))
