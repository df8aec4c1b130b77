"""What priors say of an edit before the network draws it: what returns, which chords there are, how full it is.

In songs, a part of what returns is the same. In new bars of a section that the song has already, the cells that repeat
it are drawn from the prior that new songs follow too: those of bars that are known are copied, those of bars that are
new themselves are tied. The rest is written to fit them. The chords of the known bars return in all of the new ones.

A song without chords is given some that fit the tracks that are heard. What is written into a section goes on as the
track plays there or where the section returns; where nothing tells, as in a song that comes near.

Letters in shapes: n bars, s slots.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

import numpy as np

from phraseloom.chord_chart import chart_of
from phraseloom.chord_prior import ChordPrior
from phraseloom.editing import Edit
from phraseloom.form import bar_positions
from phraseloom.harmonising import harmonised
from phraseloom.reforming import NEW_BAR, chords_of_bars
from phraseloom.repeats import AS_IN_THE_CORPUS, FRESH, RepeatPrior, cell_contents, find_sources
from phraseloom.request import KNOWN, NEW
from phraseloom.score import ChordSpan, Notes, Score
from phraseloom.song_model import TICKS_PER_BAR
from phraseloom.texture import RESTS, UNKNOWN, section_textures, texture_of_bars
from phraseloom.texture_prior import TexturePrior
from phraseloom.transforms import excerpt, normalising_shift, overlaid, with_notes


def with_returns(edit: Edit, prior: RepeatPrior, rng: np.random.Generator) -> Edit:
    """The edit, in bars of 4/4, with what its new bars take over, from whatever bar of the song."""
    request, song = edit.request, edit.request.song
    window = slice(edit.first_bar, edit.first_bar + song.num_bars)
    has_track = np.array([index is not None for index in edit.track_of_slot])
    is_new_bar = np.zeros(edit.score.num_bars, bool)
    is_new_bar[window] = (request.levels[:, has_track] == NEW).all(axis=1)
    sources = prior.propose(edit.score.sections, AS_IN_THE_CORPUS, rng, is_new_bar)
    sources[:, ~has_track] = FRESH
    is_copied = (sources != FRESH) & ~is_new_bar[sources]
    score = _with_copies(edit, sources, is_copied)
    chords = sorted((*score.chords, *_returning_chords(score, is_new_bar)), key=attrgetter("onset_ticks"))
    score = replace(score, chords=tuple(chords))
    seen = excerpt(score, edit.first_bar, song.num_bars)
    tracks = [
        own if index is None else seen.tracks[index] for index, own in zip(edit.track_of_slot, song.tracks, strict=True)
    ]
    song = replace(song, tracks=tuple(tracks), chords=seen.chords)
    levels = np.where(is_copied[window], KNOWN, request.levels).astype(np.float32)
    is_tied = (sources != FRESH) & ~is_copied
    tied = np.where(is_tied, sources - edit.first_bar, FRESH)[window]
    sources = np.where(levels == KNOWN, find_sources(song.sections, cell_contents(song)), tied)
    return replace(edit, score=score, request=replace(request, song=song, levels=levels, sources=sources))


def with_chords(edit: Edit, prior: ChordPrior) -> Edit:
    """The edit of a song that says no chords with some that fit the tracks that are heard in all of its bars."""
    score = harmonised(edit.score, prior, edit.heard)
    if score.chords == edit.score.chords:
        return edit
    song = replace(edit.request.song, chords=excerpt(score, edit.first_bar, edit.request.song.num_bars).chords)
    chart = chart_of(song.chords, song.sections)
    remarks = (*edit.remarks, f"the song says no chords; it was heard as {chart}")
    return replace(edit, score=score, request=replace(edit.request, song=song), remarks=remarks)


def with_textures(edit: Edit, prior: TexturePrior, rng: np.random.Generator) -> Edit:
    """The edit with how each track plays in each section: as it asks, else as its notes say that are there, the rest in
    their way.
    """
    request, song = edit.request, edit.request.song
    if not song.sections:
        return edit
    known = section_textures(song, song.sections, len(song.tracks), request.levels < NEW)
    starts = np.cumsum([0, *(section.num_bars for section in song.sections[:-1])])
    asked = np.full_like(known, UNKNOWN) if request.texture is None else request.texture[starts]
    known = np.where(asked == UNKNOWN, known, asked)
    shift = normalising_shift(song.key)
    textures = prior.completed(song.sections, known, rng, shift=shift)
    is_written = np.stack([part.any(axis=0) for part in np.split(request.levels > KNOWN, starts[1:])])
    is_free = is_written & (asked == UNKNOWN).all(axis=-1)
    textures[is_free & (textures == RESTS).all(axis=-1)] = UNKNOWN  # what is to be written need not rest
    return replace(edit, request=replace(request, texture=texture_of_bars(textures, song.sections)))


def _with_copies(edit: Edit, sources: np.ndarray, is_copied: np.ndarray) -> Score:
    """The song with the notes of the bars `sources [n, s]` in the cells that are to be copied."""
    score = edit.score
    notes = [track.notes for track in score.tracks]
    for slot, index in enumerate(edit.track_of_slot):
        if index is None:
            continue
        own = notes[index]
        bar = score.bar_of(own.onset_ticks)
        tables = [
            own.table[bar == sources[new, slot]] + np.array([(new - sources[new, slot]) * TICKS_PER_BAR, 0, 0, 0])
            for new in np.flatnonzero(is_copied[:, slot])
        ]
        if tables:
            notes[index] = overlaid(own, Notes.build(*np.concatenate(tables).T))
    return with_notes(score, notes)


def _returning_chords(score: Score, is_new_bar: np.ndarray) -> tuple[ChordSpan, ...]:
    """The chords of new bars at whose place in a section of their letter there is a known one: the latest."""
    positions = bar_positions(score.sections)
    latest: dict[tuple[int, int], int] = {}
    models = [NEW_BAR] * score.num_bars
    for bar, key in enumerate(zip(positions.letter_index.tolist(), positions.offset.tolist(), strict=True)):
        if is_new_bar[bar]:
            models[bar] = latest.get(key, NEW_BAR)
        else:
            latest[key] = bar
    return chords_of_bars(score, models)
