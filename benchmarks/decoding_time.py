"""How long the notes of a song take into latents and back, beside two plainer ways of decoding.

    python benchmarks/decoding_time.py [SONG.mid] [--bars 64] [--runs 7] [--threads 2] [--seed 0] [--checkpoint DIR]

The first bars of a song in 4/4, or one composed with the weights, are encoded and their latents decoded, also with what
does not come back read again, as `phraseloom decode` does it. All that is measured takes turns, and the least seconds
of several rounds count, so that other work on the machine weighs on all of it alike. Beside the decoder of the library,
with the same blocks, weights and heads:

one attribute a step: every note is four tokens (onset, pitch, duration, velocity), and each of them goes through all
    blocks, with a key-value cache, before the next is chosen.
without a cache: one token a note as in the library, but for every note the whole phrase so far goes through all blocks.

No weights were trained to read such tokens, so these two write the notes that the library's decoder wrote: they compute
every state and the logits of every attribute and take the largest, as it does, but then put down the given value.
Finished phrases leave the batch and silent ones never enter it here too. What is allowed is not worked out: all the
time that they take is the network's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from cyclopts import App
from torch import Tensor

from phraseloom.composer import Composer
from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.midi import read_midi
from phraseloom.models.layers import KeyValueCache, rotary_tables
from phraseloom.models.phrase_vae import PhraseVAE
from phraseloom.phrase_codec import PhraseCodec, song_phrases
from phraseloom.plan import SongPlan
from phraseloom.song_model import TICKS_PER_BAR
from phraseloom.transforms import excerpt

app = App(help=__doc__)


class GivenNotes:
    """Phrases that are written again: the latents and the notes of those that sound, the longest first."""

    def __init__(self, codec: PhraseCodec, latents: np.ndarray, table: PhraseTable) -> None:
        order = np.argsort(-table.num_notes, kind="stable")
        self.rows = order[table.num_notes[order] > 0]
        chosen = table.select(self.rows)
        self.num_notes = chosen.num_notes
        self.steps = torch.from_numpy(chosen.padded())
        self.headers = torch.from_numpy(chosen.headers.astype(np.int64))
        raw = latents[self.rows] * codec.statistics.scale + np.array(codec.statistics.mean, np.float32)
        self.latents = torch.from_numpy(raw.astype(np.float32))

    def num_going_on(self, index: int) -> int:
        """How many of the phrases have a note `index`; they are the first ones."""
        return int((self.num_notes > index).sum())


def leading_tokens(network: PhraseVAE, given: GivenNotes) -> Tensor:
    """Memory tokens and header, `[p, m + 1, d]`; headers of all phrases are chosen from the latents, as always."""
    network.header_logits(given.latents).argmax(dim=-1)
    memory = network.memory(given.latents, torch.zeros(len(given.latents)))
    return torch.cat([memory.tokens, network.embed_headers(given.headers)], dim=1)


def choose(network: PhraseVAE, attribute: Attribute, state: Tensor, tables: list[Tensor]) -> Tensor:
    return network.heads[attribute](state, tables[attribute]).argmax(dim=-1)


@torch.inference_mode()
def one_attribute_a_step(network: PhraseVAE, given: GivenNotes) -> int:
    """Decodes with four passes a note; returns how many passes the blocks made."""
    tables = network.tables()
    tokens = leading_tokens(network, given)
    cos, sin = rotary_tables(
        tokens.shape[1] + len(Attribute) * VOCABULARY.max_notes, network.config.width // network.config.num_heads
    )
    caches = [KeyValueCache() for _ in network.decoder]
    state = network.run_decoder(tokens, 0, caches, last_only=True)[:, -1]
    position, num_passes = tokens.shape[1], 1
    for index in range(VOCABULARY.max_notes + 1):
        choose(network, Attribute.ONSET, state, tables)
        going_on = given.num_going_on(index)
        if not going_on:
            break
        if going_on < len(state):
            rows = torch.arange(going_on)
            for cache in caches:
                cache.keep(rows)
        for attribute in Attribute:
            values = given.steps[:going_on, index, attribute]
            x = network.input_norm(F.embedding(values, tables[attribute]))[:, None]
            rotary = cos[position : position + 1], sin[position : position + 1]
            for block, cache in zip(network.decoder, caches, strict=True):
                x = block(x, rotary, None, cache)
            state = network.decoder_norm(x)[:, -1]
            position, num_passes = position + 1, num_passes + 1
            if attribute < Attribute.VELOCITY:
                choose(network, Attribute(attribute + 1), state, tables)
    return num_passes


@torch.inference_mode()
def without_cache(network: PhraseVAE, given: GivenNotes) -> int:
    """Decodes with one pass a note over all that was written before; returns how many passes the blocks made."""
    tables = network.tables()
    tokens = leading_tokens(network, given)
    num_passes = 0
    for index in range(VOCABULARY.max_notes + 1):
        state = network.run_decoder(tokens, 0, last_only=True)[:, -1]
        num_passes += 1
        choose(network, Attribute.ONSET, state, tables)
        going_on = given.num_going_on(index)
        if not going_on:
            break
        tokens, state = tokens[:going_on], state[:going_on]
        steps = given.steps[:going_on, index]
        for attribute in (Attribute.PITCH, Attribute.DURATION, Attribute.VELOCITY):
            state = state + F.embedding(steps[:, attribute - 1], tables[attribute - 1])
            choose(network, attribute, state, tables)
        tokens = torch.cat([tokens, network.embed_steps(steps[:, None], tables)], dim=1)
    return num_passes


def least_seconds(works: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Of several rounds after one that does not count."""
    least = dict.fromkeys(works, float("inf"))
    for number in range(runs + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if number:
                least[name] = min(least[name], time.perf_counter() - start)
    return least


@app.default
def main(
    song: Path | None = None,
    /,
    *,
    bars: int = 64,
    runs: int = 7,
    threads: int = 2,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> None:
    torch.set_num_threads(threads)
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    codec = composer.codec
    score = composer.generate(SongPlan(num_bars=bars), seed=seed).score if song is None else read_midi(song)
    score = excerpt(score, 0, min(bars, score.num_bars))
    phrases = song_phrases(score)
    latents = codec.encode(phrases)
    table = codec.decode(latents, TICKS_PER_BAR)
    given = GivenNotes(codec, latents, table)
    print(
        f"{score.num_bars} bars, {len(score.tracks)} tracks, {len(given.rows)} of {len(table)} phrases sound, "
        f"{len(table.steps)} notes, at most {table.num_notes.max()} in one; {threads} threads, least of {runs} runs"
    )
    seconds = least_seconds(
        {
            "encode": lambda: codec.encode(phrases),
            "encode faithfully": lambda: codec.encode_faithfully(phrases),
            "decode": lambda: codec.decode(latents, TICKS_PER_BAR),
            "decode faithfully": lambda: codec.decode_faithfully(latents, TICKS_PER_BAR),
            "one attribute a step": lambda: one_attribute_a_step(codec.network, given),
            "without a cache": lambda: without_cache(codec.network, given),
        },
        runs,
    )
    for name, value in seconds.items():
        print(f"  {name:22}{value:8.3f} s, {value / seconds['decode']:.2f} times decoding")


if __name__ == "__main__":
    app()
