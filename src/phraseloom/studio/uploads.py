"""MIDI files that are handed in: what is in them, which track may be what, and songs made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.form import MAX_BARS, format_form
from phraseloom.general_midi import program_name
from phraseloom.harmony import Key
from phraseloom.midi import MidiSong, load_midi, quantise
from phraseloom.score import Score, Track
from phraseloom.structure import find_form, find_melody, key_of_notes
from phraseloom.studio.database import Database, now
from phraseloom.studio.own_files import OwnSong, own_song
from phraseloom.studio.problems import NotFoundError, pointing_at
from phraseloom.studio.recipe import MAX_NAME_CHARACTERS
from phraseloom.studio.state import (
    FRESH,
    LOCKED,
    TICKS_PER_BAR,
    GridTrack,
    SongState,
    empty_track,
    placed_sections,
)
from phraseloom.studio.weights import ModelTrack
from phraseloom.transforms import excerpt

MAX_TRACKS = 16
"""One a MIDI channel: that is what a song can be exported to."""
MAX_NOTES = 50_000
MAX_KEPT_UPLOADS = 20


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that was read.

    Attributes:
        score: without what the studio does not keep, and with names that are not endless.
        warnings: what was odd about it, a sentence each.
        recipe: the text event that says how we made the song.
    """

    score: Score
    warnings: tuple[str, ...]
    recipe: str | None

    @classmethod
    def read(cls, content: bytes) -> Upload:
        """
        Raises:
            UnreadableFileError: it is no MIDI file, or damaged beyond use.
            UnsupportedScoreError: it has too many tracks or notes, or cannot be put on the grid.
        """
        song = load_midi(content)
        _check_size(song)
        score, warnings = quantise(song)
        return cls(_plain(score), song.warnings + warnings, song.recipe)

    def own_song(self, tracks: Sequence[ModelTrack]) -> OwnSong | None:
        """The song that it is as a file of ours; None for other files.

        Args:
            tracks: of the model.
        """
        return own_song(self.score, self.recipe, tracks) if len(self.score.tracks) <= MAX_TRACKS else None

    @property
    def sounding(self) -> tuple[Track, ...]:
        """The tracks with notes; users count these from 1."""
        return tuple(track for track in self.score.tracks if len(track.notes))

    @property
    def obstacles(self) -> tuple[UnsupportedScoreError, ...]:
        """What keeps a song from being made of the whole file."""
        obstacles = []
        if any(meter.ticks_per_bar != TICKS_PER_BAR for meter in self.score.meters):
            meters = ", ".join(dict.fromkeys(map(str, self.score.meters)))
            obstacles.append(
                UnsupportedScoreError(f"the song is in {meters}", "give a song in 4/4, the meter that the model knows")
            )
        if self.score.num_bars > MAX_BARS:
            message = f"the song has {self.score.num_bars} bars, the model knows songs of up to {MAX_BARS}"
            obstacles.append(UnsupportedScoreError(message, "choose bars of it with first_bar and last_bar"))
        return tuple(obstacles)

    def suggested_roles(self, tracks: Sequence[ModelTrack]) -> dict[str, int | None]:
        """For each track of the model the track of the file that may stand for it, counted from 1.

        By their names; where no name is known, the melody is taken for the model's first pitched track.
        """
        names = [(track.name.strip().casefold(), track.is_drum) for track in self.sounding]
        roles: dict[str, int | None] = {}
        for track in tracks:
            name = (track.name.casefold(), track.is_drum)
            roles[track.name] = names.index(name) + 1 if name in names else None
        melody = find_melody(self.score)
        first = next((track.name for track in tracks if not track.is_drum), None)
        if melody is not None and first is not None and not any(roles.values()):
            roles[first] = next(number for number, track in enumerate(self.sounding, start=1) if track is melody)
        return roles


