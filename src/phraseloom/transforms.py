"""Pure functions from score to score: cut into phrases and join, transpose, normalise the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from phraseloom.form import Section
from phraseloom.harmony import Chord, Key
from phraseloom.passengers import END_OF_TIME, Stretch
from phraseloom.score import TICKS_PER_QUARTER, ChordSpan, Notes, Score, Track

_NEW_BAR = -1


def cut(score: Score) -> list[list[Notes]]:
    """The phrases of a song.

    Returns:
        `phrases[bar][track]`: the notes of one track that start in one bar, onsets counted from the bar line. Durations
        are whole, so a note may ring past the bar.
    """
    edges = score.bar_start_ticks
    phrases: list[list[Notes]] = [[] for _ in range(score.num_bars)]
    for track in score.tracks:
        bounds = np.searchsorted(track.notes.onset_ticks, edges)
        for bar in range(score.num_bars):
            inside = slice(bounds[bar], bounds[bar + 1])
            phrases[bar].append(track.notes.where(inside).shifted(-int(edges[bar])))
    return phrases


def join(phrases: Sequence[Sequence[Notes]], template: Score) -> Score:
    """The song whose phrases are `phrases[bar][track]`; everything but the notes is taken from `template`.

    `join(cut(score), score) == score`. A note that would still sound when its pitch is struck again in a later phrase
    ends there.

    Raises:
        ValueError: another number of bars or tracks than the template has.
    """
    if len(phrases) != template.num_bars or any(len(row) != len(template.tracks) for row in phrases):
        raise ValueError(f"expected phrases for {template.num_bars} bars of {len(template.tracks)} tracks")
    tracks = []
    for index, track in enumerate(template.tracks):
        starts = template.bar_start_ticks[:-1]
        tables = [row[index].table + np.array([start, 0, 0, 0]) for row, start in zip(phrases, starts, strict=True)]
        tracks.append(replace(track, notes=Notes.build(*np.concatenate(tables).T)))
    return replace(template, tracks=tuple(tracks))


def with_notes(score: Score, notes: Sequence[Notes]) -> Score:
    """The song with other notes in its tracks, which are as many."""
    tracks = [replace(track, notes=own) for track, own in zip(score.tracks, notes, strict=True)]
    return replace(score, tracks=tuple(tracks))


def overlaid(kept: Notes, added: Notes) -> Notes:
    """Both together; where two notes of one pitch would sound at once, the added one yields.

    An added note that begins while its pitch is sounding is left out; one that is sounding when a kept note of its
    pitch begins ends there.
    """
    if not len(kept) or not len(added):
        return added if len(added) else kept
    num_onsets = max(int(kept.onset_ticks[-1]), int(added.onset_ticks[-1])) + 1
    kept_places, places = (notes.pitch.astype(np.int64) * num_onsets + notes.onset_ticks for notes in (kept, added))
    order = np.argsort(kept_places)
    before = np.searchsorted(kept_places[order], places, side="right")
    # One entry at either end of each column that is no note, so that every added note has neighbours.
    onset, end, pitch = (np.pad(column[order], 1) for column in (kept.onset_ticks, kept.end_ticks, kept.pitch + 1))
    fits = (pitch[before] != added.pitch + 1) | (end[before] <= added.onset_ticks)
    is_followed = pitch[before + 1] == added.pitch + 1
    ends = np.where(is_followed, np.minimum(added.end_ticks, onset[before + 1]), added.end_ticks)
    shortened = np.stack([added.onset_ticks, ends - added.onset_ticks, added.pitch, added.velocity], axis=1)
    return Notes.build(*np.concatenate([kept.table, shortened[fits]]).T)


def excerpt(score: Score, first_bar: int, num_bars: int) -> Score:
    """`num_bars` bars from `first_bar` on as a song of their own; notes that begin there keep their length.

    Raises:
        ValueError: the song does not have these bars.
    """
    if not 0 <= first_bar < first_bar + num_bars <= score.num_bars:
        raise ValueError(f"bars {first_bar} to {first_bar + num_bars - 1} of a song of {score.num_bars}")
    start, end = (int(score.bar_start_ticks[bar]) for bar in (first_bar, first_bar + num_bars))
    stretches = stretches_of(score, range(first_bar, first_bar + num_bars))
    tracks = []
    for track in score.tracks:
        inside = (track.notes.onset_ticks >= start) & (track.notes.onset_ticks < end)
        tracks.append(moved_track(track, track.notes.where(inside).shifted(-start), stretches))
    chords = [(max(s.onset_ticks, start), min(s.onset_ticks + s.duration_ticks, end), s.chord) for s in score.chords]
    return replace(
        score,
        tracks=tuple(tracks),
        num_bars=num_bars,
        meters=_from_place([(meter.bar, meter) for meter in score.meters], first_bar, first_bar + num_bars, "bar"),
        tempos=_from_place([(tempo.tick, tempo) for tempo in score.tempos], start, end, "tick"),
        sections=_cut_sections(score.sections, first_bar, num_bars),
        chords=tuple(ChordSpan(a - start, b - a, chord) for a, b, chord in chords if a < b),
        passengers=score.passengers.moved(stretches),
    )


def stretches_of(score: Score, bars: Sequence[int], new_bar_ticks: int = 0) -> tuple[Stretch, ...]:
    """Where the bars of a song stand in another that is put together of them, as few stretches as may be.

    Args:
        bars: for every bar of the other song that of `score`; -1 for a new one.
        new_bar_ticks: length of new bars.
    """
    starts = score.bar_start_ticks.tolist()
    stretches: list[Stretch] = []
    place = 0
    previous: int | None = None
    for bar in bars:
        if bar < 0:
            if previous != _NEW_BAR:
                stretches.append(Stretch(place))
            place += new_bar_ticks
        else:
            if previous in (None, _NEW_BAR) or bar != previous + 1:
                stretches.append(Stretch(place, starts[bar]))
            stretches[-1] = stretches[-1]._replace(end=starts[bar + 1])
            place += starts[bar + 1] - starts[bar]
        previous = max(bar, _NEW_BAR)
    followers = [*stretches[1:], None]
    return tuple(_with_tail(*pair, score.num_ticks) for pair in zip(stretches, followers, strict=True))


def moved_track(track: Track, notes: Notes, stretches: Sequence[Stretch]) -> Track:
    """The track with `notes`, which are its own moved along some stretches, and with its passengers moved so."""
    passengers, program = track.passengers.moved(stretches, track.program)
    return replace(track, notes=notes, program=program, passengers=passengers)


def transpose(score: Score, semitones: int) -> Score:
    """Every pitched track, chord and the key moved by `semitones`; drums stay."""
    if semitones == 0:
        return score
    return replace(
        score,
        tracks=tuple(_transposed_track(track, semitones) for track in score.tracks),
        chords=tuple(
            ChordSpan(span.onset_ticks, span.duration_ticks, span.chord.transposed(semitones)) for span in score.chords
        ),
        key=None if score.key is None else Key((score.key.tonic + semitones) % 12, score.key.mode),
        passengers=score.passengers.transposed(semitones),
    )


def normalising_shift(key: Key | None) -> int:
    """Semitones, -5 to 6, from `key` to C major or A minor, whichever has its mode; 0 where it is unknown."""
    if key is None:
        return 0
    target = 0 if key.mode == "major" else 9
    return (target - key.tonic + 5) % 12 - 5


def normalise_key(score: Score) -> Score:
    """The song in C major or A minor; unchanged where its key is unknown."""
    return transpose(score, normalising_shift(score.key))


def beat_chords(score: Score) -> list[Chord | None]:
    """The chord in the middle of each quarter note of the song, None where none is known."""
    chords: list[Chord | None] = [None] * (score.num_ticks // TICKS_PER_QUARTER)
    for span in score.chords:
        ticks = np.array([span.onset_ticks, span.onset_ticks + span.duration_ticks]) - TICKS_PER_QUARTER // 2
        first, behind = -(-ticks // TICKS_PER_QUARTER)
        for beat in range(max(0, first), min(behind, len(chords))):
            chords[beat] = span.chord
    return chords


def _transposed_track(track: Track, semitones: int) -> Track:
    if track.is_drum:
        return track
    notes = track.notes.transposed(semitones)
    return replace(track, notes=notes, passengers=track.passengers.transposed(semitones))


def _with_tail(stretch: Stretch, following: Stretch | None, num_ticks: int) -> Stretch:
    """With what stands behind the song's last bar, such as the last pedal's end, unless old bars follow there."""
    is_free = following is None or following.start is None
    return stretch._replace(end=END_OF_TIME) if is_free and stretch.end == num_ticks else stretch


def _from_place(changes: list[tuple[int, Any]], start: int, end: int, name: str) -> tuple[Any, ...]:
    """Changes of meter or tempo in force from `start` to `end`, counted from `start`."""
    before = [change for place, change in changes if place <= start][-1:]
    inside = [change for place, change in changes if start < place < end]
    return tuple(replace(change, **{name: max(0, getattr(change, name) - start)}) for change in before + inside)


def _cut_sections(sections: Sequence[Section], first_bar: int, num_bars: int) -> tuple[Section, ...]:
    kept, start = [], 0
    for section in sections:
        length = min(start + section.num_bars, first_bar + num_bars) - max(start, first_bar)
        if length > 0:
            kept.append(Section(section.letter, length))
        start += section.num_bars
    return tuple(kept)
