"""The wire format of Standard MIDI Files: bytes to the events of each track chunk.

Source: "Standard MIDI Files 1.0", MIDI Manufacturers Association, 1988. Damage in a track ends that track; what stood
before it is kept, and `damaged_at` says where.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from phraseloom.errors import UnreadableFileError
from phraseloom.midi.sniffing import describe_bytes
from phraseloom.passengers import Phase

MAX_FILE_BYTES = 2 * 2**20
"""Larger files are refused: a dense orchestral song is under 1 MB, and reading has to answer within seconds."""

MAX_TRACKS = 1000

MAX_EVENTS = 200_000
"""Files with more are refused: the densest songs have some 50,000, and 2 MB can hold 700,000 empty texts."""

NOTE_OFF, NOTE_ON, PROGRAM_CHANGE = 0x80, 0x90, 0xC0
META = 0xFF
TEXT, TRACK_NAME, INSTRUMENT_NAME, MARKER = 0x01, 0x03, 0x04, 0x06
PORT, END_OF_TRACK, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x21, 0x2F, 0x51, 0x58, 0x59

_BEHIND_NOTE_ON = 0xA0
_SYSEX, _SYSEX_CONTINUED = 0xF0, 0xF7
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # time code, song position, song select
_MAX_QUANTITY_BYTES = 4
_FETCH_AGAIN = "fetch it or export it again; it was cut off or damaged on its way"

NoteMessage = tuple[int, int, int, int]
"""Tick, status (running status resolved), pitch and velocity of a note-on or note-off; plain, as there are many."""


class ProgramChange(NamedTuple):
    tick: int
    channel: int
    program: int


class ChannelEvent(NamedTuple):
    """A message to a channel that is no note: status (running status resolved) and its one or two data bytes."""

    tick: int
    data: bytes
    phase: Phase


class SysexEvent(NamedTuple):
    """A system exclusive message or a part of one: F0 or F7 and the content, without its length."""

    tick: int
    data: bytes


class MetaEvent(NamedTuple):
    tick: int
    kind: int
    data: bytes


@dataclass(frozen=True)
class TrackChunk:
    """The events of one `MTrk` chunk, in file order.

    Attributes:
        note_messages: note-ons and note-offs.
        events: all others.
        end_tick: when the track ends.
        damaged_at: byte offset in the chunk from which on it makes no sense or is missing; None for a sound track.
    """

    note_messages: list[NoteMessage]
    events: list[ChannelEvent | SysexEvent | MetaEvent]
    end_tick: int
    damaged_at: int | None

    @cached_property
    def metas(self) -> list[MetaEvent]:
        """All meta events."""
        return [event for event in self.events if isinstance(event, MetaEvent)]

    @cached_property
    def program_changes(self) -> list[ProgramChange]:
        """Of any channel."""
        return [
            ProgramChange(event.tick, event.data[0] & 0x0F, event.data[1])
            for event in self.events
            if isinstance(event, ChannelEvent) and event.data[0] & 0xF0 == PROGRAM_CHANGE
        ]


@dataclass(frozen=True)
class MidiChunks:
    """A whole file: its type (0 or 1), its ticks per quarter, its tracks, and what is damaged in it."""

    file_type: int
    ticks_per_quarter: int
    tracks: tuple[TrackChunk, ...]
    warnings: tuple[str, ...]


def read_chunks(content: bytes) -> MidiChunks:
    """The events of a Standard MIDI File, bare or wrapped in RIFF (`RMID`).

    Raises:
        UnreadableFileError: not MIDI, empty, too large, of too many events, cut off before its first track, SMPTE time,
            or type 2.
    """
    if not content:
        raise UnreadableFileError("the file is empty", _FETCH_AGAIN)
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFileError(
            f"the file is larger than {MAX_FILE_BYTES // 2**20} MB",
            "give a song's MIDI file, without sample dumps and dense controller curves",
        )
    content = _unwrap_riff(content)
    if not content.startswith(b"MThd"):
        raise UnreadableFileError(
            f"this is not a MIDI file; it looks like {describe_bytes(content)}",
            "give a Standard MIDI File (.mid), which every DAW and notation program can export",
        )
    header = _read_header(content)
    tracks, warnings = _read_tracks(content, header.end)
    if not tracks:
        raise UnreadableFileError("the MIDI file ends before its first track", _FETCH_AGAIN)
    if len(tracks) < header.num_tracks:
        warnings.append(f"the file ends after {len(tracks)} of {header.num_tracks} tracks")
    if header.file_type == 2 and len(tracks) > 1:
        raise UnreadableFileError(
            f"the MIDI file is of type 2: {len(tracks)} songs of their own, not the tracks of one song",
            "export the song that you want as type 1 or 0",
        )
    return MidiChunks(min(header.file_type, 1), header.ticks_per_quarter, tuple(tracks), tuple(warnings))


def read_track(body: bytes, max_events: int = MAX_EVENTS) -> TrackChunk:
    """The events of one track chunk's body.

    Raises:
        UnreadableFileError: there are more than `max_events`.

    One plain loop over local names: on files of the usual size that is faster than numpy over every byte.
    """
    note_messages: list[NoteMessage] = []
    events: list[ChannelEvent | SysexEvent | MetaEvent] = []
    num_bytes = len(body)
    position = event_start = tick = status = 0
    ended, damaged_at = False, None
    phase, phase_tick, num_seen = Phase.BEFORE_NOTES, -1, 0
    try:
        while position < num_bytes and not ended:
            if len(note_messages) + len(events) >= max_events:
                raise UnreadableFileError(
                    f"the MIDI file has over {MAX_EVENTS} events",
                    "give a song's MIDI file, without dense controller curves and without what is no music",
                )
            event_start = position
            delta_ticks = body[position]
            position += 1
            if delta_ticks >= 0x80:
                delta_ticks, position = _read_quantity(body, event_start)
            byte = body[position]
            if byte >= _SYSEX:
                position, event = _read_unvoiced(body, position, tick + delta_ticks)
                tick += delta_ticks
                if event is not None:
                    events.append(event)
                    ended = isinstance(event, MetaEvent) and event.kind == END_OF_TRACK
                continue
            if byte >= 0x80:
                status = byte
                position += 1
            elif not status:
                raise _DamagedEventError
            first = body[position]
            second = 0
            position += 1
            if status & 0xE0 != PROGRAM_CHANGE:  # all but program change and channel pressure have two data bytes
                second = body[position]
                position += 1
            if first >= 0x80 or second >= 0x80:
                raise _DamagedEventError
            tick += delta_ticks
            if status < _BEHIND_NOTE_ON:
                note_messages.append((tick, status, first, second))
            else:
                has_second = status & 0xE0 != PROGRAM_CHANGE
                data = bytes((status, first, second) if has_second else (status, first))
                phase = _phase(note_messages, num_seen, tick, phase if phase_tick == tick else Phase.BEFORE_NOTES)
                phase_tick, num_seen = tick, len(note_messages)
                events.append(ChannelEvent(tick, data, phase))
    except (IndexError, _DamagedEventError):  # the chunk ends inside an event, or the event makes no sense
        damaged_at = event_start
    return TrackChunk(note_messages, events, tick, damaged_at)


class _DamagedEventError(Exception):
    """Bytes that are no event."""


def _phase(note_messages: Sequence[NoteMessage], num_seen: int, tick: int, phase: Phase) -> Phase:
    """Where an event stands that follows these messages at once; `phase` is what the first `num_seen` make of it."""
    for index in range(len(note_messages) - 1, num_seen - 1, -1):
        note_tick, status, _, velocity = note_messages[index]
        if note_tick != tick or phase is Phase.BEHIND_NOTE_ONS:
            break
        if status >= NOTE_ON and velocity:
            return Phase.BEHIND_NOTE_ONS
        phase = Phase.BEHIND_NOTE_OFFS
    return phase


def _read_quantity(body: bytes, position: int) -> tuple[int, int]:
    """A variable-length quantity, and the position behind it."""
    value = 0
    for byte in body[position : position + _MAX_QUANTITY_BYTES]:
        value = value << 7 | byte & 0x7F
        position += 1
        if byte < 0x80:
            return value, position
    raise _DamagedEventError


def _read_unvoiced(body: bytes, position: int, tick: int) -> tuple[int, MetaEvent | SysexEvent | None]:
    """An event that belongs to no channel, and the position behind it; None for what has no place in a file.

    Running status goes on behind it: the standard forbids that, and files do it.
    """
    status = body[position]
    if status not in (META, _SYSEX, _SYSEX_CONTINUED):  # some files carry other system messages
        return position + 1 + _SYSTEM_DATA_BYTES.get(status, 0), None
    num_data_bytes, data_at = _read_quantity(body, position + (2 if status == META else 1))
    end = data_at + num_data_bytes
    if end > len(body):
        raise _DamagedEventError
    data = body[data_at:end]
    if status == META:
        return end, MetaEvent(tick, body[position + 1], data)
    return end, SysexEvent(tick, bytes([status]) + data)


def _read_tracks(content: bytes, position: int) -> tuple[list[TrackChunk], list[str]]:
    """All tracks from `position` on, however many the header announced, and what is damaged in them."""
    tracks: list[TrackChunk] = []
    warnings: list[str] = []
    num_events_left = MAX_EVENTS
    while position + 8 <= len(content):
        kind, num_bytes = struct.unpack_from(">4sI", content, position)
        body = content[position + 8 : position + 8 + num_bytes]
        position += 8 + num_bytes
        if kind != b"MTrk":  # the standard asks readers to pass over kinds that they do not know
            continue
        if len(tracks) == MAX_TRACKS:
            raise UnreadableFileError(f"the MIDI file has over {MAX_TRACKS} tracks", "leave out or merge some")
        track = read_track(body, num_events_left)
        tracks.append(track)
        num_events_left -= len(track.note_messages) + len(track.events)
        if track.damaged_at is not None and len(body) == num_bytes:
            warnings.append(f"track {len(tracks)} is damaged at its byte {track.damaged_at}; its rest is lost")
        elif len(body) < num_bytes and not (track.metas and track.metas[-1].kind == END_OF_TRACK):
            warnings.append(f"the file ends inside track {len(tracks)}; its rest is lost")
    return tracks, warnings


def _unwrap_riff(content: bytes) -> bytes:
    """The MIDI file inside a RIFF file of kind RMID; anything else as it is."""
    if content[:4] != b"RIFF" or content[8:12] != b"RMID":
        return content
    position = 12
    while position + 8 <= len(content):
        kind, num_bytes = struct.unpack_from("<4sI", content, position)
        if kind == b"data":
            return content[position + 8 : position + 8 + num_bytes]
        position += 8 + num_bytes + num_bytes % 2
    return content


class _Header(NamedTuple):
    """What the header says; `end` is where the first chunk behind it starts."""

    file_type: int
    num_tracks: int
    ticks_per_quarter: int
    end: int


def _read_header(content: bytes) -> _Header:
    if len(content) < 14:
        raise UnreadableFileError("the MIDI file ends inside its header", _FETCH_AGAIN)
    num_bytes, file_type, num_tracks, division = struct.unpack_from(">IHHH", content, 4)
    if num_bytes < 6 or file_type > 2 or division == 0:
        raise UnreadableFileError(
            f"the MIDI file's header is damaged: {num_bytes} bytes, type {file_type}, {division} ticks to the quarter",
            _FETCH_AGAIN,
        )
    if division & 0x8000:
        raise UnreadableFileError(
            "the MIDI file counts time in SMPTE frames, so it has no beats and no bars",
            "export it from the DAW with ticks to the quarter note (PPQ)",
        )
    return _Header(file_type, num_tracks, division, 8 + num_bytes)
