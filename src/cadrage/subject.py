"""The salient subject of a photograph, as a map, and how much of it a crop holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.geometry import Box, FloatArray

CERTAIN = 0.5
"""Cells at least this likely are the subject."""

LEAST_SHARE = 0.004
"""A subject smaller than this share of the frame is none: a speck of the map, not of the photograph."""

MEAN_SHIFTS = 5
"""Steps from the best cell to the middle of what the window holds."""

BLUR = 0.06
"""Deviation, as a share of the frame's longer side, of the window whose weight finds the focal point."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Where the salient subject of a frame is.

    Attributes:
        size_wh: width and height of the frame, pixels.
        box: the smallest box that holds all of it.
        focus: the point, in frame pixels, around which most of it lies.
        weights: shape (h, w), the share of the subject in each cell of the map; together 1.
    """

    size_wh: tuple[int, int]
    box: Box
    focus: tuple[float, float]
    weights: FloatArray

    def kept(self, boxes_xyxy: FloatArray) -> FloatArray:
        """Share of the subject inside each of (K, 4) boxes in frame pixels, in [0, 1]; shape (K,)."""
        return inside(self.weights, boxes_xyxy, self.size_wh)


def inside(cells: FloatArray, boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """Sum of the cells inside boxes; a cell on the border counts by the share of it that lies inside.

    Args:
        cells: shape (h, w), over the whole frame.
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels.

    Returns:
        Shape (K,).
    """
    rows, columns = cells.shape
    across = _covered(boxes_xyxy[:, 0], boxes_xyxy[:, 2], columns, size_wh[0])
    down = _covered(boxes_xyxy[:, 1], boxes_xyxy[:, 3], rows, size_wh[1])
    sums: FloatArray = ((down @ cells) * across).sum(axis=1)
    return sums


def _covered(start: FloatArray, end: FloatArray, cells: int, length: float) -> FloatArray:
    """Shares (K, cells) of the cells of an axis that lie between K starts and ends, in pixels of its length."""
    edges = np.arange(cells)
    scale = cells / length
    shares: FloatArray = np.minimum(end[:, None] * scale, edges + 1) - np.maximum(
        start[:, None] * scale, edges
    )
    return np.clip(shares, 0, 1, out=shares)


def find_subject(saliency: NDArray[np.float32], size_wh: tuple[int, int]) -> Subject | None:
    """The subject that a saliency map shows; ``None`` if it shows none.

    Args:
        saliency: shape (h, w), over the whole frame, in [0, 1].
        size_wh: width and height of the frame, pixels.
    """
    likely = np.where(saliency >= CERTAIN, saliency, 0.0).astype(np.float64)
    if np.count_nonzero(likely) < LEAST_SHARE * likely.size or not likely.any():
        return None
    rows, columns = likely.shape
    scale_x, scale_y = size_wh[0] / columns, size_wh[1] / rows
    across, down = np.flatnonzero(likely.any(axis=0)), np.flatnonzero(likely.any(axis=1))
    box = Box(across[0] * scale_x, down[0] * scale_y, (across[-1] + 1) * scale_x, (down[-1] + 1) * scale_y)
    return Subject(size_wh, box, _focus(likely, size_wh), likely / likely.sum())


def _focus(likely: FloatArray, size_wh: tuple[int, int]) -> tuple[float, float]:
    """Where a Gaussian window holds the most of the subject: the best cell, then the mean inside the window."""
    rows, columns = likely.shape
    x, y = (np.arange(columns) + 0.5) * size_wh[0] / columns, (np.arange(rows) + 0.5) * size_wh[1] / rows
    deviation = BLUR * max(size_wh)
    held = _near(y, y, deviation) @ likely @ _near(x, x, deviation)
    row, column = np.unravel_index(np.argmax(held.round(9)), held.shape)
    across, down = float(x[column]), float(y[row])
    for _ in range(MEAN_SHIFTS):
        window = likely * _near(y, np.array([down]), deviation) * _near(x, np.array([across]), deviation).T
        total = window.sum()
        across, down = float(window.sum(axis=0) @ x / total), float(window.sum(axis=1) @ y / total)
    return round(across, 1), round(down, 1)


def _near(positions: FloatArray, centres: FloatArray, deviation: float) -> FloatArray:
    """Weights (N, M) of N positions in Gaussian windows around M centres."""
    weights: FloatArray = np.exp(-(((positions[:, None] - centres) / deviation) ** 2) / 2)
    return weights
