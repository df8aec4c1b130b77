"""Which tracks play in which sections, as typed: `A: melody piano; B: all; o: none`.

Parts have `;` or a new line between them. A part names a letter of the form, or several (`A, B:`), and the tracks that
play there, with spaces or commas between; `all` and `none` stand for all and none. Sections of other letters are free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloom.errors import ParseError, RequestError
from phraseloom.form import Section, require_letters

FREE, RESTS, PLAYS = 0, 1, 2
"""What a cast says of a track in a bar."""

ALL = "all"
"""The name that stands for every track."""

_PART = re.compile(r"\s*([A-Za-z](?:\s*,\s*[A-Za-z])*)\s*:(.*)", re.DOTALL)
_REMEDY = "write a letter and who plays there, such as A: melody piano; B: all; o: none"
_NONE = "none"


@dataclass(frozen=True)
class Cast:
    """For some of a form's letters the names of the tracks that play, in small letters; `all` for every track."""

    parts: tuple[tuple[str, tuple[str, ...]], ...]

    def playing(self, form: Sequence[Section], tracks: Sequence[str]) -> np.ndarray:
        """`[bars, tracks]` FREE, RESTS or PLAYS for a form and the names of all tracks.

        Raises:
            RequestError: a letter that the form does not have, or a name that no track has.
        """
        names = [track.casefold() for track in tracks]
        of_letter = {}
        for letter, players in self.parts:
            require_tracks(letter, players, tracks)
            plays = [PLAYS if name in players or ALL in players else RESTS for name in names]
            of_letter[letter] = np.array(plays, np.int64)
        self.check_letters(form)
        free = np.full(len(names), FREE, np.int64)
        rows = [of_letter.get(section.letter, free) for section in form for _ in range(section.num_bars)]
        return np.array(rows, np.int64).reshape(-1, len(names))

    def check_letters(self, form: Sequence[Section]) -> None:
        """Raises a RequestError if the cast names a letter that the form does not have."""
        require_letters((letter for letter, _ in self.parts), form, "tracks are named", "name tracks")

    def __str__(self) -> str:
        return "; ".join(f"{letter}: {' '.join(players) or _NONE}" for letter, players in self.parts)


def require_tracks(letter: str, named: Iterable[str], tracks: Sequence[str]) -> None:
    """Raises a RequestError if something is neither `all` nor one of the tracks, in small letters."""
    names = [track.casefold() for track in tracks]
    for name in named:
        if name not in (*names, ALL):
            raise RequestError(f"there is no track {name!r} for {letter}", f"choose among {', '.join(tracks)}")


def parse_cast(text: str) -> Cast:
    """Reads a cast; `parse_cast(str(cast)) == cast`.

    Raises:
        ParseError: a part without a letter or without tracks, or a letter that comes twice; points at the part.
    """
    parts: dict[str, tuple[str, ...]] = {}
    for found in re.finditer(r"[^;\n]+", text):
        if not found[0].strip():
            continue
        place = (text, found.start(), found.end())
        match = _PART.fullmatch(found[0])
        if match is None:
            raise ParseError(*place, f"{found[0].strip()!r} names no section", _REMEDY)
        players = tuple(dict.fromkeys(match[2].casefold().replace(",", " ").split()))
        if not players:
            raise ParseError(*place, f"nobody is named for {match[1]}", _REMEDY)
        if len(players) > 1 and {ALL, _NONE} & set(players):
            raise ParseError(*place, f"{match[2].strip()!r} names tracks beside all or none", _REMEDY)
        for letter in re.findall("[A-Za-z]", match[1]):
            if letter in parts:
                raise ParseError(*place, f"{letter} comes twice", "say once who plays there")
            parts[letter] = () if players == (_NONE,) else players
    if not parts:
        raise ParseError(text, 0, len(text), "nobody is named", _REMEDY)
    return Cast(tuple(parts.items()))