class UploadStore:
    """The latest uploads, kept in the library's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, content: bytes) -> int:
        """Keeps a file, and drops the oldest beyond `MAX_KEPT_UPLOADS`; returns its number."""
        with self._database.transaction() as connection:
            upload_id = connection.execute(
                "INSERT INTO uploads (name, content, created) VALUES (?, ?, ?)", (name, content, now())
            ).lastrowid
            assert upload_id is not None
            connection.execute("DELETE FROM uploads WHERE id <= ?", (upload_id - MAX_KEPT_UPLOADS,))
            return upload_id

    def content(self, upload_id: int) -> tuple[str, bytes]:
        """Name and bytes of a file.

        Raises:
            NotFoundError: it was never there, or is no longer kept.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT name, content FROM uploads WHERE id = ?", (upload_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no upload {upload_id}", "hand the file in again")
        return row["name"], row["content"]


def preview(
    upload: Upload, upload_id: int, name: str, tracks: Sequence[ModelTrack], weights: str | None
) -> dict[str, Any]:
    """What is in a file, for JSON; see `docs/studio.md`, "Uploads"."""
    score = upload.score
    form, form_source = _form(score)
    key, key_source = _key(score)
    own = upload.own_song(tracks)
    return {
        "id": upload_id,
        "name": name,
        "title": score.title,
        "num_bars": score.num_bars,
        "duration_seconds": round(score.duration_seconds, 3),
        "meters": [{"bar": meter.bar + 1, "name": str(meter)} for meter in score.meters],
        "tempo_bpm": score.tempo_bpm,
        "num_tempo_changes": len(score.tempos) - 1,
        "key": None if key is None else str(key),
        "key_source": key_source,
        "form": form,
        "form_source": form_source,
        "tracks": [_track_preview(score, number, track) for number, track in enumerate(upload.sounding, start=1)],
        "roles": upload.suggested_roles(tracks),
        "has_recipe": own is not None,
        "weights_match": None if own is None or None in (own.weights, weights) else own.weights == weights,
        "warnings": list(upload.warnings),
        "obstacles": [{"detail": obstacle.message, "remedy": obstacle.remedy} for obstacle in upload.obstacles],
    }


@dataclass(frozen=True)
class Reading:
    """How a song is to be made of a file.

    Attributes:
        roles: for tracks of the model the track of the file (from 1) that stands for it; None for the suggested ones.
        keeps_others: the file's other tracks stay, locked.
        first_bar, last_bar: counted from 1; None for the file's own.
        restores: where it is the studio's own file, the song is what it was, and `roles` and `keeps_others` do not
            count.
    """

    roles: Mapping[str, int] | None = None
    keeps_others: bool = False
    first_bar: int | None = None
    last_bar: int | None = None
    restores: bool = True


def song_of(upload: Upload, reading: Reading, tracks: Sequence[ModelTrack], seed: int, repeat: float) -> SongState:
    """A song made of a file: given tracks are locked, the model's others are empty.

    Raises:
        UnsupportedScoreError: an obstacle.
        RequestError: bars or tracks that the file does not have.
    """
    cuts = reading.first_bar is not None or reading.last_bar is not None
    own = upload.own_song(tracks) if reading.restores and not cuts else None
    if own is not None:
        return own.state
    upload = replace(upload, score=_cut(upload.score, reading)) if cuts else upload
    for obstacle in upload.obstacles:
        raise obstacle
    score = upload.score
    with pointing_at("/roles"):
        given = _given_tracks(upload, reading, tracks)
    unused = [track for track in upload.sounding if all(track is not role for role in given.values())]
    others = unused if reading.keeps_others else []
    if len(tracks) + len(others) > MAX_TRACKS:
        message = f"the song would have {len(tracks) + len(others)} tracks, up to {MAX_TRACKS} are possible"
        raise RequestError(message, "drop the other tracks")
    return SongState(
        title=score.title,
        seed=seed,
        key=score.key or key_of_notes(score.tracks) or Key(0),
        repeat=repeat,
        cast=None,
        density=None,
        tempos=score.tempos,
        sections=placed_sections(score.sections or find_form(score), score),
        tracks=(
            *(_role(track, given.get(track.name), score.num_bars) for track in tracks),
            *(_locked(track, score.num_bars, is_writable=False) for track in others),
        ),
    )


