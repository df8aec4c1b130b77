"""How a song came to be, as one line of text that travels in its MIDI file.

One object of JSON behind `phraseloom: `. It tells the last step (a plan or an edit, its seed, the sampling steps and
the fingerprint of the weights), the steps before it, and which cells are locked. So a song can be carried on another
day: an edit reads the recipe and adds a step to it. The files of the studio, which keeps more, are understood too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloom.midi.annotations import RECIPE_PREFIX, is_recipe_text
from phraseloom.plan import SongPlan
from phraseloom.regions import format_bars

MAX_STEPS_KEPT = 100
"""Of a longer history the first step, which has the plan, and the last ones are kept."""

_TOLD_OF_STEPS = ("seed", "steps", "weights")

Step = Mapping[str, Any]
"""What was asked, as `plan` or `edit`, and `seed`, `steps` and `weights`."""


@dataclass(frozen=True)
class SongRecipe:
    """The steps in which a song was made, the first one first, and what is locked in it.

    Attributes:
        steps: at least one in what we write; none in a recipe that only locks.
        locked: cells as `phraseloom.regions.parse_cells` reads them; None where nothing is locked.
    """

    steps: tuple[Step, ...] = ()
    locked: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> SongRecipe | None:
        """The recipe of a text event; None where there is none, or none that can be understood."""
        if text is None or not is_recipe_text(text):
            return None
        try:
            content = json.loads(text.removeprefix(RECIPE_PREFIX))
        except (ValueError, RecursionError):
            return None  # anybody may have written anything there, and the song is a song without it
        if not isinstance(content, dict):
            return None
        if "studio" in content:
            return _of_studio(content)
        history, locked = content.pop("history", []), content.pop("locked", None)
        if not isinstance(history, list) or not all(isinstance(step, dict) for step in history):
            return None
        return cls((*history, content), locked if isinstance(locked, str) and locked else None)

    @property
    def plan(self) -> SongPlan | None:
        """The plan that the song was composed to, before any edits; None where it was not composed by us.

        Raises:
            RequestError: it is none that this version understands.
        """
        plan = next((step["plan"] for step in reversed(self.steps) if isinstance(step.get("plan"), dict)), None)
        known = SongPlan.__dataclass_fields__
        return None if plan is None else SongPlan(**{name: value for name, value in plan.items() if name in known})

    @property
    def weights(self) -> str | None:
        """Fingerprint of the weights of the last step; None where it is not told."""
        weights = self.steps[-1].get("weights") if self.steps else None
        return weights if isinstance(weights, str) and weights else None

    def followed_by(self, step: Step, locked: str | None) -> SongRecipe:
        """With one more step, and with what is locked after it."""
        steps = (*self.steps, step)
        if len(steps) > MAX_STEPS_KEPT:
            steps = (steps[0], *steps[1 - MAX_STEPS_KEPT :])
        return replace(self, steps=steps, locked=locked)

    def text(self) -> str:
        """The text event; `SongRecipe.parse` gives an equal recipe back."""
        *history, last = self.steps or ({},)
        locked = {"locked": self.locked} if self.locked else {}
        return RECIPE_PREFIX + json.dumps({**last, **locked, **({"history": history} if history else {})})

    def lines(self) -> list[str]:
        """Everything for people, a line a step."""
        lines = [_described(step) for step in self.steps]
        return [*lines, f"locked: {self.locked}"] if self.locked else lines


def _described(step: Step) -> str:
    kind = "edit" if "edit" in step else "generate"
    asked = step.get("edit", step.get("plan"))
    asked = asked if isinstance(asked, Mapping) else {}
    told = {name: value for name, value in asked.items() if name != "kind"}
    told |= {name: step.get(name) for name in _TOLD_OF_STEPS}
    given = [f"{name} {_plain(value)}" for name, value in told.items() if value not in (None, "", False, [])]
    return ", ".join([str(asked.get("kind", kind)), *given])


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _of_studio(content: Mapping[str, Any]) -> SongRecipe:
    """What of a studio's recipe another program can use: its last step, and which cells are locked."""
    made_by, studio = content.get("made_by"), content["studio"]
    steps: tuple[Step, ...] = ()
    if isinstance(made_by, dict):
        kept = {name: made_by[name] for name in _TOLD_OF_STEPS if name in made_by}
        steps = ({"edit": {"kind": made_by.get("operation", "studio")}, **kept},)
    tracks = studio.get("tracks") if isinstance(studio, dict) else None
    return SongRecipe(steps, _locked_in_studio(tracks if isinstance(tracks, list) else []))


def _locked_in_studio(tracks: Sequence[Any]) -> str | None:
    parts = []
    for number, track in enumerate(tracks, start=1):
        marks = track.get("locked") if isinstance(track, dict) else None
        if isinstance(marks, str) and "1" in marks:
            parts.append(f"{number}: {format_bars(np.array([mark == '1' for mark in marks]))}")
    return "; ".join(parts) or None
