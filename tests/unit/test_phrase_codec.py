"""Decoding by searching: what is found never fits its latent worse than the first reading."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.phrase_search import LEAST_PROBABILITY, MOST_VALUES, NATS_OF_DISTANCE, doubts_of
from phraseloom.models.phrase_tables import phrase_nats
from phraseloom.models.phrase_vae import step_targets
from phraseloom.score import Notes
from support.networks import tiny_codec

TICKS_PER_BAR = 48


def latents(num_phrases: int = 40) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((num_phrases, tiny_codec().network.config.latent_size), np.float32)


def phrase(*pitches: int) -> Notes:
    return Notes.build([6 * i for i in range(len(pitches))], [6] * len(pitches), list(pitches), [80] * len(pitches))


def test_without_further_readings_it_is_the_plain_decoder() -> None:
    codec, wanted = tiny_codec(), latents()
    plain = codec.decode(wanted, TICKS_PER_BAR)
    again = codec.decode_faithfully(wanted, TICKS_PER_BAR, readings=0)
    assert np.array_equal(plain.offsets, again.offsets)
    assert np.array_equal(plain.steps, again.steps)


def misfits(table: PhraseTable, wanted: np.ndarray) -> np.ndarray:
    codec = tiny_codec()
    nats = phrase_nats(codec.network, table, codec.raw(wanted), np.zeros(len(wanted), np.float32))
    return nats + NATS_OF_DISTANCE * np.square(codec.encode(table) - wanted).sum(axis=1)


def test_further_readings_fit_better_and_never_worse() -> None:
    codec, wanted = tiny_codec(), latents()
    found = [misfits(codec.decode_faithfully(wanted, TICKS_PER_BAR, readings=n), wanted) for n in (0, 1, 4, 8)]
    for fewer, more in pairwise(found):
        assert (more <= fewer + 1e-3).all()
    assert found[-1].mean() < found[0].mean()


def test_nats_of_phrases_are_the_networks_losses() -> None:
    codec, wanted = tiny_codec(), latents(6)
    table = codec.decode(wanted, TICKS_PER_BAR)
    raw, noise = codec.raw(wanted), np.full(6, 0.1, np.float32)
    arguments = (raw, noise, table.headers.astype(np.int64), table.padded(), table.num_notes)
    with torch.no_grad():
        losses = codec.network.losses(*map(torch.from_numpy, arguments))
    told = phrase_nats(codec.network, table, raw, noise)
    assert told.sum() == pytest.approx(float(losses.onset + losses.pitch + losses.duration), rel=1e-4)


def test_the_same_latents_give_the_same_phrases() -> None:
    codec, wanted = tiny_codec(), latents()
    one, other = (codec.decode_faithfully(wanted, TICKS_PER_BAR, readings=3) for _ in range(2))
    assert np.array_equal(one.steps, other.steps)


@pytest.mark.parametrize("enough", ["NEAR", "SURE"])
def test_what_is_near_or_sure_is_read_once(monkeypatch: pytest.MonkeyPatch, enough: str) -> None:
    codec, wanted = tiny_codec(), latents(8)
    monkeypatch.setattr(f"phraseloom.models.phrase_search.{enough}", 1e6)
    monkeypatch.setattr("phraseloom.models.phrase_search.decode_phrases", None)
    found, plain = codec.decode_faithfully(wanted, TICKS_PER_BAR), codec.decode(wanted, TICKS_PER_BAR)
    assert np.array_equal(found.steps, plain.steps)


def test_doubts_are_other_values_the_likeliest_first() -> None:
    codec, wanted = tiny_codec(), latents(12)
    table = codec.decode(wanted, TICKS_PER_BAR)
    sounding = np.flatnonzero(table.num_notes)
    table, raw, noise = table.select(sounding), codec.raw(wanted[sounding]), np.zeros(len(sounding), np.float32)
    doubts = doubts_of(codec.network, table, raw, noise)
    headers, steps, num_notes = PhraseBatch.of(table)
    with torch.no_grad():
        memory = codec.network.memory(torch.from_numpy(raw), torch.from_numpy(noise))
        logits = codec.network.step_logits(memory, headers, steps)
    assert len(doubts.row)
    targets = step_targets(steps, num_notes)
    falls = {row: [] for row in doubts.row}
    for row, place, attribute, value in zip(*doubts, strict=True):
        own, counts = (int(part[row, place]) for part in targets[attribute])
        assert counts
        assert value != own
        if attribute == Attribute.ONSET:
            assert place == 0 or value >= steps[row, place - 1, Attribute.ONSET]
            assert place > 0 or value != VOCABULARY.end_index
        if attribute != Attribute.ONSET:  # there some are out of the question, which makes the others likelier
            likely = logits[attribute][row, place].log_softmax(dim=-1)
            assert likely[value] > np.log(LEAST_PROBABILITY)
            falls[row].append(float(likely[own] - likely[value]))
    assert all(list_ == pytest.approx(sorted(list_)) for list_ in falls.values())
    _, counts = np.unique(np.stack(doubts[:3]), axis=1, return_counts=True)
    assert counts.max() <= MOST_VALUES


def test_phrases_of_a_table_are_replaced() -> None:
    table = PhraseTable.build([phrase(60, 62), phrase(64), phrase(65, 67, 69)], [0, 1, 2])
    others = PhraseTable.build([phrase(72), phrase(74, 76)], [3, 4])
    made = table.replaced(np.array([2, 0]), others)
    assert [made.phrase(i).pitch.tolist() for i in range(3)] == [[74, 76], [64], [72]]
    assert made.headers.tolist() == [4, 1, 3]
