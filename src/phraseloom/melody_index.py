"""How long a stretch of a song's melody the training songs have too, from an index that travels with the weights.

The index keeps no melody, only fingerprints. A melody is taken as steps from note to note: the interval in semitones
and the time between the onsets in sixteenths, so neither key nor place in the bar counts, and of notes that begin
together the highest. `NOTES_PER_GRAM` notes in a row are hashed to 32 bits, and of every `WINDOW` such grams in a row
only the one with the lowest hash is kept (winnowing; Schleimer, Wilkerson and Aiken 2003). Any stretch of
`NOTES_PER_GRAM + WINDOW - 1` notes in common thus has a gram in common, and a copy is found but for at most
`WINDOW - 1` notes at either end. A match is a run of kept grams that are all known. Grams of several songs can follow
on one another, so its length is an upper bound on what is taken from any one song.

A gram that is not known passes for known with probability (number of grams) / 2^32, 1 in 100,000 for 40,000 grams; that
makes a match of `NOTES_PER_GRAM` notes, which is less than what songs have in common anyway.

What the file gives away: whoever has a melody can ask whether stretches of it are in the training songs, which is its
purpose. The hashes themselves cannot be turned around, have no order and name no song. Melodies can be guessed at:
where some notes are known, the next ones can be tried until a hash is met, but several have to be guessed at once,
and among so many tries false hits are frequent. That makes it laborious to get a tune out, not impossible. The salt
is in the file; it only makes tables that were computed beforehand useless.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from phraseloom.errors import UnreadableFileError
from phraseloom.files import written_beside
from phraseloom.score import TICKS_PER_QUARTER, Notes, Score

MELODY_INDEX_FILE = "melody_index.safetensors"
"""Name of the file in a folder of weights."""
NOTES_PER_GRAM = 6
WINDOW = 4
"""Of so many grams in a row one is kept; less than `NOTES_PER_GRAM`, so that kept grams overlap."""

_FORMAT = "phraseloom-melody-index-1"
_TICKS_PER_SIXTEENTH = TICKS_PER_QUARTER // 4
_MOST_SIXTEENTHS = 1 << 20  # more than a song has
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class MelodyMatch:
    """The longest stretch of a melody that is known.

    Attributes:
        num_notes: 0 where no gram is known.
        first_bar, last_bar: where its first and its last note start, counted from 0; None for no match.
    """

    num_notes: int
    first_bar: int | None = None
    last_bar: int | None = None


@dataclass(frozen=True, eq=False)
class MelodyIndex:
    """Fingerprints of the melodies of some songs.

    Attributes:
        hashes: `[n]` uint32, rising, each once.
        salt: what the hashes begin with.
        usual_notes: median and 95th percentile of the longest match, in notes, of real songs that are not in the index;
            None where none were given.
    """

    hashes: np.ndarray
    salt: int
    usual_notes: tuple[float, float] | None = None

    @classmethod
    def build(cls, songs: Iterable[Score], held_out: Iterable[Score] = (), *, salt: int | None = None) -> MelodyIndex:
        """The index of `songs`.

        Args:
            held_out: real songs that are not among them, for the usual length of a match; those without melody do not
                count.
            salt: 0 to 2^64 - 1; drawn where None.
        """
        salt = secrets.randbits(64) if salt is None else salt
        kept = [_fingerprints(melody_of(song), salt)[0] for song in songs]
        index = cls(np.unique(np.concatenate([np.zeros(0, np.uint32), *kept])), salt)
        lengths = [index.longest_match(song).num_notes for song in held_out if len(melody_of(song)) >= NOTES_PER_GRAM]
        if not lengths:
            return index
        median, high = np.percentile(lengths, [50, 95])
        return cls(index.hashes, salt, (float(median), float(high)))

    @property
    def false_match_rate(self) -> float:
        """How probable it is that a gram that is not known passes for known."""
        return len(self.hashes) / 2**32

    def longest_match(self, song: Score) -> MelodyMatch:
        """The longest run of notes of a song's melody that is known, the first one of equals."""
        melody = melody_of(song)
        hashes, places = _fingerprints(melody, self.salt)
        best_first, best_notes, run_first = 0, 0, None
        for place, is_known in zip(places.tolist(), np.isin(hashes, self.hashes).tolist(), strict=True):
            if not is_known:
                run_first = None
                continue
            run_first = place if run_first is None else run_first
            num_notes = place - run_first + NOTES_PER_GRAM
            if num_notes > best_notes:
                best_first, best_notes = run_first, num_notes
        if not best_notes:
            return MelodyMatch(0)
        ends = melody.onset_ticks[[best_first, best_first + best_notes - 1]]
        first_bar, last_bar = song.bar_of(ends).tolist()
        return MelodyMatch(best_notes, first_bar, last_bar)

    def originality(self, song: Score) -> dict[str, Any]:
        """What a report says of a song: the longest match in notes, its bars from 1 on, and what is usual."""
        match = self.longest_match(song)
        median, high = self.usual_notes or (None, None)
        has_bars = match.first_bar is not None and match.last_bar is not None
        return {
            "longest_match_notes": match.num_notes,
            "bars": f"{match.first_bar + 1}-{match.last_bar + 1}" if has_bars else None,
            "usual_median_notes": median,
            "usual_95th_percentile_notes": high,
        }

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        facts = {"salt": self.salt, "usual_notes": self.usual_notes, "notes_per_gram": NOTES_PER_GRAM, "window": WINDOW}
        with written_beside(path) as part:
            save_file({"hashes": self.hashes}, part, {"format": _FORMAT, "facts": json.dumps(facts)})

    @classmethod
    def load(cls, path: Path) -> MelodyIndex | None:
        """The index in a file; None where there is no such file.

        Raises:
            UnreadableFileError: the file is damaged, or of another version.
        """
        if not path.exists():
            return None
        problem = UnreadableFileError(
            f"{path} is no melody index of this version", "remove it, or take the one that belongs to the weights"
        )
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata() or {}
                hashes = file.get_tensor("hashes")
            facts = json.loads(metadata["facts"])
            usual = facts["usual_notes"]
            sizes = (facts["notes_per_gram"], facts["window"])
            index = cls(hashes, facts["salt"], None if usual is None else (usual[0], usual[1]))
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise problem from error
        if metadata.get("format") != _FORMAT or sizes != (NOTES_PER_GRAM, WINDOW):
            raise problem
        return index


