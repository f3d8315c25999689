"""Candidates of any shape: the grid anchors, and more where a request leaves too few of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cadrage.candidates.grid import RELEASED_LABELS_GRID, SizeWH, grid_anchors
from cadrage.candidates.ratios import SizeLimits, ratio_candidates
from cadrage.geometry import AspectRatio, Box, FloatArray

SHAPES = ((1, 2), (9, 16), (2, 3), (3, 4), (4, 5), (1, 1), (5, 4), (4, 3), (3, 2), (16, 9), (2, 1))
"""Width to height of the boxes that are added, within the bounds of the grid anchors."""


def free_candidates(
    size_wh: SizeWH, limits: SizeLimits | None = None, cover: Box | None = None
) -> FloatArray:
    """Boxes of any shape.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        limits: how large they should be; ``None`` for the grid's own.
        cover: what they should hold; within the frame.

    Returns:
        Shape (K, 4), whole pixels, no two rows equal. Without limits and cover the grid anchors. Otherwise these,
        each also stretched to hold the cover, then families of ``SHAPES``, then the whole frame: the caller picks
        those that do as it asked.

    Raises:
        RequestError: an argument is outside its range.
    """
    anchors = grid_anchors(size_wh, corners="rounded")
    if limits is None and cover is None:
        return anchors
    groups = [anchors]
    if cover is not None:
        low, high = np.floor([cover.x1, cover.y1]), np.ceil([cover.x2, cover.y2])
        stretched = np.hstack([np.minimum(anchors[:, :2], low), np.maximum(anchors[:, 2:], high)])
        groups.append(stretched[_shapely(stretched)])
    groups += [ratio_candidates(size_wh, AspectRatio(*shape), limits, cover) for shape in SHAPES]
    groups.append(np.array([[0, 0, *size_wh]], dtype=np.float64))
    boxes = np.concatenate(groups)
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)]


def _shapely(boxes_xyxy: FloatArray) -> NDArray[np.bool_]:
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    aspects = sides[:, 0] / sides[:, 1]
    inside: NDArray[np.bool_] = (aspects >= RELEASED_LABELS_GRID.min_aspect) & (
        aspects <= RELEASED_LABELS_GRID.max_aspect
    )
    return inside
