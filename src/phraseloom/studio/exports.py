"""Revisions as files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from typing import Literal
from urllib.parse import quote
from zipfile import ZipFile

from phraseloom import render
from phraseloom.midi import midi_bytes
from phraseloom.studio.library import Revision
from phraseloom.studio.problems import NotAvailableError
from phraseloom.studio.recipe import recipe_document, recipe_text
from phraseloom.studio.rendering import SoundRenderer

Picture = Literal["piano-roll", "self-similarity"]
DEFAULT_WIDTH_PX = 1600
MIN_WIDTH_PX, MAX_WIDTH_PX = 400, 4000
SILENT_EXPORTS = ("mid", "json", "png", "zip")
SOUNDING_EXPORTS = ("wav", "ogg")
NOTATION_EXPORTS = ("musicxml",)
MEDIA_TYPES = {
    "mid": "audio/midi",
    "json": "application/json",
    "png": "image/png",
    "zip": "application/zip",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "musicxml": "application/vnd.recordare.musicxml+xml",
}

_NOTATION_LIBRARY = "music21"
_UNTITLED = "song"
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')


@dataclass(frozen=True)
class PictureOptions:
    """How a revision is drawn."""

    kind: Picture = "piano-roll"
    width_px: int = DEFAULT_WIDTH_PX


def exported(revision: Revision, kind: str, sound: SoundRenderer, picture: PictureOptions) -> bytes:
    """A revision as a file of one of `MEDIA_TYPES`.

    Raises:
        NotAvailableError: what this installation cannot write.
        UnsupportedScoreError: the song is too long to be rendered, or has too many notes to be written.
    """
    writers: dict[str, Callable[[], bytes]] = {
        "mid": lambda: midi_file(revision),
        "json": lambda: json.dumps(revision.to_dict(), ensure_ascii=False).encode(),
        "png": lambda: _picture(revision, picture),
        "zip": lambda: _archive(revision, sound),
        "wav": lambda: sound.mix(revision.state.score, "wav"),
        "ogg": lambda: sound.mix(revision.state.score, "ogg"),
        "musicxml": lambda: _notation(revision),
    }
    return writers[kind]()


def available_exports(sound: SoundRenderer) -> list[str]:
    """The kinds that this installation can write."""
    sounding = SOUNDING_EXPORTS if sound.is_available else ()
    notation = NOTATION_EXPORTS if _has_notation() else ()
    return [*SILENT_EXPORTS, *sounding, *notation]


def midi_file(revision: Revision) -> bytes:
    """A MIDI file with the song's recipe in it."""
    return midi_bytes(revision.state.score, texts=[recipe_text(revision.state, revision.entry.made_by)])


def content_disposition(title: str, ending: str) -> str:
    """The header that offers a file to be saved under the song's title (RFC 6266)."""
    name = (_NOT_IN_FILE_NAMES.sub("_", title).strip(" .") or _UNTITLED) + f".{ending}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def _picture(revision: Revision, options: PictureOptions) -> bytes:
    draw = render.piano_roll if options.kind == "piano-roll" else render.self_similarity
    content = BytesIO()
    draw(revision.state.score, width_px=options.width_px).save(content, format="PNG", optimize=True)
    return content.getvalue()


def _notation(revision: Revision) -> bytes:
    if not _has_notation():
        raise NotAvailableError(
            f"MusicXML cannot be written: {_NOTATION_LIBRARY} is not installed",
            "pip install phraseloom[musicxml], or export MIDI, which notation programs read too",
        )
    from phraseloom.notation.musicxml import musicxml_bytes

    return musicxml_bytes(revision.state.score)


def _has_notation() -> bool:
    """Looked up anew each time, so that what is installed while the service runs is there at once."""
    return find_spec(_NOTATION_LIBRARY) is not None


def _archive(revision: Revision, sound: SoundRenderer) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("song.mid", midi_file(revision))
        recipe = recipe_document(revision.state, revision.entry.made_by)
        archive.writestr("recipe.json", json.dumps(recipe, ensure_ascii=False, indent=2))
        if sound.is_available:
            sound.add_stems(archive, revision.state.score)
    return content.getvalue()
