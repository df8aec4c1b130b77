"""A score as a Standard MIDI File of type 1, laid out as DAWs like it.

A conductor track comes first: title, tempo, meter, key, section markers, chords. Then one named track a channel, drums
on channel 10. Beyond fifteen pitched tracks, further tracks go to further MIDI ports, so that no two share a channel.

Tracks that came from a file stay on the channel that they had there, and passengers come out where they were.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.files import require_writable, written_beside
from phraseloom.general_midi import DRUM_CHANNEL
from phraseloom.harmony import Key
from phraseloom.midi import chunks as smf
from phraseloom.midi.annotations import (
    END_MARKER,
    chord_text,
    is_chord_text,
    parse_section_marker,
    section_markers,
)
from phraseloom.midi.reading import MICROSECONDS_PER_MINUTE
from phraseloom.midi.texts import decode_text, encode_text
from phraseloom.passengers import Message, Phase, Place
from phraseloom.score import TICKS_PER_QUARTER, MeterChange, Score, Track

_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_MAX_PORTS = 128
_MAX_QUANTITY = 0x0FFF_FFFF
_CLOCKS_PER_WHOLE = 96
_THIRTY_SECONDS_PER_QUARTER = 8


class _Event(NamedTuple):
    """One event; at a tick, events are ordered by rank: what a note needs, then ends of notes, then beginnings."""

    tick: int
    rank: int
    message: bytes


_SETUP, _OFF, _BEHIND_OFFS, _ON, _OFF_AT_ONCE, _BEHIND_ONS = range(6)
_RANKS = {Phase.BEFORE_NOTES: _SETUP, Phase.BEHIND_NOTE_OFFS: _BEHIND_OFFS, Phase.BEHIND_NOTE_ONS: _BEHIND_ONS}


def midi_bytes(score: Score, *, texts: Sequence[str] = ()) -> bytes:
    """The score as a MIDI file of type 1; `read_midi` gives an equal score back.

    It has 480 ticks to the quarter, or as many as the song's passengers need.

    Args:
        score: anything valid; titles and names lose characters that cannot be printed.
        texts: further text events at the start of the song, such as how it was made. `read_midi` takes those that begin
            as a recipe does for one; others travel with the score that it gives.

    Raises:
        UnsupportedScoreError: the song is too long, has a meter with over 255 beats, or more tracks than ports.
        ValueError: one of `texts` would be read as a chord.
    """
    if any(is_chord_text(text) for text in texts):
        raise ValueError("a text that reads as a chord would add one to the song")
    places = _places(score)
    needs_ports = any(place.port for place in places)
    ticks_per_quarter = score.passenger_ticks_per_quarter
    scale = ticks_per_quarter // TICKS_PER_QUARTER
    end_tick = score.num_ticks * scale
    chunks = [_chunk(_conductor_events(score, texts, scale), end_tick)]
    for track, place in zip(score.tracks, places, strict=True):
        chunks.append(_chunk(_track_events(track, place, needs_ports, scale), end_tick))
    for messages in score.passengers.silent_tracks:
        chunks.append(_chunk(_message_events(messages), end_tick))
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), ticks_per_quarter)
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


def _places(score: Score) -> list[Place]:
    """Where each track plays: where it did, or else on the first channel that is free."""
    tracks = score.tracks
    places = _kept_places(tracks)
    free = {
        is_drum: _free_places(is_drum, set(filter(None, places)), _channels_spoken_to(score))
        for is_drum in (False, True)
    }
    places = [place or next(free[track.is_drum], None) for track, place in zip(tracks, places, strict=True)]
    if None in places or len(tracks) + len(score.passengers.silent_tracks) >= smf.MAX_TRACKS:
        num_drums = sum(track.is_drum for track in tracks)
        raise UnsupportedScoreError(
            f"the song has {len(tracks)} tracks, {num_drums} of them drums; "
            f"a MIDI file holds up to {smf.MAX_TRACKS - 1}, {_MAX_PORTS} of them drums",
            "merge tracks that play the same instrument",
        )
    return [place for place in places if place is not None]


def _kept_places(tracks: Sequence[Track]) -> list[Place | None]:
    """The places that tracks had in their file; None for those that had none.

    Tracks that shared a channel share it again, as a piano's two hands do, unless each sets another program at the
    start.
    """
    programs: dict[Place, int] = {}
    places: list[Place | None] = []
    for track in tracks:
        place = track.passengers.place
        if place is not None and (place.channel == DRUM_CHANNEL) != track.is_drum:
            place = None
        if place is not None and track.passengers.program is None and not track.is_drum:
            place = place if programs.setdefault(place, track.program) == track.program else None
        places.append(place)
    return places


def _channels_spoken_to(score: Score) -> set[int]:
    """Channels to which messages go that are not of the channel's own track, as those that set up a whole file."""
    groups = [score.passengers.messages, *score.passengers.silent_tracks]
    groups += [track.passengers.messages for track in score.tracks]
    return {message.channel for messages in groups for message in messages if message.channel is not None}


