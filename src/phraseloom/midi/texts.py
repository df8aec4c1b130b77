"""Text in MIDI files: the standard does not say its encoding, so it is guessed on reading; we write UTF-8."""

from __future__ import annotations

import re

_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # controls but tab and newline; half characters


def decode_text(data: bytes) -> str:
    """The text of a meta event without control characters; never fails.

    UTF-8 where it is that. Else Shift-JIS where bytes 80-9F occur more than once: nearly every Japanese character has
    one, and Western text hardly any (an apostrophe, a dash). Else Latin-1 in Windows' extension.
    """
    return _UNWANTED.sub("", _decode(data))


def encode_text(text: str) -> bytes:
    """The inverse of `decode_text`, but for the characters that it drops."""
    return _UNWANTED.sub("", text).encode("utf-8")


def _decode(data: bytes) -> str:
    encodings = ["utf-8", "cp1252"]
    if sum(0x80 <= byte < 0xA0 for byte in data) > 1:
        encodings.insert(1, "shift_jis")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
