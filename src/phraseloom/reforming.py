"""Songs in another form: longer, or put together anew of their own sections.

Whatever is put together moves with its bars: notes, chords, and all that travels with the song.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from phraseloom.form import MAX_BARS, Section, num_bars_of
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, Track
from phraseloom.song_model import TICKS_PER_BAR
from phraseloom.transforms import moved_track, stretches_of

NEW_BAR = -1


class ReformedSong(NamedTuple):
    """A song and, for each of its bars, the one that it was before; -1 for a new and silent one."""

    score: Score
    sources: tuple[int, ...]


def lengthened(score: Score, sections: Sequence[Section], *, before: bool) -> ReformedSong:
    """A song that has a form, in bars of 4/4, with silent bars for more sections at its end, or at its start."""
    new, old = [NEW_BAR] * num_bars_of(sections), list(range(score.num_bars))
    sources = [*new, *old] if before else [*old, *new]
    stretches = stretches_of(score, sources, TICKS_PER_BAR)
    num_earlier = len(new) if before else 0
    ticks = num_earlier * TICKS_PER_BAR
    song = replace(
        score,
        num_bars=len(sources),
        sections=(*sections, *score.sections) if before else (*score.sections, *sections),
        tracks=tuple(moved_track(track, track.notes.shifted(ticks), stretches) for track in score.tracks),
        meters=tuple(replace(meter, bar=meter.bar + num_earlier * (meter.bar > 0)) for meter in score.meters),
        tempos=tuple(replace(tempo, tick=tempo.tick + ticks * (tempo.tick > 0)) for tempo in score.tempos),
        chords=tuple(replace(span, onset_ticks=span.onset_ticks + ticks) for span in score.chords),
        passengers=score.passengers.moved(stretches),
    )
    return ReformedSong(song, tuple(sources))


def rebuilt(score: Score, sections: Sequence[Section]) -> ReformedSong:
    """A song that has a form, in bars of 4/4, in another one: each section is the song's own of that letter and order.

    Where the song has fewer of a letter, its last one comes again. Bars behind the end of a section, and letters that
    the song does not have, are new. The tempo is the one at the start.
    """
    sources = _bars_for(sections, score.sections)
    stretches = stretches_of(score, sources, TICKS_PER_BAR)
    song = replace(
        score,
        num_bars=len(sources),
        sections=tuple(sections),
        tracks=tuple(moved_track(track, _notes_of_bars(score, track, sources), stretches) for track in score.tracks),
        chords=chords_of_bars(score, sources),
        meters=score.meters[:1],
        tempos=score.tempos[:1],
        passengers=score.passengers.moved(stretches),
    )
    return ReformedSong(song, tuple(sources))


def barred_in_four(score: Score) -> Score:
    """The song in bars of 4/4 from its start, whatever its meters; nothing in it moves.

    Its sections stay where all of them begin with such a bar.
    """
    num_bars = -(-score.num_ticks // TICKS_PER_BAR)
    first_bars = np.cumsum([0, *(section.num_bars for section in score.sections[:-1])])
    starts, rest = np.divmod(score.bar_start_ticks[first_bars], TICKS_PER_BAR)
    lengths = np.diff(starts, append=num_bars)
    has_form = not rest.any() and lengths.min() > 0 and lengths.max() <= MAX_BARS
    letters = [section.letter for section in score.sections] if has_form else []
    sections = tuple(map(Section, letters, lengths.tolist()))
    return replace(score, num_bars=num_bars, meters=(MeterChange(0, 4, 4),), sections=sections)


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
        bars += [own[offset] if offset < len(own) else NEW_BAR for offset in range(section.num_bars)]
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


def chords_of_bars(score: Score, bars: Sequence[int]) -> tuple[ChordSpan, ...]:
    """The chords of some bars of 4/4, one bar after the other; -1 is a bar without."""
    spans = []
    for place, bar in enumerate(bars):
        start, end = bar * TICKS_PER_BAR, (bar + 1) * TICKS_PER_BAR
        for span in score.chords if bar >= 0 else ():
            first, last = max(start, span.onset_ticks), min(end, span.onset_ticks + span.duration_ticks)
            if first < last:
                spans.append(ChordSpan(first + (place - bar) * TICKS_PER_BAR, last - first, span.chord))
    return tuple(spans)
