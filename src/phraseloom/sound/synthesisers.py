"""The programs that turn a MIDI file into a WAV file, each run as a process of its own.

midirenderer holds Python's lock while it works, and neither it nor fluidsynth can be stopped from inside.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.sound.soundfont import Soundfont

SAMPLE_RATE_HZ = 48_000
"""Frames a second; midirenderer knows no other rate."""

_MIDIRENDERER = "midirenderer"
_FLUIDSYNTH = "fluidsynth"
_NOT_LOADED = "Failed to load SoundFont"
"""fluidsynth then goes on with another soundfont or with none, and says that all went well."""

_FLUIDSYNTH_GAIN = 0.4
"""About as loud as midirenderer."""

_PLACEHOLDERS = ("{soundfont}", "{midi}", "{wav}")
_MIDIRENDERER_SCRIPT = Path(__file__).with_name("midirenderer_process.py")
"""Run as a script, not as a module of the package, whose imports would take longer than it does."""


@dataclass(frozen=True)
class Synthesiser:
    """A program that renders MIDI files.

    Attributes:
        name: of the program.
        command: its command line with `{soundfont}`, `{midi}` and `{wav}` where their paths go.
    """

    name: str
    command: tuple[str, ...]

    def render(self, soundfont: Soundfont, midi: Path, wav: Path) -> None:
        """Write the sound of the file `midi` to `wav`: 16 bits, stereo, `SAMPLE_RATE_HZ`.

        Raises:
            UnreadableFileError: the soundfont is damaged or of a kind that the program cannot read.
            RuntimeError: the program was killed.
        """
        paths = dict(zip(_PLACEHOLDERS, map(str, (soundfont.path, midi, wav)), strict=True))
        command = [paths.get(word, word) for word in self.command]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if run.returncode < 0:
            raise RuntimeError(f"{self.name} was killed by signal {-run.returncode}")
        said = run.stderr.decode(errors="replace").strip().splitlines()
        if run.returncode or not wav.is_file() or any(_NOT_LOADED in line for line in said):
            reason = next((line for line in said if "error:" in line), (said or ["it does not say why"])[-1])
            raise UnreadableFileError(
                f"{self.name} cannot play the soundfont {soundfont.path}: {reason}",
                "give another soundfont (.sf2), or leave the option out for the default one",
            )


def choose_synthesiser(soundfont: Soundfont) -> Synthesiser:
    """midirenderer where it is installed and can read the soundfont, else fluidsynth where it is on the PATH.

    Raises:
        RequestError: neither can be had.
    """
    if find_spec(_MIDIRENDERER) and not soundfont.is_compressed:
        python = (sys.executable, "-P")  # the script's folder stays off the module path
        return Synthesiser(_MIDIRENDERER, (*python, str(_MIDIRENDERER_SCRIPT), *_PLACEHOLDERS))
    if fluidsynth := shutil.which(_FLUIDSYNTH):
        level_and_rate = ("-g", str(_FLUIDSYNTH_GAIN), "-r", str(SAMPLE_RATE_HZ))
        options = ("-n", "-i", "-q", "-O", "s16", "-T", "wav", *level_and_rate, "-F", "{wav}")
        return Synthesiser(_FLUIDSYNTH, (fluidsynth, *options, "{soundfont}", "{midi}"))
    if soundfont.is_compressed:
        raise RequestError(
            f"{soundfont.path} is a compressed soundfont (SoundFont 3)",
            f"give an uncompressed one (.sf2), or install {_FLUIDSYNTH}, which reads both",
        )
    raise RequestError("no synthesiser is installed", f"pip install {_MIDIRENDERER}, or install {_FLUIDSYNTH}")
