"""POP909: arrangements as MIDI, and hand-made labels with the bar lines put right, out of two public repositories.

Sources:

- Wang et al., "POP909: A Pop-song Dataset for Music Arrangement Generation" (ISMIR 2020),
  github.com/music-x-lab/POP909-Dataset;
- Dai et al., "Automatic Analysis and Influence of Hierarchical Structure on Melody, Rhythm and Harmony in Popular
  Music" (MuMe 2020), github.com/Dsqvival/hierarchical-structure-analysis.

The MIDI files' own bar lines are wrong for many songs. Their MELODY track is aligned with the labelled melody
(`corpus.alignment`), and every track moves along, so that bars, sections and chords agree.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phraseloom.corpus.alignment import Accompaniment, Alignment, align, share_found
from phraseloom.corpus.melody_matching import Grid, MelodyLine
from phraseloom.corpus.song import AlignmentReport, CorpusSong, Rejection
from phraseloom.corpus.splits import split_of_number
from phraseloom.errors import UnreadableFileError, UserError
from phraseloom.form import Section, parse_form
from phraseloom.harmony import NO_CHORD, Chord, Key, parse_chord, parse_key
from phraseloom.midi import MidiSong, load_midi
from phraseloom.score import (
    MAX_TEMPO_BPM,
    MIN_TEMPO_BPM,
    TICKS_PER_QUARTER,
    ChordSpan,
    MeterChange,
    Notes,
    Score,
    TempoChange,
    Track,
)

MIN_FOUND_SHARE = 0.9
"""Share of the labelled melody notes that must be found at their place for a song to be accepted."""

MIN_CHORD_TONE_SHARE = 0.65
"""Share of the accompaniment's notes that must be tones of the labelled chords (0.95 in the median song)."""

MAX_STRAY_BARS = 2.0
"""Bars by which the chords' lengths may miss the sections'; the last chord often ends early or rings on."""

FILE_TICKS_PER_QUARTER = 480
"""Resolution at which songs are aligned; the corpus's own."""

_FILE_TICKS_PER_TICK = FILE_TICKS_PER_QUARTER // TICKS_PER_QUARTER
_MOVED_FILE_TICKS = 10
_TRACK_NAMES = {"MELODY": "Melody", "BRIDGE": "Bridge", "PIANO": "Piano"}
_CHORD_LINE = re.compile(r"(?P<symbol>.*?)\s*\[(?P<tones>[\d,\s]*)\]\s*(?P<numbers>\d+(?:\s+\d+)*)")


def find_pop909_songs(midi_dir: Path, labels_dir: Path) -> list[int]:
    """Numbers of the songs that have a folder among the MIDI files, ascending.

    Args:
        midi_dir: checkout of POP909-Dataset, or the POP909 folder in it.
        labels_dir: checkout of hierarchical-structure-analysis, or the POP909 folder in it.

    Raises:
        UnreadableFileError: one of the folders holds no song.
    """
    found = [_song_numbers(folder) for folder in (midi_dir, labels_dir)]
    for folder, numbers in zip((midi_dir, labels_dir), found, strict=True):
        if not numbers:
            raise UnreadableFileError(
                f"{folder} holds no POP909 songs (folders 001, 002, ...).",
                "Give a checkout of POP909-Dataset for the MIDI files and one of hierarchical-structure-analysis for "
                "the labels.",
            )
    return found[0]


def read_pop909_song(midi_dir: Path, labels_dir: Path, number: int) -> CorpusSong | Rejection:
    """One song with its labels, on the labels' bars.

    A labelled note counts as found when a note of the score's melody with its pitch starts inside half a 16th of its
    labelled place: 16ths are 3 ticks, so at most 1 tick away. At least `MIN_FOUND_SHARE` of them must be found, and at
    least `MIN_CHORD_TONE_SHARE` of the accompaniment must fit the chords.

    The song has as many bars as its sections; notes before the first or behind the last bar, or in beats that the
    labels took out, are left out and counted, and of doubled notes one stays. A bar has as many quarters as the
    chords' length says. The tempo is the one in force for the longest part of the file. Of several keys the one is
    taken whose scale holds most of what sounds, the first among equals.

    Args:
        midi_dir: checkout of POP909-Dataset, or the POP909 folder in it.
        labels_dir: checkout of hierarchical-structure-analysis, or the POP909 folder in it.
        number: of the song, 1 to 909.

    Returns:
        The song, or why it cannot be used: a file is missing or malformed, or MIDI and labels do not agree.
    """
    song_id = f"pop909-{number:03d}"
    try:
        midi = load_midi(_songs_folder(midi_dir) / f"{number:03d}" / f"{number:03d}.mid")
        labels = _read_labels(_songs_folder(labels_dir) / f"{number:03d}")
        return _build_song(song_id, split_of_number(number), _read_performance(midi), labels)
    except UserError as error:
        return Rejection(song_id, " ".join(error.message.split()))
    except _NotUsableError as error:
        return Rejection(song_id, str(error))