def _check_size(song: MidiSong) -> None:
    num_tracks = sum(track.num_notes > 0 for track in song.tracks)
    if num_tracks > MAX_TRACKS:
        raise UnsupportedScoreError(
            f"the file has {num_tracks} tracks with notes, up to {MAX_TRACKS} are taken",
            "export the melody, or the few tracks that matter, as a file of their own",
        )
    num_notes = sum(track.num_notes for track in song.tracks)
    if num_notes > MAX_NOTES:
        raise UnsupportedScoreError(
            f"the file has {num_notes} notes, up to {MAX_NOTES} are taken", "export the part of the song that matters"
        )


def _plain(score: Score) -> Score:
    """The score with nothing but what the studio keeps."""
    return Score(
        tracks=tuple(Track(_name(track.name), track.notes, track.program, track.is_drum) for track in score.tracks),
        num_bars=score.num_bars,
        meters=score.meters,
        tempos=score.tempos,
        sections=score.sections,
        chords=score.chords,
        key=score.key,
        title=_name(score.title),
    )


def _name(text: str) -> str:
    return " ".join(text.split())[:MAX_NAME_CHARACTERS]


def _form(score: Score) -> tuple[str | None, str | None]:
    """The form and where it is from."""
    if score.sections:
        return format_form(score.sections), "markers"
    return (format_form(find_form(score)), "notes") if score.num_bars <= MAX_BARS else (None, None)


def _key(score: Score) -> tuple[Key | None, str | None]:
    if score.key is not None:
        return score.key, "key signature"
    key = key_of_notes(score.tracks)
    return key, None if key is None else "notes"


def _track_preview(score: Score, number: int, track: Track) -> dict[str, Any]:
    bars = score.bar_of(track.notes.onset_ticks)
    return {
        "number": number,
        "name": track.name,
        "program": track.program,
        "instrument": "Drums" if track.is_drum else program_name(track.program),
        "is_drum": track.is_drum,
        "num_notes": len(track.notes),
        "lowest_pitch": int(track.notes.pitch.min()),
        "highest_pitch": int(track.notes.pitch.max()),
        "notes_per_bar": np.bincount(bars, minlength=score.num_bars).tolist(),
    }


def _cut(score: Score, reading: Reading) -> Score:
    first_bar = 1 if reading.first_bar is None else reading.first_bar
    last_bar = score.num_bars if reading.last_bar is None else reading.last_bar
    if not 1 <= first_bar <= last_bar <= score.num_bars:
        raise RequestError(
            f"the file has no bars {first_bar} to {last_bar}", f"name bars from 1 to {score.num_bars}, in their order"
        )
    return _plain(excerpt(score, first_bar - 1, last_bar - first_bar + 1))


def _given_tracks(upload: Upload, reading: Reading, tracks: Sequence[ModelTrack]) -> dict[str, Track]:
    """The file's tracks by the model's names."""
    if reading.roles is None:
        roles = {name: number for name, number in upload.suggested_roles(tracks).items() if number is not None}
    else:
        roles = dict(reading.roles)
    drums = {track.name: track.is_drum for track in tracks}
    given: dict[str, Track] = {}
    for name, number in roles.items():
        if name not in drums:
            raise RequestError(f"the model has no track {name!r}", f"choose among {', '.join(drums)}")
        if number not in range(1, len(upload.sounding) + 1):
            remedy = f"name tracks from 1 to {len(upload.sounding)}"
            raise RequestError(f"the file has no track {number} with notes", remedy)
        track = upload.sounding[number - 1]
        if track.is_drum != drums[name]:
            what = "drums" if drums[name] else "pitched"
            raise RequestError(f"{name} is {what}, track {number} is not", "give another track")
        if any(track is other for other in given.values()):
            raise RequestError(f"track {number} is given twice", "give each track one role")
        given[name] = track
    return given


def _role(track: ModelTrack, given: Track | None, num_bars: int) -> GridTrack:
    if given is None:
        return empty_track(track.name, track.program, track.is_drum, num_bars)
    return _locked(replace(given, name=track.name), num_bars, is_writable=True)


def _locked(track: Track, num_bars: int, is_writable: bool) -> GridTrack:
    return GridTrack(track, FRESH * num_bars, LOCKED * num_bars, is_writable)
