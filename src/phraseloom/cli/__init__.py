"""The command line: every command parses, calls, prints.

Commands import what they call inside their function, so that `phraseloom --help` needs no torch. How errors, progress
and output reach the user is in `phraseloom.terminal`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from phraseloom import terminal
from phraseloom.cli import composing, editing, latents, learning, looking, rendering, studio  # noqa: F401 - registering
from phraseloom.cli.application import app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's own) and return its exit code."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    return terminal.run(lambda: app(tokens))
