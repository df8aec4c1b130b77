"""The plans of many songs in one TOML file: a table for each MIDI file, with the keys of a plan file.

```toml
["00.mid"]
num_bars = 32
form = "i4 A8 B8 A8 o4"
key = "G major"
chords = "A: G Em C D; B: C | D . G Em"
```
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.plan import SongPlan
from phraseloom.plan_file import plan_toml

_EXAMPLE = 'write a table for each file, such as ["song.mid"] and below it form = "A8 B8"'


def plan_table_toml(plans: Mapping[str, SongPlan]) -> str:
    """Plans by file name as TOML; `parse_plan_table` reads it back to the same plans."""
    return "\n".join(f"[{json.dumps(name, ensure_ascii=False)}]\n{plan_toml(plan)}" for name, plan in plans.items())


def parse_plan_table(text: str) -> dict[str, SongPlan]:
    """The plans of a TOML text by file name.

    Raises:
        RequestError: no TOML, or a table that is no plan, with the name of its file.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"the plans are no TOML: {error}", _EXAMPLE) from error
    return {name: _plan_of(name, table) for name, table in content.items()}


def read_plan_table(path: Path) -> dict[str, SongPlan]:
    """The plans in a file.

    Raises:
        UnreadableFileError: there is no such file, or it is no text.
        RequestError: as `parse_plan_table`.
    """
    remedy = "name a .toml file with a table for each song"
    try:
        return parse_plan_table(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}", remedy) from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{path} is no text", remedy) from error


def _plan_of(name: str, table: Any) -> SongPlan:
    if not isinstance(table, dict):
        raise RequestError(f"{name!r} stands among the plans, but is none", _EXAMPLE)
    known = [field.name for field in fields(SongPlan)]
    if unknown := [key for key in table if key not in known]:
        raise RequestError(f"the plan of {name} has {unknown[0]!r}", f"a plan has {', '.join(known)}")
    try:
        return SongPlan(**table)
    except RequestError as error:
        raise RequestError(f"the plan of {name}: {error.message}", error.remedy) from error
