"""A score as a Standard MIDI File of type 1, laid out as DAWs like it.

A conductor track comes first: title, tempo, meter, key, section markers, chords. Then one named track a channel, drums
on channel 10. Beyond fifteen pitched tracks, further tracks go to further MIDI ports, so that no two share a channel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.files import require_writable, written_beside
from phraseloom.general_midi import DRUM_CHANNEL
from phraseloom.harmony import Key
from phraseloom.midi import chunks as smf
from phraseloom.midi.annotations import END_MARKER, chord_text, is_chord_text, section_markers
from phraseloom.midi.reading import MICROSECONDS_PER_MINUTE
from phraseloom.midi.texts import encode_text
from phraseloom.score import TICKS_PER_QUARTER, MeterChange, Score, Track

TICKS_PER_QUARTER_WRITTEN = 480

_SCALE = TICKS_PER_QUARTER_WRITTEN // TICKS_PER_QUARTER
_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_MAX_PORTS = 128
_MAX_QUANTITY = 0x0FFF_FFFF
_CLOCKS_PER_WHOLE = 96
_THIRTY_SECONDS_PER_QUARTER = 8
_RELEASE_VELOCITY = 64


class _Event(NamedTuple):
    """One event; at a tick, events are ordered by rank: what a note needs, then ends of notes, then beginnings."""

    tick: int
    rank: int
    message: bytes


_SETUP, _OFF, _ON = range(3)


def midi_bytes(score: Score, *, texts: Sequence[str] = ()) -> bytes:
    """The score as a MIDI file of type 1; `read_midi` gives an equal score back.

    Args:
        score: anything valid; titles and names lose characters that cannot be printed.
        texts: further text events at the start of the song, such as how it was made.

    Raises:
        UnsupportedScoreError: the song is too long, has a meter with over 255 beats, or more tracks than ports.
        ValueError: one of `texts` would be read as a chord.
    """
    if any(is_chord_text(text) for text in texts):
        raise ValueError("a text that reads as a chord would add one to the song")
    places = _places(score.tracks)
    needs_ports = any(port for port, _ in places)
    chunks = [_chunk(_conductor_events(score, texts), score.num_ticks * _SCALE)]
    for track, (port, channel) in zip(score.tracks, places, strict=True):
        end_tick = max(score.num_ticks, int(track.notes.end_ticks.max(initial=0))) * _SCALE
        chunks.append(_chunk(_track_events(track, channel, port if needs_ports else None), end_tick))
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), TICKS_PER_QUARTER_WRITTEN)
    return b"".join([header, *chunks])


def write_midi(score: Score, path: Path | str, *, texts: Sequence[str] = ()) -> None:
    """Write `midi_bytes` to `path`: beside it first, then renamed, so that no half file is ever seen.

    Raises:
        RequestError: the folder does not exist, or the file cannot be written there.
        UnsupportedScoreError: as `midi_bytes`.
    """
    path = Path(path)
    content = midi_bytes(score, texts=texts)
    require_writable(path)
    try:
        with written_beside(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror}", "write somewhere else") from error


def _places(tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Port and channel of each track: pitched tracks fill a port's fifteen channels, then the next port's."""
    places = []
    num_drums = num_pitched = 0
    for track in tracks:
        if track.is_drum:
            places.append((num_drums, DRUM_CHANNEL))
            num_drums += 1
        else:
            port, index = divmod(num_pitched, len(_PITCHED_CHANNELS))
            places.append((port, _PITCHED_CHANNELS[index]))
            num_pitched += 1
    if len(tracks) >= smf.MAX_TRACKS or num_drums > _MAX_PORTS:
        raise UnsupportedScoreError(
            f"the song has {len(tracks)} tracks, {num_drums} of them drums; "
            f"a MIDI file holds up to {smf.MAX_TRACKS - 1}, {_MAX_PORTS} of them drums",
            "merge tracks that play the same instrument",
        )
    return places


