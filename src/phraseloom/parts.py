"""Which track of a song is which part of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from phraseloom.errors import RequestError
from phraseloom.regions import track_index, track_label
from phraseloom.score import Notes, Score, Track
from phraseloom.song_model import Slot
from phraseloom.structure import find_melody


class PartedSong(NamedTuple):
    """A song with one track for each part.

    Attributes:
        score: the song.
        track_of_slot: of each slot its track.
        sources: of each track the one that it was; None for a new one.
    """

    score: Score
    track_of_slot: tuple[int, ...]
    sources: tuple[int | None, ...]


class Parts(NamedTuple):
    """Which track of a song stands for which slot of a model.

    Attributes:
        track_of_slot: for each slot the track; None where there is none.
        remark: what was guessed, for the user to put right; None where nothing was.
    """

    track_of_slot: tuple[int | None, ...]
    remark: str | None = None


def parts_of(score: Score, slots: Sequence[Slot], given: Sequence[str] = ()) -> Parts:
    """For each slot the track of the song that stands for it.

    What is given decides alone. Else the track has the slot's name, and is drums where the slot is. Where no name fits,
    the tracks that have notes stand for the slots in their order; of more pitched tracks than slots, the one that is
    most like a melody and those with the most notes are taken.

    Args:
        given: pairs such as `Melody=2`.

    Raises:
        RequestError: no track fits a slot; or as `given_tracks`.
    """
    if given:
        return Parts(tuple(given_tracks(given, score, slots)))
    kinds = [(track.name.strip().casefold(), track.is_drum) for track in score.tracks]
    wanted = [(slot.name.casefold(), slot.is_drum) for slot in slots]
    by_name = tuple(kinds.index(kind) if kind in kinds else None for kind in wanted)
    if any(index is not None for index in by_name):
        return Parts(by_name)
    pitched, drums = (
        [index for index, track in enumerate(score.tracks) if len(track.notes) and track.is_drum == is_drum]
        for is_drum in (False, True)
    )
    names = ", ".join(slot.name for slot in slots)
    num_pitched_slots = sum(not slot.is_drum for slot in slots)
    chosen = _most_telling(score, pitched, num_pitched_slots)
    waiting = {False: iter(chosen), True: iter(drums)}
    by_place = tuple(next(waiting[slot.is_drum], None) for slot in slots)
    if all(index is None for index in by_place):
        raise RequestError(f"the song has no track for {names}", "give a song with at least one of them")
    if len(chosen) == len(pitched):
        return Parts(by_place)
    taken = ",".join(
        f"{slot.name}={index + 1}" for slot, index in zip(slots, by_place, strict=True) if index is not None
    )
    return Parts(
        by_place,
        f"the song has {len(pitched)} pitched tracks, and none is called {names}: taken as {taken}; the others stay as "
        "they are and are not listened to; --given says otherwise",
    )


def _most_telling(score: Score, tracks: Sequence[int], most: int) -> list[int]:
    """Of more than `most` tracks the melody, first, and those with the most notes, in their order."""
    if len(tracks) <= most or not most:
        return list(tracks[:most])
    melody = next((index for index in tracks if score.tracks[index] is find_melody(score)), tracks[0])
    others = sorted((index for index in tracks if index != melody), key=lambda index: -len(score.tracks[index].notes))
    return [melody, *sorted(others[: most - 1])]


def melody_given(score: Score, slots: Sequence[Slot], track: str | None = None) -> str:
    """For `arrange`: that a track is the model's melody, such as `MELODY=2`.

    Args:
        track: its name, or its number from 1; the one that is most like a melody where None.

    Raises:
        RequestError: the song has no pitched notes, or the model no pitched slot.
    """
    pitched = [slot.name for slot in slots if not slot.is_drum]
    if not pitched:
        raise RequestError("the model has no part for a melody", "say with --given which track is which part")
    slot = next((name for name in pitched if "melody" in name.casefold()), pitched[0])
    if track is None:
        melody = find_melody(score)
        if melody is None:
            raise RequestError("the song has no pitched notes, so no melody", "give a song with one")
        track = next(str(number) for number, own in enumerate(score.tracks, start=1) if own is melody)
    return f"{slot}={track}"


def given_tracks(given: Sequence[str], score: Score, slots: Sequence[Slot]) -> list[int | None]:
    """For each slot the track that `given` says, in pairs such as `Melody=2`; None for the others.

    Raises:
        RequestError: no such slot or track, one given twice, or drums for a pitched slot or the other way round.
    """
    names = [slot.name.casefold() for slot in slots]
    tracks: list[int | None] = [None] * len(slots)
    for pair in given:
        name, equals, track = (part.strip() for part in pair.partition("="))
        if not equals:
            raise RequestError(f"{pair!r} gives no track", f"write part and track, such as {slots[0].name}=1")
        if name.casefold() not in names:
            shown = ", ".join(slot.name for slot in slots)
            raise RequestError(f"the model has no part {name!r}", f"give tracks for some of {shown}")
        slot, index = names.index(name.casefold()), track_index(track, score)
        if tracks[slot] is not None:
            raise RequestError(f"{slots[slot].name} is given twice", "give one track for each part")
        if score.tracks[index].is_drum != slots[slot].is_drum:
            what = "drums" if slots[slot].is_drum else "pitched"
            raise RequestError(
                f"{slots[slot].name} is {what}, {track_label(index, score)} is not", "give another track"
            )
        tracks[slot] = index
    return tracks


def with_a_track_each(
    score: Score, slots: Sequence[Slot], given: Sequence[int | None], *, keep_others: bool
) -> PartedSong:
    """The song with a track for each slot: the one given, the first of its name, or a new one.

    Further tracks of the name of a slot that is not given go, unless `keep_others`; then all stay, and the slot has a
    new track.
    """
    own: list[list[int]] = [[] if index is None else [index] for index in given]
    others = [] if keep_others else [place for place in range(len(score.tracks)) if place not in given]
    for slot, places in zip(slots, own, strict=True):
        places += [place for place in others if not places and _stands_for(score.tracks[place], slot)]
    gone = {place for places in own for place in places[1:]}
    rewritten = {places[0] for places, index in zip(own, given, strict=True) if places and index is None}
    sources: list[int | None] = [place for place in range(len(score.tracks)) if place not in gone]
    tracks = [
        _for_other_notes(track) if place in rewritten else track
        for place, track in enumerate(score.tracks)
        if place not in gone
    ]
    track_of_slot = []
    for slot, places in zip(slots, own, strict=True):
        if not places:
            sources.append(None)
            tracks.append(Track(slot.name, Notes.empty(), slot.program, slot.is_drum))
        track_of_slot.append(sources.index(places[0]) if places else len(tracks) - 1)
    return PartedSong(replace(score, tracks=tuple(tracks)), tuple(track_of_slot), tuple(sources))


def _stands_for(track: Track, slot: Slot) -> bool:
    return track.name.strip().casefold() == slot.name.casefold() and track.is_drum == slot.is_drum


def _for_other_notes(track: Track) -> Track:
    """The track for other notes, which are not to have the pedals of those that go."""
    return replace(track, passengers=track.passengers.without_gestures())
