"""Keys and chords: read what musicians and corpora write, print what musicians read, estimate a key from notes.

A pitch class is a number from 0 (C) to 11 (B). Chords are read in two notations, told apart by a colon: Harte's, as in
POP909's labels (`Eb:min7/b7`; Harte et al., "Symbolic Representation of Musical Chords", ISMIR 2005), and the lead
sheet's (`Am7/G`). They are printed as on a lead sheet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from phraseloom.errors import ParseError

Mode = Literal["major", "minor"]

_FIFTHS_LETTERS = "FCGDAEB"
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
"""Semitones of the degrees 1 to 7 above the tonic; the pitch classes of C major and A minor."""
_NATURALS = dict(zip("CDEFGAB", MAJOR_SCALE, strict=True))


@dataclass(frozen=True)
class Key:
    """A major or minor key.

    Attributes:
        tonic: pitch class, 0 (C) to 11 (B).
        mode: "major" or "minor".

    Raises:
        ValueError: either is none of these.
    """

    tonic: int
    mode: Mode = "major"

    def __post_init__(self) -> None:
        _check_pitch_class("tonic", self.tonic)
        if self.mode not in ("major", "minor"):
            raise ValueError(f"mode is {self.mode!r}, expected 'major' or 'minor'")

    @property
    def signature(self) -> int:
        """Sharps of the usual key signature, negative for flats: -6 (Eb minor) to 6 (F# major)."""
        relative_major = self.tonic if self.mode == "major" else self.tonic + 3
        most_flats = -5 if self.mode == "major" else -6
        return (7 * relative_major - most_flats) % 12 + most_flats

    def __str__(self) -> str:
        return f"{pitch_class_name(self.tonic, self.signature)} {self.mode}"


@dataclass(frozen=True)
class Chord:
    """What sounds: a root, the other notes as distances from it, and the lowest note.

    Two ways of writing the same notes over the same root are the same chord (`C+7` and `C7#5`); `C6/A` and `Am7`,
    which differ in the root, are not.

    Attributes:
        root: pitch class; None for "no chord".
        intervals: semitones above the root, 0 to 11, with 0 among them; empty for "no chord".
        bass: pitch class of the lowest note, among the intervals or not; None for "no chord".

    Raises:
        ValueError: any of this does not hold.
    """

    root: int | None
    intervals: frozenset[int]
    bass: int | None

    def __post_init__(self) -> None:
        if self.root is None or self.bass is None:
            if self.root is not None or self.bass is not None or self.intervals:
                raise ValueError("a chord needs both a root and a bass; no chord has neither, and no intervals")
            return
        _check_pitch_class("root", self.root)
        _check_pitch_class("bass", self.bass)
        if 0 not in self.intervals or not self.intervals <= set(range(12)):
            raise ValueError(f"intervals are {sorted(self.intervals)}, expected 0 and others from 1 to 11")

    @property
    def pitch_classes(self) -> frozenset[int]:
        """All that sounds, the bass included."""
        if self.root is None or self.bass is None:
            return frozenset()
        return frozenset((self.root + interval) % 12 for interval in self.intervals) | {self.bass}

    def transposed(self, semitones: int) -> Chord:
        """The same chord `semitones` higher."""
        if self.root is None or self.bass is None:
            return self
        return Chord((self.root + semitones) % 12, self.intervals, (self.bass + semitones) % 12)

    def symbol(self, key: Key | None = None) -> str:
        """The chord as a musician writes it, `Am7/G`; `parse_chord` reads it back to the same chord.

        Args:
            key: whose sharps or flats name the notes; None for those usual with this root.
        """
        if self.root is None or self.bass is None:
            return "N.C."
        if key is None:
            key = Key(self.root, "minor" if 3 in self.intervals and 4 not in self.intervals else "major")
        over = "" if self.bass == self.root else "/" + pitch_class_name(self.bass, key.signature)
        return pitch_class_name(self.root, key.signature) + _quality_symbol(self.intervals) + over

    def __str__(self) -> str:
        return self.symbol()


NO_CHORD = Chord(None, frozenset(), None)
"""Silence, or notes that make no chord; printed as `N.C.`."""


def pitch_class_name(pitch_class: int, signature: int = 0) -> str:
    """The name of a pitch class under a key signature (sharps, or flats as a negative number): `Bb`, `F#`.

    The name is the nearest on the line of fifths to the signature's own notes, without double accidentals and without
    the names that only notation needs, such as Cb.
    """
    lowest = min(-1, max(-6, signature - 5))
    fifths = (7 * pitch_class - lowest) % 12 + lowest
    accidentals, letter = divmod(fifths + 1, 7)
    return _FIFTHS_LETTERS[letter] + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)


