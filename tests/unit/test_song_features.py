from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.song_features import (
    DURATION_CLASSES,
    GROUPS,
    MELODIC_CLASSES,
    FeatureTable,
    song_features,
    window_features,
)
from phraseloom.harmony import parse_key
from phraseloom.score import Notes, Score, Track
from phraseloom.transforms import transpose
from support.songs import make_song

BAR = 48


def track(*bars: list[tuple[int, int, int, int]], is_drum: bool = False) -> Track:
    """A line with (onset in bar, duration, pitch, velocity) rows by bar."""
    rows = [(BAR * bar + onset, *rest) for bar, notes in enumerate(bars) for onset, *rest in notes]
    return Track("line", Notes.from_rows(rows), is_drum=is_drum)


def row(table: FeatureTable, index: int = 0) -> dict[str, float]:
    return dict(zip(table.names, table.values[index].tolist(), strict=True))


def features_of(*tracks: Track, num_bars: int, key: str = "C") -> dict[str, float]:
    return row(song_features([Score(tracks, num_bars, key=parse_key(key))], len(tracks)))


CHORD = [(0, 24, 60, 80), (0, 24, 64, 80), (0, 24, 67, 80)]


def test_texture_by_hand():
    features = features_of(track(CHORD, [(0, 12, 72, 80)], []), track([], [(6, 12, 48, 80)]), num_bars=3)
    expected = {
        "track 1/notes a bar": 4 / 3,
        "track 1/share of bars that play": 2 / 3,
        "track 1/notes an onset": 2,
        "track 1/share of time that sounds": (24 + 12) / (3 * BAR),
        "track 1/polyphony": (3 * 24 + 12) / (24 + 12),
        "track 1/pitch mean": (60 + 64 + 67 + 72) / 4,
        "track 1/pitch spread": np.std([60, 64, 67, 72]),
        "track 2/notes a bar": 1 / 3,
        "all/share of bars that play": 2 / 3,
        "all/share of time that sounds": (24 + 18) / (3 * BAR),
        "all/polyphony": (3 * 24 + 12 + 12) / (24 + 18),
    }
    assert {name: features[f"texture/{name}"] for name in expected} == pytest.approx(expected)


def test_harmony_by_hand():
    # In G major: a bar of G B D (0, 4, 7 above the tonic) and, for a quarter of it, C sharp (6); drums have no pitch.
    lines = track([(0, 48, 55, 80), (0, 48, 59, 80), (0, 48, 62, 80)]), track([(36, 12, 61, 80)])
    drums = track([(0, 48, 36, 80)], is_drum=True)
    features = features_of(*lines, drums, num_bars=1, key="G")
    profile = {0: 48 / 156, 4: 48 / 156, 6: 12 / 156, 7: 48 / 156}
    expected = {f"pitch class {number} above the tonic": profile.get(number, 0) for number in range(12)} | {
        "share in the scale": 144 / 156,
        "pitch class entropy of a bar": -sum(share * math.log2(share) for share in profile.values()),
        "pitch classes in a bar": 4,
        "pitch classes in all": 4,
        "pitch classes at once": (3 * 36 + 4 * 12) / 48,
        # G B, B D and G D sound for the whole bar; C sharp with D, with B and with G for a quarter.
        "interval class 1 at once": 12 / 180,
        "interval class 2 at once": 12 / 180,
        "interval class 3 at once": 48 / 180,
        "interval class 4 at once": 48 / 180,
        "interval class 5 at once": 48 / 180,
        "interval class 6 at once": 12 / 180,
    }
    assert {name: features[f"harmony/all/{name}"] for name in expected} == pytest.approx(expected)


def test_a_note_that_rings_on_sounds_in_the_next_bar_but_is_played_in_its_own():
    features = window_features(
        [Score((track([(36, 24, 60, 80)], []),), 2, key=parse_key("C"))], 1, window_bars=1, hop_bars=1
    )
    first, second = row(features, 0), row(features, 1)
    assert (first["texture/track 1/notes a bar"], second["texture/track 1/notes a bar"]) == (1, 0)
    assert first["texture/all/share of time that sounds"] == second["texture/all/share of time that sounds"] == 12 / BAR
    assert second["harmony/all/pitch class 0 above the tonic"] == 1


def test_an_unknown_key_is_estimated():
    scale = [(4 * index, 4, pitch, 80) for index, pitch in enumerate((62, 64, 66, 67, 69, 71, 73, 74, 69, 66, 62))]
    unknown = row(song_features([Score((track(scale),), 1)], 1))
    assert unknown == pytest.approx(features_of(track(scale), num_bars=1, key="D"), nan_ok=True)


