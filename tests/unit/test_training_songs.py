"""Songs as latents, the song transformer's batches of them, and what it is trained for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from phraseloom.corpus.song import CorpusSong
from phraseloom.diffusion.flow import velocity_error
from phraseloom.diffusion.ties import shared
from phraseloom.events import PhraseTable
from phraseloom.form import MAX_BARS, num_bars_of, parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.models.conditions import (
    GROUPS,
    NUM_NOISE_SHARES,
    PER_BAR_GROUPS,
    SongConditions,
    chord_numbers,
    collate_conditions,
    song_conditions,
)
from phraseloom.repeats import FRESH, cell_contents, find_sources, owners_of
from phraseloom.score import ChordSpan
from phraseloom.structure import find_form
from phraseloom.texture import NUM_GRADES, RESTS, Aspect, section_textures
from phraseloom.training.latents import song_latents
from phraseloom.training.song_dit_objective import SongDiTLossSettings, SongDiTObjective, cell_mean, denoising_error
from phraseloom.training.songs import (
    BAR_STEP,
    MIN_EXCERPT_BARS,
    LatentSong,
    SongBatch,
    SongBatches,
    exchanged_cells,
    transposed_copies,
)
from phraseloom.transforms import normalise_key, transpose
from support.networks import tiny_codec, tiny_song_dit
from support.songs import make_song

FORMS = ("A4 B4", "i4 A8 B8 A8 B8 o4", "A3", "i4 A8 B8", "A8 B8 A8 B8 C8 B8", " ".join(["A8 B8 C4"] * 8), "A2 B1 A30")
"""One is longer than the model's longest song, one shorter than an excerpt may be."""


def latent_song(number: int, form: str) -> LatentSong:
    """A song whose latents say where they are from: the first number of each is the song's, the second the bar's.

    It has two slots, few contents, so that many cells repeat others, a root, a bass and tones for every beat, and
    grades for every section.
    """
    rng = np.random.default_rng(number)
    sections = parse_form(form)
    bars = np.arange(num_bars_of(sections), dtype=np.float32)
    latents = np.stack([np.full_like(bars, number), bars], axis=-1)[:, None].repeat(2, axis=1)
    return LatentSong(
        latents,
        sections,
        tempo_bpm=60.0 + 10 * number,
        mode="major" if number % 2 else "minor",
        contents=rng.integers(0, 3, (len(bars), 2)),
        chords=rng.integers(1, 13, (len(bars), 4, 3)),
        textures=rng.integers(1, NUM_GRADES, (len(sections), 2, len(Aspect))),
    )


SONGS = [latent_song(number, form) for number, form in enumerate(FORMS)]


def batches_of(
    *,
    share: float = 0.5,
    rearranged: float = 0.0,
    seed: int = 1,
    epoch: int = 0,
    process: int = 0,
    num_processes: int = 1,
) -> list[SongBatch]:
    loads = SongBatches(SONGS, 128, share, seed, rearranged).epoch(epoch, process, num_processes)
    return [load() for load in loads]


def spans_of(batches: list[SongBatch]) -> list[tuple[int, int, int]]:
    """Of every song in the batches: its number, its first bar, and how many bars of it are there."""
    spans = []
    for batch in batches:
        for latents, is_bar in zip(batch.latents, batch.conditions.is_bar, strict=True):
            spans.append((int(latents[0, 0, 0]), int(latents[0, 0, 1]), int(is_bar.sum())))
    return spans


def visits_of(batch: SongBatch, songs: list[LatentSong] = SONGS) -> list[tuple[LatentSong, list[int], np.ndarray]]:
    """Of every song in the batch: the song, the numbers of the sections that are there and their bars, in order."""
    visits = []
    for latents, is_bar in zip(batch.latents, batch.conditions.is_bar, strict=True):
        song, seen = songs[int(latents[0, 0, 0])], latents[is_bar, 0, 1].numpy().astype(int)
        starts = first_bars_of(song)
        sections = [starts.index(bar) for bar in seen.tolist() if bar in starts]
        whole = [np.arange(starts[number], starts[number] + song.sections[number].num_bars) for number in sections]
        np.testing.assert_array_equal(seen, np.concatenate(whole), "sections are seen from beginning to end")
        visits.append((song, sections, seen))
    return visits


