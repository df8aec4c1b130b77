"""From a request to notes: the only place where the phrase VAE and the song transformer meet.

Composing a song, filling in bars, going on, arranging and varying are one path: a song of which some cells are known,
and for every cell the noise level from which it is drawn. Cells that are known keep their notes as they are; they are
encoded to be seen by the network, and never decoded.

A song composed from nothing is drawn twice: where all tracks are open, none can lean on another. So the fullest is
drawn anew to the others, which are there by then. Durations come last, when all else is settled.

Letters in shapes: n bars, s slots, z latent size.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from phraseloom.diffusion.calibration import calibrated
from phraseloom.diffusion.flow import corrupt
from phraseloom.diffusion.guidance import Guidance, guided
from phraseloom.diffusion.samplers import cell_levels, euler, level_grid
from phraseloom.diffusion.ties import partly_shared, shared, tied_mean
from phraseloom.events import MAX_NOTES, PhraseTable
from phraseloom.lengths import with_drawn_lengths
from phraseloom.loudness_prior import LoudnessPrior, levelled, loudness_of
from phraseloom.models.conditions import (
    SongConditions,
    chord_numbers,
    collate_conditions,
    homologous_bars,
    song_conditions,
)
from phraseloom.phrase_codec import PhraseCodec, song_phrases
from phraseloom.progress import Progress
from phraseloom.reading import Reader
from phraseloom.repeats import FRESH
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import Notes, Score
from phraseloom.song_model import SongModel
from phraseloom.transforms import beat_chords, normalise_key, normalising_shift, overlaid, with_notes
from phraseloom.voices import one_voice_durations

PROJECTED_BELOW = (0.45, 0.3)
"""Noise levels below which what the network predicts is decoded to notes and encoded again: between the latents of
phrases lie many that are nobody's, and what is drawn around them settles for what notes can say. When a new song's
fullest track is drawn once more, the first is enough."""

LENGTHS_DRAWN_FROM = 0.45
"""How much noise the latents of new phrases are given before the durations of their notes are drawn."""

_LOUDNESS = 3
"""What its random numbers are named by."""


@dataclass(frozen=True)
class Drawn:
    """The completed song, and the wall time of `sampling` and `decoding` in seconds."""

    song: Score
    seconds: dict[str, float]


def draw(
    request: Request,
    codec: PhraseCodec,
    model: SongModel,
    *,
    seed: int,
    steps: int,
    guidance: Guidance,
    progress: Progress,
) -> Drawn:
    """Completes a song; notes of known cells stay as they are, to the tick.

    Args:
        seed: of the noise.
        steps: from noise to music, two evaluations of the network each where there is guidance. A song from nothing
            takes half as many once more.
    """
    first = _Pass(seed, steps, guidance, PROJECTED_BELOW)
    if any(map(len, _there(request))):
        drawn = _drawn_once(request, codec, model, first, progress)
    else:
        drawn = _drawn_once(request, codec, model, first, _part_of(progress, 0.0, 0.6))
        again = _anew(request, drawn.song)
        if again is not None:
            shorter = first._replace(steps=-(-steps // 2), marks=PROJECTED_BELOW[:1])
            second = _drawn_once(again, codec, model, shorter, _part_of(progress, 0.6, 1.0))
            drawn = Drawn(second.song, {name: drawn.seconds[name] + spent for name, spent in second.seconds.items()})
    started = time.perf_counter()
    song = with_drawn_lengths(drawn.song, _lengths_noise(request, model), codec, seed=seed)
    seconds = {**drawn.seconds, "decoding": drawn.seconds["decoding"] + time.perf_counter() - started}
    progress("done", 1.0)
    return Drawn(song, seconds)


class _Pass(NamedTuple):
    """Once from noise to music: arguments of `draw`, and the noise levels below which it is projected."""

    seed: int
    steps: int
    guidance: Guidance
    marks: Sequence[float]


def _lengths_noise(request: Request, model: SongModel) -> np.ndarray:
    """`[n, s]` noise before durations are drawn, 0 where they stay; cells that are varied a little keep about theirs.

    The notes of one voice end where the next begin, most of them: drawn, they come no nearer to real ones. And how long
    a drum sounds is not in its notes.
    """
    keeps_medians = np.array(model.one_voice) | np.array([track.is_drum for track in request.song.tracks])
    return np.where(keeps_medians, 0.0, np.minimum(request.levels, LENGTHS_DRAWN_FROM))


def _part_of(progress: Progress, start: float, end: float) -> Progress:
    """Progress that goes from `start` to `end`."""
    return lambda doing, share: progress(doing, start + share * (end - start))


def _anew(request: Request, song: Score) -> Request | None:
    """What draws the fullest track of a song anew to the others; None where no other has notes."""
    num_notes = [len(track.notes) for track in song.tracks]
    if np.count_nonzero(num_notes) < 2:
        return None
    is_fullest = np.arange(len(num_notes)) == np.argmax(num_notes)
    return replace(request, song=song, levels=np.where(is_fullest, request.levels, KNOWN))


def _drawn_once(request: Request, codec: PhraseCodec, model: SongModel, by: _Pass, progress: Progress) -> Drawn:
    """As `draw`, in one pass."""
    started = time.perf_counter()
    reader = Reader(request, codec, model, by.seed)
    latents, levels = _sample(request, codec, model, reader, by, progress)
    sampled = time.perf_counter()
    progress("decoding", 0.9)
    song = _completed(request, reader, reader.read(latents, levels), model.loudness_prior, by.seed)
    return Drawn(song, {"sampling": sampled - started, "decoding": time.perf_counter() - sampled})


@torch.inference_mode()
def _sample(
    request: Request, codec: PhraseCodec, model: SongModel, reader: Reader, by: _Pass, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Latents `[n, s, z]`, of tied cells the same, and the levels `[n, s]` from which they were last predicted."""
    conditions = _conditions(request)
    owners = torch.from_numpy(request.owners)[None]
    start = torch.from_numpy(request.levels.astype(np.float32))[None]
    shape = (*owners.shape, model.network.config.latent_size)
    generator = torch.Generator().manual_seed(by.seed)
    own, common = (torch.randn(shape, generator=generator) for _ in range(2))
    share = torch.full(owners.shape, request.shared_noise)
    noise = shared(partly_shared(own, common, homologous_bars(conditions), share), owners)
    is_from_nothing = bool((start == NEW).all())
    known = torch.zeros(shape) if is_from_nothing else torch.from_numpy(_encoded(request, codec))[None]

    guess: Tensor | None = None  # what the network sees of its last step

    def denoise(noisy: Tensor, level: Tensor) -> Tensor:
        nonlocal guess
        predicted = guided(model.network, noisy, level, conditions, by.guidance, guess)
        guess = tied_mean(calibrated(predicted, noisy, level, model.calibration), owners)
        return guess

    def project(clean: Tensor, level: Tensor) -> Tensor:
        nonlocal guess
        own = clean[0].flatten(0, 1).numpy().copy()
        phrases = reader.read(clean[0].numpy(), level[0].numpy())
        own[reader.cells] = codec.encode(phrases)[reader.index]
        guess = torch.from_numpy(own).reshape(clean.shape)
        return guess

    noisy = latents = corrupt(known, noise, start)
    levels = cell_levels(level_grid(by.steps, model.noise_shift, start.max().item()), start)
    for state in euler(denoise, noisy, levels, project=project, project_below=by.marks):
        progress("sampling", 0.9 * state.step / by.steps)
        latents = state.latents
    return latents[0].numpy(), levels[-2, 0].numpy()


