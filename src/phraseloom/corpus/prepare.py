"""From a source to a corpus: read every file, set covers and twins apart, write, and report.

Files are read in parallel through joblib, so that another backend (`joblib.parallel_config("dask")`) spreads them over
a cluster. Nothing is written before all is read; interrupted, a preparation leaves no trace.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, cpu_count, delayed

from phraseloom.corpus.duplicates import SimilarPair, find_near_duplicates, reject_twins
from phraseloom.corpus.folder import FolderSong, midi_files, read_folder_song, song_id_of
from phraseloom.corpus.pop909 import find_pop909_songs, read_pop909_song
from phraseloom.corpus.song import CorpusSong, Rejection
from phraseloom.corpus.splits import EXCLUDED, SPLITS, without_leaks
from phraseloom.corpus.store import check_writable, write_corpus
from phraseloom.errors import UnreadableFileError
from phraseloom.progress import Progress
from phraseloom.score import Score

Outcome = TypeVar("Outcome")

POP909_SOURCE = "POP909 (Wang et al. 2020) with structure labels (Dai, Zhang and Dannenberg 2020)"

_FILES_PER_PROCESS = 16  # fewer are read before a second process has started


@dataclass(frozen=True)
class NearDuplicate:
    """Two songs with the same tune, by id, and how alike they are, 0 to 1."""

    song_id: str
    other_id: str
    similarity: float


@dataclass(frozen=True)
class PrepareReport:
    """What became of a source.

    Attributes:
        num_songs_by_split: accepted songs; "excluded" ones are in the corpus, and not in training.
        num_songs_by_meter: accepted songs; "changing" where a song has more than one meter.
        num_bars, num_notes, num_phrases: of the accepted songs; a phrase is a track's bar with notes in it.
        rejections: every song that did not enter, with its reason.
        near_duplicates: every pair of accepted songs with the same tune, the most alike first.
        excluded: songs taken out of training because a held-out song has their tune.
        found_shares: of songs with labels, the share of labelled melody notes found at their place.
    """

    source: str
    num_songs_by_split: Mapping[str, int]
    num_songs_by_meter: Mapping[str, int]
    num_bars: int
    num_notes: int
    num_phrases: int
    rejections: tuple[Rejection, ...]
    near_duplicates: tuple[NearDuplicate, ...]
    excluded: tuple[str, ...]
    found_shares: tuple[float, ...]

    @property
    def num_songs(self) -> int:
        return sum(self.num_songs_by_split.values())

    @property
    def num_rejections_by_reason(self) -> dict[str, int]:
        """The most frequent first; reasons that differ in numbers or behind a colon are counted together."""
        kinds = (re.sub(r"\d+(\.\d+)?", "#", rejection.reason.split(": ")[0]) for rejection in self.rejections)
        return dict(Counter(kinds).most_common())

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "source": self.source,
            "num_songs": self.num_songs,
            "num_songs_by_split": dict(self.num_songs_by_split),
            "num_songs_by_meter": dict(self.num_songs_by_meter),
            "num_bars": self.num_bars,
            "num_notes": self.num_notes,
            "num_phrases": self.num_phrases,
            "found_share": _summary(self.found_shares),
            "num_rejections": len(self.rejections),
            "num_rejections_by_reason": self.num_rejections_by_reason,
            "rejections": [{"id": rejection.song_id, "reason": rejection.reason} for rejection in self.rejections],
            "near_duplicates": [
                {"id": pair.song_id, "other_id": pair.other_id, "similarity": round(pair.similarity, 3)}
                for pair in self.near_duplicates
            ],
            "excluded": list(self.excluded),
        }

    def text(self) -> str:
        """The report for people, every rejection listed."""
        lines = [
            f"{self.num_songs} songs accepted, {len(self.rejections)} rejected  ({self.source})",
            f"  splits           {_counts(self.num_songs_by_split)}",
            f"  meters           {_counts(self.num_songs_by_meter)}",
            f"  size             {self.num_bars} bars, {self.num_phrases} phrases, {self.num_notes} notes",
        ]
        if found := _summary(self.found_shares):
            median_share, lowest_share = found["median"], found["lowest"]
            lines.append(f"  melody found     {median_share:.1%} in the median song, {lowest_share:.1%} in the worst")
        lines += [
            f"  near-duplicates  {pair.song_id} and {pair.other_id} ({pair.similarity:.0%} of the melody)"
            for pair in self.near_duplicates
        ]
        lines += [f"  excluded         {song_id}: a held-out song has its tune" for song_id in self.excluded]
        lines += [f"  rejected         {count:4d} x {kind}" for kind, count in self.num_rejections_by_reason.items()]
        lines += [f"    {rejection.song_id}: {rejection.reason}" for rejection in self.rejections]
        return "\n".join(lines)


def prepare_pop909(
    midi: Path, labels: Path, out: Path, jobs: int | None = None, progress: Progress | None = None
) -> PrepareReport:
    """Writes the corpus of POP909 to `out`.

    Args:
        midi: checkout of POP909-Dataset.
        labels: checkout of hierarchical-structure-analysis.
        out: the corpus' folder; an earlier corpus there is replaced.
        jobs: processes; None for one a core.
        progress: told how far it is.

    Raises:
        RequestError: `out` is there and is no corpus.
        UnreadableFileError: a checkout is not what it should be, or no song of it can be used.
    """
    check_writable(out)
    calls = [(Path(midi), Path(labels), number) for number in find_pop909_songs(Path(midi), Path(labels))]
    outcomes = _read_all(read_pop909_song, calls, jobs, progress)
    songs = [outcome for outcome in outcomes if isinstance(outcome, CorpusSong)]
    rejections = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    return _finish(songs, rejections, {}, out, POP909_SOURCE, progress)


def prepare_folder(
    directory: Path, out: Path, jobs: int | None = None, progress: Progress | None = None
) -> PrepareReport:
    """Writes a corpus of all MIDI files in a folder, subfolders included, to `out`; of twins the first is taken.

    Args:
        directory: the folder with MIDI files.
        out: the corpus' folder; an earlier corpus there is replaced.
        jobs: processes; None for one a core.
        progress: told how far it is.

    Raises:
        RequestError: `out` is there and is no corpus.
        UnreadableFileError: there is no MIDI file, or none of them can be used.
    """
    check_writable(out)
    directory = Path(directory)
    calls = [(path, song_id_of(path, directory)) for path in midi_files(directory)]
    outcomes = _read_all(read_folder_song, calls, jobs, progress)
    read = [outcome for outcome in outcomes if isinstance(outcome, FolderSong)]
    unreadable = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    songs, twins = reject_twins(outcome.song for outcome in read)
    remarks = {outcome.song.song_id: outcome.remarks for outcome in read}
    rejections = sorted([*unreadable, *twins], key=lambda rejection: rejection.song_id)
    return _finish(songs, rejections, remarks, out, f"the MIDI files in {directory.resolve().name}", progress)


def _read_all(
    read: Callable[..., Outcome], calls: Sequence[tuple[Any, ...]], jobs: int | None, progress: Progress | None
) -> list[Outcome]:
    """`read(*call)` of every call, in their order."""
    num_processes = max(1, min(jobs or cpu_count(), len(calls) // _FILES_PER_PROCESS))
    outcomes = []
    for outcome in Parallel(num_processes, return_as="generator")(delayed(read)(*call) for call in calls):
        outcomes.append(outcome)
        if progress is not None:
            progress("reading", len(outcomes) / len(calls))
    return outcomes


def _finish(
    songs: Sequence[CorpusSong],
    rejections: Sequence[Rejection],
    remarks: Mapping[str, Sequence[str]],
    out: Path,
    source: str,
    progress: Progress | None,
) -> PrepareReport:
    if not songs:
        first = f", such as: {rejections[0].reason}" if rejections else ""
        raise UnreadableFileError(
            f"none of {len(rejections)} songs can be used{first}", "check that this is the right folder"
        )
    if progress is not None:
        progress("comparing melodies", 0.0)
    pairs = find_near_duplicates(song.score for song in songs)
    songs = without_leaks(songs, pairs)
    if progress is not None:
        progress("writing", 1.0)
    write_corpus(out, songs, rejections, source, _with_pairs(remarks, songs, pairs))
    return _report(songs, rejections, pairs, source)


def _with_pairs(
    remarks: Mapping[str, Sequence[str]], songs: Sequence[CorpusSong], pairs: Iterable[SimilarPair]
) -> dict[str, list[str]]:
    """The remarks, with one more on both songs of each pair."""
    extended = {song.song_id: list(remarks.get(song.song_id, ())) for song in songs}
    for pair in pairs:
        for song, other in ((songs[pair.first], songs[pair.second]), (songs[pair.second], songs[pair.first])):
            remark = f"near-duplicate of {other.song_id} ({other.split}), similarity {pair.similarity:.2f}"
            extended[song.song_id].append(remark)
    return extended


def _report(
    songs: Sequence[CorpusSong], rejections: Sequence[Rejection], pairs: Iterable[SimilarPair], source: str
) -> PrepareReport:
    splits = Counter(song.split for song in songs)
    return PrepareReport(
        source=source,
        num_songs_by_split={split: splits[split] for split in SPLITS},
        num_songs_by_meter=dict(Counter(_meter_of(song.score) for song in songs).most_common()),
        num_bars=sum(song.score.num_bars for song in songs),
        num_notes=sum(song.score.num_notes for song in songs),
        num_phrases=sum(_num_phrases(song.score) for song in songs),
        rejections=tuple(rejections),
        near_duplicates=tuple(
            NearDuplicate(songs[pair.first].song_id, songs[pair.second].song_id, pair.similarity) for pair in pairs
        ),
        excluded=tuple(song.song_id for song in songs if song.split == EXCLUDED),
        found_shares=tuple(song.report.found_share for song in songs if song.report is not None),
    )


def _meter_of(score: Score) -> str:
    return str(score.meters[0]) if len(score.meters) == 1 else "changing"


def _num_phrases(score: Score) -> int:
    return sum(len(np.unique(score.bar_of(track.notes.onset_ticks))) for track in score.tracks)


def _summary(shares: Sequence[float]) -> dict[str, float] | None:
    return {"median": median(shares), "lowest": min(shares)} if shares else None


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
