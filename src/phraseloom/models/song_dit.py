"""The song transformer: from noisy latents of a whole song to clean ones.

A diffusion transformer (Peebles and Xie, "Scalable Diffusion Models with Transformers", arXiv 2212.09748) with one
token a bar: the latents of all slots side by side. One adaptive norm is shared by the layers, each adding its own
offset (Chen et al., "PixArt-alpha", arXiv 2310.00426). Attention is told by a learned bias which bars belong together.
The layers see latents of unit variance at every level and correct the best linear guess of the clean ones (Karras et
al., arXiv 2206.00364, section 5), so that a cell at level 0 comes out as it went in. What was predicted in the step
before goes in beside the noisy latents, so that the network keeps to what it has settled for (self-conditioning: Chen
et al., "Analog Bits", arXiv 2208.04202).

Contract: `(noisy [b, n, s, z], level [b, n, s], conditions, guess [b, n, s, z] | None) -> clean [b, n, s, z]`, level 0
clean, 1 pure noise, None for no guess yet.
Letters in shapes: b songs, n bars, s slots, z latent size, d width, h heads, l layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from phraseloom.form import MAX_BARS
from phraseloom.models.conditions import NUM_RELATIONS, ConditionEmbedding, SongConditions, bar_relations, is_homologous
from phraseloom.models.layers import HIDDEN, Attention, FeedForward, Norm, channels_of_head, initialise, rotary_tables

LEVEL_FREQUENCIES = 16


@dataclass(frozen=True)
class SongDiTConfig:
    """Sizes of a song transformer.

    Raises:
        ValueError: the width does not split into the heads.
    """

    num_slots: int = 3
    latent_size: int = 64
    width: int = 320
    num_layers: int = 6
    num_heads: int = 5
    dropout: float = 0.1
    local_layers: int = 0
    """So many of the first layers see only near and homologous bars."""
    local_bars: int = 8
    """How far they see to either side."""

    def __post_init__(self) -> None:
        channels_of_head(self.width, self.num_heads)

    def for_corpus(self, num_slots: int, latent_size: int) -> SongDiTConfig:
        """The same network for songs of this shape."""
        return replace(self, num_slots=num_slots, latent_size=latent_size)


class LevelEmbedding(nn.Module):
    """Vectors of the noise levels of a bar's slots, `[b, n, s] -> [b, n, d]`; computed in float32."""

    frequencies: Tensor

    def __init__(self, num_slots: int, width: int) -> None:
        super().__init__()
        frequencies = torch.pi * 2.0 ** torch.linspace(-1, 6, LEVEL_FREQUENCIES)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.hidden = nn.Linear(num_slots * 2 * LEVEL_FREQUENCIES, width)
        self.out = nn.Linear(width, width)

    def forward(self, level: Tensor) -> Tensor:
        with torch.autocast(level.device.type, enabled=False):
            angles = level.float()[..., None] * self.frequencies
            waves = torch.cat([angles.cos(), angles.sin()], dim=-1).flatten(-2)
            return self.out(nn.functional.silu(self.hidden(waves)))


class DiTBlock(nn.Module):
    """A transformer layer whose norms are shifted, scaled and gated from outside."""

    def __init__(self, config: SongDiTConfig) -> None:
        super().__init__()
        width = config.width
        self.attention_norm = Norm(width, affine=False)
        self.attention = Attention(width, config.num_heads)
        self.feed_forward_norm = Norm(width, affine=False)
        self.feed_forward = FeedForward(width)
        self.modulation_offset = nn.Parameter(torch.zeros(6, width))
        self.relation_bias = nn.Embedding(NUM_RELATIONS, config.num_heads)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.zeros_(self.relation_bias.weight)

    def forward(
        self, x: Tensor, modulation: Tensor, relations: Tensor, hidden: Tensor, rotary: tuple[Tensor, Tensor]
    ) -> Tensor:
        """`x [b, n, d]`, `modulation [b, n, 6, d]`, `relations [b, n, n]`, `hidden [b, 1, 1, n]` -> `[b, n, d]`."""
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (modulation + self.modulation_offset).unbind(dim=-2)
        bias = self.relation_bias(relations).permute(0, 3, 1, 2) + hidden
        attended = self.attention(self.attention_norm(x) * (1 + scale_a) + shift_a, rotary, bias)
        x = x + gate_a * self.dropout(attended)
        fed = self.feed_forward(self.feed_forward_norm(x) * (1 + scale_f) + shift_f)
        return x + gate_f * self.dropout(fed)


