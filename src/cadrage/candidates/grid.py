"""The grid anchors of GAIC (CVPR 2019; TPAMI 2020): which they are and where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cadrage.errors import RequestError
from cadrage.geometry import FloatArray, areas

IntArray = NDArray[np.int64]
SizeWH = tuple[int, int]

AspectBounds = Literal["inclusive", "strict"]
Corners = Literal["exact", "rounded"]

AREA_SLACK = 1e-4
"""The official code asks for more than 0.4999 of the cells, so that exactly half of them is allowed."""

RATIO_TOLERANCE = 1e-9
"""Ratios nearer than this (relative) are equal; different ones of real frames are over 1e-8 apart."""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """Which grid anchors are candidates: the formulation of GAIC.

    The defaults are those of the released labels, entry for entry. The number of anchors depends on two
    choices in which the authors' publications and programs differ:

    =========================  ==========  =========  ===  ===  ===  ====  ===
    spec                       max_aspect  bounds     1:1  4:3  3:2  16:9  2:1
    =========================  ==========  =========  ===  ===  ===  ====  ===
    ``RELEASED_LABELS_GRID``   2.2         inclusive  90   90   87   75    54
    ``PAPER_GRID``, MATLAB     2.0         inclusive  90   87   83   72    52
    ``OFFICIAL_PYTORCH_GRID``  2.0         strict     90   87   83   60    38
    =========================  ==========  =========  ===  ===  ===  ====  ===

    Attributes:
        bins_x: columns of the grid (N in the paper).
        bins_y: rows of the grid (M).
        corner_x: columns of the block that a corner may sit in (n), at most half of the columns.
        corner_y: rows of that block (m), at most half of the rows.
        min_area: smallest area as a fraction of the frame (lambda), below 1 and not below ``least_area``.
        min_aspect: smallest width / height (alpha 1).
        max_aspect: largest width / height (alpha 2): 2.0 in the paper and the authors' generators, 2.2 in the
            annotation program and therefore in the released labels.
        bounds: whether an anchor exactly on an aspect bound is a candidate: it is in the released labels
            and the MATLAB code ("inclusive"), not in the official PyTorch code ("strict").

    Raises:
        RequestError: a value is outside its range, or no anchor is large enough.
    """

    bins_x: int = 12
    bins_y: int = 12
    corner_x: int = 4
    corner_y: int = 4
    min_area: float = 0.5
    min_aspect: float = 0.5
    max_aspect: float = 2.2
    bounds: AspectBounds = "inclusive"

    def __post_init__(self) -> None:
        for bins, corner, axis in ((self.bins_x, self.corner_x, "x"), (self.bins_y, self.corner_y, "y")):
            if not 1 <= corner <= bins // 2:
                raise RequestError(
                    f"corner_{axis} must be from 1 to half of bins_{axis} ({bins}), so that the corner "
                    f"blocks do not meet; got {corner}."
                )
        if not self.least_area - AREA_SLACK <= self.min_area < 1:
            raise RequestError(
                f"min_area must be below 1 and at least {self.least_area:.4g}, the share of the frame that "
                f"the corner blocks guarantee anyway; got {self.min_area:g}."
            )
        cells, largest = self.bins_x * self.bins_y, (self.bins_x - 1) * (self.bins_y - 1)
        if largest <= self.area_limit:
            raise RequestError(
                f"min_area {self.min_area:g} leaves no anchor: the largest of this grid covers "
                f"{largest / cells:.4g} of the frame."
            )
        if not 0 < self.min_aspect <= self.max_aspect < math.inf:
            raise RequestError(
                "Aspect bounds need 0 < min_aspect <= max_aspect; "
                f"got {self.min_aspect:g} and {self.max_aspect:g}."
            )
        if self.bounds not in ("inclusive", "strict"):
            raise RequestError(f"bounds must be 'inclusive' or 'strict'; got '{self.bounds}'.")

    @property
    def least_area(self) -> float:
        """The smallest fraction of the frame that two corners can span: (M-2m+1)(N-2n+1) / (MN)."""
        spans = (self.bins_x - 2 * self.corner_x + 1) * (self.bins_y - 2 * self.corner_y + 1)
        return spans / (self.bins_x * self.bins_y)

    @property
    def area_limit(self) -> float:
        """An anchor must span more cells than this."""
        return (self.min_area - AREA_SLACK) * self.bins_x * self.bins_y


RELEASED_LABELS_GRID = GridSpec()
"""The annotation program's grid: exactly the rated crops of GAICD."""

PAPER_GRID = GridSpec(max_aspect=2.0)
"""The paper's grid and that of the MATLAB code; gives the crop counts of TPAMI 2020, table 2."""

OFFICIAL_PYTORCH_GRID = GridSpec(max_aspect=2.0, bounds="strict")
"""The grid of the official PyTorch inference code."""


