"""Laws of edits: outside of the region every note stays, whatever is drawn, and a distance of 0 changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phraseloom.composer import Composer
from phraseloom.editing import Edit, arrange, extend, infill, vary
from phraseloom.form import Section, num_bars_of
from phraseloom.harmony import Key, parse_chord
from phraseloom.regions import format_cells
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from phraseloom.transforms import excerpt, with_notes
from support.networks import SLOTS, tiny_composer

TICKS_PER_BAR = 48
KINDS = {slot.name: slot.is_drum for slot in SLOTS} | {"GUITAR": False}
few_examples = settings(max_examples=8)


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


def notes_in(num_bars: int) -> st.SearchStrategy[Notes]:
    """Notes of few pitches that ring for long, so that they often meet."""
    onset = st.integers(0, num_bars * TICKS_PER_BAR - 1)
    row = st.tuples(onset, st.integers(1, 120), st.sampled_from([59, 60, 61]), st.integers(1, 127))
    return st.lists(row, max_size=4 * num_bars).map(Notes.from_rows)


def forms(num_bars: int) -> st.SearchStrategy[tuple[Section, ...]]:
    bounds = st.sets(st.integers(1, num_bars - 1), max_size=3) if num_bars > 1 else st.just(set())
    letters = st.tuples(*[st.sampled_from("iABo")] * 4)
    return st.builds(
        lambda inner, names: tuple(map(Section, names, np.diff([0, *sorted(inner), num_bars]).tolist())),
        bounds,
        letters,
    )


@st.composite
def songs(draw: st.DrawFn) -> Score:
    """Some of the model's tracks and one that it does not know, in any order; form, key and chords known or not."""
    num_bars = draw(st.integers(1, 5))
    num_ticks = num_bars * TICKS_PER_BAR
    names = ["MELODY", *draw(st.lists(st.sampled_from(["BRIDGE", "DRUMS", "GUITAR"]), unique=True))]
    tracks = [
        Track(name, draw(notes_in(num_bars)), draw(st.integers(0, 127)), KINDS[name])
        for name in draw(st.permutations(names))
    ]
    return Score(
        tuple(tracks),
        num_bars,
        meters=[MeterChange(bar, *draw(st.sampled_from([(4, 4), (2, 2)]))) for bar in range(min(2, num_bars))],
        tempos=[TempoChange(tick, 90 + tick) for tick in sorted({0, draw(st.integers(0, num_ticks - 1))})],
        sections=draw(st.just(()) | forms(num_bars)),
        chords=draw(st.just([]) | st.just([ChordSpan(6, num_ticks - 6, parse_chord("F/A"))])),
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))),
    )


@st.composite
def regions(draw: st.DrawFn) -> tuple[Score, str, list[str], np.ndarray]:
    """A song, some of its bars and tracks as a user names them, and `[n, t]` bool: the cells that this means."""
    song = draw(songs())
    bars = sorted(draw(st.sets(st.integers(1, song.num_bars), min_size=1)))
    known = [track.name for track in song.tracks if track.name != "GUITAR"]
    names = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    cells = np.zeros((song.num_bars, len(song.tracks)), bool)
    for index, track in enumerate(song.tracks):
        cells[np.array(bars) - 1, index] = track.name in names
    return song, ",".join(map(str, bars)), names, cells


def notes_where(song: Score, cells: np.ndarray) -> list[Notes]:
    return [
        track.notes.where(cells[song.bar_of(track.notes.onset_ticks), index]) for index, track in enumerate(song.tracks)
    ]


def finished_with(edit: Edit, notes: Sequence[Notes]) -> Score:
    """The edit with made-up notes in place of drawn ones, also in cells that are known."""
    return edit.finished(with_notes(edit.request.song, notes))


def check_stays(before: Score, after: Score, cells: np.ndarray) -> None:
    assert notes_where(after, ~cells) == notes_where(before, ~cells)
    assert with_notes(after, [track.notes for track in before.tracks]) == before


