"""Songs between two songs, bar by bar through the latent space.

Latents are mixed in a straight line. Great circles, which suit latents that fill a sphere (White, arXiv 1609.04468), do
no better here: half-way between two phrases of one track, straight lines lie a little nearer to phrases that exist, and
the phrases decoded there have numbers of notes closer to the mean of the two.

Letters in shapes: n bars, t tracks, z latent size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.form import Section, bar_positions
from phraseloom.latent_songs import LatentSong, decode_song, encode_song, frame_of
from phraseloom.phrase_codec import DEFAULT_READINGS, PhraseCodec
from phraseloom.progress import Progress
from phraseloom.score import MeterChange, Score, TempoChange, Track

MIXED_NOISE = 0.3
"""The most noise that the decoder is told of between two phrases: there it takes the likeliest phrase near by."""

MAX_STEPS = 1000


def morph(a: Score, b: Score, num_steps: int, codec: PhraseCodec, progress: Progress) -> Iterator[Score]:
    """Songs from `a` to `b`, the first and the last of which are the two songs as the codec gives them back.

    Tracks of the same name are the same, then those left over in their order, drums only with drums; a track that only
    one song has comes out of silence or goes into it. Bars are paired from the start. The number of bars moves from one
    song's to the other's, and bars that only the longer one has are its own. The tempo moves evenly, by ratio. Names,
    programs, key, meters and form are those of the nearer song, the first one half-way. On the way chords are not
    known, and tracks in which nothing sounds are left out.

    Args:
        num_steps: how many songs, both ends counted; 2 to 1000.

    Raises:
        RequestError: `num_steps` is out of range.
        UnsupportedScoreError: a bar is longer than eight quarter notes.
    """
    if not 2 <= num_steps <= MAX_STEPS:
        raise RequestError(f"steps is {num_steps}, allowed are 2 to {MAX_STEPS}", "give a number in that range")
    ends = [encode_song(score, codec, progress=progress)[0] for score in (a, b)]
    pairs = zip((a, b), ends, paired_songs(a, b), strict=True)
    first, last = (
        end if paired == score else encode_song(paired, codec, progress=progress)[0] for score, end, paired in pairs
    )
    return _songs(ends, first, last, num_steps, codec, progress)


def _songs(
    ends: Sequence[LatentSong],
    first: LatentSong,
    last: LatentSong,
    num_steps: int,
    codec: PhraseCodec,
    progress: Progress,
) -> Iterator[Score]:
    for step in range(num_steps):
        progress("decoding", step / num_steps)
        if step in (0, num_steps - 1):
            yield decode_song(ends[0 if step == 0 else 1], codec)
        else:
            mixed = between(first, last, step / (num_steps - 1))
            noise = _noise(mixed, first, last)
            # Between phrases there is none to be found that encodes to the latent.
            readings = np.where(noise < MIXED_NOISE, DEFAULT_READINGS, 0)
            yield _without_silent_tracks(decode_song(mixed, codec, noise, readings))


def paired_songs(a: Score, b: Score) -> tuple[Score, Score]:
    """Both songs with as many tracks, those that belong together at the same place; silent ones where one has none."""
    partners = _partners(a.tracks, b.tracks)
    pairs: list[tuple[Track, Track]] = []
    silent_a, silent_b = frame_of(a).tracks, frame_of(b).tracks
    for index, partner in enumerate(partners):
        pairs.append((a.tracks[index], silent_a[index] if partner is None else b.tracks[partner]))
    pairs += [(silent_b[index], b.tracks[index]) for index in range(len(b.tracks)) if index not in partners]
    return (
        replace(a, tracks=tuple(own for own, _ in pairs)),
        replace(b, tracks=tuple(other for _, other in pairs)),
    )


def between(a: LatentSong, b: LatentSong, weight: float) -> LatentSong:
    """The song at `weight`, 0 to 1, on the way from `a` to `b`, which have as many tracks; as `morph` says.

    Raises:
        ValueError: another number of tracks, or latents of different phrase VAEs.
    """
    if len(a.frame.tracks) != len(b.frame.tracks) or a.phrase_vae != b.phrase_vae:
        raise ValueError("only songs with as many tracks and of one phrase VAE can be mixed")
    near, far = (a, b) if weight <= 0.5 else (b, a)
    num_bars = round((1 - weight) * len(a.latents) + weight * len(b.latents))
    num_shared = min(len(a.latents), len(b.latents))
    mixed = (1 - weight) * a.latents[:num_shared] + weight * b.latents[:num_shared]
    longer = a if len(a.latents) > num_shared else b
    latents = np.concatenate([mixed, longer.latents[num_shared:num_bars]]).astype(np.float32)
    meters = _meters(near.frame, far.frame, num_bars)
    frame = replace(
        near.frame,
        num_bars=num_bars,
        meters=meters,
        tempos=(TempoChange(0, near.frame.tempo_bpm),),
        sections=_sections(near.frame, far.frame, num_bars),
        chords=(),
        title="",
    )
    tempos = _tempos(a.frame, b.frame, weight, frame.bar_start_ticks)
    return LatentSong(latents, replace(frame, tempos=tempos), near.semitones, a.phrase_vae)


def _partners(tracks: Sequence[Track], others: Sequence[Track]) -> list[int | None]:
    """For each track its partner's index in `others`: by name, then by place; drums only with drums."""
    partners: list[int | None] = [None] * len(tracks)
    for is_partner in (_same_name, _same_kind):
        for index, track in enumerate(tracks):
            if partners[index] is None:
                free = (place for place in range(len(others)) if place not in partners)
                partners[index] = next((place for place in free if is_partner(track, others[place])), None)
    return partners


