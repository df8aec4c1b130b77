"""What accompanies a song is arranged anew: cells change places, and other songs lend theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from phraseloom.form import parse_form
from phraseloom.harmony import parse_chord
from phraseloom.models.conditions import chord_numbers
from phraseloom.texture import Aspect
from phraseloom.training.accompaniments import Accompaniments, Arrangement, exchanged_cells
from phraseloom.training.song_batches import SongBatches
from phraseloom.training.songs import LatentSong

MELODY, PIANO = 0, 1


def song(
    form: str,
    chords: str,
    *,
    number: int = 0,
    contents: Sequence[int] | None = None,
    up: int = 0,
    tempo_bpm: float = 100.0,
) -> LatentSong:
    """A song with a chord for each bar, or a few for some with commas between; its latents tell its number and bars.

    Args:
        contents: of the piano; each bar's its own if None.
        up: semitones that the chords are moved by.
    """
    bars = [[parse_chord(chord) for chord in bar.split(",")] for bar in chords.split()]
    beats = [bar[beat * len(bar) // 4].transposed(up) for bar in bars for beat in range(4)]
    sections = parse_form(form)
    own = np.arange(1, len(bars) + 1) if contents is None else np.array(contents)
    latents = np.stack([np.full(len(bars), number, np.float32), np.arange(len(bars), dtype=np.float32)], axis=-1)
    return LatentSong(
        latents[:, None].repeat(2, axis=1),
        sections,
        tempo_bpm,
        "major",
        np.stack([np.arange(1, len(bars) + 1), own], axis=-1),
        chord_numbers(beats),
        10 * number + np.arange(len(sections))[:, None, None].repeat(2, axis=1).repeat(len(Aspect), axis=2),
    )


def borrowed(songs: Sequence[LatentSong], seed: int = 0, families: Sequence[int] | None = None) -> Arrangement:
    """The first song, with what other songs lend its piano."""
    return Accompaniments(songs, [PIANO], 0.0, 1.0, families).draw(0, np.random.default_rng(seed))


def test_what_is_exchanged_lies_over_the_same_chords_in_sections_of_one_letter():
    own = song("A4 B4 A4", "C G C G C G C G C G G C", contents=[1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 4, 0])
    origins = np.array([exchanged_cells(own, (PIANO,), np.random.default_rng(seed)) for seed in range(200)])
    assert (origins[:, :, MELODY] == np.arange(12)).all(), "the other slot stays"
    even, odd, neither = {0, 2, 8}, {1, 3}, {11}
    come_from = [set(origins[:, bar, PIANO].tolist()) for bar in range(12)]
    assert come_from == [even, odd, even, odd, {4, 6}, {5, 7}, {4, 6}, {5, 7}, even, odd, odd, neither]
    assert (origins[:, [9, 10], PIANO] == origins[:, [1, 3], PIANO]).all(), "what is repeated is repeated still"


def test_exchanged_songs_repeat_what_they_repeated():
    own = song("A8 A8", "C G " * 8, contents=[1, 2, 3, 4, 5, 6, 7, 8] * 2)
    loads = SongBatches([own], 16, 0.0, 0, 0.0, Accompaniments([own], [PIANO], 1.0))
    origins = {tuple(loads.epoch(epoch, 0, 1)[0]().latents[0, :, PIANO, 1].tolist()) for epoch in range(20)}
    assert len(origins) > 10
    assert all(bars[:8] == bars[8:] for bars in origins)
    told = loads.epoch(0, 0, 1)[0]()
    assert told.owners[0, :, PIANO].tolist() == [*range(8), *range(8)]
    assert told.conditions.repeats[0, :, PIANO].tolist() == [1] * 8 + [2] * 8


def test_songs_are_arranged_as_often_as_asked():
    own = song("A16", "C " * 16)
    loads = SongBatches([own], 16, 0.0, 0, 0.0, Accompaniments([own], [PIANO], 0.3))
    is_as_it_was = [
        bool((loads.epoch(epoch, 0, 1)[0]().latents[0, :, PIANO, 1] == np.arange(16)).all()) for epoch in range(200)
    ]
    assert 0.6 < np.mean(is_as_it_was) < 0.8
    songs = [song("A4", "C F G C"), song("A4", "C F G C", number=1)]
    accompaniments = Accompaniments(songs, [PIANO], 0.0, 0.3)
    lenders = [accompaniments.draw(0, np.random.default_rng(seed)).songs[0, PIANO] for seed in range(200)]
    assert 0.2 < np.mean(lenders) < 0.4


def test_another_song_lends_what_it_has_over_the_same_chords():
    songs = [song("A4", "C Am F G"), song("A4", "F G C Am", number=1), song("A4", "C Am F E", number=2)]
    arrangement = borrowed(songs)
    assert arrangement.songs.tolist() == [[0, 1]] * 4, "the third song has no G"
    assert arrangement.bars.tolist() == [[0, 2], [1, 3], [2, 0], [3, 1]]
    assert (arrangement.textures[0, PIANO] == songs[1].textures[0, PIANO]).all()
    assert (arrangement.textures[0, MELODY] == songs[0].textures[0, MELODY]).all()


def test_chords_are_the_same_as_far_as_roots_and_thirds_go():
    assert borrowed([song("A4", "C Am F G"), song("A4", "Cmaj7 Am7 F/A G7", number=1)]).songs[0, PIANO] == 1
    assert borrowed([song("A4", "C Am F G"), song("A4", "C A F G", number=1)]).songs[0, PIANO] == 0
    assert borrowed([song("A4", "C,G Am F G"), song("A4", "C Am F G", number=1)]).songs[0, PIANO] == 0
    assert borrowed([song("A4", "C,G Am F G"), song("A4", "C,G Am F G", number=1)]).songs[0, PIANO] == 1


def test_a_song_lends_in_every_key_that_it_is_copied_to():
    own, lender = song("A4", "C Dm F C"), "G Am C G"
    copies = [song("A4", lender, number=1 + copy, up=up) for copy, up in enumerate((0, 3, 5))]
    assert borrowed([own, copies[0]], families=[0, 1]).songs[0, PIANO] == 0
    arrangement = borrowed([own, *copies], families=[0, 1, 1, 1])
    assert arrangement.songs[:, PIANO].tolist() == [3] * 4
    assert arrangement.bars[1:3, PIANO].tolist() == [1, 2]


def test_one_key_for_all_bars_if_it_can_be():
    own = song("A4", "C F C G")
    copies = [song("A4", "C F G G", number=1 + copy, up=up) for copy, up in enumerate((0, 5, 7))]
    for seed in range(20):
        assert borrowed([own, *copies], seed, [0, 1, 1, 1]).songs[:, PIANO].tolist() == [1] * 4
    own = song("A4", "C F Bb Eb")
    copies = [song("A4", "C C C C", number=1 + copy, up=up) for copy, up in enumerate((0, 5, 10, 3))]
    assert borrowed([own, *copies], families=[0, 1, 1, 1, 1]).songs[:, PIANO].tolist() == [1, 2, 3, 4]


def test_bars_come_from_like_places_and_second_sections_from_second_ones():
    songs = [song("A4 A4", "C C C C C C C C"), song("A4 B4 A4", "C C C C D D D D C C C C", number=1)]
    for seed in range(20):
        assert borrowed(songs, seed).bars[:, PIANO].tolist() == [0, 1, 2, 3, 8, 9, 10, 11]


def test_homologous_bars_borrow_the_same_where_the_lender_has_one_section():
    songs = [song("A4 A4 A4", "C C G G " * 3), song("A8", "C C C C G G G G", number=1)]
    bars = [borrowed(songs, seed).bars[:, PIANO].reshape(3, 4) for seed in range(20)]
    assert all((of == of[0]).all() for of in bars)
    loads = SongBatches(songs, 16, 0.0, 0, 0.0, Accompaniments(songs, [PIANO], 0.0, 1.0)).epoch(0, 0, 1)
    batch = next(load() for load in loads if load().latents[0, 0, MELODY, 0] == 0)
    piano = batch.latents[0, :12, PIANO, 1].numpy()
    assert (batch.owners[0, :12, PIANO].numpy() == [list(piano).index(bar) for bar in piano]).all()


@pytest.mark.parametrize(
    ("form", "tempo_bpm"), [("A4", 140.0), ("A4", 70.0), ("i4", 100.0)], ids=["faster", "slower", "not sung"]
)
def test_songs_of_another_kind_do_not_lend(form: str, tempo_bpm: float):
    songs = [song("A4", "C Am F G"), song(form, "C Am F G", number=1, tempo_bpm=tempo_bpm)]
    assert (borrowed(songs).songs == 0).all()


def test_only_letters_of_which_all_chords_are_found_are_played_by_others():
    songs = [song("A4 B4", "C F G C D D D D"), song("B4 A4", "C C F G D E D D", number=1)]
    arrangement = borrowed(songs)
    assert arrangement.songs[:, PIANO].tolist() == [1] * 8
    songs[1] = song("A4", "C C F G", number=1)
    assert borrowed(songs).songs[:, PIANO].tolist() == [1] * 4 + [0] * 4


def test_who_lends_one_letter_lends_the_others_too():
    songs = [song("A4 B4", "C F G C D E D E")]
    songs += [song("A4 B4", "C F G C D E D E", number=number) for number in range(1, 9)]
    for seed in range(20):
        assert len(np.unique(borrowed(songs, seed).songs[:, PIANO])) == 1


def test_copies_of_a_song_do_not_lend_to_it():
    songs = [song("A4", "C Am F G"), song("A4", "C Am F G", number=1)]
    assert (borrowed(songs, families=[5, 5]).songs == 0).all()


def test_contents_of_two_songs_are_two():
    copies = [song("A4", "C C C C", number=1 + copy, up=up) for copy, up in enumerate((0, 5))]
    songs = [song("A4 A4", "C C C C F F F F"), *copies]
    accompaniments = Accompaniments(songs, [PIANO], 0.0, 1.0, [0, 1, 1])
    loads = SongBatches(songs, 16, 0.0, 0, 0.0, accompaniments).epoch(0, 0, 1)
    batch = next(load() for load in loads if load().latents[0, 0, MELODY, 0] == 0)
    assert batch.latents[0, :8, PIANO].tolist() == [[1, bar] for bar in range(4)] + [[2, bar] for bar in range(4)]
    assert batch.owners[0, :8, PIANO].tolist() == list(range(8))