class SongDiT(nn.Module):
    """See the module's contract."""

    rotary_cos: Tensor
    rotary_sin: Tensor

    def __init__(self, config: SongDiTConfig) -> None:
        super().__init__()
        self.config = config
        width, cells = config.width, config.num_slots * config.latent_size
        self.from_cells = nn.Linear(cells, width)
        self.from_guess = nn.Linear(cells, width, bias=False)
        self.level_embedding = LevelEmbedding(config.num_slots, width)
        self.condition_embedding = ConditionEmbedding(width, config.num_slots)
        self.to_modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList([DiTBlock(config) for _ in range(config.num_layers)])
        self.final_norm = Norm(width)
        self.to_cells = nn.Linear(width, cells)
        cos, sin = rotary_tables(MAX_BARS, width // config.num_heads)
        self.register_buffer("rotary_cos", cos, persistent=False)
        self.register_buffer("rotary_sin", sin, persistent=False)
        initialise(self, 2 * config.num_layers)
        # Layers start as the identity, the prediction as the best linear one, and guesses count for nothing.
        for weights in (*self.to_modulation.parameters(), *self.to_cells.parameters(), self.from_guess.weight):
            nn.init.zeros_(weights)

    def forward(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None = None) -> Tensor:
        x, through, predicted = self._started(noisy, level, conditions, guess)
        return predicted(through(x, range(len(self.blocks))))

    def with_weakened(
        self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None, layer: int
    ) -> tuple[Tensor, Tensor]:
        """The prediction, and the one without the layer of that number; what comes before it is computed once."""
        x, through, predicted = self._started(noisy, level, conditions, guess)
        x, behind = through(x, range(layer)), range(layer + 1, len(self.blocks))
        return predicted(through(through(x, range(layer, layer + 1)), behind)), predicted(through(x, behind))

    def _started(
        self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None
    ) -> tuple[Tensor, Callable[[Tensor, range], Tensor], Callable[[Tensor], Tensor]]:
        """What enters the layers, a way through those of some numbers, and the clean latents from what leaves them."""
        n = noisy.shape[1]
        told = self.level_embedding(level) + self.condition_embedding(conditions)
        modulation = self.to_modulation(nn.functional.silu(told)).unflatten(-1, (6, self.config.width))
        deviation = ((1 - level).square() + level.square()).sqrt()[..., None]  # of the noisy latents
        relations = bar_relations(conditions)
        hidden = torch.where(conditions.is_bar, 0.0, HIDDEN)[:, None, None]
        rotary = self.rotary_cos[:n], self.rotary_sin[:n]
        near = hidden + torch.where(self._is_near(relations), 0.0, HIDDEN)[:, None]

        def through(x: Tensor, numbers: range) -> Tensor:
            for number in numbers:
                seen = near if number < self.config.local_layers else hidden
                x = self.blocks[number](x, modulation, relations, seen, rotary)
            return x

        def predicted(x: Tensor) -> Tensor:
            correction = self.to_cells(self.final_norm(x)).float().unflatten(-1, noisy.shape[2:])
            return (1 - level)[..., None] / deviation.square() * noisy + level[..., None] / deviation * correction

        guess = torch.zeros_like(noisy) if guess is None else guess  # every weight has its part in every step
        x = self.from_cells((noisy / deviation).flatten(2)) + self.from_guess(guess.flatten(2)) + told
        return x, through, predicted

    def _is_near(self, relations: Tensor) -> Tensor:
        """`[b, n, n]` bool: the pairs of bars that see each other in the local layers."""
        place = torch.arange(relations.shape[1], device=relations.device)
        is_in_window = (place[:, None] - place).abs() <= self.config.local_bars
        return is_in_window | is_homologous(relations)
