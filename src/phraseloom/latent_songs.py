"""Songs as latents: every phrase of a song as the phrase VAE sees it, and all else that the song needs to come back.

Letters in shapes: n bars, t tracks, z latent size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from phraseloom.errors import CheckpointError, RequestError, UnsupportedScoreError
from phraseloom.events import VOCABULARY, Attribute, EncodingLosses
from phraseloom.passengers import NO_SONG_PASSENGERS, NO_TRACK_PASSENGERS
from phraseloom.phrase_codec import DEFAULT_READINGS, DEFAULT_REFINEMENTS, PhraseCodec, song_phrases
from phraseloom.progress import Progress, silent
from phraseloom.score import TICKS_PER_QUARTER, Notes, Score
from phraseloom.structure import key_of_notes
from phraseloom.transforms import join, normalising_shift

LARGEST_LATENT = 100.0
"""Latents are normalised: those of songs lie between -10 and 10. What is further out than this is a mistake."""

PHRASES_PER_BATCH = 512
"""That are decoded together: the steps of all of them take hardly longer than those of a few, but memory."""

LONGEST_BAR_TICKS = VOCABULARY.sizes[Attribute.ONSET]

_LATENTS_REMEDY = "give what phraseloom encode wrote, or numbers like those: float32, finite, most between -3 and 3"


@dataclass(frozen=True, eq=False)
class LatentSong:
    """A song as latents.

    Attributes:
        latents: `[n, t, z]` float32, normalised; read-only.
        frame: the song without its notes, in its own key.
        semitones: how far up the song was moved before it was encoded, so that it stands in C major or A minor.
        phrase_vae: fingerprint of the phrase VAE whose latents these are.

    Raises:
        RequestError: the latents are of another type or shape, not finite, or further than 100 from 0.
        UnsupportedScoreError: a bar is longer than eight quarter notes.
    """

    latents: np.ndarray
    frame: Score
    semitones: int
    phrase_vae: str

    def __post_init__(self) -> None:
        _check_latents(self.latents, (self.frame.num_bars, len(self.frame.tracks)))
        require_known_bars(self.frame)
        latents = self.latents.copy()
        latents.flags.writeable = False
        object.__setattr__(self, "latents", latents)


def frame_of(score: Score) -> Score:
    """The song without its notes and passengers, which speak of notes that are no longer there."""
    tracks = [replace(track, notes=Notes.empty(), passengers=NO_TRACK_PASSENGERS) for track in score.tracks]
    return replace(score, tracks=tuple(tracks), passengers=NO_SONG_PASSENGERS)


def require_known_bars(score: Score) -> None:
    """Checks that phrases can hold the song's bars.

    Raises:
        UnsupportedScoreError: a bar is longer than eight quarter notes.
    """
    too_long = [meter for meter in score.meters if meter.ticks_per_bar > LONGEST_BAR_TICKS]
    if too_long:
        raise UnsupportedScoreError(
            f"bar {too_long[0].bar + 1} is in {too_long[0]}, and a phrase holds at most "
            f"{LONGEST_BAR_TICKS // TICKS_PER_QUARTER} quarter notes",
            "write the song in shorter bars, such as two for one",
        )


def encode_song(
    score: Score, codec: PhraseCodec, refinements: int = DEFAULT_REFINEMENTS, progress: Progress = silent
) -> tuple[LatentSong, EncodingLosses]:
    """The latents of a song, and what of its notes they were not given: see `PhraseTable.build`.

    The song is moved to C major or A minor first, from its key or, where that is not known, from the one that its notes
    speak for. Its passengers, such as pedals and the times at which notes were played, are left out.

    Args:
        refinements: as for `PhraseCodec.encode_faithfully`.

    Raises:
        UnsupportedScoreError: a bar is longer than eight quarter notes, or there is no track.
    """
    if not score.tracks:
        raise UnsupportedScoreError("the song has no tracks", "give a song with notes")
    require_known_bars(score)
    key = score.key or key_of_notes(score.tracks)
    frame = frame_of(score)
    notes_only = tuple(replace(track, notes=own.notes) for track, own in zip(frame.tracks, score.tracks, strict=True))
    phrases = song_phrases(replace(frame, tracks=notes_only, key=key))
    latents = codec.encode_faithfully(phrases, refinements=refinements, progress=progress)
    latents = latents.reshape(score.num_bars, len(score.tracks), -1)
    shift = normalising_shift(key)
    return LatentSong(latents, frame, shift, codec.latent_fingerprint), phrases.losses


def decode_song(
    song: LatentSong,
    codec: PhraseCodec,
    noise: np.ndarray | float = 0.0,
    readings: np.ndarray | int = DEFAULT_READINGS,
) -> Score:
    """The song of latents: a valid score whatever the latents are.

    Args:
        noise: what the decoder is told of the noise in the latents, as a share of their scale; a number or `[n, t]`.
        readings: as for `PhraseCodec.decode_faithfully`; a number or `[n, t]`.

    Raises:
        CheckpointError: the latents are those of another phrase VAE.
        RequestError: they are of another size than the phrase VAE's.
    """
    if song.phrase_vae != codec.latent_fingerprint:
        raise CheckpointError(
            f"the latents are those of the phrase VAE {song.phrase_vae}, this one is {codec.latent_fingerprint}",
            "name the weights that encoded them with --checkpoint, or encode the song again",
        )
    size = codec.network.config.latent_size
    if song.latents.shape[2] != size:
        raise RequestError(f"the latents have {song.latents.shape[2]} numbers, expected {size}", _LATENTS_REMEDY)
    frame, num_tracks = song.frame, len(song.frame.tracks)
    cells = song.latents.reshape(-1, size)
    told_noise = np.broadcast_to(np.asarray(noise, np.float32), song.latents.shape[:2]).ravel()
    num_readings = np.broadcast_to(readings, song.latents.shape[:2]).ravel()
    cell_ticks = np.diff(frame.bar_start_ticks).repeat(num_tracks)
    phrases = [Notes.empty()] * len(cells)
    for ticks in np.unique(cell_ticks).tolist():
        rows = np.flatnonzero(cell_ticks == ticks)
        for start in range(0, len(rows), PHRASES_PER_BATCH):
            batch = rows[start : start + PHRASES_PER_BATCH]
            told = {"noise": told_noise[batch], "readings": num_readings[batch]}
            table = codec.decode_faithfully(cells[batch], ticks, **told)
            for index, row in enumerate(batch.tolist()):
                shift = 0 if frame.tracks[row % num_tracks].is_drum else -song.semitones
                phrases[row] = table.phrase(index).transposed(shift)
    return join([phrases[row : row + num_tracks] for row in range(0, len(cells), num_tracks)], frame)


def _check_latents(latents: np.ndarray, num_cells: tuple[int, int]) -> None:
    if latents.dtype != np.float32:
        raise RequestError(f"the latents are of type {latents.dtype}, expected float32", _LATENTS_REMEDY)
    if latents.ndim != 3 or latents.shape[:2] != num_cells or 0 in latents.shape:
        expected = f"{num_cells[0]} bars, {num_cells[1]} tracks and the latent size"
        raise RequestError(f"the latents have shape {latents.shape}, expected {expected}", _LATENTS_REMEDY)
    is_good = np.abs(latents) <= LARGEST_LATENT  # false for NaN too
    if not is_good.all():
        bar, track, number = np.argwhere(~is_good)[0].tolist()
        raise RequestError(
            f"latent number {number + 1} of bar {bar + 1}, track {track + 1} is {latents[bar, track, number]}, "
            f"expected {-LARGEST_LATENT:g} to {LARGEST_LATENT:g}",
            _LATENTS_REMEDY,
        )
