"""Which of several songs are the best: how well each met its plan, and how close it is to real music.

Every part of a rating is a number from 0 to 1, more being better; a part that does not apply (no track
was asked to play, no section returns) is left out. The rating is the mean of the parts. What is real is summed up by
`RealMusic`, a mean and a spread of every figure, fitted to training songs and kept beside the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from phraseloom.cast import FREE, PLAYS
from phraseloom.errors import UnreadableFileError
from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.evaluation.repetition import homologous_similarity
from phraseloom.evaluation.song_features import song_features
from phraseloom.files import written_beside
from phraseloom.harmony import Key
from phraseloom.plan import SongPlan
from phraseloom.repeats import AS_IN_THE_CORPUS, cell_contents
from phraseloom.score import Score
from phraseloom.structure import key_of_notes
from phraseloom.transforms import normalising_shift

REAL_MUSIC_FILE = "real_music.safetensors"
"""Name of the file in a folder of weights."""

_FORMAT = "phraseloom-real-music-1"
_LARGEST_DEVIATION = 4.0
"""In spreads; so that one odd feature does not outweigh all others."""
_RELATIVE_KEY = 0.5


class Spread(NamedTuple):
    """Mean and standard deviation of one figure over real songs; NaN where no song has it."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of the values that are not NaN."""
        known = np.array([value for value in values if not math.isnan(value)])
        return cls(float(known.mean()), float(known.std())) if len(known) else cls(math.nan, math.nan)

    def likeness(self, value: float) -> float:
        """1 at the mean, falling to 0 as a normal curve; NaN where not known."""
        if math.isnan(value) or math.isnan(self.mean):
            return math.nan
        deviations = abs(value - self.mean) / max(self.deviation, 1e-9)
        return math.exp(-0.5 * deviations**2)


@dataclass(frozen=True, eq=False)
class RealMusic:
    """What real songs are like.

    Attributes:
        num_tracks: that the features are of, the first ones of every song.
        feature_names: columns of `song_features`.
        feature_mean, feature_deviation: `[num_features]` over the songs; NaN where no song has the feature.
        usual_distance: median of the songs' own `distance`.
        chord_difference, homologous, different_sections: as `ChordAgreement.difference` and `HomologousSimilarity`.
    """

    num_tracks: int
    feature_names: tuple[str, ...]
    feature_mean: np.ndarray
    feature_deviation: np.ndarray
    usual_distance: float
    chord_difference: Spread
    homologous: Spread
    different_sections: Spread

    @classmethod
    def fit(cls, songs: Iterable[Score]) -> RealMusic:
        """The summary of some songs.

        Raises:
            ValueError: there is no song, or one without tracks.
        """
        songs = list(songs)
        num_tracks = min((len(song.tracks) for song in songs), default=0)
        table = song_features(songs, num_tracks)
        known = ~np.isnan(table.values)
        count = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
        mean = np.where(known, table.values, 0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, (table.values - mean) ** 2, 0).sum(axis=0) / count)
        pairs = [homologous_similarity(song) for song in songs if song.sections]
        return cls(
            num_tracks=num_tracks,
            feature_names=table.names,
            feature_mean=mean,
            feature_deviation=deviation,
            usual_distance=float(np.median([_distance(row, mean, deviation) for row in table.values])),
            chord_difference=Spread.of([chord_agreement(song).difference for song in songs]),
            homologous=Spread.of([pair.homologous for pair in pairs]),
            different_sections=Spread.of([pair.different_sections for pair in pairs]),
        )

    def distance(self, song: Score) -> float:
        """Mean over the features of how far the song's is from the mean, in deviations; NaN for too few tracks."""
        if len(song.tracks) < self.num_tracks:
            return math.nan
        return _distance(song_features([song], self.num_tracks).values[0], self.feature_mean, self.feature_deviation)

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        facts = {
            "num_tracks": self.num_tracks,
            "feature_names": self.feature_names,
            "usual_distance": self.usual_distance,
            "chord_difference": self.chord_difference,
            "homologous": self.homologous,
            "different_sections": self.different_sections,
        }
        arrays = {"feature_mean": self.feature_mean, "feature_deviation": self.feature_deviation}
        with written_beside(path) as part:
            save_file(arrays, part, {"format": _FORMAT, "facts": json.dumps(facts)})

    @classmethod
    def load(cls, path: Path) -> RealMusic | None:
        """The summary in a file; None where there is no such file.

        Raises:
            UnreadableFileError: the file is damaged, or of another version.
        """
        if not path.exists():
            return None
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata() or {}
                mean, deviation = file.get_tensor("feature_mean"), file.get_tensor("feature_deviation")
            if metadata.get("format") != _FORMAT:
                raise ValueError("another format")
            facts = json.loads(metadata["facts"])
            return cls(
                num_tracks=facts["num_tracks"],
                feature_names=tuple(facts["feature_names"]),
                feature_mean=mean,
                feature_deviation=deviation,
                usual_distance=facts["usual_distance"],
                chord_difference=Spread(*facts["chord_difference"]),
                homologous=Spread(*facts["homologous"]),
                different_sections=Spread(*facts["different_sections"]),
            )
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UnreadableFileError(
                f"{path} is no summary of real music of this version",
                "remove it, or take the one that belongs to the weights",
            ) from error


