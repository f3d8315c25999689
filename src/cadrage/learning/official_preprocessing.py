"""How the official GAIC code brings a photograph and its boxes to the network, to the last bit.

Together with ``official.load_official`` this gives the published scores. For anything else there are better
ways: this resize has no antialiasing and changes the aspect ratio a little.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from cadrage.errors import ImageError
from cadrage.geometry import FloatArray

SHORT_SIDE = 256.0
MULTIPLE = 32
FIXED_POINT = 2048
"""OpenCV's one in the weights of its 8-bit bilinear resize."""

Taps = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]


def official_raster(image: NDArray[np.uint8]) -> tuple[Tensor, tuple[float, float]]:
    """Working raster of an image as in the official evaluation.

    Pixels stay in 0-255: division by 256, mean and deviation are part of a network from ``load_official``.

    Args:
        image: RGB, shape (H, W, 3), uint8.

    Returns:
        The raster, float32 of shape (1, 3, h, w) with whole values in 0-255, and what to multiply x and y
        coordinates of the image by.

    Raises:
        ImageError: the array has another shape or type, or no pixels.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(
            f"The official preprocessing needs RGB pixels as uint8 of shape (H, W, 3); "
            f"got {image.dtype} of shape {image.shape}."
        )
    height, width = image.shape[:2]
    size_wh = official_size(width, height)
    resized = resize_as_opencv(image, size_wh)
    raster = (
        torch.from_numpy(resized).permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)
    )
    return raster[None], (size_wh[0] / width, size_wh[1] / height)


def official_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the working raster: short side 256, long side the nearest multiple of 32.

    Halves go away from zero, as in Python 2, which the official code ran on.
    """
    scale = SHORT_SIDE / min(width, height)
    # The order of the operations is the official one: a half may hang on it.
    sides = [math.floor(side * scale / MULTIPLE + 0.5) * MULTIPLE for side in (width, height)]
    return sides[0], sides[1]


def official_boxes(
    boxes_xyxy: ArrayLike, scale_xy: tuple[float, float], *, whole_pixels: bool = True
) -> FloatArray:
    """Bring boxes from the image to the working raster.

    Args:
        boxes_xyxy: shape (N, 4), in pixels of the image.
        scale_xy: from ``official_raster``.
        whole_pixels: floor x1 and y1 and ceil x2 and y2, as in the official training and evaluation;
            ``False`` leaves fractions, as in the official demo. Neither clamps.

    Returns:
        Shape (N, 4), in raster pixels.
    """
    scaled: FloatArray = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4) * np.array(scale_xy * 2)
    if whole_pixels:
        scaled[:, :2] = np.floor(scaled[:, :2])
        scaled[:, 2:] = np.ceil(scaled[:, 2:])
    return scaled


def resize_as_opencv(image: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """``cv2.resize(image, size_wh)``: bilinear without antialiasing, in OpenCV's fixed-point arithmetic.

    Args:
        image: shape (H, W, C), uint8.
        size_wh: width and height of the result.

    Returns:
        Shape (height, width, C), uint8.
    """
    left, right, left_weights, right_weights = _column_taps(image.shape[1], size_wh[0])
    top, bottom, top_weights, bottom_weights = _row_taps(image.shape[0], size_wh[1])

    def across(lines: NDArray[np.uint8]) -> NDArray[np.int32]:
        mixed: NDArray[np.int32] = (
            lines[:, left] * left_weights[:, None] + lines[:, right] * right_weights[:, None]
        )
        return mixed >> 4

    # OpenCV drops the low bits of both products before it adds them: 4 bits above, 16 here, 2 at the end.
    upper = across(image[top]) * top_weights[:, None, None] >> 16
    lower = across(image[bottom]) * bottom_weights[:, None, None] >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def _positions(source: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Source cell before each target pixel's centre, and the fraction of the way to the next one."""
    scale = 1.0 / (target / source)
    centres = ((np.arange(target) + 0.5) * scale - 0.5).astype(np.float32)
    cells = np.floor(centres)
    return cells.astype(np.intp), centres - cells


def _fixed_point(fractions: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    one = np.float32(1)
    before, after = (np.rint(part * np.float32(FIXED_POINT)) for part in (one - fractions, fractions))
    return before.astype(np.int32), after.astype(np.int32)


def _column_taps(source: int, target: int) -> Taps:
    cells, fractions = _positions(source, target)
    fractions[(cells < 0) | (cells >= source - 1)] = 0
    cells = cells.clip(0, source - 1)
    return cells, (cells + 1).clip(0, source - 1), *_fixed_point(fractions)


def _row_taps(source: int, target: int) -> Taps:
    """Unlike columns, rows beyond the border keep their fraction and read the border row twice."""
    cells, fractions = _positions(source, target)
    return cells.clip(0, source - 1), (cells + 1).clip(0, source - 1), *_fixed_point(fractions)
