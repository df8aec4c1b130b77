"""Notes out of note-on and note-off messages."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, fields

import numpy as np

from phraseloom.midi.chunks import NOTE_ON, TrackChunk
from phraseloom.passengers.played import DEFAULT_RELEASE_VELOCITY


@dataclass(frozen=True, eq=False)
class NoteColumns:
    """Notes as int64 columns `[n]`, ordered by onset, then by their place in the file; durations may be 0.

    A note that ends with a note-on of velocity 0, or with nothing, has the release velocity that stands for none.
    """

    onset_ticks: np.ndarray
    duration_ticks: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    channel: np.ndarray
    release_velocity: np.ndarray

    def where(self, keep: np.ndarray) -> NoteColumns:
        """The notes that a boolean mask `[n]` selects."""
        return NoteColumns(*(getattr(self, field.name)[keep] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.onset_ticks)


@dataclass(frozen=True, eq=False)
class PairedNotes:
    """The notes of a chunk; how many had no note-off, and how many were struck again while they sounded."""

    notes: NoteColumns
    num_unclosed: int
    num_struck_again: int


def pair_notes(chunk: TrackChunk) -> PairedNotes:
    """Pair each note-on with the note-off that ends it; a note-on with velocity 0 is a note-off.

    Notes of one pitch and channel that overlap end in the order in which they began, which is how sequencers write
    them. Where note-offs are missing that rule would shift every later pair by one; so a pitch with more note-ons than
    note-offs is read as a synthesiser plays it: a note ends at its pitch's next event of either kind, or with the
    track. Note-offs without a note are ignored.

    Below, a *line* is the events of one channel and pitch.
    """
    starts: list[int] = []  # onset, pitch, velocity and channel of each note, one behind the other
    ends: list[int] = []
    releases: list[int] = []
    sounding: defaultdict[int, deque[int]] = defaultdict(deque)  # by line: indices of notes
    num_struck_again = 0
    for tick, status, pitch, velocity in chunk.note_messages:
        channel = status & 0x0F
        waiting = sounding[channel << 7 | pitch]
        if status >= NOTE_ON and velocity:
            num_struck_again += bool(waiting)
            waiting.append(len(ends))
            starts += (tick, pitch, velocity, channel)
            ends.append(chunk.end_tick)
            releases.append(DEFAULT_RELEASE_VELOCITY)
        elif waiting:
            note = waiting.popleft()
            ends[note] = tick
            if status < NOTE_ON:
                releases[note] = velocity
    onset, pitches, velocities, channels = np.array(starts, np.int64).reshape(-1, 4).T
    end, release = np.array(ends, np.int64), np.array(releases, np.int64)
    unclosed = {line: len(waiting) for line, waiting in sounding.items() if waiting}
    if unclosed:
        is_unclosed = np.isin(channels << 7 | pitches, list(unclosed))
        end = np.where(is_unclosed, _next_events(chunk), end)
        release = np.where(is_unclosed, DEFAULT_RELEASE_VELOCITY, release)
    notes = NoteColumns(onset, end - onset, pitches, velocities, channels, release)
    return PairedNotes(notes, sum(unclosed.values()), num_struck_again)


def _next_events(chunk: TrackChunk) -> np.ndarray:
    """For each note-on in order: the tick of the next event of its line, or of the track's end."""
    ticks, status, pitch, velocity = np.array(chunk.note_messages, np.int64).T
    line = (status & 0x0F) << 7 | pitch
    by_line = np.argsort(line, kind="stable")
    has_next = np.append(line[by_line[1:]] == line[by_line[:-1]], False)
    following = np.empty_like(ticks)
    following[by_line] = np.where(has_next, np.append(ticks[by_line[1:]], 0), chunk.end_tick)
    return following[(status >= NOTE_ON) & (velocity > 0)]
