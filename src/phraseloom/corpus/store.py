"""A corpus on disk: notes in safetensors shards, everything else as one line of JSON a song.

```
corpus.json           format, version, source, slots, counts, fingerprint
songs.jsonl           one line a song: id, split, meters, tempos, form, key, chords, tracks, report, remarks, place
rejections.jsonl      one line a song that did not enter: id, reason
notes-00000.safetensors
    onset_ticks, duration_ticks  int32 [num_notes]
    pitch, velocity              uint8 [num_notes]
    track_offsets                int64 [num_tracks + 1], the first note of each track
```
A folder that has a `corpus.json` is whole: it is written beside its place and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from phraseloom.corpus.song import AlignmentReport, CorpusSong, Rejection
from phraseloom.errors import ParseError, RequestError, UnreadableFileError
from phraseloom.form import format_form, parse_form
from phraseloom.harmony import Chord, parse_chord, parse_key
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track

FORMAT = "phraseloom-corpus"
FORMAT_VERSION = 1

_HEADER_NAME = "corpus.json"
_MANIFEST_NAME = "songs.jsonl"
_REJECTIONS_NAME = "rejections.jsonl"
_NOTES_PER_SHARD = 2**20
_COLUMNS = {"onset_ticks": np.int32, "duration_ticks": np.int32, "pitch": np.uint8, "velocity": np.uint8}
_PREPARE_AGAIN = "make it again with `phraseloom prepare`"

Record = dict[str, Any]
"""A song without its notes, as JSON has it."""


def encode(song: CorpusSong) -> tuple[Record, list[Notes]]:
    """A song as a record and the notes of its tracks; `decode(*encode(song)) == song`."""
    score = song.score
    record = {
        "id": song.song_id,
        "split": song.split,
        "title": score.title,
        "num_bars": score.num_bars,
        "meters": [[meter.bar, meter.numerator, meter.denominator] for meter in score.meters],
        "tempos": [[tempo.tick, tempo.tempo_bpm] for tempo in score.tempos],
        "form": format_form(score.sections),
        "key": None if score.key is None else str(score.key),
        "chords": [[span.onset_ticks, span.duration_ticks, span.chord.symbol(score.key)] for span in score.chords],
        "tracks": [
            {"name": track.name, "program": track.program, "drums": track.is_drum, "num_notes": len(track.notes)}
            for track in score.tracks
        ],
        "report": None if song.report is None else asdict(song.report),
    }
    return record, [track.notes for track in score.tracks]


def decode(record: Mapping[str, Any], notes: Sequence[Notes]) -> CorpusSong:
    """The song of a record and its tracks' notes; the inverse of `encode`."""
    tracks = [
        Track(track["name"], track_notes, track["program"], track["drums"])
        for track, track_notes in zip(record["tracks"], notes, strict=True)
    ]
    score = Score(
        tracks=tuple(tracks),
        num_bars=record["num_bars"],
        meters=tuple(MeterChange(*meter) for meter in record["meters"]),
        tempos=tuple(TempoChange(*tempo) for tempo in record["tempos"]),
        sections=parse_form(record["form"]) if record["form"] else (),
        chords=tuple(ChordSpan(onset, duration, _chord(symbol)) for onset, duration, symbol in record["chords"]),
        key=None if record["key"] is None else parse_key(record["key"]),
        title=record["title"],
    )
    report = None if record["report"] is None else AlignmentReport(**record["report"])
    return CorpusSong(record["id"], score, record["split"], report)


