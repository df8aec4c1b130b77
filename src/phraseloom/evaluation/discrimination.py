"""How well generated songs can be told from real ones, and by what.

A classifier that is told to separate the two sets is the sharpest single measure of how close they are (a classifier
two-sample test, Lopez-Paz and Oquab 2017, arXiv:1610.06545): an AUC of 0.5 means that it cannot, 1 that it always can.
It learns from some songs and judges others, so that it cannot win by knowing a song again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.evaluation.bootstrap import NUM_RESAMPLES, Estimate
from phraseloom.evaluation.plain import plain_dict
from phraseloom.evaluation.song_features import FeatureTable

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

NUM_FOLDS = 5
NUM_DEALS = 3
"""How often the songs are dealt to folds anew: at 40 songs a side one deal moves the AUC by 0.05."""

NUM_SHOWN = 12
"""Features that the text names."""

_REMEDY = 'install it with the extra for evaluations: pip install "phraseloom[evaluate]"'


@dataclass(frozen=True)
class FeatureContrast:
    """How one feature differs between the two sets, over the rows for which it is defined.

    Attributes:
        auc: chance that a generated row has more of it than a real one: above 0.5 the generated music has too much of
            it, below too little. NaN where it is not defined for any row of a set.
        real_mean, generated_mean: NaN where it is not defined for any row.
    """

    auc: float
    real_mean: float
    generated_mean: float


@dataclass(frozen=True)
class DiscriminationReport:
    """How well a classifier tells generated rows from real ones.

    Attributes:
        auc: area under the ROC curve on songs that it has not learnt from, with a confidence interval from resampling
            songs of both sets. The classifiers are not trained anew for it, so near 0.5 it is too narrow: of 40 songs a
            side from one distribution, five 95 % intervals in six hold 0.5. Counts both sets' songs.
        num_real_rows, num_generated_rows: windows, or songs.
        contrasts: every feature by its name, those that separate most first, undefined ones last.
    """

    auc: Estimate
    num_real_rows: int
    num_generated_rows: int
    contrasts: dict[str, FeatureContrast]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)

    def text(self) -> str:
        """For people: the AUC and the features that separate most."""
        lines = [
            f"told from real songs, AUC     {self.auc}  ({self.num_generated_rows} rows against {self.num_real_rows})",
            f"{'by feature':52}{'AUC':>7}{'real':>10}{'generated':>11}",
            *(
                f"{name:52}{contrast.auc:7.3f}{contrast.real_mean:10.3f}{contrast.generated_mean:11.3f}"
                for name, contrast in list(self.contrasts.items())[:NUM_SHOWN]
            ),
        ]
        return "\n".join(lines)


def discriminate(
    real: FeatureTable, generated: FeatureTable, *, confidence: float = 0.95, seed: int = 0
) -> DiscriminationReport:
    """Trains boosted trees to tell the two sets apart, in folds by song, and looks at every feature by itself.

    Songs are dealt to five folds (fewer where a set has fewer songs), three times; the songs of each fold are judged by
    a classifier that learnt from the others, both sets with the same weight. Only rows of one fold are compared with
    each other, since each fold's classifier has a scale of its own.

    Args:
        real, generated: the same features of each set, by window or by song.
        confidence: of the AUC's interval.
        seed: of the folds and the resampling; the same seed and features give the same report.

    Raises:
        RequestError: a set has fewer than two songs, or scikit-learn is not installed.
        ValueError: the features differ.
    """
    if real.names != generated.names:
        raise ValueError("the two sets have different features")
    for name, table in (("real", real), ("generated", generated)):
        if len(np.unique(table.song)) < 2:
            raise RequestError(
                f"{len(np.unique(table.song))} {name} songs are long enough to be told from others, expected 2 or more",
                "give more songs, or longer ones: a song shorter than a window does not count",
            )
    rng = np.random.default_rng(seed)
    deals = [_wins_by_song(*_judge(real, generated, rng)) for _ in range(NUM_DEALS)]
    wins, pairs = np.sum(deals, axis=0)
    auc = _resampled_auc(wins, pairs, confidence, rng)
    return DiscriminationReport(auc, len(real.values), len(generated.values), _contrasts(real, generated))


def area_under_curve(real: np.ndarray, generated: np.ndarray) -> float:
    """Chance that a generated value is higher than a real one, half for equal ones (Mann and Whitney 1947).

    Args:
        real: `[n]`.
        generated: `[m]`.

    Returns:
        0 to 1; NaN where a set is empty.
    """
    if not len(real) or not len(generated):
        return np.nan
    ordered = np.sort(real)
    below, not_above = (np.searchsorted(ordered, generated, side=side).mean() for side in ("left", "right"))
    return float(below + not_above) / (2 * len(real))


def song_folds(song: np.ndarray, num_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deals songs to folds that differ by at most one song.

    Args:
        song: `[num_rows]`, the song of each row.

    Returns:
        `[num_rows]`, 0 to `num_folds - 1`: the same for all rows of a song.
    """
    songs, index = np.unique(song, return_inverse=True)
    return (rng.permutation(len(songs)) % num_folds)[index]


