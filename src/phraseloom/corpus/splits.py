"""Which songs are learnt from and which are kept for judging: a rule on a number, fixed for ever.

POP909's songs have numbers; songs from a folder get one from their notes, so that a song keeps its split when files are
renamed, added or removed. Do not change the rule: figures measured on other splits cannot be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from phraseloom.corpus.duplicates import SimilarPair
from phraseloom.corpus.song import CorpusSong

TRAIN, VALIDATION, TEST = "train", "validation", "test"
EXCLUDED = "excluded"
"""Songs that the rule puts into training but that are too close to a held-out one; kept, and never trained on."""

SPLITS = (TRAIN, VALIDATION, TEST, EXCLUDED)

_CYCLE = 20
_TEST_REMAINDER = 7
_VALIDATION_REMAINDER = 13


def split_of_number(number: int) -> str:
    """The split of the song with this number.

    Every twentieth song is a test song (7, 27, 47, ...), every twentieth a validation song (13, 33, 53, ...), all
    others train.
    """
    remainder = number % _CYCLE
    if remainder == _TEST_REMAINDER:
        return TEST
    if remainder == _VALIDATION_REMAINDER:
        return VALIDATION
    return TRAIN


def split_of_digest(digest: str) -> str:
    """The split of a song without a number, by the hexadecimal digest of its notes (`duplicates.notes_digest`)."""
    return split_of_number(int(digest, 16))


def without_leaks(songs: Sequence[CorpusSong], near_duplicates: Iterable[SimilarPair]) -> list[CorpusSong]:
    """The songs, of which those in training that are near-duplicates of a held-out song are now "excluded".

    Args:
        songs: with the splits that their numbers give.
        near_duplicates: pairs of places in `songs`.
    """
    kept_apart = list(songs)
    for pair in near_duplicates:
        for place, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if songs[place].split == TRAIN and songs[other].split in (VALIDATION, TEST):
                kept_apart[place] = replace(songs[place], split=EXCLUDED)
    return kept_apart