def _free_places(is_drum: bool, taken: Collection[Place], spoken_to: Collection[int]) -> Iterator[Place]:
    """Port after port, channels that nobody sends anything to first."""
    channels = [DRUM_CHANNEL] if is_drum else sorted(_PITCHED_CHANNELS, key=lambda channel: channel in spoken_to)
    return (place for place in map(Place._make, product(range(_MAX_PORTS), channels)) if place not in taken)


def _conductor_events(score: Score, texts: Iterable[str], scale: int) -> Iterator[_Event]:
    if score.title:
        yield _meta(0, smf.TRACK_NAME, encode_text(score.title))
    for text in texts:
        yield _meta(0, smf.TEXT, encode_text(text))
    if score.key is not None:
        yield _meta(0, smf.KEY_SIGNATURE, _key_signature(score.key))
    bar_starts = (score.bar_start_ticks * scale).tolist()
    for meter in score.meters:
        yield _meta(bar_starts[meter.bar], smf.TIME_SIGNATURE, _time_signature(meter))
    yield from _tempo_events(score, scale)
    bar = 0
    for section, marker in zip(score.sections, section_markers(score.sections), strict=True):
        yield _meta(bar_starts[bar], smf.MARKER, encode_text(marker))
        bar += section.num_bars
    yield from _chord_events(score, scale)
    yield from _message_events(score.passengers.messages, has_sections=bool(score.sections))
    yield _meta(bar_starts[-1], smf.MARKER, encode_text(END_MARKER))


def _tempo_events(score: Score, scale: int) -> Iterator[_Event]:
    """The changes as the file had them, or as the score has them."""
    exact: defaultdict[tuple[int, float], list[tuple[int, int]]] = defaultdict(list)
    for score_tick, tempo_bpm, tick, microseconds in score.passengers.tempos:
        exact[score_tick, tempo_bpm].append((tick, microseconds))
    for tempo in score.tempos:
        said = [(tempo.tick * scale, round(MICROSECONDS_PER_MINUTE / tempo.tempo_bpm))]
        for tick, microseconds in exact.get((tempo.tick, tempo.tempo_bpm), said):
            yield _meta(tick, smf.TEMPO, microseconds.to_bytes(3, "big"))


def _chord_events(score: Score, scale: int) -> Iterator[_Event]:
    following_onsets = [*(span.onset_ticks for span in score.chords[1:]), score.num_ticks]
    for span, following in zip(score.chords, following_onsets, strict=False):
        yield _meta(span.onset_ticks * scale, smf.TEXT, encode_text(chord_text(span.chord)))
        end = span.onset_ticks + span.duration_ticks
        if end < following:
            yield _meta(end * scale, smf.TEXT, encode_text(chord_text(None)))


def _track_events(track: Track, place: Place, needs_port: bool, scale: int) -> Iterator[_Event]:
    channel, passengers = place.channel, track.passengers
    yield _meta(0, smf.TRACK_NAME, encode_text(track.name))
    if needs_port:
        yield _meta(0, smf.PORT, bytes([place.port]))
    if passengers.program is None:
        yield _Event(0, _SETUP, bytes([smf.PROGRAM_CHANGE | channel, track.program]))
    yield from _message_events(passengers.messages, channel)
    sounding = passengers.played.sounding(track.notes.table, scale)
    for onset, duration, pitch, velocity, release_velocity in sounding.tolist():
        yield _Event(onset, _ON, bytes([smf.NOTE_ON | channel, pitch, velocity]))
        off_rank = _OFF if duration else _OFF_AT_ONCE
        yield _Event(onset + duration, off_rank, bytes([smf.NOTE_OFF | channel, pitch, release_velocity]))


def _message_events(
    messages: Iterable[Message], own_channel: int = 0, *, has_sections: bool = False
) -> Iterator[_Event]:
    """Passengers; markers that read as sections are left out where the song has sections of its own."""
    for message in messages:
        data = message.data
        if message.meta_kind is not None:
            is_section = message.meta_kind == smf.MARKER and parse_section_marker(decode_text(data[2:])) is not None
            if not (is_section and has_sections):
                yield _meta(message.tick, message.meta_kind, data[2:])
        elif not message.is_of_channel:
            yield _Event(message.tick, _SETUP, data[:1] + _quantity(len(data) - 1) + data[1:])
        else:
            channel = own_channel if message.channel is None else message.channel
            yield _Event(message.tick, _RANKS[message.phase], bytes([data[0] | channel]) + data[1:])


def _meta(tick: int, kind: int, data: bytes) -> _Event:
    return _Event(tick, _SETUP, bytes([smf.META, kind]) + _quantity(len(data)) + data)


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
    """A track that ends at `end_tick`, or with its last event."""
    parts = []
    latest = 0
    for event in sorted(events, key=lambda event: event[:2]):
        parts += [_quantity(event.tick - latest), event.message]
        latest = event.tick
    parts += [_quantity(max(0, end_tick - latest)), bytes([smf.META, smf.END_OF_TRACK, 0])]
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
