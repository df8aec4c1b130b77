"""Building blocks shared by the phrase VAE and the song transformer.

Letters in shapes: b batch, t tokens (queries), s tokens (keys), h heads, d width, c channels of a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def channels_of_head(width: int, num_heads: int) -> int:
    """Channels of each head; even, as rotary positions turn them in pairs.

    Raises:
        ValueError: the width does not split so.
    """
    if width < 1 or num_heads < 1 or width % (2 * num_heads):
        raise ValueError(f"width {width} does not split into {num_heads} heads of an even number of channels")
    return width // num_heads


HIDDEN = -1e9
"""Added to logits that must not be chosen; finite, so that a row of nothing else gives no NaN."""


class Norm(nn.Module):
    """Layer norm with a gain and no bias, `[..., d] -> [..., d]`."""

    def __init__(self, width: int, affine: bool = True) -> None:
        super().__init__()
        self.width = width
        self.gain = nn.Parameter(torch.ones(width)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.width,), self.gain)


def rotary_tables(num_positions: int, channels: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines `[num_positions, channels // 2]` of rotary positions (Su et al., arXiv 2104.09864)."""
    frequencies = base ** (-torch.arange(0, channels, 2) / channels)
    angles = torch.arange(num_positions)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns pairs of channels of `x [..., t, c]` by the angles of its positions; the tables end in `[t, c // 2]`."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class KeyValueCache:
    """Keys and values `[b, h, s, c]` of the tokens seen so far, one layer's; rows can be dropped as phrases end."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        if self.keys is not None and self.values is not None:
            keys = torch.cat([self.keys, keys], dim=2)
            values = torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values

    def keep(self, rows: Tensor) -> None:
        """Keeps the batch rows `rows` (indices)."""
        if self.keys is not None and self.values is not None:
            # Copies whole rows; indexing would go through them element by element.
            self.keys, self.values = self.keys.index_select(0, rows), self.values.index_select(0, rows)


class Attention(nn.Module):
    """Multi-head self-attention with normalised queries and keys and rotary positions.

    Query-key normalisation: Henry et al., arXiv 2010.04245. Written as plain matrix products: at sequences of some
    dozens of tokens they are faster on a CPU than the fused kernel, and they take any additive bias.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.channels = channels_of_head(width, num_heads)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.query_norm = Norm(self.channels)
        self.key_norm = Norm(self.channels)

    def forward(
        self,
        x: Tensor,
        rotary: tuple[Tensor, Tensor],
        bias: Tensor | None = None,
        cache: KeyValueCache | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """`x [b, t, d] -> [b, t, d]`, or `[b, 1, d]` of the last token alone.

        `bias` is added to the attention logits and broadcasts to `[b, h, t, s]`; `-inf` hides a key.
        """
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.num_heads, self.channels).permute(2, 0, 3, 1, 4)
        q = rotate(self.query_norm(q), *rotary)
        k = rotate(self.key_norm(k), *rotary)
        if cache is not None:
            k, v = cache.extend(k, v)
        if last_only:
            q, bias = q[:, :, -1:], None if bias is None else bias[..., -1:, :]
        logits = (q @ k.transpose(-1, -2)) * self.channels**-0.5
        if bias is not None:
            logits = logits + bias
        mixed = logits.softmax(dim=-1).to(v.dtype) @ v
        return self.out(mixed.transpose(1, 2).reshape(b, -1, d))


class FeedForward(nn.Module):
    """Two linear maps around a squared ReLU (So et al., arXiv 2109.08668), `[..., d] -> [..., d]`."""

    def __init__(self, width: int, expansion: int = 4) -> None:
        super().__init__()
        self.up = nn.Linear(width, expansion * width, bias=False)
        self.down = nn.Linear(expansion * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, width: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = Norm(width)
        self.attention = Attention(width, num_heads)
        self.feed_forward_norm = Norm(width)
        self.feed_forward = FeedForward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        rotary: tuple[Tensor, Tensor],
        bias: Tensor | None = None,
        cache: KeyValueCache | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Shapes and arguments as for the attention."""
        attended = self.attention(self.attention_norm(x), rotary, bias, cache, last_only)
        x = (x[:, -1:] if last_only else x) + self.dropout(attended)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


def initialise(module: nn.Module, num_residual_branches: int) -> None:
    """Normal weights of 1/sqrt(inputs), those that close a residual branch scaled down by the depth (GPT-2)."""
    for name, child in module.named_modules():
        if isinstance(child, nn.Linear):
            scale = child.in_features**-0.5
            if name.endswith(("attention.out", "feed_forward.down")):
                scale /= max(1, num_residual_branches) ** 0.5
            nn.init.normal_(child.weight, std=scale)
            if child.bias is not None:
                nn.init.zeros_(child.bias)
