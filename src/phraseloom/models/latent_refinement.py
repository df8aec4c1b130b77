"""Latents from which phrases are decoded to the note: the encoder's, moved until the decoder writes what is wanted.

An encoder says in one pass what the decoder would have to be told, and of phrases that it did not learn from it is
often a little wrong where the decoder is not (the amortisation gap: Cremer et al., "Inference Suboptimality in
Variational Autoencoders", ICML 2018). So the latents of those phrases go downhill from there by gradients through the
decoder (Kim et al., "Semi-Amortized Variational Autoencoders", ICML 2018). What is gone down is not the likelihood but
what greedy decoding depends on: every value's logit is to lead all the others together by a margin. A phrase leaves
when each of its values does lead, and the others go on.

Letters in shapes: p phrases, b those of a batch, t steps, v values of a range, z latent size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from phraseloom.events import Attribute, PhraseTable
from phraseloom.models.phrase_batch import PhraseBatch, rows_of_like_length
from phraseloom.models.phrase_decoding import median
from phraseloom.models.phrase_vae import PhraseVAE, step_targets

MARGIN, SAFE_MARGIN = 1.0, 5.0
"""By how much the logit of what is wanted is to lead: first, and then on, so that the phrase withstands noise. Dense
phrases that only just come out right would not, were all to be had at once."""
RATE = 0.1
"""How far a dimension moves in the first step, as a share of the latents' scale. Twice as much is no faster, and ends
further from the encoder's latents."""
MEAN_DECAY, SQUARE_DECAY = 0.9, 0.95


def refine_latents(
    network: PhraseVAE,
    table: PhraseTable,
    latents: np.ndarray,
    *,
    scale: float,
    num_steps: int,
    told: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """Latents `[p, z]` float32 near `latents [p, z]` that decode to the onsets, pitches and durations of phrases.

    Velocities only follow: behind each note the decoder reads the one that it would write.

    Args:
        latents: the encoder's, neither centred nor scaled.
        scale: of the latents, as in `phraseloom.phrase_codec.LatentStatistics`.
        told: of the share of the steps that is done.
        num_steps: after which phrases that still would not come out right are left as they are then.
    """
    search = _Search(network, table, latents)
    going_on = np.flatnonzero(table.num_notes)
    for number in range(num_steps):
        if not len(going_on):
            break
        told(number / num_steps)
        going_on = search.descend(going_on, number, RATE * scale * (1 - number / num_steps))
    return search.latents.numpy()


class _Search:
    """Adam (Kingma and Ba, ICLR 2015) on the latents of phrases, each with its own moments."""

    def __init__(self, network: PhraseVAE, table: PhraseTable, latents: np.ndarray) -> None:
        self.network = network
        self.latents = torch.tensor(latents, dtype=torch.float32)
        self._mean, self._square = torch.zeros_like(self.latents), torch.zeros_like(self.latents)
        self._table = PhraseTable(table.headers, table.offsets, table.steps.copy())
        """With the velocities that the decoder would write."""

    def descend(self, rows: np.ndarray, number: int, rate: float) -> np.ndarray:
        """Moves the latents of those of the phrases `rows` that would not come out right; returns which they are."""
        moved = []
        for places in rows_of_like_length(self._table.num_notes[rows]):
            batch = rows[places]
            if number == 0:
                self._lead(batch, self.latents[batch])  # finds the velocities
            latents = self.latents[batch].requires_grad_()
            lead, shortfall = self._lead(batch, latents)
            is_behind = lead < SAFE_MARGIN
            (slope,) = torch.autograd.grad(shortfall, latents)
            behind = batch[is_behind.numpy()]
            self._move(behind, slope[is_behind], number, rate)
            moved.append(behind)
        return np.concatenate(moved)

    def _move(self, rows: np.ndarray, slope: Tensor, number: int, rate: float) -> None:
        mean = self._mean[rows] = MEAN_DECAY * self._mean[rows] + (1 - MEAN_DECAY) * slope
        square = self._square[rows] = SQUARE_DECAY * self._square[rows] + (1 - SQUARE_DECAY) * slope.square()
        mean, square = mean / (1 - MEAN_DECAY ** (number + 1)), square / (1 - SQUARE_DECAY ** (number + 1))
        self.latents[rows] -= rate * mean / (square.sqrt() + 1e-8)

    def _lead(self, rows: np.ndarray, latents: Tensor) -> tuple[Tensor, Tensor]:
        """By how much the least leading logit of each phrase leads `[b]`, and what is missing, one number for all."""
        headers, steps, num_notes = PhraseBatch.of(self._table.select(rows))
        memory = self.network.memory(latents, torch.zeros(len(rows)))
        *of_notes, velocity = self.network.step_logits(memory, headers, steps)
        pairs = zip(of_notes, step_targets(steps, num_notes)[: len(of_notes)], strict=True)
        leads = [_leads(logits, *targets) for logits, targets in pairs]
        header = self.network.header_logits(latents)[:, None]
        leads.append(_leads(header, headers[:, None], torch.ones(len(rows), 1, dtype=torch.bool)))
        self._write_velocities(rows, median(velocity.detach()).numpy())
        least = torch.cat([of_next for of_next, _ in leads], dim=1).detach().amin(dim=1)
        margin = torch.where(least < MARGIN, MARGIN, SAFE_MARGIN)[:, None]
        return least, F.softplus(margin - torch.cat([of_all for _, of_all in leads], dim=1)).sum()

    def _write_velocities(self, rows: np.ndarray, velocities: np.ndarray) -> None:
        places = np.arange(velocities.shape[1])
        is_note = places < self._table.num_notes[rows, None]
        self._table.steps[(self._table.offsets[rows, None] + places)[is_note], Attribute.VELOCITY] = velocities[is_note]


def _leads(logits: Tensor, targets: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """How far the logits of targets lead the next best one and all others together, `[b, t]` each.

    Args:
        logits: `[b, t, v]`.
        targets: `[b, t]`.
        counts: `[b, t]`, which of them count; the others lead without end.
    """
    wanted = logits.gather(-1, targets[..., None])[..., 0]
    others = logits.scatter(-1, targets[..., None], -torch.inf)
    next_best, all_others = wanted - others.amax(dim=-1), wanted - others.logsumexp(dim=-1)
    return next_best.masked_fill(~counts, torch.inf), all_others.masked_fill(~counts, torch.inf)
