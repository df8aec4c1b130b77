"""Songs as latents, the song transformer's batches of them, and what it is trained for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from phraseloom.events import PhraseTable
from phraseloom.form import MAX_BARS, num_bars_of, parse_form
from phraseloom.harmony import Key
from phraseloom.models.conditions import GROUPS, SongConditions, collate_conditions, song_conditions
from phraseloom.structure import find_form
from phraseloom.training.latents import score_latents
from phraseloom.training.song_dit_objective import SongDiTLossSettings, SongDiTObjective, cell_mean, denoising_error
from phraseloom.training.songs import BAR_STEP, MIN_EXCERPT_BARS, LatentSong, SongBatch, SongBatches
from phraseloom.transforms import transpose
from support.networks import tiny_codec, tiny_song_dit
from support.songs import make_song

FORMS = ("A4 B4", "i4 A8 B8 A8 B8 o4", "A3", "i4 A8 B8", "A8 B8 A8 B8 C8 B8", " ".join(["A8 B8 C4"] * 8), "A2 B1 A30")
"""One is longer than the model's longest song, one shorter than an excerpt may be."""


def latent_song(number: int, form: str) -> LatentSong:
    """A song whose latents say where they are from: the first number of each is the song's, the second the bar's."""
    sections = parse_form(form)
    bars = np.arange(num_bars_of(sections), dtype=np.float32)
    latents = np.stack([np.full_like(bars, number), bars], axis=-1)[:, None].repeat(2, axis=1)
    return LatentSong(latents, sections, tempo_bpm=60.0 + 10 * number, mode="major" if number % 2 else "minor")


SONGS = [latent_song(number, form) for number, form in enumerate(FORMS)]


def batches_of(
    *, share: float = 0.5, seed: int = 1, epoch: int = 0, process: int = 0, num_processes: int = 1
) -> list[SongBatch]:
    loads = SongBatches(SONGS, 128, share, seed).epoch(epoch, process, num_processes)
    return [load() for load in loads]


def spans_of(batches: list[SongBatch]) -> list[tuple[int, int, int]]:
    """Of every song in the batches: its number, its first bar, and how many bars of it are there."""
    spans = []
    for batch in batches:
        for latents, is_bar in zip(batch.latents, batch.conditions.is_bar, strict=True):
            spans.append((int(latents[0, 0, 0]), int(latents[0, 0, 1]), int(is_bar.sum())))
    return spans


