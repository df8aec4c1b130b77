"""Plans as TOML files: one key for each thing that is asked."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.plan import SongPlan


def plan_toml(plan: SongPlan) -> str:
    """The plan as TOML; `parse_plan_toml` reads it back to the same plan."""
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in plan.to_dict().items())


def parse_plan_toml(text: str) -> SongPlan:
    """The plan of a TOML text with any of the keys `num_bars`, `form`, `key`, `tempo_bpm`, `repeat`, `chords`,
    `tracks`, `density`.

    Raises:
        RequestError: no TOML, an unknown key (with the nearest known one), or no plan.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"the plan is no TOML: {error}", 'write lines such as form = "A8 B8"') from error
    known = [field.name for field in fields(SongPlan)]
    for name in content:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"a plan has {', '.join(known)}"
            raise RequestError(f"a plan has no {name!r}", remedy)
    return SongPlan(**content)


def read_plan(path: Path) -> SongPlan:
    """The plan in a file.

    Raises:
        UnreadableFileError: there is no such file, or it is no text.
        RequestError: as `parse_plan_toml`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}", "name a plan, a .toml file") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{path} is no text", "name a plan, a .toml file") from error
    return parse_plan_toml(text)