def first_bars_of(song: LatentSong) -> list[int]:
    """The number of the first bar of each section."""
    return np.cumsum([0, *(section.num_bars for section in song.sections)])[:-1].tolist()


def require_same_bars(batch: SongBatch, songs: list[LatentSong] = SONGS) -> None:
    """What a batch holds is put together here by hand, of the bars that its latents tell."""
    num_bars = batch.latents.shape[1]
    before = np.cumsum([0, *(len(song.latents) for song in songs)])
    for row, (song, numbers, seen) in enumerate(visits_of(batch, songs)):
        length, sections = len(seen), [song.sections[number] for number in numbers]
        np.testing.assert_array_equal(batch.latents[row, :length], song.latents[seen])
        assert not batch.latents[row, length:].any()
        sources = find_sources(sections, song.contents[seen])
        np.testing.assert_array_equal(batch.owners[row, :length], owners_of(sources))
        np.testing.assert_array_equal(
            batch.owners[row, length:], np.arange(length, num_bars)[:, None].repeat(2, axis=1)
        )
        np.testing.assert_array_equal(batch.bars[row, :length], before[int(song.latents[0, 0, 0])] + seen)
        assert (batch.bars[row, length:] == -1).all()
        section_of_bar = np.repeat(np.arange(len(song.sections)), [section.num_bars for section in song.sections])
        told = song_conditions(
            sections,
            2,
            tempo_bpm=song.tempo_bpm,
            mode=song.mode,
            has_start=seen[0] == 0,
            has_end=seen[-1] == len(song.latents) - 1,
            sounds=np.where(song.contents[seen] > 0, 2, 1),
            is_repeated=sources != FRESH,
            texture=song.textures[section_of_bar[seen]],
            chords=song.chords[seen],
        )
        expected = collate_conditions([told], num_bars)
        for name in SongConditions._fields:
            assert torch.equal(getattr(batch.conditions, name)[row], getattr(expected, name)[0]), name


