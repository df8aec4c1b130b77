"""MIDI files as other software writes them, made up: off the grid, with pedals, bends, lyrics and all.

Also what such a file holds, in musical time, so that two can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from phraseloom.midi import load_midi
from phraseloom.midi.chunks import ChannelEvent, MetaEvent, SysexEvent, read_chunks
from support.smf import chunk, meta, midi_file, quantity

Row = tuple[int, int, int, int]
"""Onset, duration, pitch, velocity."""

DRUM_CHANNEL = 9
CONTROLLERS = [0, 1, 7, 10, 11, 32, 64, 66, 91, 98, 99, 100, 101, 6, 120, 121]
TEXT_KINDS = [0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x7F]


@dataclass(frozen=True)
class Line:
    """A track of a file: notes, and events that are none as a tick and a status (without channel) with its data."""

    name: str
    channel: int
    rows: tuple[Row, ...]
    events: tuple[tuple[int, bytes], ...]

    def chunk(self) -> bytes:
        timed = [(0, 0, meta(0x03, self.name.encode())[1:])]
        timed += [(tick, 1, _on_wire(data, self.channel)) for tick, data in self.events]
        for onset, duration, pitch, velocity in self.rows:
            timed.append((onset + duration, 0, bytes([0x80 | self.channel, pitch, velocity // 2])))
            timed.append((onset, 2, bytes([0x90 | self.channel, pitch, velocity])))
        return chunk(*_with_deltas(sorted(timed, key=lambda event: event[:2])))


def file_of(lines: Iterable[Line], conductor: Iterable[tuple[int, bytes]], ticks_per_quarter: int) -> bytes:
    """A file of type 1 with these tracks behind a conductor track."""
    timed = [(tick, 0, _on_wire(data, 0)) for tick, data in conductor]
    first = chunk(*_with_deltas(sorted(timed, key=lambda event: event[:2])))
    return midi_file(first, *(line.chunk() for line in lines), division=ticks_per_quarter)


def performance(seed: int, names: Sequence[str], num_bars: int, *, may_overlap: bool = True) -> bytes:
    """A file of 4/4 with one track for each name, those that begin with D being drums."""
    rng = Random(seed)
    ticks_per_quarter = rng.choice([12, 96, 100, 384, 480, 1024])
    num_ticks = num_bars * 4 * ticks_per_quarter
    lines = []
    for index, name in enumerate(names):
        rows = _rows(rng, num_ticks, 6 * ticks_per_quarter, rng.randint(1, 3 * num_bars))
        events = _timed(rng, _channel_event, num_ticks) + _timed(rng, _event_for_all, num_ticks)
        lines.append(
            Line(
                name,
                DRUM_CHANNEL if name.startswith("D") else index,
                rows if may_overlap else _without_overlaps(rows),
                tuple(sorted(events, key=lambda event: event[0])),
            )
        )
    conductor = [(0, b"\xff\x59\x01\x00"), *_timed(rng, _event_for_all, num_ticks)]
    conductor += _timed(rng, _tempo, num_ticks - ticks_per_quarter)
    return file_of(lines, [*conductor, (num_ticks, b"\xff\x06End")], ticks_per_quarter)


def _rows(rng: Random, num_ticks: int, longest: int, count: int) -> tuple[Row, ...]:
    """Notes of two pitches, so that they often meet; never two of one at once."""
    places = {(rng.randrange(num_ticks), rng.choice([59, 60])) for _ in range(count)}
    return tuple((onset, rng.randint(1, longest), pitch, rng.randint(1, 127)) for onset, pitch in sorted(places))


def _timed(rng: Random, make: Callable[[Random], bytes], num_ticks: int) -> list[tuple[int, bytes]]:
    """Some events, many of them at the start; at one tick never two that say the same thing."""
    events: dict[tuple[int, bytes], bytes] = {}
    for _ in range(rng.randint(0, 6)):
        tick, data = rng.choice([0, rng.randrange(num_ticks)]), make(rng)
        events[tick, data[:2]] = data
    return sorted(((tick, data) for (tick, _), data in events.items()), key=lambda event: event[0])


def _channel_event(rng: Random) -> bytes:
    """A controller, program, bend or pressure."""
    value = rng.randrange(128)
    return rng.choice(
        [
            bytes([0xB0, rng.choice(CONTROLLERS), value]),
            bytes([0xC0, value]),
            bytes([0xE0, rng.randrange(128), value]),
            bytes([0xD0, value]),
            bytes([0xA0, rng.randrange(128), value]),
        ]
    )


def _event_for_all(rng: Random) -> bytes:
    """A lyric, a text, a marker that is no section, a key signature, or SysEx."""
    content = rng.randbytes(rng.randrange(5))
    return rng.choice(
        [
            bytes([0xFF, rng.choice(TEXT_KINDS)]) + content,
            bytes([0xFF, 0x59, rng.randint(-7, 7) % 256, 0]),
            b"\xf0" + bytes(byte & 0x7F for byte in content) + b"\xf7",
        ]
    )


def _tempo(rng: Random) -> bytes:
    return b"\xff\x51" + rng.randint(100_000, 5_999_999).to_bytes(3, "big")


def _without_overlaps(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, each ending where its pitch is struck again."""
    result = []
    for onset, duration, pitch, velocity in rows:
        later = [other[0] - onset for other in rows if other[2] == pitch and other[0] > onset]
        result.append((onset, min([duration, *later]), pitch, velocity))
    return tuple(result)


