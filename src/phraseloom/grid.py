"""The grid that every time in the library is counted on."""

from __future__ import annotations

TICKS_PER_QUARTER = 12
"""Resolution of every time in the library."""
