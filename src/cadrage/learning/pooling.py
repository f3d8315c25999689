"""RoI and RoD pooling by bilinear sampling, as it should be: clamped borders, exact boxes, a fractional hole.

Bilinear sampling on a regular grid is separable, so pooling a box is two small matrix products,
``rows @ features @ columns^T``, with one matrix per box and axis. That makes it fast for thousands of boxes, equal
in torch, ONNX and numpy, and differentiable with respect to features and boxes. The quirks of the published code
live in ``pooling_official``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def hat_weights(positions: Tensor, length: int) -> Tensor:
    """Bilinear weights of sample positions on an axis of cells, borders clamped.

    Args:
        positions: shape (...,), in cells; cell j has its centre at j.
        length: number of cells.

    Returns:
        Shape (..., length); every row sums to 1.
    """
    cells = torch.arange(length, dtype=positions.dtype, device=positions.device)
    clamped = positions.clamp(0, length - 1)
    return (1 - (clamped[..., None] - cells).abs()).clamp_min(0)


def axis_weights(
    start: Tensor, end: Tensor, length: int, *, bins: int, samples: int, stride: float, offset: float
) -> Tensor:
    """Matrices that average an axis of the feature map over the bins of a span.

    Args:
        start: shape (K,), where the span starts, in raster pixels.
        end: shape (K,), where it ends, in raster pixels.
        length: cells of the feature map on this axis.
        bins: bins the span is divided into.
        samples: evenly spaced sample points averaged in each bin.
        stride: raster pixels per cell.
        offset: raster coordinate of the centre of cell 0.

    Returns:
        Shape (K, bins, length).
    """
    count = bins * samples
    steps = (torch.arange(count, dtype=start.dtype, device=start.device) + 0.5) / count
    points = start[:, None] + (end - start)[:, None] * steps
    weights = hat_weights((points - offset) / stride, length)
    return _bin_means(weights, bins)


def hole_weights(
    start: Tensor, end: Tensor, length: int, *, bins: int, samples: int, stride: float, offset: float
) -> Tensor:
    """Matrices that average an axis of the whole map, each sample weighted by how much of it a span covers.

    Same arguments as ``axis_weights``; the axis is ``length * stride`` raster pixels long. Subtracting the
    outer product of two such matrices from the whole map's average leaves the region of discard: a hole with
    a fractional, differentiable border.

    Returns:
        Shape (K, bins, length).
    """
    covered = covered_shares(start, end, bins * samples, length * stride)
    weights = sample_weights(length, start, count=bins * samples, stride=stride, offset=offset)
    return _bin_means(covered[..., None] * weights, bins)


def covered_shares(start: Tensor, end: Tensor, count: int, extent: float) -> Tensor:
    """Shares (K, count) of ``count`` equal cells of an axis, ``extent`` raster pixels long, that K spans cover."""
    edges = torch.arange(count + 1, dtype=start.dtype, device=start.device) * (extent / count)
    low = torch.maximum(edges[:-1], start[:, None])
    high = torch.minimum(edges[1:], end[:, None])
    return (high - low).clamp_min(0) * (count / extent)


def sample_weights(length: int, like: Tensor, *, count: int, stride: float, offset: float) -> Tensor:
    """Bilinear weights (count, length) of samples in the middles of ``count`` equal cells of a whole axis."""
    middles = (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) * (length * stride / count)
    return hat_weights((middles - offset) / stride, length)


def _bin_means(weights: Tensor, bins: int) -> Tensor:
    """Means over the samples of each bin, (K, bins x samples, length) to (K, bins, length).

    As a matrix product, because ONNX Runtime is slow at means over an inner axis.
    """
    samples = weights.shape[1] // bins
    whole = torch.eye(bins, dtype=weights.dtype, device=weights.device)
    return torch.matmul(whole.repeat_interleave(samples, dim=1) / samples, weights)


def pool(features: Tensor, rows: Tensor, columns: Tensor, image_index: Tensor | None) -> Tensor:
    """Apply row and column matrices to feature maps.

    Args:
        features: shape (B, C, H, W).
        rows: shape (K, bins, H).
        columns: shape (K, bins, W).
        image_index: shape (K,), the image of each box; ``None`` when there is one image, which is faster.

    Returns:
        Shape (K, C, bins, bins).
    """
    if image_index is None:
        return pool_bands(features, rows, columns).transpose(1, 2)
    across = torch.matmul(features[image_index], columns.transpose(1, 2)[:, None])
    return torch.matmul(rows[:, None], across)


def pool_bands(features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``pool`` for one image, bin by bin from the top: (K, bins, C, bins), as the products leave it."""
    channels, height, width = features.shape[1:]
    bins = rows.shape[1]
    flat = features[0].transpose(0, 1).reshape(height, channels * width)
    lines = (rows.reshape(-1, height) @ flat).reshape(-1, bins * channels, width)
    return torch.bmm(lines, columns.transpose(1, 2)).reshape(-1, bins, channels, bins)


def roi_clean(
    features: Tensor,
    boxes_xyxy: Tensor,
    image_index: Tensor | None = None,
    *,
    stride: float = 16,
    offset: float = 7.5,
    size: int = 9,
    samples: int = 2,
) -> Tensor:
    """Average the region of interest over ``size x size`` bins.

    Args:
        features: shape (B, C, H, W).
        boxes_xyxy: shape (K, 4), in raster pixels.
        image_index: shape (K,), the image of each box; ``None`` when there is one image.
        stride: raster pixels per cell.
        offset: raster coordinate of the centre of cell 0.
        size: bins per axis.
        samples: sample points per bin and axis.

    Returns:
        Shape (K, C, size, size).
    """
    height, width = features.shape[-2:]
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    how = {"bins": size, "samples": samples, "stride": stride, "offset": offset}
    rows = axis_weights(y1, y2, height, **how)  # type: ignore[arg-type]
    columns = axis_weights(x1, x2, width, **how)  # type: ignore[arg-type]
    return pool(features, rows, columns, image_index)


def rod_clean(
    features: Tensor,
    boxes_xyxy: Tensor,
    image_index: Tensor | None = None,
    *,
    stride: float = 16,
    offset: float = 7.5,
    size: int = 9,
    samples: int = 2,
) -> Tensor:
    """Average the whole map, with the box cut out, over ``size x size`` bins: the region of discard.

    Arguments and result as in ``roi_clean``.
    """
    height, width = features.shape[-2:]
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    how = {"bins": size, "samples": samples, "stride": stride, "offset": offset}
    hole = pool(
        features,
        hole_weights(y1, y2, height, **how),  # type: ignore[arg-type]
        hole_weights(x1, x2, width, **how),  # type: ignore[arg-type]
        image_index,
    )
    whole = whole_map(features, **how)  # type: ignore[arg-type]
    return (whole if image_index is None else whole[image_index]) - hole


def whole_map(features: Tensor, *, bins: int, samples: int, stride: float, offset: float) -> Tensor:
    """Average every whole map over ``bins x bins`` bins, shape (B, C, H, W) to (B, C, bins, bins)."""
    height, width = features.shape[-2:]
    zero = features.new_zeros(1)
    how = {"bins": bins, "samples": samples, "stride": stride, "offset": offset}
    rows = axis_weights(zero, zero + height * stride, height, **how)  # type: ignore[arg-type]
    columns = axis_weights(zero, zero + width * stride, width, **how)  # type: ignore[arg-type]
    return torch.matmul(rows, torch.matmul(features, columns.transpose(1, 2)))
