from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation import originality
from phraseloom.evaluation.originality import (
    MIN_NOTES_PER_BAR,
    NearestWindows,
    OriginalityIndex,
    compare_originality,
    two_sample_test,
)
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.transforms import transpose
from support.songs import make_song

BAR = 48
Bars = list[list[tuple[int, int]]]

some_bars = st.lists(
    st.lists(st.tuples(st.sampled_from([0, 1, 12, 24]), st.integers(58, 74)), max_size=6), min_size=1, max_size=5
)


def notes_of(bars: Bars, ticks_per_bar: int = BAR, duration_ticks: int = 1) -> Notes:
    """Notes from `bars[bar]`, a list of (onset in bar, pitch)."""
    return Notes.from_rows(
        (bar * ticks_per_bar + onset, duration_ticks, pitch, 64)
        for bar, notes in enumerate(bars)
        for onset, pitch in notes
    )


def song(bars: Bars, name: str = "piano") -> Score:
    return Score((Track(name, notes_of(bars)),), len(bars))


def nearest(score: Score, *reference: Score, window_bars: int = 1, part: originality.Part = "all") -> NearestWindows:
    return OriginalityIndex.build(reference, part).nearest(score, window_bars)


def excerpt(score: Score, start: int, stop: int) -> Score:
    """Bars `start` to `stop` of a song in 4/4."""
    tracks = []
    for track in score.tracks:
        onset_ticks = track.notes.onset_ticks
        inside = (onset_ticks >= start * BAR) & (onset_ticks < stop * BAR)
        tracks.append(replace(track, notes=track.notes.where(inside).shifted(-start * BAR)))
    return Score(tuple(tracks), stop - start)


RISE = [(0, 60), (12, 62), (24, 64), (36, 65)]
RISE_IN_G = [(onset, pitch + 7) for onset, pitch in RISE]
LEAP = [(0, 60), (12, 72), (24, 50), (36, 51)]


def test_one_bar_by_hand():
    # Three of the four notes agree, seven semitones higher: 3 shared of 4 + 4 - 3.
    altered = [*RISE_IN_G[:3], (30, 72)]
    match = nearest(song([LEAP, altered]), song([RISE])).matches[1]
    assert match.similarity == pytest.approx(3 / 5)
    assert match.semitones == -7


def test_two_bars_share_one_transposition():
    # Each bar by itself is a copy, but in different keys: together only one of them counts, 4 of 8 + 8 - 4.
    found = nearest(song([RISE, RISE_IN_G]), song([RISE, RISE]), window_bars=2)
    assert [match.similarity for match in found.matches] == [pytest.approx(4 / 12)]


def test_figures_of_a_song_and_its_dictionary():
    found = nearest(song([RISE, [], LEAP]), song([LEAP]), song([[], RISE]))
    assert [(match.bar, match.song, match.song_bar) for match in found.matches] == [(0, 1, 1), (2, 0, 0)]
    assert (found.mean_similarity, found.highest_similarity) == (1.0, 1.0)
    assert found.nearest == found.matches[0]
    report = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert report["matches"][1] == {"bar": 2, "similarity": 1.0, "song": 0, "song_bar": 0, "semitones": 0}


def test_what_is_not_compared():
    other_sound = Score(
        (
            Track("flute", Notes.from_rows((on, 9, pitch, 100) for on, pitch in RISE[:2])),
            Track("organ", Notes.from_rows((on, 3, pitch, 10) for on, pitch in RISE[1:])),
            Track("drums", notes_of([LEAP]), is_drum=True),
        ),
        1,
    )
    assert nearest(other_sound, song([RISE])).highest_similarity == 1.0


def test_melody_alone():
    def arrangement(melody: Bars, piano: Bars) -> Score:
        return Score((Track("PIANO", notes_of(piano)), Track("Lead Melody", notes_of(melody))), len(melody))

    tune, cover = arrangement([RISE], [LEAP]), arrangement([RISE_IN_G], [[(3, 40), (9, 47)]])
    assert nearest(tune, cover, part="melody").highest_similarity == 1.0
    assert nearest(tune, cover).highest_similarity < 0.6
    assert math.isnan(nearest(song([RISE]), cover, part="melody").highest_similarity)


