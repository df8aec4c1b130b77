"""Loudness as numbers of a latent: fits worked by hand, what it leaves to the notes, and what velocities follow."""

from __future__ import annotations

import pytest
import torch

from phraseloom.events import VOCABULARY, Attribute, PhraseTable, header_of
from phraseloom.models.loudness import (
    NUM_LOUDNESS,
    SPREADS,
    TYPICAL_VELOCITY,
    UNEVENNESS,
    UNIT,
    expected_velocities,
    loudness_of,
)
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.phrase_decoding import decode_phrases
from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig
from phraseloom.phrase_codec import song_phrases
from phraseloom.score import Notes
from support.networks import TINY_PHRASE_VAE
from support.songs import make_song


def phrase_of(*rows: tuple[int, int, int, int]) -> PhraseBatch:
    """One phrase of (onset, duration, pitch, velocity)."""
    return PhraseBatch.of(PhraseTable.build([Notes.from_rows(rows)], [header_of(0, False, len(rows))]))


def loudness(batch: PhraseBatch) -> torch.Tensor:
    return loudness_of(batch.steps, batch.num_notes)


def expected(batch: PhraseBatch) -> list[float]:
    """Velocities."""
    index = expected_velocities(loudness(batch), batch.steps[..., Attribute.ONSET])
    return (index + VOCABULARY.attributes[Attribute.VELOCITY].first)[0].tolist()


def test_one_note_by_hand():
    """On a quarter its parts are 1 and 1, between two of them 1 and -1."""
    for onset, sign in ((24, 1), (30, -1)):
        told = loudness(phrase_of((onset, 6, 60, 104)))[0]
        gain = (104 - TYPICAL_VELOCITY) / (SPREADS[0] ** 2 + SPREADS[1] ** 2 + UNEVENNESS**2)
        torch.testing.assert_close(told, torch.tensor([SPREADS[0] ** 2, sign * SPREADS[1] ** 2]) * gain / UNIT)


def test_silence_and_typical_phrases_say_nothing():
    silent = PhraseBatch.of(PhraseTable.build([Notes.empty()], [header_of(0, False, 0)]))
    assert loudness(silent).tolist() == [[0.0] * NUM_LOUDNESS]
    typical = phrase_of(*[(3 * n, 3, 60 + n, int(TYPICAL_VELOCITY)) for n in range(16)])
    assert loudness(typical).abs().max() == 0


@pytest.mark.parametrize(
    "velocity",
    [
        lambda onset: 60,
        lambda onset: 90 if onset % 12 else 110,
        lambda onset: 80 if onset % 12 else 70,
    ],
)
def test_a_phrase_of_many_notes_is_told_nearly_as_it_is_played(velocity):
    rows = [(onset, 3, pitch, velocity(onset)) for onset in range(0, 48, 6) for pitch in (48, 60, 67)]
    batch = phrase_of(*rows)
    played = batch.steps[0, :, Attribute.VELOCITY] + 1
    assert (torch.tensor(expected(batch)) - played).abs().mean() < 3


def test_what_is_expected_is_a_velocity():
    onsets = torch.zeros(1, 2, dtype=torch.int64)
    for value, index in ((1e4, 126), (-1e4, 0)):
        told = torch.tensor([[value, 0]])
        assert expected_velocities(told, onsets).tolist() == [[index, index]]
        assert expected_velocities(told, onsets[:, 0]).tolist() == [index]


@pytest.fixture
def network() -> PhraseVAE:
    torch.manual_seed(0)
    return PhraseVAE(TINY_PHRASE_VAE).eval()


@pytest.fixture
def batch() -> PhraseBatch:
    return PhraseBatch.of(song_phrases(make_song(3, form="i1 A2", with_drums=True)))


def test_it_is_the_end_of_a_latent(network, batch):
    torch.testing.assert_close(network.encode(*batch).mean[:, TINY_PHRASE_VAE.notes_size :], loudness(batch))


def test_notes_do_not_depend_on_it(network, batch):
    """Given what is written before; velocities do."""
    latents = network.encode(*batch).mean
    louder = latents.clone()
    louder[:, TINY_PHRASE_VAE.notes_size] += 2
    torch.testing.assert_close(network.header_logits(louder), network.header_logits(latents))
    none = torch.zeros(len(latents))
    *notes, velocities = network.step_logits(network.memory(latents, none), batch.headers, batch.steps)
    *same, louder_velocities = network.step_logits(network.memory(louder, none), batch.headers, batch.steps)
    torch.testing.assert_close(same, notes)
    assert not torch.allclose(velocities, louder_velocities)


def test_writing_asks_it_as_reading_does(network, batch):
    """The velocities that are written are those that are likeliest for the steps that are written."""
    latents = network.encode(*batch).mean
    table = decode_phrases(network, latents, 48)
    written = PhraseBatch.of(table)
    memory = network.memory(latents, torch.zeros(len(latents)))
    logits = network.step_logits(memory, written.headers, written.steps)[Attribute.VELOCITY]
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    is_note = torch.arange(written.steps.shape[1]) < written.num_notes[:, None]
    median = (cumulative < 0.5).sum(dim=-1)
    assert is_note.any()
    assert (median - written.steps[..., Attribute.VELOCITY])[is_note].abs().max() <= 1


def test_it_stays_exact_in_half_precision(batch):
    with torch.autocast("cpu", torch.bfloat16):
        told = loudness(batch)
    torch.testing.assert_close(told, loudness(batch), rtol=0, atol=0)
    assert told.dtype == torch.float32


def test_a_latent_without_room_for_notes_is_refused():
    with pytest.raises(ValueError, match="latent_size is 2, expected more than 2"):
        PhraseVAEConfig(latent_size=NUM_LOUDNESS)
