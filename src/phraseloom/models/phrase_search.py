"""The phrase that a latent is of, looked for: what was decoded is read again wherever the decoder was in doubt.

Greedy decoding takes each value for itself and never goes back, so that one wrong note makes those behind it wrong.
Here a phrase that the decoder is not sure of, and that does not encode to its latent again, is read anew from each of
its doubtful values on: that value replaced by the next likeliest one, what comes before it kept, what comes after it
decoded greedily. The best of these readings takes its place, and the search goes on from there (analysis by synthesis,
and limited discrepancy search: Harvey and Ginsberg, IJCAI 1995). A reading is good that is likely to the decoder and
encodes near its latent.

Letters in shapes: p phrases, b those of a batch, m readings, t steps, v values of a range, z latent size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import VOCABULARY, Attribute, PhraseTable
from phraseloom.models.layers import HIDDEN
from phraseloom.models.phrase_batch import PhraseBatch, rows_of_like_length
from phraseloom.models.phrase_decoding import Begun, decode_phrases
from phraseloom.models.phrase_tables import encode_means, phrase_nats
from phraseloom.models.phrase_vae import PhraseVAE, step_targets

NEAR = 0.6
"""Distance of latents, as a share of their scale, up to which they are taken for those of one phrase: on songs that
were not learned from, nine in ten phrases that were decoded to the note lie nearer than 0.45, for their velocities, and
nine in ten others further away than 0.95."""
SURE = 0.05
"""Nats up to which a phrase is so likely to the decoder that it is not read again: what is left for all others."""
NATS_OF_DISTANCE = 2.0
"""What a squared distance of 1, as a share of the squared scale, is worth in nats."""
READINGS_A_ROUND = 6
"""Of each phrase, from its most doubtful values on."""
LEAST_PROBABILITY, MOST_VALUES = 0.01, 3
"""Of a value that might stand in place of another, and how many might."""
READINGS_PER_BATCH = 512


class Doubts(NamedTuple):
    """Values that might stand in place of those of phrases, of each phrase the likeliest first."""

    row: np.ndarray
    """`[m]` the phrase."""
    place: np.ndarray
    """`[m]` the step, or that behind the last one."""
    attribute: np.ndarray
    """`[m]`."""
    value: np.ndarray
    """`[m]` index in the attribute's range; an onset may be the end."""


class PhraseSearch:
    """The search for the phrases of latents, and where it stands.

    Args:
        table: the phrases as they were decoded from
        latents: `[p, z]`, neither centred nor scaled, with
        noise: `[p]`, as for `phraseloom.models.phrase_decoding.decode_phrases`.
        ticks_per_bar: as there.
        scale: of the latents, as in `phraseloom.phrase_codec.LatentStatistics`.
        num_rounds: `[p]` how often each phrase is read again at most, six times each.

    Attributes:
        table: the phrases, replaced by others that fit their latents better as far as they are found.
    """

    def __init__(
        self,
        network: PhraseVAE,
        table: PhraseTable,
        latents: np.ndarray,
        noise: np.ndarray,
        ticks_per_bar: int,
        scale: float,
        num_rounds: np.ndarray,
    ) -> None:
        self.network, self.table, self.latents, self.noise = network, table, latents, noise
        self.ticks_per_bar, self.scale = ticks_per_bar, scale
        self.num_rounds, self.round = num_rounds, 0
        self.nats = phrase_nats(network, table, latents, noise)
        self.squared_distance = np.zeros(len(table), np.float32)
        self.num_doubts_tried = np.zeros(len(table), np.int64)
        self.going_on = np.flatnonzero((self.nats > SURE) & (table.num_notes > 0))
        found = self._squared_distances(table.select(self.going_on), self.going_on)
        self.squared_distance[self.going_on] = found

    def go_on(self) -> bool:
        """Reads each phrase that is not found yet six times more; returns whether there was anything to read."""
        is_near = self.squared_distance[self.going_on] <= NEAR**2
        self.going_on = self.going_on[~is_near & (self.num_rounds[self.going_on] > self.round)]
        self.round += 1
        chosen = self.table.select(self.going_on)
        doubts = doubts_of(self.network, chosen, self.latents[self.going_on], self.noise[self.going_on])
        number = np.arange(len(doubts.row)) - np.searchsorted(doubts.row, doubts.row)
        already = self.num_doubts_tried[self.going_on[doubts.row]]
        doubts = Doubts(*(part[(number >= already) & (number < already + READINGS_A_ROUND)] for part in doubts))
        self.num_doubts_tried[self.going_on] += READINGS_A_ROUND
        if len(doubts.row):
            self._consider(self._readings(chosen, doubts), self.going_on[doubts.row])
        self.going_on = self.going_on[np.unique(doubts.row)]
        return len(doubts.row) > 0

    def _readings(self, chosen: PhraseTable, doubts: Doubts) -> PhraseTable:
        """The phrases of `chosen` read again, each with a doubt's value in its place."""
        steps = np.pad(chosen.padded(), ((0, 0), (0, 1), (0, 0)))
        read = PhraseTable.build([], [])
        order = np.zeros(0, np.int64)
        for batch in rows_of_like_length(chosen.num_notes[doubts.row], READINGS_PER_BATCH):
            row, place, attribute, value = (part[batch] for part in doubts)
            begun = steps[row]
            begun[np.arange(len(row)), place, attribute] = value
            num_values = place * len(Attribute) + attribute + 1
            phrases = self.going_on[row]
            its = decode_phrases(
                self.network,
                torch.from_numpy(self.latents[phrases]),
                self.ticks_per_bar,
                noise=torch.from_numpy(self.noise[phrases]),
                begun=Begun(torch.from_numpy(begun), torch.from_numpy(num_values)),
            )
            read, order = read.followed_by(its), np.concatenate([order, batch])
        return read.select(np.argsort(order))

    def _consider(self, read: PhraseTable, phrases: np.ndarray) -> None:
        """Takes of the readings of each of `phrases [m]` the best, where it is better than what there is."""
        nats = phrase_nats(self.network, read, self.latents[phrases], self.noise[phrases])
        squared_distance = self._squared_distances(read, phrases)
        misfit = nats + NATS_OF_DISTANCE * squared_distance
        by_misfit = np.lexsort((misfit, phrases))
        best = by_misfit[np.unique(phrases[by_misfit], return_index=True)[1]]
        before = self.nats[phrases[best]] + NATS_OF_DISTANCE * self.squared_distance[phrases[best]]
        best = best[misfit[best] < before - 1e-3]
        better = phrases[best]
        self.nats[better], self.squared_distance[better] = nats[best], squared_distance[best]
        self.num_doubts_tried[better] = 0
        self.table = self.table.replaced(better, read.select(best))

    def _squared_distances(self, read: PhraseTable, phrases: np.ndarray) -> np.ndarray:
        difference = encode_means(self.network, read) - self.latents[phrases]
        return np.square(difference / self.scale).sum(axis=1)


