"""Songs as MusicXML, for notation programs; the only file that names the library that writes it.

Letters in names follow music21: a *part* is a track, a *measure* a bar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np
from music21 import (
    chord,
    clef,
    duration,
    expressions,
    harmony,
    instrument,
    key,
    layout,
    metadata,
    meter,
    note,
    percussion,
    pitch,
    stream,
    tempo,
    tie,
)
from music21.musicxml.m21ToXml import GeneralObjectExporter

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.harmony import NO_CHORD, Chord, Key, pitch_class_name
from phraseloom.midi.annotations import section_markers
from phraseloom.notation.pieces import Piece, bars_of_voice
from phraseloom.notation.voices import Voice, drum_voice, written_voices
from phraseloom.score import Notes, Score, Track

MAX_NOTES = 20_000
"""Several times what the densest songs have; writing takes about a millisecond a note."""

Element = TypeVar("Element", bound=note.GeneralNote)

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENCODING_DATE = re.compile(rb"\s*<encoding-date>[^<]*</encoding-date>")
"""Left out, so that a song is the same file on any day."""

_MIDDLE_C = 60
_KEYBOARDS = range(24)
"""Programs of pianos, chromatic percussion and organs: what is written on two staves where it is wide enough."""
_WIDE_FROM, _WIDE_TO = 55, 65
"""Pitches, beyond both of which one staff would need many ledger lines."""

_DRUM_PLACES = {
    35: "F4", 36: "F4", 37: "C5", 38: "C5", 39: "C5", 40: "C5", 41: "G4", 42: "G5", 43: "A4", 44: "D4", 45: "B4",
    46: "G5", 47: "D5", 48: "D5", 49: "A5", 50: "E5", 51: "F5", 52: "A5", 53: "F5", 55: "A5", 57: "A5", 59: "F5",
}  # fmt: skip
"""Lines and spaces of General MIDI's drums as drummers read them (Weinberg, "Guidelines for Drumset Notation")."""
_OTHER_DRUMS_PLACE = "E5"
_CROSSES = frozenset({37, 42, 44, 46, 49, 51, 52, 53, 55, 57, 59})
"""Cymbals and side stick, whose heads are crosses."""

_CHORD_KINDS: dict[str, frozenset[int]] = {
    kind: frozenset(map(int, intervals.split()))
    for kind, intervals in {
        "major": "0 4 7", "minor": "0 3 7", "dominant-seventh": "0 4 7 10", "major-seventh": "0 4 7 11",
        "minor-seventh": "0 3 7 10", "diminished": "0 3 6", "augmented": "0 4 8", "suspended-fourth": "0 5 7",
        "suspended-second": "0 2 7", "major-sixth": "0 4 7 9", "minor-sixth": "0 3 7 9",
        "diminished-seventh": "0 3 6 9", "half-diminished-seventh": "0 3 6 10", "minor-major-seventh": "0 3 7 11",
        "augmented-seventh": "0 4 8 10", "dominant-ninth": "0 2 4 7 10", "major-ninth": "0 2 4 7 11",
        "minor-ninth": "0 2 3 7 10", "power": "0 7",
    }.items()
}  # fmt: skip
"""Semitones above the root; the first of several that are equally near is taken."""


def musicxml_bytes(score: Score) -> bytes:
    """A MusicXML file (uncompressed, partwise) of a song, with meter, key, tempos, chord symbols and section marks.

    Bars, onsets and pitches are the song's; lengths are rounded as `phraseloom.notation.voices` says. Wide keyboard
    tracks have two staves, drums a percussion staff.

    Raises:
        RequestError: the song has no tracks.
        UnsupportedScoreError: it has over `MAX_NOTES` notes.
    """
    if not score.tracks:
        raise RequestError("the song has no tracks", "give a song with one track or more")
    if score.num_notes > MAX_NOTES:
        raise UnsupportedScoreError(
            f"the song has {score.num_notes} notes, sheet music is written of up to {MAX_NOTES}",
            "leave out tracks or bars, or export MIDI",
        )
    sheet = stream.Score()
    sheet.metadata = metadata.Metadata(title=_xml_text(score.title) or "Untitled", composer="phraseloom")
    for number, track in enumerate(score.tracks, start=1):
        parts = list(_parts(score, track, number))
        for part in parts:
            sheet.insert(0, part)
        if len(parts) > 1:
            sheet.insert(0, layout.StaffGroup(parts, name=_xml_text(track.name), symbol="brace"))
    _mark(score, next(iter(sheet.parts)))
    for part in sheet.parts:
        part.makeAccidentals(inPlace=True)
        part.makeBeams(inPlace=True)
    exporter = GeneralObjectExporter(sheet)
    exporter.makeNotation = False  # voices, ties and rests are ours
    return _ENCODING_DATE.sub(b"", exporter.parse())


