"""How densely, how high and how long each track plays in each section, in the way of one of a corpus's songs.

The song is taken whole, as what its sections are like goes together: a sparse verse and a full chorus, a piano that
makes room for the melody. Only grades are kept of it, and how high it sounds, no notes.

Grades are of songs in C major or A minor, but how high a part is played depends little on the key. So the pitches are
kept as they sound, and those of a proposal are graded for the key in which the new song is to sound.

Letters in shapes: k sections, s slots, a aspects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phraseloom.form import Section
from phraseloom.score import Score
from phraseloom.texture import LOWEST_GRADE, RESTS, UNKNOWN, Aspect, grades_of, section_pitches, section_textures

MOST_SONGS = 256
"""So many songs are kept, evenly chosen."""


@dataclass(frozen=True, eq=False)
class TexturePrior:
    """The textures of songs.

    Attributes:
        letters: of each song, the letters of its sections, one character each.
        textures: of each song `[k, s, a]` grades as in `phraseloom.texture`.
        pitches: of each song `[k, s]` as `phraseloom.texture.section_pitches`.
    """

    letters: tuple[str, ...]
    textures: tuple[np.ndarray, ...]
    pitches: tuple[np.ndarray, ...]

    @classmethod
    def fit(cls, scores: Iterable[Score], num_slots: int) -> TexturePrior:
        """The prior of songs with sections, whose first `num_slots` tracks are the slots."""
        with_form = [score for score in scores if score.sections]
        places = np.linspace(0, len(with_form) - 1, min(MOST_SONGS, len(with_form))).round().astype(int)
        chosen = [with_form[place] for place in places]
        return cls(
            tuple("".join(section.letter for section in score.sections) for score in chosen),
            tuple(section_textures(score, score.sections, num_slots) for score in chosen),
            tuple(section_pitches(score, num_slots) for score in chosen),
        )

    def propose(
        self, form: Sequence[Section], asked: np.ndarray, rng: np.random.Generator, *, shift: int
    ) -> np.ndarray:
        """`[k, s, a]` the textures of a form's sections, like those of a song that comes near to what is asked.

        Args:
            shift: `phraseloom.transforms.normalising_shift` of the key in which the song is to sound.
            asked: `[k, s, a]` grades, the same in sections of one letter, UNKNOWN for what is to be proposed. What the
                first section of a letter has anyway is not forced on the later ones, which differ a little; rests are.
        """
        if not self.letters:
            return asked
        proposals = self._proposals(form, shift, rng)
        firsts = [next(i for i, other in enumerate(form) if other.letter == section.letter) for section in form]
        is_first = np.equal(firsts, np.arange(len(form)))
        distances = [_distance(asked[is_first], proposal[is_first]) for proposal in proposals]
        nearest = proposals[int(np.argmin(distances))]
        is_other = (asked != UNKNOWN) & ((asked != nearest[firsts]) | (asked == RESTS))
        is_woken = (is_other & (asked != RESTS)).any(axis=-1, keepdims=True) & (nearest == RESTS)
        return np.where(is_other, asked, np.where(is_woken, UNKNOWN, nearest))

    def completed(
        self, form: Sequence[Section], known: np.ndarray, rng: np.random.Generator, *, shift: int
    ) -> np.ndarray:
        """`[k, s, a]` the textures of a song of which some are known: those of a section that returns hold for all of
        its letter, the rest is like in a song that comes near.

        Args:
            known: `[k, s, a]` grades, UNKNOWN where there is nothing to measure.
            shift: as for `propose`.
        """
        given, known = known, known.copy()
        for number, section in enumerate(form):
            alike = [other for other in range(len(form)) if form[other].letter == section.letter]
            for slot in np.flatnonzero((given[number] == UNKNOWN).all(axis=-1)):
                told = [other for other in alike if (given[other, slot] != UNKNOWN).any()]
                if told:
                    known[number, slot] = given[min(told, key=lambda other: abs(other - number)), slot]
        if not self.letters:
            return known
        proposals = self._proposals(form, shift, rng)
        nearest = proposals[int(np.argmin([_distance(known, proposal) for proposal in proposals]))]
        return np.where(known == UNKNOWN, nearest, known)

    def _proposals(self, form: Sequence[Section], shift: int, rng: np.random.Generator) -> list[np.ndarray]:
        """`[k, s, a]` for the form of every song, in an order drawn, in the key of the shift."""
        proposals = []
        for song in rng.permutation(len(self.letters)):
            places = _counterparts(form, self.letters[song])
            textures, pitches = self.textures[song][places], self.pitches[song][places]
            textures[..., Aspect.PITCH] = np.where(pitches == 0, RESTS, grades_of(Aspect.PITCH, pitches + shift))
            proposals.append(textures)
        return proposals

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `TexturePrior.from_dict` reads it. A grade is one digit."""
        grades = ["".join(map(str, textures.ravel().tolist())) for textures in self.textures]
        pitches = [pitches.ravel().tolist() for pitches in self.pitches]
        num_slots = self.textures[0].shape[1] if self.textures else 0
        return {"num_slots": num_slots, "songs": list(map(list, zip(self.letters, grades, pitches, strict=True)))}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> TexturePrior:
        num_slots = content["num_slots"]
        textures = [np.array(list(map(int, song[1]))).reshape(-1, num_slots, len(Aspect)) for song in content["songs"]]
        pitches = [np.array(song[2], np.int64).reshape(-1, num_slots) for song in content["songs"]]
        return cls(tuple(song[0] for song in content["songs"]), tuple(textures), tuple(pitches))


def _counterparts(form: Sequence[Section], letters: str) -> list[int]:
    """For each section of a form the section of a song (by its `letters`) that is to it what it is to the form.

    The same small letter (an intro is an intro) or else, of letters of its case, the one that appears as early; of that
    letter the same instance, or the last.
    """
    matched: dict[str, str] = {}
    for letter in dict.fromkeys(section.letter for section in form):
        alike = [other for other in dict.fromkeys(letters) if other.isupper() == letter.isupper()]
        rank = sum(other.isupper() == letter.isupper() for other in matched)
        if letter.islower() and letter in alike:
            matched[letter] = letter
        else:
            matched[letter] = alike[rank % len(alike)] if alike else letters[0]
    seen: dict[str, int] = {}
    chosen = []
    for section in form:
        places = [place for place, letter in enumerate(letters) if letter == matched[section.letter]]
        instance = seen.get(section.letter, 0)
        seen[section.letter] = instance + 1
        chosen.append(places[min(instance, len(places) - 1)])
    return chosen


def _distance(asked: np.ndarray, proposed: np.ndarray) -> float:
    """Sum over what is asked of how many grades the proposal is off; a rest is three grades below the lowest."""
    heights = [np.where(textures < LOWEST_GRADE, LOWEST_GRADE - 3, textures) for textures in (asked, proposed)]
    return float(np.abs(heights[0] - heights[1])[asked != UNKNOWN].sum())
