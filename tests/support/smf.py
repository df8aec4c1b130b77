"""MIDI files byte by byte, so that tests can build what no library would write."""

from __future__ import annotations

import struct

END_OF_TRACK = b"\x00\xff\x2f\x00"


def quantity(value: int) -> bytes:
    """MIDI's variable-length quantity."""
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(0x80 | value & 0x7F)
    return bytes(reversed(septets))


def meta(kind: int, data: bytes, delta_ticks: int = 0) -> bytes:
    return quantity(delta_ticks) + bytes([0xFF, kind]) + quantity(len(data)) + data


def note(pitch: int, duration_ticks: int, delta_ticks: int = 0, velocity: int = 80, channel: int = 0) -> bytes:
    """A note-on and its note-off."""
    return (
        quantity(delta_ticks)
        + bytes([0x90 | channel, pitch, velocity])
        + quantity(duration_ticks)
        + bytes([0x80 | channel, pitch, 0])
    )


def program(number: int, channel: int = 0, delta_ticks: int = 0) -> bytes:
    return quantity(delta_ticks) + bytes([0xC0 | channel, number])


def chunk(*events: bytes, kind: bytes = b"MTrk", end: bytes = END_OF_TRACK) -> bytes:
    body = b"".join(events) + end
    return kind + struct.pack(">I", len(body)) + body


def midi_file(*chunks: bytes, file_type: int = 1, division: int = 480, num_tracks: int | None = None) -> bytes:
    count = len(chunks) if num_tracks is None else num_tracks
    return b"MThd" + struct.pack(">IHHH", 6, file_type, count, division) + b"".join(chunks)
