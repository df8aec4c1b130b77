"""A script that renders one MIDI file with midirenderer: SOUNDFONT MIDI WAV. It imports nothing of ours."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import midirenderer


def main(soundfont: Path, midi: Path, wav: Path) -> None:
    """Write the sound of `midi` to `wav`; what midirenderer cannot read ends in its words on stderr and exit code 1."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python would hear it only when midirenderer is done
    try:
        content = midirenderer.render_wave_from(soundfont.read_bytes(), midi.read_bytes())
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))
    wav.write_bytes(content)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
