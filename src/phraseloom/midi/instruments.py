"""Which notes of a file belong to one instrument: a track chunk may mix channels, and a channel change its program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from phraseloom.general_midi import DRUM_CHANNEL, program_name
from phraseloom.midi import chunks as smf
from phraseloom.midi.pairing import NoteColumns, pair_notes
from phraseloom.midi.song import MidiTrack
from phraseloom.midi.texts import decode_text


def split_instruments(chunks: Sequence[smf.TrackChunk], warnings: list[str]) -> list[list[MidiTrack]]:
    """The instruments of each chunk, in the order of their channels and programs.

    Args:
        chunks: of one file.
        warnings: remarks on notes without a note-off and the like are appended.
    """
    programs = _Programs(chunks)
    instruments = []
    num_unclosed = num_struck_again = 0
    for index, chunk in enumerate(chunks):
        paired = pair_notes(chunk)
        num_unclosed += paired.num_unclosed
        num_struck_again += paired.num_struck_again
        parts = list(_parts(paired.notes, index, programs))
        name = _chunk_name(chunk) if len(parts) == 1 else None
        instruments.append([_midi_track(name, *part) for part in parts])
    if num_unclosed:
        warnings.append(f"notes without a note-off: {num_unclosed}; each ends with its pitch's next event or its track")
    if num_struck_again:
        warnings.append(f"notes struck again while they sound: {num_struck_again}; the earlier one is cut short")
    return instruments


def _parts(notes: NoteColumns, chunk_index: int, programs: _Programs) -> Iterator[tuple[int, int, NoteColumns]]:
    """Channel, program and notes of each instrument in one chunk."""
    if not len(notes):
        channels = programs.channels_set_by(chunk_index)
        if len(channels) == 1:  # an instrument's track that has no notes yet, not the set-up of a whole file
            (channel,) = channels
            yield channel, int(programs.at(chunk_index, channel, np.zeros(1, np.int64))[0]), notes
        return
    for channel in np.unique(notes.channel).tolist():
        on_channel = notes.where(notes.channel == channel)
        program = programs.at(chunk_index, channel, on_channel.onset_ticks)
        if channel == DRUM_CHANNEL:  # another drum kit is no other instrument
            program = np.full_like(program, program[0])
        for number in np.unique(program).tolist():
            yield channel, number, on_channel.where(program == number)


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

    def at(self, chunk_index: int, channel: int, onset_ticks: np.ndarray) -> np.ndarray:
        """`[n]`: the program at each onset; the first one counts from the start, and without any it is 0."""
        changes = self._changes.get((chunk_index, channel)) or self._changes.get((None, channel))
        if not changes:
            return np.zeros(len(onset_ticks), np.int64)
        change_ticks, _, programs = np.array(changes, np.int64).T
        latest = np.searchsorted(change_ticks, onset_ticks, side="right") - 1
        return programs[np.maximum(latest, 0)]


def _midi_track(name: str | None, channel: int, program: int, notes: NoteColumns) -> MidiTrack:
    """The track; without a name of its own, it has its instrument's."""
    is_drum = channel == DRUM_CHANNEL
    if name is None:
        name = "Drums" if is_drum else program_name(program)
    return MidiTrack(
        name=name,
        program=program,
        is_drum=is_drum,
        channel=channel,
        onset_ticks=notes.onset_ticks,
        duration_ticks=notes.duration_ticks,
        pitch=notes.pitch,
        velocity=notes.velocity,
    )


def _chunk_name(chunk: smf.TrackChunk) -> str | None:
    """The name that the chunk gives itself (it may be empty), or its instrument."""
    for kind in (smf.TRACK_NAME, smf.INSTRUMENT_NAME):
        for meta in chunk.metas:
            if meta.kind == kind:
                return decode_text(meta.data)
    return None