def _contrasts(real: FeatureTable, generated: FeatureTable) -> dict[str, FeatureContrast]:
    contrasts = {}
    for column, name in enumerate(real.names):
        r, g = (table.values[:, column][~np.isnan(table.values[:, column])] for table in (real, generated))
        contrasts[name] = FeatureContrast(area_under_curve(r, g), _mean(r), _mean(g))

    def separation(name: str) -> float:
        distance = abs(contrasts[name].auc - 0.5)
        return -1.0 if np.isnan(distance) else distance

    return {name: contrasts[name] for name in sorted(contrasts, key=separation, reverse=True)}


@dataclass(frozen=True)
class _JudgedRows:
    """Rows of one set: `score [n]`, higher for what looks generated; `song [n]` from 0 on; `fold [n]`."""

    score: np.ndarray
    song: np.ndarray
    fold: np.ndarray


def _judge(real: FeatureTable, generated: FeatureTable, rng: np.random.Generator) -> tuple[_JudgedRows, _JudgedRows]:
    """Every row's score from a classifier that has not seen its song."""
    songs = [np.unique(table.song, return_inverse=True)[1] for table in (real, generated)]
    num_folds = min(NUM_FOLDS, *(song.max() + 1 for song in songs))
    folds = [song_folds(song, num_folds, rng) for song in songs]
    rows, fold = np.concatenate([real.values, generated.values]), np.concatenate(folds)
    is_generated = np.arange(len(rows)) >= len(real.values)
    score = np.zeros(len(rows))
    for number in range(num_folds):
        judged = fold == number
        score[judged] = _boosted_trees(rows[~judged], is_generated[~judged], rows[judged])
    judged_real, judged_generated = (
        _JudgedRows(score[is_generated == kind], song, fold)
        for kind, song, fold in zip((False, True), songs, folds, strict=True)
    )
    return judged_real, judged_generated


def required_classifier() -> type[HistGradientBoostingClassifier]:
    """The classifier of scikit-learn, which is optional and takes a second to load.

    Raises:
        RequestError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ModuleNotFoundError as error:
        raise RequestError("telling generated songs from real ones needs scikit-learn", _REMEDY) from error
    return HistGradientBoostingClassifier


def _boosted_trees(rows: np.ndarray, is_generated: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Histogram-based gradient boosting (as LightGBM, Ke et al. 2017), which takes NaN as it is.

    Args:
        rows: `[n, d]` to learn from.
        is_generated: `[n]`, their labels.
        judged: `[m, d]`.

    Returns:
        `[m]`, higher for what looks generated.
    """
    # Small trees for hundreds of rows; early stopping would hold out windows of songs that it learns from.
    trees = required_classifier()(
        max_iter=40, max_leaf_nodes=8, max_bins=31, class_weight="balanced", early_stopping=False
    )
    defined = ~np.isnan(rows).all(axis=0)  # some NaN is fine, a column of nothing else is not
    return trees.fit(rows[:, defined], is_generated).decision_function(judged[:, defined])


def _wins_by_song(real: _JudgedRows, generated: _JudgedRows) -> tuple[np.ndarray, np.ndarray]:
    """For every generated and real song how often a row of the one is scored higher, and how many pairs of rows.

    Returns:
        wins, pairs: `[num_generated_songs, num_real_songs]`; 0 for songs of different folds.
    """
    in_real_song, in_generated_song = (np.eye(rows.song.max() + 1)[rows.song] for rows in (real, generated))
    wins = np.zeros((in_generated_song.shape[1], in_real_song.shape[1]))
    pairs = np.zeros_like(wins)
    for fold in np.unique(real.fold):
        r, g = real.fold == fold, generated.fold == fold
        above = np.sign(generated.score[g][:, None] - real.score[r][None, :]) / 2 + 0.5
        wins += in_generated_song[g].T @ above @ in_real_song[r]
        pairs += np.outer(in_generated_song[g].sum(axis=0), in_real_song[r].sum(axis=0))
    return wins, pairs


def _resampled_auc(wins: np.ndarray, pairs: np.ndarray, confidence: float, rng: np.random.Generator) -> Estimate:
    num_generated, num_real = wins.shape
    times_generated, times_real = (
        rng.multinomial(num, np.full(num, 1 / num), size=NUM_RESAMPLES) for num in (num_generated, num_real)
    )
    won, compared = (((times_generated @ table) * times_real).sum(axis=1) for table in (wins, pairs))
    resampled = won[compared > 0] / compared[compared > 0]  # few songs may be drawn from different folds only
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Estimate(float(wins.sum() / pairs.sum()), float(low), float(high), num_generated + num_real)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
