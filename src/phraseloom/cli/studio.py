"""The studio: a service on this machine, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from phraseloom import terminal
from phraseloom.cli.application import app


@app.command
def studio(
    *,
    open_browser: Annotated[bool, Parameter(name="--open")] = False,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8765,
    library: Path | None = None,
    checkpoint: Path | None = None,
    soundfont: Path | None = None,
) -> None:
    """Make songs on a page in the browser; docs/studio.md has the interface for programs.

    Parameters
    ----------
    open_browser
        Open the page in the browser.
    host
        Address to listen on; anything but the default lets other machines in, and whoever reaches it may use it.
    port
        Port to listen on; 0 takes any that is free.
    library
        File that keeps the songs; by default one in your folder for programs' data.
    checkpoint
        Folder with weights of your own training.
    soundfont
        Instruments to hear songs with, a soundfont (.sf2).
    """
    from phraseloom.studio.library import default_library_path
    from phraseloom.studio.security import LOCAL_NAMES
    from phraseloom.studio.server import address_of, bind, serve
    from phraseloom.studio.service import create_app

    bound = bind(host, port)
    with bound:
        path = default_library_path() if library is None else library
        names = LOCAL_NAMES | {host.lower()}
        service = create_app(path, checkpoint=checkpoint, soundfont=soundfont, host_names=names)
        address = address_of(bound, host)
        terminal.say(f"phraseloom studio: {address}\n  songs in {path}; Ctrl-C ends it")
        serve(service, [bound], open_at=address if open_browser else None)
