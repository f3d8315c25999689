"""How often something was chosen, and how far that can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cadrage.errors import MissingExtraError
from cadrage.geometry import FloatArray

IntArray = NDArray[np.int64]

CONFIDENCE = 0.95

RESAMPLES = 2000
"""How often a bootstrap draws."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: its lower end.
        high: its upper end.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EvenTest:
    """Pearson's chi-square test of whether all were chosen equally often.

    Attributes:
        chi_square: the statistic.
        freedom: degrees of freedom.
        p: probability of a statistic as large where no vote depends on what is chosen. ``None`` without votes.
    """

    chi_square: float
    freedom: int
    p: float | None


def wilson(chosen: int, votes: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a share (Wilson, JASA 1927), as if every vote were independent of the others.

    Args:
        chosen: votes for it.
        votes: all votes; without any the interval is 0 to 1.
        confidence: of the interval.

    Example:
        >>> wilson(8, 10)
        Interval(low=0.4901624715..., high=0.9433178485...)
    """
    if votes == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = chosen / votes
    middle = (share + z * z / (2 * votes)) / (1 + z * z / votes)
    reach = z / (1 + z * z / votes) * math.sqrt(share * (1 - share) / votes + z * z / (4 * votes * votes))
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach))


def cluster_counts(choices: IntArray, clusters: IntArray, number: int) -> IntArray:
    """Votes for each choice in each cluster of votes.

    Args:
        choices: what each vote chose, from 0, shape (V,).
        clusters: what the votes have in common, such as the voter, any numbers, shape (V,).
        number: of things to choose from, n.

    Returns:
        Shape (C, n), one row for each cluster that occurs.
    """
    found, rows = np.unique(clusters, return_inverse=True)
    counts = np.zeros((len(found), number), dtype=np.int64)
    np.add.at(counts, (rows, choices), 1)
    return counts


def resampled(counts: IntArray, seed: int, resamples: int = RESAMPLES) -> IntArray | None:
    """The cluster bootstrap: whole clusters drawn with replacement, as many as there are, and their votes counted.

    Votes of one person, or on one photograph, resemble each other. Drawing them together keeps that, so that an
    interval says what other people, or other photographs, would have given.

    Args:
        counts: votes by cluster, shape (C, n).
        seed: of the draws.
        resamples: number of draws, B.

    Returns:
        Votes by choice, shape (B, n); ``None`` for fewer than two clusters, which say nothing of others.
    """
    number = len(counts)
    if number < 2:
        return None
    weights = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=resamples)
    drawn: IntArray = weights @ counts
    return drawn


def percentiles(values: FloatArray, confidence: float = CONFIDENCE) -> tuple[Interval, ...]:
    """The middle part of resampled values, shape (B, n): one interval for each of the n."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail], axis=0)
    return tuple(Interval(float(a), float(b)) for a, b in zip(low, high, strict=True))


def even_test(counts: IntArray) -> EvenTest:
    """Test votes, shape (n,), against equal numbers.

    Outputs are shown in random order, so that the test holds, whoever voted how often, for the hypothesis that no
    vote depends on the method. It does not hold for "people differ, and on average prefer none".
    """
    try:
        from scipy.stats import chisquare  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("The report of a study", "annotate") from None
    if counts.sum() == 0:
        return EvenTest(0.0, len(counts) - 1, None)
    result = chisquare(counts)
    return EvenTest(float(result.statistic), len(counts) - 1, float(result.pvalue))
