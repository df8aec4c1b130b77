"""How sections and chords are written into a MIDI file, and found again.

Sections are markers at their first bars, `Verse 1 (A)`: a name for people, numbered for each letter, and the letter.
The marker `End` closes the song. Chords are text events at their onset, `chord: Am7`; `chord: -` ends a chord that none
follows at once. How the song was made is a text event at its start, `phraseloom: {...}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from phraseloom.form import Section
from phraseloom.harmony import Chord, parse_chord

END_MARKER = "End"
CHORD_PREFIX = "chord: "
NO_CHORD_KNOWN = "-"
RECIPE_PREFIX = "phraseloom: "

_NAMES = {
    "A": "Verse",
    "B": "Chorus",
    "C": "Bridge",
    "D": "Pre-chorus",
    "i": "Intro",
    "o": "Outro",
    "x": "Interlude",
}
_OTHER_NAMES = {
    "refrain": "B",
    "hook": "B",
    "middle eight": "C",
    "prechorus": "D",
    "coda": "o",
    "instrumental": "x",
    "solo": "x",
    "break": "x",
}
_LETTERS = _OTHER_NAMES | {name.casefold(): letter for letter, name in _NAMES.items()}
_MARKER_WITH_LETTER = re.compile(r".*\(([A-Za-z])\)")


def section_markers(sections: Iterable[Section]) -> Iterator[str]:
    """The marker text of each section, in order."""
    instances: dict[str, int] = {}
    for section in sections:
        instances[section.letter] = instances.get(section.letter, 0) + 1
        yield f"{section_name(section.letter)} {instances[section.letter]} ({section.letter})"


def section_name(letter: str) -> str:
    """The usual name of a letter's sections; other capitals are a part, other small letters an instrumental."""
    return _NAMES.get(letter, "Part" if letter.isupper() else "Instrumental")


def parse_section_marker(text: str) -> str | None:
    """The letter of a section's marker; None where the marker is another one.

    DAWs' own markers, such as `Chorus 2`, are understood too where their name is that of a letter.
    """
    match = _MARKER_WITH_LETTER.fullmatch(text.strip())
    return match[1] if match else _LETTERS.get(text.rstrip("0123456789 \t").lstrip().casefold())


def is_end_marker(text: str) -> bool:
    return text.strip().casefold() == END_MARKER.casefold()


def chord_text(chord: Chord | None) -> str:
    """The text event of a chord; None says that none is known from here on."""
    return CHORD_PREFIX + (NO_CHORD_KNOWN if chord is None else str(chord))


def is_chord_text(text: str) -> bool:
    """Whether a text event is meant to name a chord."""
    return text.startswith(CHORD_PREFIX)


def parse_chord_text(text: str) -> Chord | None:
    """The inverse of `chord_text`.

    Raises:
        ParseError: the text names no chord.
    """
    symbol = text.removeprefix(CHORD_PREFIX)
    return None if symbol == NO_CHORD_KNOWN else parse_chord(symbol)


def is_recipe_text(text: str) -> bool:
    """Whether a text event says how a song was made by us."""
    return text.startswith(RECIPE_PREFIX)
