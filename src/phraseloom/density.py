"""How many notes a bar each track plays in which sections, as typed: `A: melody 5, piano 9; B: all 12`.

Parts have `;` or a new line between them. A part names a letter of the form, or several (`A, B:`), and tracks, each
with a number of notes; `all` stands for every track that the part does not name. What is not named is free. The numbers
are aims for the bars in which the track sounds; they are told to the network in eight grades, and 0 as a rest. Who
rests by a cast (`phraseloom.cast`) rests, and who plays by it is not told to rest, whatever the density says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloom.cast import ALL, require_tracks
from phraseloom.errors import ParseError
from phraseloom.form import Section, require_letters
from phraseloom.texture import LOWEST_GRADE, RESTS, TYPICAL_NOTES, UNKNOWN, Aspect, grade

MOST_NOTES = 64
_PART = re.compile(r"\s*([A-Za-z](?:\s*,\s*[A-Za-z])*)\s*:(.*)", re.DOTALL)
_TRACK = re.compile(r"\s*([^\s,][^,]*?)\s+(\d+(?:\.\d+)?)\s*(?:,|$|\s(?=\S))", re.DOTALL)
_REMEDY = "write a letter, and tracks with their notes a bar, such as A: melody 5, piano 9; B: all 12"


@dataclass(frozen=True)
class Density:
    """For letters of a form the notes a bar of tracks, by their names in small letters; `all` for those not named."""

    parts: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]

    def grades(self, form: Sequence[Section], tracks: Sequence[str]) -> np.ndarray:
        """`[sections, tracks, aspects]` grades as in `phraseloom.texture`, UNKNOWN for what is free.

        Raises:
            RequestError: a letter that the form does not have, or a name that no track has.
        """
        names = [track.casefold() for track in tracks]
        self.check_letters(form)
        asked = np.full((len(form), len(names), len(Aspect)), UNKNOWN, np.int64)
        of_letter = {letter: dict(numbers) for letter, numbers in self.parts}
        for letter, numbers in of_letter.items():
            require_tracks(letter, numbers, tracks)
        for row, section in zip(asked, form, strict=True):
            numbers = of_letter.get(section.letter, {})
            for cell, name in zip(row, names, strict=True):
                notes = numbers.get(name, numbers.get(ALL))
                if notes == 0:
                    cell[:] = RESTS
                elif notes is not None:
                    cell[Aspect.NOTES] = grade(Aspect.NOTES, notes)
        return asked

    def check_letters(self, form: Sequence[Section]) -> None:
        """Raises a RequestError if it names a letter that the form does not have."""
        require_letters((letter for letter, _ in self.parts), form, "a density is given", "give densities")

    def filled(self, textures: np.ndarray, form: Sequence[Section], tracks: Sequence[str]) -> Density:
        """This density with the rest as the first section of each letter has it in `textures [k, s, a]`.

        A track that comes in later than with the first section of a letter stays free there: a rest is one in all.
        """
        given: Mapping[str, dict[str, float]] = {letter: dict(numbers) for letter, numbers in self.parts}
        parts = []
        for letter in dict.fromkeys(section.letter for section in form):
            noted = textures[[section.letter == letter for section in form], :, Aspect.NOTES]
            own = given.get(letter, {})
            numbers = {}
            for slot, name in enumerate(track.casefold() for track in tracks):
                typical = _typical(noted[:, slot])
                notes = own.get(name, typical if typical == 0 else own.get(ALL, typical))
                if notes is not None:
                    numbers[name] = notes
            if numbers:
                parts.append((letter, tuple(numbers.items())))
        return Density(tuple(parts))

    def __str__(self) -> str:
        return "; ".join(
            f"{letter}: "
            + ", ".join(f"{name} {np.format_float_positional(notes, trim='-')}" for name, notes in numbers)
            for letter, numbers in self.parts
        )


FREE = Density(())


def parse_density(text: str) -> Density:
    """Reads a density; `parse_density(str(density)) == density`.

    Raises:
        ParseError: a part without a letter or without numbers, a letter or track that comes twice, or a number out of
            range; points at the part.
    """
    parts: dict[str, tuple[tuple[str, float], ...]] = {}
    for found in re.finditer(r"[^;\n]+", text):
        if not found[0].strip():
            continue
        place = (text, found.start(), found.end())
        match = _PART.fullmatch(found[0])
        if match is None:
            raise ParseError(*place, f"{found[0].strip()!r} names no section", _REMEDY)
        numbers = _numbers(match[2], place)
        for letter in re.findall("[A-Za-z]", match[1]):
            if letter in parts:
                raise ParseError(*place, f"{letter} comes twice", "say once how many notes it has")
            parts[letter] = tuple(numbers.items())
    if not parts:
        raise ParseError(text, 0, len(text), "no density is given", _REMEDY)
    return Density(tuple(parts.items()))


def _numbers(text: str, place: tuple[str, int, int]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    at = 0
    while text[at:].strip():
        match = _TRACK.match(text, at)
        if match is None:
            raise ParseError(*place, f"{text[at:].strip()!r} is no track with its notes a bar", _REMEDY)
        name, notes = match[1].casefold(), float(match[2])
        if notes > MOST_NOTES:
            raise ParseError(*place, f"{match[2]} notes a bar", f"give 0 to {MOST_NOTES}")
        if name in numbers:
            raise ParseError(*place, f"{match[1]!r} comes twice", "give each track once")
        numbers[name] = notes
        at = match.end()
    if not numbers:
        raise ParseError(*place, "no track is named", _REMEDY)
    return numbers


def _typical(noted: np.ndarray) -> float | None:
    """Notes a bar of the first of grades; None where it is unknown, or a rest and not the only grade."""
    first = int(noted[0])
    if first == UNKNOWN or (first == RESTS and (noted != RESTS).any()):
        return None
    return 0.0 if first == RESTS else TYPICAL_NOTES[first - LOWEST_GRADE]