def _same_kind(track: Track, other: Track) -> bool:
    return track.is_drum == other.is_drum


def _same_name(track: Track, other: Track) -> bool:
    return _same_kind(track, other) and track.name.strip().casefold() == other.name.strip().casefold()


def _noise(mixed: LatentSong, a: LatentSong, b: LatentSong) -> np.ndarray:
    """`[n, t]`: how far the latents lie from the nearer song's, in each dimension, but not over `MIXED_NOISE`."""
    distances = []
    for song in (a, b):
        num_shared = min(len(song.latents), len(mixed.latents))
        distance = np.full(mixed.latents.shape[:2], np.inf, np.float32)
        moved = mixed.latents[:num_shared] - song.latents[:num_shared]
        distance[:num_shared] = np.sqrt(np.square(moved).mean(axis=-1))
        distances.append(distance)
    return np.minimum(np.minimum(*distances), MIXED_NOISE)


def _without_silent_tracks(score: Score) -> Score:
    sounding = tuple(track for track in score.tracks if len(track.notes))
    return replace(score, tracks=sounding) if sounding else score


def _meters(near: Score, far: Score, num_bars: int) -> tuple[MeterChange, ...]:
    """The nearer song's meters, and the other's where only that has the bar."""
    in_force = [_meter_of(near if bar < near.num_bars else far, bar) for bar in range(num_bars)]
    meters: list[MeterChange] = []
    for bar, meter in enumerate(in_force):
        if not meters or (meter.numerator, meter.denominator) != (meters[-1].numerator, meters[-1].denominator):
            meters.append(replace(meter, bar=bar))
    return tuple(meters)


def _meter_of(score: Score, bar: int) -> MeterChange:
    return [meter for meter in score.meters if meter.bar <= bar][-1]


def _tempos(a: Score, b: Score, weight: float, bar_start_ticks: np.ndarray) -> tuple[TempoChange, ...]:
    """A tempo for every bar, between those at which the two songs begin it; a song that is over keeps its last one."""
    tempos: list[TempoChange] = []
    for bar, tick in enumerate(bar_start_ticks[:-1].tolist()):
        bpm = _tempo_of(a, bar) ** (1 - weight) * _tempo_of(b, bar) ** weight
        change = TempoChange(tick, bpm)
        if not tempos or change.tempo_bpm != tempos[-1].tempo_bpm:
            tempos.append(change)
    return tuple(tempos)


def _tempo_of(score: Score, bar: int) -> float:
    tick = score.bar_start_ticks[min(bar, score.num_bars - 1)]
    return [tempo.tempo_bpm for tempo in score.tempos if tempo.tick <= tick][-1]


def _sections(near: Score, far: Score, num_bars: int) -> tuple[Section, ...]:
    """The nearer song's form, cut, or gone on with as the other's does; none where one that is needed has none."""
    if not near.sections or (num_bars > near.num_bars and not far.sections):
        return ()
    places = [(0, index) for index in bar_positions(near.sections).section_index[:num_bars].tolist()]
    if num_bars > near.num_bars:
        places += [(1, index) for index in bar_positions(far.sections).section_index[near.num_bars : num_bars].tolist()]
    forms = (near.sections, far.sections)
    return tuple(Section(forms[song][index].letter, len(list(bars))) for (song, index), bars in groupby(places))
