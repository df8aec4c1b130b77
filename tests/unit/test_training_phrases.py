"""The phrases of songs, and the phrase VAE's batches of them."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from phraseloom.events import DRUMS_HEADER, MAX_NOTES, SILENT_HEADER, EncodingLosses, PhraseTable
from phraseloom.harmony import Key
from phraseloom.score import Notes, Score, Track
from phraseloom.training.phrase_augmentation import PhraseAugmentation
from phraseloom.training.phrases import (
    LENGTHS,
    TOKENS_BESIDE_NOTES,
    PhraseBatch,
    PhraseBatches,
    corpus_phrases,
    song_phrases,
)
from support.songs import make_song

TOKENS_PER_BATCH = 60
UNCHANGED = PhraseAugmentation()
AUGMENTED = PhraseAugmentation(transposed_share=0.5, spliced_share=0.5)


@pytest.fixture(scope="module")
def table() -> PhraseTable:
    """Distinct phrases of three songs with drums, and a few of the extreme lengths."""
    phrases = corpus_phrases(make_song(seed, form="i2 A4 B4", with_drums=True) for seed in range(3))
    distinct = phrases.select(phrases.distinct()[0])
    extremes = [Notes.from_rows([(i, 1, 60, 80) for i in range(length)]) for length in (33, 49, MAX_NOTES)]
    everything = [distinct.phrase(i) for i in range(len(distinct))] + extremes
    return PhraseTable.build(everything, [*distinct.headers.tolist(), 0, 0, 0])


def batches_of(
    table: PhraseTable,
    augmentation: PhraseAugmentation = UNCHANGED,
    *,
    seed: int = 1,
    epoch: int = 0,
    process: int = 0,
    num_processes: int = 1,
) -> list[PhraseBatch]:
    loads = PhraseBatches(table, TOKENS_PER_BATCH, augmentation, seed).epoch(epoch, process, num_processes)
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
    lengths = LENGTHS.tolist()
    for batch in batches_of(table):
        b, t, _ = batch.steps.shape
        shorter = lengths[lengths.index(t) - 1] if t > 1 else -1
        assert ((batch.num_notes <= t) & (batch.num_notes > shorter)).all()
        assert b == max(1, TOKENS_PER_BATCH // (t + TOKENS_BESIDE_NOTES))
        assert batch.headers.shape == batch.num_notes.shape == (b,)


def test_what_an_epoch_holds_is_a_matter_of_seed_and_number(table):
    first = batches_of(table, AUGMENTED)
    assert same(first, batches_of(table, AUGMENTED))
    assert not same(first, batches_of(table, AUGMENTED, epoch=1))
    assert not same(first, batches_of(table, AUGMENTED, seed=2))


def test_a_batch_is_the_same_whenever_it_is_loaded(table):
    loads = PhraseBatches(table, TOKENS_PER_BATCH, AUGMENTED, seed=1).epoch(0, 0, 1)
    assert same([load() for load in loads], [load() for load in loads[::-1]][::-1])


@pytest.mark.parametrize("num_processes", [2, 3, 7])
def test_processes_share_an_epoch_out_between_them(table, num_processes):
    alone = batches_of(table, AUGMENTED)
    shares = [batches_of(table, AUGMENTED, process=i, num_processes=num_processes) for i in range(num_processes)]
    assert {len(share) for share in shares} == {len(alone) // num_processes}
    in_turn = [share[i] for i in range(len(shares[0])) for share in shares]
    assert same(in_turn, alone[: len(in_turn)])


def test_augmentation_changes_notes_but_neither_order_nor_shape(table):
    plain, augmented = batches_of(table), batches_of(table, AUGMENTED)
    assert [batch.headers.tolist() for batch in augmented] == [batch.headers.tolist() for batch in plain]
    assert [batch.steps.shape for batch in augmented] == [batch.steps.shape for batch in plain]
    assert all((batch.num_notes <= batch.steps.shape[1]).all() for batch in augmented)
    assert not same(augmented, plain)


@pytest.mark.parametrize("augmentation", [PhraseAugmentation(transposed_share=1), PhraseAugmentation(spliced_share=1)])
def test_a_phrase_becomes_another_one_in_every_epoch(augmentation):
    phrases = [Notes.from_rows([(0, 12, pitch, 80), (24, 12, pitch + 1, 80)]) for pitch in range(40, 80)]
    table = PhraseTable.build(phrases, [0] * len(phrases))
    first, second = (
        {key for batch in batches_of(table, augmentation, epoch=epoch) for key in keys_of(batch)} for epoch in (0, 1)
    )
    assert len(first - second) > len(phrases) // 4
