"""Edits of a song: each says which cells are written anew, and from which noise level they are drawn.

A note belongs to the bar in which it begins. Every note outside these cells stays as it is: pitch, tick, duration,
velocity, also where it rings into them, and when it was played. Cells that are locked are left as they are by every
edit. Longer songs than the model speaks are edited in a window of 128 bars around the place. Bars are counted from 0
here; users' texts count from 1.

Letters in shapes: n bars of the song, t its tracks, s slots of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from string import ascii_uppercase
from typing import Any

import numpy as np

from phraseloom.density import Density
from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.form import MAX_BARS, Section, format_form, num_bars_of, parse_form
from phraseloom.harmony import Key, parse_key
from phraseloom.parts import Parts, given_tracks, parts_of, with_a_track_each
from phraseloom.reforming import ReformedSong, barred_in_four, lengthened, rebuilt
from phraseloom.regions import parse_bars, parse_cells, track_index, track_label, track_labels
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import MAX_TEMPO_BPM, MIN_TEMPO_BPM, Notes, Score, TempoChange, Track
from phraseloom.song_model import Slot, speaks_meter_of
from phraseloom.structure import find_form, key_of_notes
from phraseloom.texture import texture_of_bars
from phraseloom.transforms import excerpt, overlaid, with_notes

MIN_CONTEXT_BARS = 8
"""So many bars of what stands there are always seen when a song goes on."""
NOTHING_KNOWN = "every bar of every track that the model writes is written anew, so nothing of the song guides it"


@dataclass(frozen=True, eq=False)
class Edit:
    """A song and what is to become of some of its cells.

    Attributes:
        score: the whole song, new bars and tracks included, with the notes that stay and those that will go.
        track_of_slot: for each slot the track that it stands for; None for a slot that the song does not have.
        first_bar: of the window that is drawn.
        request: the window, for `phraseloom.drawing.draw`.
        told: what was asked, as text and numbers for JSON.
        locked: `[n, t]` bool, of `score`: the cells that no edit writes; None where there are none.
        remarks: what may not be what was meant, a sentence each.
        is_longer: whether bars were added, which may take over what the song has of their sections.
        heard: the tracks that are given for all bars, for which chords are found where the song says none.
    """

    score: Score
    track_of_slot: tuple[int | None, ...]
    first_bar: int
    request: Request
    told: dict[str, Any]
    locked: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    is_longer: bool = False
    heard: tuple[int, ...] = ()

    def finished(self, drawn: Score) -> Score:
        """The song with the notes of `drawn`, the completed window, in the cells that were not known."""
        notes = [track.notes for track in self.score.tracks]
        is_new = self.request.levels > KNOWN
        start = int(self.score.bar_start_ticks[self.first_bar])
        for slot, index in enumerate(self.track_of_slot):
            if index is None:
                continue
            bars = np.zeros(self.score.num_bars, bool)
            bars[self.first_bar : self.first_bar + len(is_new)] = is_new[:, slot]
            own = drawn.tracks[slot].notes
            new = own.where(is_new[drawn.bar_of(own.onset_ticks), slot]).shifted(start)
            kept = notes[index].where(~bars[self.score.bar_of(notes[index].onset_ticks)])
            notes[index] = overlaid(kept, new)
        return with_notes(self.score, notes)


def infill(
    score: Score,
    slots: Sequence[Slot],
    bars: str | None = None,
    tracks: Sequence[str] | None = None,
    *,
    given: Sequence[str] = (),
    locked: str | None = None,
) -> Edit:
    """New music in some bars of some tracks, fitting what stands before, after and beside.

    Args:
        bars: such as `13-20` or `4,9-12`, from 1; all where None.
        tracks: names or numbers, from 1; all that the model can write where None.
        given: for slots of the model, which track of the song (name or number, from 1) stands for it, as `Melody=2`;
            without it, as `phraseloom.parts.parts_of` finds them.
        locked: cells that stay all the same, as `phraseloom.regions.parse_cells` reads them.

    Raises:
        RequestError: no such bars or tracks, a track that the model does not write, only locked cells, or bars further
            apart than the model sees at once.
        UnsupportedScoreError: the song is not in 4/4.
    """
    parts = parts_of(score, slots, given)
    told = {"kind": "infill", "bars": bars, "tracks": tracks, **_told_of(given)}
    return _edit(score, slots, parts, _cells(score, parts, bars, tracks) * NEW, told, _locked(score, locked))


def vary(
    score: Score,
    slots: Sequence[Slot],
    distance: float,
    bars: str | None = None,
    tracks: Sequence[str] | None = None,
    *,
    given: Sequence[str] = (),
    locked: str | None = None,
) -> Edit:
    """The same music, near (`distance` 0: no change) to far (1: as `infill`).

    Args:
        distance: the noise level from which the cells are drawn; how much comes out otherwise rises with it.
        bars, tracks, given, locked: as for `infill`.

    Raises:
        RequestError: as `infill`, and a distance out of range.
        UnsupportedScoreError: the song is not in 4/4.
    """
    if not 0 <= distance <= 1:
        raise RequestError(f"the distance is {distance}", "ask for 0 (as it is) to 1 (all new)")
    parts = parts_of(score, slots, given)
    told = {"kind": "vary", "bars": bars, "tracks": tracks, "distance": distance, **_told_of(given)}
    return _edit(score, slots, parts, _cells(score, parts, bars, tracks) * distance, told, _locked(score, locked))


def extend(
    score: Score,
    slots: Sequence[Slot],
    sections: Sequence[Section],
    *,
    before: bool = False,
    given: Sequence[str] = (),
    locked: str | None = None,
) -> Edit:
    """The song goes on for the bars of `sections`, or begins with them; a song without a form is given the one found.

    Args:
        given: as for `infill`.
        locked: cells of the song as it is, for the edits that come.

    Raises:
        RequestError: no bars, more than the model can write at once, or no track that the model writes.
        UnsupportedScoreError: the song is not in 4/4.
    """
    num_new = num_bars_of(sections)
    most = MAX_BARS - min(MIN_CONTEXT_BARS, score.num_bars)
    if not 1 <= num_new <= most:
        raise RequestError(f"the song was to go on for {num_new} bars", f"ask for 1 to {most} bars at a time")
    longer = lengthened(_with_form(_checked(score)), sections, before=before)
    parts = parts_of(score, slots, given)
    told = {"kind": "extend", "form": format_form(sections), "before": before, **_told_of(given)}
    edit = _edit(longer.score, slots, parts, _new_bars(longer), told, _locked(score, locked, bars=longer.sources))
    return replace(edit, is_longer=True)


def arrange(
    score: Score,
    slots: Sequence[Slot],
    given: Sequence[str],
    *,
    keep_others: bool = False,
    locked: str | None = None,
) -> Edit:
    """New music in all slots for which no track is given, to those that are.

    A track that is called like a slot that is written anew makes room for it: the new notes stand in its place, with
    its program and volume, and further tracks of that name go. Drums and tracks with other names stay.

    Args:
        given: for slots of the model, which track of the song (name or number, from 1) stands for it, as `Melody=2`.
        keep_others: all tracks stay, and what is written stands in tracks of its own.
        locked: as for `infill`.

    Raises:
        RequestError: nothing or everything is given, no such slot or track, drums for a pitched slot or the other way
            round, or the song is longer than 128 bars.
        UnsupportedScoreError: the song is not in 4/4.
    """
    tracks = given_tracks(given, score, slots)
    if all(index is None for index in tracks) or None not in tracks:
        names = ", ".join(slot.name for slot in slots)
        raise RequestError(
            "an arrangement needs something given and something to write",
            f"give tracks for some of {names}, such as {slots[0].name}=1, but not for all",
        )
    if score.num_bars > MAX_BARS:
        message = f"the song has {score.num_bars} bars, {MAX_BARS} can be arranged at once"
        raise RequestError(message, "cut the song into parts")
    song = with_a_track_each(_checked(score), slots, tracks, keep_others=keep_others)
    levels = np.zeros((score.num_bars, len(song.score.tracks)))
    levels[:, [own for own, index in zip(song.track_of_slot, tracks, strict=True) if index is None]] = NEW
    told = {"kind": "arrange", "given": list(given), **({"keep_others": True} if keep_others else {})}
    locks = _locked(score, locked, tracks=song.sources)
    heard = [own for own, index in zip(song.track_of_slot, tracks, strict=True) if index is not None]
    edit = _edit(song.score, slots, Parts(song.track_of_slot), levels, told, locks)
    return replace(edit, heard=tuple(index for index in heard if index is not None))


def restructure(
    score: Score,
    slots: Sequence[Slot],
    sections: Sequence[Section],
    *,
    given: Sequence[str] = (),
    locked: str | None = None,
) -> Edit:
    """The song in another form, built from its own sections; what it does not have is written anew.

    The first section of a letter is the song's first of that letter, the second its second, and so on; where the song
    has fewer, its last one comes again. Bars beyond the end of that section, and letters that the song does not have,
    are new. All tracks move with their bars, and all that travels with them; the tempo is the one at the start.

    Args:
        given: as for `infill`.
        locked: cells of the song as it is, for the edits that come; they move with their bars.

    Raises:
        RequestError: more than 128 bars, or no track that the model writes.
        UnsupportedScoreError: the song is not in 4/4.
    """
    if not 1 <= num_bars_of(sections) <= MAX_BARS:
        raise RequestError(
            f"the form {format_form(sections)} has {num_bars_of(sections)} bars", f"give it 1 to {MAX_BARS} bars"
        )
    song = rebuilt(_with_form(_checked(score)), sections)
    parts = parts_of(score, slots, given)
    told = {"kind": "restructure", "form": format_form(sections), **_told_of(given)}
    edit = _edit(song.score, slots, parts, _new_bars(song), told, _locked(score, locked, bars=song.sources))
    return replace(edit, is_longer=True)


def with_density(edit: Edit, density: Density) -> Edit:
    """The edit with what is written having about so many notes a bar; what stays, stays.

    Args:
        density: for the song's letters, the found ones where it says none, and its tracks by their names; a part that
            the song does not have is called as the model calls it.

    Raises:
        RequestError: a letter or a track that the song does not have.
    """
    song, form = edit.request.song, _with_form(edit.score).sections
    grades = texture_of_bars(density.grades(form, [track.name for track in song.tracks]), form)
    in_window = grades[edit.first_bar : edit.first_bar + song.num_bars]
    told = {**edit.told, "density": str(density)}
    return replace(edit, request=replace(edit.request, texture=in_window), told=told)


def corrected(
    score: Score,
    *,
    key: str | Key | None = None,
    tempo_bpm: float | None = None,
    form: str | Sequence[Section] | None = None,
    in_four: bool = False,
) -> Score:
    """The song with what its file or its notes say wrongly said by the user; None leaves a thing as it is.

    Args:
        key: such as `G` or `F# minor`.
        tempo_bpm: for the whole song, in place of all its changes of tempo.
        form: sections that add up to the song's bars.
        in_four: its bars are of four quarters from its start on, whatever meters it says.

    Raises:
        RequestError: a tempo out of range, or a form of another length.
        ParseError: the text of the key or the form does not parse.
    """
    if in_four and not speaks_meter_of(score):
        score = barred_in_four(score)
    if key is not None:
        score = replace(score, key=parse_key(key) if isinstance(key, str) else key)
    if tempo_bpm is not None:
        if not MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM:
            remedy = f"ask for {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} quarter notes a minute"
            raise RequestError(f"the tempo is {tempo_bpm}", remedy)
        score = replace(score, tempos=(TempoChange(0, tempo_bpm),))
    if form is not None:
        sections = parse_form(form) if isinstance(form, str) else tuple(form)
        if num_bars_of(sections) != score.num_bars:
            message = f"the form {format_form(sections)} has {num_bars_of(sections)} bars, the song {score.num_bars}"
            raise RequestError(message, f"give a form of {score.num_bars} bars")
        score = replace(score, sections=sections)
    return score


def new_section(score: Score, num_bars: int) -> tuple[Section, ...]:
    """A section of `num_bars` whose letter the song does not have yet, for `extend`.

    Raises:
        RequestError: not 1 to 128 bars, or the song has all capital letters.
    """
    if not 1 <= num_bars <= MAX_BARS:
        raise RequestError(f"the song was to go on for {num_bars} bars", f"ask for 1 to {MAX_BARS}")
    taken = {section.letter for section in score.sections or find_form(score)}
    free = [letter for letter in ascii_uppercase if letter not in taken]
    if not free:
        raise RequestError("the song's form uses every capital letter", 'say how it goes on, such as --form "A8"')
    return (Section(free[0], num_bars),)


def _told_of(given: Sequence[str]) -> dict[str, Any]:
    return {"given": list(given)} if given else {}


def _cells(score: Score, parts: Parts, bars: str | None, tracks: Sequence[str] | None) -> np.ndarray:
    """`[n, t]` 1 for the cells that are named."""
    known = [index for index in parts.track_of_slot if index is not None]
    chosen = known if tracks is None else [track_index(name, score) for name in tracks]
    if not chosen:
        raise RequestError("no track is named", "name some, or leave the tracks out for all of them")
    for index in chosen:
        if index not in known:
            message = f"the model does not write {track_label(index, score)}"
            raise RequestError(message, f"choose among {track_labels(score, known)}")
    in_bars = np.ones(score.num_bars, bool) if bars is None else parse_bars(bars, score.num_bars)
    in_tracks = np.isin(np.arange(len(score.tracks)), chosen)
    return (in_bars[:, None] & in_tracks).astype(float)


def _locked(
    score: Score,
    locked: str | None,
    *,
    bars: Sequence[int] | None = None,
    tracks: Sequence[int | None] | None = None,
) -> np.ndarray | None:
    """`[n, t]` the cells that a text locks; in a song that is put together of these bars or tracks of `score`."""
    if locked is None:
        return None
    cells = parse_cells(locked, score)
    if bars is not None:
        cells = np.stack([cells[bar] & (bar >= 0) for bar in bars])
    if tracks is not None:
        new = np.zeros(score.num_bars, bool)
        cells = np.stack([new if track is None else cells[:, track] for track in tracks], axis=1)
    return cells if cells.any() else None


def _new_bars(song: ReformedSong) -> np.ndarray:
    """`[n, t]` levels: new where a bar comes from nowhere."""
    return np.where(np.array(song.sources) < 0, NEW, KNOWN)[:, None] * np.ones(len(song.score.tracks))


def _edit(
    score: Score,
    slots: Sequence[Slot],
    parts: Parts,
    levels: np.ndarray,
    told: dict[str, Any],
    locked: np.ndarray | None,
) -> Edit:
    """The edit that draws the cells of `levels [n, t]` above 0 that are not `locked`."""
    score, context = _checked(score), _completed(score)
    track_of_slot = parts.track_of_slot
    if locked is not None:
        if levels.any() and not levels[~locked].any():
            raise RequestError("all that was to be written is locked", "name other bars or tracks, or lock less")
        levels = np.where(locked, KNOWN, levels)
    first_bar, num_bars = _window(np.flatnonzero(levels.any(axis=1)), score.num_bars)
    seen = excerpt(context, first_bar, num_bars)
    silent = [Track(slot.name, Notes.empty(), slot.program, slot.is_drum) for slot in slots]
    tracks = [
        empty if index is None else seen.tracks[index] for index, empty in zip(track_of_slot, silent, strict=True)
    ]
    in_window = levels[first_bar : first_bar + num_bars]
    of_slots = [np.zeros(num_bars) if index is None else in_window[:, index] for index in track_of_slot]
    request = Request(
        replace(seen, tracks=tuple(tracks)),
        np.stack(of_slots, axis=1).astype(np.float32),  # as they are drawn: what is 0 there is known
        has_start=first_bar == 0,
        has_end=first_bar + num_bars == score.num_bars,
    )
    written = [index for index in track_of_slot if index is not None]
    remarks = [NOTHING_KNOWN] if (levels[:, written] == NEW).all() else []
    if parts.remark is not None:
        remarks.insert(0, parts.remark)
    return Edit(score, track_of_slot, first_bar, request, told, locked, tuple(remarks))


def _window(bars: np.ndarray, num_bars: int) -> tuple[int, int]:
    """First bar and length of what is drawn: the whole song, or as much as the model speaks, `bars` in its middle."""
    if num_bars <= MAX_BARS:
        return 0, num_bars
    first, behind = (int(bars[0]), int(bars[-1]) + 1) if len(bars) else (0, 1)
    if behind - first > MAX_BARS - MIN_CONTEXT_BARS:
        most = MAX_BARS - MIN_CONTEXT_BARS
        raise RequestError(
            f"the bars to be written span {behind - first} of a song of {num_bars}",
            f"name bars within {most} at a time",
        )
    middle = (first + behind - MAX_BARS) // 2
    return min(max(0, middle), num_bars - MAX_BARS), MAX_BARS


def _checked(score: Score) -> Score:
    if not speaks_meter_of(score):
        first, *others = [next(same) for _, same in groupby(score.meters, key=str)]  # files repeat what goes on
        meters = ", ".join([str(first), *(f"{meter} from bar {meter.bar + 1}" for meter in others)])
        raise UnsupportedScoreError(
            f"the song is in {meters}",
            "the model speaks 4/4 only; cut out the part that is, or say --meter 4/4 where the bars are really of four",
        )
    return score


def _completed(score: Score) -> Score:
    """The song with a form and a key, found where it has none."""
    return replace(_with_form(score), key=score.key or key_of_notes(score.tracks))


def _with_form(score: Score) -> Score:
    return score if score.sections else replace(score, sections=find_form(score))
