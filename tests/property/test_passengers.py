"""Laws of what travels with a song: through a file and back, and through every edit, nothing of it is lost or moved."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phraseloom.composer import Composer
from phraseloom.editing import Edit, extend, infill, restructure, vary
from phraseloom.form import Section
from phraseloom.midi import midi_bytes, read_midi
from phraseloom.score import Notes, Score, Track
from phraseloom.transforms import excerpt, with_notes
from support.networks import SLOTS, tiny_composer
from support.performances import Held, held_in, performance

NUM_BARS = 4
QUARTERS_PER_BAR = 4
TICKS_PER_BAR = 48
NAMES = ["MELODY", "BRIDGE", "GUITAR", "DRUMS"]
some_examples = settings(max_examples=25)
few_examples = settings(max_examples=6)

seeds = st.integers(0, 2**32 - 1)
files = st.builds(performance, seeds, st.just(NAMES), st.just(NUM_BARS))
plain_files = st.builds(performance, seeds, st.just(NAMES), st.just(NUM_BARS), may_overlap=st.just(False))


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


@st.composite
def regions(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Bars, from 1, and names of tracks that the model writes."""
    bars = sorted(draw(st.sets(st.integers(1, NUM_BARS), min_size=1, max_size=NUM_BARS - 1)))
    return bars, draw(st.lists(st.sampled_from(["MELODY", "BRIDGE", "DRUMS"]), min_size=1, unique=True))


drawn_notes = st.lists(
    st.tuples(
        st.integers(0, 2 * NUM_BARS * TICKS_PER_BAR - 1), st.integers(1, 60), st.sampled_from([59, 60]), st.just(77)
    ),
    max_size=12,
)


def finished(edit: Edit, rows: list[tuple[int, int, int, int]]) -> Score:
    """The edit with made-up notes in its new cells."""
    seen = edit.request.song
    notes = Notes.from_rows(row for row in rows if row[0] < seen.num_ticks)
    return edit.finished(with_notes(seen, [notes] * len(SLOTS)))