@dataclass(frozen=True)
class Held:
    """What a file holds; every place as a number of quarters.

    Attributes:
        events: by track name, "" for the conductor, place and data of all that is no note, in order.
        notes: by track name, place, length, pitch, velocity and release velocity of its notes, ordered.
    """

    events: dict[str, list[tuple[Fraction, bytes]]]
    notes: dict[str, list[tuple[Fraction, Fraction, int, int, int]]]


def held_in(content: bytes) -> Held:
    file = read_chunks(content)
    events: dict[str, list[tuple[Fraction, bytes]]] = {}
    for index, track in enumerate(file.tracks):
        name = next((event.data.decode() for event in track.metas if event.kind == 0x03), "") if index else ""
        events[name] = [
            (Fraction(event.tick, file.ticks_per_quarter), _data(event))
            for event in track.events
            if not _is_frame(event)
        ]
    notes = {
        track.name: sorted(
            (Fraction(onset, file.ticks_per_quarter), Fraction(duration, file.ticks_per_quarter), *rest)
            for onset, duration, *rest in zip(
                track.onset_ticks.tolist(),
                track.duration_ticks.tolist(),
                track.pitch.tolist(),
                track.velocity.tolist(),
                track.release_velocity.tolist(),
                strict=True,
            )
        )
        for track in load_midi(content).tracks
    }
    return Held(events, notes)


def _is_frame(event: ChannelEvent | SysexEvent | MetaEvent) -> bool:
    """What every file of ours says anew: names, meter, the end."""
    if not isinstance(event, MetaEvent):
        return False
    return event.kind in (0x03, 0x21, 0x2F, 0x58) or (event.kind == 0x06 and event.data == b"End")


def _data(event: ChannelEvent | SysexEvent | MetaEvent) -> bytes:
    return bytes([0xFF, event.kind]) + event.data if isinstance(event, MetaEvent) else event.data


def _on_wire(data: bytes, channel: int) -> bytes:
    """An event as it stands in a file, without its delta time."""
    if data[0] == 0xFF:
        return data[:2] + quantity(len(data) - 2) + data[2:]
    if data[0] == 0xF0:
        return data[:1] + quantity(len(data) - 1) + data[1:]
    return bytes([data[0] | channel]) + data[1:]


def _with_deltas(timed: Iterable[tuple[int, int, bytes]]) -> list[bytes]:
    result, latest = [], 0
    for tick, _, event in timed:
        result.append(quantity(tick - latest) + event)
        latest = tick
    return result