def _parts(score: Score, track: Track, number: int) -> Iterator[stream.Part]:
    """A track as one part, or as two that are the staves of one instrument."""
    staves = _staves(track)
    for staff_number, (sign, notes) in enumerate(staves, start=1):
        part = stream.PartStaff() if len(staves) > 1 else stream.Part()
        part.id = f"P{number}-{staff_number}"
        part.partName = _xml_text(track.name)
        part.insert(0, _instrument(track, number))
        voices = [drum_voice(notes, score.num_ticks)] if track.is_drum else written_voices(notes, score.num_ticks)
        for measure in _measures(score, voices, track.is_drum):
            part.append(measure)
        first = next(iter(part.getElementsByClass(stream.Measure)))
        first.insert(0, sign)
        yield part


def _staves(track: Track) -> list[tuple[clef.Clef, Notes]]:
    pitches = track.notes.pitch
    if track.is_drum:
        return [(clef.PercussionClef(), track.notes)]
    if len(pitches) and track.program in _KEYBOARDS and pitches.min() < _WIDE_FROM and pitches.max() > _WIDE_TO:
        is_high = pitches >= _MIDDLE_C
        return [(clef.TrebleClef(), track.notes.where(is_high)), (clef.BassClef(), track.notes.where(~is_high))]
    is_low = len(pitches) > 0 and np.median(pitches) < _MIDDLE_C - 3
    return [(clef.BassClef() if is_low else clef.TrebleClef(), track.notes)]


def _instrument(track: Track, number: int) -> instrument.Instrument:
    found = instrument.UnpitchedPercussion() if track.is_drum else instrument.instrumentFromMidiProgram(track.program)
    found.instrumentId = found.partId = f"P{number}"
    found.partName = _xml_text(track.name)
    return found


def _measures(score: Score, voices: Sequence[Voice], is_drum: bool) -> Iterator[stream.Measure]:
    starts = score.bar_start_ticks.tolist()
    bars_by_voice = [bars_of_voice(voice, starts) for voice in voices]
    meters = {change.bar: meter.TimeSignature(str(change)) for change in score.meters}
    for bar in range(score.num_bars):
        measure = stream.Measure(number=bar + 1)
        if bar == 0 and score.key is not None:
            measure.insert(0, key.Key(_m21_name(score.key.tonic, score.key), score.key.mode))
        if bar in meters:
            measure.insert(0, meters[bar])
        sounding = [(number, bars[bar]) for number, bars in enumerate(bars_by_voice, start=1) if bars[bar]]
        if not sounding:
            measure.insert(0, _whole_bar_rest(starts[bar + 1] - starts[bar]))
        elif len(sounding) == 1:
            _fill(measure, sounding[0][1], score.key, is_drum, hides_rests=False)
        else:
            for number, pieces in sounding:
                voice = stream.Voice(id=str(number))
                _fill(voice, pieces, score.key, is_drum, hides_rests=number > 1)
                measure.insert(0, voice)
        yield measure


def _fill(
    place: stream.Measure | stream.Voice,
    pieces: Sequence[Piece],
    song_key: Key | None,
    is_drum: bool,
    hides_rests: bool,
) -> None:
    for piece in pieces:
        element = _element(piece, song_key, is_drum)
        if hides_rests and not piece.pitches:
            element.style.hideObjectOnPrint = True
        place.insert(_quarters(piece.start_ticks), element)


