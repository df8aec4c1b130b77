"""Reports as dictionaries that JSON can hold."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any


def plain_dict(report: Any) -> dict[str, Any]:
    """A dataclass as nested dictionaries; a figure that is not defined (NaN), for which JSON has no number, is None."""
    return _without_nan(asdict(report))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
