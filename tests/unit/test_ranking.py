"""Songs that meet their plans better, and are more like real ones, come first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.chord_chart import chart_of
from phraseloom.errors import UnreadableFileError
from phraseloom.harmony import Key
from phraseloom.plan import SongPlan
from phraseloom.ranking import REAL_MUSIC_FILE, Rating, RealMusic, Spread, ranked, rating
from phraseloom.score import Notes, Score
from phraseloom.structure import key_of_notes
from support.songs import make_song

REAL_SONGS = [make_song(seed) for seed in range(12)]
REAL = RealMusic.fit(REAL_SONGS)
SONG = make_song(100)


def plan_of(song: Score, **changes: object) -> SongPlan:
    plan = SongPlan(
        form=song.sections,
        key=key_of_notes(song.tracks),
        tempo_bpm=song.tempo_bpm,
        chords=chart_of(song.chords, song.sections),
        repeat=0.5,
    )
    return replace(plan, **changes)


def at_random(song: Score, seed: int = 0) -> Score:
    """The song with other pitches."""
    rng = np.random.default_rng(seed)
    tracks = []
    for track in song.tracks:
        notes = track.notes
        pitch = rng.integers(30, 100, len(notes))
        rows = zip(notes.onset_ticks, notes.duration_ticks, pitch, notes.velocity, strict=True)
        distinct = {(int(row[0]), int(row[2])): tuple(map(int, row)) for row in rows}
        tracks.append(replace(track, notes=_without_overlaps(list(distinct.values()))))
    return replace(song, tracks=tuple(tracks))


def _without_overlaps(rows: list[tuple[int, ...]]) -> Notes:
    return Notes.from_rows((onset, 1, pitch, velocity) for onset, _, pitch, velocity in rows)


def test_the_song_that_meets_its_plan_comes_first():
    songs = [(at_random(SONG), plan_of(SONG)), (SONG, plan_of(SONG)), (at_random(SONG, 1), plan_of(SONG))]
    order = ranked(songs, REAL)
    assert order[0].index == 1
    assert sorted(each.index for each in order) == [0, 1, 2]
    assert [each.rating.score for each in order] == sorted((each.rating.score for each in order), reverse=True)


def test_equal_songs_stay_in_their_order():
    assert [each.index for each in ranked([(SONG, plan_of(SONG))] * 3, REAL)] == [0, 1, 2]


@given(seed=st.integers(0, 50), shuffled=st.booleans(), with_real=st.booleans())
def test_every_part_and_the_score_lie_between_0_and_1(seed, shuffled, with_real):
    song = make_song(seed, form="A2 B2 A2")
    rated = rating(at_random(song) if shuffled else song, plan_of(song), REAL if with_real else None)
    assert rated.parts
    assert all(0 <= value <= 1 for value in [*rated.parts.values(), rated.score])


def test_notes_against_the_chords_cost():
    assert rating(SONG, plan_of(SONG)).parts["chords"] > rating(at_random(SONG), plan_of(SONG)).parts["chords"]


def test_the_key_asked_counts_whole_and_its_relative_half():
    found = key_of_notes(SONG.tracks)
    assert found is not None
    relative = Key((found.tonic + 9) % 12, "minor") if found.mode == "major" else Key((found.tonic + 3) % 12, "major")
    other = Key((found.tonic + 1) % 12, found.mode)
    keys = (found, relative, other)
    assert [rating(SONG, plan_of(SONG, key=key)).parts["key"] for key in keys] == [1.0, 0.5, 0.0]


def test_tracks_that_play_or_rest_as_asked():
    asked = plan_of(SONG, tracks="i: none; B: all")
    heard = rating(SONG, asked).parts["tracks"]
    silent = replace(SONG, tracks=tuple(replace(track, notes=Notes.empty()) for track in SONG.tracks))
    assert rating(silent, asked).parts["tracks"] == pytest.approx(2 / 10)  # 2 bars of intro, 8 of B
    assert 2 / 10 < heard < 1  # the song plays in the intro, where it was asked to rest
    assert "tracks" not in rating(SONG, plan_of(SONG)).parts


def test_returning_sections_are_held_against_real_songs_only_where_no_other_share_was_asked():
    assert "returning" in rating(SONG, plan_of(SONG), REAL).parts
    assert "returning" not in rating(SONG, plan_of(SONG, repeat=1.0), REAL).parts
    assert "returning" not in rating(SONG, plan_of(SONG)).parts


def test_real_songs_are_nearer_to_real_music_than_random_notes():
    assert REAL.distance(SONG) < REAL.distance(at_random(SONG))
    assert np.isnan(REAL.distance(replace(SONG, tracks=SONG.tracks[:1])))


def test_half_of_the_real_songs_reach_a_half():
    parts = [rating(song, plan_of(song), REAL).parts["real"] for song in REAL_SONGS]
    assert np.median(parts) == pytest.approx(0.5, abs=0.02)
    assert min(parts) < 0.5 < max(parts)


def test_likeness_is_whole_at_the_mean_and_falls_from_there():
    spread = Spread.of([1.0, 3.0, float("nan")])
    assert spread == (2.0, 1.0)
    assert spread.likeness(2.0) == 1.0
    assert spread.likeness(1.0) == spread.likeness(3.0) == pytest.approx(np.exp(-0.5))
    assert np.isnan(spread.likeness(float("nan")))
    assert np.isnan(Spread.of([]).likeness(1.0))


def test_why_is_told():
    assert Rating({"chords": 1.0, "key": 0.5}).text() == "0.750: chords 1.00, key 0.50"
    assert Rating({}).score == 0.0


def test_a_file_gives_the_summary_again(tmp_path):
    REAL.save(tmp_path / REAL_MUSIC_FILE)
    again = RealMusic.load(tmp_path / REAL_MUSIC_FILE)
    assert again is not None
    assert rating(SONG, plan_of(SONG), again) == rating(SONG, plan_of(SONG), REAL)
    assert again.feature_names == REAL.feature_names
    assert [path.name for path in tmp_path.iterdir()] == [REAL_MUSIC_FILE]


def test_no_file_is_no_summary_and_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / REAL_MUSIC_FILE
    assert RealMusic.load(path) is None
    path.write_bytes(b"nothing")
    with pytest.raises(UnreadableFileError, match="no summary"):
        RealMusic.load(path)
