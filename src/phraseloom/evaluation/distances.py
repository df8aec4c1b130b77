"""Distances between two sets of vectors, such as latents of phrases or features of songs.

Rows are samples, columns are dimensions. Both distances are symmetric and 0 in the limit for two sets from one
distribution; what "0" looks like at a given number of samples is best shown by the distance between two sets of real
songs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phraseloom.evaluation.plain import plain_dict

MAX_STANDARD_SCORE = 5.0


@dataclass(frozen=True)
class KernelDistance:
    """A squared maximum mean discrepancy, estimated without bias: below 0 about half of the time for equal sets.

    Attributes:
        squared_mmd: the estimate.
        standard_error: from leaving out one row at a time; too large rather than too small where the two sets are
            hardly different. NaN where a set has two rows only.
        num_a, num_b: rows of each set.
    """

    squared_mmd: float
    standard_error: float
    num_a: int
    num_b: int

    def __str__(self) -> str:
        return f"{self.squared_mmd:.4f} +- {self.standard_error:.4f}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None for NaN."""
        return plain_dict(self)


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Squared Frechet (2-Wasserstein) distance between Gaussians fitted to two sets (Dowson and Landau 1982).

    `|mean_a - mean_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a^1/2 C_b C_a^1/2)^1/2)` with sample covariances C, as in the
    Frechet inception distance (Heusel et al. 2017, arXiv:1706.08500). The last trace is the sum of the square roots of
    the eigenvalues of the symmetric product; they are taken as singular values of `R_a R_b^T`, where `C = R^T R`, which
    loses no digits where a covariance is singular.

    The estimate is biased upwards. For n and m independent samples of one d-dimensional standard Gaussian it reads
    about `d (d + 5) / 4 * (1 / n + 1 / m)`: at 64 dimensions, 300 samples against very many read 3.7. Rows that depend
    on each other, as phrases of one song do, read more. So compare distances only at equal numbers of songs.

    Args:
        a: `[n, d]`.
        b: `[m, d]`.

    Returns:
        At least 0.

    Raises:
        ValueError: shapes that do not fit, fewer than two rows, or a value that is not finite.
    """
    a, b = _checked(a, b)
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    means = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    traces = np.sum(root_a**2) + np.sum(root_b**2)
    fidelity = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    return max(0.0, float(means + traces - 2 * fidelity))


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean `[d]` and sample covariance `[d, d]` of a set of vectors."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, samples: ArrayLike) -> Moments:
        """Of samples `[n, d]`, at least two."""
        rows = np.asarray(samples, np.float64)
        return cls(rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False)))


def frechet_of_moments(a: Moments, b: Moments) -> float:
    """`frechet_distance` of sets of which only the moments are kept; a singular covariance costs it some digits."""
    fidelity = np.linalg.svd(_symmetric_root(a.covariance) @ _symmetric_root(b.covariance), compute_uv=False).sum()
    return max(0.0, _squared_gap(a, b) + float(np.trace(a.covariance) + np.trace(b.covariance) - 2 * fidelity))


def frechet_of_moments_as_published(a: Moments, b: Moments) -> float:
    """The distance as the reference implementation of the song model computes it (Ou and Wang 2025, arXiv:2512.11348).

    It hands the product of the covariances, which is not symmetric, to a solver for symmetric matrices, which looks at
    its lower triangle only. So this is neither the Fréchet distance nor symmetric in its arguments; it serves to
    compare with figures made that way, and with nothing else: it may well be negative, and nearer is not always less.
    Negative eigenvalues count as 0.

    Args:
        a: of the songs to be judged.
        b: of the songs that they are held against.
    """
    eigenvalues = np.linalg.eigvalsh(a.covariance @ b.covariance)
    fidelity = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    return _squared_gap(a, b) + float(np.trace(a.covariance) + np.trace(b.covariance) - 2 * fidelity)


def kid(a: ArrayLike, b: ArrayLike) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy with the kernel of the kernel inception distance.

    The kernel is `(x . y / d + 1)^3` (Binkowski et al. 2018, arXiv:1801.01401), the estimate the U-statistic of
    Gretton et al. 2012, its standard error the delete-one jackknife of U-statistics (Arvesen 1969). A row should be one
    independent thing: a song, not a window of one. The kernel sees the scale of every column: hand in `standardised`
    features.

    Args:
        a: `[n, d]`.
        b: `[m, d]`.

    Raises:
        ValueError: shapes that do not fit, fewer than two rows, or a value that is not finite.
    """
    a, b = _checked(a, b)
    within_a, within_b, between = _polynomial_kernel(a, a), _polynomial_kernel(b, b), _polynomial_kernel(a, b)
    np.fill_diagonal(within_a, 0)
    np.fill_diagonal(within_b, 0)
    mean_a, mean_b = (kernel.sum() / (len(kernel) * (len(kernel) - 1)) for kernel in (within_a, within_b))
    variance = _jackknife_variance(within_a, between) + _jackknife_variance(within_b, between.T)
    squared_mmd = mean_a + mean_b - 2 * between.mean()
    return KernelDistance(float(squared_mmd), float(np.sqrt(variance)), len(a), len(b))


def standardised(values: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Standard scores by the mean and standard deviation that each column has in a reference set.

    Args:
        values: `[n, d]`; NaN where a value is not defined.
        reference: `[m, d]`, likewise.

    Returns:
        `[n, d]` float64, -5 to 5: further out counts as 5, or a column that hardly varies in the reference would be all
        that a cubic kernel sees. What is not defined becomes 0, the mean of the reference; a column that does not vary
        there, or is never defined, is 0 throughout, since it has no scale.
    """
    values, reference = np.asarray(values, np.float64), np.asarray(reference, np.float64)
    defined = ~np.isnan(reference)
    count = np.maximum(defined.sum(axis=0), 1)
    mean = np.where(defined, reference, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(defined, reference - mean, 0) ** 2).sum(axis=0) / count)
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1)  # a constant column's mean may be off in its last digit
    scores = np.divide(values - mean, spread, out=np.zeros_like(values), where=varies)
    return np.clip(np.where(np.isnan(scores), 0.0, scores), -MAX_STANDARD_SCORE, MAX_STANDARD_SCORE)


def _checked(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or a.shape[1] == 0:
        raise ValueError(f"sets have shapes {a.shape} and {b.shape}, expected (n, d) and (m, d)")
    if len(a) < 2 or len(b) < 2:
        raise ValueError(f"sets have {len(a)} and {len(b)} rows, expected at least 2")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is not finite")
    return a, b


def _covariance_root(samples: np.ndarray) -> np.ndarray:
    """R `[min(n, d), d]` with `R^T R` the sample covariance."""
    return np.linalg.qr(samples - samples.mean(axis=0), mode="r") / np.sqrt(len(samples) - 1)


def _squared_gap(a: Moments, b: Moments) -> float:
    return float(np.sum((a.mean - b.mean) ** 2))


def _symmetric_root(covariance: np.ndarray) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T


def _polynomial_kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _jackknife_variance(within: np.ndarray, between: np.ndarray) -> float:
    """Variance of the squared MMD that comes from the choice of one set's rows.

    Args:
        within: `[n, n]`, the kernel in this set, 0 on the diagonal.
        between: `[n, m]`, the kernel with the other set.
    """
    n, m = between.shape
    if n < 3:
        return np.nan
    within_without = (within.sum() - 2 * within.sum(axis=1)) / ((n - 1) * (n - 2))
    between_without = (between.sum() - between.sum(axis=1)) / ((n - 1) * m)
    return (n - 1) * float(np.var(within_without - 2 * between_without))
