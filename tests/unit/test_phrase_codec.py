"""Decoding by encoding again: what is found never fits its latent worse than the first reading."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from phraseloom.events import PhraseTable
from phraseloom.phrase_codec import NATS_OF_DISTANCE, phrase_nats
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
    monkeypatch.setattr(f"phraseloom.phrase_codec.{enough}", 1e6)
    calls = []
    decode = codec.decode
    monkeypatch.setattr(codec, "decode", lambda *args, **options: calls.append(1) or decode(*args, **options))
    codec.decode_faithfully(wanted, TICKS_PER_BAR)
    assert len(calls) == 1


def test_phrases_of_a_table_are_replaced() -> None:
    table = PhraseTable.build([phrase(60, 62), phrase(64), phrase(65, 67, 69)], [0, 1, 2])
    others = PhraseTable.build([phrase(72), phrase(74, 76)], [3, 4])
    made = table.replaced(np.array([2, 0]), others)
    assert [made.phrase(i).pitch.tolist() for i in range(3)] == [[74, 76], [64], [72]]
    assert made.headers.tolist() == [4, 1, 3]
