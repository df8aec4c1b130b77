"""Other accompaniments for the songs to learn from, so that the song transformer cannot learn them by heart.

Cells are phrases, and a phrase fits wherever the same chords are: elsewhere in the same song, and in another song, in
another key where it must be.

Letters in shapes: n bars, k sections, s slots, a aspects of a texture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from phraseloom.form import bar_positions
from phraseloom.models.conditions import NO_CHORD_ROOT
from phraseloom.training.songs import LatentSong

MAX_TEMPO_RATIO = 1.3
"""Of a song and one that lends it an accompaniment: figures in semiquavers are of slow songs."""
PHRASE_BARS = 4
"""A bar goes by its place among so many: fills come before the next."""

MAX_TRIES = 16
"""Songs that are asked for the accompaniment of a letter; with copies in all keys, the first one lends it."""


class Arrangement(NamedTuple):
    """Where the cells of a song are taken from.

    Attributes:
        songs: `[n, s]` numbers of songs.
        bars: `[n, s]` bars of these.
        textures: `[k, s, a]` of the song's sections.
    """

    songs: np.ndarray
    bars: np.ndarray
    textures: np.ndarray


@dataclass(frozen=True)
class _Part:
    """What a song has under one letter: its bars, and the place of each.

    Attributes:
        family: of the song.
        letter: of its sections.
        bars: numbers in the song.
        offsets: bars from the section's beginning.
        sections: number in the song of each bar's section.
        instances: how many sections of the letter lie before each bar's.
    """

    family: int
    letter: str
    bars: np.ndarray
    offsets: np.ndarray
    sections: np.ndarray
    instances: np.ndarray


class Accompaniments:
    """Draws arrangements of songs.

    Args:
        songs: to arrange and to lend; with copies of them in other keys more can lend.
        slots: numbers of those that accompany; the others stay as they are.
        exchanged_share: share of the arrangements in which cells change places as by `exchanged_cells`.
        borrowed_share: share of the arrangements in which what accompanies the sections of a letter is another song's,
            for the letters of which all bars are found in one of another song: the same chords as far as roots and
            thirds go, each bar in a key where they are.
        families: a number for each song, the same for copies of one; each its own if None.
    """

    def __init__(
        self,
        songs: Sequence[LatentSong],
        slots: Sequence[int],
        exchanged_share: float,
        borrowed_share: float = 0.0,
        families: Sequence[int] | None = None,
    ) -> None:
        self.songs, self.slots = songs, tuple(slots)
        self.exchanged_share, self.borrowed_share = exchanged_share, borrowed_share
        self._families = range(len(songs)) if families is None else families
        self._copies: dict[int, list[int]] = defaultdict(list)
        self._patterns: dict[int, list[str]] = {}
        self._parts: list[_Part] = []
        self._parts_of: dict[int, list[_Part]] = defaultdict(list)
        self._parts_with: dict[str, set[int]] = defaultdict(set)
        for number, family in enumerate(self._families if borrowed_share else ()):
            if family not in self._patterns:
                self._patterns[family] = _patterns(songs[number].chords)
                self._add_parts(songs[number], family)
            self._copies[family].append(number)

    def draw(self, number: int, rng: np.random.Generator) -> Arrangement:
        """An arrangement of a song, which may be as it is."""
        song = self.songs[number]
        num_bars, num_slots = song.contents.shape
        songs, textures = np.full((num_bars, num_slots), number), song.textures
        bars = np.tile(np.arange(num_bars)[:, None], num_slots)
        if rng.random() < self.exchanged_share:
            bars = exchanged_cells(song, self.slots, rng)
        if rng.random() < self.borrowed_share:
            textures = textures.copy()
            self._borrow(number, rng, Arrangement(songs, bars, textures))
        return Arrangement(songs, bars, textures)

    def _add_parts(self, song: LatentSong, family: int) -> None:
        places = bar_positions(song.sections)
        letters = np.array([song.sections[number].letter for number in places.section_index])
        for letter in dict.fromkeys(letters):
            bars = np.flatnonzero(letters == letter)
            part = _Part(
                family, str(letter), bars, places.offset[bars], places.section_index[bars], places.instance[bars]
            )
            for bar in bars:
                self._parts_with[self._patterns[family][bar]].add(len(self._parts))
            self._parts.append(part)
            self._parts_of[family].append(part)

    def _borrow(self, number: int, rng: np.random.Generator, into: Arrangement) -> None:
        """Puts other songs' accompaniments into an arrangement of a song, letter by letter where there is one.

        Songs that lend one already come first, as a band keeps its style.
        """
        slots = list(self.slots)
        lenders: set[int] = set()
        for part in self._parts_of[self._families[number]]:
            able = self._able_to_lend(part)
            able = [other for other in able if other.family in lenders] or able
            loans = (self._loan(part, number, able[index], rng) for index in rng.permutation(len(able))[:MAX_TRIES])
            loan = next((loan for loan in loans if loan is not None), None)
            if loan is None:
                continue
            lender, copies, taken = loan
            lenders.add(lender.family)
            cells = part.bars[:, None], np.array(slots)
            into.songs[cells], into.bars[cells] = copies[:, None], lender.bars[taken][:, None]
            for section in np.unique(part.sections):
                first = int(np.argmax(part.sections == section))
                textures = self.songs[int(copies[first])].textures
                into.textures[section, slots] = textures[lender.sections[taken[first]], slots]

    def _able_to_lend(self, part: _Part) -> list[_Part]:
        """Parts of like songs that have all chords of a part, in some key; sung ones for sung ones."""
        patterns = {self._patterns[part.family][bar] for bar in part.bars}
        tempo = self._tempo(part)
        able = sorted(set.intersection(*(self._parts_with[pattern] for pattern in patterns)))
        return [
            other
            for other in (self._parts[index] for index in able)
            if other.family != part.family
            and other.letter.isupper() == part.letter.isupper()
            and max(self._tempo(other) / tempo, tempo / self._tempo(other)) <= MAX_TEMPO_RATIO
        ]

    def _tempo(self, part: _Part) -> float:
        return self.songs[self._copies[part.family][0]].tempo_bpm

    def _loan(
        self, part: _Part, number: int, lender: _Part, rng: np.random.Generator
    ) -> tuple[_Part, np.ndarray, np.ndarray] | None:
        """The lender; for each bar of a part of a song, the number of a copy of it, and the index of a bar of its part.

        None where no copy has one of the chords. One key for all bars if it can be, bars at like places, and for the
        second section of a letter the second one's.
        """
        copies = np.array(self._copies[lender.family])
        patterns = np.array([self._patterns[part.family][bar] for bar in part.bars])
        patterns_there = np.array([self._patterns[lender.family][bar] for bar in lender.bars])
        roots = self.songs[number].chords[part.bars, 0, 0]
        roots_there = np.stack([self.songs[copy].chords[lender.bars, 0, 0] for copy in copies])
        fits = (patterns[:, None] == patterns_there) & (roots[:, None] == roots_there[:, None])  # [copies, here, there]
        if not fits.any(axis=(0, 2)).all():
            return None
        most = fits.any(axis=2).sum(axis=1).argmax()
        cost = (
            4.0 * (np.arange(len(copies)) != most)[:, None, None]
            + 2.0 * (lender.offsets % PHRASE_BARS != (part.offsets % PHRASE_BARS)[:, None])
            + 1.0 * (lender.instances != (part.instances % (lender.instances.max() + 1))[:, None])
            + 0.5 * rng.random((len(copies), 1, len(lender.bars)))
        )
        best = np.where(fits, cost, np.inf).transpose(1, 0, 2).reshape(len(part.bars), -1).argmin(axis=1)
        return lender, copies[best // len(lender.bars)], best % len(lender.bars)


def _patterns(chords: np.ndarray) -> list[str]:
    """For each bar of `[n, k, 3]` chords, roots above its first one and thirds; equal wherever it is transposed."""
    root, tones = chords[..., 0], chords[..., 2]
    has_root = (root > 0) & (root < NO_CHORD_ROOT)
    above = np.where(has_root, (root - root[:, :1]) % 12, 12 + root)
    has_minor, has_major = (tones >> (root + 2) % 12 & 1, tones >> (root + 3) % 12 & 1)
    third = np.where(has_root, np.where(has_minor == 1, 1, 2 * has_major), 0)
    return [bar.tobytes().hex() for bar in (above * 3 + third).astype(np.uint8)]


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