def kept_notes(held: Held, bars: list[int], names: list[str]) -> dict[str, list[tuple[Fraction, ...]]]:
    """The notes outside a region: a note belongs to the bar of the grid's tick that is next to it."""
    bar_of = {
        name: [int((note[0] * 12 + Fraction(1, 2)) // TICKS_PER_BAR) + 1 for note in notes]
        for name, notes in held.notes.items()
    }
    return {
        name: [note for note, bar in zip(notes, bar_of[name], strict=True) if name not in names or bar not in bars]
        for name, notes in held.notes.items()
    }


@some_examples
@given(files)
def test_a_file_comes_out_as_it_went_in(content: bytes) -> None:
    score = read_midi(content)
    written = midi_bytes(score)
    assert read_midi(written) == score
    assert midi_bytes(read_midi(written)) == written
    before, after = held_in(content), held_in(written)
    assert after.notes == before.notes
    check_events(before, after)


def check_events(before: Held, after: Held) -> None:
    """All events are there and in their order, beside the program and the tempo that every file of ours begins with."""
    assert before.events.keys() == after.events.keys()
    for name, events in before.events.items():
        found = list(after.events[name])
        for event in events:
            assert event in found, (name, event)
            found.remove(event)
        assert all(place == 0 and (data[0] & 0xF0 == 0xC0 or data[:2] == b"\xff\x51") for place, data in found)
        channel = [event for event in events if event[1][0] < 0xF0]
        assert [event for event in after.events[name] if event in channel] == channel


@some_examples
@given(plain_files, regions(), drawn_notes)
def test_all_outside_of_a_region_is_the_same_in_the_file(content: bytes, region, rows) -> None:
    bars, names = region
    song = read_midi(content)
    after = finished(infill(song, SLOTS, ",".join(map(str, bars)), names), rows)
    check_after(content, after, bars, names)


def check_after(content: bytes, after: Score, bars: list[int], names: list[str]) -> None:
    written = midi_bytes(after)
    assert read_midi(written) == after
    before, now = held_in(content), held_in(written)
    check_events(before, now)
    assert kept_notes(now, bars, names) == kept_notes(before, bars, names)
    song = read_midi(content)
    assert after.passengers == song.passengers
    for new, old in zip(after.tracks, song.tracks, strict=True):
        assert (new.name, new.program, new.passengers.messages) == (old.name, old.program, old.passengers.messages)


@few_examples
@given(plain_files, regions(), st.sampled_from([0.3, 1.0]))
def test_so_it_is_when_a_network_draws(composer: Composer, content: bytes, region, distance) -> None:
    bars, names = region
    song = read_midi(content)
    take = composer.edit(vary(song, SLOTS, distance, ",".join(map(str, bars)), names), seed=1, steps=1)
    check_after(content, take.score, bars, names)


@few_examples
@given(files, regions())
def test_no_distance_gives_the_same_file(composer: Composer, content: bytes, region) -> None:
    song = read_midi(content)
    bars, names = region
    take = composer.edit(vary(song, SLOTS, 0, ",".join(map(str, bars)), names), seed=1, steps=1)
    assert midi_bytes(take.score) == midi_bytes(song)


@some_examples
@given(plain_files, st.booleans(), drawn_notes)
def test_a_song_that_goes_on_keeps_all_where_it_was(content: bytes, before, rows) -> None:
    song = read_midi(content)
    num_new, num_old = 2, song.num_bars
    edit = extend(song, SLOTS, [Section("Z", num_new)], before=before)
    after = finished(edit, rows)
    written = midi_bytes(after)
    assert read_midi(written) == after
    first_bar = num_new * before
    old = excerpt(after, first_bar, num_old)
    shift = QUARTERS_PER_BAR * first_bar
    held, now = held_in(content), held_in(written)
    new_bars = [*range(1, num_new + 1)] if before else [*range(num_old + 1, num_old + num_new + 1)]
    expected = {name: [(note[0] + shift, *note[1:]) for note in notes] for name, notes in held.notes.items()}
    assert kept_notes(now, new_bars, NAMES) == expected
    for was, track in zip(song.tracks, old.tracks, strict=True):
        assert said_by(track) == said_by(was)
        assert (track.notes, track.program) == (was.notes, was.program)


def said_by(track: Track) -> list[str]:
    """Its messages, of which those at one tick may have changed places, beside the one that sets its program."""
    return sorted(repr(message) for message in track.passengers.messages if not message.sets_program)


@some_examples
@given(files, st.lists(st.sampled_from(["A2", "B2", "C1"]), min_size=1, max_size=4), drawn_notes)
@example(performance(1873, NAMES, NUM_BARS), ["B2", "A2"], [])  # struck at once, loud and short, soft and long
def test_all_that_is_in_a_bar_moves_with_it(content: bytes, form: list[str], rows) -> None:
    song = read_midi(content)
    sections = [Section(text[0], int(text[1:])) for text in form]
    whole = replace(song, sections=(Section("A", 2), Section("B", song.num_bars - 2)))
    after = finished(restructure(whole, SLOTS, sections), rows)
    if after.num_notes:  # else nobody takes it for a song
        assert read_midi(midi_bytes(after)).tracks == after.tracks
    place = 0
    for section in sections:
        first = {"A": 0, "B": 2}.get(section.letter)
        if first is not None:
            check_bars(whole, after, first, place, section.num_bars)
        place += section.num_bars


def check_bars(song: Score, after: Score, first_bar: int, place_bar: int, num_bars: int) -> None:
    for old, new in zip(song.tracks, after.tracks, strict=True):
        scale = TICKS_PER_BAR * old.passengers.ticks_per_quarter // 12
        shift = (place_bar - first_bar) * scale
        moved = {message.at(message.tick + shift) for message in old.passengers.messages if message.is_of_moment}
        start, end = place_bar * scale, (place_bar + num_bars) * scale
        assert {message for message in moved if start <= message.tick < end} <= set(new.passengers.messages)
        own, was = (
            track.notes.where(np.isin(score.bar_of(track.notes.onset_ticks), np.arange(first, first + num_bars)))
            for track, score, first in ((new, after, place_bar), (old, song, first_bar))
        )
        assert (own.onset_ticks - place_bar * TICKS_PER_BAR).tolist() == (
            was.onset_ticks - first_bar * TICKS_PER_BAR
        ).tolist()
