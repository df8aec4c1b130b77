"""Songs as latents on disk: one safetensors file.

The array `latents [bars, tracks, latent size]` float32, and in the header one line of JSON (`_Header`) that names the
phrase VAE and holds the song without its notes. Nothing is unpickled, and nothing is believed unchecked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from phraseloom.errors import RequestError, UnreadableFileError, UserError
from phraseloom.files import require_writable, written_beside
from phraseloom.form import format_form, parse_form
from phraseloom.harmony import parse_chord, parse_key
from phraseloom.latent_songs import LatentSong
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track

KIND = "latent_song"
FORMAT_VERSION = 1

_ARRAY, _METADATA = "latents", "phraseloom"
_REMEDY = "name a file that phraseloom encode wrote"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _TrackRecord(_Strict):
    name: str
    program: int
    drums: bool


class _SongRecord(_Strict):
    """A song without its notes: bars from 0, ticks 12 to the quarter, key, form and chords as they are printed."""

    title: str
    num_bars: int
    tracks: tuple[_TrackRecord, ...]
    meters: tuple[tuple[int, int, int], ...]
    tempos: tuple[tuple[int, float], ...]
    form: str
    chords: tuple[tuple[int, int, str], ...]
    key: str | None


class _Header(_Strict):
    kind: Literal["latent_song"]
    format_version: Literal[1]
    phrase_vae: str
    semitones: int = Field(ge=-11, le=11)
    song: _SongRecord


def latent_song_bytes(song: LatentSong) -> bytes:
    """The file of a song as latents."""
    header = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "phrase_vae": song.phrase_vae,
        "semitones": song.semitones,
        "song": _record_of(song.frame),
    }
    return save({_ARRAY: song.latents}, metadata={_METADATA: json.dumps(header)})


def write_latent_song(song: LatentSong, path: Path) -> None:
    """Writes beside and renames.

    Raises:
        RequestError: the file cannot be written there.
    """
    require_writable(path)
    try:
        with written_beside(path) as part:
            part.write_bytes(latent_song_bytes(song))
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror}", "write somewhere else") from error


def read_latent_song(path: Path) -> LatentSong:
    """Reads a song as latents.

    Raises:
        UnreadableFileError: there is no such file, it is of another kind or version, it is damaged, or its latents are
            such that no song has them.
    """
    try:
        with safe_open(path, framework="np") as file:
            metadata = (file.metadata() or {}).get(_METADATA)
            names = list(file.keys())
            if metadata is None or names != [_ARRAY]:
                raise UnreadableFileError(f"{path} holds no song as latents", _REMEDY)
            array = file.get_slice(_ARRAY)
            if array.get_dtype() != "F32":  # not every type that a file can name is one of numpy's
                raise UnreadableFileError(f"{path}: the latents are {array.get_dtype()}, expected F32", _REMEDY)
            latents = file.get_tensor(_ARRAY)
    except (OSError, SafetensorError) as error:
        raise UnreadableFileError(f"{path} cannot be read as latents: {error}", _REMEDY) from error
    return _song_of(path, metadata, latents)


def _song_of(path: Path, metadata: str, latents: np.ndarray) -> LatentSong:
    try:
        header = _Header.model_validate_json(metadata)
        expected = (header.song.num_bars, len(header.song.tracks))
        if latents.size == 0 or latents.shape[:2] != expected:  # before a song of as many bars is laid out
            raise RequestError(
                f"latents of shape {latents.shape} for {expected[0]} bars, {expected[1]} tracks", _REMEDY
            )
        return LatentSong(latents, _frame_of(header.song), header.semitones, header.phrase_vae)
    except UserError as error:
        raise UnreadableFileError(f"{path}: {error.message}", error.remedy) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the header"
        raise UnreadableFileError(
            f"{path} is of another version or damaged: {place}: {first['msg']}", _REMEDY
        ) from error
    except ValueError as error:
        raise UnreadableFileError(f"{path} describes no song: {error}", _REMEDY) from error


def _record_of(frame: Score) -> dict:
    return _SongRecord(
        title=frame.title,
        num_bars=frame.num_bars,
        tracks=tuple(
            _TrackRecord(name=track.name, program=track.program, drums=track.is_drum) for track in frame.tracks
        ),
        meters=tuple((meter.bar, meter.numerator, meter.denominator) for meter in frame.meters),
        tempos=tuple((tempo.tick, tempo.tempo_bpm) for tempo in frame.tempos),
        form=format_form(frame.sections),
        chords=tuple((span.onset_ticks, span.duration_ticks, span.chord.symbol(frame.key)) for span in frame.chords),
        key=None if frame.key is None else str(frame.key),
    ).model_dump()


def _frame_of(record: _SongRecord) -> Score:
    """The song without its notes.

    Raises:
        ParseError, ValueError: there is no such song.
    """
    return Score(
        tracks=tuple(Track(track.name, Notes.empty(), track.program, track.drums) for track in record.tracks),
        num_bars=record.num_bars,
        meters=tuple(_meter(*meter) for meter in record.meters),
        tempos=tuple(TempoChange(*tempo) for tempo in record.tempos),
        sections=parse_form(record.form) if record.form else (),
        chords=tuple(ChordSpan(onset, duration, parse_chord(symbol)) for onset, duration, symbol in record.chords),
        key=None if record.key is None else parse_key(record.key),
        title=record.title,
    )


def _meter(bar: int, numerator: int, denominator: int) -> MeterChange:
    """A meter whose bars can be counted in ticks; the longest that a MIDI file can say has 255 beats."""
    if numerator > 255:
        raise ValueError(f"a bar of {numerator}/{denominator}")
    return MeterChange(bar, numerator, denominator)