def same(first: list[SongBatch], second: list[SongBatch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(one.latents, other.latents)
        and torch.equal(one.owners, other.owners)
        and all(torch.equal(a, b) for a, b in zip(one.conditions, other.conditions, strict=True))
        for one, other in zip(first, second, strict=True)
    )


# Songs as latents


def test_a_song_is_the_latents_of_its_phrases_with_what_is_told_of_it():
    score, codec = replace(make_song(1, form="i2 A4"), key=Key(9, "minor")), tiny_codec()
    song = LatentSong.of(score, song_latents([score], 3, codec)[0])
    assert song.latents.shape == (6, 3, 13)
    assert song.latents.dtype == np.float32
    assert (song.sections, song.tempo_bpm, song.mode) == (parse_form("i2 A4"), score.tempo_bpm, "minor")


def test_what_sounds_and_what_repeats_are_those_of_its_notes():
    score = make_song(1, form="i2 A4 A4")
    song = LatentSong.of(score, song_latents([score], 3, tiny_codec())[0])
    np.testing.assert_array_equal(song.contents, cell_contents(score))
    assert (song.contents[:2, 0] == 0).all(), "the melody is silent in the intro"
    np.testing.assert_array_equal(song.sources, find_sources(score.sections, cell_contents(score)))
    assert (song.sources[6:9, 0] == [2, 3, 4]).all()


def test_chords_are_those_of_the_key_of_c():
    """Two bars in D: D, and Bm from the third beat on; then A/C#, and no chord known in the last two beats."""
    chords = [("D", 0, 24), ("Bm", 24, 24), ("A/C#", 48, 24)]
    spans = tuple(ChordSpan(onset, duration, parse_chord(text)) for text, onset, duration in chords)
    score = replace(make_song(1, form="A2"), key=Key(2, "major"), chords=spans)
    song = LatentSong.of(score, song_latents([score], 3, tiny_codec())[0])
    expected = [parse_chord(text) for text in ("C", "C", "Am", "Am", "G/B", "G/B")] + [None, None]
    np.testing.assert_array_equal(song.chords, chord_numbers(expected))


def test_textures_are_those_of_its_sections():
    score = make_song(1, form="i2 A4")
    song = LatentSong.of(score, song_latents([score], 4, tiny_codec())[0])
    np.testing.assert_array_equal(song.textures, section_textures(score, score.sections, 4))
    assert song.textures.shape == (2, 4, len(Aspect))
    assert (song.textures[0, 0] == RESTS).all(), "the melody is silent in the intro"
    assert (song.textures[:, 3] == RESTS).all(), "there is no fourth track"


def test_textures_of_a_song_without_form_are_those_of_the_form_that_is_found():
    score = make_song(1, form="i2 A4 B4 A4")
    song = LatentSong.of(replace(score, sections=()), song_latents([score], 3, tiny_codec())[0])
    np.testing.assert_array_equal(song.textures, section_textures(score, song.sections, 3))


def test_contents_have_as_many_slots_as_the_latents():
    score, codec = make_song(1, form="A2 A2"), tiny_codec()
    more, fewer = (LatentSong.of(score, song_latents([score], num_slots, codec)[0]) for num_slots in (5, 2))
    np.testing.assert_array_equal(more.contents[:, :3], cell_contents(score))
    assert not more.contents[:, 3:].any()
    assert fewer.contents.shape == fewer.sources.shape == (4, 2)


def test_copies_sound_in_other_keys_with_their_chords():
    chords = (ChordSpan(0, 48, parse_chord("D")),)
    song = CorpusSong("one", replace(make_song(1, form="A2"), key=Key(2, "major"), chords=chords), "train")
    copies = transposed_copies([song], 3, seed=0)
    in_c = normalise_key(song.score)
    shifts = [int(copy.song_id.removeprefix("one")) for copy in copies]
    assert len(set(shifts)) == 3
    assert 0 not in shifts
    for copy, shift in zip(copies, shifts, strict=True):
        assert copy.score.key is None
        assert normalise_key(copy.score) == replace(transpose(in_c, shift), key=None)
        assert copy.score.chords[0].chord == parse_chord("C").transposed(shift)
    assert transposed_copies([song], 3, seed=0) == copies
    assert transposed_copies([song], 0, seed=0) == []


def test_the_key_of_a_song_does_not_show_in_its_latents():
    score, codec = make_song(1, form="A4"), tiny_codec()
    moved = song_latents([transpose(score, 2)], 3, codec)[0]
    np.testing.assert_allclose(moved, song_latents([score], 3, codec)[0], atol=1e-5)


def test_tracks_that_a_song_lacks_are_silent_and_those_too_many_are_left_out():
    score, codec = make_song(1, num_tracks=2, form="A4"), tiny_codec()
    two, four = (song_latents([score], num_slots, codec)[0] for num_slots in (2, 4))
    np.testing.assert_allclose(four[:, :2], two, atol=1e-5)
    silence = codec.encode(PhraseTable.build([score.tracks[0].notes.where(slice(0))], [129]))[0]
    np.testing.assert_allclose(four[:, 2:], np.broadcast_to(silence, (4, 2, 13)), atol=1e-5)
    np.testing.assert_allclose(song_latents([score], 1, codec)[0], two[:, :1], atol=1e-5)


def test_the_form_of_a_song_without_one_is_found_and_its_mode_stays_unknown():
    score = replace(make_song(1, form="i2 A4"), sections=(), key=None)
    song = LatentSong.of(score, song_latents([score], 3, tiny_codec())[0])
    assert (song.sections, song.mode) == (find_form(score), None)


# Batches


def test_without_excerpts_every_song_that_fits_is_seen_whole():
    spans = set(spans_of(batches_of(share=0.0)))
    too_long = {span for span in spans if span[0] == 5}
    assert spans - too_long == {(i, 0, len(song.latents)) for i, song in enumerate(SONGS) if i != 5}
    assert len(too_long) == 1
    assert all(num_bars <= MAX_BARS for _, _, num_bars in too_long)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_epoch_holds_every_song(share):
    assert {number for number, _, _ in spans_of(batches_of(share=share))} == set(range(len(SONGS)))


def test_excerpts_begin_and_end_at_section_borders():
    spans = {span for epoch in range(20) for span in spans_of(batches_of(share=1.0, epoch=epoch))}
    for number, first, num_bars in spans:
        borders = np.cumsum([0, *(section.num_bars for section in SONGS[number].sections)])
        assert {first, first + num_bars} <= set(borders.tolist())
        assert num_bars >= min(MIN_EXCERPT_BARS, len(SONGS[number].latents))
    seen = Counter(number for number, _, _ in spans)
    assert seen[2] == 1  # a song of 3 bars has no excerpt
    assert seen[1] > 10  # of the 21 ways to cut successive sections out of six


@pytest.mark.parametrize("rearranged", [0.0, 0.5])
def test_latents_and_conditions_are_those_of_the_same_bars(rearranged):
    for batch in batches_of(share=0.7, rearranged=rearranged):
        require_same_bars(batch)


def test_rearranged_songs_have_one_section_fewer_or_one_twice_in_a_row():
    seen: dict[int, list[list[int]]] = {number: [] for number in range(len(SONGS))}
    for epoch in range(80):
        for batch in batches_of(share=0.0, rearranged=1.0, epoch=epoch):
            require_same_bars(batch)
            for song, sections, _ in visits_of(batch):
                seen[int(song.latents[0, 0, 0])].append(sections)
    for number, song in enumerate(SONGS):
        count = len(song.sections)
        whole, inner = list(range(count)), range(1, count - 1)
        fewer = [whole[:i] + whole[i + 1 :] for i in inner]
        twice = [[*whole[:i], i, *whole[i:]] for i in inner]
        if len(song.latents) > MAX_BARS:
            assert all(sections == list(range(sections[0], sections[-1] + 1)) for sections in seen[number])
        else:
            expected = [*fewer, *twice] if inner else [whole]
            assert {tuple(sections) for sections in seen[number]} == set(map(tuple, expected))
    num_sections = [len(sections) for sections in seen[4]]
    assert 0.3 < np.mean([count == 7 for count in num_sections]) < 0.7, "as often twice as not at all"


def test_a_section_that_comes_twice_repeats_itself():
    """In the form, where it is an instance more of its letter, and in every cell."""
    songs = [latent_song(0, "i2 A4 o2")]
    batches = [load() for seed in range(20) for load in SongBatches(songs, 16, 0.0, seed, 1.0).epoch(0, 0, 1)]
    doubled = next(batch for batch in batches if batch.conditions.is_bar.sum() == 12)
    told = doubled.conditions
    assert told.instance[0, :12].tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1]
    assert told.section[0, :12].tolist() == [1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4]
    assert torch.equal(doubled.latents[0, 6:10], doubled.latents[0, 2:6])
    assert torch.equal(doubled.owners[0, 6:10], doubled.owners[0, 2:6])
    assert (told.repeats[0, 6:10] == 2).all()
    left_out = next(batch for batch in batches if batch.conditions.is_bar.sum() == 4)
    assert left_out.conditions.letter[0, :4].tolist() == [9, 9, 15, 15]
    assert left_out.conditions.num_bars.tolist() == [[4]]