@dataclass(frozen=True)
class Rating:
    """How good a song is.

    Attributes:
        parts: 0 to 1 each, those that apply: `chords` (agreement beyond that with a wrong chord, against real songs'),
            `key`, `tracks` (cells that play or rest as asked), `returning` and `different` (bars that the form calls
            alike and different, as alike as in real songs), `real` (nearness of the features to the
            mean of real songs, 0.5 for the median real song).
    """

    parts: dict[str, float]

    @property
    def score(self) -> float:
        """Mean of the parts; 0 where none applies."""
        return sum(self.parts.values()) / len(self.parts) if self.parts else 0.0

    def text(self) -> str:
        """The score and why, for people."""
        return f"{self.score:.3f}: " + ", ".join(f"{name} {value:.2f}" for name, value in self.parts.items())


class Ranked(NamedTuple):
    """A song's place among those that were given, from 0 on, and its rating."""

    index: int
    rating: Rating


def rating(song: Score, plan: SongPlan, real: RealMusic | None = None) -> Rating:
    """Rates a song that was written to a plan.

    Args:
        song: with the form and the chords of the plan.
        plan: with nothing left open but chords and tracks.
        real: what real songs are like; without it `returning`, `different` and `real` are left out, and `chords` is
            measured by itself.
    """
    settled = plan.settled
    parts = {
        "chords": _chords_part(song, real),
        "key": _key_part(song, settled.key),
        "tracks": math.nan if settled.cast is None else _tracks_part(song, plan),
    }
    if real is not None:
        similarity = homologous_similarity(song) if song.sections else None
        if similarity is not None:
            # another share of repeats was asked for than real songs have
            is_as_real = settled.repeat == AS_IN_THE_CORPUS
            parts["returning"] = real.homologous.likeness(similarity.homologous) if is_as_real else math.nan
            parts["different"] = real.different_sections.likeness(similarity.different_sections)
        parts["real"] = _real_part(song, real)
    return Rating({name: value for name, value in parts.items() if not math.isnan(value)})


def ranked(songs: Iterable[tuple[Score, SongPlan]], real: RealMusic | None = None) -> list[Ranked]:
    """All songs with their ratings, the best first; equal ones as they were given."""
    rated = [Ranked(index, rating(song, plan, real)) for index, (song, plan) in enumerate(songs)]
    return sorted(rated, key=lambda each: -each.rating.score)


def _chords_part(song: Score, real: RealMusic | None) -> float:
    """Agreement beyond that with a wrong chord, as a share of what real songs reach."""
    if not song.chords:
        return math.nan
    agreement = chord_agreement(song)
    if math.isnan(agreement.difference):
        return agreement.asked
    usual = math.nan if real is None else real.chord_difference.mean
    return float(np.clip(agreement.difference / usual if usual > 0 else agreement.difference, 0.0, 1.0))


def _key_part(song: Score, asked: Key) -> float:
    found = key_of_notes(song.tracks)
    if found is None:
        return math.nan
    if found == asked:
        return 1.0
    return _RELATIVE_KEY if normalising_shift(found) == normalising_shift(asked) else 0.0


def _tracks_part(song: Score, plan: SongPlan) -> float:
    """Share of the cells that play or rest as asked; NaN where all are free."""
    form, cast = plan.settled.form, plan.settled.cast
    if cast is None:
        return math.nan
    asked = cast.playing(form, [track.name for track in song.tracks])
    plays = cell_contents(song) > 0
    return float(((asked == PLAYS) == plays)[asked != FREE].mean()) if (asked != FREE).any() else math.nan


def _real_part(song: Score, real: RealMusic) -> float:
    """0.5 for a song as near to the mean as the real songs' median, more for a nearer one."""
    distance = real.distance(song)
    return real.usual_distance / (real.usual_distance + distance)


def _distance(row: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> float:
    """Of features that vary and that the song has; NaN where there are none."""
    defined = ~np.isnan(row) & (np.nan_to_num(deviation) > 0)
    if not defined.any():
        return math.nan
    deviations = np.abs(row[defined] - mean[defined]) / deviation[defined]
    return float(np.minimum(deviations, _LARGEST_DEVIATION).mean())
