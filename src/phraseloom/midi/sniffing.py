"""What a file that is not MIDI looks like, to say so in the error."""

from __future__ import annotations

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WAVE", "WAV audio"),
    (8, b"AIFF", "AIFF audio"),
    (8, b"AVI ", "an AVI film"),
    (0, b"RIFF", "a RIFF container without MIDI"),
    (0, b"ID3", "MP3 audio"),
    (0, b"\xff\xfb", "MP3 audio"),
    (0, b"OggS", "OGG audio"),
    (0, b"fLaC", "FLAC audio"),
    (4, b"ftyp", "MP4 audio or film"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive (compressed MusicXML, perhaps)"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
)
_TEXT_SAMPLE_BYTES = 1024


def describe_bytes(content: bytes) -> str:
    """A few words for what `content` seems to be, such as "a PNG picture"."""
    if not content:
        return "an empty file"
    for offset, signature, description in _SIGNATURES:
        if content.startswith(signature, offset):
            return description
    if not any(content):
        return "a file of nothing but zeros"
    sample = content[:_TEXT_SAMPLE_BYTES]
    if _is_text(sample):
        return _describe_text(sample.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n"))
    return f"unknown binary data (it starts with {content[:4].hex(' ').upper()})"


def _is_text(sample: bytes) -> bool:
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:  # else the sample's end cut a character in two
            return False
        text = sample[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in text)


def _describe_text(text: str) -> str:
    if "<score-partwise" in text or "<score-timewise" in text:
        return "MusicXML"
    if text.lower().startswith(("<!doctype html", "<html")):
        return "a web page"
    if text.startswith("<"):
        return "XML"
    if text.startswith(("{", "[")):
        return "JSON"
    return "text"
