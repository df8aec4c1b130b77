"""Phrases to latents and back with one set of phrase VAE weights, latents centred and scaled as the weights say.

Letters in shapes: p phrases, z latent size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from phraseloom.checkpoint import (
    Checkpoint,
    checkpoint_of,
    fill_network,
    fingerprint_of,
    read_checkpoint,
    require_names,
)
from phraseloom.events import PhraseTable, header_of
from phraseloom.models.duration_drawing import draw_durations
from phraseloom.models.latent_refinement import refine_latents
from phraseloom.models.note_bias import NoteBias
from phraseloom.models.phrase_decoding import decode_phrases
from phraseloom.models.phrase_search import PhraseSearch
from phraseloom.models.phrase_tables import encode_means
from phraseloom.models.phrase_vae import DECODER_PARTS, PhraseVAE, PhraseVAEConfig
from phraseloom.progress import Progress, silent
from phraseloom.score import Score
from phraseloom.transforms import cut, normalise_key

KIND = "phrase_vae"
PHRASE_VAE_FILE = "phrase_vae.safetensors"
"""Name of the file in a folder of weights."""
DEFAULT_REFINEMENTS = 60
DEFAULT_READINGS = 6


@dataclass(frozen=True)
class LatentStatistics:
    """How latents are normalised: `(latent - mean) / scale`, one mean a dimension and one scale for all.

    A scale for every dimension would blow dimensions up that are hardly used.
    """

    mean: tuple[float, ...]
    scale: float

    @classmethod
    def of(cls, latents: np.ndarray) -> LatentStatistics:
        """Statistics of latents `[p, z]`."""
        mean = latents.mean(axis=0)
        return cls(tuple(float(value) for value in mean), float((latents - mean).std()))


class PhraseCodec:
    """Encodes and decodes phrases; `network` is in evaluation mode and float32.

    Args:
        fingerprint: of all weights.
        latent_fingerprint: of what makes the latents: the encoder, mean and scale. Weights that differ in their decoder
            alone have the same, and what was learned of their latents holds for both.
    """

    def __init__(
        self, network: PhraseVAE, statistics: LatentStatistics, fingerprint: str, latent_fingerprint: str
    ) -> None:
        self.network = network.eval()
        self.statistics = statistics
        self.fingerprint = fingerprint
        self.latent_fingerprint = latent_fingerprint
        self._mean = np.array(statistics.mean, np.float32)

    @classmethod
    def load(cls, path: Path) -> PhraseCodec:
        """Reads weights.

        Raises:
            UnreadableFileError, CheckpointError: as `read_checkpoint` and `fill_network`.
        """
        checkpoint = read_checkpoint(path, KIND)
        require_names(checkpoint, path, PhraseVAEConfig, ("latent_mean", "latent_scale"))
        network = PhraseVAE(PhraseVAEConfig(**checkpoint.config))
        fill_network(network, checkpoint, path)
        statistics = LatentStatistics(tuple(checkpoint.extra["latent_mean"]), checkpoint.extra["latent_scale"])
        return cls(network, statistics, checkpoint.fingerprint, latent_fingerprint_of(checkpoint))

    def raw(self, latents: np.ndarray) -> np.ndarray:
        """Normalised latents `[p, z]` as the network makes and reads them, float32."""
        return np.asarray(latents, np.float32) * self.statistics.scale + self._mean

    def encode(self, table: PhraseTable) -> np.ndarray:
        """Normalised latents `[p, z]` float32 of phrases."""
        return (encode_means(self.network, table) - self._mean) / self.statistics.scale

    def encode_faithfully(
        self, table: PhraseTable, *, refinements: int = DEFAULT_REFINEMENTS, progress: Progress = silent
    ) -> np.ndarray:
        """As `encode`, the latents moved until they decode to the notes; see `phraseloom.models.latent_refinement`.

        Args:
            refinements: steps at most; each takes as long as reading those phrases a few times that do not come back
                yet. 0 is `encode`.
        """
        means = encode_means(self.network, table)
        scale = self.statistics.scale
        refined = refine_latents(
            self.network,
            table,
            means,
            scale=scale,
            num_steps=refinements,
            told=lambda share: progress("encoding", share),
        )
        return (refined - self._mean) / scale

    def decode_faithfully(
        self,
        latents: np.ndarray,
        ticks_per_bar: int,
        *,
        noise: np.ndarray | float = 0.0,
        readings: np.ndarray | int = DEFAULT_READINGS,
    ) -> PhraseTable:
        """The phrases that encode to about these normalised latents `[p, z]`, as far as they are found.

        What was decoded, unless the decoder is sure of it or it encodes to its latent again, is read again; see
        `phraseloom.models.phrase_search`. For latents that phrases have; what lies between those of phrases is better
        read once, by `decode`.

        Args:
            noise: as for `decode`.
            readings: how often phrases that are not found yet are read again, six times each; one number or `[p]`.
                More never fit worse, and the same latents give the same phrases.
        """
        told = np.broadcast_to(np.asarray(noise, np.float32), len(latents)).copy()
        table = self.decode(latents, ticks_per_bar, noise=told)
        num_rounds, raw = np.broadcast_to(readings, len(latents)), self.raw(latents)
        if not num_rounds.any():
            return table
        search = PhraseSearch(self.network, table, raw, told, ticks_per_bar, self.statistics.scale, num_rounds)
        while search.go_on():
            pass
        return search.table

    def decode(
        self,
        latents: np.ndarray,
        ticks_per_bar: int,
        *,
        noise: np.ndarray | float = 0.0,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        median_durations: bool = False,
        bias: NoteBias | None = None,
    ) -> PhraseTable:
        """The phrases of normalised latents `[p, z]`; see `phraseloom.models.phrase_decoding.decode_phrases`."""
        return decode_phrases(
            self.network,
            torch.from_numpy(self.raw(latents)),
            ticks_per_bar,
            noise=torch.as_tensor(noise, dtype=torch.float32),
            temperature=temperature,
            generator=generator,
            median_durations=median_durations,
            bias=bias,
        )

    def with_drawn_durations(self, table: PhraseTable, noise: np.ndarray, generator: torch.Generator) -> PhraseTable:
        """The phrases with durations drawn as `phraseloom.models.duration_drawing` says.

        Args:
            table: `[p]` phrases with one note or more each.
            noise: `[p]` that their latents are given, as a share of their scale: the more, the less the durations are
                what they were.
        """
        latents, told = self.encode(table), noise.astype(np.float32)
        noisy = latents + told[:, None] * torch.randn(latents.shape, generator=generator).numpy()
        raw = torch.from_numpy(self.raw(noisy))
        return draw_durations(self.network, raw, table, noise=torch.from_numpy(told), generator=generator)


def latent_fingerprint_of(checkpoint: Checkpoint) -> str:
    """16 hexadecimal digits that change with the latents that a phrase VAE's weights make, not with their decoder."""
    encoder = {name: w for name, w in checkpoint.weights.items() if not name.startswith(DECODER_PARTS)}
    belongings = [checkpoint.extra["latent_mean"], checkpoint.extra["latent_scale"]]
    return fingerprint_of([checkpoint.kind, checkpoint.config, belongings], encoder)


def song_phrases(score: Score) -> PhraseTable:
    """The phrases of a song in C major or A minor, bar by bar and in each bar track by track."""
    score = normalise_key(score)
    phrases = [notes for bar in cut(score) for notes in bar]
    tracks = score.tracks * score.num_bars
    headers = [
        header_of(track.program, track.is_drum, len(notes)) for track, notes in zip(tracks, phrases, strict=True)
    ]
    return PhraseTable.build(phrases, headers)


def sounding_latents(codec: PhraseCodec, score: Score) -> np.ndarray:
    """Normalised latents `[p, z]` float32 of the phrases of a song that have notes."""
    phrases = song_phrases(score)
    return codec.encode(phrases.select(np.flatnonzero(phrases.num_notes)))


def phrase_vae_checkpoint(network: PhraseVAE, statistics: LatentStatistics, facts: dict) -> Checkpoint:
    """A checkpoint in half precision; `facts` (corpus, steps, figures) travel with it."""
    extra = {"latent_mean": list(statistics.mean), "latent_scale": statistics.scale, **facts}
    return checkpoint_of(KIND, network, network.config, extra, torch.float16)
