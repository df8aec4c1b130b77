"""Songs between two songs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.errors import RequestError
from phraseloom.form import format_form
from phraseloom.harmony import Key
from phraseloom.latent_songs import decode_song, encode_song
from phraseloom.morphing import between, morph, paired_songs
from phraseloom.score import MeterChange, Notes, Score, TempoChange, Track
from support.networks import tiny_codec
from support.songs import make_song

CODEC = tiny_codec()
LONG, SHORT = make_song(1, form="A4 B4 o2"), make_song(2, form="i2 A4", with_drums=True)


def quiet(doing: str, share: float) -> None:
    pass


def song(*names: str, drums: tuple[str, ...] = (), num_bars: int = 2, **others: object) -> Score:
    notes = Notes.from_rows([(36 * bar, 24, 60, 80) for bar in range(num_bars)])
    tracks = [Track(name, notes) for name in names] + [Track(name, notes, is_drum=True) for name in drums]
    return replace(Score(tuple(tracks), num_bars), **others)


def names_of(score: Score) -> list[tuple[str, int]]:
    return [(track.name, len(track.notes)) for track in score.tracks]


def test_the_ends_are_the_songs_as_they_are_given_back():
    songs = list(morph(LONG, SHORT, 4, CODEC, quiet))
    assert len(songs) == 4
    for score, end in ((songs[0], LONG), (songs[-1], SHORT)):
        assert score == decode_song(encode_song(end, CODEC)[0], CODEC)


def test_lengths_tempos_and_what_only_changes_half_way():
    a, b = replace(LONG, tempos=(TempoChange(0, 80.0),)), replace(SHORT, tempos=(TempoChange(0, 160.0),))
    songs = list(morph(a, b, 5, CODEC, quiet))
    assert [score.num_bars for score in songs] == [10, 9, 8, 7, 6]
    assert [score.tempo_bpm for score in songs] == pytest.approx([80 * 2 ** (step / 4) for step in range(5)], abs=0.01)
    assert [score.key for score in songs] == [a.key, a.key, a.key, b.key, b.key]
    assert [format_form(score.sections) for score in songs] == ["A4 B4 o2", "A4 B4 o1", "A4 B4", "i2 A4 B1", "i2 A4"]
    assert [bool(score.chords) for score in songs] == [True, False, False, False, True]


def test_tracks_are_paired_by_name_then_by_place_and_drums_with_drums():
    a, b = paired_songs(
        song("Bass", "Piano", drums=("Kit",)), song("Flute", "bass ", "Viola", drums=("Drums", "Shaker"))
    )
    assert names_of(a) == [("Bass", 2), ("Piano", 2), ("Kit", 2), ("Viola", 0), ("Shaker", 0)]
    assert names_of(b) == [("bass ", 2), ("Flute", 2), ("Drums", 2), ("Viola", 2), ("Shaker", 2)]
    a, b = paired_songs(song("One", "Two"), song("Three", drums=("Two",)))
    assert names_of(b) == [("Three", 2), ("Two", 0), ("Two", 2)]
    assert [track.is_drum for track in a.tracks] == [False, False, True]


def test_tracks_of_the_same_name_are_each_paired_once():
    a, b = paired_songs(song("Piano", "Piano"), song("Piano", "Piano", "Piano"))
    assert len(a.tracks) == len(b.tracks) == 3
    assert names_of(a)[2] == ("Piano", 0)


def test_latents_are_mixed_in_a_straight_line_and_bars_of_one_song_are_its_own():
    first, last = (encode_song(score, CODEC)[0] for score in paired_songs(LONG, SHORT))
    mixed = between(first, last, 0.25)
    np.testing.assert_allclose(mixed.latents[:6], 0.75 * first.latents[:6] + 0.25 * last.latents, atol=1e-5)
    np.testing.assert_array_equal(mixed.latents[6:], first.latents[6:9])


def test_between_a_song_and_itself_is_the_song():
    songs = list(morph(SHORT, SHORT, 3, CODEC, quiet))
    assert list(songs[1].tracks) == [track for track in songs[0].tracks if len(track.notes)]


def test_meters_of_both_songs():
    waltz = song("Piano", num_bars=4, meters=(MeterChange(0, 3, 4),))
    march = song("Piano", num_bars=8, meters=(MeterChange(0, 4, 4), MeterChange(5, 2, 4)))
    middle = list(morph(waltz, march, 3, CODEC, quiet))[1]
    assert [str(meter) for meter in middle.meters] == ["3/4", "4/4", "2/4"]
    assert [meter.bar for meter in middle.meters] == [0, 4, 5]
    assert middle.num_bars == 6


def test_tempo_changes_of_both_songs():
    a = song("Piano", num_bars=4, tempos=(TempoChange(0, 100.0), TempoChange(96, 50.0)))
    b = song("Piano", num_bars=4, tempos=(TempoChange(0, 100.0), TempoChange(144, 200.0)))
    middle = list(morph(a, b, 3, CODEC, quiet))[1]
    assert [(tempo.tick, tempo.tempo_bpm) for tempo in middle.tempos] == [(0, 100.0), (96, 70.71), (144, 100.0)]


def test_songs_without_a_form_or_a_key_can_be_mixed():
    middle = list(morph(song("Piano", num_bars=2), song("Piano", num_bars=6, key=Key(3)), 3, CODEC, quiet))[1]
    assert middle.num_bars == 4
    assert middle.sections == ()


def test_every_song_on_the_way_is_told():
    told: list[tuple[str, float]] = []
    list(morph(SHORT, LONG, 3, CODEC, lambda doing, share: told.append((doing, share))))
    assert [share for doing, share in told if doing == "decoding"] == [0, pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert told[0] == ("encoding", 0)
    assert {doing for doing, _ in told} == {"encoding", "decoding"}


@pytest.mark.parametrize("num_steps", [1, 0, -3, 1001])
def test_a_number_of_songs_that_makes_no_way_is_refused_before_any_is_made(num_steps: int):
    with pytest.raises(RequestError, match="allowed are 2 to 1000"):
        morph(SHORT, LONG, num_steps, CODEC, quiet)


def test_songs_that_do_not_belong_together_cannot_be_mixed():
    first, last = encode_song(LONG, CODEC)[0], encode_song(SHORT, CODEC)[0]
    with pytest.raises(ValueError, match="as many tracks"):
        between(first, last, 0.5)