def test_windows_with_few_notes_neither_seek_nor_are_found():
    enough = [(onset, 60) for onset in range(MIN_NOTES_PER_BAR)]
    few = enough[:-1]
    assert nearest(song([enough]), song([few, enough])).matches[0].song_bar == 1
    for score, reference in ((song([few]), song([enough])), (song([enough]), song([few]))):
        found = nearest(score, reference)
        assert found.matches == ()
        assert math.isnan(found.mean_similarity)
        assert found.nearest is None
        assert found.to_dict()["highest_similarity"] is None


def test_songs_shorter_than_a_window():
    assert nearest(song([RISE]), song([RISE] * 3), window_bars=2).matches == ()
    assert nearest(song([RISE] * 3), song([RISE]), song([RISE]), window_bars=2).matches == ()


def test_a_window_lies_within_one_reference_song():
    found = nearest(song([LEAP, RISE]), song([RISE, LEAP]), song([RISE, LEAP]), window_bars=2)
    assert found.highest_similarity < 1.0


def test_onsets_count_from_the_bar_line_in_every_meter():
    waltz = Score(
        (Track("piano", notes_of([RISE[:3], RISE_IN_G[:3]], ticks_per_bar=36)),), 2, meters=(MeterChange(0, 3, 4),)
    )
    assert nearest(waltz, song([RISE[:3], RISE_IN_G[:3]]), window_bars=2).highest_similarity == 1.0


def test_wrong_requests_are_refused():
    with pytest.raises(ValueError, match="at least one song"):
        OriginalityIndex.build([])
    with pytest.raises(ValueError, match="window_bars is 0"):
        nearest(song([RISE]), song([RISE]), window_bars=0)


def similarity_by_sets(bars: Bars, reference: Bars) -> float:
    """The definition: the Jaccard index of the note sets at the best transposition."""
    notes = {(bar, *note) for bar, row in enumerate(bars) for note in row}
    reference_notes = {(bar, *note) for bar, row in enumerate(reference) for note in row}
    shared = max(
        len({(bar, onset, pitch + semitones) for bar, onset, pitch in notes} & reference_notes)
        for semitones in range(-20, 21)
    )
    return shared / (len(notes) + len(reference_notes) - shared)


@settings(max_examples=60)
@given(some_bars, st.lists(some_bars, min_size=1, max_size=3), st.integers(1, 3))
def test_it_is_what_its_definition_says(bars, reference, window_bars):
    def windows(rows: Bars) -> list[Bars]:
        found = [rows[start : start + window_bars] for start in range(len(rows) - window_bars + 1)]
        return [window for window in found if sum(len(set(row)) for row in window) >= MIN_NOTES_PER_BAR * window_bars]

    sought = [window for rows in reference for window in windows(rows)]
    expected = [max(similarity_by_sets(window, other) for other in sought) for window in windows(bars) if sought]
    found = nearest(song(bars), *map(song, reference), window_bars=window_bars)
    assert [match.similarity for match in found.matches] == pytest.approx(expected)
    for match in found.matches:
        there = reference[match.song][match.song_bar : match.song_bar + window_bars]
        assert match.similarity == pytest.approx(similarity_by_sets(bars[match.bar : match.bar + window_bars], there))


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(-12, 12), st.integers(1, 4))
def test_similarity_is_symmetric_and_the_same_in_every_key(seed, semitones, window_bars):
    first, second = make_song(seed, form="A4"), make_song(seed + 1, form="B5")
    there = nearest(first, second, window_bars=window_bars)
    back = nearest(second, first, window_bars=window_bars)
    assert there.highest_similarity == back.highest_similarity
    moved = nearest(transpose(first, semitones), second, window_bars=window_bars)
    assert moved.highest_similarity == there.highest_similarity
    assert moved.mean_similarity == there.mean_similarity


@pytest.fixture(scope="module")
def reference() -> list[Score]:
    return [make_song(seed, form="i2 A8 B7 C8") for seed in range(40)]


