"""Laws of MIDI files: what is written reads back equal, and no bytes end in anything but a song or a `UserError`."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.errors import UserError
from phraseloom.form import Section
from phraseloom.harmony import Chord, Key
from phraseloom.midi import midi_bytes, quantise, read_midi
from phraseloom.midi.reading import load_midi
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from support.smf import chunk, midi_file
from support.songs import make_song

METERS = [(4, 4), (3, 4), (2, 4), (6, 8), (7, 8), (5, 16), (2, 32), (1, 1), (3, 2)]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

names = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
keys = st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))
intervals = st.frozensets(st.integers(1, 11)).map(lambda upper: upper | {0})
chords = st.builds(Chord, st.integers(0, 11), intervals, st.integers(0, 11)) | st.just(Chord(None, frozenset(), None))
tempos_bpm = st.floats(10, 600)


@st.composite
def changes(draw: st.DrawFn, end: int) -> list[int]:
    """Where something changes: 0 and some places before `end`, ordered."""
    return sorted({0, *draw(st.lists(st.integers(0, end - 1), max_size=4))})


@st.composite
def tracks(draw: st.DrawFn, num_ticks: int) -> Track:
    row = st.tuples(st.integers(0, num_ticks - 1), st.integers(1, 200), st.integers(0, 127), st.integers(1, 127))
    notes = Notes.from_rows(draw(st.lists(row, max_size=12)))
    return Track(draw(names), notes, draw(st.integers(0, 127)), draw(st.booleans()))


@st.composite
def forms(draw: st.DrawFn, num_bars: int) -> list[Section]:
    """Nothing, or sections that add up."""
    if draw(st.booleans()):
        return []
    edges = [*draw(changes(num_bars)), num_bars]
    return [Section(draw(st.sampled_from(LETTERS)), b - a) for a, b in pairwise(edges)]


@st.composite
def chord_spans(draw: st.DrawFn, num_ticks: int) -> list[ChordSpan]:
    """Chords that follow each other at once or leave gaps."""
    edges = sorted(draw(st.sets(st.integers(0, num_ticks), max_size=6)))
    spans = [(a, b - a) for a, b in pairwise(edges) if draw(st.booleans())]
    return [ChordSpan(onset, duration, draw(chords)) for onset, duration in spans]


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Any score with a note in it."""
    num_bars = draw(st.integers(1, 20))
    meters = [MeterChange(bar, *draw(st.sampled_from(METERS))) for bar in draw(changes(num_bars))]
    frame = Score((), num_bars, meters)
    first = Track(draw(names), Notes.from_rows([(draw(st.integers(0, frame.num_ticks - 1)), 12, 60, 80)]))
    return Score(
        (first, *draw(st.lists(tracks(frame.num_ticks), max_size=4))),
        num_bars,
        meters,
        [TempoChange(tick, draw(tempos_bpm)) for tick in draw(changes(frame.num_ticks))],
        draw(forms(num_bars)),
        draw(chord_spans(frame.num_ticks)),
        draw(keys),
        title=draw(names),
    )


@given(scores(), st.lists(names.map("recipe {}".format), max_size=2))
def test_what_is_written_reads_back_equal(score: Score, texts: list[str]) -> None:
    content = midi_bytes(score, texts=texts)
    read = quantise(load_midi(content))
    assert read.score == score
    assert read.warnings == ()
    assert midi_bytes(read.score, texts=texts) == content


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_any_number_of_tracks_reads_back_equal(seed: int, num_tracks: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers([0, 1, 0, 1], [48, 60, 128, 128], (num_tracks, 5, 4))
    score = Score([Track(f"{i}", Notes.from_rows(rows[i]), i, bool(rng.random() < 0.2)) for i in range(num_tracks)], 1)
    assert read_midi(midi_bytes(score)) == score


WRITTEN = midi_bytes(make_song(5, num_tracks=2, form="i1 A1", with_drums=True, title="Song"))


@given(st.integers(0, len(WRITTEN)))
def test_a_file_cut_anywhere_is_a_song_or_a_user_error(length: int) -> None:
    with suppress(UserError):
        assert read_midi(WRITTEN[:length]).num_notes


@given(st.lists(st.tuples(st.integers(0, len(WRITTEN) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_wrong_bytes_is_a_song_or_a_user_error(wrong: list[tuple[int, int]]) -> None:
    content = bytearray(WRITTEN)
    for position, byte in wrong:
        content[position] = byte
    with suppress(UserError):
        assert read_midi(bytes(content)).num_notes


@given(st.binary(max_size=200), st.integers(1, 32_767))
def test_any_track_is_a_song_or_a_user_error(body: bytes, division: int) -> None:
    with suppress(UserError):
        assert read_midi(midi_file(chunk(b"\x00\x90\x3c\x50", body), division=division)).num_notes
