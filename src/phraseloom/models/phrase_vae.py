"""The phrase VAE: the notes of one track in one bar through 64 numbers and back.

After Ou and Wang, "PhraseVAE and PhraseLDM" (arXiv 2512.11348): learned query tokens gather the phrase, their outputs
become one Gaussian latent, the latent becomes memory tokens for an autoregressive decoder. Unlike there, the sequence
has one step a note, not one an attribute: a step's four attributes are predicted in a chain (onset, pitch given onset,
duration given both, velocity given all) from one decoder state. The decoder is also told how much noise its latent
carries (as diffusion cascades tell theirs: Ho et al., arXiv 2106.15282, section 4): it trusts a clean latent to the
note, and of a noisy one, such as a diffusion model draws, it makes the likeliest phrase near by.

The last few numbers of a latent are not learned but say how loud the phrase is (`phraseloom.models.loudness`). Only the
choice of velocities looks at them: the notes are in the others.

The way from encoder to decoder may be wider while the network learns, as in the three stages there: all of the
encoder's states (`open_memory`), or those of the query tokens (`query_memory`). The weights of encoder and decoder are
the same ones.

Letters in shapes: b phrases, t steps (the longest phrase of the batch), d width, z latent size, v values of a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from phraseloom.events import VOCABULARY, Attribute
from phraseloom.models.layers import HIDDEN, Block, KeyValueCache, Norm, channels_of_head, initialise, rotary_tables
from phraseloom.models.loudness import NUM_LOUDNESS, expected_velocities, loudness_of
from phraseloom.score import TICKS_PER_QUARTER

SEMITONES_PER_OCTAVE = 12

DECODER_PARTS = ("from_latent", "from_loudness", "noise_embedding", "header_head", "decoder", "heads")
"""What the names of weights begin with that only the way from the latent to the notes uses; the encoder uses all the
others, and both share the vectors of the attributes' values."""


@dataclass(frozen=True)
class PhraseVAEConfig:
    """Sizes of a phrase VAE.

    Raises:
        ValueError: the width does not split into the heads, or the latent has no room beside the loudness.
    """

    width: int = 256
    num_heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 3
    latent_size: int = 64
    num_query_tokens: int = 4
    num_memory_tokens: int = 4

    def __post_init__(self) -> None:
        channels_of_head(self.width, self.num_heads)
        if self.notes_size < 1:
            raise ValueError(f"latent_size is {self.latent_size}, expected more than {NUM_LOUDNESS}")

    @property
    def notes_size(self) -> int:
        """Numbers of a latent that are learned; those behind them say how loud the phrase is."""
        return self.latent_size - NUM_LOUDNESS


LOUDNESS_LOG_VARIANCE = -6.0
"""Of the posterior: what is not learned is nearly exact."""


class Posterior(NamedTuple):
    """A diagonal Gaussian over latents; both `[b, z]`. The mean is *the* latent of a phrase."""

    mean: Tensor
    log_variance: Tensor

    def sample(self) -> Tensor:
        return self.mean + torch.randn_like(self.mean) * (0.5 * self.log_variance).exp()

    def kl(self) -> Tensor:
        """Divergence from the standard normal in nats, `[b, z]`."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class Memory(NamedTuple):
    """What the decoder reads before the phrase: `tokens [b, m, d]`; `loudness [b, k]`; and which tokens it may see,
    `[b, m]` bool, None for all of them.
    """

    tokens: Tensor
    loudness: Tensor
    is_seen: Tensor | None = None


class StepLosses(NamedTuple):
    """Cross-entropies in nats, summed over the batch, one scalar an attribute, and of the headers."""

    header: Tensor
    onset: Tensor
    pitch: Tensor
    duration: Tensor
    velocity: Tensor


class NoiseEmbedding(nn.Module):
    """What is added to the memory tokens to tell the decoder of its latents' noise, `[b] -> [b, m * d]`.

    The noise is a share of the latents' scale.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(1, 32)
        self.out = nn.Linear(32, num_channels)

    def forward(self, noise: Tensor) -> Tensor:
        return self.out(F.silu(self.hidden(10 * noise[:, None])))


