"""How well the forms found by `phraseloom.structure.find_form` agree with the hand-made labels of a corpus.

    python benchmarks/form_finding.py CORPUS [--split validation] [--max-songs 50] [--json]

Two figures of `mir_eval.segment`, as F1, means over songs with bootstrap confidence intervals: section boundaries
within one bar (the first and last are given and do not count), and pairs of bars that have the same letter in both
forms. Beside them stand two baselines that look at no notes: sections of eight bars, A and B in turn, and one section
for the whole song, which has no boundaries and all pairs. Where POP909 has labels by two people that cover the same
bars, these agree with each other to 0.89 (boundaries) and 0.90 (pairs).

The constants of `find_form` were chosen on training songs, so judge by validation or test songs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import mir_eval
import numpy as np

from phraseloom.corpus.store import Corpus
from phraseloom.errors import UserError
from phraseloom.evaluation.bootstrap import Estimate, bootstrap_mean
from phraseloom.form import MAX_BARS, Section
from phraseloom.score import Score
from phraseloom.structure import find_form

BASELINE_SECTION_BARS = 8
BOUNDARY_TOLERANCE_BARS = 1.0


def eight_bar_sections(score: Score) -> tuple[Section, ...]:
    """The baseline: A8 B8 A8 B8 ..., the last one shorter if need be."""
    starts = range(0, score.num_bars, BASELINE_SECTION_BARS)
    return tuple(
        Section("AB"[index % 2], min(BASELINE_SECTION_BARS, score.num_bars - start))
        for index, start in enumerate(starts)
    )


def one_section(score: Score) -> tuple[Section, ...]:
    """The other baseline: one letter for all bars."""
    return tuple(Section("A", min(MAX_BARS, score.num_bars - start)) for start in range(0, score.num_bars, MAX_BARS))


def agreement(labelled: Sequence[Section], found: Sequence[Section]) -> tuple[float, float]:
    """F1 of the section boundaries, and of the pairs of bars with the same letter."""
    reference, estimate = _intervals(labelled), _intervals(found)
    _, _, boundary_f1 = mir_eval.segment.detection(reference, estimate, window=BOUNDARY_TOLERANCE_BARS, trim=True)
    _, _, pairwise_f1 = mir_eval.segment.pairwise(
        reference, [s.letter for s in labelled], estimate, [s.letter for s in found], frame_size=1.0
    )
    return boundary_f1, pairwise_f1


def measure(scores: Sequence[Score], find: Callable[[Score], tuple[Section, ...]]) -> dict[str, Estimate]:
    """Agreement of `find` with the labels of the scores, and its time a song."""
    rows = []
    for score in scores:
        start = time.perf_counter()
        found = find(score)
        milliseconds = 1000 * (time.perf_counter() - start)
        rows.append((*agreement(score.sections, found), milliseconds))
    boundary_f1, pairwise_f1, milliseconds = np.array(rows).reshape(-1, 3).T
    return {
        "boundary_f1": bootstrap_mean(boundary_f1),
        "pairwise_f1": bootstrap_mean(pairwise_f1),
        "milliseconds": bootstrap_mean(milliseconds),
    }


FINDERS: dict[str, Callable[[Score], tuple[Section, ...]]] = {
    "found": find_form,
    "8 bars": eight_bar_sections,
    "one": one_section,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder written by `phraseloom prepare`")
    parser.add_argument("--split", default="validation", help="of the corpus (default: %(default)s)")
    parser.add_argument("--max-songs", type=int, default=None, help="the first so many (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    try:
        songs = Corpus.open(arguments.corpus).songs(arguments.split)
        scores = list(islice((song.score for song in songs if song.score.sections), arguments.max_songs))
    except UserError as error:
        parser.error(str(error))
    figures = {name: measure(scores, find) for name, find in FINDERS.items()}
    if arguments.json:
        print(json.dumps({name: {key: vars(e) for key, e in rows.items()} for name, rows in figures.items()}))
        return
    print(f"{len(scores)} labelled songs of {arguments.split}")
    for name, rows in figures.items():
        print(f"{name:10}" + "   ".join(f"{key} {estimate}" for key, estimate in rows.items()))


def _intervals(sections: Sequence[Section]) -> np.ndarray:
    """`[num_sections, 2]`: start and end in bars."""
    edges = np.cumsum([0, *(section.num_bars for section in sections)])
    return np.stack([edges[:-1], edges[1:]], axis=1).astype(float)


if __name__ == "__main__":
    main()