def test_a_rearranged_song_still_has_its_start_and_its_end():
    for batch in batches_of(share=0.0, rearranged=1.0):
        for row, (song, _, _) in enumerate(visits_of(batch)):
            if len(song.latents) <= MAX_BARS:
                last = int(batch.conditions.is_bar[row].sum()) - 1
                assert int(batch.conditions.from_start[row, 0]) == 1
                assert int(batch.conditions.to_end[row, last]) == 1


def test_no_section_comes_twice_where_the_song_would_be_too_long():
    """With 120 bars one of 8 still fits, one of 9 does not."""
    songs = [latent_song(0, "A60 B8 A52"), latent_song(1, "A60 B9 A51")]
    lengths: dict[int, set[int]] = {0: set(), 1: set()}
    for epoch in range(30):
        for load in SongBatches(songs, 128, 0.0, 0, 1.0).epoch(epoch, 0, 1):
            for song, _, seen in visits_of(load(), songs):
                lengths[int(song.latents[0, 0, 0])].add(len(seen))
    assert lengths == {0: {112, MAX_BARS}, 1: {111}}


def test_excerpts_are_not_rearranged():
    assert same(batches_of(share=1.0, rearranged=1.0), batches_of(share=1.0))


def over_two_chords(form: str, contents: list[int]) -> LatentSong:
    """A song whose bars are over one chord and another in turn, with `contents` in its second slot."""
    song = latent_song(0, form)
    chords = np.where(np.arange(len(song.chords)) % 2, 5, 1)[:, None, None].repeat(4, 1).repeat(3, 2)
    return replace(song, contents=np.array([np.zeros(len(contents), int), contents]).T, chords=chords)


