"""Songs as latents, as the song transformer learns from them.

Letters in shapes: n bars, k sections, s slots, z latent size, a aspects of a texture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from phraseloom.corpus.song import CorpusSong
from phraseloom.form import Section
from phraseloom.models.conditions import chord_numbers
from phraseloom.repeats import cell_contents, find_sources
from phraseloom.score import Score
from phraseloom.structure import find_form
from phraseloom.texture import section_textures
from phraseloom.transforms import beat_chords, normalise_key, transpose


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