def test_rhythm_by_hand():
    line = track([(0, 12, 60, 80), (0, 3, 64, 80), (12, 6, 60, 80), (30, 48, 60, 80)], [(4, 2, 60, 80)])
    features = features_of(line, num_bars=2)
    expected = {
        "all/onsets at tick 0 of a beat": 3 / 5,
        "all/onsets at tick 4 of a beat": 1 / 5,
        "all/onsets at tick 6 of a beat": 1 / 5,
        "all/onsets in beat 1": 3 / 5,
        "all/onsets in beat 2": 1 / 5,
        "all/onsets in beat 3": 1 / 5,
        "all/onsets in beat 4": 0,
        "track 1/onsets off the 16th grid": 1 / 5,
        "track 1/inter-onset entropy": math.log2(3),  # after 12, 18 and 22 ticks
        "track 1/duration quarter": 1 / 5,
        "track 1/duration 16th": 1 / 5,
        "track 1/duration 8th": 1 / 5,
        "track 1/duration 1-2 ticks": 1 / 5,
        # the long C is struck again 22 ticks on, and ends there
        "track 1/duration 13-23 ticks": 1 / 5,
        "track 1/duration whole or longer": 0,
    }
    assert {name: features[f"rhythm/{name}"] for name in expected} == pytest.approx(expected)


def test_melody_by_hand_follows_the_highest_notes():
    pitches = [60, 60, 62, 69, 57]  # repeated, 2 up, 7 up, 12 down
    line = track([*((6 * index, 6, pitch, 80) for index, pitch in enumerate(pitches)), (12, 6, 40, 80)])
    features = features_of(line, num_bars=1)
    intervals = {label: features[f"melody/track 1/interval {label}"] for label in MELODIC_CLASSES}
    found = {"repeated": 1 / 4, "1-2 up": 1 / 4, "5-7 up": 1 / 4, "8 or more down": 1 / 4}
    assert intervals == dict.fromkeys(MELODIC_CLASSES, 0) | found
    assert features["melody/track 1/leaps"] == 1 / 2
    assert features["melody/track 1/interval mean"] == (0 + 2 + 7 + 12) / 4


def test_repetition_by_hand():
    c, d, cd = [(0, 12, 60, 80)], [(0, 12, 62, 80)], [(0, 12, 60, 80), (0, 12, 62, 80)]
    piano = [(0, 48, 48, 80)]
    melody = track(c, cd, [], d, c, [(0, 12, 60, 20)], [(0, 6, 60, 80)])
    features = features_of(melody, track(piano, piano, piano, piano, piano, piano), num_bars=7)
    expected = {
        # bars 0-1 share 1 of 2, 4-5 and 5-6 all, the others nothing
        "track 1/Jaccard of neighbouring bars": (1 / 2 + 0 + 0 + 0 + 1 + 1) / 6,
        # bars 0-4 are the same, 1-5 share 1 of 2, 2-6 nothing
        "track 1/Jaccard of bars 4 apart": (1 + 1 / 2 + 0) / 3,
        # bar 4 is bar 0, bar 5 is louder only, bar 6 is shorter
        "track 1/bars repeated exactly": 2 / 6,
        "track 2/bars repeated exactly": 5 / 6,
        "all/Jaccard of neighbouring bars": (2 / 3 + 1 / 3 + 1 / 2 + 1 / 3 + 1 + 1 / 2) / 6,
        "all/bars repeated exactly": 2 / 7,
    }
    assert {name: features[f"repetition/{name}"] for name in expected} == pytest.approx(expected)


def test_only_bars_of_the_window_count_as_earlier():
    bars = [[(0, 12, pitch, 80)] for pitch in (60, 62, 60, 60)]
    table = window_features([Score((track(*bars),), 4)], 1, window_bars=2, hop_bars=1)
    repeated = table.values[:, table.names.index("repetition/all/bars repeated exactly")]
    np.testing.assert_array_equal(repeated, [0, 0, 1 / 2])


def test_velocity_by_hand():
    features = features_of(track([(0, 12, 60, 60), (12, 12, 60, 80)]), track([]), num_bars=1)
    velocity = {name: value for name, value in features.items() if name.startswith("velocity/")}
    expected = {"track 1/velocity mean": 70, "track 1/velocity spread": 10}
    undefined = {"track 2/velocity mean": np.nan, "track 2/velocity spread": np.nan}
    assert velocity == pytest.approx({f"velocity/{k}": v for k, v in (expected | undefined).items()}, nan_ok=True)