# Reading text: shared by keys and chords


class _Reader:
    """A text and a position in it; what is taken lies behind. Typographic flats and sharps read as `b` and `#`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = text.rstrip(_BLANKS).translate(str.maketrans("♭♯", "b#"))
        self.position = len(text) - len(text.lstrip(_BLANKS))

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.plain)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.plain, self.position)
        if match:
            self.position = match.end()
        return match

    def error(self, message: str, remedy: str) -> ParseError:
        """An error that points at the next token; `{}` in the message stands for it."""
        self.take(_SPACE)
        token = _TOKEN.match(self.plain, self.position)
        found = token[0] if token else "the end"
        end = self.position + (len(token[0]) if token else 0)
        return ParseError(self.text, self.position, end, message.format(repr(found) if token else found), remedy)


_BLANKS = "".join(map(chr, range(33)))  # space and control characters; POP909's labels end in some
_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(r"[^\s,()/]+|[,()/]")
_NOTE = re.compile(r"([A-Ga-g])(b+|#+)?")
_DEGREE = re.compile(r"(b+|#+)?(1[0-3]|[1-9])")


def _read_note(reader: _Reader, what: str, remedy: str) -> int:
    """The pitch class that the name of `what` starts with."""
    if reader.at_end:
        raise reader.error(f"the {what} is empty", remedy)
    note = reader.take(_NOTE)
    if not note:
        raise reader.error(f"no {what} starts with {{}}", remedy)
    return _pitch_class(note)


def _pitch_class(note: re.Match[str]) -> int:
    return (_NATURALS[note[1].upper()] + _alteration(note[2])) % 12


def _semitones(degree: re.Match[str]) -> int:
    """Semitones above the root, 0 to 11, of a degree of the major scale with its accidentals."""
    return (MAJOR_SCALE[(int(degree[2]) - 1) % 7] + _alteration(degree[1])) % 12


def _alteration(accidentals: str | None) -> int:
    return 0 if not accidentals else len(accidentals) * (-1 if accidentals[0] in "b-" else 1)


def _check_pitch_class(name: str, pitch_class: int) -> None:
    if not 0 <= pitch_class < 12:
        raise ValueError(f"{name} is {pitch_class}, expected 0 to 11")


# Keys

_MODE = re.compile(r"[\s:_-]*(?:(?P<major>M|(?i:major|maj))|(?P<minor>m|(?i:minor|min)))?$")


def parse_key(text: str) -> Key:
    """The key written as `G`, `g minor`, `Gm`, `G major`, `Gb:maj`, `F# min`; without a mode it is major.

    Raises:
        ParseError: it does not start with a note, or does not go on with major or minor.
    """
    remedy = "write a note and major or minor, such as G major, F# minor or Bbm"
    reader = _Reader(text)
    tonic = _read_note(reader, "key", remedy)
    mode = reader.take(_MODE)
    if not mode:
        raise reader.error("{} is neither major nor minor", remedy)
    return Key(tonic, "minor" if mode["minor"] else "major")


# Krumhansl and Kessler 1982, as listed in Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, p. 30. From all
# notes of POP909's songs they find the labelled key of 90 %; Temperley's (1999) find 72 %, his later ones 87 %.
_PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def estimate_key(pitch_class_weights: ArrayLike) -> Key:
    """The key whose profile correlates best with how much each pitch class sounds (Krumhansl and Schmuckler).

    Args:
        pitch_class_weights: `[12]`, from C to B: total duration of the notes, or their number; any scale.

    Returns:
        The best of the 24 keys; C major for weights that are all equal, such as those of a song without notes.

    Raises:
        ValueError: another shape, or a weight that is negative or not a number.
    """
    weights = np.asarray(pitch_class_weights, np.float64)
    if weights.shape != (12,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"pitch_class_weights are {weights.tolist()}, expected 12 numbers of at least 0")
    if (weights == weights[0]).all():
        return Key(0, "major")
    scores = {
        Key(tonic, mode): float(np.corrcoef(weights, np.roll(profile, tonic))[0, 1])
        for mode, profile in _PROFILES.items()
        for tonic in range(12)
    }
    return max(scores, key=scores.__getitem__)


# Chords: both notations

_NO_CHORD = re.compile(r"(?:N|(?i:N\.?C\.?))$")
_COLON, _SLASH = re.compile(r"\s*:\s*"), re.compile(r"\s*/\s*")
_OPEN, _CLOSE, _SEPARATOR = re.compile(r"\("), re.compile(r"\)"), re.compile(r"[\s,]+")
_CHORD_REMEDY = "write a chord such as C, Am7/G, F#dim, G7(b9), Bbsus4, N.C., or as Harte labels: C:maj, A:min7/b7"


def parse_chord(text: str) -> Chord:
    """The chord written as on a lead sheet (`Am7/G`, `CM7`, `C-`, `Co7`, `G7(b9)`, `N.C.`) or as a Harte label.

    Capital and small root letters mean the same: `am` is A minor, and `a` is A major. A triangle or `^` alone is a
    major seventh. Harte labels that a corpus cut short (`D:sus4(b7,`) give what is sure in them.

    Raises:
        ParseError: something in it means nothing, or could mean two things.
    """
    reader = _Reader(text)
    if reader.take(_NO_CHORD):
        return NO_CHORD
    root = _read_note(reader, "chord", _CHORD_REMEDY)
    chord = _read_harte(reader, root) if reader.take(_COLON) else _read_lead_sheet(reader, root)
    if not reader.at_end:
        raise reader.error("{} is no part of a chord", _CHORD_REMEDY)
    return chord


# Chords: Harte's notation

_HARTE_SHORTHANDS = {
    "1": "1",
    "5": "1 5",
    "maj": "1 3 5",
    "min": "1 b3 5",
    "dim": "1 b3 b5",
    "aug": "1 3 #5",
    "maj7": "1 3 5 7",
    "min7": "1 b3 5 b7",
    "7": "1 3 5 b7",
    "dim7": "1 b3 b5 bb7",
    "hdim7": "1 b3 b5 b7",
    "minmaj7": "1 b3 5 7",
    "maj6": "1 3 5 6",
    "min6": "1 b3 5 6",
    "9": "1 3 5 b7 9",
    "maj9": "1 3 5 7 9",
    "min9": "1 b3 5 b7 9",
    "11": "1 3 5 b7 9 11",
    "maj11": "1 3 5 7 9 11",
    "min11": "1 b3 5 b7 9 11",
    "13": "1 3 5 b7 9 11 13",
    "maj13": "1 3 5 7 9 11 13",
    "min13": "1 b3 5 b7 9 11 13",
    "sus2": "1 2 5",
    "sus4": "1 4 5",
}
_SHORTHAND = re.compile("|".join(sorted(_HARTE_SHORTHANDS, key=len, reverse=True)))
_OMITTED = re.compile(r"\*(?!1(?!\d))")  # the root stays: it is what the label is about
_CUT_SHORT_DEGREE = re.compile(r"\*?(b+|#+)?1?$")
_CUT_SHORT_BASS = re.compile(r"/(b+|#+)?$")


def _read_harte(reader: _Reader, root: int) -> Chord:
    intervals = _read_harte_quality(reader)
    if reader.take(_CUT_SHORT_BASS) or not reader.take(_SLASH):
        return Chord(root, intervals, root)
    degree = reader.take(_DEGREE)
    if not degree:
        raise reader.error("{} is no degree", "write the bass as a degree over the root, such as C:maj/3")
    return Chord(root, intervals, (root + _semitones(degree)) % 12)


def _read_harte_quality(reader: _Reader) -> frozenset[int]:
    """Intervals of a shorthand and a list of degrees, at least one of them."""
    shorthand = reader.take(_SHORTHAND)
    intervals = {0}
    if shorthand:
        intervals |= {_semitones(degree) for degree in _DEGREE.finditer(_HARTE_SHORTHANDS[shorthand[0]])}
    if reader.take(_OPEN):
        _read_harte_degrees(reader, intervals)
    elif not shorthand:
        raise reader.error("{} is no chord quality", f"write one of {', '.join(_HARTE_SHORTHANDS)}")
    return frozenset(intervals)


def _read_harte_degrees(reader: _Reader, intervals: set[int]) -> None:
    """Adds the degrees up to the closing parenthesis; a label cut short has none, and may end inside a degree."""
    while not reader.take(_CLOSE) and not reader.take(_CUT_SHORT_DEGREE):
        omitted = reader.take(_OMITTED)
        degree = reader.take(_DEGREE)
        if not degree:
            raise reader.error("{} is no degree", "write degrees such as b7, 9 or #11, with * before one left out")
        if omitted:
            intervals.discard(_semitones(degree))
        else:
            intervals.add(_semitones(degree))
        reader.take(_SEPARATOR)


# Chords: the lead sheet's notation

_MAJOR_WORD = r"(?:major|Major|maj|Maj|MAJ|ma(?!d)|Ma(?!d)|M)"
_BASE = re.compile(
    rf"""\s*(?:(?P<power_chord> 5 ) | (?:
            (?P<major> {_MAJOR_WORD} )
          | (?P<major_seventh> [\^Δ△] )
          | (?P<minor> minor|Minor|min|Min|MIN|mi|m|- )
          | (?P<half_diminished> hdim|ø|Ø )
          | (?P<diminished> dim|Dim|o(?!mit)|°|º )
          | (?P<augmented> aug|Aug|\+ )
          | (?P<dominant> dom )
        )?
        \s*(?P<extension> 2|6/9|69|6|7|9|11|13 )?
    )(?!\d)""",
    re.VERBOSE,
)
_TRIADS = {
    "dominant": (0, 4, 7),  # or no word at all
    "major": (0, 4, 7),
    "power_chord": (0, 7),
    "major_seventh": (0, 4, 7, 11),
    "minor": (0, 3, 7),
    "half_diminished": (0, 3, 6, 10),
    "diminished": (0, 3, 6),
    "augmented": (0, 4, 8),
}
_MINOR_SEVENTH, _MAJOR_SEVENTH = 10, 11
_SEVENTHS = {"major": _MAJOR_SEVENTH, "major_seventh": _MAJOR_SEVENTH, "diminished": 9}
_WITHOUT_SEVENTH = {"2": (2,), "6": (9,), "69": (2, 9), "6/9": (2, 9)}
_OVER_SEVENTH = {"7": (), "9": (2,), "11": (2, 5), "13": (2, 9)}


@dataclass
class _Tones:
    """A lead-sheet chord while it is read: semitones above the root."""

    sounding: set[int]
    replaceable: set[int]  # those whose place an altered degree takes

    def suspend(self, match: re.Match[str]) -> None:
        self.sounding -= {3, 4}
        self.sounding.add(2 if match[1] == "2" else 5)

    def make_seventh_major(self, match: re.Match[str]) -> None:
        self.sounding -= {_MINOR_SEVENTH}
        self.sounding |= {_MAJOR_SEVENTH, *_OVER_SEVENTH[match[1] or "7"]}

    def add_major_seventh(self, _match: re.Match[str]) -> None:
        self.sounding.add(_MAJOR_SEVENTH)

    def add_minor_seventh(self, _match: re.Match[str]) -> None:
        self.sounding.add(_MINOR_SEVENTH)

    def add(self, match: re.Match[str]) -> None:
        self.sounding.add(_semitones(match))

    def omit(self, match: re.Match[str]) -> None:
        self.sounding -= {3, 4} if match[1] == "3" else {6, 7, 8}

    def alter(self, match: re.Match[str]) -> None:
        natural = (_semitones(match) - _alteration(match[1])) % 12
        self.sounding -= {natural} & self.replaceable
        self.sounding.add(_semitones(match))

    def raise_fifth(self, _match: re.Match[str]) -> None:
        self.sounding -= {7}
        self.sounding.add(8)

    def alter_dominant(self, _match: re.Match[str]) -> None:
        self.sounding = {0, 1, 3, 4, 6, 8, 10}


_MODIFIERS = tuple(
    (re.compile(rf"(?:{pattern})(?!\d)"), apply)
    for pattern, apply in (
        (r"sus\s*([24])?", _Tones.suspend),
        (rf"{_MAJOR_WORD}\s*(7|9|11|13)", _Tones.make_seventh_major),
        (r"[\^Δ△](7|9|11|13)?", _Tones.make_seventh_major),
        (rf"add\s*{_MAJOR_WORD}7", _Tones.add_major_seventh),
        (r"(?:add\s*)?b7", _Tones.add_minor_seventh),
        (r"add\s*([b#])?([2-6]|9|11|13)", _Tones.add),
        (r"(?:no|omit)\s*([35])(?:rd|th)?", _Tones.omit),
        (r"([b#+-])([2456]|9|11|13)", _Tones.alter),
        (r"\+|aug", _Tones.raise_fifth),
        (r"alt", _Tones.alter_dominant),
    )
)
_BARE_DEGREE = re.compile(r"()([246]|9|11|13)(?!\d)")
_SLASH_AHEAD = re.compile(r"(?=/)")


def _read_lead_sheet(reader: _Reader, root: int) -> Chord:
    intervals = _read_quality(reader)
    if not reader.take(_SLASH):
        return Chord(root, intervals, root)
    bass = reader.take(_NOTE)
    if not bass:
        raise reader.error("{} is no note", "write the bass behind the slash as a note, such as Am7/G")
    return Chord(root, intervals, _pitch_class(bass))


def _read_quality(reader: _Reader) -> frozenset[int]:
    """Intervals of what stands between the root and the slash or the end."""
    tones = _read_base(reader)
    in_parentheses = False
    while not reader.at_end and not reader.take(_SLASH_AHEAD):
        if reader.take(_SEPARATOR):
            continue
        if reader.take(_CLOSE if in_parentheses else _OPEN):
            in_parentheses = not in_parentheses
        elif in_parentheses and (degree := reader.take(_BARE_DEGREE)):
            tones.add(degree)
        else:
            _read_modifier(reader, tones)
    if in_parentheses:
        raise reader.error("a parenthesis is still open before {}", "close it with )")
    return frozenset(tones.sounding)


def _read_base(reader: _Reader) -> _Tones:
    """The triad, with the sixth, the seventh or the higher notes that one number behind it stands for."""
    match = reader.take(_BASE)
    if not match:
        raise reader.error("{} is no part of a chord", _CHORD_REMEDY)
    quality = next((name for name in _TRIADS if match[name]), "dominant")
    extension = match["extension"]
    tones = {*_TRIADS[quality], *_WITHOUT_SEVENTH.get(extension, ())}
    upper = _OVER_SEVENTH.get(extension)
    if upper is None:
        return _Tones(tones, {7})
    if extension == "13" and 3 in tones:  # a major third leaves no room for the eleventh
        upper = (*upper, 5)
    return _Tones(tones | {_SEVENTHS.get(quality, _MINOR_SEVENTH), *upper}, {7, *upper})


def _read_modifier(reader: _Reader, tones: _Tones) -> None:
    for pattern, apply in _MODIFIERS:
        if match := reader.take(pattern):
            apply(tones, match)
            return
    raise reader.error("{} is no part of a chord", _CHORD_REMEDY)


# Chords: printing

_SYMBOLS = (  # what musicians write, the plainer first
    *("", "m", "dim", "aug", "5", "sus2", "sus4", "6", "m6", "7", "maj7", "m7", "m(maj7)", "dim7", "m7b5"),
    *("7sus4", "7#5", "7b5", "maj7#5", "(add9)", "m(add9)", "6/9", "m6/9", "9", "maj9", "m9", "9sus4", "m(maj9)"),
    *("11", "maj11", "m11", "13", "maj13", "m13", "13sus4", "7(b9)", "7(#9)", "7(#11)", "maj7(#11)", "7(b13)", "7alt"),
    *("(b5)", "(no5)", "m(no5)", "7(no5)", "maj7(no5)", "m7(no5)", "7(no3)", "(no3,no5)"),
)
_ADDED_DEGREES = dict(enumerate(("", "b9", "9", "#9", "3", "11", "#11", "5", "b13", "13", "b7", "maj7")))


@cache
def _quality_symbol(intervals: frozenset[int]) -> str:
    """The symbol whose chord lacks the fewest of the intervals and has no other, with the rest added to it."""
    lacking = {symbol: intervals - base for base, symbol in _intervals_of_symbols().items() if base <= intervals}
    symbol = min(lacking, key=lambda symbol: len(lacking[symbol]))
    added = ",".join(f"add{_ADDED_DEGREES[interval]}" for interval in sorted(lacking[symbol]))
    return f"{symbol}({added})" if added else symbol


@cache
def _intervals_of_symbols() -> dict[frozenset[int], str]:
    return {_read_quality(_Reader(symbol)): symbol for symbol in _SYMBOLS}
