"""Which candidates are returned, and in what order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cadrage.geometry import Box, FloatArray, areas, iou_matrix

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


AGREEMENT = 0.1
"""How fast a crop's say in ``most_agreed`` falls with its score, in points: by a factor e.

On the 120 photographs of GAICD set aside by seed 0, people rated the crop so chosen 4.06 where they rated the one
of the best score 4.05, 79 % instead of 77 % of the choices were among their ten best, and the mean IoU with their
three best rose from 0.809 to 0.817. With 0.15 as much was gained, with 0.3 the ratings fell to 3.99.
"""


MOST_BEHIND = 1.0
"""Crops this far behind the best, in points, have no say in ``most_agreed``: theirs would be under 0.005 %."""

EXPECTED_DECIMALS = 9
"""Expected overlaps equal to so many decimals are equal, for the reason of ``SCORE_DECIMALS``."""


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


def most_agreed(scores: ArrayLike, boxes_xyxy: FloatArray, max_overlap: float = MAX_OVERLAP) -> int:
    """Index of the crop that overlaps most with what the scores say people would choose.

    A predicted score errs by more than neighbouring crops differ, so that the best score of many is partly luck.
    Each crop counts as the choice of exp(score / ``AGREEMENT``) people, and the crop taken is the one whose
    expected intersection over union with theirs is the largest: of a group of good crops one in their midst. Only
    crops that none which could be listed after them outdoes are considered, so that scores never rise along a list.

    Args:
        scores: shape (K,), higher is better, K at least 1.
        boxes_xyxy: shape (K, 4).
        max_overlap: of the crops of a list, see ``pick``.
    """
    values = rounded(scores)
    near = np.flatnonzero(values > values.max() - MOST_BEHIND)
    values, overlaps = values[near], iou_matrix(boxes_xyxy[near], boxes_xyxy[near])
    listed_after = (overlaps <= max_overlap) & (overlaps < 1)
    outdone = np.where(listed_after, values, -np.inf).max(axis=1) > values
    people = np.exp((values - values.max()) / AGREEMENT)
    expected = (overlaps @ people / people.sum()).round(EXPECTED_DECIMALS)
    return int(near[np.lexsort((-values, -np.where(outdone, -1.0, expected)))[0]])


def leader(policy: str, scores: ArrayLike, boxes_xyxy: FloatArray, baseline: Box, tolerance: float) -> int:
    """Index of the crop that a policy puts first.

    Args:
        policy: ``"best"``, the best score; ``"minimal"``, the largest box that scores less than the best by at most
            the tolerance; ``"keep-full"``, the baseline unless the best scores more by over the tolerance.
        scores: shape (K,), higher is better, K at least 1.
        boxes_xyxy: shape (K, 4).
        baseline: the largest crop; where it is none of the boxes, ``"keep-full"`` takes the best.
        tolerance: in points of the scores.
    """
    values = rounded(scores)
    best = int(order(values)[0])
    within = values >= rounded(values[best] - tolerance)
    match policy:
        case "minimal":
            extents = np.where(within, areas(boxes_xyxy), 0)
            return int(np.lexsort((-values, -extents))[0])
        case "keep-full":
            (full,) = np.nonzero((boxes_xyxy == baseline.as_tuple()).all(axis=1) & within)
            return int(full[0]) if len(full) else best
    return best


def pick(
    scores: ArrayLike,
    boxes_xyxy: FloatArray,
    *,
    top: int = 1,
    max_overlap: float = MAX_OVERLAP,
    first: int | None = None,
) -> NDArray[np.intp]:
    """Indices of the best candidates that differ from each other.

    Greedy: the candidates are visited in ``order``, and one is taken when its intersection over union with
    every candidate already taken is at most ``max_overlap``, until ``top`` are taken. So the first is always
    the best of all, and asking for more only adds to the end of the list.

    Args:
        scores: shape (K,), higher is better.
        boxes_xyxy: shape (K, 4), in any one coordinate system.
        top: how many to take at most, 1 or more.
        max_overlap: in [0, 1]; with 1 every candidate differs enough that is not equal.
        first: the candidate to begin with, by default the best.

    Returns:
        Best first; shape (N,), N at most ``top`` and less where too few candidates differ.
    """
    ranked = order(scores)
    if first is not None:
        ranked = np.concatenate([[first], ranked[ranked != first]])
    taken: list[int] = []
    free = np.ones(len(ranked), dtype=bool)
    for candidate in ranked:
        if len(taken) == top:
            break
        if free[candidate]:
            taken.append(int(candidate))
            overlap = iou_matrix(boxes_xyxy[candidate][None], boxes_xyxy)[0]
            free &= (overlap <= max_overlap) & (overlap < 1)
    return np.array(taken, dtype=np.intp)
