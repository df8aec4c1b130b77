"""Which instruments sound: the soundfont that comes with the pretty_midi package, or the user's own."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from phraseloom.errors import RequestError, UnreadableFileError

_DEFAULT_PACKAGE = "pretty_midi"
_DEFAULT_FILE = "TimGM6mb.sf2"
_VERSION_CHUNK = b"ifil"
_HEADER_BYTES = 4096
"""The version stands in the first list of the file, long before the samples."""

_COMPRESSED_MAJOR_VERSION = 3


@dataclass(frozen=True)
class Soundfont:
    """A SoundFont 2 file.

    Attributes:
        path: where it is.
        is_compressed: its samples are Vorbis streams (SoundFont 3), which not every synthesiser can read.
    """

    path: Path
    is_compressed: bool = False


def default_soundfont() -> Soundfont:
    """TimGM6mb, a General MIDI soundfont of 6 MB. Its package is looked up without being imported.

    Raises:
        RequestError: it is not installed.
    """
    spec = find_spec(_DEFAULT_PACKAGE)
    folders = spec.submodule_search_locations or () if spec else ()
    path = next((path for folder in folders if (path := Path(folder) / _DEFAULT_FILE).is_file()), None)
    if path is None:
        raise RequestError(
            f"the default soundfont, {_DEFAULT_FILE} of the package {_DEFAULT_PACKAGE}, is not installed",
            f"pip install {_DEFAULT_PACKAGE}, or give a soundfont of your own (.sf2)",
        )
    return Soundfont(path)


def open_soundfont(path: Path) -> Soundfont:
    """The soundfont at `path`, as far as its first bytes tell.

    Raises:
        UnreadableFileError: there is no such file, it may not be read, or it is no soundfont.
    """
    remedy = "give the path of a soundfont (.sf2)"
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise UnreadableFileError(f"the soundfont {path} cannot be read: {error.strerror}", remedy) from error
    if header[:4] != b"RIFF" or header[8:12] != b"sfbk":
        raise UnreadableFileError(f"{path} is not a soundfont", remedy)
    return Soundfont(path, is_compressed=_major_version(header) == _COMPRESSED_MAJOR_VERSION)


def _major_version(header: bytes) -> int | None:
    """The number before the point in the file's version; None where the header does not hold it."""
    at = header.find(_VERSION_CHUNK)
    if at < 0 or at + 12 > len(header):
        return None
    _num_bytes, major, _minor = struct.unpack_from("<IHH", header, at + 4)
    return major
