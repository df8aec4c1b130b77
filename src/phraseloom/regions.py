"""Bars, tracks and cells of a song as users name them: counted from 1, tracks by name or number.

Letters in shapes: n bars of the song, t its tracks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import numpy as np

from phraseloom.errors import ParseError, RequestError
from phraseloom.score import Score

ALL = "all"

_BARS = re.compile(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?")
_BARS_REMEDY = "write bars as 13-20 or 4,9-12"
_CELL_MARKS = ":;"


def parse_bars(text: str, num_bars: int) -> np.ndarray:
    """`[n]` bool: the bars that a text such as `4,9-12` names, counted from 1.

    Raises:
        ParseError: it does not parse, or names bars that the song does not have; points at the place.
    """
    chosen = np.zeros(num_bars, bool)
    start = 0
    for part in text.split(","):
        match = _BARS.fullmatch(part)
        if match is None:
            raise ParseError(text, start, start + len(part), f"{part.strip()!r} names no bars", _BARS_REMEDY)
        first = int(match[1])
        last = int(match[2] or first)
        if not 1 <= first <= last <= num_bars:
            remedy = f"name bars from 1 to {num_bars}, the first before the last"
            raise ParseError(text, start, start + len(part), f"the song has no bars {part.strip()}", remedy)
        chosen[first - 1 : last] = True
        start += len(part) + 1
    return chosen


def format_bars(bars: np.ndarray) -> str:
    """The inverse of `parse_bars` for at least one bar."""
    runs = [list(run) for is_chosen, run in groupby(range(len(bars)), key=lambda bar: bool(bars[bar])) if is_chosen]
    return ",".join(str(run[0] + 1) if len(run) == 1 else f"{run[0] + 1}-{run[-1] + 1}" for run in runs)


def parse_cells(text: str, score: Score) -> np.ndarray:
    """`[n, t]` bool: the cells that a text such as `melody; piano: 5-8; all: 13-16` names.

    Parts are separated by `;`: a track, or `all`, and its bars where not all are meant. The empty text names none.

    Raises:
        RequestError: the song has no such track.
        ParseError: the bars do not parse, or the song does not have them.
    """
    cells = np.zeros((score.num_bars, len(score.tracks)), bool)
    for part in filter(str.strip, text.split(";")):
        name, colon, bars = part.partition(":")
        tracks = slice(None) if name.strip().casefold() == ALL else track_index(name, score)
        in_bars = parse_bars(bars, score.num_bars) if colon else np.ones(score.num_bars, bool)
        cells[in_bars, tracks] = True
    return cells


def format_cells(cells: np.ndarray, score: Score) -> str:
    """The inverse of `parse_cells`, for this song."""
    parts = []
    for index in np.flatnonzero(cells.any(axis=0)).tolist():
        name, bars = _unmistakable_name(index, score), cells[:, index]
        parts.append(name if bars.all() else f"{name}: {format_bars(bars)}")
    return "; ".join(parts)


def track_index(name: str, score: Score) -> int:
    """The track that a name, or a number from 1, stands for.

    Raises:
        RequestError: the song has no such track.
    """
    wanted = _folded(name)
    names = [_folded(track.name) for track in score.tracks]
    if wanted and wanted in names:
        return names.index(wanted)
    numbers = [str(number) for number in range(1, len(names) + 1)]
    if wanted in numbers:
        return numbers.index(wanted)
    raise RequestError(f"the song has no track {name.strip()!r}", f"choose among {track_labels(score)}")


def track_label(index: int, score: Score) -> str:
    """A track as it may be named: its number, from 1, and its name."""
    return f"{index + 1} {score.tracks[index].name}".strip()


def track_labels(score: Score, indices: Iterable[int] | None = None) -> str:
    """Some tracks, or all, for a sentence."""
    return ", ".join(track_label(index, score) for index in (range(len(score.tracks)) if indices is None else indices))


def _folded(name: str) -> str:
    return name.strip().casefold()


def _unmistakable_name(index: int, score: Score) -> str:
    """The track's name where that names it and nothing else, or else its number."""
    name = score.tracks[index].name.strip()
    is_own = Counter(_folded(track.name) for track in score.tracks)[_folded(name)] == 1
    is_plain = (
        bool(name) and not name.isdecimal() and _folded(name) != ALL and not any(map(name.__contains__, _CELL_MARKS))
    )
    return name if is_own and is_plain else str(index + 1)
