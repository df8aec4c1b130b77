"""A MIDI file as a `MidiSong`: its tracks, and what its meta events say of tempo, meter, key, sections and chords."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from phraseloom.errors import UnreadableFileError
from phraseloom.harmony import Key
from phraseloom.midi import chunks as smf
from phraseloom.midi.instruments import ChunkContent, split_instruments
from phraseloom.midi.song import MidiSong, TimedKey, TimedMeter, TimedTempo, TimedText
from phraseloom.midi.texts import decode_text
from phraseloom.passengers import Message

MICROSECONDS_PER_MINUTE = 60_000_000

_MAX_DENOMINATOR_EXPONENT = 8  # a 1/256; what is beyond is damage rather than a meter
_MAX_ACCIDENTALS = 7
_SAID_OTHERWISE = (smf.TEMPO, smf.TIME_SIGNATURE, smf.END_OF_TRACK)


def load_midi(source: bytes | Path | str) -> MidiSong:
    """Read a Standard MIDI File of type 0 or 1, from its bytes or its path.

    Raises:
        UnreadableFileError: there is no such file, it is not MIDI, it is damaged beyond use, or it has no notes.
    """
    file = smf.read_chunks(read_bytes(source))
    warnings = list(file.warnings)
    metas = sorted((meta for chunk in file.tracks for meta in chunk.metas), key=lambda meta: meta.tick)
    first_key = next((meta for meta in metas if _key(meta) is not None), None)
    contents = split_instruments(
        file.tracks,
        file.ticks_per_quarter,
        lambda meta: meta is not first_key and meta.kind not in _SAID_OTHERWISE,
        warnings,
    )
    tracks = tuple(track for content in contents for track in content.instruments)
    if not any(track.num_notes for track in tracks):
        _refuse_silence(file.warnings)
    has_conductor = file.file_type == 0 or not contents[0].instruments  # else its name is its instrument's
    silent_tracks = [content.messages for content in contents[has_conductor:]]
    return MidiSong(
        file_type=file.file_type,
        ticks_per_quarter=file.ticks_per_quarter,
        title=_title(file.tracks[0]) if has_conductor else "",
        tracks=tracks,
        tempos=tuple(_tempos(metas)),
        meters=tuple(_meters(metas)),
        keys=tuple(TimedKey(meta.tick, key) for meta in metas if (key := _key(meta)) is not None),
        markers=tuple(_texts(metas, smf.MARKER)),
        texts=tuple(_texts(metas, smf.TEXT)),
        messages=_conductor_messages(contents[0]) if has_conductor else (),
        silent_tracks=tuple(messages for messages in silent_tracks if messages),
        warnings=tuple(warnings),
    )


def read_bytes(source: bytes | Path | str) -> bytes:
    """The content of a file, of a too large one only its beginning; bytes are handed through.

    Raises:
        UnreadableFileError: the path names no readable file.
    """
    if isinstance(source, bytes):
        return source
    try:
        with Path(source).open("rb") as file:
            return file.read(smf.MAX_FILE_BYTES + 1)  # one more, so that a larger file is seen to be larger
    except IsADirectoryError:
        problem = "is a folder"
    except FileNotFoundError:
        problem = "does not exist"
    except PermissionError:
        problem = "may not be read by this user"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise UnreadableFileError(f"{source} {problem}", "give the path of a MIDI file (.mid)")


def _refuse_silence(damage: tuple[str, ...]) -> None:
    if damage:
        raise UnreadableFileError(
            f"the MIDI file is damaged before its first note: {'; '.join(damage)}", "fetch it or export it again"
        )
    raise UnreadableFileError(
        "the MIDI file has no notes", "give a file with at least one note; a tempo map or a template alone is no song"
    )


def _conductor_messages(content: ChunkContent) -> tuple[Message, ...]:
    """What is no instrument's, without the name, which is the song's title."""
    return tuple(message for message in content.messages if message.meta_kind != smf.TRACK_NAME)


def _title(chunk: smf.TrackChunk) -> str:
    return next((decode_text(meta.data) for meta in chunk.metas if meta.kind == smf.TRACK_NAME), "")


def _texts(metas: list[smf.MetaEvent], kind: int) -> Iterator[TimedText]:
    return (TimedText(meta.tick, decode_text(meta.data)) for meta in metas if meta.kind == kind)


def _tempos(metas: list[smf.MetaEvent]) -> Iterator[TimedTempo]:
    for meta in metas:
        microseconds = int.from_bytes(meta.data[:3], "big")
        if meta.kind == smf.TEMPO and microseconds:
            yield TimedTempo(meta.tick, MICROSECONDS_PER_MINUTE / microseconds)


def _meters(metas: list[smf.MetaEvent]) -> Iterator[TimedMeter]:
    for meta in metas:
        if meta.kind != smf.TIME_SIGNATURE or len(meta.data) < 2:
            continue
        numerator, exponent = meta.data[:2]
        if numerator and exponent <= _MAX_DENOMINATOR_EXPONENT:
            yield TimedMeter(meta.tick, numerator, 2**exponent)


def _key(meta: smf.MetaEvent) -> Key | None:
    """The key of a key signature; None for anything else."""
    if meta.kind != smf.KEY_SIGNATURE or len(meta.data) < 2:
        return None
    sharps = meta.data[0] - 256 if meta.data[0] >= 128 else meta.data[0]  # negative for flats
    is_minor = meta.data[1]
    if abs(sharps) > _MAX_ACCIDENTALS or is_minor > 1:
        return None
    return Key((7 * sharps + 9 * is_minor) % 12, "minor" if is_minor else "major")
