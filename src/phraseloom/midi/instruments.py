"""What of a file belongs to one instrument: a track chunk may mix channels, and tracks may share one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloom.general_midi import DRUM_CHANNEL, program_name
from phraseloom.midi import chunks as smf
from phraseloom.midi.pairing import NoteColumns, pair_notes
from phraseloom.midi.song import MidiTrack
from phraseloom.midi.texts import decode_text
from phraseloom.passengers import Message, Place

IsCarried = Callable[[smf.MetaEvent], bool]
"""Whether a meta event is to be among the messages, because nothing else of a song says it."""


@dataclass(frozen=True)
class ChunkContent:
    """A chunk's instruments, in the order of their channels, and its messages that are for none or for all of them."""

    instruments: list[MidiTrack]
    messages: tuple[Message, ...]


def split_instruments(
    chunks: Sequence[smf.TrackChunk], ticks_per_quarter: int, is_carried: IsCarried, warnings: list[str]
) -> list[ChunkContent]:
    """What each chunk holds.

    An instrument is a channel with notes. Its program is the one that it begins with: that which holds when the first
    quarter is over, as some files set a program anew before they choose one. Changes of it are among its messages.

    Args:
        chunks: of one file.
        ticks_per_quarter: the file's.
        warnings: remarks on notes without a note-off and the like are appended.
    """
    programs = _Programs(chunks)
    contents = []
    num_unclosed = num_struck_again = 0
    for index, chunk in enumerate(chunks):
        paired = pair_notes(chunk)
        num_unclosed += paired.num_unclosed
        num_struck_again += paired.num_struck_again
        contents.append(_content(index, chunk, paired.notes, programs, ticks_per_quarter, is_carried))
    if num_unclosed:
        warnings.append(f"notes without a note-off: {num_unclosed}; each ends with its pitch's next event or its track")
    if num_struck_again:
        warnings.append(f"notes struck again while they sound: {num_struck_again}; the earlier one is cut short")
    return contents


def _content(
    index: int,
    chunk: smf.TrackChunk,
    notes: NoteColumns,
    programs: _Programs,
    start_ticks: int,
    is_carried: IsCarried,
) -> ChunkContent:
    parts = dict(_parts(notes, index, programs))
    name = _name_event(chunk) if len(parts) == 1 else None
    ports = [meta for meta in chunk.metas if meta.kind == smf.PORT and len(meta.data) == 1 and parts]
    said = [*ports[:1], *([name] if name and name.kind == smf.TRACK_NAME else [])]
    messages: dict[int | None, list[Message]] = {channel: [] for channel in (None, *parts)}
    for event in chunk.events:
        if isinstance(event, smf.MetaEvent) and (event in said or not is_carried(event)):
            continue
        owner = _owner(event, list(parts))
        messages[owner].append(_message(event, owner))
    instruments = [
        _midi_track(
            None if name is None else decode_text(name.data),
            Place(ports[0].data[0] if ports else 0, channel),
            int(programs.at(index, channel, np.array([start_ticks - 1]))[0]),
            programs.at(index, channel, on_channel.onset_ticks),
            on_channel,
            tuple(messages[channel]),
            programs.are_set(channel),
        )
        for channel, on_channel in parts.items()
    ]
    return ChunkContent(instruments, tuple(messages[None]))


def _parts(notes: NoteColumns, chunk_index: int, programs: _Programs) -> Iterator[tuple[int, NoteColumns]]:
    """Channel and notes of each instrument in one chunk."""
    if not len(notes):
        channels = programs.channels_set_by(chunk_index)
        if len(channels) == 1:  # an instrument's track that has no notes yet, not the set-up of a whole file
            yield channels[0], notes
        return
    for channel in np.unique(notes.channel).tolist():
        yield channel, notes.where(notes.channel == channel)


def _owner(event: smf.ChannelEvent | smf.SysexEvent | smf.MetaEvent, channels: Sequence[int]) -> int | None:
    """The channel of the instrument whose message an event is, of those in its chunk; None for none of them."""
    if not isinstance(event, smf.ChannelEvent):
        return channels[0] if len(channels) == 1 else None
    channel = event.data[0] & 0x0F
    return channel if channel in channels else next(iter(channels), None)


def _message(event: smf.ChannelEvent | smf.SysexEvent | smf.MetaEvent, owner: int | None) -> Message:
    """The event as a message of the instrument on the channel `owner`."""
    if isinstance(event, smf.MetaEvent):
        return Message(event.tick, bytes([smf.META, event.kind]) + event.data)
    if isinstance(event, smf.SysexEvent):
        return Message(event.tick, event.data)
    status, channel = event.data[0] & 0xF0, event.data[0] & 0x0F
    return Message(event.tick, bytes([status]) + event.data[1:], None if channel == owner else channel, event.phase)


class _Programs:
    """Which program a channel plays with, by chunk and tick.

    A chunk's own program changes count before those that other chunks send to the same channel: with more instruments
    than channels, files let tracks share one.
    """

    def __init__(self, chunks: Sequence[smf.TrackChunk]) -> None:
        self._changes: defaultdict[tuple[int | None, int], list[smf.ProgramChange]] = defaultdict(list)
        for index, chunk in enumerate(chunks):
            for change in chunk.program_changes:
                self._changes[index, change.channel].append(change)
                self._changes[None, change.channel].append(change)
        for changes in self._changes.values():
            changes.sort(key=lambda change: change.tick)

    def channels_set_by(self, chunk_index: int) -> list[int]:
        return [channel for index, channel in self._changes if index == chunk_index]

    def are_set(self, channel: int) -> bool:
        """Whether any chunk sets the channel's program."""
        return (None, channel) in self._changes

    def at(self, chunk_index: int, channel: int, onset_ticks: np.ndarray) -> np.ndarray:
        """`[n]`: the program at each onset; the first one counts from the start, and without any it is 0."""
        changes = self._changes.get((chunk_index, channel)) or self._changes.get((None, channel))
        if not changes:
            return np.zeros(len(onset_ticks), np.int64)
        change_ticks, _, programs = np.array(changes, np.int64).T
        latest = np.searchsorted(change_ticks, onset_ticks, side="right") - 1
        return programs[np.maximum(latest, 0)]


def _midi_track(
    name: str | None,
    place: Place,
    program: int,
    note_programs: np.ndarray,
    notes: NoteColumns,
    messages: tuple[Message, ...],
    has_program: bool,
) -> MidiTrack:
    """The track; without a name of its own, it has its instrument's."""
    is_drum = place.channel == DRUM_CHANNEL
    if name is None:
        name = "Drums" if is_drum else program_name(program)
    return MidiTrack(
        name=name,
        program=program,
        is_drum=is_drum,
        place=place,
        onset_ticks=notes.onset_ticks,
        duration_ticks=notes.duration_ticks,
        pitch=notes.pitch,
        velocity=notes.velocity,
        note_programs=note_programs,
        release_velocity=notes.release_velocity,
        messages=messages,
        has_program=has_program,
    )


def _name_event(chunk: smf.TrackChunk) -> smf.MetaEvent | None:
    """The name that the chunk gives itself (it may be empty), or its instrument."""
    for kind in (smf.TRACK_NAME, smf.INSTRUMENT_NAME):
        for meta in chunk.metas:
            if meta.kind == kind:
                return meta
    return None
