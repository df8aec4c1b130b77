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
from phraseloom.texture import section_textures, texture_of_bars
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
        textures: `[k, s, a]` of its sections, as in `phraseloom.texture`.
    """

    latents: np.ndarray
    sections: tuple[Section, ...]
    tempo_bpm: float
    mode: str | None
    contents: np.ndarray
    chords: np.ndarray
    textures: np.ndarray

    @classmethod
    def of(cls, score: Score, latents: np.ndarray) -> LatentSong:
        """A song with its latents `[n, s, z]`, of its first `s` tracks; its form is found where it has none."""
        num_bars, num_slots = latents.shape[:2]
        contents = np.zeros((num_bars, num_slots), np.int64)
        own = cell_contents(score)[:, :num_slots]
        contents[:, : own.shape[1]] = own
        sections = score.sections or find_form(score)
        return cls(
            latents,
            sections,
            score.tempo_bpm,
            None if score.key is None else score.key.mode,
            contents,
            chord_numbers(beat_chords(normalise_key(score))),
            section_textures(score, sections, num_slots),
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


def exchanged_cells(song: LatentSong, slots: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """`[n, s]` the bar from which each cell of a song is taken when those of `slots` change places.

    What sounds in a bar changes places with what sounds over the same chords elsewhere in sections of that letter, and
    wherever it is repeated, that is repeated. So a song keeps its form, its style and its chords, and is never quite
    the same: the song transformer would else learn its songs by heart.
    """
    num_bars, num_slots = song.contents.shape
    taken = np.tile(np.arange(num_bars)[:, None], num_slots)
    letters = np.repeat([section.letter for section in song.sections], [s.num_bars for s in song.sections])
    over = np.unique(
        [letter + chords.tobytes().hex() for letter, chords in zip(letters, song.chords, strict=True)],
        return_inverse=True,
    )[1]
    for slot in slots:
        values, first, content = np.unique(song.contents[:, slot], return_index=True, return_inverse=True)
        new = first.copy()
        for group in np.unique(over[first]):
            alike = np.flatnonzero((over[first] == group) & (values > 0))
            new[alike] = first[rng.permutation(alike)]
        taken[:, slot] = new[content]
    return taken


class _Visit(NamedTuple):
    """A song, the numbers of those of its sections that are seen, in order, and what its exchange is drawn with."""

    song: int
    sections: tuple[int, ...]
    exchange: int | None


class SongBatches:
    """Batches of whole songs, of songs with a section left out or doubled, and of excerpts between section borders.

    Args:
        songs: any lengths; what is longer than the model's longest song is only seen in excerpts.
        bars_per_batch: bars in a batch, padding included.
        excerpt_share: share of the visits of a song in which only some successive sections of it are seen.
        seed: of order, excerpts and rearrangements.
        rearranged_share: share of the visits in which one section is left out or comes twice.
        exchanged_slots: slots whose cells change places as by `exchanged_cells`, in `exchanged_share` of the visits.
    """

    def __init__(
        self,
        songs: Sequence[LatentSong],
        bars_per_batch: int,
        excerpt_share: float,
        seed: int,
        rearranged_share: float = 0.0,
        exchanged_slots: Sequence[int] = (),
        exchanged_share: float = 0.0,
    ) -> None:
        self.songs, self.bars_per_batch = songs, bars_per_batch
        self.excerpt_share, self.rearranged_share, self.seed = excerpt_share, rearranged_share, seed
        self.exchanged_slots, self.exchanged_share = tuple(exchanged_slots), exchanged_share
        self.first_bars = np.cumsum([0, *(len(song.latents) for song in songs)])

    def epoch(self, epoch: int, process: int, num_processes: int) -> list[Callable[[], SongBatch]]:
        rng = np.random.default_rng([self.seed, epoch])
        visits = [_Visit(index, self._numbers(song, rng), self._exchange(rng)) for index, song in enumerate(self.songs)]
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

    def _exchange(self, rng: np.random.Generator) -> int | None:
        if not self.exchanged_slots or rng.random() >= self.exchanged_share:
            return None
        return int(rng.integers(2**31))

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
            cells = seen[:, None], np.arange(shape[0])
            if visit.exchange is not None:
                taken = exchanged_cells(song, self.exchanged_slots, np.random.default_rng(visit.exchange))
                cells = taken[seen], np.arange(shape[0])
            contents = song.contents[cells]
            sources = find_sources(sections, contents)
            row[:length] = song.latents[cells]
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
                    texture=texture_of_bars(song.textures[list(visit.sections)], sections),
                    chords=song.chords[seen],
                )
            )
        told = collate_conditions(conditions, num_bars)
        return SongBatch(torch.from_numpy(latents), torch.from_numpy(owners), told, torch.from_numpy(bars))