class _NotUsableError(Exception):
    """A readable song that cannot be part of the corpus; the message says why."""


@dataclass(frozen=True)
class _Labels:
    """A song's labels; `melody` in file ticks, `chords` with lengths in quarters."""

    sections: tuple[Section, ...]
    melody: MelodyLine
    chords: tuple[tuple[Chord, int], ...]
    keys: tuple[Key, ...]
    tempo_bpm: float

    @property
    def num_bars(self) -> int:
        return sum(section.num_bars for section in self.sections)


@dataclass(frozen=True)
class _Line:
    """Notes of one track of the file at `FILE_TICKS_PER_QUARTER`, `[n]` each, ordered by onset."""

    program: int
    onset_ticks: np.ndarray
    duration_ticks: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray


@dataclass(frozen=True)
class _Performance:
    """What the MIDI file holds; lines by their name in the file. The tempo is None where the file has none."""

    lines: dict[str, _Line]
    tempo_bpm: float | None


def _songs_folder(folder: Path) -> Path:
    inner = folder / "POP909"
    return inner if inner.is_dir() else folder


def _song_numbers(folder: Path) -> list[int]:
    folder = _songs_folder(folder)
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if re.fullmatch(r"\d{3}", path.name) and path.is_dir())


def _read_performance(midi: MidiSong) -> _Performance:
    scale = FILE_TICKS_PER_QUARTER / midi.ticks_per_quarter
    lines = {}
    for track in midi.tracks:
        order = np.argsort(track.onset_ticks, kind="stable")
        onset = np.rint(track.onset_ticks[order] * scale).astype(np.int64)
        duration = np.rint(track.duration_ticks[order] * scale).astype(np.int64)
        lines[track.name] = _Line(track.program, onset, duration, track.pitch[order], track.velocity[order])
    missing = [name for name in _TRACK_NAMES if name not in lines]
    if missing:
        raise _NotUsableError(f"the MIDI file has no track {', '.join(missing)}")
    return _Performance(lines, _longest_tempo(midi))


def _longest_tempo(midi: MidiSong) -> float | None:
    """The tempo in force for the most ticks up to the last note."""
    end = max(int(track.onset_ticks.max()) for track in midi.tracks if track.num_notes)
    edges = [min(tempo.tick, end) for tempo in midi.tempos] + [end]
    length_ticks: dict[float, int] = {}
    for tempo, start, stop in zip(midi.tempos, edges, edges[1:], strict=False):
        length_ticks[tempo.tempo_bpm] = length_ticks.get(tempo.tempo_bpm, 0) + stop - start
    return max(length_ticks, key=length_ticks.__getitem__, default=None)


def _read_labels(folder: Path) -> _Labels:
    return _Labels(
        sections=parse_form(_label_text(folder, "human_label1.txt").strip()),
        melody=_parse_melody(_label_text(folder, "melody.txt")),
        chords=_parse_chords(_label_text(folder, "finalized_chord.txt")),
        keys=tuple(parse_key(line.strip()) for line in _lines(_label_text(folder, "analyzed_key.txt"))),
        tempo_bpm=_parse_tempo(_label_text(folder, "tempo.txt")),
    )


def _label_text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _NotUsableError(f"the labels' {name} is missing or unreadable") from error


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _parse_melody(text: str) -> MelodyLine:
    """Lines `pitch length`, the length in 16ths, pitch 0 for a rest."""
    rows = []
    for line in _lines(text):
        if not re.fullmatch(r"\s*\d+\s+\d+\s*", line):
            raise _NotUsableError(f"melody.txt has a line {line.strip()!r}, expected a pitch and a length")
        rows.append([int(number) for number in line.split()])
    pitch, length = np.array(rows, np.int64).reshape(-1, 2).T
    onset = (np.cumsum(length) - length) * FILE_TICKS_PER_QUARTER // 4
    if not (pitch > 0).any():
        raise _NotUsableError("melody.txt has no notes")
    return MelodyLine(onset[pitch > 0], pitch[pitch > 0])