class AttributeEmbedding(nn.Module):
    """Vectors of the values of one range; each is the sum of its own vector and of what it shares with others.

    `period` splits a value into its residue and its quotient (pitch class and octave; place in the beat and beat), so
    that values that are musically alike start alike. The same table serves input and output.
    """

    def __init__(self, num_values: int, period: int, width: int) -> None:
        super().__init__()
        self.value = nn.Embedding(num_values, width)
        self.residue = nn.Embedding(period, width)
        self.quotient = nn.Embedding(-(-num_values // period), width)
        self.register_buffer("residues", torch.arange(num_values) % period, persistent=False)
        self.register_buffer("quotients", torch.arange(num_values) // period, persistent=False)
        for part in (self.value, self.residue, self.quotient):
            nn.init.normal_(part.weight, std=(3 * width) ** -0.5)

    def forward(self) -> Tensor:
        """The table of vectors, `[v, d]`."""
        return self.value.weight + self.residue(self.residues) + self.quotient(self.quotients)


class StepHead(nn.Module):
    """Logits of one attribute from the decoder's state and the attributes of the step known so far."""

    def __init__(self, width: int, num_values: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width, bias=False)
        self.norm = Norm(width)
        self.bias = nn.Parameter(torch.zeros(num_values))

    def forward(self, state: Tensor, table: Tensor) -> Tensor:
        """`state [..., d]`, `table [v, d] -> [..., v]`."""
        hidden = self.norm(state + F.relu(self.hidden(state)).square())
        return F.linear(hidden, table.to(hidden.dtype), self.bias.to(hidden.dtype))


class PhraseVAE(nn.Module):
    """Encoder, latent and decoder; see `encode`, `losses`, and `phraseloom.models.phrase_decoding` for the way back."""

    rotary_cos: Tensor
    rotary_sin: Tensor

    def __init__(self, config: PhraseVAEConfig) -> None:
        super().__init__()
        self.config = config
        width, sizes = config.width, VOCABULARY.sizes
        # The onset range has one more output than it has values: the end of the phrase.
        embeddings = [
            AttributeEmbedding(sizes[Attribute.ONSET] + 1, TICKS_PER_QUARTER, width),
            AttributeEmbedding(sizes[Attribute.PITCH], SEMITONES_PER_OCTAVE, width),
            AttributeEmbedding(sizes[Attribute.DURATION], TICKS_PER_QUARTER, width),
            AttributeEmbedding(sizes[Attribute.VELOCITY], 16, width),
        ]
        self.embeddings = nn.ModuleList(embeddings)
        self.header_embedding = nn.Embedding(VOCABULARY.num_headers, width)
        self.queries = nn.Parameter(torch.randn(config.num_query_tokens, width) * width**-0.5)
        self.encoder = nn.ModuleList([Block(width, config.num_heads) for _ in range(config.encoder_layers)])
        self.encoder_norm = Norm(width)
        self.to_posterior = nn.Linear(config.num_query_tokens * width, 2 * config.notes_size)
        self.from_latent = nn.Linear(config.notes_size, config.num_memory_tokens * width)
        self.from_loudness = nn.Linear(width, width, bias=False)
        self.noise_embedding = NoiseEmbedding(config.num_memory_tokens * width)
        self.header_head = nn.Sequential(
            nn.Linear(config.notes_size, width), nn.ReLU(), nn.Linear(width, VOCABULARY.num_headers)
        )
        self.decoder = nn.ModuleList([Block(width, config.num_heads) for _ in range(config.decoder_layers)])
        self.decoder_norm = Norm(width)
        self.heads = nn.ModuleList([StepHead(width, embedding.value.num_embeddings) for embedding in embeddings])
        self.input_norm = Norm(width)
        # Through an open bottleneck the decoder reads the whole phrase before it writes it.
        self.longest_memory = max(config.num_query_tokens + 1 + VOCABULARY.max_notes, config.num_memory_tokens)
        longest = self.longest_memory + 1 + VOCABULARY.max_notes
        cos, sin = rotary_tables(longest, width // config.num_heads)
        self.register_buffer("rotary_cos", cos, persistent=False)
        self.register_buffer("rotary_sin", sin, persistent=False)
        initialise(self, 2 * max(config.encoder_layers, config.decoder_layers))
        nn.init.normal_(self.header_embedding.weight, std=width**-0.5)
        nn.init.eye_(self.from_loudness.weight)  # what is expected is near what is right

    def tables(self) -> list[Tensor]:
        """The vectors of every attribute's values, `[v, d]` each; compute once and hand on."""
        return [embedding() for embedding in self.embeddings]

    def embed_steps(self, steps: Tensor, tables: list[Tensor]) -> Tensor:
        """`steps [b, t, 4] -> [b, t, d]`."""
        return self.input_norm(sum(F.embedding(steps[..., a], tables[a]) for a in Attribute))

    def loudness_table(self, tables: list[Tensor]) -> Tensor:
        """What it says of a note's velocity that some velocity is expected, `[v, d]`; compute once and hand on."""
        return self.from_loudness(tables[Attribute.VELOCITY])

    def embed_loudness(self, loudness: Tensor, onsets: Tensor, table: Tensor) -> Tensor:
        """What the loudness `[b, k]` says of the velocities of notes, `[b, d]` or `[b, t, d]`.

        Args:
            onsets: `[b]` or `[b, t]` indices as in a step; one may be the end's.
            table: from `loudness_table`.
        """
        expected = expected_velocities(loudness.float(), onsets)
        lower = expected.floor().long().clamp(max=len(table) - 2)
        share = (expected - lower)[..., None].to(table.dtype)
        return torch.lerp(F.embedding(lower, table), F.embedding(lower + 1, table), share)

    def embed_headers(self, headers: Tensor) -> Tensor:
        """`headers [b] -> [b, 1, d]`."""
        return self.input_norm(self.header_embedding(headers))[:, None]

    def rotary(self, start: int, num_tokens: int) -> tuple[Tensor, Tensor]:
        end = start + num_tokens
        return self.rotary_cos[start:end], self.rotary_sin[start:end]

    def encode(self, headers: Tensor, steps: Tensor, num_notes: Tensor) -> Posterior:
        """The posterior of each phrase.

        Args:
            headers: `[b]` int64.
            steps: `[b, t, 4]` int64; what lies behind the end of a phrase does not matter.
            num_notes: `[b]` int64.
        """
        gathered = self.query_memory(headers, steps, num_notes)
        mean, log_variance = self.to_posterior(gathered.tokens.flatten(1)).float().chunk(2, dim=-1)
        mean = torch.cat([mean, gathered.loudness], dim=-1)
        return Posterior(mean, F.pad(log_variance.clamp(-12.0, 4.0), (0, NUM_LOUDNESS), value=LOUDNESS_LOG_VARIANCE))

    def query_memory(self, headers: Tensor, steps: Tensor, num_notes: Tensor) -> Memory:
        """The encoder's states at the query tokens, as many numbers as they have; arguments as for `encode`."""
        read = self._read(headers, steps, num_notes)
        return Memory(read.tokens[:, : self.config.num_query_tokens], read.loudness)

    def open_memory(self, headers: Tensor, steps: Tensor, num_notes: Tensor) -> Memory:
        """The encoder's states at all of its tokens: no bottleneck at all; arguments as for `encode`."""
        return self._read(headers, steps, num_notes)

    def _read(self, headers: Tensor, steps: Tensor, num_notes: Tensor) -> Memory:
        b, t, _ = steps.shape
        queries = self.queries.expand(b, -1, -1)
        x = torch.cat([queries, self.embed_headers(headers), self.embed_steps(steps, self.tables())], dim=1)
        num_leading = self.config.num_query_tokens + 1
        is_seen = F.pad(torch.arange(t, device=steps.device) < num_notes[:, None], (num_leading, 0), value=True)
        bias = (~is_seen)[:, None, None].to(x.dtype) * HIDDEN
        rotary = self.rotary(0, num_leading + t)
        for block in self.encoder:
            x = block(x, rotary, bias)
        return Memory(self.encoder_norm(x), loudness_of(steps, num_notes), is_seen)

    def memory(self, latents: Tensor, noise: Tensor) -> Memory:
        """What the decoder reads of latents `[b, z]` with `noise [b]`, a share of their scale."""
        notes, loudness = self._split(latents)
        tokens = self.from_latent(notes) + self.noise_embedding(noise)
        tokens = tokens.unflatten(-1, (self.config.num_memory_tokens, self.config.width))
        return Memory(self.input_norm(tokens), loudness)

    def header_logits(self, latents: Tensor) -> Tensor:
        """Of the headers of latents `[b, z] -> [b, v]`."""
        return self.header_head(self._split(latents)[0]).float()

    def _split(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        return latents[:, : self.config.notes_size], latents[:, self.config.notes_size :]

    def run_decoder(
        self,
        x: Tensor,
        start: int,
        caches: list[KeyValueCache] | None = None,
        is_seen: Tensor | None = None,
        *,
        last_only: bool = False,
    ) -> Tensor:
        """Runs new tokens `x [b, t, d]` that begin at position `start` through the causal decoder.

        Args:
            last_only: return the last token's state alone, `[b, 1, d]`; the last layer does no more for the others than
                that one needs.
            is_seen: `[b, m]` which of the first tokens, those of an open memory, may be looked at; all where None.
        """
        t = x.shape[1]
        bias = torch.full((t, start + t), HIDDEN, device=x.device).triu(start + 1) if t > 1 else None
        if is_seen is not None:
            unseen = F.pad(~is_seen, (0, start + t - is_seen.shape[1]))[:, None, None].to(x.dtype) * HIDDEN
            bias = unseen if bias is None else bias + unseen
        rotary = self.rotary(start, t)
        if is_seen is not None:  # however long the others of the batch are, the phrase begins at the same place
            num_memory = is_seen.shape[1]
            parts = self.rotary(0, num_memory), self.rotary(self.longest_memory, t - num_memory)
            rotary = torch.cat([parts[0][0], parts[1][0]]), torch.cat([parts[0][1], parts[1][1]])
        for index, block in enumerate(self.decoder):
            is_last = index == len(self.decoder) - 1
            x = block(x, rotary, bias, None if caches is None else caches[index], last_only and is_last)
        return self.decoder_norm(x)

    def losses(self, latents: Tensor, noise: Tensor, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        """Teacher-forced cross-entropies of phrases given latents `[b, z]` with `noise [b]`; the rest as `encode`."""
        losses = self.losses_of_memory(self.memory(latents, noise), headers, steps, num_notes)
        return losses._replace(header=F.cross_entropy(self.header_logits(latents), headers, reduction="sum"))

    def losses_of_memory(self, memory: Memory, headers: Tensor, steps: Tensor, num_notes: Tensor) -> StepLosses:
        """As `losses`, of phrases given what the decoder reads; their headers are told, and cost nothing."""
        nats = self.step_nats(memory, headers, steps, num_notes)
        return StepLosses(nats[0].new_zeros(()), *(of_steps.sum() for of_steps in nats))

    def step_nats(self, memory: Memory, headers: Tensor, steps: Tensor, num_notes: Tensor) -> list[Tensor]:
        """Cross-entropies of each step's attributes, the true ones before it told.

        Returns:
            `[b, t + 1]` for the onset, whose last is the end of the phrase, and `[b, t]` for the others; 0 behind the
            end of a phrase.
        """
        logits = self.step_logits(memory, headers, steps)
        nats = []
        for of_attribute, (targets, counts) in zip(logits, step_targets(steps, num_notes), strict=True):
            flat = F.cross_entropy(of_attribute.float().flatten(0, -2), targets.flatten(), reduction="none")
            nats.append(flat.view(targets.shape) * counts)
        return nats

    def step_logits(self, memory: Memory, headers: Tensor, steps: Tensor) -> list[Tensor]:
        """Logits of each step's attributes, `[b, t + 1, v]` for the onset and `[b, t, v]` for the others."""
        tables = self.tables()
        tokens = [memory.tokens, self.embed_headers(headers), self.embed_steps(steps, tables)]
        states = self.run_decoder(torch.cat(tokens, dim=1), 0, is_seen=memory.is_seen)[:, memory.tokens.shape[1] :]
        logits = [self.heads[Attribute.ONSET](states, tables[Attribute.ONSET])]
        state = states[:, : steps.shape[1]]
        for attribute in (Attribute.PITCH, Attribute.DURATION, Attribute.VELOCITY):
            state = state + F.embedding(steps[..., attribute - 1], tables[attribute - 1])
            if attribute == Attribute.VELOCITY:
                onsets = steps[..., Attribute.ONSET]
                state = state + self.embed_loudness(memory.loudness, onsets, self.loudness_table(tables))
            logits.append(self.heads[attribute](state, tables[attribute]))
        return logits


def step_targets(steps: Tensor, num_notes: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What `PhraseVAE.step_logits` ought to say: of each attribute the true values, and where they count.

    Every position is computed and masked: shapes that never change are fast on CPUs, whose matrix kernels are compiled
    for each shape.
    """
    t = steps.shape[1]
    places = torch.arange(t + 1, device=steps.device)
    is_note = places[:t] < num_notes[:, None]
    is_onset = (places <= num_notes[:, None]) & (num_notes > 0)[:, None]  # the header alone tells of silence
    is_end = places == num_notes[:, None]
    onsets = F.pad(steps[..., Attribute.ONSET], (0, 1)).masked_fill(is_end, VOCABULARY.end_index)
    others = (Attribute.PITCH, Attribute.DURATION, Attribute.VELOCITY)
    return [(onsets, is_onset), *((steps[..., attribute], is_note) for attribute in others)]
