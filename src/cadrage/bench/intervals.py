"""How sure a mean over images is: bootstrap intervals, and paired tests between two methods.

The images are the sample: a bootstrap draws images, never single crops or votes of one image (Efron and Tibshirani,
"An Introduction to the Bootstrap", 1993, chapter 13, percentile intervals). Two methods are compared on the
same images, by the sign-flip permutation test of their differences (chapter 15). NaN, "nothing to measure here", is
left out of every mean.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cadrage.errors import DataError, RequestError
from cadrage.geometry import FloatArray

Key = TypeVar("Key", bound=Hashable)

SAMPLES = 2000
"""Resamples of the images, from which the bounds of 95 % vary by a few per cent of the interval."""

FLIPS = 10_000
"""Sign flips of a permutation test: no p-value below 1e-4 can be found."""

CONFIDENCE = 0.95

BATCH = 250
"""Resamples or flips drawn at once, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over images with its bootstrap interval.

    Attributes:
        mean: of the images where the metric is defined; NaN where it is for none.
        low: lower bound.
        high: upper bound.
        images: how many images the mean is of.
    """

    mean: float
    low: float
    high: float
    images: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of two methods on the same images.

    Attributes:
        mean: first less second, with its bootstrap interval ``low`` to ``high``.
        low: lower bound.
        high: upper bound.
        p: two-sided p-value of the sign-flip permutation test; NaN without a common image.
        images: images on which both are defined.
    """

    mean: float
    low: float
    high: float
    p: float
    images: int


def estimate(
    columns: Mapping[Key, FloatArray],
    weights: Mapping[Key, FloatArray] | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> dict[Key, Estimate]:
    """Means over images of several metrics, with intervals from the same resamples.

    Args:
        columns: the numbers of each metric, shape (T,), one for each image; NaN where it is undefined.
        weights: of the images in the mean of a metric, shape (T,), at least 0; such as how many pairs an image
            has. Equal weights where a metric has none.
        samples: resamples, at least 1.
        seed: of the draw.
        confidence: between 0 and 1.

    Raises:
        DataError: there is no image, or the lengths differ.
        RequestError: ``samples`` or ``confidence`` is out of range.
    """
    values, shares = _table(columns, weights or {})
    _check(samples, confidence)
    resampled = _resampled_means(values, shares, samples, seed)
    low, high = _bounds(resampled, confidence)
    with np.errstate(invalid="ignore"):
        means = (values * shares).sum(axis=0) / shares.sum(axis=0)
    counts = (shares > 0).sum(axis=0)
    return {
        name: Estimate(float(means[at]), float(low[at]), float(high[at]), int(counts[at]))
        for at, name in enumerate(columns)
    }


def compare(
    first: FloatArray,
    second: FloatArray,
    weights: FloatArray | None = None,
    *,
    samples: int = SAMPLES,
    flips: int = FLIPS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Compare two methods image by image.

    Under the null hypothesis the two numbers of an image could as well be exchanged: the p-value is the share of
    sign flips of the differences whose mean is at least as far from 0. With few images all flips are tried and p is
    exact; otherwise they are drawn, and the observed one counts as one of them.

    Args:
        first: a metric of one method, shape (T,), NaN where undefined.
        second: of the other method on the same images.
        weights: of the images, as for ``estimate``.
        samples: resamples for the interval.
        flips: sign flips for the test.
        seed: of both draws.
        confidence: between 0 and 1.

    Raises:
        DataError: there is no image, or the lengths differ.
        RequestError: a number is out of range.
    """
    _check(min(samples, flips), confidence)
    if first.shape != second.shape:
        raise DataError(f"Two methods are compared on the same images; got {len(first)} and {len(second)}.")
    given = {} if weights is None else {"difference": weights}
    found = estimate(
        {"difference": first - second}, given, samples=samples, seed=seed, confidence=confidence
    )["difference"]
    values, shares = _table({"difference": first - second}, given)
    moved = (values * shares)[shares[:, 0] > 0, 0]
    p = _flip_test(moved, flips, seed) if len(moved) else math.nan
    return Difference(found.mean, found.low, found.high, p, found.images)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests made at once, corrected by Holm's step-down rule (Holm 1979); NaN stays NaN.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = list(p_values), 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[place] = largest
    return corrected


def _check(samples: int, confidence: float) -> None:
    if samples < 1 or not 0 < confidence < 1:
        raise RequestError(
            "An interval needs at least one sample and a confidence between 0 and 1; "
            f"got {samples} and {confidence:g}."
        )


def _table(
    columns: Mapping[Key, FloatArray], weights: Mapping[Key, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Values with 0 for NaN, and weights with 0 there, both of shape (T, M)."""
    lengths = {len(column) for column in (*columns.values(), *weights.values())}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(
            f"Every metric needs one number for each image, and one image at least; got {lengths}."
        )
    values = np.stack([np.asarray(column, dtype=np.float64) for column in columns.values()], axis=1)
    shares = np.stack([weights.get(name, np.ones(len(values))) for name in columns], axis=1)
    shares = np.where(np.isnan(values), 0.0, shares)
    return np.nan_to_num(values, nan=0.0), shares


def _resampled_means(values: FloatArray, shares: FloatArray, samples: int, seed: int) -> FloatArray:
    """Weighted means of each metric in each resample, shape (samples, M); NaN where a resample has no image."""
    rng = np.random.default_rng(seed)
    images, weighted = len(values), values * shares
    found = []
    for start in range(0, samples, BATCH):
        rows = min(BATCH, samples - start)
        drawn = rng.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)
        with np.errstate(invalid="ignore"):
            found.append((times @ weighted) / (times @ shares))
    return np.concatenate(found)


def _bounds(resampled: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    rest = 50 * (1 - confidence)
    low, high = np.full((2, resampled.shape[1]), math.nan)
    some = ~np.isnan(resampled).all(axis=0)
    if some.any():
        low[some], high[some] = np.nanpercentile(resampled[:, some], [rest, 100 - rest], axis=0)
    return low, high


def _flip_test(differences: FloatArray, flips: int, seed: int) -> float:
    """Two-sided p-value of differences of shape (T,), which are weighted already."""
    observed = abs(differences.sum()) * (1 - 1e-12)  # equal sums may differ in the last digit
    images = len(differences)
    if 2**images <= flips:
        signs = 1.0 - 2.0 * (np.arange(2**images)[:, None] >> np.arange(images) & 1)
        return float((np.abs(signs @ differences) >= observed).mean())
    rng = np.random.default_rng(seed)
    further = 0
    for start in range(0, flips, BATCH):
        signs = rng.integers(2, size=(min(BATCH, flips - start), images)) * 2.0 - 1.0
        further += int((np.abs(signs @ differences) >= observed).sum())
    return (further + 1) / (flips + 1)