def write_corpus(
    directory: Path,
    songs: Iterable[CorpusSong],
    rejections: Iterable[Rejection],
    source: str,
    remarks: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Writes a corpus; an earlier corpus in `directory` is replaced once the new one is whole.

    Args:
        directory: the corpus' folder; its parents are made.
        songs: in the order in which they will be read; ids must differ.
        rejections: what did not enter.
        source: where the songs come from, in words.
        remarks: by song id, what the preparation has to say of a song, such as tracks left out.

    Raises:
        RequestError: `directory` is there and is no corpus, or cannot be written.
        ValueError: two songs have one id.
    """
    check_writable(directory)
    try:
        with _replaced_when_whole(Path(directory).resolve()) as part:
            _write_files(part, songs, rejections, source, remarks or {})
    except OSError as error:
        message = f"cannot write the corpus {directory}: {error.strerror or error}"
        raise RequestError(message, "choose a folder on a disk with room, where you may write") from error


def check_writable(directory: Path) -> None:
    """Raises `RequestError` where `write_corpus` would overwrite something that is no corpus."""
    directory = Path(directory)
    if not directory.exists() or _names_format(directory):
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise RequestError(
            f"{directory} is there already and is no corpus", "choose a folder that is new, empty, or a corpus"
        )


@dataclass(frozen=True)
class Corpus:
    """A corpus that has been opened; songs are read when asked for.

    Attributes:
        directory: where it lies.
        source: where the songs come from, in words.
        slots: names of the places that a song's tracks have, such as MELODY, BRIDGE, PIANO.
        fingerprint: SHA-256, in hexadecimal, of all songs; changes with any of them.
        records: the songs without their notes, in order (the lines of songs.jsonl).
    """

    directory: Path
    source: str
    slots: tuple[str, ...]
    fingerprint: str
    records: tuple[Record, ...]

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether `path` looks like a corpus; `open` says what is wrong with one that is none."""
        return (path / _HEADER_NAME).is_file()

    @classmethod
    def open(cls, directory: Path | str) -> Corpus:
        """Opens the corpus in a folder.

        Raises:
            UnreadableFileError: it is no corpus, of another version, or damaged.
        """
        directory = Path(directory)
        header = _read_header(directory)
        records = tuple(_read_lines(directory / _MANIFEST_NAME, {"id", "split", "tracks", "shard", "first_track"}))
        if len(records) != header["num_songs"]:
            raise _damaged(directory, f"{_MANIFEST_NAME} has {len(records)} songs of {header['num_songs']}")
        return cls(directory, header["source"], tuple(header["slots"]), header["fingerprint"], records)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def num_songs_by_split(self) -> dict[str, int]:
        return dict(Counter(record["split"] for record in self.records))

    def songs(self, split: str | None = None) -> Iterator[CorpusSong]:
        """The songs of one split in their order, or of all ("excluded" ones too); at most one shard is in memory.

        Raises:
            UnreadableFileError: a shard is missing or damaged.
        """
        shard = _Shard.none()
        for record in self.records:
            if split is not None and record["split"] != split:
                continue
            if shard.index != record["shard"]:
                shard = _Shard.load(self.directory, record["shard"])
            yield self._decoded(record, shard)

    def song(self, song_id: str) -> CorpusSong:
        """One song.

        Raises:
            RequestError: there is none with this id.
            UnreadableFileError: its shard is missing or damaged.
        """
        for record in self.records:
            if record["id"] == song_id:
                return self._decoded(record, _Shard.load(self.directory, record["shard"]))
        raise RequestError(f"the corpus {self.directory} has no song {song_id!r}", f"{_MANIFEST_NAME} in it lists them")

    def rejections(self) -> list[Rejection]:
        """What did not enter the corpus, and why."""
        lines = _read_lines(self.directory / _REJECTIONS_NAME, {"id", "reason"})
        return [Rejection(line["id"], line["reason"]) for line in lines]

    def _decoded(self, record: Record, shard: _Shard) -> CorpusSong:
        try:
            first = record["first_track"]
            return decode(record, [shard.notes(first + k) for k in range(len(record["tracks"]))])
        except (KeyError, IndexError, TypeError, ValueError, ParseError) as error:
            raise _damaged(self.directory, f"song {record.get('id')!r} does not decode ({error})") from error


# Writing


class _Writer:
    """Collects songs into shards, and their records, counts and fingerprint."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tracks: list[Notes] = []
        self._num_notes = 0
        self._num_shards = 0
        self._hash = hashlib.sha256()
        self.records: list[Record] = []

    def add(self, song: CorpusSong, remarks: Sequence[str]) -> None:
        record, tracks = encode(song)
        self._hash.update(json.dumps(record, sort_keys=True).encode())
        for notes in tracks:
            self._hash.update(notes.table.astype("<i4").tobytes())
        place = {"shard": self._num_shards, "first_track": len(self._tracks)}
        self.records.append({**record, "remarks": list(remarks), **place})
        self._tracks += tracks
        self._num_notes += song.score.num_notes
        if self._num_notes >= _NOTES_PER_SHARD:
            self.flush()

    def flush(self) -> None:
        if not self._tracks:
            return
        columns = {
            name: np.concatenate([getattr(notes, name) for notes in self._tracks]).astype(dtype)
            for name, dtype in _COLUMNS.items()
        }
        columns["track_offsets"] = np.cumsum([0, *map(len, self._tracks)], dtype=np.int64)
        _shard_path(self._directory, self._num_shards).write_bytes(save(columns))
        self._tracks, self._num_notes = [], 0
        self._num_shards += 1

    @property
    def fingerprint(self) -> str:
        return self._hash.hexdigest()


def _write_files(
    directory: Path,
    songs: Iterable[CorpusSong],
    rejections: Iterable[Rejection],
    source: str,
    remarks: Mapping[str, Sequence[str]],
) -> None:
    writer = _Writer(directory)
    for song in songs:
        writer.add(song, remarks.get(song.song_id, ()))
    writer.flush()
    repeated = [song_id for song_id, count in Counter(record["id"] for record in writer.records).items() if count > 1]
    if repeated:
        raise ValueError(f"two songs have the id {repeated[0]!r}")
    rejection_lines = [{"id": rejection.song_id, "reason": rejection.reason} for rejection in rejections]
    header = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "source": source,
        "slots": _slots(writer.records),
        "num_songs": len(writer.records),
        "num_songs_by_split": dict(Counter(record["split"] for record in writer.records)),
        "num_rejections": len(rejection_lines),
        "fingerprint": writer.fingerprint,
    }
    _write_lines(directory / _MANIFEST_NAME, writer.records)
    _write_lines(directory / _REJECTIONS_NAME, rejection_lines)
    (directory / _HEADER_NAME).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")


def _slots(records: Sequence[Record]) -> list[str]:
    """The tracks' names where all songs agree on them, else numbers for as many tracks as the largest song has."""
    names = {tuple(track["name"] for track in record["tracks"]) for record in records}
    if len(names) == 1:
        return list(names.pop())
    return [f"track {place + 1}" for place in range(max(map(len, names), default=0))]


def _write_lines(path: Path, lines: Iterable[Record]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


@contextmanager
def _replaced_when_whole(directory: Path) -> Generator[Path]:
    """An empty folder beside `directory` that takes its place when the block ends, and vanishes when it fails."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    part = directory.with_name(f".{directory.name}.{os.getpid()}.part")
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir()
        yield part
        if directory.exists():
            directory.rename(old)
        part.rename(directory)
    finally:
        if old.exists() and not directory.exists():
            old.rename(directory)  # stopped between the two renames
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)


# Reading


@dataclass(frozen=True)
class _Shard:
    """The notes of some songs; index -1 is no shard."""

    index: int
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def none(cls) -> _Shard:
        return cls(-1, {})

    @classmethod
    def load(cls, directory: Path, index: int) -> _Shard:
        path = _shard_path(directory, index)
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise _damaged(directory, f"{path.name} cannot be read ({error})") from error
        if missing := ({*_COLUMNS, "track_offsets"} - set(arrays)):
            raise _damaged(directory, f"{path.name} has no {min(missing)}")
        return cls(index, arrays)

    def notes(self, track: int) -> Notes:
        start, end = self.arrays["track_offsets"][track : track + 2]
        return Notes(*(self.arrays[name][start:end] for name in _COLUMNS))


def _shard_path(directory: Path, index: int) -> Path:
    return directory / f"notes-{index:05d}.safetensors"


def _names_format(directory: Path) -> bool:
    try:
        header = json.loads((directory / _HEADER_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(header, dict) and header.get("format") == FORMAT


def _read_header(directory: Path) -> Record:
    if not _names_format(directory):
        raise UnreadableFileError(
            f"{directory} is no corpus: it has no {_HEADER_NAME} of one",
            "give the folder that `phraseloom prepare` wrote, or make one with it",
        )
    header = json.loads((directory / _HEADER_NAME).read_text(encoding="utf-8"))
    if header.get("version") != FORMAT_VERSION:
        message = f"{directory} is a corpus of version {header.get('version')}, this program reads {FORMAT_VERSION}"
        raise UnreadableFileError(message, _PREPARE_AGAIN)
    if missing := ({"source", "slots", "num_songs", "fingerprint"} - set(header)):
        raise _damaged(directory, f"{_HEADER_NAME} has no {min(missing)}")
    return header


def _read_lines(path: Path, keys: set[str]) -> list[Record]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(path.parent, f"{path.name} cannot be read ({error})") from error
    for number, line in enumerate(lines, start=1):
        if missing := keys - set(line if isinstance(line, dict) else ()):
            raise _damaged(path.parent, f"line {number} of {path.name} has no {min(missing)}")
    return lines


def _damaged(directory: Path, what: str) -> UnreadableFileError:
    return UnreadableFileError(f"the corpus {directory} is damaged: {what}", _PREPARE_AGAIN)


@lru_cache(maxsize=4096)
def _chord(symbol: str) -> Chord:
    return parse_chord(symbol)
