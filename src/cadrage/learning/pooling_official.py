"""RoI and RoD pooling with every quirk of the published GAIC code, for its checkpoints and for comparisons.

Both operators sample ten points per axis bilinearly and average 2x2 neighbours, so they are two small matrix
products, as in ``pooling``. What differs from what one would write today:

* a region of interest is one feature *cell* too long, and cell j has its centre at pixel ``16 j``;
* its samples at or beyond the map's length are 0, those within the last cell before that are extrapolated;
* the samples of the region of discard lie on a grid that ignores the box; those in the box, borders included,
  count as 0, without a trace of the box in the interpolation of the others.

Whether a sample is 0 hangs on exact comparisons: coordinates are computed in float32, in the order of the
published C code, whatever the dtype of the features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cadrage.learning.pooling import pool


def roi_official(
    features: Tensor,
    boxes_xyxy: Tensor,
    image_index: Tensor | None = None,
    *,
    stride: float = 16,
    size: int = 9,
) -> Tensor:
    """Region of interest as in the official code (``roi_align``, then 2x2 average pooling).

    Differentiable with respect to the features.

    Args:
        features: shape (B, C, H, W), H and W at least 2.
        boxes_xyxy: shape (K, 4), in raster pixels. A box with x1 >= x2 + stride has no width: all of its
            columns sample x1. Likewise for rows.
        image_index: shape (K,), int64, the image of each box; ``None`` when there is one image.
        stride: raster pixels per cell.
        size: bins per axis.

    Returns:
        Shape (K, C, size, size).
    """
    height, width = features.shape[-2:]
    x1, y1, x2, y2 = _cells(boxes_xyxy, stride)
    rows = _roi_weights(y1, y2, height, size).to(features.dtype)
    columns = _roi_weights(x1, x2, width, size).to(features.dtype)
    return pool(features, rows, columns, image_index)


def rod_official(
    features: Tensor,
    boxes_xyxy: Tensor,
    image_index: Tensor | None = None,
    *,
    stride: float = 16,
    size: int = 9,
) -> Tensor:
    """Region of discard as in the official code (``rod_align``, then 2x2 average pooling).

    Arguments and result as in ``roi_official``; a box with x1 > x2 or y1 > y2 discards nothing.
    """
    height, width = features.shape[-2:]
    x1, y1, x2, y2 = _cells(boxes_xyxy, stride)
    rows_beside, rows_within = (part.to(features.dtype) for part in _rod_weights(y1, y2, height, size))
    columns_beside, columns_within = (part.to(features.dtype) for part in _rod_weights(x1, x2, width, size))
    # Two disjoint sums, not the whole map less the hole: what is masked is 0 exactly, without rounding.
    above_and_below = pool(features, rows_beside, columns_beside + columns_within, image_index)
    return above_and_below + pool(features, rows_within, columns_beside, image_index)


def _cells(boxes_xyxy: Tensor, stride: float) -> tuple[Tensor, ...]:
    return (boxes_xyxy.float() * (1 / stride)).unbind(1)


def _roi_weights(start: Tensor, end: Tensor, length: int, bins: int) -> Tensor:
    """Sampling and averaging matrices of shape (K, bins, length), for spans in cells."""
    step = (end - start + 1).clamp_min(0) / bins
    points = _counts(bins, start) * step[:, None] + start[:, None]
    on_map = (points >= 0) & (points < length)
    return _average_neighbours(_bilinear(points, length) * on_map[..., None])


def _rod_weights(start: Tensor, end: Tensor, length: int, bins: int) -> tuple[Tensor, Tensor]:
    """Matrices of shape (K, bins, length) of the samples beside a span and of those within it."""
    points = _counts(bins, start) * ((length - 1.001) / bins)
    samples = _bilinear(points, length)
    within = ((points >= start[:, None]) & (points <= end[:, None]))[..., None]
    return _average_neighbours(samples * ~within), _average_neighbours(samples * within)


def _counts(bins: int, like: Tensor) -> Tensor:
    return torch.arange(bins + 1, dtype=like.dtype, device=like.device)


def _bilinear(points: Tensor, length: int) -> Tensor:
    """Weights of shape (..., length); points in the last cell extrapolate from the two cells before."""
    cells = torch.arange(length, dtype=points.dtype, device=points.device)
    base = points.floor().clamp_max(length - 2)[..., None]
    fraction = points[..., None] - base
    return (cells == base) * (1 - fraction) + (cells == base + 1) * fraction


def _average_neighbours(weights: Tensor) -> Tensor:
    return (weights[..., :-1, :] + weights[..., 1:, :]) / 2
