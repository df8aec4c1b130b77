"""What holds for every test: examples are drawn without a stopwatch, since the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("phraseloom", deadline=None)
settings.load_profile("phraseloom")
