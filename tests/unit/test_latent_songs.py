"""Songs as latents: what comes back, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phraseloom.errors import CheckpointError, RequestError, UnsupportedScoreError
from phraseloom.events import EncodingLosses
from phraseloom.harmony import Key
from phraseloom.latent_songs import (
    LARGEST_LATENT,
    PHRASES_PER_BATCH,
    LatentSong,
    decode_song,
    encode_song,
    frame_of,
)
from phraseloom.midi import midi_bytes, read_midi
from phraseloom.phrase_codec import song_phrases
from phraseloom.score import MeterChange, Notes, Score, TempoChange, Track
from phraseloom.transforms import cut, normalise_key, transpose
from support.networks import TINY_PHRASE_VAE, tiny_codec
from support.songs import make_song

CODEC = tiny_codec()
SIZE = TINY_PHRASE_VAE.latent_size
METERS = (MeterChange(0, 4, 4), MeterChange(1, 3, 4), MeterChange(2, 7, 8), MeterChange(3, 2, 1))


def band(num_bars: int = 4, meters: tuple[MeterChange, ...] = METERS) -> Score:
    """Bass, strings and drums in bars of several lengths, with a change of tempo and no key."""
    bass = Notes.from_rows([(0, 30, 40, 90), (48, 12, 43, 80), (84, 36, 45, 70), (130, 60, 47, 60)])
    drums = Notes.from_rows([(0, 3, 36, 90), (12, 3, 38, 90), (84, 3, 36, 90)])
    tracks = (Track("Bass", bass, 33), Track("Strings", bass.transposed(24), 48), Track("Kit", drums, is_drum=True))
    return Score(tracks, num_bars, meters, (TempoChange(0, 90.0), TempoChange(60, 140.5)), title="Band")


def latent_song(latents: np.ndarray, score: Score | None = None) -> LatentSong:
    return LatentSong(latents, frame_of(score or band()), -3, CODEC.latent_fingerprint)


def test_latents_are_those_of_the_phrases():
    score = make_song(1, with_drums=True)
    song, losses = encode_song(score, CODEC)
    assert song.latents.shape == (score.num_bars, 4, SIZE)
    assert song.latents.dtype == np.float32
    assert losses == EncodingLosses()
    np.testing.assert_array_equal(song.latents.reshape(-1, SIZE), CODEC.encode_faithfully(song_phrases(score)))


def test_a_song_in_another_key_has_the_same_latents():
    score = make_song(1)
    latents = [encode_song(transpose(score, semitones), CODEC)[0].latents for semitones in (0, 1)]
    np.testing.assert_array_equal(*latents)


def test_a_key_that_is_not_stated_is_heard_and_not_written_down():
    score = replace(make_song(1), key=None)
    song, _ = encode_song(score, CODEC)
    assert song.frame.key is None
    np.testing.assert_array_equal(song.latents, encode_song(transpose(score, 2), CODEC)[0].latents)


def test_all_but_the_notes_comes_back():
    for score in (make_song(2, with_drums=True, title="A song"), band()):
        song, _ = encode_song(score, CODEC)
        assert frame_of(decode_song(song, CODEC)) == frame_of(score)


def test_notes_are_those_that_the_codec_decodes_moved_to_the_song_s_key():
    score = replace(make_song(3, form="A4"), key=Key(2))
    song, _ = encode_song(score, CODEC)
    table = CODEC.decode_faithfully(song.latents.reshape(-1, SIZE), 48)
    decoded = normalise_key(decode_song(song, CODEC))
    own = [notes for bar in cut(decoded) for notes in bar]
    phrases = [table.phrase(index) for index in range(len(table))]
    assert sum(map(len, own)) > 0
    for notes, phrase in zip(own, phrases, strict=True):  # durations may be cut where a later bar strikes the note
        np.testing.assert_array_equal(notes.onset_ticks, phrase.onset_ticks)
        np.testing.assert_array_equal(notes.pitch, phrase.pitch)


def test_drums_are_not_transposed():
    latents = np.random.default_rng(0).standard_normal((4, 3, SIZE), np.float32)
    by_shift = [decode_song(replace(latent_song(latents), semitones=shift), CODEC) for shift in (0, 5)]
    assert by_shift[0].tracks[2] == by_shift[1].tracks[2]
    assert by_shift[0].tracks[0] != by_shift[1].tracks[0]


def test_more_phrases_than_one_batch_holds():
    num_bars = PHRASES_PER_BATCH // 3 + 2
    score = band(num_bars, METERS[:1])
    latents = np.random.default_rng(0).standard_normal((num_bars, 3, SIZE), np.float32)
    decoded = decode_song(latent_song(latents, score), CODEC, readings=0)
    last = decode_song(latent_song(latents[-4:], band(4, METERS[:1])), CODEC, readings=0)
    assert [notes.onset_ticks.tolist() for notes in cut(decoded)[-1]] == [
        notes.onset_ticks.tolist() for notes in cut(last)[-1]
    ]


@settings(max_examples=25)
@given(
    arrays(np.float32, (4, 3, SIZE), elements=st.floats(-LARGEST_LATENT, LARGEST_LATENT, width=32)),
    st.integers(-5, 6),
    st.sampled_from([0.0, 0.5]),
)
def test_whatever_the_latents_the_song_is_valid(latents: np.ndarray, semitones: int, noise: float):
    song = replace(latent_song(latents), semitones=semitones)
    decoded = decode_song(song, CODEC, noise)
    assert frame_of(decoded) == song.frame  # `Score` and `Notes` check themselves
    if decoded.num_notes:
        written = read_midi(midi_bytes(decoded))
        assert [track.notes for track in written.tracks] == [track.notes for track in decoded.tracks]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 100.5, -1e30])
def test_numbers_that_no_song_has_are_refused_with_their_place(value: float):
    latents = np.zeros((4, 3, SIZE), np.float32)
    latents[2, 1, 5] = value
    with pytest.raises(RequestError, match="number 6 of bar 3, track 2") as refused:
        latent_song(latents)
    assert "-100 to 100" in refused.value.message


@pytest.mark.parametrize("shape", [(4, 3), (3, 3, SIZE), (4, 2, SIZE), (4, 3, 0), (4, 3, SIZE, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]):
    with pytest.raises(RequestError, match="expected 4 bars, 3 tracks"):
        latent_song(np.zeros(shape, np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.complex64])
def test_other_types_are_refused(dtype: type):
    with pytest.raises(RequestError, match="expected float32"):
        latent_song(np.zeros((4, 3, SIZE), dtype))


def test_latents_of_another_size_or_phrase_vae_are_refused():
    wide = latent_song(np.zeros((4, 3, SIZE + 1), np.float32))
    with pytest.raises(RequestError, match=f"{SIZE + 1} numbers, expected {SIZE}"):
        decode_song(wide, CODEC)
    song = latent_song(np.zeros((4, 3, SIZE), np.float32))
    with pytest.raises(CheckpointError, match="are those of the phrase VAE") as refused:
        decode_song(song, tiny_codec(seed=1))
    assert "--checkpoint" in refused.value.remedy


def test_bars_that_phrases_cannot_hold_are_refused():
    score = band(4, (MeterChange(0, 4, 4), MeterChange(2, 9, 4)))
    with pytest.raises(UnsupportedScoreError, match="bar 3 is in 9/4"):
        encode_song(score, CODEC)
    with pytest.raises(UnsupportedScoreError, match="bar 3 is in 9/4"):
        latent_song(np.zeros((4, 3, SIZE), np.float32), score)


def test_a_song_without_tracks_is_refused():
    with pytest.raises(UnsupportedScoreError, match="no tracks"):
        encode_song(Score((), 2), CODEC)


def test_notes_that_do_not_fit_are_counted():
    cluster = Notes.from_rows([(0, 200 if pitch == 5 else 1, 127 - pitch, 64) for pitch in range(70)])
    _, losses = encode_song(Score((Track("Piano", cluster),), 1), CODEC)
    assert losses == EncodingLosses(num_notes_dropped=6, num_durations_clipped=1)


def test_latents_cannot_be_changed_behind_a_song_s_back():
    latents = np.zeros((4, 3, SIZE), np.float32)
    song = latent_song(latents)
    latents[0, 0, 0] = np.nan
    assert song.latents[0, 0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        song.latents[0, 0, 0] = 1