def melody_of(song: Score) -> Notes:
    """The highest note of every onset of the first pitched track with "melody" in its name, or else of the first."""
    pitched = [track for track in song.tracks if not track.is_drum]
    named = [track for track in pitched if "melody" in track.name.casefold()]
    if not pitched:
        return Notes.empty()
    notes = (named or pitched)[0].notes
    _, highest = np.unique(notes.onset_ticks, return_index=True)  # notes of one onset stand in order of falling pitch
    keep = np.zeros(len(notes), bool)
    keep[highest] = True
    return notes.where(keep)


def _fingerprints(melody: Notes, salt: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes `[n]` uint32 of the grams that are kept, and `[n]` the notes where they start, rising."""
    hashes = _gram_hashes(melody, salt)
    if len(hashes) <= WINDOW:
        kept = np.array([len(hashes) - 1 - hashes[::-1].argmin()] if len(hashes) else [], np.int64)
    else:
        lowest = sliding_window_view(hashes, WINDOW)[:, ::-1].argmin(axis=1)  # of equal ones the last
        kept = np.unique(np.arange(len(lowest)) + WINDOW - 1 - lowest)
    return hashes[kept], kept


def _gram_hashes(melody: Notes, salt: int) -> np.ndarray:
    """`[max(0, notes - NOTES_PER_GRAM + 1)]` uint32."""
    num_grams = max(0, len(melody) - NOTES_PER_GRAM + 1)
    semitones = np.diff(melody.pitch.astype(np.int64))
    sixteenths = np.rint(np.diff(melody.onset_ticks) / _TICKS_PER_SIXTEENTH).astype(np.int64)
    steps = ((semitones + 128) * _MOST_SIXTEENTHS + sixteenths).astype(np.uint64)
    state = np.full(num_grams, salt, np.uint64)
    for offset in range(NOTES_PER_GRAM - 1):
        state = _mixed(state ^ steps[offset : offset + num_grams])
    return (state >> np.uint64(32)).astype(np.uint32)


def _mixed(state: np.ndarray) -> np.ndarray:
    """A step of SplitMix64 (Steele, Lea and Flood 2014), a bijection of `[n]` uint64 that spreads every bit."""
    state = state + np.uint64(_GOLDEN)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