def _encoded(request: Request, codec: PhraseCodec) -> np.ndarray:
    """`[n, s, z]` of the notes that count, zeros in new cells; equal phrases are encoded once."""
    phrases = song_phrases(request.song)
    there = np.flatnonzero(request.levels.ravel() < NEW)
    numbers: dict[bytes, int] = {}
    copies = [numbers.setdefault(phrases.content(cell), len(numbers)) for cell in there.tolist()]
    _, first = np.unique(np.array(copies, np.int64), return_index=True)
    latents = np.zeros((len(phrases), codec.network.config.latent_size), np.float32)
    latents[there] = codec.encode(phrases.select(there[first]))[copies]
    return latents.reshape(*request.levels.shape, -1)


def _conditions(request: Request) -> SongConditions:
    """What the network is told: everything about the song but its notes."""
    song = request.song
    told = song_conditions(
        song.sections,
        len(song.tracks),
        tempo_bpm=song.tempo_bpm,
        mode=None if song.key is None else song.key.mode,
        has_start=request.has_start,
        has_end=request.has_end,
        sounds=request.sounds,
        texture=request.texture,
        shared_noise=request.shared_noise,
        is_repeated=None if request.sources is None else request.sources != FRESH,
        chords=chord_numbers(beat_chords(normalise_key(song))),
    )
    return collate_conditions([told], song.num_bars)


