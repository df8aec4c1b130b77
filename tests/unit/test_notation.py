"""Sheet music: chords, voices and lengths out of notes, and MusicXML that reads back as the song."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter, harmony, key, stream

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.harmony import Chord, Key, parse_chord
from phraseloom.notation.musicxml import musicxml_bytes
from phraseloom.notation.pieces import bars_of_voice, symbols
from phraseloom.notation.voices import MAX_VOICES, drum_voice, rounded_end, written_voices
from phraseloom.score import ChordSpan, Notes, Score, Track
from support.songs import make_song

NUM_TICKS = 4 * 48
BAR_STARTS = range(0, NUM_TICKS + 1, 48)

notes_of_four_bars = st.lists(
    st.tuples(st.integers(0, NUM_TICKS - 1), st.integers(1, 60), st.integers(21, 108), st.just(80)), max_size=40
).map(Notes.from_rows)


# Voices


@given(notes_of_four_bars)
def test_voices_hold_every_onset_and_pitch_once(notes):
    voices = written_voices(notes, NUM_TICKS)
    assert 1 <= len(voices) <= MAX_VOICES
    written = [(chord.onset_ticks, pitch) for voice in voices for chord in voice for pitch in chord.pitches]
    assert sorted(written) == sorted(zip(notes.onset_ticks.tolist(), notes.pitch.tolist(), strict=True))


@given(notes_of_four_bars)
def test_chords_of_a_voice_follow_one_another(notes):
    for voice in [*written_voices(notes, NUM_TICKS), drum_voice(notes, NUM_TICKS)]:
        ends = [0, *(chord.end_ticks for chord in voice)]
        for end_ticks, chord in zip(ends, voice, strict=False):
            assert end_ticks <= chord.onset_ticks < chord.end_ticks <= NUM_TICKS


@given(st.integers(0, 100), st.integers(1, 100))
def test_ends_are_rounded_by_two_ticks_at_most(onset_ticks, duration_ticks):
    end_ticks = rounded_end(onset_ticks, onset_ticks + duration_ticks)
    assert end_ticks > onset_ticks
    assert abs(end_ticks - onset_ticks - duration_ticks) <= (3 if duration_ticks < 2 else 2)


def test_a_held_note_has_a_voice_of_its_own():
    notes = Notes.from_rows([(0, 47, 48, 80), (0, 12, 72, 80), (12, 11, 74, 80), (24, 24, 76, 80)])
    upper, lower = written_voices(notes, NUM_TICKS)
    assert [(chord.onset_ticks, chord.end_ticks, chord.pitches) for chord in upper] == [
        (0, 12, (72,)),
        (12, 24, (74,)),
        (24, 48, (76,)),
    ]
    assert [(chord.onset_ticks, chord.end_ticks) for chord in lower] == [(0, 48)]


def test_drums_last_to_the_next_stroke_or_the_end_of_the_beat():
    strokes = Notes.from_rows([(0, 1, 36, 80), (0, 30, 42, 80), (6, 1, 42, 80), (18, 40, 38, 80)])
    voice = drum_voice(strokes, NUM_TICKS)
    assert [(chord.onset_ticks, chord.end_ticks, chord.pitches) for chord in voice] == [
        (0, 6, (36, 42)),
        (6, 12, (42,)),
        (18, 24, (38,)),
    ]


# Pieces


@given(notes_of_four_bars)
def test_pieces_fill_their_bars_and_sound_as_their_voice(notes):
    for voice in written_voices(notes, NUM_TICKS):
        sounding = []
        for bar, pieces in enumerate(bars_of_voice(voice, BAR_STARTS)):
            assert sum(piece.length_ticks for piece in pieces) == (48 if pieces else 0)
            position = 0
            for piece in pieces:
                assert piece.start_ticks == position
                position += piece.length_ticks
                if piece.pitches and piece.ties_back:
                    onset_ticks, _, pitches = sounding.pop()
                    assert pitches == piece.pitches
                    sounding.append((onset_ticks, 48 * bar + position, pitches))
                elif piece.pitches:
                    sounding.append((48 * bar + piece.start_ticks, 48 * bar + position, piece.pitches))
        assert sounding == [(chord.onset_ticks, chord.end_ticks, chord.pitches) for chord in voice]


@pytest.mark.parametrize(
    ("start_ticks", "end_ticks", "lengths"),
    [
        (0, 48, [48]),
        (0, 18, [18]),
        (6, 18, [12]),
        (6, 24, [18]),
        (9, 24, [3, 12]),
        (4, 12, [8]),
        (0, 11, [9, 2]),
        (12, 48, [36]),
        (3, 48, [9, 36]),
    ],
)
def test_lengths_as_musicians_write_them(start_ticks, end_ticks, lengths):
    assert [length for _, length in symbols(start_ticks, end_ticks)] == lengths


# MusicXML, read back


def read(content: bytes) -> stream.Score:
    return converter.parseData(content.decode(), format="musicxml")


def heard(part: stream.Stream) -> set[tuple[int, int]]:
    """Onset in ticks and pitch of what is struck, of a part."""
    struck = set()
    for element in part.flatten().notes:
        if isinstance(element, harmony.Harmony):
            continue
        for head in element.notes if element.isChord else (element,):
            if head.tie is None or head.tie.type == "start":
                struck.add((round(float(element.offset) * 12), head.pitch.midi))
    return struck


def onsets_and_pitches(notes: Notes) -> set[tuple[int, int]]:
    return set(zip(notes.onset_ticks.tolist(), notes.pitch.tolist(), strict=True))


SONG = make_song(1, num_tracks=3, with_drums=True, title="Größe & <Maß> 歌\x01")


@pytest.fixture(scope="module")
def sheet() -> stream.Score:
    return read(musicxml_bytes(SONG))


def test_every_note_stands_in_its_bar_at_its_pitch(sheet):
    by_name: dict[str, set[tuple[int, int]]] = {}
    for part in sheet.parts:
        assert len(part.getElementsByClass(stream.Measure)) == SONG.num_bars
        if part.partName != "DRUMS":
            by_name[part.partName] = by_name.get(part.partName, set()) | heard(part)
    assert by_name == {track.name: onsets_and_pitches(track.notes) for track in SONG.tracks[:3]}
    assert [part.partName for part in sheet.parts].count("PIANO") == 2


def test_bars_are_full_and_drums_are_strokes(sheet):
    for part in sheet.parts:
        for measure in part.getElementsByClass(stream.Measure):
            assert measure.duration.quarterLength == 4
    strokes = sheet.parts[-1].flatten().notes
    struck = {round(float(element.offset) * 12) for element in strokes}
    assert struck == set(SONG.tracks[3].notes.onset_ticks.tolist())


def test_key_tempo_sections_and_chords_are_told(sheet):
    assert SONG.key is not None
    found = sheet.parts[0].recurse().getElementsByClass(key.KeySignature).first()
    assert (found.sharps, found.mode) == (SONG.key.signature, SONG.key.mode)
    assert [mark.number for mark in sheet.recurse().getElementsByClass("MetronomeMark")] == [SONG.tempo_bpm]
    marks = [mark.content for mark in sheet.recurse().getElementsByClass("RehearsalMark")]
    assert marks == ["Intro 1 (i)", "Verse 1 (A)", "Chorus 1 (B)", "Verse 2 (A)", "Chorus 2 (B)", "Outro 1 (o)"]
    symbols_found = list(sheet.recurse().getElementsByClass(harmony.ChordSymbol))
    assert len(symbols_found) == len(SONG.chords)
    for written, span in zip(symbols_found, SONG.chords, strict=True):
        assert frozenset(pitch.pitchClass for pitch in written.pitches) == span.chord.pitch_classes


def test_a_song_is_the_same_file_every_time():
    content = musicxml_bytes(SONG)
    assert content == musicxml_bytes(SONG)
    assert b"date" not in content


def test_titles_and_names_of_any_script_are_kept():
    content = musicxml_bytes(SONG).decode()
    assert "<work-title>Größe &amp; &lt;Maß&gt; 歌</work-title>" in content


@pytest.mark.parametrize("symbol", ["Am7/G", "F#dim", "Bb7(b9)", "Csus4", "G6/9", "E7alt", "D(no5)", "C/F#", "N.C."])
def test_chord_symbols_read_as_they_are_shown(symbol):
    score = Score(SONG.tracks[:1], SONG.num_bars, chords=(ChordSpan(0, 48, parse_chord(symbol)),), key=Key(0))
    (written,) = read(musicxml_bytes(score)).recurse().getElementsByClass(harmony.ChordSymbol)
    if symbol == "N.C.":
        assert isinstance(written, harmony.NoChord)
        return
    chord = parse_chord(symbol)
    assert (written.root().pitchClass, written.bass().pitchClass) == (chord.root, chord.bass)
    assert chord.symbol(Key(0)).startswith(written.root().name.replace("-", "b") + written.chordKindStr)


@settings(max_examples=15, deadline=None)
@given(notes_of_four_bars, st.integers(0, 127), st.booleans(), st.sampled_from([None, Key(6), Key(3, "minor")]))
def test_whatever_is_played_can_be_written_and_read(notes, program, is_drum, song_key):
    score = Score((Track("Any", notes, program, is_drum),), 4, key=song_key)
    parts = read(musicxml_bytes(score)).parts
    assert {len(part.getElementsByClass(stream.Measure)) for part in parts} == {4}
    if not is_drum:
        assert set().union(*map(heard, parts)) == onsets_and_pitches(notes)


def test_an_empty_song_has_bars_of_rests_and_none_at_all_is_refused():
    empty = Score((Track("Piano", Notes.empty()),), 3)
    (part,) = read(musicxml_bytes(empty)).parts
    assert [len(measure.notes) for measure in part.getElementsByClass(stream.Measure)] == [0, 0, 0]
    with pytest.raises(RequestError, match="no tracks"):
        musicxml_bytes(replace(empty, tracks=()))


def test_too_many_notes_are_refused():
    crowd = Notes.from_rows([(onset, 1, pitch, 80) for onset in range(48 * 4) for pitch in range(20, 125)])
    with pytest.raises(UnsupportedScoreError, match="20160 notes"):
        musicxml_bytes(Score((Track("Crowd", crowd),), 4))


def test_the_nearest_kind_of_chord_is_taken():
    clusters = Chord(0, frozenset({0, 1, 2}), 0)
    score = Score((Track("Piano", Notes.empty()),), 1, chords=(ChordSpan(0, 48, clusters),))
    (written,) = read(musicxml_bytes(score)).recurse().getElementsByClass(harmony.ChordSymbol)
    assert written.root().pitchClass == 0
