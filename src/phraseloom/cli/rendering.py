"""Songs to hear and to see: render."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from cyclopts import Parameter

from phraseloom import terminal
from phraseloom.cli.application import STDOUT, Json, app
from phraseloom.errors import RequestError
from phraseloom.files import require_writable

if TYPE_CHECKING:
    import numpy as np

STDIN = "-"

Format = Literal["wav", "ogg", "flac", "png"]
Picture = Literal["piano-roll", "self-similarity"]
Input = Annotated[str, Parameter(allow_leading_hyphen=True)]
AnyOutput = Annotated[str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)]
"""Whatever starts with a hyphen is let in with `-`; a name without a known ending is refused anyway."""

_PICTURE_FORMAT: Format = "png"
_STDOUT_FORMAT: Format = "wav"


@app.command
def render(
    file: Input,
    *,
    output: AnyOutput = None,
    stems: Path | None = None,
    soundfont: Path | None = None,
    picture: Picture | None = None,
    width: int | None = None,
    format_: Annotated[Format | None, Parameter(name="--format")] = None,
    as_json: Json = False,
) -> None:
    """Make a song heard or seen: as audio, as stems, or as a picture.

    The output's name says what is written: .wav, .ogg and .flac are audio, .png is a picture.

    Parameters
    ----------
    file
        MIDI file; - reads it from stdin.
    output
        File to write; - writes to stdout.
    stems
        Folder for one WAV file a track, all from bar 1 and equally long; they add up to the whole.
    soundfont
        Instruments of your own (.sf2), in place of the default ones.
    picture
        The notes of every track (piano-roll, the default), or how alike the bars are (self-similarity).
    width
        Width of the picture in pixels.
    format_
        What to write to stdout; WAV where nothing is said.
    as_json
        Print what was written as one JSON object.
    """
    target = None if output is None else _Target(output, _format_of(output, format_))
    _check_options(target, stems, soundfont, picture, width, format_)
    _check_places(target, stems, as_json)
    source = _read_stdin() if file == STDIN else Path(file)
    record: dict[str, Any] = {}
    if target is not None and target.is_picture:
        record |= _draw(source, target, picture or "piano-roll", width)
        target = None
    if target is not None or stems is not None:
        record |= _sound(source, target, stems, soundfont)
    if as_json:
        terminal.print_json(record)


@dataclass(frozen=True)
class _Target:
    """The file that is asked for, or stdout."""

    output: str
    format: Format

    @property
    def is_picture(self) -> bool:
        return self.format == _PICTURE_FORMAT

    @property
    def path(self) -> Path | None:
        """None for stdout."""
        return None if self.output == STDOUT else Path(self.output)

    def __str__(self) -> str:
        return "stdout" if self.path is None else self.output


def _format_of(output: str, asked: Format | None) -> Format:
    if output == STDOUT:
        return asked or _STDOUT_FORMAT
    ending = Path(output).suffix.lower().removeprefix(".")
    for known in get_args(Format):
        if ending == known:
            return known
    *others, last = (f".{known}" for known in get_args(Format))
    raise RequestError(
        f"cannot write {output}: its name does not say what to write",
        f"end the name in {', '.join(others)} or {last}",
    )


def _check_options(
    target: _Target | None,
    stems: Path | None,
    soundfont: Path | None,
    picture: Picture | None,
    width: int | None,
    asked_format: Format | None,
) -> None:
    """Every option must have something to act on."""
    if target is None and stems is None:
        raise RequestError("nothing is asked for", "add -o song.wav, -o song.png or --stems FOLDER")
    has_picture = target is not None and target.is_picture
    if not has_picture and (picture is not None or width is not None):
        raise RequestError("--picture and --width are for pictures", "write one with -o song.png")
    if soundfont is not None and has_picture and stems is None:
        raise RequestError("--soundfont is for sound, and a picture has none", "leave it out, or write -o song.wav")
    if asked_format is not None and (target is None or target.path is not None):
        raise RequestError("--format is for stdout; a file's name says its format", "leave it out, or write to -o -")


def _check_places(target: _Target | None, stems: Path | None, as_json: bool) -> None:
    """Nothing is worked on that cannot be written afterwards."""
    if target is not None and target.path is None:
        terminal.refuse_terminal()
        if as_json:
            raise RequestError("the song and JSON cannot both go to stdout", "name a file, or leave --json out")
    elif target is not None:
        require_writable(Path(target.output))
    if stems is not None:
        from phraseloom.sound import require_stems_folder

        require_stems_folder(stems)


def _read_stdin() -> bytes:
    from phraseloom.midi.chunks import MAX_FILE_BYTES

    if sys.stdin.isatty():
        raise RequestError("`-` reads a MIDI file from stdin, which is a terminal", "pipe one in, or name a file")
    return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)  # one more, so that a larger file is seen to be larger


def _draw(source: bytes | Path, target: _Target, picture: Picture, width_px: int | None) -> dict[str, Any]:
    """Draws the song, and says what was written."""
    from phraseloom import render as pictures
    from phraseloom.midi import read_midi

    draw = {"piano-roll": pictures.piano_roll, "self-similarity": pictures.self_similarity}[picture]
    score = read_midi(source)
    drawn = draw(score) if width_px is None else draw(score, width_px=width_px)
    if target.path is None:
        content = BytesIO()
        drawn.save(content, format="PNG", optimize=True)
        terminal.write_to_stdout(content.getvalue())
    else:
        pictures.write_picture(drawn, target.path)
    terminal.say(f"{target}: {score.num_bars} bars")
    return {"output": target.output, "num_bars": score.num_bars, "width_px": drawn.width, "height_px": drawn.height}


def _sound(
    source: bytes | Path, target: _Target | None, stems_folder: Path | None, soundfont_path: Path | None
) -> dict[str, Any]:
    """Renders the song's sound to `target`, to stems or to both, and says what was written."""
    from phraseloom import sound
    from phraseloom.midi import load_midi

    soundfont = sound.default_soundfont() if soundfont_path is None else sound.open_soundfont(soundfont_path)
    performance = sound.perform_midi(load_midi(source))
    written: dict[str, Any] = {}
    with terminal.progress_bar() as progress:
        if stems_folder is None:
            mix = sound.render_mix(performance, soundfont, progress)
        else:
            stems = sound.render_stems(performance, soundfont, progress)
            progress("writing stems", 1.0)
            mix = stems.mix
            written["stems"] = [str(path) for path in sound.write_stems(stems, stems_folder)]
        if target is not None:
            progress("writing", 1.0)
            written["output"] = target.output
            _write_audio(mix, target)
    seconds = len(mix) / sound.SAMPLE_RATE_HZ
    told = f"{_minutes(seconds)}, {len(performance.parts)} tracks"
    if target is not None:
        terminal.say(f"{target}: {told}")
    if stems_folder is not None:
        terminal.say(f"{stems_folder}: stems, {told}")
    return {**written, "duration_seconds": round(seconds, 3), "sample_rate_hz": sound.SAMPLE_RATE_HZ}


def _write_audio(audio: np.ndarray, target: _Target) -> None:
    from phraseloom.sound import audio_bytes, write_audio

    if target.path is None:
        terminal.write_to_stdout(audio_bytes(audio, target.format))
    else:
        write_audio(audio, target.path)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
