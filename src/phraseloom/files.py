"""Files that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from phraseloom.errors import RequestError


@contextmanager
def written_beside(path: Path) -> Generator[Path]:
    """Gives the block a path beside `path` to write to, and renames that file to `path` when the block ends.

    When the block fails or is interrupted, what it wrote is removed and a file that was at `path` is left as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Removes the half-written files that killed processes left; for folders that nobody else writes to."""
    for part in folder.glob(".*.part"):
        if part.is_file():
            part.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Say at once, not after minutes of work, that a file could not be written.

    Raises:
        RequestError: `path` is a folder, or its folder is missing or not ours to write to.
    """
    folder = path.parent
    if path.is_dir():
        raise RequestError(f"{path} is a folder", f"name a file in it, such as {path / 'song.mid'}")
    if not folder.is_dir():
        raise RequestError(f"there is no folder {folder}", "make it first, or write somewhere else")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(f"the folder {folder} cannot be written to", "write somewhere else")
