"""Crops of a picture at a network's input size, differentiable with respect to the boxes.

Plain bilinear sampling reads the four pixels around each sample. Where a large crop becomes a small input, as here,
most pixels are then never read, and the gradient with respect to the box is that of the noise between neighbours.
Multi-scale bilinear sampling (CAGIC, abstract; the paper's form of it is not known) reads a pyramid of smoothed
copies instead: each crop from the two levels nearest to its own reduction, blended, as graphics cards do with
textures. ``reach`` moves to coarser levels, so that gradients come from farther away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cadrage.errors import RequestError
from cadrage.imaging import Photo, preview

LEAST_SIDE = 4
"""Halving ends where a side would become shorter than this, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """A picture and its reductions.

    Attributes:
        levels: shapes (1, C, H / 2^k, W / 2^k), rounded up: the picture itself first.
        size_wh: width and height of the picture, pixels.
    """

    levels: tuple[Tensor, ...]
    size_wh: tuple[int, int]


def picture_of(photo: Photo, most_pixels_side: int) -> Tensor:
    """A photograph, reduced until neither side is longer than that: RGB in [0, 1], float32, shape (3, H, W).

    Raises:
        ImageError: it cannot be decoded.
    """
    pixels = np.asarray(preview(photo, (most_pixels_side, most_pixels_side)), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def pyramid(picture: Tensor, most_levels: int = 8) -> Pyramid:
    """Halve a picture again and again.

    Args:
        picture: shape (C, H, W), floating point.
        most_levels: with the picture itself.

    Raises:
        RequestError: the picture is empty, or no levels are asked for.
    """
    channels, height, width = picture.shape
    if not (channels and height and width) or most_levels < 1:
        raise RequestError("A pyramid needs a picture and at least one level.")
    levels = [picture[None]]
    while len(levels) < most_levels and min(levels[-1].shape[-2:]) // 2 >= LEAST_SIDE:
        # An odd side's last cell averages what there is: nothing is made up beyond the border.
        levels.append(functional.avg_pool2d(levels[-1], 2, ceil_mode=True, count_include_pad=False))
    return Pyramid(tuple(levels), (width, height))


def sample_crops(
    source: Pyramid, boxes_xyxy: Tensor, size_wh: tuple[int, int], *, reach: float = 0.0
) -> Tensor:
    """Crops at a size, differentiable with respect to the boxes and the picture.

    Args:
        source: the picture.
        boxes_xyxy: shape (K, 4), in pixels of the picture, within it, of its kind of floating point.
        size_wh: width and height of the result, pixels.
        reach: octaves, 0 or more, by which levels are coarser than the crop's reduction calls for.

    Returns:
        Shape (K, C, height, width).

    Raises:
        RequestError: ``reach`` is negative.
    """
    if reach < 0:
        raise RequestError(f"Samples cannot reach {reach:g} octaves.")
    out_w, out_h = size_wh
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    # The geometric mean of both directions' reductions: a stretched crop is neither blurred nor aliased much.
    octaves = 0.5 * (torch.log2((x2 - x1) / out_w) + torch.log2((y2 - y1) / out_h)) + reach
    place = octaves.clamp(0, len(source.levels) - 1)
    steps_x, steps_y = (
        (torch.arange(count, dtype=boxes_xyxy.dtype, device=boxes_xyxy.device) + 0.5) / count
        for count in (out_w, out_h)
    )
    xs = x1[:, None] + (x2 - x1)[:, None] * steps_x
    ys = y1[:, None] + (y2 - y1)[:, None] * steps_y
    crops = boxes_xyxy.new_zeros((len(boxes_xyxy), source.levels[0].shape[1], out_h, out_w))
    for number, level in enumerate(source.levels):
        share = (1 - (place - number).abs()).clamp_min(0)
        (used,) = torch.nonzero(share, as_tuple=True)
        if len(used):
            seen = _bilinear(level, xs[used] / 2**number, ys[used] / 2**number)
            crops = crops.index_add(0, used, share[used, None, None, None] * seen)
    return crops


def _bilinear(level: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Samples of (1, C, H, W) at columns (K, w) and rows (K, h), in its pixels from the corner; (K, C, h, w)."""
    height, width = level.shape[-2:]
    across = (2 * xs / width - 1)[:, None, :].expand(-1, ys.shape[1], -1)
    down = (2 * ys / height - 1)[:, :, None].expand(-1, -1, xs.shape[1])
    grid = torch.stack([across, down], dim=-1)
    return functional.grid_sample(
        level.expand(len(xs), -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