def _conductor_events(score: Score, texts: Iterable[str]) -> Iterator[_Event]:
    if score.title:
        yield _meta(0, smf.TRACK_NAME, encode_text(score.title))
    for text in texts:
        yield _meta(0, smf.TEXT, encode_text(text))
    if score.key is not None:
        yield _meta(0, smf.KEY_SIGNATURE, _key_signature(score.key))
    bar_starts = score.bar_start_ticks.tolist()
    for meter in score.meters:
        yield _meta(bar_starts[meter.bar], smf.TIME_SIGNATURE, _time_signature(meter))
    for tempo in score.tempos:
        microseconds = round(MICROSECONDS_PER_MINUTE / tempo.tempo_bpm)
        yield _meta(tempo.tick, smf.TEMPO, microseconds.to_bytes(3, "big"))
    bar = 0
    for section, marker in zip(score.sections, section_markers(score.sections), strict=True):
        yield _meta(bar_starts[bar], smf.MARKER, encode_text(marker))
        bar += section.num_bars
    yield from _chord_events(score)
    yield _meta(score.num_ticks, smf.MARKER, encode_text(END_MARKER))


def _chord_events(score: Score) -> Iterator[_Event]:
    following_onsets = [*(span.onset_ticks for span in score.chords[1:]), score.num_ticks]
    for span, following in zip(score.chords, following_onsets, strict=False):
        yield _meta(span.onset_ticks, smf.TEXT, encode_text(chord_text(span.chord)))
        end = span.onset_ticks + span.duration_ticks
        if end < following:
            yield _meta(end, smf.TEXT, encode_text(chord_text(None)))


def _track_events(track: Track, channel: int, port: int | None) -> Iterator[_Event]:
    yield _meta(0, smf.TRACK_NAME, encode_text(track.name))
    if port is not None:
        yield _meta(0, smf.PORT, bytes([port]))
    yield _Event(0, _SETUP, bytes([smf.PROGRAM_CHANGE | channel, track.program]))
    for onset, duration, pitch, velocity in track.notes.table.tolist():
        yield _Event(onset * _SCALE, _ON, bytes([smf.NOTE_ON | channel, pitch, velocity]))
        yield _Event((onset + duration) * _SCALE, _OFF, bytes([smf.NOTE_OFF | channel, pitch, _RELEASE_VELOCITY]))


def _meta(tick: int, kind: int, data: bytes) -> _Event:
    """A meta event at a tick of the library's grid."""
    return _Event(tick * _SCALE, _SETUP, bytes([smf.META, kind]) + _quantity(len(data)) + data)


def _time_signature(meter: MeterChange) -> bytes:
    if meter.numerator > 255:
        raise UnsupportedScoreError(
            f"the song has a meter of {meter} at bar {meter.bar + 1}; MIDI has room for 255 beats",
            "divide those bars",
        )
    clocks_per_beat = max(1, _CLOCKS_PER_WHOLE // meter.denominator)
    return bytes([meter.numerator, meter.denominator.bit_length() - 1, clocks_per_beat, _THIRTY_SECONDS_PER_QUARTER])


def _key_signature(key: Key) -> bytes:
    """Sharps, negative for flats, and whether the key is minor."""
    return struct.pack(">bB", key.signature, key.mode == "minor")


def _chunk(events: Iterable[_Event], end_tick: int) -> bytes:
    parts = []
    latest = 0
    for event in sorted(events, key=lambda event: event[:2]):
        parts += [_quantity(event.tick - latest), event.message]
        latest = event.tick
    parts += [_quantity(end_tick - latest), bytes([smf.META, smf.END_OF_TRACK, 0])]
    body = b"".join(parts)
    return struct.pack(">4sI", b"MTrk", len(body)) + body


def _quantity(value: int) -> bytes:
    """A number as MIDI's variable-length quantity."""
    if value > _MAX_QUANTITY:
        raise UnsupportedScoreError(
            "the song has a silence or a note of more than half a million quarters, longer than MIDI can hold",
            "shorten it",
        )
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(0x80 | value & 0x7F)
    return bytes(reversed(septets))
