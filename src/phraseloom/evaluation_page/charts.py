"""Small charts as inline SVG: numbers in, text out. Colours come from the page's style, by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate

Scale = Callable[[float], float]
"""From a value to its place in pixels."""

NUM_BINS = 24
LANES = (("generated", "Generated"), ("real", "Real"))

_INTERVAL_WIDTH, _INTERVAL_HEIGHT = 180, 34
_STRIP_WIDTH, _STRIP_HEIGHT = 480, 118
_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT = 300, 132
_LEFT, _RIGHT = 74, 12
_DOT_ROWS = 5  # dots of a lane lie in so many rows, so that equal values do not hide each other


def interval_chart(generated: Estimate, real: Estimate) -> str:
    """Two means with their intervals on one scale from 0 (or the least bound, if below) to the highest bound.

    Says nothing that the table's numbers do not, so it is hidden from screen readers.
    """
    known = [estimate for estimate in (generated, real) if estimate.num_songs]
    bounds = [bound for each in known for bound in (each.low, each.mean, each.high) if not math.isnan(bound)]
    low, high = min([0.0, *bounds]), max([*bounds, 1e-9])
    x = _scale(low, high, 6, _INTERVAL_WIDTH - 6)
    parts = [f'<line class="axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="3" y2="{_INTERVAL_HEIGHT - 3}"/>']
    for (kind, _), estimate, y in zip(LANES, (generated, real), (11, 24), strict=True):
        if estimate.num_songs:
            ends = [bound if not math.isnan(bound) else estimate.mean for bound in (estimate.low, estimate.high)]
            parts.append(f'<line class="{kind} range" x1="{x(ends[0]):.1f}" x2="{x(ends[1]):.1f}" y1="{y}" y2="{y}"/>')
            parts.append(f'<circle class="{kind}" cx="{x(estimate.mean):.1f}" cy="{y}" r="4"/>')
    return _svg(_INTERVAL_WIDTH, _INTERVAL_HEIGHT, parts)


def strip_chart(label: str, generated: Sequence[float], real: Sequence[float]) -> str:
    """A dot for every song, generated ones above real ones, with a line at the mean of each."""
    values = [*generated, *real] or [0.0]
    ticks = _ticks(min([0.0, *values]), max(values))
    x = _scale(ticks[0], ticks[-1], _LEFT, _STRIP_WIDTH - _RIGHT)
    bottom = _STRIP_HEIGHT - 22
    parts = _axis(ticks, x, 4, bottom)
    for (kind, name), songs, top in zip(LANES, (generated, real), (8, 52), strict=True):
        parts.append(f'<text class="lane" x="0" y="{top + 24}">{name}</text>')
        for index, value in enumerate(sorted(songs)):
            y = top + 6 + 7 * (index % _DOT_ROWS)
            parts.append(f'<circle class="{kind} song" cx="{x(value):.1f}" cy="{y}" r="3.5"/>')
        if songs:
            mean = x(float(np.mean(songs)))
            line = f'x1="{mean:.1f}" x2="{mean:.1f}" y1="{top}" y2="{top + 40}"'
            parts.append(f'<line class="{kind} mean" {line}/>')
    return _svg(_STRIP_WIDTH, _STRIP_HEIGHT, parts, _described(label, generated, real))


def histogram_chart(label: str, generated: Sequence[float], real: Sequence[float]) -> str:
    """Shares of the values in equally wide classes: the real ones as a filled outline, the generated ones as a line.

    Values beyond the 1st and the 99th percentile of both together count with the outermost classes.
    """
    everything = np.array([*generated, *real] or [0.0])
    low, high = (float(bound) for bound in np.percentile(everything, [1, 99]))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, NUM_BINS + 1)
    shares = [
        np.histogram(np.clip(values, low, high), edges)[0] / max(len(values), 1)
        for values in (np.array(generated, np.float64), np.array(real, np.float64))
    ]
    top, bottom = 8, _HISTOGRAM_HEIGHT - 22
    x = _scale(low, high, 8, _HISTOGRAM_WIDTH - _RIGHT)
    y = _scale(0.0, max(float(max(share.max() for share in shares)), 1e-9), bottom, top)
    parts = _axis([low, (low + high) / 2, high], x, top, bottom)
    for (kind, _), share in reversed(list(zip(LANES, shares, strict=True))):
        steps = [f"M{x(low):.1f},{bottom}"]
        for index, value in enumerate(share.tolist()):
            steps += [f"V{y(value):.1f}", f"H{x(float(edges[index + 1])):.1f}"]
        parts.append(f'<path class="{kind} outline" d="{"".join([*steps, f"V{bottom}"])}"/>')
    return _svg(_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT, parts, _described(label, generated, real))


def _described(label: str, generated: Sequence[float], real: Sequence[float]) -> str:
    """What a chart shows, in words."""
    means = [
        f"{name.lower()} {np.mean(values):.3g} on average"
        for (_, name), values in zip(LANES, (generated, real), strict=True)
        if len(values)
    ]
    return f"{label}: {', '.join(means)}" if means else label


def _svg(width: int, height: int, parts: Sequence[str], description: str = "") -> str:
    told = f'role="img" aria-label="{escape(description)}"' if description else 'aria-hidden="true"'
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" {told}>{"".join(parts)}</svg>'


def _axis(ticks: Sequence[float], x: Scale, top: int, bottom: int) -> list[str]:
    parts = [f'<line class="axis" x1="{x(ticks[0]):.1f}" x2="{x(ticks[-1]):.1f}" y1="{bottom}" y2="{bottom}"/>']
    for index, tick in enumerate(ticks):
        anchor = "end" if index == len(ticks) - 1 else "start" if index == 0 else "middle"
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="{anchor}">{tick:.3g}</text>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers a fixed step apart that hold `low` and `high` between them."""
    span = max(high - low, 1e-6)
    step = 10.0 ** math.floor(math.log10(span / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 10) for index in range(first, max(last, first + 1) + 1)]


def _scale(low: float, high: float, left: float, right: float) -> Scale:
    """The function that takes `low` to `left` and `high` to `right`."""
    factor = (right - left) / (high - low) if high > low else 0.0
    return lambda value: left + (value - low) * factor
