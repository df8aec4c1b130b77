"""Evaluations that users run: what is loaded, what is compared with what.

Torch is loaded only where weights are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phraseloom.cast import FREE, PLAYS
from phraseloom.corpus.folder import midi_files, song_id_of
from phraseloom.corpus.store import Corpus
from phraseloom.errors import RequestError, UnreadableFileError, UnsupportedScoreError
from phraseloom.evaluation.comparison import ComparisonReport, JudgedSong, compare_songs
from phraseloom.evaluation.discrimination import required_classifier
from phraseloom.evaluation.latent_distance import LatentDistance, evenly_spread, latent_distance
from phraseloom.evaluation.plan_adherence import AskedSong, PlanAdherence, as_asked, plan_adherence
from phraseloom.evaluation.reconstruction import ReconstructionReport, reconstruction_report
from phraseloom.evaluation.repetition import RepetitionSummary, repetition_report, summarise_repetition
from phraseloom.evaluation_page.page import comparison_page
from phraseloom.files import require_writable, written_beside
from phraseloom.form import Section, num_bars_of
from phraseloom.midi import read_midi
from phraseloom.plan import SongPlan
from phraseloom.plan_table import read_plan_table
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.progress import Progress
from phraseloom.score import TICKS_PER_QUARTER, Notes, Score
from phraseloom.structure import find_form, key_of_notes
from phraseloom.transforms import cut, normalise_key

if TYPE_CHECKING:
    from phraseloom.phrase_codec import PhraseCodec

TICKS_PER_BAR = 4 * TICKS_PER_QUARTER
NUM_LATENT_TRAINING_SONGS = 100
"""Songs of the training split that latents are held against, evenly spread; as many as in published figures."""


@dataclass(frozen=True)
class SongsEvaluation:
    """What `evaluate_songs` compares.

    Attributes:
        songs: folder of MIDI files with the corpus's tracks in their order.
        corpus: prepared corpus with songs of every split.
        split: "test" or "validation": the songs that stand for real music.
        plans: file with the plan of every song; None where they are judged by the form and the chords of their own.
        latents: whether to compare latents of phrases.
        checkpoint: folder with the phrase VAE that makes them; the package's own where None.
        html: page to write; None for none.
    """

    songs: Path
    corpus: Path
    split: str = "test"
    plans: Path | None = None
    latents: bool = True
    checkpoint: Path | None = None
    html: Path | None = None


def evaluate_reconstruction(
    corpus: Path,
    split: str,
    noise: float,
    checkpoint: Path | None,
    progress: Progress,
    *,
    refinements: int | None = None,
    readings: int | None = None,
) -> ReconstructionReport:
    """Encodes and decodes every phrase of a split's songs in the model's meter and compares the notes.

    Args:
        noise: standard deviation of Gaussian noise on the latents, as a share of their scale; seeded by the song, and
            told to the decoder.
        checkpoint: folder with weights; the package's own where None.
        refinements: as for `phraseloom.phrase_codec.PhraseCodec.encode_faithfully`, its default where None.
        readings: as for `PhraseCodec.decode_faithfully`, its default where None.

    Raises:
        RequestError: the split has no such song.
    """
    from phraseloom.phrase_codec import DEFAULT_READINGS, DEFAULT_REFINEMENTS, song_phrases

    codec = _load_codec(checkpoint)
    refinements = DEFAULT_REFINEMENTS if refinements is None else refinements
    readings = DEFAULT_READINGS if readings is None else readings
    scores = _songs_of_corpus(corpus, split)
    true: list[Notes] = []
    decoded: list[Notes] = []
    track_names: list[str] = []
    for number, score in enumerate(scores):
        progress("decoding", number / len(scores))
        latents = codec.encode_faithfully(song_phrases(score), refinements=refinements)
        latents += noise * np.random.default_rng(number).standard_normal(latents.shape, np.float32)
        table = codec.decode_faithfully(latents, TICKS_PER_BAR, noise=noise, readings=readings)
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
    if Corpus.is_one(songs):
        scores = _songs_of_corpus(songs, split)
    else:
        scores = [_with_form(_read(path)) for path in (midi_files(songs) if songs.is_dir() else [songs])]
    return summarise_repetition(map(repetition_report, scores))


def evaluate_songs(asked: SongsEvaluation, progress: Progress) -> ComparisonReport:
    """Songs made by any system beside a split's real songs that it has not learnt from.

    The other held-out split says what real against real gives; the training split is searched for what was copied.
    Songs with a plan are judged by it, the others by what they say of themselves; a form that nobody says is found.

    Raises:
        UserError: a file cannot be read, lacks tracks or has no plan among those given, there are too few songs,
            scikit-learn is not installed, or the page cannot be written.
    """
    required_classifier()
    if asked.html is not None:
        require_writable(asked.html)
    plans = None if asked.plans is None else read_plan_table(asked.plans)
    progress("reading", 0.0)
    other = "validation" if asked.split == "test" else "test"
    real, other_real, training = (_songs_of_corpus(asked.corpus, name) for name in (asked.split, other, "train"))
    slots = [track.name for track in min(real, key=lambda score: len(score.tracks)).tracks]
    generated = _generated(asked.songs, plans, slots)
    judged_real = [
        JudgedSong(
            str(number), score, plan_adherence(score, _labels(score), find_form(score), key_of_notes(score.tracks))
        )
        for number, score in enumerate(real, 1)
    ]
    scores = [song.score for song in generated]
    latents = None
    if asked.latents:
        latents = _latent_distance(
            scores, real, other_real, training, len(slots), _load_codec(asked.checkpoint), progress
        )
    report = compare_songs(generated, judged_real, other_real, training, progress, latents=latents)
    if asked.html is not None:
        progress("drawing", 0.99)
        page = comparison_page(report, generated, judged_real, num_tracks=len(slots))
        with written_beside(asked.html) as part:
            part.write_text(page, encoding="utf-8")
    return report


def asked_of(plan: SongPlan, tracks: Sequence[str]) -> AskedSong:
    """A plan as evaluations take it.

    Args:
        tracks: names of the songs' tracks, in order.

    Raises:
        RequestError: the plan names a track that there is not.
    """
    form = plan.form
    plays = None
    if form is not None and plan.tracks is not None:
        cells = plan.tracks.playing(form, tracks)
        plays = np.where(cells == FREE, np.nan, (cells == PLAYS).astype(np.float64))
    num_bars = plan.num_bars if form is None else num_bars_of(form)
    laid_over = form or (() if num_bars is None else (Section("A", num_bars),))
    chords = plan.chords.spans(laid_over) if plan.chords is not None and laid_over else ()
    return AskedSong(num_bars, form, plan.key, chords, plays)


def _generated(folder: Path, plans: Mapping[str, SongPlan] | None, slots: Sequence[str]) -> list[JudgedSong]:
    songs = []
    for path in midi_files(folder):
        name, score = song_id_of(path, folder), _read(path)
        if len(score.tracks) < len(slots):
            raise RequestError(
                f"{path} has {len(score.tracks)} tracks, the songs of the reference have {len(slots)}",
                "compare songs with the same tracks, in the same order",
            )
        if plans is None:
            songs.append(JudgedSong(name, _with_form(score)))
            continue
        if name not in plans:
            raise RequestError(f"there is no plan for {name}", f'add a table ["{name}"], or move the file elsewhere')
        asked = asked_of(plans[name], slots)
        songs.append(JudgedSong(name, _with_form(as_asked(score, asked)), _adherence(score, asked)))
    return songs


def _adherence(score: Score, asked: AskedSong) -> PlanAdherence:
    return plan_adherence(score, asked, find_form(score), key_of_notes(score.tracks))


def _labels(score: Score) -> AskedSong:
    """A real song's own labels, as if they had been asked for; that it has its own bars says nothing."""
    return AskedSong(form=score.sections or None, key=score.key)