def _element(piece: Piece, song_key: Key | None, is_drum: bool) -> note.GeneralNote:
    length = duration.Duration(_quarters(piece.length_ticks))
    if not piece.pitches:
        return note.Rest(duration=length)
    return _strokes(piece, length) if is_drum else _notes(piece, length, song_key)


def _strokes(piece: Piece, length: duration.Duration) -> note.Unpitched | percussion.PercussionChord:
    drums = [_drum(number) for number in piece.pitches]
    return _of_length(drums[0] if len(drums) == 1 else percussion.PercussionChord(drums), length)


def _notes(piece: Piece, length: duration.Duration, song_key: Key | None) -> note.Note | chord.Chord:
    heads = [_of_length(note.Note(_pitch(number, song_key)), length) for number in piece.pitches]
    for head in heads:
        head.tie = _tie(piece)
    return heads[0] if len(heads) == 1 else _of_length(chord.Chord(heads), length)


def _of_length(element: Element, length: duration.Duration) -> Element:
    element.duration = length
    return element


def _tie(piece: Piece) -> tie.Tie | None:
    if piece.ties_back:
        return tie.Tie("continue" if piece.ties_on else "stop")
    return tie.Tie("start") if piece.ties_on else None


def _drum(number: int) -> note.Unpitched:
    drum = note.Unpitched(displayName=_DRUM_PLACES.get(number, _OTHER_DRUMS_PLACE))
    if number in _CROSSES:
        drum.notehead = "x"
    return drum


def _whole_bar_rest(bar_ticks: int) -> note.Rest:
    rest = note.Rest(quarterLength=_quarters(bar_ticks))
    rest.fullMeasure = True
    return rest


def _mark(score: Score, part: stream.Part) -> None:
    """Tempos, chord symbols and section marks, above the uppermost staff."""
    measures = list(part.getElementsByClass(stream.Measure))

    def insert(tick: int, element: object) -> None:
        bar = int(score.bar_of(np.array(tick)))
        measures[bar].insert(_quarters(tick - int(score.bar_start_ticks[bar])), element)

    for change in score.tempos:
        insert(change.tick, tempo.MetronomeMark(number=change.tempo_bpm))
    for span in score.chords:
        insert(span.onset_ticks, _chord_symbol(span.chord, score.key))
    first_bar = 0
    for section, marker in zip(score.sections, section_markers(score.sections), strict=True):
        insert(int(score.bar_start_ticks[first_bar]), expressions.RehearsalMark(marker))
        first_bar += section.num_bars


def _chord_symbol(symbol: Chord, song_key: Key | None) -> harmony.ChordSymbol:
    """A symbol that reads as ours does, of the kind that is nearest to the chord."""
    if symbol == NO_CHORD or symbol.root is None or symbol.bass is None:
        return harmony.NoChord()
    root = pitch_class_name(symbol.root, 0 if song_key is None else song_key.signature)
    upper = Chord(symbol.root, symbol.intervals, symbol.root).symbol(song_key or Key(0))
    kind = min(_CHORD_KINDS, key=lambda kind: len(_CHORD_KINDS[kind] ^ symbol.intervals))
    bass = None if symbol.bass == symbol.root else _m21_name(symbol.bass, song_key)
    found = harmony.ChordSymbol(root=_m21_name(symbol.root, song_key), bass=bass, kind=kind)
    found.chordKindStr = upper.removeprefix(root)
    found.writeAsChord = False
    return found


def _pitch(number: int, song_key: Key | None) -> pitch.Pitch:
    """A MIDI pitch, spelled as the key has it."""
    name = _m21_name(number % 12, song_key)
    return pitch.Pitch(f"{name}{number // 12 - 1}")  # no name here crosses the octave, as Cb would


def _m21_name(pitch_class: int, song_key: Key | None) -> str:
    return pitch_class_name(pitch_class, 0 if song_key is None else song_key.signature).replace("b", "-")


def _xml_text(text: str) -> str:
    """The text without what XML 1.0 cannot hold, such as control characters."""
    return _NOT_IN_XML.sub("", text)


def _quarters(ticks: int) -> Fraction:
    return Fraction(ticks, TICKS_PER_QUARTER)
