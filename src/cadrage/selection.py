"""Which candidates are returned, and in what order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cadrage.geometry import FloatArray, iou_matrix

SCORE_DECIMALS = 4
"""Scores are rounded to this many decimals before anything is decided by them.

Sums in another order (more threads, other batches, another processor) move a score by about 1e-6, and without
rounding that could swap two crops.
"""

MAX_OVERLAP = 0.8
"""Intersection over union of two returned crops is at most this, unless asked otherwise.

Grid anchors one bin apart overlap by 0.9, which no one calls a choice; at 0.8 crops differ by two bins or more.
A lower bound costs quality: over 40 photographs of GAICD the third of the free crops scores 0.3 less than the
best at 0.8, and 0.6 less at 0.7.
"""


def rounded(scores: ArrayLike) -> FloatArray:
    """Scores of any shape, rounded to ``SCORE_DECIMALS``."""
    return np.asarray(scores, dtype=np.float64).round(SCORE_DECIMALS)


def order(scores: ArrayLike) -> NDArray[np.intp]:
    """Indices from the best to the worst rounded score; equal scores stay in candidate order.

    Args:
        scores: shape (K,), higher is better.

    Returns:
        Shape (K,).
    """
    return np.argsort(-rounded(scores), kind="stable")


def pick(
    scores: ArrayLike, boxes_xyxy: FloatArray, *, top: int = 1, max_overlap: float = MAX_OVERLAP
) -> NDArray[np.intp]:
    """Indices of the best candidates that differ from each other.

    Greedy: the candidates are visited in ``order``, and one is taken when its intersection over union with
    every candidate already taken is at most ``max_overlap``, until ``top`` are taken. So the first is always
    the best of all, and asking for more only adds to the end of the list.

    Args:
        scores: shape (K,), higher is better.
        boxes_xyxy: shape (K, 4), in any one coordinate system.
        top: how many to take at most, 1 or more.
        max_overlap: in [0, 1]; with 1 every candidate differs enough.

    Returns:
        Best first; shape (N,), N at most ``top`` and less where too few candidates differ.
    """
    ranked = order(scores)
    taken: list[int] = []
    free = np.ones(len(ranked), dtype=bool)
    for candidate in ranked:
        if len(taken) == top:
            break
        if free[candidate]:
            taken.append(int(candidate))
            free &= iou_matrix(boxes_xyxy[candidate][None], boxes_xyxy)[0] <= max_overlap
    return np.array(taken, dtype=np.intp)
