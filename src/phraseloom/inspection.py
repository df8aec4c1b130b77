"""What a MIDI file holds, told to people and to programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phraseloom.form import format_form
from phraseloom.general_midi import program_name
from phraseloom.harmony import pitch_class_name
from phraseloom.midi import load_midi, quantise, with_passengers
from phraseloom.midi.annotations import NO_CHORD_KNOWN
from phraseloom.score import TICKS_PER_QUARTER, Score, Track
from phraseloom.song_recipe import SongRecipe
from phraseloom.structure import find_form, key_of_notes
from phraseloom.timing import GridTiming, grid_timing

MAX_BARS_TO_FIND_FORM = 1000
"""Looking for the form compares every two bars; beyond this it is left undone."""

FROM_MARKERS, FROM_NOTES = "markers", "notes"
FROM_SIGNATURE = "key signature"

_BARS_PER_LINE = 8
_SAME_CHORD = "%"


@dataclass(frozen=True)
class TrackInspection:
    """One instrument.

    Attributes:
        name: its track's name in the file.
        program: General MIDI program, 0 to 127.
        instrument: the program's name, or "Drums".
        is_drum: it plays on the drum channel.
        num_notes: after putting them on the grid.
        lowest_pitch, highest_pitch: MIDI pitches; None without notes.
    """

    name: str
    program: int
    instrument: str
    is_drum: bool
    num_notes: int
    lowest_pitch: int | None
    highest_pitch: int | None


@dataclass(frozen=True)
class TimedName:
    """Something that begins in a bar and holds until the next: `bar` is counted from 1, `beat` in quarters from 1."""

    bar: int
    beat: float
    name: str


@dataclass(frozen=True)
class Inspection:
    """What was found in a MIDI file; everything is on the library's grid.

    Attributes:
        title: empty where there is none.
        num_bars: from the first to the last, silent ones included.
        duration_seconds: of the bars, with every change of tempo.
        meters: each with the bar where it begins.
        tempo_bpm: at the start, in quarters a minute.
        num_tempo_changes: after the start.
        key: None where neither the file nor any pitched note says.
        key_source: "key signature" or "notes" (estimated); None without a key.
        form: such as `i4 A8 B8 o4`; None where it was not looked for.
        form_source: "markers" or "notes" (found by what repeats); None without a form.
        chords: those that the file names, and "-" where one ends and none follows; empty where it names none.
        tracks: in the file's order.
        timing: how many of the notes had to be moved onto the grid, and how far.
        recipe: how the song was made, and what is locked in it; None for a file that we did not write.
        warnings: what is damaged in the file, could not be read or was changed by the grid, a sentence each.
    """

    title: str
    num_bars: int
    duration_seconds: float
    meters: tuple[TimedName, ...]
    tempo_bpm: float
    num_tempo_changes: int
    key: str | None
    key_source: str | None
    form: str | None
    form_source: str | None
    chords: tuple[TimedName, ...]
    tracks: tuple[TrackInspection, ...]
    timing: GridTiming
    recipe: SongRecipe | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)

    def text(self) -> str:
        """Everything, for people: some lines without a newline at the end."""
        return "\n".join(_lines(self))

    def summary(self) -> str:
        """What the song is, for people: one line, which tells of what is not said but estimated that it is."""
        meters = ", ".join(dict.fromkeys(meter.name for meter in self.meters))
        key, form = (
            f"{name} {found or 'not known'}{' (estimated)' if source == FROM_NOTES else ''}"
            for name, found, source in (("key", self.key, self.key_source), ("form", self.form, self.form_source))
        )
        bars = f"{_count(self.num_bars, 'bar')} of {meters}"
        return ", ".join([bars, f"{self.tempo_bpm:g} bpm", key, form, str(self.timing)])


def inspect_midi(source: bytes | Path) -> Inspection:
    """Look into a MIDI file, given as bytes or path.

    Raises:
        UnreadableFileError, UnsupportedScoreError: as `phraseloom.midi.read_midi`.
    """
    song = load_midi(source)
    score, warnings = quantise(song)
    return inspect_score(with_passengers(score, song), SongRecipe.parse(song.recipe), song.warnings + warnings)


def inspect_score(score: Score, recipe: SongRecipe | None = None, warnings: tuple[str, ...] = ()) -> Inspection:
    """Look into a song with its passengers; what was odd about its file is told as it is given."""
    key, key_source = _key(score)
    form, form_source = _form(score)
    return Inspection(
        title=score.title,
        num_bars=score.num_bars,
        duration_seconds=round(score.duration_seconds, 3),
        meters=tuple(TimedName(meter.bar + 1, 1.0, str(meter)) for meter in score.meters),
        tempo_bpm=score.tempo_bpm,
        num_tempo_changes=len(score.tempos) - 1,
        key=key,
        key_source=key_source,
        form=form,
        form_source=form_source,
        chords=tuple(_chords(score)),
        tracks=tuple(map(_inspect_track, score.tracks)),
        timing=grid_timing(score),
        recipe=recipe,
        warnings=warnings,
    )


def _key(score: Score) -> tuple[str | None, str | None]:
    """The key and where it is from."""
    if score.key is not None:
        return str(score.key), FROM_SIGNATURE
    key = key_of_notes(score.tracks)
    return (None, None) if key is None else (str(key), FROM_NOTES)


def _form(score: Score) -> tuple[str | None, str | None]:
    """The form and where it is from."""
    if score.sections:
        return format_form(score.sections), FROM_MARKERS
    if score.num_bars > MAX_BARS_TO_FIND_FORM:
        return None, None
    return format_form(find_form(score)), FROM_NOTES


def _chords(score: Score) -> Iterator[TimedName]:
    """The chords, and the gaps between them."""
    following_onsets = [*(span.onset_ticks for span in score.chords[1:]), score.num_ticks]
    for span, following in zip(score.chords, following_onsets, strict=False):
        yield _timed_name(score, span.onset_ticks, str(span.chord))
        if (end := span.onset_ticks + span.duration_ticks) < following:
            yield _timed_name(score, end, NO_CHORD_KNOWN)


def _timed_name(score: Score, tick: int, name: str) -> TimedName:
    bar = int(score.bar_of(np.array(tick)))
    beat = (tick - int(score.bar_start_ticks[bar])) / TICKS_PER_QUARTER
    return TimedName(bar + 1, round(beat + 1, 3), name)


def _inspect_track(track: Track) -> TrackInspection:
    pitch = track.notes.pitch
    return TrackInspection(
        name=track.name,
        program=track.program,
        instrument="Drums" if track.is_drum else program_name(track.program),
        is_drum=track.is_drum,
        num_notes=len(pitch),
        lowest_pitch=int(pitch.min()) if len(pitch) else None,
        highest_pitch=int(pitch.max()) if len(pitch) else None,
    )


def _lines(inspection: Inspection) -> Iterator[str]:
    minutes, seconds = divmod(round(inspection.duration_seconds), 60)
    if inspection.title:
        yield f"title   {inspection.title}"
    yield f"length  {_count(inspection.num_bars, 'bar')}, {minutes}:{seconds:02d}"
    yield "meter   " + ", ".join(
        meter.name if meter.bar == 1 else f"{meter.name} from bar {meter.bar}" for meter in inspection.meters
    )
    changes = f", then {_count(inspection.num_tempo_changes, 'change')}" if inspection.num_tempo_changes else ""
    yield f"tempo   {inspection.tempo_bpm:g} bpm{changes}"
    yield f"key     {_with_source(inspection.key, inspection.key_source)}"
    yield f"form    {_with_source(inspection.form, inspection.form_source)}"
    if inspection.timing.num_moved:
        yield f"grid    {inspection.timing}"
    yield "tracks"
    yield from _track_lines(inspection.tracks)
    if inspection.chords:
        yield "chords"
        yield from _chord_lines(inspection)
    if inspection.recipe is not None:
        yield "made by phraseloom"
        yield from (f"  {line}" for line in inspection.recipe.lines())
    if inspection.warnings:
        yield "not as it should be"
        yield from (f"  {warning}" for warning in inspection.warnings)


def _with_source(found: str | None, source: str | None) -> str:
    if found is None:
        return "not known"
    return f"{found} ({'estimated from the notes' if source == FROM_NOTES else f'given by the {source}'})"


def _track_lines(tracks: tuple[TrackInspection, ...]) -> Iterator[str]:
    name_width = max(len(track.name) for track in tracks)
    instrument_width = max(len(track.instrument) for track in tracks)
    for number, track in enumerate(tracks, start=1):
        pitches = ""
        if track.lowest_pitch is not None and track.highest_pitch is not None and not track.is_drum:
            pitches = f"  {_pitch_name(track.lowest_pitch)} to {_pitch_name(track.highest_pitch)}"
        names = f"{track.name:{name_width}}  {track.instrument:{instrument_width}}"
        yield f"  {number:2d}  {names}  {_count(track.num_notes, 'note'):>11}{pitches}"


def _chord_lines(inspection: Inspection) -> Iterator[str]:
    """The chords that begin in each bar, eight bars a line; `%` where the last one goes on."""
    names: list[list[str]] = [[] for _ in range(inspection.num_bars)]
    for chord in inspection.chords:
        names[chord.bar - 1].append(chord.name)
    cells = [" ".join(in_bar) or _SAME_CHORD for in_bar in names]
    for first in range(0, len(cells), _BARS_PER_LINE):
        yield f"  {first + 1:4d}  " + " | ".join(cells[first : first + _BARS_PER_LINE])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _pitch_name(pitch: int) -> str:
    """Pitch 60 is C4."""
    octave, pitch_class = divmod(pitch, 12)
    return f"{pitch_class_name(pitch_class)}{octave - 1}"
