"""The latents of a corpus's songs, computed once for a phrase VAE and kept beside its weights.

A safetensors file holds one array `[n, s, z]` float32 a song; its header names the phrase VAE and the corpus.
Letters in shapes: n bars, s slots, z latent size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from phraseloom.corpus.song import CorpusSong
from phraseloom.corpus.store import Corpus
from phraseloom.files import written_beside
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.progress import Progress
from phraseloom.score import Notes, Score, Track
from phraseloom.training.phrases import corpus_phrases
from phraseloom.training.precision import autocast_where_faster

SONGS_PER_BATCH = 64
LATENTS_FILE = "latents.safetensors"
"""Name of the file in a folder of weights; it can be computed again."""


def latents_beside(
    weights: Path,
    songs: Sequence[CorpusSong],
    corpus: Corpus,
    codec: PhraseCodec,
    accelerator: Accelerator,
    progress: Progress,
) -> dict[str, np.ndarray]:
    """As `corpus_latents`, kept beside weights; of several processes the first one computes what is missing."""
    codec.network.to(accelerator.device)
    with accelerator.main_process_first():  # the others find them in the file
        latents = corpus_latents(
            songs,
            corpus.fingerprint,
            len(corpus.slots),
            codec,
            weights.with_name(LATENTS_FILE),
            is_writer=accelerator.is_main_process,
            progress=progress,
        )
    codec.network.cpu()
    return latents


def corpus_latents(
    songs: Sequence[CorpusSong],
    corpus_fingerprint: str,
    num_slots: int,
    codec: PhraseCodec,
    path: Path,
    *,
    is_writer: bool,
    progress: Progress,
) -> dict[str, np.ndarray]:
    """The normalised latents `[n, s, z]` of songs by their ids: read from `path` if it holds them, else computed.

    Args:
        is_writer: whether this process keeps what it computed; one of several does.
    """
    belongs_to = {"phrase_vae": codec.latent_fingerprint, "corpus": corpus_fingerprint}
    latents = _read(path, belongs_to)
    missing = [song for song in songs if song.song_id not in latents]
    if not missing:
        return latents
    for start in range(0, len(missing), SONGS_PER_BATCH):
        progress("latents", start / len(missing))
        together = missing[start : start + SONGS_PER_BATCH]
        with autocast_where_faster(codec.network.queries.device.type):  # off by 0.004 of the latents' scale
            encoded = song_latents([song.score for song in together], num_slots, codec)
        latents |= {song.song_id: of_song for song, of_song in zip(together, encoded, strict=True)}
    if is_writer:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as part:
            part.write_bytes(save(latents, metadata=belongs_to))
    return latents


def song_latents(scores: Sequence[Score], num_slots: int, codec: PhraseCodec) -> list[np.ndarray]:
    """`[n, s, z]` normalised latents of each score's first `num_slots` tracks; slots without a track are silent.

    Encoded all together, as phrases of like length fill a batch better the more there are.
    """
    latents = codec.encode(corpus_phrases(slotted(score, num_slots) for score in scores))
    ends = np.cumsum([score.num_bars * num_slots for score in scores])[:-1]
    return [cells.reshape(-1, num_slots, cells.shape[-1]) for cells in np.split(latents, ends)]


def slotted(score: Score, num_slots: int) -> Score:
    """The notes of a score's first `num_slots` tracks, and silent tracks where it has fewer."""
    silent = Track("", Notes.empty())
    return Score((score.tracks + (silent,) * num_slots)[:num_slots], score.num_bars, score.meters, key=score.key)


def _read(path: Path, belongs_to: Mapping[str, str]) -> dict[str, np.ndarray]:
    """What the file holds, or nothing where it is of another phrase VAE or corpus, damaged, or not there."""
    try:
        with safe_open(path, framework="numpy") as file:
            if file.metadata() != dict(belongs_to):
                return {}
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError):
        return {}