def _rows(
    phrases: PhraseTable, chosen: np.ndarray, starts: np.ndarray, other_onsets: np.ndarray, *, is_one_voice: bool
) -> np.ndarray:
    """`[n, 4]` onset, duration, pitch and velocity of the phrases `chosen [c]`, from the ticks `starts [c]` on.

    Where one of several copies of a phrase must let go of a note earlier, all do.
    """
    notes = [phrases.phrase(number).table.astype(np.int64) for number in chosen]
    rows = np.concatenate([np.zeros((0, 4), np.int64), *notes])
    rows[:, 0] += np.repeat(starts, [len(each) for each in notes])
    if not is_one_voice:
        return rows
    durations = one_voice_durations(rows[:, 0], rows[:, 1], other_onsets)
    copied = [number * MAX_NOTES + np.arange(len(each)) for number, each in zip(chosen, notes, strict=True)]
    _, note = np.unique(np.concatenate([np.zeros(0, np.int64), *copied]), return_inverse=True)
    shortest = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(shortest, note, durations)
    rows[:, 1] = shortest[note]
    return rows


def _completed(request: Request, reader: Reader, phrases: PhraseTable, prior: LoudnessPrior, seed: int) -> Score:
    """The song with the reader's `phrases [p]` in the cells that are not known."""
    song = request.song
    shift = normalising_shift(song.key)
    loudness = _loudness(request, prior, seed)
    tracks = []
    for slot, track in enumerate(song.tracks):
        kept = track.notes.where(request.levels[song.bar_of(track.notes.onset_ticks), slot] == KNOWN)
        of_slot = np.flatnonzero(reader.slots == slot)
        starts = song.bar_start_ticks[reader.bars[of_slot]]
        rows = _rows(phrases, reader.index[of_slot], starts, kept.onset_ticks, is_one_voice=reader.is_one_voice[slot])
        new = Notes.build(*rows.T)
        new = levelled(new if track.is_drum else new.transposed(-shift), *loudness[slot])
        tracks.append(overlaid(kept, new))
    return with_notes(song, tracks)


def _there(request: Request) -> list[Notes]:
    """Of every track the notes that count: those in cells that are not new."""
    song = request.song
    return [
        track.notes.where(request.levels[song.bar_of(track.notes.onset_ticks), slot] < NEW)
        for slot, track in enumerate(song.tracks)
    ]


def _loudness(request: Request, prior: LoudnessPrior, seed: int) -> np.ndarray:
    """`[s, 2]` mean and spread of the velocities to be written: those of the notes that are there, or else drawn."""
    return prior.propose(loudness_of(_there(request)), np.random.default_rng([seed, _LOUDNESS])).reshape(2, -1).T
