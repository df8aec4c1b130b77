"""The phrases of songs, and the phrase VAE's batches of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from phraseloom.events import DRUMS_HEADER, MAX_NOTES, SILENT_HEADER, Attribute, EncodingLosses, PhraseTable
from phraseloom.harmony import Key
from phraseloom.score import Notes, Score, Track
from phraseloom.training.phrases import (
    TOKENS_BESIDE_NOTES,
    PhraseBatch,
    PhraseBatches,
    corpus_phrases,
    song_phrases,
    transposed,
)
from support.songs import make_song

TOKENS_PER_BATCH = 60


@pytest.fixture(scope="module")
def table() -> PhraseTable:
    """Distinct phrases of three songs with drums, and a few of the extreme lengths."""
    phrases = corpus_phrases(make_song(seed, form="i2 A4 B4", with_drums=True) for seed in range(3))
    distinct = phrases.select(phrases.distinct()[0])
    extremes = [Notes.from_rows([(i, 1, 60, 80) for i in range(length)]) for length in (33, 49, MAX_NOTES)]
    everything = [distinct.phrase(i) for i in range(len(distinct))] + extremes
    return PhraseTable.build(everything, [*distinct.headers.tolist(), 0, 0, 0])


def batches_of(
    table: PhraseTable, *, share: float = 0.0, seed: int = 1, epoch: int = 0, process: int = 0, num_processes: int = 1
) -> list[PhraseBatch]:
    loads = PhraseBatches(table, TOKENS_PER_BATCH, share, seed).epoch(epoch, process, num_processes)
    return [load() for load in loads]


def keys_of(batch: PhraseBatch) -> list[tuple[int, bytes]]:
    """Each phrase of a batch as something that can be counted."""
    rows = zip(batch.headers.tolist(), batch.steps.numpy(), batch.num_notes.tolist(), strict=True)
    return [(header, steps[:num_notes].tobytes()) for header, steps, num_notes in rows]


def all_keys(table: PhraseTable) -> Counter[tuple[int, bytes]]:
    return Counter(keys_of(PhraseBatch.of(table)))


def same(first: list[PhraseBatch], second: list[PhraseBatch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a, b) for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_phrases_of_a_song_come_bar_by_bar_and_in_c():
    piano = Track("P", Notes.from_rows([(0, 12, 62, 80), (49, 12, 66, 80)]), program=4)
    drums = Track("D", Notes.from_rows([(12, 3, 38, 80)]), is_drum=True)
    table = song_phrases(Score((piano, drums), 2, key=Key(2, "major")))
    assert table.headers.tolist() == [4, DRUMS_HEADER, 4, SILENT_HEADER]
    assert [table.phrase(i) for i in range(4)] == [
        Notes.from_rows([(0, 12, 60, 80)]),
        Notes.from_rows([(12, 3, 38, 80)]),
        Notes.from_rows([(1, 12, 64, 80)]),
        Notes.empty(),
    ]


def test_phrases_of_many_songs_follow_each_other():
    songs = [make_song(seed, form="A2") for seed in (1, 2)]
    table, parts = corpus_phrases(songs), [song_phrases(song) for song in songs]
    expected = [(int(part.headers[i]), part.phrase(i)) for part in parts for i in range(len(part))]
    assert [(int(table.headers[i]), table.phrase(i)) for i in range(len(table))] == expected


def test_what_was_lost_in_any_song_is_counted():
    crowded = Track("P", Notes.from_rows([(0, 500, pitch, 80) for pitch in range(70)]))
    score = Score((crowded,), 1)
    assert corpus_phrases([score, make_song(1, form="A1"), score]).losses == EncodingLosses(12, 128)


def test_no_songs_have_no_phrases_and_no_batches():
    table = corpus_phrases([])
    assert (len(table), len(table.steps), table.losses) == (0, 0, EncodingLosses(0, 0))
    assert batches_of(table) == []


def test_a_batch_is_whole_numbers_of_64_bits(table):
    batch = PhraseBatch.of(table, MAX_NOTES)
    assert [part.dtype for part in batch] == [torch.int64] * 3
    assert [part.shape for part in batch] == [(len(table),), (len(table), MAX_NOTES, 4), (len(table),)]


def test_an_epoch_holds_every_phrase(table):
    batches = batches_of(table)
    seen = Counter(key for batch in batches for key in keys_of(batch))
    assert seen.keys() == all_keys(table).keys()


def test_batches_have_few_shapes(table):
    lengths = PhraseBatches.LENGTHS.tolist()
    for batch in batches_of(table):
        b, t, _ = batch.steps.shape
        shorter = lengths[lengths.index(t) - 1] if t > 1 else -1
        assert ((batch.num_notes <= t) & (batch.num_notes > shorter)).all()
        assert b == max(1, TOKENS_PER_BATCH // (t + TOKENS_BESIDE_NOTES))
        assert batch.headers.shape == batch.num_notes.shape == (b,)


def test_what_an_epoch_holds_is_a_matter_of_seed_and_number(table):
    first = batches_of(table, share=0.5)
    assert same(first, batches_of(table, share=0.5))
    assert not same(first, batches_of(table, share=0.5, epoch=1))
    assert not same(first, batches_of(table, share=0.5, seed=2))


def test_a_batch_is_the_same_whenever_it_is_loaded(table):
    loads = PhraseBatches(table, TOKENS_PER_BATCH, 1.0, seed=1).epoch(0, 0, 1)
    assert same([load() for load in loads], [load() for load in loads[::-1]][::-1])


@pytest.mark.parametrize("num_processes", [2, 3, 7])
def test_processes_share_an_epoch_out_between_them(table, num_processes):
    alone = batches_of(table, share=0.5)
    shares = [batches_of(table, share=0.5, process=i, num_processes=num_processes) for i in range(num_processes)]
    assert {len(share) for share in shares} == {len(alone) // num_processes}
    in_turn = [share[i] for i in range(len(shares[0])) for share in shares]
    assert same(in_turn, alone[: len(in_turn)])


def test_the_share_of_transposed_phrases_is_as_asked(table):
    pitched = np.flatnonzero((table.headers < DRUMS_HEADER) & (table.num_notes > 0))
    table = table.select(pitched)
    originals = all_keys(table)
    keys = [
        key
        for batch in batches_of(table.select(np.tile(np.arange(len(table)), 5)), share=0.5)
        for key in keys_of(batch)
    ]
    share = np.mean([key not in originals for key in keys])
    assert 0.4 < share < 0.6


def test_transpositions_go_up_to_six_semitones_up_and_down():
    table = PhraseTable.build([Notes.from_rows([(0, 12, 60, 80), (0, 12, 50, 80)])] * 200, [0] * 200)
    steps = torch.cat([batch.steps for batch in batches_of(table, share=1.0)])
    pitches = steps[..., Attribute.PITCH]
    assert set((pitches[:, 0] - 60).tolist()) == {-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6}
    assert (pitches[:, 0] - pitches[:, 1] == 10).all()


def test_drums_and_what_would_leave_the_range_stay():
    low, high = Notes.from_rows([(0, 12, 2, 80), (0, 12, 60, 80)]), Notes.from_rows([(0, 12, 127, 80)])
    middle, hit = Notes.from_rows([(0, 12, 60, 80)]), Notes.from_rows([(0, 3, 36, 80)])
    table = PhraseTable.build([low, high, middle, hit, Notes.empty(), low], [0, 0, 0, DRUMS_HEADER, SILENT_HEADER, 0])
    moved = transposed(table, np.array([-3, 1, -3, 5, 5, -2]))
    assert [moved.phrase(i) for i in range(6)] == [
        low, high, middle.transposed(-3), hit, Notes.empty(), low.transposed(-2)
    ]  # fmt: skip
    assert table.phrase(2) == middle


def test_transposition_by_nothing_is_the_same_table(table):
    assert transposed(table, np.zeros(len(table), np.int64)) is table
