"""The application that the commands belong to, and the options that several of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from phraseloom import __version__

STDOUT = "-"

app = App(
    name="phraseloom",
    help="Compose whole multitrack songs as MIDI.",
    version=__version__,
    help_format="plaintext",  # the other formats' parsers take longer to import than all the rest
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command()
prepare = App(name="prepare", help="Turn MIDI files into a corpus to train on.")
app.command(prepare)
evaluate = App(name="evaluate", help="Measure weights and music.")
app.command(evaluate)


def _no_option(_type: type, name: str) -> None:
    """`-` must be let in as a file name, and with it comes everything else that starts with a hyphen."""
    if name.startswith("-") and name != STDOUT:
        raise ValueError("Expected a file name; one that starts with a hyphen is written ./-name.")


Output = Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True, validator=_no_option)]
Json = Annotated[bool, Parameter(name="--json", show_default=False)]
Refinements = Annotated[int | None, Parameter(validator=Number(gte=0, lte=1000))]
Readings = Annotated[int | None, Parameter(validator=Number(gte=0, lte=1000))]
Count = Annotated[int, Parameter(validator=Number(gte=1, lte=1000))]
Steps = Annotated[int, Parameter(validator=Number(gte=1, lte=1000))]
PlanFile = Annotated[Path | None, Parameter(name="--plan")]
Tracks = Annotated[str | None, Parameter(name="--tracks")]
Jobs = Annotated[int | None, Parameter(validator=Number(gte=1))]