def test_what_is_exchanged_lies_over_the_same_chords_in_sections_of_one_letter():
    song = over_two_chords("A4 B4 A4", [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 3, 0])
    origins = np.array([exchanged_cells(song, (1,), np.random.default_rng(seed)) for seed in range(200)])
    assert (origins[:, :, 0] == np.arange(12)).all(), "the other slot stays"
    even, odd, neither = {0, 2, 8}, {1, 3}, {11}
    come_from = [set(origins[:, bar, 1].tolist()) for bar in range(12)]
    assert come_from == [even, odd, even, odd, {4, 6}, {5, 7}, {4, 6}, {5, 7}, even, even, even, neither]
    assert (origins[:, [9, 10], 1] == origins[:, [0, 2], 1]).all(), "what is repeated is repeated still"


def test_exchanged_songs_repeat_what_they_repeated():
    song = over_two_chords("A8 A8", [1, 2, 3, 4, 5, 6, 7, 8] * 2)
    loads = SongBatches([song], 16, 0.0, 0, 0.0, (1,), 1.0)
    origins = {tuple(loads.epoch(epoch, 0, 1)[0]().latents[0, :, 1, 1].tolist()) for epoch in range(20)}
    assert len(origins) > 10
    assert all(bars[:8] == bars[8:] for bars in origins)
    told = loads.epoch(0, 0, 1)[0]()
    assert told.owners[0, :, 1].tolist() == [*range(8), *range(8)]
    assert told.conditions.repeats[0, :, 1].tolist() == [1] * 8 + [2] * 8


def test_songs_are_exchanged_as_often_as_asked():
    song = over_two_chords("A16", list(range(1, 17)))
    loads = SongBatches([song], 16, 0.0, 0, 0.0, (1,), 0.3)
    is_as_it_was = [
        bool((loads.epoch(epoch, 0, 1)[0]().latents[0, :, 1, 1] == torch.arange(16)).all()) for epoch in range(200)
    ]
    assert 0.6 < np.mean(is_as_it_was) < 0.8


def test_songs_are_rearranged_as_often_as_asked():
    is_whole = [
        sections == list(range(len(song.sections)))
        for epoch in range(100)
        for batch in batches_of(share=0.0, rearranged=0.3, epoch=epoch)
        for song, sections, _ in visits_of(batch)
        if 3 <= len(song.sections) <= 6
    ]
    assert np.mean(is_whole) == pytest.approx(0.7, abs=0.05)


def test_batches_are_padded_to_few_lengths_and_hold_as_many_bars_as_asked():
    for epoch in range(10):
        for batch in batches_of(epoch=epoch):
            b, n = batch.latents.shape[:2]
            lengths = batch.conditions.is_bar.sum(dim=1)
            assert n % BAR_STEP == 0
            assert n <= MAX_BARS
            assert ((lengths > n - BAR_STEP) & (lengths <= n)).all()
            assert b == max(1, 128 // n)
            assert batch.latents.dtype == torch.float32


def test_what_an_epoch_holds_is_a_matter_of_seed_and_number():
    first = batches_of()
    assert same(first, batches_of())
    assert not same(first, batches_of(epoch=1))
    assert not same(first, batches_of(seed=2))


@pytest.mark.parametrize("num_processes", [2, 3])
def test_processes_share_an_epoch_out_between_them(num_processes):
    alone = batches_of()
    shares = [batches_of(process=i, num_processes=num_processes) for i in range(num_processes)]
    assert {len(share) for share in shares} == {len(alone) // num_processes}
    in_turn = [share[i] for i in range(len(shares[0])) for share in shares]
    assert same(in_turn, alone[: len(in_turn)])


# Objective


class Recorder(nn.Module):
    """Predicts zero everywhere and remembers what it was given."""

    def forward(
        self,
        noisy: torch.Tensor,
        level: torch.Tensor,
        conditions: SongConditions,
        guess: torch.Tensor | None = None,
    ) -> torch.Tensor:
        self.noisy, self.level, self.conditions, self.guess = noisy, level, conditions, guess
        return torch.zeros_like(noisy)


CONTENTS = np.array([[1, 2, 0], [1, 3, 0], [1, 2, 0], [1, 4, 0]])
"""Of two sections of two bars: the first slot and the last repeat both bars, the second the first."""


def some_batch(num_songs: int = 2) -> SongBatch:
    """Songs of 4 bars in 16, all of them told all there is; what repeats has the same latents."""
    torch.manual_seed(0)
    sections = parse_form("A2 A2")
    sources = find_sources(sections, CONTENTS)
    told = song_conditions(
        sections,
        3,
        tempo_bpm=100,
        mode="major",
        sounds=np.where(CONTENTS > 0, 2, 1),
        is_repeated=sources != FRESH,
        texture=np.full((4, 3, len(Aspect)), 5),
        chords=np.ones((4, 4, 3), np.int64),
    )
    owners = torch.arange(16)[:, None].repeat(num_songs, 1, 3)
    owners[:, :4] = torch.from_numpy(owners_of(sources))
    latents = shared(torch.randn(num_songs, 16, 3, 13), owners)
    bars = torch.arange(16).repeat(num_songs, 1)
    return SongBatch(latents, owners, collate_conditions([told] * num_songs, 16), bars)


def whole_song(level: float, batch: SongBatch) -> torch.Tensor:
    """`[b, n, s]`."""
    return torch.full(batch.latents.shape[:-1], level)


def test_bars_behind_the_end_do_not_count():
    """Two songs of 4 bars in 16: errors of 1 and 3 there, anything elsewhere."""
    batch = some_batch()
    error = torch.full((2, 16, 3), 1e6)
    error[0, :4], error[1, :4] = 1.0, 3.0
    assert cell_mean(error, batch.conditions.is_bar[..., None]) == 2


def test_a_mean_over_no_cells_is_zero():
    assert cell_mean(torch.ones(2, 16, 3), torch.zeros(2, 16, 1, dtype=torch.bool)) == 0


def test_the_network_gets_latents_as_noisy_as_it_is_told():
    """At level 1 they are the noise alone; the error of predicting zero is the latents' own square."""
    network, batch = Recorder(), some_batch()
    batch = batch._replace(latents=torch.full_like(batch.latents, 50.0))
    level = torch.tensor([1.0, 0.5])[:, None, None].expand(2, 16, 3)
    error = denoising_error(network, batch, level, batch.conditions)
    assert error.shape == (2, 16, 3)
    assert network.level[:, 0, 0].tolist() == [1.0, 0.5]
    assert network.noisy.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0, 25], abs=0.3)
    torch.testing.assert_close(error[:, 0, 0], torch.tensor([2500.0, 10_000.0]))


