"""What holds for every test: examples are drawn without a stopwatch, since the machine may be busy."""

from __future__ import annotations

import os

# Tests run side by side; torch with a thread a core in each of them would only wait for itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("phraseloom", deadline=None)
settings.load_profile("phraseloom")
