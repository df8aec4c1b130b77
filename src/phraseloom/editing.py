"""Edits of a song: each says which cells are written anew, and from which noise level they are drawn.

A note belongs to the bar in which it begins. Every note outside these cells stays as it is: pitch, tick, duration,
velocity, also where it rings into them. Longer songs than the model speaks are edited in a window of 128 bars around
the place. Bars are counted from 0 here; users' texts count from 1.

Letters in shapes: n bars of the song, t its tracks, s slots of the model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

import numpy as np

from phraseloom.drawing import KNOWN, NEW, Request
from phraseloom.errors import ParseError, RequestError, UnsupportedScoreError
from phraseloom.form import MAX_BARS, Section, format_form, num_bars_of
from phraseloom.score import ChordSpan, Notes, Score, Track
from phraseloom.song_model import TICKS_PER_BAR, Slot, speaks_meter_of
from phraseloom.structure import find_form, key_of_notes
from phraseloom.transforms import excerpt, overlaid, with_notes

_BARS = re.compile(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?")
_BARS_REMEDY = "write bars as 13-20 or 4,9-12"
MIN_CONTEXT_BARS = 8
"""So many bars of what stands there are always seen when a song goes on."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A song and what is to become of some of its cells.

    Attributes:
        score: the whole song, new bars and tracks included, with the notes that stay and those that will go.
        track_of_slot: for each slot the track that it stands for; None for a slot that the song does not have.
        first_bar: of the window that is drawn.
        request: the window, for `phraseloom.drawing.draw`.
        told: what was asked, as text and numbers for JSON.
    """

    score: Score
    track_of_slot: tuple[int | None, ...]
    first_bar: int
    request: Request
    told: dict[str, Any]

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
            notes[index] = overlaid(notes[index].where(~bars[self.score.bar_of(notes[index].onset_ticks)]), new)
        return with_notes(self.score, notes)


def infill(score: Score, slots: Sequence[Slot], bars: str | None = None, tracks: Sequence[str] | None = None) -> Edit:
    """New music in some bars of some tracks, fitting what stands before, after and beside.

    Args:
        bars: such as `13-20` or `4,9-12`, from 1; all where None.
        tracks: names or numbers, from 1; all that the model can write where None.

    Raises:
        RequestError: no such bars or tracks, a track that the model does not write, or bars further apart than the
            model sees at once.
        UnsupportedScoreError: the song is not in 4/4.
    """
    told = {"kind": "infill", "bars": bars, "tracks": tracks}
    return _edit(score, slots, _cells(score, slots, bars, tracks) * NEW, told)


def vary(
    score: Score,
    slots: Sequence[Slot],
    distance: float,
    bars: str | None = None,
    tracks: Sequence[str] | None = None,
) -> Edit:
    """The same music, near (`distance` 0: no change) to far (1: as `infill`).

    Args:
        distance: the noise level from which the cells are drawn; how much comes out otherwise rises with it.
        bars, tracks: as for `infill`.

    Raises:
        RequestError: as `infill`, and a distance out of range.
        UnsupportedScoreError: the song is not in 4/4.
    """
    if not 0 <= distance <= 1:
        raise RequestError(f"the distance is {distance}", "ask for 0 (as it is) to 1 (all new)")
    told = {"kind": "vary", "bars": bars, "tracks": tracks, "distance": distance}
    return _edit(score, slots, _cells(score, slots, bars, tracks) * distance, told)


def extend(score: Score, slots: Sequence[Slot], sections: Sequence[Section], *, before: bool = False) -> Edit:
    """The song goes on for the bars of `sections`, or begins with them; a song without a form is given the one found.

    Raises:
        RequestError: no bars, more than the model can write at once, or no track that the model writes.
        UnsupportedScoreError: the song is not in 4/4.
    """
    num_new = num_bars_of(sections)
    most = MAX_BARS - min(MIN_CONTEXT_BARS, score.num_bars)
    if not 1 <= num_new <= most:
        raise RequestError(f"the song was to go on for {num_new} bars", f"ask for 1 to {most} bars at a time")
    score = _checked(score)
    longer = _lengthened(replace(score, sections=score.sections or find_form(score)), sections, before)
    levels = np.zeros((longer.num_bars, len(longer.tracks)))
    levels[slice(num_new) if before else slice(score.num_bars, None)] = NEW
    return _edit(longer, slots, levels, {"kind": "extend", "form": format_form(sections), "before": before})


def arrange(score: Score, slots: Sequence[Slot], given: Sequence[str]) -> Edit:
    """New music in all slots for which no track is given, to those that are; other tracks of the song stay.

    Args:
        given: for slots of the model, which track of the song (name or number, from 1) stands for it, as `Melody=2`.

    Raises:
        RequestError: nothing or everything is given, no such slot or track, drums for a pitched slot or the other way
            round, or the song is longer than 128 bars.
        UnsupportedScoreError: the song is not in 4/4.
    """
    track_of_slot = _given_tracks(given, score, slots)
    if all(index is None for index in track_of_slot) or None not in track_of_slot:
        names = ", ".join(slot.name for slot in slots)
        raise RequestError(
            "an arrangement needs something given and something to write",
            f"give tracks for some of {names}, such as {slots[0].name}=1, but not for all",
        )
    if score.num_bars > MAX_BARS:
        message = f"the song has {score.num_bars} bars, {MAX_BARS} can be arranged at once"
        raise RequestError(message, "cut the song into parts")
    is_new = [index is None for index in track_of_slot]
    tracks = list(score.tracks)
    for slot, index in enumerate(track_of_slot):
        if index is None:
            track_of_slot[slot] = len(tracks)
            tracks.append(Track(slots[slot].name, Notes.empty(), slots[slot].program, slots[slot].is_drum))
    levels = np.zeros((score.num_bars, len(tracks)))
    levels[:, [index for index, new in zip(track_of_slot, is_new, strict=True) if new]] = NEW
    told = {"kind": "arrange", "given": list(given)}
    return _edit(replace(score, tracks=tuple(tracks)), slots, levels, told, tuple(track_of_slot))


def restructure(score: Score, slots: Sequence[Slot], sections: Sequence[Section]) -> Edit:
    """The song in another form, built from its own sections; what it does not have is written anew.

    The first section of a letter is the song's first of that letter, the second its second, and so on; where the song
    has fewer, its last one comes again. Bars beyond the end of that section, and letters that the song does not have,
    are new. All tracks move with their bars; the tempo is the one at the start.

    Raises:
        RequestError: more than 128 bars, or no track that the model writes.
        UnsupportedScoreError: the song is not in 4/4.
    """
    score = _checked(score)
    form = score.sections or find_form(score)
    if not 1 <= num_bars_of(sections) <= MAX_BARS:
        raise RequestError(
            f"the form {format_form(sections)} has {num_bars_of(sections)} bars", f"give it 1 to {MAX_BARS} bars"
        )
    sources = _bars_for(sections, form)
    rebuilt = replace(
        score,
        num_bars=len(sources),
        sections=tuple(sections),
        tracks=tuple(replace(track, notes=_notes_of_bars(score, track, sources)) for track in score.tracks),
        chords=_chords_of_bars(score, sources),
        meters=score.meters[:1],
        tempos=score.tempos[:1],
    )
    levels = np.where(np.array(sources) < 0, NEW, KNOWN)[:, None] * np.ones(len(score.tracks))
    return _edit(rebuilt, slots, levels, {"kind": "restructure", "form": format_form(sections)})


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


def parse_bars(text: str, num_bars: int) -> np.ndarray:
    """`[n]` bool: the bars that a text such as `4,9-12` names, counted from 1.

    Raises:
        ParseError: it does not parse, or names bars that the song does not have; points at the place.
    """
    chosen = np.zeros(num_bars, bool)
    start = 0
    for part in text.split(","):
        match = _BARS.fullmatch(part)
        if match is None:
            raise ParseError(text, start, start + len(part), f"{part.strip()!r} names no bars", _BARS_REMEDY)
        first = int(match[1])
        last = int(match[2] or first)
        if not 1 <= first <= last <= num_bars:
            remedy = f"name bars from 1 to {num_bars}, the first before the last"
            raise ParseError(text, start, start + len(part), f"the song has no bars {part.strip()}", remedy)
        chosen[first - 1 : last] = True
        start += len(part) + 1
    return chosen


def slots_of_tracks(score: Score, slots: Sequence[Slot]) -> tuple[int | None, ...]:
    """For each slot the track of the song that stands for it; None where there is none.

    The track has the slot's name, and is drums where the slot is. Where no name fits, the tracks that have notes stand
    for the slots in their order.

    Raises:
        RequestError: no name fits and the song has more pitched tracks than there are slots, or no track fits a slot.
    """
    kinds = [(track.name.strip().casefold(), track.is_drum) for track in score.tracks]
    wanted = [(slot.name.casefold(), slot.is_drum) for slot in slots]
    by_name = tuple(kinds.index(kind) if kind in kinds else None for kind in wanted)
    if any(index is not None for index in by_name):
        return by_name
    pitched, drums = (
        [index for index, track in enumerate(score.tracks) if len(track.notes) and track.is_drum == is_drum]
        for is_drum in (False, True)
    )
    names = ", ".join(slot.name for slot in slots)
    if len(pitched) > sum(not slot.is_drum for slot in slots):
        message = f"the song has {len(pitched)} pitched tracks, and none is called {names}"
        raise RequestError(message, f"name the tracks that are to be edited or listened to {names}")
    waiting = {False: iter(pitched), True: iter(drums)}
    by_place = tuple(next(waiting[slot.is_drum], None) for slot in slots)
    if all(index is None for index in by_place):
        raise RequestError(f"the song has no track for {names}", "give a song with at least one of them")
    return by_place


def _cells(score: Score, slots: Sequence[Slot], bars: str | None, tracks: Sequence[str] | None) -> np.ndarray:
    """`[n, t]` 1 for the cells that are named."""
    known = [index for index in slots_of_tracks(score, slots) if index is not None]
    chosen = known if tracks is None else [_track_index(name, score) for name in tracks]
    if not chosen:
        raise RequestError("no track is named", "name some, or leave the tracks out for all of them")
    for index in chosen:
        if index not in known:
            message = f"the model does not write {_label(index, score)}"
            raise RequestError(message, f"choose among {', '.join(_label(each, score) for each in known)}")
    in_bars = np.ones(score.num_bars, bool) if bars is None else parse_bars(bars, score.num_bars)
    in_tracks = np.isin(np.arange(len(score.tracks)), chosen)
    return (in_bars[:, None] & in_tracks).astype(float)


def _edit(
    score: Score,
    slots: Sequence[Slot],
    levels: np.ndarray,
    told: dict[str, Any],
    track_of_slot: tuple[int | None, ...] | None = None,
) -> Edit:
    """The edit that draws the cells of `levels [n, t]` above 0."""
    score, context = _checked(score), _completed(score)
    track_of_slot = slots_of_tracks(score, slots) if track_of_slot is None else track_of_slot
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
    return Edit(score, track_of_slot, first_bar, request, told)


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
        meters = ", ".join(dict.fromkeys(map(str, score.meters)))
        raise UnsupportedScoreError(
            f"the song is in {meters}", f"the model speaks 4/4 only, bars of {TICKS_PER_BAR} ticks"
        )
    return score


def _completed(score: Score) -> Score:
    """The song with a form and a key, found where it has none."""
    key = score.key or key_of_notes(score.tracks)
    return replace(score, sections=score.sections or find_form(score), key=key)


def _lengthened(score: Score, sections: Sequence[Section], before: bool) -> Score:
    """The song with silent bars at its end, or at its start."""
    num_new = num_bars_of(sections)
    num_bars = score.num_bars + num_new
    new, old = tuple(sections), score.sections
    if not before:
        return replace(score, num_bars=num_bars, sections=old + new)
    ticks = num_new * TICKS_PER_BAR
    return replace(
        score,
        num_bars=num_bars,
        sections=new + old,
        tracks=tuple(replace(track, notes=track.notes.shifted(ticks)) for track in score.tracks),
        meters=tuple(replace(meter, bar=meter.bar + num_new * (meter.bar > 0)) for meter in score.meters),
        tempos=tuple(replace(tempo, tick=tempo.tick + ticks * (tempo.tick > 0)) for tempo in score.tempos),
        chords=tuple(replace(span, onset_ticks=span.onset_ticks + ticks) for span in score.chords),
    )


def _bars_for(sections: Sequence[Section], form: Sequence[Section]) -> list[int]:
    """For every bar of `sections` the bar of a song of this `form` that it is; -1 for none."""
    instances: dict[str, list[range]] = {}
    start = 0
    for section in form:
        instances.setdefault(section.letter, []).append(range(start, start + section.num_bars))
        start += section.num_bars
    seen: Counter[str] = Counter()
    bars: list[int] = []
    for section in sections:
        of_letter = instances.get(section.letter, [range(0)])
        own = of_letter[min(seen[section.letter], len(of_letter) - 1)]
        bars += [own[offset] if offset < len(own) else -1 for offset in range(section.num_bars)]
        seen[section.letter] += 1
    return bars


def _notes_of_bars(score: Score, track: Track, bars: Sequence[int]) -> Notes:
    """The notes that begin in some bars of 4/4, one bar after the other; -1 is a silent bar."""
    owner = score.bar_of(track.notes.onset_ticks)
    tables = [
        track.notes.table[owner == bar] + np.array([(place - bar) * TICKS_PER_BAR, 0, 0, 0])
        for place, bar in enumerate(bars)
        if bar >= 0
    ]
    return Notes.build(*np.concatenate(tables).T) if tables else Notes.empty()


def _chords_of_bars(score: Score, bars: Sequence[int]) -> tuple[ChordSpan, ...]:
    spans = []
    for place, bar in enumerate(bars):
        start, end = bar * TICKS_PER_BAR, (bar + 1) * TICKS_PER_BAR
        for span in score.chords if bar >= 0 else ():
            first, last = max(start, span.onset_ticks), min(end, span.onset_ticks + span.duration_ticks)
            if first < last:
                spans.append(ChordSpan(first + (place - bar) * TICKS_PER_BAR, last - first, span.chord))
    return tuple(spans)


def _track_index(name: str, score: Score) -> int:
    """The track that a name, or a number from 1, stands for."""
    wanted = name.strip().casefold()
    names = [track.name.strip().casefold() for track in score.tracks]
    if wanted and wanted in names:
        return names.index(wanted)
    numbers = [str(number) for number in range(1, len(names) + 1)]
    if wanted in numbers:
        return numbers.index(wanted)
    shown = ", ".join(_label(index, score) for index in range(len(names)))
    raise RequestError(f"the song has no track {name.strip()!r}", f"choose among {shown}")


def _label(index: int, score: Score) -> str:
    """A track as it may be named: its number, from 1, and its name."""
    return f"{index + 1} {score.tracks[index].name}".strip()


def _given_tracks(given: Sequence[str], score: Score, slots: Sequence[Slot]) -> list[int | None]:
    """For each slot the track that `given` says, in pairs such as `Melody=2`."""
    names = [slot.name.casefold() for slot in slots]
    tracks: list[int | None] = [None] * len(slots)
    for pair in given:
        name, equals, track = (part.strip() for part in pair.partition("="))
        if not equals:
            raise RequestError(f"{pair!r} gives no track", f"write part and track, such as {slots[0].name}=1")
        if name.casefold() not in names:
            shown = ", ".join(slot.name for slot in slots)
            raise RequestError(f"the model has no part {name!r}", f"give tracks for some of {shown}")
        slot, index = names.index(name.casefold()), _track_index(track, score)
        if tracks[slot] is not None:
            raise RequestError(f"{slots[slot].name} is given twice", "give one track for each part")
        if score.tracks[index].is_drum != slots[slot].is_drum:
            what = "drums" if slots[slot].is_drum else "pitched"
            raise RequestError(f"{slots[slot].name} is {what}, {_label(index, score)} is not", "give another track")
        tracks[slot] = index
    return tracks
