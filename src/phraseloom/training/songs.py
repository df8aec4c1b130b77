"""Songs as latents, and the song transformer's batches of them.

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from phraseloom.corpus.song import CorpusSong
from phraseloom.form import MAX_BARS, Section, num_bars_of
from phraseloom.models.conditions import (
    SILENT,
    SOUNDS,
    SongConditions,
    chord_numbers,
    collate_conditions,
    song_conditions,
)
from phraseloom.repeats import FRESH, cell_contents, find_sources, owners_of
from phraseloom.score import Score
from phraseloom.structure import find_form
from phraseloom.transforms import beat_chords, normalise_key, transpose

BAR_STEP = 16
"""Songs are padded to multiples of this: few shapes, as matrix kernels on CPUs are compiled for each."""
MIN_EXCERPT_BARS = 4


@dataclass(frozen=True)
class LatentSong:
    """One song as the song transformer sees it.

    Attributes:
        latents: `[n, s, z]` float32, normalised.
        contents: `[n, s]` numbers, equal where the notes are, 0 for silence.
        chords: `[n, k, 3]` of its beats, in C major or A minor.
    """

    latents: np.ndarray
    sections: tuple[Section, ...]
    tempo_bpm: float
    mode: str | None
    contents: np.ndarray
    chords: np.ndarray

    @classmethod
    def of(cls, score: Score, latents: np.ndarray) -> LatentSong:
        """A song with its latents `[n, s, z]`, of its first `s` tracks; its form is found where it has none."""
        num_bars, num_slots = latents.shape[:2]
        contents = np.zeros((num_bars, num_slots), np.int64)
        own = cell_contents(score)[:, :num_slots]
        contents[:, : own.shape[1]] = own
        return cls(
            latents,
            score.sections or find_form(score),
            score.tempo_bpm,
            None if score.key is None else score.key.mode,
            contents,
            chord_numbers(beat_chords(normalise_key(score))),
        )

    @property
    def sources(self) -> np.ndarray:
        """`[n, s]` as in `phraseloom.repeats`."""
        return find_sources(self.sections, self.contents)


def transposed_copies(songs: Sequence[CorpusSong], num_copies: int, seed: int) -> list[CorpusSong]:
    """Copies of songs in other keys than C major and A minor, a different one each, with the key unknown.

    As the key is unknown, nothing moves them back: the network learns how notes follow chords in every key, and that
    a song of which the mode is told is in C or A.
    """
    copies = []
    for song in songs:
        rng = np.random.default_rng([seed, *song.song_id.encode()])
        score = normalise_key(song.score)
        for shift in rng.permutation(np.delete(np.arange(-5, 7), 5))[:num_copies]:
            moved = replace(transpose(score, int(shift)), key=None)
            copies.append(replace(song, song_id=f"{song.song_id}{shift:+d}", score=moved))
    return copies


class SongBatch(NamedTuple):
    """Songs padded to the longest."""

    latents: Tensor
    """`[b, n, s, z]` float32, zeros behind a song's end."""
    owners: Tensor
    """`[b, n, s]` int64: the bar whose notes a cell holds, its own where it repeats none."""
    conditions: SongConditions
    bars: Tensor
    """`[b, n]` int64: the number of each bar among all bars of all songs, one song after the other; -1 behind a song's
    end."""


class SongBatches:
    """Batches of whole songs and of excerpts that begin and end at section borders.

    Args:
        songs: any lengths; what is longer than the model's longest song is only seen in excerpts.
        bars_per_batch: bars in a batch, padding included.
        excerpt_share: share of the visits of a song in which only some successive sections of it are seen.
        seed: of order and excerpts.
    """

    def __init__(self, songs: Sequence[LatentSong], bars_per_batch: int, excerpt_share: float, seed: int) -> None:
        self.songs, self.bars_per_batch = songs, bars_per_batch
        self.excerpt_share, self.seed = excerpt_share, seed
        self.first_bars = np.cumsum([0, *(len(song.latents) for song in songs)])

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], SongBatch]]:
        rng = np.random.default_rng([self.seed, epoch])
        spans = [(index, *self._span(song, rng)) for index, song in enumerate(self.songs)]
        padded = np.array([-(-num_bars_of(self._sections(span)) // BAR_STEP) * BAR_STEP for span in spans])
        batches = []
        for num_bars in np.unique(padded):
            rows = rng.permutation(np.flatnonzero(padded == num_bars))
            size = max(1, self.bars_per_batch // int(num_bars))
            count = -(-len(rows) // size)
            filled = np.resize(rows, count * size)  # the last batch is filled up from the first
            batches += [(int(num_bars), [spans[i] for i in chosen]) for chosen in filled.reshape(count, size)]
        order = rng.permutation(len(batches))
        usable = len(order) - len(order) % num_processes
        return [partial(self._load, *batches[i]) for i in order[process:usable:num_processes]]

    def _span(self, song: LatentSong, rng: np.random.Generator) -> tuple[int, int]:
        """First and last section (exclusive) of what is seen of a song this time."""
        whole = (0, len(song.sections))
        fits = len(song.latents) <= MAX_BARS
        if fits and rng.random() >= self.excerpt_share:
            return whole
        starts = [
            (first, last)
            for first in range(len(song.sections))
            for last in range(first + 1, len(song.sections) + 1)
            if MIN_EXCERPT_BARS <= num_bars_of(song.sections[first:last]) <= MAX_BARS
        ]
        return starts[rng.integers(len(starts))] if starts else whole

    def _sections(self, span: tuple[int, int, int]) -> tuple[Section, ...]:
        index, first, last = span
        return self.songs[index].sections[first:last]

    def _load(self, num_bars: int, spans: list[tuple[int, int, int]]) -> SongBatch:
        first_song = self.songs[spans[0][0]].latents
        latents = np.zeros((len(spans), num_bars, *first_song.shape[1:]), np.float32)
        owners = np.tile(np.arange(num_bars)[:, None], (len(spans), 1, first_song.shape[1]))
        bars = np.full((len(spans), num_bars), -1)
        conditions = []
        for row, owner, own_bars, (index, first, last) in zip(latents, owners, bars, spans, strict=True):
            song, sections = self.songs[index], self._sections((index, first, last))
            start, length = num_bars_of(song.sections[:first]), num_bars_of(sections)
            seen = slice(start, start + length)
            sources = find_sources(sections, song.contents[seen])
            row[:length] = song.latents[seen]
            owner[:length] = owners_of(sources)
            own_bars[:length] = self.first_bars[index] + start + np.arange(length)
            conditions.append(
                song_conditions(
                    sections,
                    first_song.shape[1],
                    tempo_bpm=song.tempo_bpm,
                    mode=song.mode,
                    has_start=first == 0,
                    has_end=last == len(song.sections),
                    sounds=np.where(song.contents[seen] > 0, SOUNDS, SILENT),
                    is_repeated=sources != FRESH,
                    chords=song.chords[seen],
                )
            )
        told = collate_conditions(conditions, num_bars)
        return SongBatch(torch.from_numpy(latents), torch.from_numpy(owners), told, torch.from_numpy(bars))
