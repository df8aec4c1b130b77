"""Durations of phrases drawn anew, their other values as they are.

The median duration of each note is the best guess at every single one, and all of them together are more even than
players are. Here each is drawn from what the decoder thinks of a latent that has lost some of its detail to noise, the
notes before it and its own onset and pitch told. Phrases of true songs come out about as varied as they were
(`docs/ablations.md`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.models.layers import KeyValueCache
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.phrase_decoding import drawn_from
from phraseloom.models.phrase_vae import PhraseVAE


@torch.inference_mode()
def draw_durations(
    network: PhraseVAE, latents: Tensor, table: PhraseTable, *, noise: Tensor, generator: torch.Generator
) -> PhraseTable:
    """The phrases with durations drawn by the decoder; no note is held into the next of its pitch.

    Args:
        latents: `[p, z]` of the phrases, as the encoder gives them, and noise added to them.
        table: `[p]` phrases with one note or more each.
        noise: `[p]` how much was added, as a share of the latents' scale.
    """
    headers, steps, num_notes = PhraseBatch.of(table)
    tables = network.tables()
    memory = network.memory(latents, noise)
    caches = [KeyValueCache() for _ in network.decoder]
    tokens = torch.cat([memory.tokens, network.embed_headers(headers)], dim=1)
    state = network.run_decoder(tokens, 0, caches, last_only=True)[:, -1]
    position, rows = tokens.shape[1], torch.arange(len(table))
    for index in range(steps.shape[1]):
        going_on = torch.nonzero(num_notes[rows] > index)[:, 0]
        if len(going_on) < len(rows):
            rows, state = rows[going_on], state[going_on]
            for cache in caches:
                cache.keep(going_on)
        for attribute in (Attribute.ONSET, Attribute.PITCH):
            state = state + F.embedding(steps[rows, index, attribute], tables[attribute])
        logits = network.heads[Attribute.DURATION](state, tables[Attribute.DURATION]).float()
        steps[rows, index, Attribute.DURATION] = drawn_from(logits, generator)
        if index + 1 < steps.shape[1]:
            state = network.run_decoder(network.embed_steps(steps[rows, index, None], tables), position, caches)[:, -1]
            position += 1
    is_note = np.arange(steps.shape[1]) < table.num_notes[:, None]
    drawn = table.steps.copy()
    drawn[:, Attribute.DURATION] = steps[..., Attribute.DURATION].numpy()[is_note]
    return replace(table, steps=_let_go(drawn, np.repeat(np.arange(len(table)), table.num_notes)))


def _let_go(steps: np.ndarray, phrase: np.ndarray) -> np.ndarray:
    """Steps `[n, 4]` of which no note sounds when its pitch is struck again in its `phrase [n]`."""
    onset, pitch, duration = steps[:, : Attribute.VELOCITY].astype(np.int64).T
    order = np.lexsort((onset, pitch, phrase))
    before, behind = order[:-1], order[1:]
    same = (phrase[before] == phrase[behind]) & (pitch[before] == pitch[behind])
    most = (onset[behind] - onset[before] - VOCABULARY.attributes[Attribute.DURATION].first)[same]
    duration[before[same]] = np.minimum(duration[before[same]], most)
    steps[:, Attribute.DURATION] = duration
    return steps