def test_windows_of_each_song():
    songs = [make_song(0, form="A8 B8 o2"), make_song(1, form="A4"), make_song(2, form="A8")]
    table = window_features(songs, 3)
    np.testing.assert_array_equal(table.song, [0, 0, 2])
    assert table.values.shape == (3, len(table.names))
    np.testing.assert_array_equal(window_features(songs, 3, hop_bars=2).song, [0] * 6 + [2])
    np.testing.assert_array_equal(song_features(songs, 3).song, [0, 1, 2])
    assert song_features(songs, 3).names == table.names


def test_a_window_of_the_whole_song_is_the_song():
    song = make_song(3, form="A8")
    np.testing.assert_array_equal(window_features([song], 3).values, song_features([song], 3).values)


def test_further_tracks_are_left_out():
    song = make_song(4, num_tracks=4)
    first = replace(song, tracks=song.tracks[:2])
    np.testing.assert_array_equal(song_features([song], 2).values, song_features([first], 2).values)


def test_a_song_without_notes_has_features():
    table = song_features([Score((track(), track()), 3)], 2)
    assert row(table)["texture/all/share of bars that play"] == 0
    assert math.isnan(row(table)["texture/track 1/pitch mean"])


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(-12, 12))
def test_transposition_changes_only_the_register(seed, semitones):
    song = make_song(seed, form="A3 B2 A3", with_drums=True)
    here, there = (song_features([score], 4) for score in (song, transpose(song, semitones)))
    register = [name.endswith("/pitch mean") for name in here.names]
    np.testing.assert_allclose(there.values[:, np.invert(register)], here.values[:, np.invert(register)], atol=1e-9)
    moved = (there.values - here.values)[0, register]
    np.testing.assert_allclose(moved, [semitones, semitones, semitones, 0])


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_every_histogram_adds_up(seed):
    table = window_features([make_song(seed, form="A8 B8", with_drums=True)], 4)
    histograms = {
        "harmony/all/pitch class ": 12,
        "rhythm/all/onsets at tick ": 12,
        "rhythm/all/onsets in beat ": 4,
        "harmony/all/interval class ": 6,
        **{f"rhythm/track {number}/duration ": len(DURATION_CLASSES) for number in range(1, 5)},
        **{f"melody/track {number}/interval ": len(MELODIC_CLASSES) for number in range(1, 4)},
    }
    others = ("entropy of a bar", "interval mean")
    for histogram, num_classes in histograms.items():
        columns = [i for i, name in enumerate(table.names) if name.startswith(histogram) and not name.endswith(others)]
        assert len(columns) == num_classes
        total = table.values[:, columns].sum(axis=1)
        assert not np.isnan(total).all()
        np.testing.assert_allclose(total[~np.isnan(total)], 1)


def test_columns_have_names_of_their_own():
    names = song_features([make_song(0, with_drums=True)], 4).names
    assert len(set(names)) == len(names)
    assert list(dict.fromkeys(name.partition("/")[0] for name in names)) == list(GROUPS)


def test_groups_are_chosen_by_name():
    table = song_features([make_song(0)], 3)
    chosen = table.of_groups("rhythm", "velocity")
    assert {name.partition("/")[0] for name in chosen.names} == {"rhythm", "velocity"}
    for name, value in row(chosen).items():
        assert value == row(table)[name]
    with pytest.raises(ValueError, match="tempo"):
        table.of_groups("rhythm", "tempo")


@pytest.mark.parametrize(
    ("songs", "num_tracks", "options", "message"),
    [
        ([], 1, {}, "no songs"),
        ([make_song(0, num_tracks=2)], 3, {}, "3 tracks asked of a song with 2"),
        ([make_song(0)], 0, {}, "0 tracks"),
        ([make_song(0)], 3, {"hop_bars": 0}, "at least 1"),
    ],
)
def test_what_has_no_features_is_refused(songs, num_tracks, options, message):
    with pytest.raises(ValueError, match=message):
        window_features(songs, num_tracks, **options)


def test_it_is_fast():
    songs = [make_song(seed, form="i4 A8 B8 A8 B8 A8 B8 A8 B8 A8 o4") for seed in range(4)]
    start = time.process_time()
    window_features(songs, 3)
    assert (time.process_time() - start) / len(songs) < 0.1  # 0.004 on a quiet machine
