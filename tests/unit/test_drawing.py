"""From a request to notes: known cells stay and are heard, others are drawn from their level on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from phraseloom import drawing
from phraseloom.composer import Composer
from phraseloom.diffusion.guidance import Guidance
from phraseloom.drawing import PROJECTED_BELOW, draw
from phraseloom.models.note_bias import NoteBias, tones_of
from phraseloom.phrase_codec import song_phrases
from phraseloom.repeats import FRESH
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import Notes, Score
from phraseloom.song_model import TICKS_PER_BAR
from phraseloom.transforms import beat_chords, cut, join, normalise_key, normalising_shift, transpose, with_notes
from phraseloom.voices import one_voice_durations
from support.networks import BIASES, SLOTS, tiny_composer
from support.songs import make_song

SONG = make_song(1, num_tracks=2, with_drums=True, form="A2 B2 A2")
MELODY, DRUMS = 0, 2
"""Slots, and tracks of the song."""


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


def drawn(composer: Composer, song: Score, levels: np.ndarray, sources: np.ndarray | None = None, seed: int = 1):
    return draw(
        Request(song, levels, sources),
        composer.codec,
        composer.model,
        seed=seed,
        steps=2,
        guidance=Guidance(),
        progress=lambda doing, share: None,
    )


def levels_of(level: float) -> np.ndarray:
    return np.full((SONG.num_bars, len(SLOTS)), level)


def region(level: float = NEW) -> np.ndarray:
    """Levels that leave two bars of melody and drums open."""
    levels = levels_of(KNOWN)
    levels[2:4, [MELODY, DRUMS]] = level
    return levels


def of_many_voices(composer: Composer) -> Composer:
    return Composer(composer.codec, replace(composer.model, one_voice=(False,) * len(SLOTS)))


def contents_where(score: Score, cells: np.ndarray) -> list[Notes]:
    phrases = cut(score)
    return [phrases[bar][slot] for bar, slot in np.argwhere(cells)]


def evenly_loud(score: Score) -> Score:
    """How loud notes are is levelled behind the codec."""
    tracks = [replace(track.notes, velocity=np.full(len(track.notes), 64)) for track in score.tracks]
    return with_notes(score, tracks)


def without(score: Score, cells: np.ndarray) -> Score:
    """The song with nothing in some cells."""
    phrases = cut(score)
    for bar, slot in np.argwhere(cells):
        phrases[bar][slot] = Notes.empty()
    return join(phrases, score)


def test_known_cells_keep_their_notes_and_the_others_are_written(composer):
    levels = region()
    song = drawn(composer, SONG, levels).song
    assert contents_where(song, levels == KNOWN) == contents_where(SONG, levels == KNOWN)
    assert contents_where(song, levels == NEW) != contents_where(SONG, levels == NEW)
    assert replace(song, tracks=()) == replace(SONG, tracks=())


def test_what_stood_in_new_cells_does_not_matter(composer):
    levels = region()
    assert drawn(composer, without(SONG, levels > 0), levels).song == drawn(composer, SONG, levels).song


def test_what_stands_in_known_cells_does(composer):
    levels = region()
    one, other = (drawn(composer, song, levels).song for song in (SONG, without(SONG, levels == KNOWN)))
    assert contents_where(one, levels == NEW) != contents_where(other, levels == NEW)


def test_with_all_known_the_song_comes_back(composer):
    assert drawn(composer, SONG, levels_of(KNOWN)).song == SONG


def test_from_next_to_no_noise_come_the_notes_that_the_codec_gives_back(composer):
    codec = composer.codec
    velocities = torch.Generator().manual_seed(1)
    latents = codec.encode(song_phrases(SONG))
    bar, slot = np.divmod(np.arange(len(latents)), len(SLOTS))
    tones = tones_of(beat_chords(normalise_key(SONG))).reshape(SONG.num_bars, -1, 12)[bar]
    table = codec.decode(
        latents, TICKS_PER_BAR, generator=velocities, median_durations=True, bias=NoteBias.of(BIASES, slot, tones)
    )
    phrases = [[table.phrase(bar * len(SLOTS) + slot) for slot in range(len(SLOTS))] for bar in range(SONG.num_bars)]
    given_back = transpose(join(phrases, normalise_key(SONG)), -normalising_shift(SONG.key))
    assert given_back.num_notes > 0
    # Cells that are varied are not held to one voice; as parts of one voice they keep the durations that were read.
    voices = of_many_voices(composer)
    voices.model = replace(voices.model, one_voice=(True,) * len(SLOTS))
    assert evenly_loud(drawn(voices, SONG, levels_of(1e-7)).song) == evenly_loud(given_back)


def test_the_key_moves_what_is_written_and_what_is_heard(composer):
    """Of a seed with which no note is written so low or high that it would be moved by octaves too."""
    levels = levels_of(KNOWN)
    levels[:, MELODY] = NEW
    one = drawn(composer, SONG, levels, seed=16).song
    assert len(one.tracks[MELODY].notes) > 0
    assert drawn(composer, transpose(SONG, 1), levels, seed=16).song == transpose(one, 1)


def test_tied_cells_hold_the_same_notes(composer):
    sources = np.full((SONG.num_bars, len(SLOTS)), FRESH)
    sources[4:] = [[0] * 3, [1] * 3]
    request = Request(SONG, levels_of(NEW), sources)
    assert request.owners[:, 0].tolist() == [0, 1, 2, 3, 0, 1]
    phrases = cut(drawn(composer, SONG, levels_of(NEW), sources).song)
    for bar, source in ((4, 0), (5, 1)):
        for one, other in zip(phrases[bar], phrases[source], strict=True):
            assert one.table[:, [0, 2, 3]].tolist() == other.table[:, [0, 2, 3]].tolist()


def test_the_network_sees_its_last_guess_or_the_phrases_it_was_moved_onto(composer, monkeypatch):
    guesses, predictions, marks = [], [], []
    guided, tied_mean, euler = drawing.guided, drawing.tied_mean, drawing.euler

    def seeing(*arguments):
        guesses.append(arguments[-1])
        return guided(*arguments)

    def predicting(*arguments):
        predictions.append(tied_mean(*arguments))
        return predictions[-1]

    def marking(denoise, noisy, levels, *, project, project_below):
        def projected(*arguments):
            marks.append((len(predictions), project(*arguments)))
            return marks[-1][1]

        return euler(denoise, noisy, levels, project=projected, project_below=project_below)

    for name, stand_in in (("guided", seeing), ("tied_mean", predicting), ("euler", marking)):
        monkeypatch.setattr(drawing, name, stand_in)
    request = Request(SONG, region())
    draw(request, composer.codec, composer.model, seed=1, steps=16, guidance=Guidance(), progress=lambda *_: None)
    assert len(guesses) == len(predictions) == 16
    assert len(marks) == len(PROJECTED_BELOW)
    assert guesses[0] is None
    expected = dict(enumerate(predictions, start=1)) | dict(marks)
    assert all(guesses[step] is expected[step] for step in range(1, 16))


def test_the_fullest_track_of_a_new_song_is_drawn_once_more_to_the_others(composer, monkeypatch):
    asked, told = [], []
    sample = drawing._sample

    def listening(request, *arguments):
        asked.append(request)
        return sample(request, *arguments)

    monkeypatch.setattr(drawing, "_sample", listening)
    empty = with_notes(SONG, [Notes.empty()] * len(SLOTS))
    request = Request(empty, levels_of(NEW))
    new = draw(
        request,
        composer.codec,
        composer.model,
        seed=1,
        steps=2,
        guidance=Guidance(),
        progress=lambda doing, share: told.append(share),
    ).song
    first, second = asked
    assert first is request
    num_notes = [len(track.notes) for track in second.song.tracks]
    fullest = int(np.argmax(num_notes))
    assert (second.levels == np.where(np.arange(len(SLOTS)) == fullest, NEW, KNOWN)).all()
    for slot in set(range(len(SLOTS))) - {fullest}:
        assert new.tracks[slot] == second.song.tracks[slot]
    assert told == sorted(told)
    assert told[-1] == 1
    asked.clear()
    assert drawn(composer, SONG, levels_of(NEW)).song == new, "notes in cells that are new do not count"
    assert len(asked) == 2
    asked.clear()
    only_one = levels_of(KNOWN)
    only_one[:, MELODY] = NEW
    drawn(composer, empty, only_one)
    drawn(composer, SONG, region())
    assert len(asked) == 2, "no other track to draw one to, and notes that are there: each once"


def test_the_notes_of_a_part_that_is_one_voice_end_where_the_next_begin(composer):
    def changed_by_the_rule(who: Composer) -> int:
        notes = drawn(who, SONG, levels_of(NEW), seed=3).song.tracks[MELODY].notes
        held = one_voice_durations(notes.onset_ticks, notes.duration_ticks, np.zeros(0, np.int64))
        return np.count_nonzero(held != notes.duration_ticks)

    assert changed_by_the_rule(composer) == 0 < changed_by_the_rule(of_many_voices(composer))


def test_without_a_key_notes_are_written_as_they_are_drawn(composer):
    no_key = replace(with_notes(SONG, [Notes.empty()] * 3), key=None)
    song = drawn(composer, no_key, levels_of(NEW)).song
    assert song.num_notes > 0
    assert song.key is None


def test_the_same_seed_gives_the_same_notes_and_times_are_told(composer):
    one, again, other = (drawn(composer, SONG, region(), seed=seed) for seed in (1, 1, 2))
    assert one.song == again.song != other.song
    assert one.seconds.keys() == {"sampling", "decoding"}
