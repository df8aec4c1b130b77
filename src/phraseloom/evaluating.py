"""Evaluations that users run: what is loaded, what is compared with what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from phraseloom.corpus.folder import midi_files
from phraseloom.corpus.store import Corpus
from phraseloom.errors import RequestError, UnreadableFileError, UnsupportedScoreError
from phraseloom.evaluation.comparison import ComparisonReport, compare_songs
from phraseloom.evaluation.reconstruction import ReconstructionReport, reconstruction_report
from phraseloom.evaluation.repetition import RepetitionSummary, repetition_report, summarise_repetition
from phraseloom.midi import read_midi
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec, song_phrases
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.progress import Progress
from phraseloom.score import Notes, Score
from phraseloom.song_model import TICKS_PER_BAR, speaks_meter_of
from phraseloom.structure import find_form
from phraseloom.transforms import cut, normalise_key


def evaluate_reconstruction(
    corpus: Path, split: str, noise: float, checkpoint: Path | None, progress: Progress
) -> ReconstructionReport:
    """Encodes and decodes every phrase of a split's songs in the model's meter and compares the notes.

    Args:
        noise: standard deviation of Gaussian noise on the latents, as a share of their scale; seeded by the song.
        checkpoint: folder with weights; the package's own where None.

    Raises:
        RequestError: the split has no such song.
    """
    codec = PhraseCodec.load((checkpoint or PRETRAINED_DIRECTORY) / PHRASE_VAE_FILE)
    scores = _songs_of_corpus(corpus, split)
    true: list[Notes] = []
    decoded: list[Notes] = []
    track_names: list[str] = []
    for number, score in enumerate(scores):
        progress("decoding", number / len(scores))
        latents = codec.encode(song_phrases(score))
        latents += noise * np.random.default_rng(number).standard_normal(latents.shape, np.float32)
        table = codec.decode(latents, TICKS_PER_BAR)
        true += [notes for bar in cut(normalise_key(score)) for notes in bar]
        decoded += [table.phrase(index) for index in range(len(table))]
        track_names += [track.name for track in score.tracks] * score.num_bars
    return reconstruction_report(true, decoded, track_names)


def evaluate_repetition(songs: Path, split: str) -> RepetitionSummary:
    """How songs repeat themselves, each song with the same weight.

    Args:
        songs: a MIDI file, a folder of MIDI files (their form from their markers, else found), or a corpus.
        split: which songs, if it is a corpus.

    Raises:
        UserError: a file cannot be read, or there is no song.
    """
    return summarise_repetition(repetition_report(score) for score in _scores(songs, split))


def evaluate_songs(songs: Path, corpus: Path, split: str, progress: Progress) -> ComparisonReport:
    """Songs made by any system beside a split's real songs that it has not learnt from.

    The other held-out split says what real against real gives; the training split is searched for what was copied.

    Args:
        songs: a folder of MIDI files with the corpus's tracks in their order.
        split: "test" or "validation".

    Raises:
        UserError: a file cannot be read or lacks tracks, there are too few songs, or scikit-learn is not installed.
    """
    progress("reading", 0.0)
    other = "validation" if split == "test" else "test"
    real, other_real, training = (_songs_of_corpus(corpus, name) for name in (split, other, "train"))
    generated = _scores(songs, split)
    num_tracks = min(len(score.tracks) for score in real)
    for score, path in zip(generated, midi_files(songs), strict=True):
        if len(score.tracks) < num_tracks:
            raise RequestError(
                f"{path} has {len(score.tracks)} tracks, the songs of {corpus} have {num_tracks}",
                "compare songs with the same tracks, in the same order",
            )
    return compare_songs(generated, real, other_real, training, progress)


def _scores(songs: Path, split: str) -> list[Score]:
    if Corpus.is_one(songs):
        return _songs_of_corpus(songs, split)
    scores = [_read(path) for path in (midi_files(songs) if songs.is_dir() else [songs])]
    return [score if score.sections else replace(score, sections=find_form(score)) for score in scores]


def _read(path: Path) -> Score:
    """The score of a file; of many, an error says which."""
    try:
        return read_midi(path)
    except (UnreadableFileError, UnsupportedScoreError) as error:
        raise type(error)(f"{path}: {error.message}", error.remedy) from error


def _songs_of_corpus(corpus: Path, split: str) -> list[Score]:
    scores = [song.score for song in Corpus.open(corpus).songs(split) if speaks_meter_of(song.score)]
    if not scores:
        raise RequestError(f"{corpus} has no {split} song in 4/4", "name another split or another corpus")
    return scores