def feasible_bins(spec: GridSpec) -> IntArray:
    """Anchors that satisfy the corner blocks and the area rule, whatever the frame.

    Args:
        spec: the grid.

    Returns:
        Shape (A, 4), bin indices of x1, y1, x2, y2 from 0, ordered by y1, x1, y2, x2 (slowest first) as in
        the annotation program; 90 rows for the default grid.
    """
    top, left = np.arange(spec.corner_y), np.arange(spec.corner_x)
    bottom, right = top + spec.bins_y - spec.corner_y, left + spec.bins_x - spec.corner_x
    y1, x1, y2, x2 = (axis.ravel() for axis in np.meshgrid(top, left, bottom, right, indexing="ij"))
    bins = np.stack([x1, y1, x2, y2], axis=1).astype(np.int64)
    return bins[(x2 - x1) * (y2 - y1) > spec.area_limit]


def anchor_bins(size_wh: SizeWH, spec: GridSpec = RELEASED_LABELS_GRID) -> IntArray:
    """The grid anchors of a frame as bin indices.

    The aspect of an anchor is that of its unrounded box. Where the aspect bounds leave no anchor (a frame
    wider than 3.46:1 or taller than 1:3.14 with the default grid), they are widened to include the aspect
    of the largest anchor, which is the frame's own when both axes have as many bins. So there is always at
    least one.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        spec: the grid.

    Returns:
        Shape (K, 4), K >= 1, bin indices of x1, y1, x2, y2 from 0, in the order of ``feasible_bins``.

    Raises:
        RequestError: a side of the frame is below 1.
    """
    width, height = checked_size(size_wh)
    bins = feasible_bins(spec)
    spans = bins[:, 2:] - bins[:, :2]
    aspects = spans[:, 0] * (width * spec.bins_y) / (spans[:, 1] * (height * spec.bins_x))
    slack = RATIO_TOLERANCE if spec.bounds == "inclusive" else -RATIO_TOLERANCE
    kept = _between(aspects, spec.min_aspect, spec.max_aspect, slack)
    if not kept.any():
        own = aspects[np.argmax(spans.prod(axis=1))]
        kept = _between(aspects, min(spec.min_aspect, own), max(spec.max_aspect, own), RATIO_TOLERANCE)
    return bins[kept]


def _between(values: FloatArray, low: float, high: float, slack: float) -> NDArray[np.bool_]:
    return (values >= low * (1 - slack)) & (values <= high * (1 + slack))


def grid_anchors(
    size_wh: SizeWH, spec: GridSpec = RELEASED_LABELS_GRID, corners: Corners = "exact"
) -> FloatArray:
    """The grid anchors of a frame as boxes.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        spec: the grid.
        corners: ``"exact"`` keeps the bin centres ``s * (i + 0.5)`` with ``s = side / bins``, as the official
            inference code does; ``"rounded"`` takes ``floor(s * (i + 0.5) + 0.5)``, as the released labels.

    Returns:
        Shape (K, 4), K >= 1, row k being row k of ``anchor_bins``. Only where a side has fewer pixels than
        bins can rounding collapse or repeat boxes; those are left out.

    Raises:
        RequestError: a side of the frame is below 1, or ``corners`` is unknown.

    Example:
        >>> grid_anchors((1024, 576), corners="rounded")[0]
        array([ 43.,  24., 811., 408.])
    """
    if corners not in ("exact", "rounded"):
        raise RequestError(f"corners must be 'exact' or 'rounded'; got '{corners}'.")
    boxes: FloatArray = _bin_sides(size_wh, spec) * (anchor_bins(size_wh, spec) + 0.5)
    return boxes if corners == "exact" else _distinct(np.floor(boxes + 0.5))


def bins_of(boxes_xyxy: FloatArray, size_wh: SizeWH, spec: GridSpec = RELEASED_LABELS_GRID) -> IntArray:
    """The bins whose centres are nearest to the corners of boxes: which anchors a set of rated crops are.

    Args:
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels, at least 1.
        spec: the grid.

    Returns:
        Shape (K, 4), bin indices of x1, y1, x2, y2. Undoes ``grid_anchors``, with rounded corners wherever
        the sides have more pixels than bins.
    """
    return np.rint(boxes_xyxy / _bin_sides(checked_size(size_wh), spec) - 0.5).astype(np.int64)


def _bin_sides(size_wh: SizeWH, spec: GridSpec) -> FloatArray:
    step_x, step_y = size_wh[0] / spec.bins_x, size_wh[1] / spec.bins_y
    return np.array([step_x, step_y, step_x, step_y], dtype=np.float64)


def _distinct(boxes_xyxy: FloatArray) -> FloatArray:
    solid = boxes_xyxy[areas(boxes_xyxy) > 0]
    _, first = np.unique(solid, axis=0, return_index=True)
    return solid[np.sort(first)]


def checked_size(size_wh: SizeWH) -> SizeWH:
    """The size itself if both sides have at least one pixel.

    Raises:
        RequestError: a side is below 1.
    """
    width, height = size_wh
    if width < 1 or height < 1:
        raise RequestError(f"A frame needs at least one pixel on each side; got {width} x {height}.")
    return width, height
