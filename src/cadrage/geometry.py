"""Boxes and aspect ratios.

Every public coordinate is in pixels of the *frame* (the oriented, full-size image): x to the right, y down,
half-open, floating point. Arrays of boxes are float64 of shape (N, 4), columns x1, y1, x2, y2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cadrage.errors import RequestError
from cadrage.numbers import to_number

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle ``[x1, x2) x [y1, y2)`` in frame pixels.

    Raises:
        RequestError: a coordinate is not finite, or the box has no area.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in self.as_tuple()):
            raise RequestError(f"A box needs four finite numbers x1,y1,x2,y2; got {self.as_tuple()}.")
        if self.x2 <= self.x1 or self.y2 <= self.y1:
            raise RequestError(f"A box needs x1 < x2 and y1 < y2; got {self.as_tuple()}.")

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x1, y1, x2, y2)``."""
        return (self.x1, self.y1, self.x2, self.y2)

    def rounded(self) -> tuple[int, int, int, int]:
        """``(x1, y1, x2, y2)`` as whole pixels, halves towards larger coordinates."""
        return tuple(math.floor(v + 0.5) for v in self.as_tuple())  # type: ignore[return-value]


def as_boxes(boxes: ArrayLike | Iterable[Box]) -> FloatArray:
    """Boxes as an array of shape (N, 4).

    Args:
        boxes: an array-like of shape (N, 4), or any iterable of ``Box``; may be empty.

    Raises:
        RequestError: the shape is another, a value is not finite, or a box has no area.
    """
    rows: Any = boxes
    try:
        if not isinstance(boxes, np.ndarray):
            rows = [row.as_tuple() if isinstance(row, Box) else row for row in boxes]  # type: ignore[union-attr]
        array = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RequestError("Boxes must be rows of four numbers x1, y1, x2, y2.") from error
    if array.size == 0:
        return np.zeros((0, 4), dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 4:
        raise RequestError(f"Boxes must have shape (N, 4); got {array.shape}.")
    bad = ~(np.isfinite(array).all(axis=1) & (array[:, 2] > array[:, 0]) & (array[:, 3] > array[:, 1]))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise RequestError(
            f"Box {row} is {array[row].tolist()}: four finite numbers with x1 < x2 and y1 < y2 are needed."
        )
    return array


def areas(boxes_xyxy: FloatArray) -> FloatArray:
    """Areas of boxes of shape (..., 4), in square pixels."""
    result: FloatArray = (boxes_xyxy[..., 2] - boxes_xyxy[..., 0]) * (boxes_xyxy[..., 3] - boxes_xyxy[..., 1])
    return result


def iou_matrix(first_xyxy: FloatArray, second_xyxy: FloatArray) -> FloatArray:
    """Intersection over union of every pair, shapes (N, 4) and (M, 4) to (N, M), in [0, 1]."""
    low = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    high = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    overlap = np.clip(high - low, 0.0, None).prod(axis=2)
    union = areas(first_xyxy)[:, None] + areas(second_xyxy)[None, :] - overlap
    result: FloatArray = overlap / union
    return result


def boundary_displacement(
    first_xyxy: FloatArray, second_xyxy: FloatArray, size_wh: tuple[float, float]
) -> FloatArray:
    """Mean displacement of the four edges, each divided by the frame's side, row by row.

    Args:
        first_xyxy: boxes of shape (N, 4).
        second_xyxy: boxes of shape (N, 4).
        size_wh: width and height of the frame.

    Returns:
        Shape (N,), in [0, 1]; the "boundary displacement error" of the older cropping literature.
    """
    width, height = size_wh
    sides = np.array([width, height, width, height], dtype=np.float64)
    result: FloatArray = (np.abs(first_xyxy - second_xyxy) / sides).mean(axis=1)
    return result


NAMED_RATIOS: dict[str, tuple[int, int]] = {
    "square": (1, 1),
    "landscape": (3, 2),
    "portrait": (2, 3),
    "widescreen": (16, 9),
    "story": (9, 16),
    "banner": (3, 1),
}
"""Names accepted where a ratio is asked for, as width and height."""


MOST_ELONGATED = 1000
"""Times that a side of a ratio may be as long as the other."""

LONGEST_SIDE = 1e9
"""Largest number in a ratio, and one by it the least: arithmetic with heights in pixels stays finite and exact."""


@dataclass(frozen=True, slots=True)
class AspectRatio:
    """Width to height, kept as two positive numbers so that 16:9 stays exact."""

    width: float
    height: float

    def __post_init__(self) -> None:
        good = all(1 / LONGEST_SIDE <= v <= LONGEST_SIDE for v in (self.width, self.height))
        if not good or not 1 / MOST_ELONGATED <= self.width / self.height <= MOST_ELONGATED:
            raise RequestError(
                f"The ratio {self.width:g}:{self.height:g} cannot be used: both sides must be positive "
                f"numbers up to {LONGEST_SIDE:,.0f} and neither over {MOST_ELONGATED} times the other."
            )

    @property
    def value(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def largest_within(self, size_wh: tuple[float, float]) -> tuple[float, float]:
        """Width and height of the largest rectangle of this ratio within another, not rounded."""
        width, height = size_wh
        return min(width, height * self.value), min(height, width / self.value)

    def __str__(self) -> str:
        return f"{self.width:g}:{self.height:g}"

    @classmethod
    def parse(cls, text: str) -> AspectRatio:
        """Read ``"W:H"``, ``"W/H"``, ``"WxH"``, a decimal such as ``"1.91"``, or a name of ``NAMED_RATIOS``.

        Raises:
            RequestError: the text is none of these, or a side is not positive.
        """
        name = text.strip().lower()
        if name in NAMED_RATIOS:
            return cls(*NAMED_RATIOS[name])
        for mark in (":", "/", "x"):
            if mark in name:
                parts = name.split(mark)
                break
        else:
            parts = [name, "1"]
        try:
            width, height = map(to_number, parts)
        except ValueError:
            raise RequestError(
                f"'{text}' is not an aspect ratio: give W:H such as 16:9, a decimal such as 1.91, "
                f"a name ({', '.join(NAMED_RATIOS)}), free or original."
            ) from None
        return cls(width, height)
