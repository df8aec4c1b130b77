"""Songs to begin with: what is asked of a new one, and what it has where nobody asks."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from phraseloom.cast import parse_cast
from phraseloom.chord_chart import parse_chart
from phraseloom.density import parse_density
from phraseloom.errors import RequestError
from phraseloom.form import MAX_BARS, parse_form
from phraseloom.harmony import Key, parse_key
from phraseloom.repeats import AS_IN_THE_CORPUS
from phraseloom.score import TempoChange
from phraseloom.studio.changes import rebuilt, with_cast, with_chart, with_density, with_key, with_tempo
from phraseloom.studio.problems import pointing_at
from phraseloom.studio.requests import MAX_SEED, NewSong, SongPlanBody
from phraseloom.studio.state import PlacedSection, SongState, empty_track, placed_sections, total_bars
from phraseloom.studio.uploads import Reading, Upload, song_of
from phraseloom.studio.weights import ModelTrack

DEFAULT_FORM = "i4 A8 B8 A8 B8 o4"
DEFAULT_KEY = Key(0, "major")
DEFAULT_TEMPO_BPM = 92.0


def drawn_seed() -> int:
    """A seed that nobody chose."""
    return secrets.randbelow(MAX_SEED + 1)


def new_song(asked: SongPlanBody, tracks: Sequence[ModelTrack]) -> SongState:
    """An empty song with what is asked, and for everybody's use where nothing is.

    Raises:
        RequestError: what is asked is not possible.
    """
    sections = _sections(asked) or placed_sections(parse_form(DEFAULT_FORM))
    num_bars = total_bars(sections)
    state = SongState(
        title="",
        seed=drawn_seed(),
        key=DEFAULT_KEY,
        repeat=AS_IN_THE_CORPUS,
        cast=None,
        density=None,
        tempos=(TempoChange(0, DEFAULT_TEMPO_BPM),),
        sections=sections,
        tracks=tuple(empty_track(track.name, track.program, track.is_drum, num_bars) for track in tracks),
    )
    return _with_plan(state, asked)


def song_of_upload(asked: NewSong, upload: Upload, tracks: Sequence[ModelTrack]) -> SongState:
    """A song made of a file, with what is asked in place of what the file says.

    Raises:
        UnsupportedScoreError, RequestError: as `song_of`, or a form of another length than the song.
    """
    reading = Reading(asked.roles, asked.others == "keep", asked.first_bar, asked.last_bar, asked.restore)
    state = song_of(upload, reading, tracks, drawn_seed(), AS_IN_THE_CORPUS)
    sections = _sections(asked)
    if sections is not None:
        if total_bars(sections) != state.num_bars:
            message = f"the form has {total_bars(sections)} bars, the song {state.num_bars}"
            with pointing_at("/form" if asked.form is not None else "/sections"):
                raise RequestError(message, f"give the form {state.num_bars} bars, or leave it out")
        chords = [bar for section in state.sections for bar in section.chords]
        starts = [total_bars(sections[:index]) for index in range(len(sections))]
        sections = tuple(
            replace(section, chords=tuple(chords[start : start + section.num_bars]))
            for section, start in zip(sections, starts, strict=True)
        )
        state = rebuilt(state, sections, range(state.num_bars))
    return _with_plan(state, asked)


def _sections(asked: SongPlanBody) -> tuple[PlacedSection, ...] | None:
    if asked.form is not None and asked.sections is not None:
        with pointing_at("/sections"):
            raise RequestError("form and sections are both given", "give one of them")
    if asked.form is not None:
        with pointing_at("/form"):
            sections = placed_sections(parse_form(asked.form))
            _check_num_bars(sections)
            return sections
    if asked.sections is not None:
        with pointing_at("/sections"):
            sections = tuple(
                PlacedSection.new(section.letter, section.num_bars, section.name or None) for section in asked.sections
            )
            _check_num_bars(sections)
            return sections
    return None


def _check_num_bars(sections: Sequence[PlacedSection]) -> None:
    num_bars = total_bars(sections)
    if not 1 <= num_bars <= MAX_BARS:
        raise RequestError(f"the form has {num_bars} bars", f"give it 1 to {MAX_BARS} bars together")


def _with_plan(state: SongState, asked: SongPlanBody) -> SongState:
    changes: dict[str, Any] = {"title": asked.title, "seed": asked.seed, "repeat": asked.repeat}
    state = replace(state, **{name: value for name, value in changes.items() if value is not None})
    if asked.key is not None:
        with pointing_at("/key"):
            state = with_key(state, parse_key(asked.key))
    if asked.tempo_bpm is not None:
        state = with_tempo(state, asked.tempo_bpm)
    if asked.chords is not None:
        with pointing_at("/chords"):
            state = with_chart(state, parse_chart(asked.chords))
    if asked.cast is not None:
        with pointing_at("/cast"):
            state = with_cast(state, parse_cast(asked.cast))
    if asked.density is not None:
        with pointing_at("/density"):
            state = with_density(state, parse_density(asked.density))
    return state
