"""From latents to notes, one step a note, every phrase valid by construction.

What is allowed is decided before an attribute is chosen: onsets rise inside the bar, pitches fall within one onset, and
a pitch that still sounds cannot be struck again. Finished phrases leave the batch; silent ones never enter it.

Letters in shapes: b phrases still being written, d width, v values of a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import SILENT_HEADER, VOCABULARY, Attribute, PhraseTable
from phraseloom.models.layers import HIDDEN, KeyValueCache
from phraseloom.models.note_bias import BiasedNotes, NoteBias
from phraseloom.models.phrase_vae import Memory, PhraseVAE

LARGEST_LATENT = 1e6
"""Latents are of the order of 1. Beyond this they are clipped: their squares in a layer norm would leave float32."""

VELOCITY_TEMPERATURE = 0.5
"""At 1, drawn velocities vary more than players' do, each note's being drawn on its own; medians vary too little."""


class Begun(NamedTuple):
    """Phrases of which the first values are given."""

    steps: Tensor
    """`[p, t, 4]`."""
    num_values: Tensor
    """`[p]` how many, attributes counted one by one."""

    def instead_of(self, chosen: Tensor, logits: Tensor, rows: Tensor, index: int, attribute: Attribute) -> Tensor:
        """What was `chosen [b]` for note `index` of the phrases `rows [b]`, or what is given where that is allowed."""
        if index >= self.steps.shape[1]:
            return chosen
        is_given = self.num_values[rows] > index * len(Attribute) + attribute
        given = self.steps[rows, index, attribute]
        is_allowed = logits.gather(-1, given[:, None])[:, 0] > HIDDEN / 2
        return torch.where(is_given & is_allowed, given, chosen)


@torch.inference_mode()
def decode_phrases(
    network: PhraseVAE,
    latents: Tensor,
    ticks_per_bar: int,
    *,
    noise: Tensor | float = 0.0,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    median_durations: bool = False,
    bias: NoteBias | None = None,
    silence_threshold: float = 0.5,
    begun: Begun | None = None,
) -> PhraseTable:
    """The phrases of latents.

    Args:
        latents: `[p, z]`, as the encoder gives them (not centred or scaled).
        ticks_per_bar: onsets lie before this tick; 1 to 96.
        noise: how much noise the latents are taken to carry, as a share of their scale; one number or `[p]`.
        temperature: 0 takes the likeliest onset, pitch and duration of every note; above 0 they are drawn, below 1 from
            a sharper distribution than the network's.
        generator: draws velocities from their distribution, as players vary them; without it they are the median, which
            is nearest to the true ones in the mean. The rest is drawn by it too, or by torch's global one.
        median_durations: take the median of every duration in place of the likeliest one, which of an uncertain
            distribution is too often the same short one.
        bias: of each phrase, added to the logits; one of the bar's quarter notes for each in it.
        silence_threshold: probability of silence above which a phrase is silent.
        begun: values that the phrases begin with, in place of the decoder's; where one is not allowed the decoder's
            stands.

    Raises:
        ValueError: latents of another shape, or not finite; a bar longer than the vocabulary's onsets.
    """
    if latents.ndim != 2 or latents.shape[1] != network.config.latent_size:
        raise ValueError(f"latents of shape {tuple(latents.shape)}, expected [p, {network.config.latent_size}]")
    if not torch.isfinite(latents).all():
        raise ValueError("latents hold values that are not finite")
    if not 1 <= ticks_per_bar <= VOCABULARY.sizes[Attribute.ONSET]:
        raise ValueError(f"ticks_per_bar is {ticks_per_bar}, expected 1 to {VOCABULARY.sizes[Attribute.ONSET]}")
    latents = latents.clamp(-LARGEST_LATENT, LARGEST_LATENT)
    probabilities = network.header_logits(latents).softmax(dim=-1)
    silent = probabilities[:, SILENT_HEADER] > silence_threshold
    headers = probabilities[:, :SILENT_HEADER].argmax(dim=-1).masked_fill(silent, SILENT_HEADER)
    steps = torch.zeros(len(latents), VOCABULARY.max_notes, len(Attribute), dtype=torch.int64)
    num_notes = torch.zeros(len(latents), dtype=torch.int64)
    rows = torch.nonzero(~silent)[:, 0]
    if len(rows):
        memory = network.memory(latents[rows], torch.as_tensor(noise, dtype=latents.dtype).expand(len(latents))[rows])
        choice = _Choice(temperature, median_durations, generator)
        rules = _Rules(len(rows), ticks_per_bar, None if bias is None else BiasedNotes(bias.keep(rows)))
        _write_steps(network, memory, headers[rows], rows, rules, choice, steps, num_notes, begun)
    lengths = num_notes.numpy()
    return PhraseTable(
        headers=headers.numpy().astype(np.int16),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        steps=steps.numpy()[np.arange(VOCABULARY.max_notes) < lengths[:, None]].astype(np.int16),
    )


def _write_steps(
    network: PhraseVAE,
    memory: Memory,
    headers: Tensor,
    rows: Tensor,
    rules: _Rules,
    choice: _Choice,
    steps: Tensor,
    num_notes: Tensor,
    begun: Begun | None,
) -> None:
    """Fills `steps` and `num_notes` at `rows`, step after step until every phrase has ended."""
    tables = network.tables()
    loudness_table = network.loudness_table(tables)
    caches = [KeyValueCache() for _ in network.decoder]
    tokens, loudness = torch.cat([memory.tokens, network.embed_headers(headers)], dim=1), memory.loudness
    state = network.run_decoder(tokens, 0, caches, last_only=True)[:, -1]
    position = tokens.shape[1]
    for index in range(VOCABULARY.max_notes + 1):
        onset_logits = network.heads[Attribute.ONSET](state, tables[Attribute.ONSET]).float()
        onset_logits = onset_logits + rules.onset_bias(index)
        onset = choice.of(Attribute.ONSET, onset_logits)
        if begun is not None:
            onset = begun.instead_of(onset, onset_logits, rows, index, Attribute.ONSET)
        going_on = torch.nonzero(onset != VOCABULARY.end_index)[:, 0]
        if len(going_on) < len(onset):
            rows, state, onset, loudness = rows[going_on], state[going_on], onset[going_on], loudness[going_on]
            rules.keep(going_on)
            for cache in caches:
                cache.keep(going_on)
        if not len(rows):
            return
        values = [onset]
        for attribute in (Attribute.PITCH, Attribute.DURATION, Attribute.VELOCITY):
            state = state + F.embedding(values[-1], tables[attribute - 1])
            if attribute == Attribute.VELOCITY:
                state = state + network.embed_loudness(loudness, onset, loudness_table)
            logits = network.heads[attribute](state, tables[attribute]).float()
            if attribute == Attribute.PITCH:
                logits = (logits + rules.pitch_bias(onset)).masked_fill(rules.forbidden_pitches(onset), HIDDEN)
            value = choice.of(attribute, logits)
            values.append(value if begun is None else begun.instead_of(value, logits, rows, index, attribute))
        step = torch.stack(values, dim=-1)
        steps[rows, index] = step
        num_notes[rows] = index + 1
        rules.note(step)
        state = network.run_decoder(network.embed_steps(step[:, None], tables), position, caches)[:, -1]
        position += 1


@dataclass(frozen=True)
class _Choice:
    """How values are taken from their distributions; arguments as of `decode_phrases`."""

    temperature: float
    median_durations: bool
    generator: torch.Generator | None

    def of(self, attribute: Attribute, logits: Tensor) -> Tensor:
        """`[b, v] -> [b]`."""
        if attribute == Attribute.VELOCITY:
            drawn = self.generator is not None
            return drawn_from(logits / VELOCITY_TEMPERATURE, self.generator) if drawn else median(logits)
        if self.temperature > 0:
            return drawn_from(logits / self.temperature, self.generator)
        return median(logits) if attribute == Attribute.DURATION and self.median_durations else logits.argmax(dim=-1)


class _Rules:
    """What the next step of each phrase may be, given its steps so far."""

    def __init__(self, num_phrases: int, ticks_per_bar: int, biased: BiasedNotes | None) -> None:
        num_pitches = VOCABULARY.sizes[Attribute.PITCH]
        self.biased = biased
        self.last_onset = torch.zeros(num_phrases, dtype=torch.int64)
        # Of every pitch the first tick at which it may be struck: it sounds until then, or would not fall before.
        self.free_from = torch.zeros(num_phrases, num_pitches, dtype=torch.int16)
        self.pitches = torch.arange(num_pitches, dtype=torch.int16)
        # Of every tick, which onsets (and the end) may come from there on; of the bar's last border the end alone.
        onsets, earliest = torch.arange(VOCABULARY.end_index + 1), torch.arange(ticks_per_bar + 1)[:, None]
        allowed = (onsets >= earliest) & (onsets < ticks_per_bar) | (onsets == VOCABULARY.end_index)
        self.onset_biases = torch.where(allowed, 0.0, HIDDEN)

    def keep(self, rows: Tensor) -> None:
        self.last_onset, self.free_from = self.last_onset[rows], self.free_from.index_select(0, rows)
        if self.biased is not None:
            self.biased.keep(rows)

    def note(self, step: Tensor) -> None:
        """Takes in the step `[b, 4]` that was just written."""
        if self.biased is not None:
            self.biased.note(step)
        self.last_onset, pitch = step[:, Attribute.ONSET], step[:, Attribute.PITCH, None]
        end = self.last_onset + step[:, Attribute.DURATION] + VOCABULARY.attributes[Attribute.DURATION].first
        later = (self.last_onset + 1).short()[:, None]
        falls = self.pitches < pitch.short()
        self.free_from = torch.where(falls, self.free_from, self.free_from.maximum(later))
        self.free_from.scatter_(1, pitch, end.short()[:, None])

    def onset_bias(self, index: int) -> Tensor:
        """`[v]` or `[b, v]` of the onset of note `index`, the end included.

        No phrase begins with its end, and none has more notes than the vocabulary says. The same onset comes again only
        where a lower pitch is free.
        """
        if index == 0:
            return self.onset_biases[0].index_fill(0, torch.tensor(VOCABULARY.end_index), HIDDEN)
        if index == VOCABULARY.max_notes:
            return self.onset_biases[-1]
        bias = F.embedding(self.last_onset + ~self._has_room(), self.onset_biases)
        if self.biased is not None:
            self.biased.add_to_onsets(bias)
        return bias

    def pitch_bias(self, onset: Tensor) -> Tensor | float:
        """`[b, v]` of notes at `onset [b]`, what is allowed aside."""
        return 0.0 if self.biased is None else self.biased.of_pitches(onset)

    def forbidden_pitches(self, onset: Tensor) -> Tensor:
        """`[b, v]` whether each pitch is out of the question for notes at `onset [b]`."""
        return self.free_from > onset.short()[:, None]

    def _has_room(self) -> Tensor:
        """`[b]` whether one more note can begin with the last one."""
        is_free = self.free_from[:, 0] <= self.last_onset  # the lowest, nearly always
        return is_free if is_free.all() else ~self.forbidden_pitches(self.last_onset).all(dim=1)


def drawn_from(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """A value drawn from each distribution, `[b, v] -> [b]`."""
    return torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)[:, 0]


def median(logits: Tensor) -> Tensor:
    """The median value of each distribution, `[..., v] -> [...]`."""
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    return (cumulative < 0.5).sum(dim=-1).clamp(max=logits.shape[-1] - 1)
