"""The song transformer's batches of songs.

Letters in shapes: b songs, n bars, s slots, z latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from phraseloom.form import MAX_BARS, Section, num_bars_of
from phraseloom.models.conditions import SILENT, SOUNDS, SongConditions, collate_conditions, song_conditions
from phraseloom.repeats import FRESH, find_sources, owners_of
from phraseloom.texture import texture_of_bars
from phraseloom.training.accompaniments import Accompaniments, Arrangement
from phraseloom.training.songs import LatentSong

BAR_STEP = 16
"""Songs are padded to multiples of this: few shapes, as matrix kernels on CPUs are compiled for each."""
MIN_EXCERPT_BARS = 4


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


class _Visit(NamedTuple):
    """A song, the numbers of those of its sections that are seen, in order, and the epoch."""

    song: int
    sections: tuple[int, ...]
    epoch: int


class SongBatches:
    """Batches of whole songs, of songs with a section left out or doubled, and of excerpts between section borders.

    Args:
        songs: any lengths; what is longer than the model's longest song is only seen in excerpts.
        bars_per_batch: bars in a batch, padding included.
        excerpt_share: share of the visits of a song in which only some successive sections of it are seen.
        seed: of order, excerpts and rearrangements.
        rearranged_share: share of the visits in which one section is left out or comes twice.
        accompaniments: draws an arrangement of these songs for each visit; they stay as they are if None.
    """

    def __init__(
        self,
        songs: Sequence[LatentSong],
        bars_per_batch: int,
        excerpt_share: float,
        seed: int,
        rearranged_share: float = 0.0,
        accompaniments: Accompaniments | None = None,
    ) -> None:
        self.songs, self.bars_per_batch = songs, bars_per_batch
        self.excerpt_share, self.rearranged_share, self.seed = excerpt_share, rearranged_share, seed
        self.accompaniments = Accompaniments(songs, (), 0.0) if accompaniments is None else accompaniments
        self.first_bars = np.cumsum([0, *(len(song.latents) for song in songs)])

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], SongBatch]]:
        rng = np.random.default_rng([self.seed, epoch])
        visits = [_Visit(index, self._numbers(song, rng), epoch) for index, song in enumerate(self.songs)]
        padded = np.array([-(-num_bars_of(self._sections(visit)) // BAR_STEP) * BAR_STEP for visit in visits])
        batches = []
        for num_bars in np.unique(padded):
            rows = rng.permutation(np.flatnonzero(padded == num_bars))
            size = max(1, self.bars_per_batch // int(num_bars))
            count = -(-len(rows) // size)
            filled = np.resize(rows, count * size)  # the last batch is filled up from the first
            batches += [(int(num_bars), [visits[i] for i in chosen]) for chosen in filled.reshape(count, size)]
        order = rng.permutation(len(batches))
        usable = len(order) - len(order) % num_processes
        return [partial(self._load, *batches[i]) for i in order[process:usable:num_processes]]

    def _numbers(self, song: LatentSong, rng: np.random.Generator) -> tuple[int, ...]:
        """The numbers of the sections that are seen of a song this time, in their order."""
        count = len(song.sections)
        whole = tuple(range(count))
        if len(song.latents) <= MAX_BARS and rng.random() >= self.excerpt_share:
            return self._rearranged(song, whole, rng)
        excerpts = [
            (first, last)
            for first in range(count)
            for last in range(first + 1, count + 1)
            if MIN_EXCERPT_BARS <= num_bars_of(song.sections[first:last]) <= MAX_BARS
        ]
        return tuple(range(*excerpts[rng.integers(len(excerpts))])) if excerpts else whole

    def _rearranged(self, song: LatentSong, whole: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        if not self.rearranged_share or rng.random() >= self.rearranged_share or len(whole) < 3:
            return whole
        inner = int(rng.integers(1, len(whole) - 1))
        is_doubled = rng.random() < 0.5 and len(song.latents) + song.sections[inner].num_bars <= MAX_BARS
        return whole[:inner] + (inner,) * (2 * is_doubled) + whole[inner + 1 :]

    def _sections(self, visit: _Visit) -> tuple[Section, ...]:
        sections = self.songs[visit.song].sections
        return tuple(sections[number] for number in visit.sections)

    def _load(self, num_bars: int, visits: list[_Visit]) -> SongBatch:
        shape = self.songs[visits[0].song].latents.shape[1:]
        latents = np.zeros((len(visits), num_bars, *shape), np.float32)
        owners = np.tile(np.arange(num_bars)[:, None], (len(visits), 1, shape[0]))
        bars = np.full((len(visits), num_bars), -1)
        conditions = []
        for row, owner, own_bars, visit in zip(latents, owners, bars, visits, strict=True):
            song, sections = self.songs[visit.song], self._sections(visit)
            starts = np.cumsum([0, *(section.num_bars for section in song.sections)])
            seen = np.concatenate([np.arange(starts[number], starts[number + 1]) for number in visit.sections])
            length = len(seen)
            rng = np.random.default_rng([self.seed, visit.epoch, visit.song])
            arrangement = self.accompaniments.draw(visit.song, rng)
            row[:length], contents = self._cells(arrangement, seen)
            sources = find_sources(sections, contents)
            owner[:length] = owners_of(sources)
            own_bars[:length] = self.first_bars[visit.song] + seen
            conditions.append(
                song_conditions(
                    sections,
                    shape[0],
                    tempo_bpm=song.tempo_bpm,
                    mode=song.mode,
                    has_start=visit.sections[0] == 0,
                    has_end=visit.sections[-1] == len(song.sections) - 1,
                    sounds=np.where(contents > 0, SOUNDS, SILENT),
                    is_repeated=sources != FRESH,
                    texture=texture_of_bars(arrangement.textures[list(visit.sections)], sections),
                    chords=song.chords[seen],
                )
            )
        told = collate_conditions(conditions, num_bars)
        return SongBatch(torch.from_numpy(latents), torch.from_numpy(owners), told, torch.from_numpy(bars))

    def _cells(self, arrangement: Arrangement, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latents and contents of the bars of an arrangement that are seen; contents of several songs differ."""
        numbers, bars = arrangement.songs[seen], arrangement.bars[seen]
        latents = np.empty((*bars.shape, self.songs[0].latents.shape[-1]), np.float32)
        contents = np.zeros(bars.shape, np.int64)
        most = 0
        for number in np.unique(numbers):
            here = numbers == number
            cells = bars[here], here.nonzero()[1]
            latents[here] = self.songs[number].latents[cells]
            own = self.songs[number].contents[cells]
            contents[here] = np.where(own > 0, own + most, 0)
            most += int(own.max())
        return latents, contents