@given(regions(), st.data())
def test_whatever_is_drawn_all_outside_of_the_region_stays(region, data) -> None:
    song, bars, names, cells = region
    drawn = [data.draw(notes_in(song.num_bars)) for _ in SLOTS]
    edit = infill(song, SLOTS, bars, names)
    after = finished_with(edit, drawn)
    check_stays(song, after, cells)
    new = notes_where(after, cells)
    for slot, index in enumerate(edit.track_of_slot):
        if index is not None:
            strikes = set(map(tuple, drawn[slot].table[:, [0, 2, 3]].tolist()))
            assert {tuple(row) for row in new[index].table[:, [0, 2, 3]].tolist()} <= strikes


@few_examples
@given(regions(), st.sampled_from([0.3, 1.0]))
def test_all_outside_of_the_region_stays_when_a_network_draws(composer, region, distance) -> None:
    song, bars, names, cells = region
    take = composer.edit(vary(song, SLOTS, distance, bars, names), seed=1, steps=2)
    check_stays(song, take.score, cells)


@few_examples
@given(regions())
def test_at_no_distance_the_song_is_the_very_same(composer, region) -> None:
    song, bars, names, _ = region
    assert composer.edit(vary(song, SLOTS, 0, bars, names), seed=1, steps=2).score is song


@given(songs(), st.integers(1, 4).flatmap(forms), st.booleans(), st.data())
def test_a_song_that_goes_on_keeps_all_that_it_had(song, added, before, data) -> None:
    edit = extend(song, SLOTS, added, before=before)
    num_bars = num_bars_of(added) + song.num_bars
    after = finished_with(edit, [data.draw(notes_in(num_bars)) for _ in SLOTS])
    assert after.num_bars == num_bars
    assert (after.sections[: len(added)] if before else after.sections[-len(added) :]) == added
    old = excerpt(after, num_bars_of(added) if before else 0, song.num_bars)
    assert replace(old, sections=song.sections) == song


@few_examples
@given(songs(), st.booleans())
def test_a_song_keeps_all_that_it_had_when_a_network_goes_on(composer, song, before) -> None:
    take = composer.edit(extend(song, SLOTS, [Section("A", 2)], before=before), seed=1, steps=2)
    assert replace(excerpt(take.score, 2 * before, song.num_bars), sections=song.sections) == song


@given(songs(), st.data())
def test_an_arrangement_keeps_all_tracks_of_the_song(song, data) -> None:
    edit = arrange(song, SLOTS, ["melody=MELODY"], keep_others=True)
    after = finished_with(edit, [data.draw(notes_in(song.num_bars)) for _ in SLOTS])
    assert replace(after, tracks=after.tracks[: len(song.tracks)]) == song
    assert [(track.name, track.is_drum) for track in after.tracks[len(song.tracks) :]] == [
        (slot.name, slot.is_drum) for slot in SLOTS[1:]
    ]


@given(songs(), st.data())
def test_an_arrangement_rewrites_the_parts_of_their_names_and_keeps_all_others(song, data) -> None:
    edit = arrange(song, SLOTS, ["melody=MELODY"])
    after = finished_with(edit, [data.draw(notes_in(song.num_bars)) for _ in SLOTS])
    assert [track for track in after.tracks if track.name not in ("BRIDGE", "DRUMS")] == [
        track for track in song.tracks if track.name not in ("BRIDGE", "DRUMS")
    ]
    assert sorted(track.name for track in after.tracks) == sorted(
        {*KINDS} if has_guitar(song) else {*KINDS} - {"GUITAR"}
    )
    assert [track.program for track in song.tracks] == [track.program for track in after.tracks[: len(song.tracks)]]


def has_guitar(song: Score) -> bool:
    return any(track.name == "GUITAR" for track in song.tracks)


@given(regions(), st.data())
def test_locked_cells_stay_inside_the_region_too(region, data) -> None:
    song, bars, names, cells = region
    locked = data.draw(
        st.builds(lambda rows: np.array(rows), st.lists(st.booleans(), min_size=cells.size, max_size=cells.size))
    )
    locked = locked.reshape(cells.shape)
    assume((cells & ~locked).any())
    edit = infill(song, SLOTS, bars, names, locked=format_cells(locked, song))
    after = finished_with(edit, [data.draw(notes_in(song.num_bars)) for _ in SLOTS])
    check_stays(song, after, cells & ~locked)
    assert edit.locked is None or (edit.locked == locked).all()