class CountingRecorder(Recorder):
    """Predicts how often it has been asked, with gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.number, self.one = 0, nn.Parameter(torch.ones(()))

    def forward(self, noisy, level, conditions, guess=None):
        self.number += 1
        return super().forward(noisy, level, conditions, guess) + self.number * self.one


def test_a_guess_is_what_the_network_predicts_of_the_same_without():
    network, batch = CountingRecorder(), some_batch()
    batch = batch._replace(latents=torch.zeros_like(batch.latents))
    level = whole_song(0.5, batch)
    error = denoising_error(network, batch, level, batch.conditions, has_guess=True)
    assert network.number == 2
    assert network.guess is not None
    assert (network.guess == 1).all()
    assert not network.guess.requires_grad
    torch.testing.assert_close(error, torch.full_like(error, (2 / 0.5) ** 2))
    denoising_error(network, batch, level, batch.conditions)
    assert network.number == 3
    assert network.guess is None


def test_a_guess_takes_no_gradients_away_in_mixed_precision():
    """Weights that autocast keeps from the guess, made without gradients, would have none behind it either."""
    batch, gradients = some_batch(), []
    for is_mixed in (False, True):
        network = tiny_song_dit()
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=is_mixed):
            error = denoising_error(network, batch, whole_song(0.5, batch), batch.conditions, has_guess=True)
        error.mean().backward()
        gradients.append({name: float(weights.grad.norm()) for name, weights in network.named_parameters()})
    assert min(gradients[0].values()) > 0
    assert gradients[1] == pytest.approx(gradients[0], rel=0.1)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_as_many_batches_have_a_guess_as_asked(share):
    network, batch = CountingRecorder(), some_batch()
    objective = SongDiTObjective(network, SongDiTLossSettings(guess_share=share))
    for _ in range(200):
        objective(batch)
    assert network.number / 200 - 1 == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize(("settings", "known"), [
    (SongDiTLossSettings(group_dropout=0, bar_group_dropout=0, all_dropout=0), (1.0, 1.0)),
    (SongDiTLossSettings(group_dropout=1, bar_group_dropout=0, all_dropout=0), (0.0, 1.0)),
    (SongDiTLossSettings(group_dropout=0, bar_group_dropout=1, all_dropout=0), (1.0, 0.0)),
    (SongDiTLossSettings(group_dropout=0, bar_group_dropout=0, all_dropout=1), (0.0, 0.0)),
    (SongDiTLossSettings(group_dropout=0.2, bar_group_dropout=0.4, all_dropout=0.5), (0.4, 0.2)),
])  # fmt: skip
def test_conditions_are_left_out_as_often_as_asked(settings, known):
    """Those of bars are left out for the whole song, and as often for half of its bars."""
    network = Recorder()
    SongDiTObjective(network, settings)(some_batch(2000))
    for group, names in GROUPS.items():
        first_value = getattr(network.conditions, names[-1])[:, 0].reshape(2000, -1)[:, 0]
        expected = known[group in PER_BAR_GROUPS]
        assert float((first_value > 0).double().mean()) == pytest.approx(expected, abs=0.05), group


@pytest.mark.parametrize("group", PER_BAR_GROUPS)
def test_groups_of_bars_are_left_out_by_section(group):
    """Of two sections: both known, both unknown, or one of them in half of the songs where some are left out."""
    network, settings = Recorder(), SongDiTLossSettings(group_dropout=0, bar_group_dropout=0.4, all_dropout=0)
    SongDiTObjective(network, settings)(some_batch(2000))
    is_known = getattr(network.conditions, GROUPS[group][0])[:, :4].gt(0).flatten(2)
    first, second = is_known[:, :2].flatten(1), is_known[:, 2:].flatten(1)
    for section in (first, second):
        assert torch.equal(section, section[:, :1].expand_as(section))
    assert float((first[:, 0] != second[:, 0]).double().mean()) == pytest.approx(0.4 / 2, abs=0.04)
    assert float((first[:, 0] & second[:, 0]).double().mean()) == pytest.approx(0.2 + 0.4 / 4, abs=0.04)


def test_groups_are_left_out_together_and_on_their_own():
    network = Recorder()
    SongDiTObjective(network, SongDiTLossSettings(group_dropout=0.2, all_dropout=0.5))(some_batch(2000))
    of_song = [names[0] for group, names in GROUPS.items() if group not in PER_BAR_GROUPS]
    num_known = torch.stack([getattr(network.conditions, name)[:, 0] > 0 for name in of_song]).sum(dim=0)
    shares = torch.bincount(num_known, minlength=5) / 2000
    assert float(shares[0]) == pytest.approx(0.5 + 0.5 * 0.2**4, abs=0.05)
    assert float(shares[4]) == pytest.approx(0.5 * 0.8**4, abs=0.05)
    assert float(shares[3]) == pytest.approx(0.5 * 4 * 0.2 * 0.8**3, abs=0.05)


def noise_of(network: Recorder, batch: SongBatch, level: torch.Tensor) -> torch.Tensor:
    """What the network heard besides the latents."""
    return (network.noisy - (1 - level[..., None]) * batch.latents) / level[..., None]


def is_shared(noise: torch.Tensor) -> list[list[bool]]:
    """Of the second section's cells: whether their noise is that of the first's."""
    return torch.isclose(noise[0, 2:4], noise[0, :2], atol=1e-5).all(dim=-1).tolist()


def test_cells_that_are_told_to_repeat_another_have_its_noise():
    network, batch = Recorder(), some_batch()
    level = whole_song(0.5, batch)
    denoising_error(network, batch, level, batch.conditions)
    assert is_shared(noise_of(network, batch, level)) == [[True, True, True], [True, False, True]]
    assert torch.equal(network.noisy[0, 2:4, 0], network.noisy[0, :2, 0])


def test_cells_of_which_it_is_not_told_have_their_own_noise():
    network, batch = Recorder(), some_batch()
    level = whole_song(0.5, batch)
    untold = batch.conditions.without("repeats", (torch.arange(16) == 2).expand(2, 16))
    denoising_error(network, batch, level, untold)
    assert is_shared(noise_of(network, batch, level)) == [[False, False, False], [True, False, True]]


def with_shared_noise(batch: SongBatch, number: int) -> SongBatch:
    told = batch.conditions._replace(shared_noise=torch.full_like(batch.conditions.shared_noise, number))
    return batch._replace(conditions=told)


@pytest.mark.parametrize(("number", "share"), [(1, 0.0), (3, 0.25), (5, 0.5), (9, 1.0)])
def test_homologous_bars_share_as_much_noise_as_is_told(number, share):
    """Where they repeat each other and are not told so; others, and other songs, share nothing."""
    network, batch = Recorder(), with_shared_noise(some_batch(500), number)
    level = whole_song(0.5, batch)
    untold = batch.conditions.without("repeats", torch.ones(500, dtype=torch.bool))
    denoising_error(network, batch, level, untold)
    noise = noise_of(network, batch, level)
    assert float(noise.var()) == pytest.approx(1, abs=0.02)
    assert float((noise[:, 2:4] * noise[:, :2]).mean()) == pytest.approx(share, abs=0.03)
    assert float((noise[:, 1] * noise[:, 0]).mean()) == pytest.approx(0, abs=0.03)
    assert float((noise[1:, :4] * noise[:-1, :4]).mean()) == pytest.approx(0, abs=0.03)


def test_cells_that_repeat_have_one_noise_however_much_homologous_bars_share():
    network, batch = Recorder(), with_shared_noise(some_batch(), 5)
    level = whole_song(0.5, batch)
    denoising_error(network, batch, level, batch.conditions)
    assert is_shared(noise_of(network, batch, level)) == [[True, True, True], [True, False, True]]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_noise_is_shared_in_as_many_songs_as_asked_and_evenly_much(share):
    network, settings = Recorder(), SongDiTLossSettings(group_dropout=0, all_dropout=0, shared_noise_share=share)
    SongDiTObjective(network, settings)(some_batch(5000))
    told = network.conditions.shared_noise
    assert told.shape == (5000, 1)
    shares = torch.bincount(told[:, 0], minlength=NUM_NOISE_SHARES + 1)[1:] / 5000
    expected = torch.full((NUM_NOISE_SHARES,), share / NUM_NOISE_SHARES)
    expected[0] += 1 - share
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.03)


def test_the_noise_is_as_the_network_is_told():
    known = {"group_dropout": 0, "all_dropout": 0, "bar_group_dropout": 1}  # but which cells repeat
    settings = SongDiTLossSettings(**known, region_share=0, independent_share=0, shared_noise_share=1)
    network, batch = Recorder(), some_batch(5000)
    SongDiTObjective(network, settings)(batch)
    noise = noise_of(network, batch, network.level)
    told = network.conditions.shared_noise[:, 0]
    for number in (1, 5, 9):
        of_songs = noise[told == number]
        common = float((of_songs[:, 2:4] * of_songs[:, :2]).mean())
        assert common == pytest.approx((number - 1) / (NUM_NOISE_SHARES - 1), abs=0.03)


def test_one_noise_at_two_levels_does_not_give_the_latents_away():
    network, batch = Recorder(), some_batch()
    level = whole_song(0.5, batch)
    level[:, 2:] = 0.25
    denoising_error(network, batch, level, batch.conditions)
    assert is_shared(noise_of(network, batch, level)) == [[False] * 3] * 2


def test_known_cells_are_handed_over_clean_and_cost_nothing():
    network, batch = Recorder(), some_batch()
    level = whole_song(0.5, batch)
    level[:, :2] = 0
    error = denoising_error(network, batch, level, batch.conditions)
    assert torch.equal(network.noisy[:, :2], batch.latents[:, :2])
    assert torch.isfinite(error).all()
    objective = SongDiTObjective(network, SongDiTLossSettings(region_share=1))
    loss, _ = objective(batch)
    counts = batch.conditions.is_bar[..., None] & (network.level > 0)
    assert 0 < counts.sum() < batch.conditions.is_bar.sum() * 3
    expected = velocity_error(torch.zeros_like(batch.latents), batch.latents, network.level)[counts].mean()
    torch.testing.assert_close(loss, expected)


def test_a_song_can_be_learnt():
    network, batch = tiny_song_dit(), some_batch(1)
    objective = SongDiTObjective(network, SongDiTLossSettings())
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    before = error_at_much_noise(network, batch)
    for _ in range(40):
        loss, _ = objective(batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert error_at_much_noise(network, batch) < 0.3 * before


@torch.inference_mode()
def error_at_much_noise(network: nn.Module, batch: SongBatch) -> float:
    torch.manual_seed(0)
    error = denoising_error(network, batch, whole_song(0.8, batch), batch.conditions)
    return float(cell_mean(error, batch.conditions.is_bar[..., None]))
