"""What every command shares: stdout for data, stderr for people, and one exit code for every way to end.

0 done, 1 our fault, 2 a request that cannot be met, 3 a file that cannot be read, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from cyclopts import CycloptsError

from phraseloom.errors import RequestError, UserError
from phraseloom.progress import Progress

DEBUG_VARIABLE = "PHRASELOOM_DEBUG"
EXIT_DONE, EXIT_OUR_FAULT, EXIT_BAD_REQUEST, EXIT_INTERRUPTED = 0, 1, 2, 130


def run(command: Callable[[], object]) -> int:
    """Run a command and say how it ended: at most one error on stderr, and the exit code."""
    try:
        command()
        sys.stdout.flush()
    except CycloptsError as error:
        chain = " ".join(["phraseloom", *(error.command_chain or ())])
        say(f"error: {str(error).strip()}\n  {chain} --help shows what can be given")
        return EXIT_BAD_REQUEST
    except UserError as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout is gone. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OUR_FAULT
    except Exception as error:  # the last door: whatever went wrong inside, a user sees one line
        _say_our_fault(error)
        return EXIT_OUR_FAULT
    return EXIT_DONE


def say(text: str) -> None:
    """A line for people."""
    print(text, file=sys.stderr, flush=True)


def print_json(record: Mapping[str, Any]) -> None:
    """One object on one line of stdout, so that several make JSON Lines."""
    print(json.dumps(record, ensure_ascii=False, allow_nan=False), flush=True)


def write_to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def refuse_terminal() -> None:
    """For commands about to write a binary file to stdout.

    Raises:
        RequestError: stdout is a terminal.
    """
    if sys.stdout.isatty():
        raise RequestError("`-o -` would fill the terminal with bytes", "pipe it on or redirect it, or name a file")


@contextmanager
def progress_bar() -> Generator[Progress]:
    """A bar on stderr, gone when the block ends; nothing at all where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda doing, share: bar.update(task, description=doing, completed=share)


def _silent(doing: str, share: float) -> None:
    pass


def _say_our_fault(error: Exception) -> None:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error, file=sys.stderr)
        return
    what = " ".join(str(error).split())
    say(f"error: {type(error).__name__}: {what}\n  This is a fault of phraseloom; {DEBUG_VARIABLE}=1 shows where.")