@torch.inference_mode()
def doubts_of(network: PhraseVAE, table: PhraseTable, latents: np.ndarray, noise: np.ndarray) -> Doubts:
    """The doubts of a decoder about phrases that sound, everything that comes before each value given.

    Sorted by phrase, and those of one by how much less likely the value is than the phrase's own.
    """
    found = [np.zeros((0, len(Doubts._fields) + 1))]
    for rows in rows_of_like_length(table.num_notes):
        headers, steps, num_notes = PhraseBatch.of(table.select(rows))
        memory = network.memory(torch.from_numpy(latents[rows]), torch.from_numpy(noise[rows]))
        logits = network.step_logits(memory, headers, steps)
        # No onset before the last one, and no end before the first.
        last = F.pad(steps[..., Attribute.ONSET], (1, 0))
        logits[Attribute.ONSET] = logits[Attribute.ONSET].masked_fill(
            torch.arange(VOCABULARY.end_index + 1) < last[..., None], HIDDEN
        )
        logits[Attribute.ONSET][:, 0, VOCABULARY.end_index] = HIDDEN
        targets = step_targets(steps, num_notes)
        for attribute in (Attribute.ONSET, Attribute.PITCH, Attribute.DURATION):
            row, place, value, less = _unlikelier(logits[attribute], *targets[attribute])
            found.append(np.stack([rows[row], place, np.full_like(row, attribute), value, less], axis=1))
    doubts = np.concatenate(found)
    doubts = doubts[np.lexsort((doubts[:, -1], doubts[:, 0]))]
    return Doubts(*doubts[:, :-1].astype(np.int64).T)


def _unlikelier(logits: Tensor, own: Tensor, counts: Tensor) -> list[np.ndarray]:
    """Row, place and value of what might stand in place of values, and by how many nats it is less likely, `[m]` each.

    Args:
        logits: `[b, t, v]`.
        own: `[b, t]` the values.
        counts: `[b, t]`, which of them count.
    """
    likely = logits.float().log_softmax(dim=-1)
    best, values = likely.scatter(-1, own[..., None], -torch.inf).topk(MOST_VALUES, dim=-1)
    less = likely.gather(-1, own[..., None]) - best
    is_doubt = counts[..., None] & (best > np.log(LEAST_PROBABILITY))
    row, place, _ = torch.nonzero(is_doubt, as_tuple=True)
    return [part.numpy() for part in (row, place, values[is_doubt], less[is_doubt])]
