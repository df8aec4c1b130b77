"""Songs of the studio with a note in every bar of every track, whose pitch says which bar it is; no model is needed."""

from __future__ import annotations

from dataclasses import replace

from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.score import Notes, TempoChange, Track
from phraseloom.studio.state import FRESH, OPEN, TICKS_PER_BAR, GridTrack, SongState, placed_sections
from phraseloom.studio.weights import ModelTrack

MODEL_TRACKS = (ModelTrack("MELODY", 73, False), ModelTrack("BRIDGE", 48, False), ModelTrack("DRUMS", 0, True))
"""As in `support.networks`, which needs torch."""

LOWEST_PITCH = 30


def written_song(form: str = "i2 A4 B4 A4", *, title: str = "Song", seed: int = 4711) -> SongState:
    """A song in C at 96 bpm with every cell fresh: the first beat of bar n (from 0) has pitch `LOWEST_PITCH + n`."""
    sections = placed_sections(parse_form(form))
    num_bars = sum(section.num_bars for section in sections)
    notes = Notes.from_rows([(TICKS_PER_BAR * bar, 12, LOWEST_PITCH + bar, 80) for bar in range(num_bars)])
    return SongState(
        title=title,
        seed=seed,
        key=Key(0),
        repeat=0.5,
        cast=None,
        density=None,
        tempos=(TempoChange(0, 96.0),),
        sections=sections,
        tracks=tuple(
            GridTrack(Track(track.name, notes, track.program, track.is_drum), FRESH * num_bars, OPEN * num_bars)
            for track in MODEL_TRACKS
        ),
    )


def bars_heard(state: SongState, track: int = 0) -> list[int | None]:
    """For every bar the bar of `written_song` that its note comes from; None for a bar without notes."""
    heard: list[int | None] = [None] * state.num_bars
    for onset_ticks, _, pitch, _ in state.tracks[track].track.notes.table.tolist():
        heard[onset_ticks // TICKS_PER_BAR] = pitch - LOWEST_PITCH
    return heard


def with_track(state: SongState, index: int, **changes: object) -> SongState:
    """The song with other cells or locks of one track."""
    tracks = list(state.tracks)
    tracks[index] = replace(tracks[index], **changes)
    return replace(state, tracks=tuple(tracks))
