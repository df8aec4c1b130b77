"""Soundfonts: the default one, one's own, and what is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.sound import soundfont
from phraseloom.sound.soundfont import Soundfont, default_soundfont, open_soundfont


def soundfont_header(major_version: int) -> bytes:
    """The beginning of a soundfont, as far as its version."""
    version = b"ifil" + (4).to_bytes(4, "little") + major_version.to_bytes(2, "little") + (1).to_bytes(2, "little")
    body = b"sfbkLIST" + (len(version) + 4).to_bytes(4, "little") + b"INFO" + version
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_the_default_is_a_soundfont():
    found = default_soundfont()
    assert found.path.suffix == ".sf2"
    assert open_soundfont(found.path) == found


def test_the_default_is_found_without_importing_its_package():
    code = (
        "import sys; from phraseloom.sound.soundfont import default_soundfont; default_soundfont();"
        "print('pretty_midi' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "False"


def test_a_missing_default_says_what_to_install(monkeypatch):
    monkeypatch.setattr(soundfont, "_DEFAULT_PACKAGE", "no_such_package")
    with pytest.raises(RequestError, match="pip install no_such_package"):
        default_soundfont()


@pytest.mark.parametrize(("major_version", "is_compressed"), [(2, False), (3, True)])
def test_compressed_soundfonts_are_told_by_their_version(tmp_path, major_version, is_compressed):
    path = tmp_path / "own.sf2"
    path.write_bytes(soundfont_header(major_version) + bytes(100))
    assert open_soundfont(path) == Soundfont(path, is_compressed)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"\x89PNG" + bytes(50)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "own.sf2"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="not a soundfont"):
        open_soundfont(path)


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    for path in (tmp_path / "missing.sf2", tmp_path):
        with pytest.raises(UnreadableFileError, match="cannot be read"):
            open_soundfont(path)