def same(first: list[SongBatch], second: list[SongBatch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(one.latents, other.latents)
        and all(torch.equal(a, b) for a, b in zip(one.conditions, other.conditions, strict=True))
        for one, other in zip(first, second, strict=True)
    )


# Songs as latents


def test_a_song_is_the_latents_of_its_phrases_with_what_is_told_of_it():
    score, codec = replace(make_song(1, form="i2 A4"), key=Key(9, "minor")), tiny_codec()
    song = LatentSong.of(score, score_latents(score, 3, codec))
    assert song.latents.shape == (6, 3, 8)
    assert song.latents.dtype == np.float32
    assert (song.sections, song.tempo_bpm, song.mode) == (parse_form("i2 A4"), score.tempo_bpm, "minor")


def test_the_key_of_a_song_does_not_show_in_its_latents():
    score, codec = make_song(1, form="A4"), tiny_codec()
    moved = score_latents(transpose(score, 2), 3, codec)
    np.testing.assert_allclose(moved, score_latents(score, 3, codec), atol=1e-5)


def test_tracks_that_a_song_lacks_are_silent_and_those_too_many_are_left_out():
    score, codec = make_song(1, num_tracks=2, form="A4"), tiny_codec()
    two, four = (score_latents(score, num_slots, codec) for num_slots in (2, 4))
    np.testing.assert_allclose(four[:, :2], two, atol=1e-5)
    silence = codec.encode(PhraseTable.build([score.tracks[0].notes.where(slice(0))], [129]))[0]
    np.testing.assert_allclose(four[:, 2:], np.broadcast_to(silence, (4, 2, 8)), atol=1e-5)
    np.testing.assert_allclose(score_latents(score, 1, codec), two[:, :1], atol=1e-5)


def test_the_form_of_a_song_without_one_is_found_and_its_mode_stays_unknown():
    score = replace(make_song(1, form="i2 A4"), sections=(), key=None)
    song = LatentSong.of(score, score_latents(score, 3, tiny_codec()))
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


def test_latents_and_conditions_are_those_of_the_same_bars():
    """What a batch holds is cut out here by hand, from the place that its latents tell."""
    for batch in batches_of(share=0.7):
        num_bars = batch.latents.shape[1]
        for row, (number, first, length) in enumerate(spans_of([batch])):
            song = SONGS[number]
            np.testing.assert_array_equal(batch.latents[row, :length], song.latents[first : first + length])
            assert not batch.latents[row, length:].any()
            starts = np.cumsum([0, *(section.num_bars for section in song.sections)])[:-1]
            places = zip(song.sections, starts, strict=True)
            inside = [section for section, start in places if first <= start < first + length]
            told = song_conditions(
                inside,
                tempo_bpm=song.tempo_bpm,
                mode=song.mode,
                has_start=first == 0,
                has_end=first + length == len(song.latents),
            )
            expected = collate_conditions([told], num_bars)
            for name in SongConditions._fields:
                assert torch.equal(getattr(batch.conditions, name)[row], getattr(expected, name)[0]), name


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

    def forward(self, noisy: torch.Tensor, level: torch.Tensor, conditions: SongConditions) -> torch.Tensor:
        self.noisy, self.level, self.conditions = noisy, level, conditions
        return torch.zeros_like(noisy)


def some_batch(num_songs: int = 2) -> SongBatch:
    torch.manual_seed(0)
    songs = [song_conditions(parse_form("A4"), tempo_bpm=100, mode="major") for _ in range(num_songs)]
    return SongBatch(torch.randn(num_songs, 16, 3, 8), collate_conditions(songs, 16))


def test_bars_behind_the_end_do_not_count():
    """Two songs of 4 bars in 16: errors of 1 and 3 there, anything elsewhere."""
    batch = some_batch()
    error = torch.full((2, 16, 3), 1e6)
    error[0, :4], error[1, :4] = 1.0, 3.0
    assert cell_mean(error, batch.conditions) == 2


def test_the_network_gets_latents_as_noisy_as_it_is_told():
    """At level 1 they are the noise alone; the error of predicting zero is the latents' own square."""
    network, batch = Recorder(), some_batch()
    batch = batch._replace(latents=torch.full_like(batch.latents, 50.0))
    error = denoising_error(network, batch, torch.tensor([1.0, 0.5]), batch.conditions)
    assert error.shape == (2, 16, 3)
    assert network.level[:, 0, 0].tolist() == [1.0, 0.5]
    assert network.noisy.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0, 25], abs=0.3)
    torch.testing.assert_close(error[:, 0, 0], torch.tensor([2500.0, 10_000.0]))


@pytest.mark.parametrize(("settings", "known"), [
    (SongDiTLossSettings(shift=1, group_dropout=0, all_dropout=0), 1.0),
    (SongDiTLossSettings(shift=1, group_dropout=1, all_dropout=0), 0.0),
    (SongDiTLossSettings(shift=1, group_dropout=0, all_dropout=1), 0.0),
    (SongDiTLossSettings(shift=1, group_dropout=0.2, all_dropout=0.5), 0.4),
])  # fmt: skip
def test_conditions_are_left_out_as_often_as_asked(settings, known):
    network = Recorder()
    SongDiTObjective(network, settings)(some_batch(2000))
    for group in GROUPS:
        first_value = getattr(network.conditions, GROUPS[group][0])[:, 0]
        assert float((first_value > 0).double().mean()) == pytest.approx(known, abs=0.05)


def test_groups_are_left_out_together_and_on_their_own():
    network = Recorder()
    SongDiTObjective(network, SongDiTLossSettings(group_dropout=0.2, all_dropout=0.5))(some_batch(2000))
    num_known = sum((getattr(network.conditions, names[0])[:, 0] > 0).int() for names in GROUPS.values())
    shares = torch.bincount(num_known, minlength=5) / 2000
    assert float(shares[0]) == pytest.approx(0.5 + 0.5 * 0.2**4, abs=0.05)
    assert float(shares[4]) == pytest.approx(0.5 * 0.8**4, abs=0.05)
    assert float(shares[3]) == pytest.approx(0.5 * 4 * 0.2 * 0.8**3, abs=0.05)


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
    error = denoising_error(network, batch, torch.tensor([0.8]), batch.conditions)
    return float(cell_mean(error, batch.conditions))
