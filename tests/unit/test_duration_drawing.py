"""Durations drawn anew: note after note, each told what was drawn before it, and everything else as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from phraseloom.events import Attribute, PhraseTable
from phraseloom.models import duration_drawing
from phraseloom.models.duration_drawing import draw_durations
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.score import Notes
from support.networks import tiny_codec

CODEC = tiny_codec()
PHRASES = PhraseTable.build(
    [
        Notes.from_rows([(0, 6, 60, 80), (6, 12, 64, 80), (6, 12, 60, 80), (30, 4, 60, 80)]),
        Notes.from_rows([(12, 3, 50, 70)]),
        Notes.from_rows([(0, 4, 48, 90), (4, 4, 48, 90), (8, 40, 48, 90)]),
    ],
    [0, 48, 0],
)
NOISE = torch.tensor([0.0, 0.3, 0.6])


def drawn(seed: int = 0, phrases: PhraseTable = PHRASES) -> PhraseTable:
    latents = torch.from_numpy(CODEC.raw(CODEC.encode(phrases)))
    generator = torch.Generator().manual_seed(seed)
    return draw_durations(CODEC.network, latents, phrases, noise=NOISE[: len(phrases)], generator=generator)


def test_onsets_pitches_and_velocities_stay_as_they_are():
    others = [Attribute.ONSET, Attribute.PITCH, Attribute.VELOCITY]
    assert (drawn().steps[:, others] == PHRASES.steps[:, others]).all()
    assert drawn().offsets.tolist() == PHRASES.offsets.tolist()
    assert drawn().headers.tolist() == PHRASES.headers.tolist()


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert (drawn(1).steps == drawn(1).steps).all()
    assert any((drawn(1).steps != drawn(seed).steps).any() for seed in range(2, 5))


def test_no_note_is_held_until_its_pitch_is_struck_again():
    for seed in range(20):
        for number in range(len(PHRASES)):
            drawn(seed).phrase(number)  # notes of one pitch that overlap are refused


def test_every_duration_is_told_those_before_it(monkeypatch):
    """What the whole phrase says of each note, durations before it as they were drawn, is what it was drawn from."""
    monkeypatch.setattr(duration_drawing, "drawn_from", lambda logits, generator: logits.argmax(dim=-1))
    phrases = PhraseTable.build([Notes.from_rows([(6 * n, 3, 50 + n, 80) for n in range(5)])], [0])
    likeliest = drawn(phrases=phrases)
    latents = torch.from_numpy(CODEC.raw(CODEC.encode(phrases)))
    with torch.no_grad():
        memory = CODEC.network.memory(latents, NOISE[:1])
        headers, steps, _ = PhraseBatch.of(likeliest)
        told = CODEC.network.step_logits(memory, headers, steps)[Attribute.DURATION].argmax(dim=-1)
    assert told[0].tolist() == likeliest.steps[:, Attribute.DURATION].tolist()


def test_durations_follow_the_decoders_distribution():
    one = PHRASES.select(np.array([1]))
    with torch.no_grad():
        memory = CODEC.network.memory(torch.from_numpy(CODEC.raw(CODEC.encode(one))), NOISE[:1])
        headers, steps, _ = PhraseBatch.of(one)
        wanted = CODEC.network.step_logits(memory, headers, steps)[Attribute.DURATION][0, 0].softmax(dim=-1)
    many = 2000
    copies = one.select(np.zeros(many, np.int64))
    latents = torch.from_numpy(CODEC.raw(CODEC.encode(copies)))
    generator = torch.Generator().manual_seed(0)
    found = draw_durations(CODEC.network, latents, copies, noise=torch.zeros(many), generator=generator)
    shares = np.bincount(found.steps[:, Attribute.DURATION], minlength=len(wanted)) / many
    assert np.abs(shares - wanted.numpy()).max() < 4 * np.sqrt(float(wanted.max()) / many)


def test_what_is_given_is_not_changed():
    before = replace(PHRASES, steps=PHRASES.steps.copy())
    drawn()
    assert (PHRASES.steps == before.steps).all()
