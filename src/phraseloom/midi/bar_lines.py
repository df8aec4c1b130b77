"""Bar lines out of meter changes that a file may have anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from phraseloom.errors import UnsupportedScoreError
from phraseloom.midi.song import TimedMeter
from phraseloom.score import TICKS_PER_QUARTER, MeterChange

MAX_SONG_BARS = 2000
"""Longer songs are refused: more than an hour at 120 bpm is a stray event rather than a song."""

DEFAULT_METER = MeterChange(0, 4, 4)
"""What the standard says of a file without a meter."""

_DENOMINATORS = (1, 2, 4, 8, 16, 32)
_TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER
_SMALLEST_BAR_TICKS = 3  # a 1/16, the smallest note that is a whole number of ticks


class _Segment(NamedTuple):
    """Bars of one meter: the first of them is `meter.bar` and starts at `tick`."""

    tick: int
    meter: MeterChange


@dataclass(frozen=True)
class Bars:
    """The bars of a song, in segments of one meter each."""

    segments: tuple[_Segment, ...]
    num_bars: int

    @property
    def meters(self) -> tuple[MeterChange, ...]:
        return tuple(segment.meter for segment in self.segments)

    @cached_property
    def line_ticks(self) -> np.ndarray:
        """`[num_bars + 1]` int64: where each bar starts, and where the last one ends."""
        edges = pairwise([*(meter.bar for meter in self.meters), self.num_bars])
        lines = [
            segment.tick + segment.meter.ticks_per_bar * np.arange(end_bar - first_bar)
            for segment, (first_bar, end_bar) in zip(self.segments, edges, strict=True)
        ]
        return np.append(np.concatenate(lines), lines[-1][-1] + self.meters[-1].ticks_per_bar)

    @property
    def num_ticks(self) -> int:
        return int(self.line_ticks[-1])

    def nearest_line(self, tick: int) -> int:
        """The bar whose start is nearest to `tick`; `num_bars` stands for the song's end."""
        return int(np.searchsorted((self.line_ticks[1:] + self.line_ticks[:-1]) / 2, tick, side="right"))


def lay_bars(changes: Sequence[TimedMeter], needed_ticks: int, warnings: list[str]) -> Bars:
    """Bars from tick 0 until `needed_ticks` are covered.

    A change of meter starts a bar; the bar that it cuts short gets a meter of its own, rounded to 1/16.

    Args:
        changes: in the library's ticks, ordered; of several at one tick the last counts.
        needed_ticks: at least 1; changes from there on do not matter.
        warnings: a remark on bars that were cut short is appended.

    Raises:
        UnsupportedScoreError: a meter that the grid cannot hold, or too many bars.
    """
    segments = [_Segment(0, DEFAULT_METER)]
    cut_bars: list[int] = []
    for change in {change.tick: change for change in changes if change.tick < needed_ticks}.values():
        last = segments[-1]
        whole, rest = divmod(change.tick - last.tick, last.meter.ticks_per_bar)
        if rest and (change.numerator, change.denominator) == (last.meter.numerator, last.meter.denominator):
            continue  # some sequencers repeat the running meter anywhere
        bar, tick = last.meter.bar + whole, last.tick + whole * last.meter.ticks_per_bar
        _check_num_bars(bar + 1)
        meter = _meter(bar, change)
        if cut_ticks := _SMALLEST_BAR_TICKS * round(rest / _SMALLEST_BAR_TICKS):
            cut_bars.append(bar)
            _put(segments, _Segment(tick, _cut_bar(bar, cut_ticks, last.meter.denominator)))
            meter, tick = replace(meter, bar=bar + 1), tick + cut_ticks
        _put(segments, _Segment(tick, meter))
    if cut_bars:
        warnings.append(f"bars cut short by a change of meter: {len(cut_bars)}, the first bar {cut_bars[0] + 1}")
    last = segments[-1]
    num_bars = last.meter.bar + max(1, -(-(needed_ticks - last.tick) // last.meter.ticks_per_bar))
    _check_num_bars(num_bars)
    return Bars(tuple(segments), num_bars)


def _put(segments: list[_Segment], segment: _Segment) -> None:
    """Add a segment, in place of one that starts with the same bar and so has no bars."""
    if segments[-1].meter.bar == segment.meter.bar:
        segments.pop()
    segments.append(segment)


def _meter(bar: int, change: TimedMeter) -> MeterChange:
    if change.denominator not in _DENOMINATORS or _TICKS_PER_WHOLE * change.numerator % change.denominator:
        raise UnsupportedScoreError(
            f"the song has a meter of {change.numerator}/{change.denominator} at bar {bar + 1}, "
            f"which a grid of {TICKS_PER_QUARTER} ticks to the quarter cannot hold",
            "write the passage in a meter of halves, quarters, eighths or sixteenths",
        )
    return MeterChange(bar, change.numerator, change.denominator)


def _cut_bar(bar: int, ticks: int, denominator: int) -> MeterChange:
    """A bar of `ticks`, in notes of 1/`denominator` where they fit, else in smaller ones."""
    while ticks * denominator % _TICKS_PER_WHOLE:
        denominator *= 2
    return MeterChange(bar, ticks * denominator // _TICKS_PER_WHOLE, denominator)


def _check_num_bars(num_bars: int) -> None:
    if num_bars > MAX_SONG_BARS:
        raise UnsupportedScoreError(
            f"the song reaches to bar {num_bars}; songs of up to {MAX_SONG_BARS} bars are read",
            "look for a stray note or marker far behind the song's end and delete it, or cut the file into songs",
        )
