"""Everything of a file that its score does not say, put aboard the score as passengers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from phraseloom.errors import ParseError
from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.midi import chunks as smf
from phraseloom.midi.annotations import (
    is_chord_text,
    is_end_marker,
    is_recipe_text,
    parse_chord_text,
    parse_section_marker,
)
from phraseloom.midi.reading import MICROSECONDS_PER_MINUTE
from phraseloom.midi.song import MidiSong, MidiTrack
from phraseloom.midi.texts import decode_text
from phraseloom.passengers import (
    Message,
    PlayedNotes,
    PlayedTempo,
    SongPassengers,
    TrackPassengers,
    common_ticks_per_quarter,
)
from phraseloom.passengers.resolution import rescaled_tick, rescaled_ticks
from phraseloom.score import Notes, Score, TempoChange, Track


def with_passengers(score: Score, song: MidiSong) -> Score:
    """The score of a song, as `quantise` gives it, with everything else that its file holds."""
    ticks = _Ticks(song.ticks_per_quarter)
    tracks = [
        replace(track, passengers=_track_passengers(track, source, ticks, score))
        for track, source in zip(score.tracks, song.tracks, strict=True)
    ]
    passengers = SongPassengers(
        _carried(song.messages, ticks, score),
        tuple(_carried(messages, ticks, score) for messages in song.silent_tracks),
        tuple(_tempos(song, ticks, score.tempos)),
        ticks.after,
    )
    return replace(score, tracks=tuple(tracks), passengers=passengers)


class _Ticks:
    """From a file's ticks to those of the passengers, and to the grid."""

    def __init__(self, ticks_per_quarter: int) -> None:
        self.before = ticks_per_quarter
        self.after = common_ticks_per_quarter([ticks_per_quarter])
        self.per_grid_tick = self.after // TICKS_PER_QUARTER

    def of(self, ticks: np.ndarray) -> np.ndarray:
        return rescaled_ticks(ticks, self.before, self.after)

    def of_one(self, tick: int) -> int:
        return rescaled_tick(tick, self.before, self.after)

    def on_grid(self, tick: int) -> int:
        return rescaled_tick(tick, self.before, TICKS_PER_QUARTER)


def _track_passengers(track: Track, source: MidiTrack, ticks: _Ticks, score: Score) -> TrackPassengers:
    return TrackPassengers(
        messages=_carried(source.messages, ticks, score),
        played=_played(track.notes, source, ticks),
        program=track.program if source.has_program else None,
        ticks_per_quarter=ticks.after,
        place=source.place,
    )


def _carried(messages: Iterable[Message], ticks: _Ticks, score: Score) -> tuple[Message, ...]:
    """The messages that the score does not say, in the passengers' ticks."""
    carried = (message for message in messages if not _is_said(message, score))
    return tuple(
        message if ticks.before == ticks.after else message.at(ticks.of_one(message.tick)) for message in carried
    )


def _is_said(message: Message, score: Score) -> bool:
    """Whether a message is a section, a chord or a recipe, which the score has or others write."""
    if message.meta_kind == smf.MARKER:
        text = decode_text(message.data[2:])
        return is_end_marker(text) or (bool(score.sections) and parse_section_marker(text) is not None)
    if message.meta_kind == smf.TEXT:
        text = decode_text(message.data[2:])
        return is_recipe_text(text) or _is_chord(text)
    return False


def _is_chord(text: str) -> bool:
    if not is_chord_text(text):
        return False
    try:
        parse_chord_text(text)
    except ParseError:
        return False
    return True


def _played(notes: Notes, source: MidiTrack, ticks: _Ticks) -> PlayedNotes:
    """The notes of a file's track, each with the one of the score's `notes` that was made of it."""
    if not source.num_notes:
        return PlayedNotes.none()
    places = rescaled_ticks(source.onset_ticks, ticks.before, TICKS_PER_QUARTER) * 128 + source.pitch
    score_places = notes.onset_ticks.astype(np.int64) * 128 + notes.pitch
    order = np.argsort(score_places)
    owner = order[np.searchsorted(score_places[order], places)]
    onset, end = ticks.of(source.onset_ticks), ticks.of(source.onset_ticks + source.duration_ticks)
    played = np.column_stack([onset, end - onset, source.velocity, source.release_velocity])
    return PlayedNotes.of(np.concatenate([notes.table[owner], played], axis=1), ticks.per_grid_tick)


def _tempos(song: MidiSong, ticks: _Ticks, tempos: Iterable[TempoChange]) -> Iterable[PlayedTempo]:
    """The changes of tempo that those of the score, which were made of them, do not say exactly."""
    by_place: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for tick, tempo_bpm in song.tempos:
        by_place[ticks.on_grid(tick)].append((ticks.of_one(tick), round(MICROSECONDS_PER_MINUTE / tempo_bpm)))
    for tempo in tempos:
        exact = by_place[tempo.tick]
        said = (tempo.tick * ticks.per_grid_tick, round(MICROSECONDS_PER_MINUTE / tempo.tempo_bpm))
        if exact not in ([], [said]):
            yield from (PlayedTempo(tempo.tick, tempo.tempo_bpm, *change) for change in exact)
