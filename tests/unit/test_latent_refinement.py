"""Latents moved until the decoder writes their phrases: what is right stays, what is wrong comes nearer."""

from __future__ import annotations

from functools import partial

import numpy as np

from phraseloom.events import SILENT_HEADER, PhraseTable
from phraseloom.models.latent_refinement import refine_latents
from phraseloom.models.phrase_batch import rows_of_like_length
from phraseloom.score import Notes
from support.networks import tiny_codec

TICKS_PER_BAR = 48


def latents(num_phrases: int, seed: int = 0) -> np.ndarray:
    size = tiny_codec().network.config.latent_size
    return np.random.default_rng(seed).standard_normal((num_phrases, size), np.float32)


def contents(table: PhraseTable) -> list[list[list[int]]]:
    """Onsets, durations and pitches of every phrase."""
    return [table.phrase(index).table[:, :3].tolist() for index in range(len(table))]


def num_exact(codec, wanted: PhraseTable, refined: np.ndarray) -> int:
    pairs = zip(contents(codec.decode(refined, TICKS_PER_BAR)), contents(wanted), strict=True)
    return sum(one == other for one, other in pairs)


def test_phrases_that_a_decoder_writes_are_found_again():
    codec = tiny_codec()
    wanted = codec.decode(latents(24), TICKS_PER_BAR)
    found = [num_exact(codec, wanted, codec.encode_faithfully(wanted, refinements=steps)) for steps in (0, 20, 200)]
    assert found[0] < found[1] < found[2]


def test_without_steps_it_is_the_encoder():
    codec = tiny_codec()
    table = codec.decode(latents(8), TICKS_PER_BAR)
    np.testing.assert_array_equal(codec.encode_faithfully(table, refinements=0), codec.encode(table))


def test_what_leads_enough_and_what_is_silent_stays_where_it_is(monkeypatch):
    codec = tiny_codec()
    silent = PhraseTable.build([Notes.empty()], [SILENT_HEADER])
    given = latents(1)
    np.testing.assert_array_equal(refine_latents(codec.network, silent, given, scale=2.0, num_steps=5), given)
    table, given = codec.decode(latents(8), TICKS_PER_BAR), latents(8, seed=1)
    assert (refine_latents(codec.network, table, given, scale=2.0, num_steps=5) != given).any()
    for name in ("MARGIN", "SAFE_MARGIN"):
        monkeypatch.setattr(f"phraseloom.models.latent_refinement.{name}", -1e6)
    np.testing.assert_array_equal(refine_latents(codec.network, table, given, scale=2.0, num_steps=5), given)


def test_the_batch_does_not_matter(monkeypatch):
    codec = tiny_codec()
    table = codec.decode(latents(12), TICKS_PER_BAR)
    together = codec.encode_faithfully(table, refinements=10)
    by_five = partial(rows_of_like_length, size=5)
    monkeypatch.setattr("phraseloom.models.latent_refinement.rows_of_like_length", by_five)
    np.testing.assert_allclose(codec.encode_faithfully(table, refinements=10), together, atol=1e-3)


def test_it_tells_how_far_it_is():
    codec = tiny_codec()
    table = codec.decode(latents(8), TICKS_PER_BAR)
    told: list[tuple[str, float]] = []
    codec.encode_faithfully(table, refinements=4, progress=lambda doing, share: told.append((doing, share)))
    assert told == [("encoding", 0), ("encoding", 0.25), ("encoding", 0.5), ("encoding", 0.75)]


def test_a_table_is_not_changed():
    codec = tiny_codec()
    table = codec.decode(latents(8), TICKS_PER_BAR)
    before = table.steps.copy()
    codec.encode_faithfully(table, refinements=3)
    np.testing.assert_array_equal(table.steps, before)