def _parse_chords(text: str) -> tuple[tuple[Chord, int], ...]:
    """Lines `symbol [pitch classes] bass length`, the length in quarters; some have one number too few or too many."""
    chords = []
    for line in _lines(text):
        match = _CHORD_LINE.fullmatch(line.strip())
        if not match:
            raise _NotUsableError(f"finalized_chord.txt has a line {line.strip()!r}, expected a chord and its length")
        num_quarters = int(match["numbers"].split()[-1])
        if num_quarters:
            chords.append((parse_chord(match["symbol"]), num_quarters))
    return tuple(chords)


def _parse_tempo(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _NotUsableError(f"tempo.txt holds {text.strip()!r}, expected a number") from error


def _build_song(song_id: str, split: str, performance: _Performance, labels: _Labels) -> CorpusSong:
    meter = _meter(labels)
    num_ticks = labels.num_bars * meter.ticks_per_bar
    alignment, found_share = _align(performance, labels, meter)
    placed = {
        name: _placed_notes(performance.lines[file_name], alignment, num_ticks)
        for file_name, name in _TRACK_NAMES.items()
    }
    programs = {name: performance.lines[file_name].program for file_name, name in _TRACK_NAMES.items()}
    tracks = tuple(Track(name, line.notes, programs[name]) for name, line in placed.items())
    score = Score(
        tracks=tracks,
        num_bars=labels.num_bars,
        meters=(meter,),
        tempos=(TempoChange(0, _tempo(performance, labels)),),
        sections=labels.sections,
        chords=_chord_spans(labels, num_ticks),
        key=_best_key(labels.keys, tracks),
    )
    report = AlignmentReport(
        found_share=found_share,
        num_shift_changes=alignment.num_changes,
        num_notes_moved=sum(line.num_moved for line in placed.values()),
        num_notes_left_out=sum(line.num_left_out for line in placed.values()),
        num_notes_merged=sum(line.num_merged for line in placed.values()),
    )
    return CorpusSong(song_id, score, split, report)


def _align(performance: _Performance, labels: _Labels, meter: MeterChange) -> tuple[Alignment, float]:
    """The alignment, checked, and the share of the labelled melody notes that it finds."""
    melody = performance.lines["MELODY"]
    accompaniment = _accompaniment(performance, labels)
    grid = Grid(FILE_TICKS_PER_QUARTER, meter.ticks_per_bar * _FILE_TICKS_PER_TICK)
    alignment = align(MelodyLine(melody.onset_ticks, melody.pitch), labels.melody, accompaniment, grid)
    if alignment is None:
        raise _NotUsableError("the MELODY track shares no passage with the labelled melody")
    found = _found_share(melody, labels.melody, alignment, labels.num_bars * meter.ticks_per_bar)
    if found < MIN_FOUND_SHARE:
        percent = math.floor(1000 * found) / 10  # never rounded up to the limit that it misses
        raise _NotUsableError(f"only {percent} % of the labelled melody notes are at their place in the MELODY track")
    fit = accompaniment.mean_fit(alignment, grid)
    if fit < MIN_CHORD_TONE_SHARE:
        raise _NotUsableError(f"only {100 * fit:.0f} % of the accompaniment's notes are tones of the labelled chords")
    return alignment, found


def _meter(labels: _Labels) -> MeterChange:
    """Quarters a bar such that the chords are as long as the sections."""
    num_quarters = sum(length for _, length in labels.chords)
    quarters_per_bar = round(num_quarters / labels.num_bars)
    stray_bars = abs(num_quarters - quarters_per_bar * labels.num_bars) / max(quarters_per_bar, 1)
    if not 2 <= quarters_per_bar <= 6 or stray_bars > MAX_STRAY_BARS:
        raise _NotUsableError(
            f"the sections have {labels.num_bars} bars and the chords {num_quarters} beats: no meter makes them agree"
        )
    return MeterChange(0, quarters_per_bar, 4)


def _accompaniment(performance: _Performance, labels: _Labels) -> Accompaniment:
    lines = [performance.lines[name] for name in _TRACK_NAMES if name != "MELODY"]
    onset = np.concatenate([line.onset_ticks for line in lines])
    pitch = np.concatenate([line.pitch for line in lines])
    order = np.argsort(onset, kind="stable")
    tones = np.array([_chord_tones(chord) for chord, _ in labels.chords])
    return Accompaniment(onset[order], pitch[order], np.repeat(tones, [length for _, length in labels.chords], axis=0))


def _chord_tones(chord: Chord) -> np.ndarray:
    """`[12]`: 1 for the chord's pitch classes, 0 for others; 0.5 for all where there is no chord."""
    if not chord.pitch_classes:
        return np.full(12, 0.5)
    return np.isin(np.arange(12), list(chord.pitch_classes)).astype(float)


def _found_share(melody: _Line, labelled: MelodyLine, alignment: Alignment, num_ticks: int) -> float:
    onset, _, kept = alignment.place(melody.onset_ticks, melody.duration_ticks)
    onset_ticks = _to_ticks(onset)
    kept &= _inside(onset_ticks, num_ticks)
    placed = MelodyLine(onset_ticks[kept], melody.pitch[kept])
    return share_found(placed, MelodyLine(_to_ticks(labelled.onset_ticks), labelled.pitch), TICKS_PER_QUARTER // 8)


@dataclass(frozen=True)
class _PlacedNotes:
    """A line on the labels' bars, and what that took; counts as in `AlignmentReport`."""

    notes: Notes
    num_moved: int
    num_left_out: int
    num_merged: int


def _placed_notes(line: _Line, alignment: Alignment, num_ticks: int) -> _PlacedNotes:
    onset, duration, kept = alignment.place(line.onset_ticks, line.duration_ticks)
    onset_ticks = _to_ticks(onset)
    kept &= _inside(onset_ticks, num_ticks)
    moved = np.abs(onset - onset_ticks * _FILE_TICKS_PER_TICK) > _MOVED_FILE_TICKS
    duration_ticks = np.maximum(1, _to_ticks(onset + duration) - onset_ticks)
    columns = (onset_ticks, duration_ticks, line.pitch, line.velocity)
    notes = Notes.build(*(column[kept] for column in columns))
    num_kept = int(kept.sum())
    return _PlacedNotes(notes, int((moved & kept).sum()), len(kept) - num_kept, num_kept - len(notes))


def _to_ticks(file_ticks: np.ndarray) -> np.ndarray:
    return (file_ticks + _FILE_TICKS_PER_TICK // 2) // _FILE_TICKS_PER_TICK


def _inside(ticks: np.ndarray, num_ticks: int) -> np.ndarray:
    return (ticks >= 0) & (ticks < num_ticks)


def _tempo(performance: _Performance, labels: _Labels) -> float:
    tempo_bpm = performance.tempo_bpm or labels.tempo_bpm
    if not MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM:
        raise _NotUsableError(f"the tempo is {tempo_bpm:g} bpm, expected {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g}")
    return tempo_bpm


def _chord_spans(labels: _Labels, num_ticks: int) -> tuple[ChordSpan, ...]:
    """The chords in ticks; what runs past the last bar is cut, and a song whose chords end early ends without one."""
    spans = []
    start = 0
    for chord, num_quarters in (*labels.chords, (NO_CHORD, num_ticks)):
        end = min(start + num_quarters * TICKS_PER_QUARTER, num_ticks)
        if end > start:
            spans.append(ChordSpan(start, end - start, chord))
        start = end
    return tuple(spans)


def _best_key(keys: tuple[Key, ...], tracks: tuple[Track, ...]) -> Key | None:
    weights = np.zeros(12)
    for track in tracks:
        np.add.at(weights, track.notes.pitch % 12, track.notes.duration_ticks)
    return max(keys, key=lambda key: weights[_scale(key)].sum(), default=None)


def _scale(key: Key) -> np.ndarray:
    """Pitch classes of the major or the natural minor scale."""
    steps = (0, 2, 4, 5, 7, 9, 11) if key.mode == "major" else (0, 2, 3, 5, 7, 8, 10)
    return (key.tonic + np.array(steps)) % 12
