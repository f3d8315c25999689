"""How far several raters agree: ICC and Krippendorff's alpha, both also where not everybody rated everything.

Both rest on sums that can be taken photograph by photograph and added, so that a bootstrap over photographs, which
adds them with other weights, costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cadrage.geometry import FloatArray

IntArray = NDArray[np.int64]

Level = Literal["nominal", "ordinal", "interval"]
"""What alpha counts as disagreement: any difference; the number of grades between; the squared difference."""

BATCH = 100
"""Resamples that are added up at a time."""


@dataclass(frozen=True, slots=True)
class Icc:
    """Intraclass correlations, two-way random effects, absolute agreement (Shrout & Fleiss 1979).

    From estimates of variance components that allow for missing grades (Henderson's method 1: observed sums of
    squares are equated with their expectations). Where every rater graded every crop they are those of the paper's
    analysis of variance.

    Attributes:
        single: ICC(2,1), the reliability of one rater's grade; NaN where it is not defined.
        average: ICC(2,k), the reliability of a crop's MOS; NaN where it is not defined.
        k: grades for a crop: the harmonic mean over crops, which is what the variance of a mean depends on.
        crops: how many crops have a grade.
        complete_crops: how many of them all raters graded.
        raters: how many raters gave a grade.
    """

    single: float
    average: float
    k: float
    crops: int
    complete_crops: int
    raters: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Confidence bounds; NaN where there are none."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AgreementBounds:
    """Percentile bootstrap bounds over photographs, with the raters as they are.

    Attributes:
        single: of ICC(2,1).
        average: of ICC(2,k).
        alpha: of Krippendorff's alpha.
        photographs: how many were drawn from: those with a grade.
    """

    single: Bounds
    average: Bounds
    alpha: Bounds
    photographs: int


def mean_opinion_scores(grades: FloatArray) -> FloatArray:
    """Mean grade of each crop, shape (C, R) to (C,); NaN for a crop without a grade."""
    known = ~np.isnan(grades)
    return _divided(np.where(known, grades, 0.0).sum(axis=1), known.sum(axis=1))


def deviations(grades: FloatArray, ddof: int = 0) -> FloatArray:
    """Standard deviation of each crop's grades.

    Args:
        grades: shape (C, R), NaN where missing.
        ddof: what the number of grades is lessened by: 0 for the deviation of these raters, 1 for an estimate of
            that of all raters.

    Returns:
        Shape (C,); NaN for a crop with fewer than two grades.
    """
    known = ~np.isnan(grades)
    count = known.sum(axis=1)
    apart = np.where(known, grades - mean_opinion_scores(grades)[:, None], 0.0)
    return np.sqrt(_divided((apart**2).sum(axis=1), np.where(count > 1, count - ddof, 0)))


def icc(grades: FloatArray) -> Icc:
    """ICC(2,1) and ICC(2,k) of grades of shape (C, R), NaN where missing.

    Example:
        >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
        >>> round(icc(np.array(table, float)).single, 2)
        0.29
    """
    known = ~np.isnan(grades)
    graded = known.any(axis=1)
    sums = _variance_sums(grades, np.zeros(len(grades), dtype=np.int64), 1).sum(axis=0)
    single, average, k = (float(value) for value in _iccs(sums, grades.shape[1]))
    k = round(k, 9)  # sums of fractions
    complete = int(known[:, known.any(axis=0)].all(axis=1).sum()) if graded.any() else 0
    return Icc(single, average, k, int(graded.sum()), complete, int(known.any(axis=0).sum()))


def krippendorff_alpha(grades: FloatArray, level: Level = "ordinal") -> float:
    """Krippendorff's alpha (Krippendorff 2011, "Computing Krippendorff's alpha-reliability").

    Args:
        grades: whole numbers, shape (C, R), NaN where missing; crops with fewer than two grades do not count.
        level: what counts as disagreement.

    Returns:
        1 for full agreement, 0 for that of chance; NaN where no crop has two grades, or all grades are equal.
    """
    values = np.unique(grades[~np.isnan(grades)])
    pairs = _coincidences(grades, values, np.zeros(len(grades), dtype=np.int64), 1).sum(axis=0)
    return float(_alphas(pairs, values, level))


def agreement_bounds(
    grades: FloatArray,
    photograph_of: IntArray,
    *,
    level: Level = "ordinal",
    confidence: float = 0.95,
    samples: int = 1000,
    seed: int = 0,
) -> AgreementBounds:
    """Confidence bounds by drawing photographs, each with all of its crops, with replacement.

    Args:
        grades: shape (C, R), NaN where missing.
        photograph_of: the photograph of each crop, shape (C,).
        level: of alpha.
        confidence: share of the resamples between the bounds.
        samples: how many resamples.
        seed: of the draws.
    """
    graded = ~np.isnan(grades).all(axis=1)
    names, groups = np.unique(photograph_of[graded], return_inverse=True)
    count = len(names)
    none = Bounds(np.nan, np.nan)
    if count < 2:
        return AgreementBounds(none, none, none, count)
    values = np.unique(grades[~np.isnan(grades)])
    sums = _variance_sums(grades[graded], groups, count)
    pairs = _coincidences(grades[graded], values, groups, count).reshape(count, -1)
    random = np.random.default_rng(seed)
    found = []
    for start in range(0, samples, BATCH):
        weights = random.multinomial(count, np.full(count, 1 / count), size=min(BATCH, samples - start))
        drawn = (weights @ pairs).reshape(-1, len(values), len(values))
        found.append(np.stack([*_iccs(weights @ sums, grades.shape[1])[:2], _alphas(drawn, values, level)]))
    tails = (50 * (1 - confidence), 50 * (1 + confidence))
    single, average, alpha = (_percentiles(row, tails) for row in np.concatenate(found, axis=1))
    return AgreementBounds(single, average, alpha, count)


def _percentiles(values: FloatArray, tails: tuple[float, float]) -> Bounds:
    defined = values[~np.isnan(values)]
    return Bounds(*np.percentile(defined, tails).tolist()) if len(defined) else Bounds(np.nan, np.nan)


def _variance_sums(grades: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """What variance components are made from, by group of crops: shape (count, 5 + 2 R).

    Crops with a grade, sum of squares, sum over crops of (sum of grades)^2 / number, sum over crops of 1 / number,
    sum over crops of number^2; then each rater's number and sum of grades.
    """
    known = ~np.isnan(grades)
    values = np.where(known, grades - 3.0, 0.0)  # centred, so that little is lost in differences of squares
    number, total = known.sum(axis=1), values.sum(axis=1)
    graded = number > 0
    share = np.divide(1.0, number, out=np.zeros(len(grades)), where=graded)
    columns = [graded, (values**2).sum(axis=1), total**2 * share, share, number**2]
    by_crop = np.concatenate([np.stack(columns, axis=1).astype(np.float64), known, values], axis=1)
    return _added(by_crop, groups, count)


def _iccs(sums: FloatArray, raters: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """ICC(2,1), ICC(2,k) and k of sums of shape (..., 5 + 2 R)."""
    crops, squares, crop_part, shares, crop_counts = np.moveaxis(sums[..., :5], -1, 0)
    number, total = sums[..., 5 : 5 + raters], sums[..., 5 + raters :]
    grades, active = number.sum(axis=-1), (number > 0).sum(axis=-1)
    rater_part = _divided(total**2, number, 0.0).sum(axis=-1)
    mean_part = _divided(total.sum(axis=-1) ** 2, grades)
    # Expectations of differences of these parts: squares - crop_part = (grades - crops) (raters + error), ...
    within_crops = _divided(squares - crop_part, grades - crops)
    within_raters = _divided(squares - rater_part, grades - active)
    of_crops = grades - _divided(crop_counts, grades)
    of_raters = grades - _divided((number**2).sum(axis=-1), grades)
    error = _divided(
        of_crops * within_raters + of_raters * within_crops - (squares - mean_part),
        of_crops + of_raters - (grades - 1),
    )
    between_crops = within_raters - error
    k = _divided(crops, shares)
    single = _divided(between_crops, np.maximum(between_crops + within_crops, 0.0))
    average = _divided(between_crops, np.maximum(between_crops + within_crops / k, 0.0))
    return single, average, k


def _coincidences(grades: FloatArray, values: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """How often two raters gave two grades to one crop, by group: shape (count, V, V).

    Each crop's pairs are weighted by 1 / (number of its grades - 1).
    """
    has = (grades[:, :, None] == values).sum(axis=1)
    weight = _divided(1.0, np.maximum(has.sum(axis=1) - 1.0, 0.0), 0.0)
    pairs = (has[:, :, None] * has[:, None, :] - has[:, :, None] * np.eye(len(values))) * weight[
        :, None, None
    ]
    shape = (count, len(values), len(values))
    return _added(pairs.reshape(len(grades), len(values) ** 2), groups, count).reshape(shape)


def _alphas(pairs: FloatArray, values: FloatArray, level: Level) -> FloatArray:
    """Alpha of coincidence matrices of shape (..., V, V)."""
    margin = pairs.sum(axis=-1)
    total = margin.sum(axis=-1)
    apart = _distances(margin, values, level)
    observed = (pairs * apart).sum(axis=(-2, -1))
    by_chance = (margin[..., :, None] * margin[..., None, :] * apart).sum(axis=(-2, -1))
    return 1 - _divided((total - 1) * observed, by_chance)


def _distances(margin: FloatArray, values: FloatArray, level: Level) -> FloatArray:
    """Squared distances of two grades, shape (..., V, V)."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    place = values if level == "interval" else np.cumsum(margin, axis=-1) - margin / 2
    result: FloatArray = (place[..., :, None] - place[..., None, :]) ** 2
    return result


def _added(by_crop: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """Sums over the crops of each group, shape (C, S) to (count, S)."""
    columns = [np.bincount(groups, weights=column, minlength=count) for column in by_crop.T]
    return np.stack(columns, axis=1) if columns else np.zeros((count, 0))


def _divided(above: Any, below: Any, otherwise: float = np.nan) -> FloatArray:  # noqa: ANN401
    """A quotient, and ``otherwise`` where the divisor is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    result = np.full(above.shape, otherwise)
    np.divide(above, below, out=result, where=below != 0)
    return result