def _latent_distance(
    generated: Sequence[Score],
    real: Sequence[Score],
    other_real: Sequence[Score],
    training: Sequence[Score],
    num_tracks: int,
    codec: PhraseCodec,
    progress: Progress,
) -> LatentDistance:
    """Of the sounding phrases of the first tracks, every song in C major or A minor."""
    from phraseloom.phrase_codec import sounding_latents

    sets = (generated, real, evenly_spread(training, NUM_LATENT_TRAINING_SONGS), other_real)
    songs = [score for scores in sets for score in scores]
    latents = []
    for number, score in enumerate(songs):
        progress("encoding", number / len(songs))
        key = score.key or key_of_notes(score.tracks)
        latents.append(sounding_latents(codec, replace(score, tracks=score.tracks[:num_tracks], key=key)))
    rest = iter(latents)
    return latent_distance(*(list(islice(rest, len(scores))) for scores in sets))


def _load_codec(checkpoint: Path | None) -> PhraseCodec:
    from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec

    return PhraseCodec.load((checkpoint or PRETRAINED_DIRECTORY) / PHRASE_VAE_FILE)


def _with_form(score: Score) -> Score:
    return score if score.sections else replace(score, sections=find_form(score))


def _read(path: Path) -> Score:
    """The score of a file; of many, an error says which."""
    try:
        return read_midi(path)
    except (UnreadableFileError, UnsupportedScoreError) as error:
        raise type(error)(f"{path}: {error.message}", error.remedy) from error


def _songs_of_corpus(corpus: Path, split: str) -> list[Score]:
    scores = [song.score for song in Corpus.open(corpus).songs(split)]
    in_four_four = [score for score in scores if all(meter.ticks_per_bar == TICKS_PER_BAR for meter in score.meters)]
    if not in_four_four:
        raise RequestError(f"{corpus} has no {split} song in 4/4", "name another split or another corpus")
    return in_four_four
