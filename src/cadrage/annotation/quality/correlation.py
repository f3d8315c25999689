"""Correlations and weighted kappa for many photographs or many pairs of raters at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cadrage.geometry import FloatArray

IntArray = NDArray[np.int64]

GRADE_VALUES = np.arange(1, 6)

CROPS_AT_A_TIME = 16384

ROUNDING = 1e-12
"""Variance below which values are equal but for rounding."""


def grouped_pcc(reference: FloatArray, values: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """Pearson's correlation within each group, as ``cadrage.metrics.pcc`` has it.

    Args:
        reference: shape (N,).
        values: shape (N,).
        groups: 0 to count - 1, shape (N,).
        count: number of groups.

    Returns:
        Shape (count,). 0 where the values of a group are all equal; NaN where the reference's are, and for a group
        without a member.
    """
    size = np.maximum(np.bincount(groups, minlength=count), 1)
    first, second = (
        column - (np.bincount(groups, column, count) / size)[groups] for column in (reference, values)
    )
    together, of_first, of_second = (
        np.bincount(groups, product, count) / size for product in (first * second, first**2, second**2)
    )
    result = np.full(count, np.nan)
    result[of_first > ROUNDING] = 0.0
    told = (of_first > ROUNDING) & (of_second > ROUNDING)
    result[told] = np.clip(together[told] / np.sqrt(of_first[told] * of_second[told]), -1.0, 1.0)
    return result


def grouped_srcc(reference: FloatArray, values: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """Spearman's correlation within each group, equal values with their average rank; else as ``grouped_pcc``."""
    return grouped_pcc(_ranks_within(reference, groups), _ranks_within(values, groups), groups, count)


def _ranks_within(values: FloatArray, groups: IntArray) -> FloatArray:
    """Average ranks that are right within a group, up to a number that is the same for all of its members."""
    order = np.lexsort((values, groups))
    ordered, group = values[order], groups[order]
    new = np.ones(len(values), dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]) | (group[1:] != group[:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes - 1) / 2, sizes)
    return ranks


def pair_counts(grades: FloatArray) -> IntArray:
    """How often two raters gave which two grades to one crop.

    Args:
        grades: 1 to 5, shape (C, R), NaN where missing.

    Returns:
        Shape (R, R, 5, 5): of raters a and b, crops that a gave the first grade and b the second.
    """
    raters = grades.shape[1]
    total = np.zeros((raters * 5, raters * 5), dtype=np.int64)
    for start in range(0, len(grades), CROPS_AT_A_TIME):
        part = grades[start : start + CROPS_AT_A_TIME]
        gave = (part[:, :, None] == GRADE_VALUES).reshape(len(part), raters * 5).astype(np.float32)
        total += (gave.T @ gave).astype(np.int64)
    return total.reshape(raters, 5, raters, 5).transpose(0, 2, 1, 3)


def srcc_of_counts(counts: IntArray) -> FloatArray:
    """Spearman's correlation of pairs of grades that were counted, shape (..., 5, 5) to (...).

    NaN where there is no pair, or either side has but one grade.
    """
    pairs = counts.astype(np.float64)
    sides = (pairs.sum(axis=-1), pairs.sum(axis=-2))
    total = pairs.sum(axis=(-2, -1))
    ranks = [np.cumsum(side, axis=-1) - side / 2 - total[..., None] / 2 for side in sides]
    together = (pairs * ranks[0][..., :, None] * ranks[1][..., None, :]).sum(axis=(-2, -1))
    scale = np.sqrt(
        np.prod([(side * rank**2).sum(-1) for side, rank in zip(sides, ranks, strict=True)], axis=0)
    )
    result = np.full(total.shape, np.nan)
    np.divide(together, scale, out=result, where=scale > 0)
    return result


def quadratic_kappa(counts: IntArray) -> FloatArray:
    """Cohen's kappa with squared differences as weights (Cohen 1968), shape (..., 5, 5) to (...).

    1 for equal grades throughout, 0 for what chance gives; NaN where there is no pair, or but one grade.
    """
    pairs = counts.astype(np.float64)
    apart = (GRADE_VALUES[:, None] - GRADE_VALUES) ** 2
    total = pairs.sum(axis=(-2, -1))
    by_chance = (pairs.sum(axis=-1)[..., :, None] * pairs.sum(axis=-2)[..., None, :] * apart).sum(
        axis=(-2, -1)
    )
    result = np.full(total.shape, np.nan)
    np.divide(total * (pairs * apart).sum(axis=(-2, -1)), by_chance, out=result, where=by_chance > 0)
    return 1 - result
