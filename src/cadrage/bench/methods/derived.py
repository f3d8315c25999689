"""What a method lacks, made from what it has: scores from its one box, or its one box from its scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cadrage.candidates import grid_anchors, ratio_candidates
from cadrage.geometry import AspectRatio, Box, FloatArray, as_boxes, iou_matrix

TIED = 9
"""Scores equal to this many decimals are equal, so that the last bits of a machine choose no box."""


def scores_from_box(box: Box, boxes_xyxy: FloatArray) -> FloatArray:
    """Score crops by their intersection over union with the one box that a method would take.

    Args:
        box: the method's own, in frame pixels.
        boxes_xyxy: shape (K, 4), in frame pixels.

    Returns:
        Shape (K,), in [0, 1].
    """
    return iou_matrix(boxes_xyxy, as_boxes([box]))[:, 0]


def box_from_scores(
    scores: Callable[[FloatArray], FloatArray], size_wh: tuple[int, int], ratio: AspectRatio | None
) -> Box:
    """The best box of a method that only scores.

    Args:
        scores: of boxes, shape (K, 4) to (K,), higher is better.
        size_wh: width and height of the frame in pixels.
        ratio: the shape of the box; None for a free one.

    Returns:
        The best of the grid anchors, or of the ratio's candidates; the first of equals.
    """
    boxes = grid_anchors(size_wh, corners="rounded") if ratio is None else ratio_candidates(size_wh, ratio)
    best = int(np.argmax(scores(boxes).round(TIED)))
    return Box(*boxes[best].tolist())