@pytest.mark.parametrize(("song_index", "start"), [(0, 2), (17, 9), (39, 16)])
@pytest.mark.parametrize("semitones", [-11, 0, 5])
def test_a_copy_is_found_wherever_it_is(reference, song_index, start, semitones, monkeypatch):
    monkeypatch.setattr(originality, "NUM_CANDIDATES", 3)
    monkeypatch.setattr(originality, "_BARS_PER_BLOCK", 100)
    copied = transpose(excerpt(reference[song_index], start, start + 8), semitones)
    match = OriginalityIndex.build(reference).nearest(copied).nearest
    assert match is not None
    assert match.similarity == 1.0
    assert (match.song, match.song_bar, match.semitones) == (song_index, start, -semitones)


def test_every_window_of_a_reference_song_is_original_to_the_digit(reference):
    found = OriginalityIndex.build(reference).nearest(reference[20], window_bars=4)
    assert found.mean_similarity == 1.0
    assert len(found.matches) == reference[20].num_bars - 3


def test_a_song_with_a_copied_passage_stands_out(reference):
    index = OriginalityIndex.build(reference[:30])
    own = make_song(100, form="A8 B8")
    copied = excerpt(reference[3], 2, 10)
    joined = Score(
        tuple(
            Track(track.name, Notes.build(*np.concatenate([track.notes.table, more.notes.shifted(16 * BAR).table]).T))
            for track, more in zip(own.tracks, copied.tracks, strict=True)
        ),
        24,
    )
    assert index.nearest(own).highest_similarity < 0.5
    found = index.nearest(joined)
    assert found.highest_similarity == 1.0
    assert found.nearest is not None
    assert (found.nearest.bar, found.nearest.song, found.nearest.song_bar) == (16, 3, 2)
    assert found.mean_similarity < 0.7


def test_blocks_change_nothing(reference, monkeypatch):
    index, score = OriginalityIndex.build(reference), make_song(50)
    whole = index.nearest(score)
    monkeypatch.setattr(originality, "_BARS_PER_BLOCK", 33)
    assert index.nearest(score) == whole


def test_permutation_test_by_hand():
    # Of the six ways to split 1, 2, 3, 4 in two pairs, {1, 2} and {3, 4} differ by 2 or more: two of six.
    test = two_sample_test([1, 2], [3, 4, math.nan])
    assert test.difference == -2.0
    assert test.p_value == pytest.approx(1 / 3, abs=0.02)
    assert (test.first.mean, test.second.mean, test.second.num_songs) == (1.5, 3.5, 2)
    assert test == two_sample_test([1, 2], [3, 4, math.nan])


def test_groups_that_are_alike_and_groups_that_are_not():
    assert two_sample_test([0.1, 0.1], [0.1, 0.1, 0.1]).p_value == 1.0
    far_apart = two_sample_test(np.arange(20), 100 + np.arange(20))
    assert far_apart.p_value == pytest.approx(1 / (1 + originality.NUM_PERMUTATIONS))


def test_p_values_of_groups_that_are_alike_are_uniform(monkeypatch):
    monkeypatch.setattr(originality, "NUM_PERMUTATIONS", 199)
    monkeypatch.setattr("phraseloom.evaluation.bootstrap.NUM_RESAMPLES", 10)
    rng = np.random.default_rng(0)
    p_values = [two_sample_test(rng.exponential(size=12), rng.exponential(size=9)).p_value for _ in range(400)]
    for level in (0.05, 0.25, 0.5):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(
            level, abs=3 * math.sqrt(level * (1 - level) / 400)
        )


@pytest.mark.parametrize(("first", "second"), list(product([[], [math.nan]], [[], [1.0]])))
def test_a_group_without_values_has_no_p_value(first, second):
    test = two_sample_test(first, second)
    assert math.isnan(test.p_value)
    assert math.isnan(test.difference)
    assert test.to_dict()["p_value"] is None


def test_copies_are_told_from_songs_kept_out(reference):
    index = OriginalityIndex.build(reference)
    kept_out = [index.nearest(make_song(seed, form="A8 B4")) for seed in range(200, 208)]
    also_kept_out = [index.nearest(make_song(seed, form="A8 B4")) for seed in range(300, 308)]
    copies = [index.nearest(excerpt(score, 0, 12)) for score in reference[:8]]
    assert compare_originality(copies, kept_out).highest_similarity.p_value < 0.001
    alike = compare_originality(also_kept_out, kept_out)
    assert alike.mean_similarity.p_value > 0.05
    assert alike.text().startswith("mean over windows")
    assert json.dumps(alike.to_dict(), allow_nan=False)
