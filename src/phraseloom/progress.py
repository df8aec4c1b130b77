"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Told what is being done, in a word or two, and the share of it that is done, 0 to 1."""


def silent(doing: str, share: float) -> None:
    """Progress that nobody watches."""
