"""Boxes of one aspect ratio: the sizes that a frame takes, slid over it, coarsely first and then finer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cadrage.candidates.grid import (
    RATIO_TOLERANCE,
    RELEASED_LABELS_GRID,
    GridSpec,
    IntArray,
    SizeWH,
    checked_size,
    grid_anchors,
)
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray, areas

MIN_RATIO_AREA = 0.4
"""Smallest area of a ratio candidate as a fraction of the frame, as in the official ratio families."""

SPARE_SHARE = 0.64
"""Boxes down to this share of the largest always remain: 9:16 in a 3:2 frame covers at most 0.375 of it."""

SIZES = 33
"""Sizes of a lattice, at most."""

COARSE_SIZES = 2
"""Of them, how many the coarse candidates have: the largest and the smallest."""

COARSE_STEP = 1 / 6
"""Coarse positions are at most this share of the frame's side apart.

Over 26 photographs of GAICD and five ratios, 69 boxes a ratio (coarse ones, and four rounds of neighbours around
the best) find a crop that scores 0.002 more than the best of 17 sizes x 17 x 17 positions, in the worst case 0.10
less. Three sizes at an eighth of the side (92 boxes) gain 0.005 more.
"""

LITTLE_ROOM = 1 / 8
"""Where a box has less room than this share of a coarse step, one coarse position will do."""

FINEST = 64
"""Positions per axis are this many parts of the room of a box."""

MOST_OFF = 0.05
"""Sizes of exactly a ratio are taken where the best is off by this share of the height at most."""

MOST_APART = 0.2
"""And, of a frame's own ratio, where they are no farther apart: 640 x 427 has no smaller one."""

FEW_PIXELS = 5
"""Off by no more than so many pixels, a size is as good as another: multiples of 16 x 9 are 9 apart."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How large a box may be; where the limits exclude each other, the earlier attribute counts.

    Attributes:
        least_wh: smallest width and height in pixels.
        max_area: largest share of the frame's area.
        min_area: smallest share of the frame's area; ``None`` is ``MIN_RATIO_AREA``, or ``SPARE_SHARE`` of the
            largest box where that is less.
    """

    least_wh: SizeWH = (1, 1)
    max_area: float = 1.0
    min_area: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RatioLattice:
    """All boxes of one ratio, or of several, that may be looked at; a point is (size, x, y).

    Attributes:
        sizes: shape (S, 2), width and height in whole pixels, of each ratio the largest first.
        low: shape (S, 2), smallest x1 and y1 of each size.
        high: shape (S, 2), the largest.
        span: shape (S, 2), first and last size of the same ratio.
        coarse_wh: farthest coarse step along each axis, pixels.
    """

    sizes: IntArray
    low: IntArray
    high: IntArray
    span: IntArray
    coarse_wh: tuple[float, float]

    def boxes(self, points: IntArray) -> FloatArray:
        """The boxes of points (K, 3): index of a size, x and y in ``FINEST``-ths of its room; shape (K, 4)."""
        size = points[:, 0]
        low = self.low[size]
        start = low + ((self.high[size] - low) * points[:, 1:] * 2 + FINEST) // (2 * FINEST)
        return np.concatenate([start, start + self.sizes[size]], axis=1).astype(np.float64)

    def coarse(self) -> IntArray:
        """Points of the coarse candidates, shape (K, 3).

        Ratio by ratio, largest size first, within a size top to bottom, then left to right.
        """
        parts = []
        for first, last in np.unique(self.span, axis=0).tolist():
            for size in np.unique(np.linspace(first, last, COARSE_SIZES).round().astype(int)).tolist():
                room = (self.high[size] - self.low[size]).tolist()
                along_x, along_y = (_ticks(*axis) for axis in zip(room, self.coarse_wh, strict=True))
                parts += [(size, x, y) for y in along_y for x in along_x]
        return np.array(parts, dtype=np.int64)

    def neighbours(self, points: IntArray, level: int) -> IntArray:
        """The six points next to each of (K, 3) points, shape (6 K, 3).

        Args:
            points: to look around.
            level: 1 for half the coarse step; each further one halves the step.
        """
        size = points[:, 0]
        first, last = self.span[size].T
        steps = np.empty((len(points), 3), dtype=np.int64)
        steps[:, 0] = np.rint((last - first) / (COARSE_SIZES - 1) / 2**level)
        room = np.maximum(self.high[size] - self.low[size], 1)
        steps[:, 1:] = np.rint(FINEST * np.array(self.coarse_wh) / 2**level / room)
        moves = np.maximum(steps, 1)[:, None, :] * _SIX_WAYS
        moved: IntArray = points[:, None, :] + moves
        moved[..., 0] = np.clip(moved[..., 0], first[:, None], last[:, None])
        moved[..., 1:] = np.clip(moved[..., 1:], 0, FINEST)
        return moved.reshape(-1, 3)

    @property
    def largest(self) -> Box:
        """The largest box of the first ratio, in the middle of its room."""
        x1, y1 = ((self.low[0] + self.high[0] + 1) // 2).tolist()
        width, height = self.sizes[0].tolist()
        return Box(x1, y1, x1 + width, y1 + height)


_SIX_WAYS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def joined(lattices: Sequence[RatioLattice]) -> RatioLattice:
    """Several lattices of one frame as one, at least one; their sizes follow each other."""
    starts = np.cumsum([0, *(len(lattice.sizes) for lattice in lattices)])[:-1]
    return RatioLattice(
        np.concatenate([lattice.sizes for lattice in lattices]),
        np.concatenate([lattice.low for lattice in lattices]),
        np.concatenate([lattice.high for lattice in lattices]),
        np.concatenate(
            [lattice.span + start for lattice, start in zip(lattices, starts.tolist(), strict=True)]
        ),
        lattices[0].coarse_wh,
    )


def _ticks(room: int, farthest: float) -> list[int]:
    """Positions along one axis, in ``FINEST``-ths of the room: evenly from end to end, or the middle of little."""
    if room <= farthest * LITTLE_ROOM:
        return [FINEST // 2]
    steps = 2
    while steps < FINEST and room / steps > farthest:
        steps *= 2
    return list(range(0, FINEST + 1, FINEST // steps))


def ratio_lattice(
    size_wh: SizeWH, ratio: AspectRatio, limits: SizeLimits | None = None, cover: Box | None = None
) -> RatioLattice:
    """The boxes of one ratio that a frame takes.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the shape of the boxes.
        limits: how large they may be.
        cover: what every box holds, or, where none can, cuts as little of as the largest can; within the frame.
            It counts more than the limits.

    Raises:
        RequestError: an argument is outside its range.
    """
    width, height = size_wh
    hold = (0, 0, 1, 1) if cover is None else _whole(cover)
    need_wh = (hold[2] - hold[0], hold[3] - hold[1])
    sizes = np.array(ratio_sizes(size_wh, ratio, limits, need_wh=need_wh), dtype=np.int64)
    room = np.array([width, height]) - sizes
    span = np.tile([0, len(sizes) - 1], (len(sizes), 1))
    coarse_wh = (width * COARSE_STEP, height * COARSE_STEP)
    if cover is None:
        return RatioLattice(sizes, np.zeros_like(room), room, span, coarse_wh)
    # Where the cover is longer than the box these are the positions wholly inside it.
    begins, ends = np.array(hold[:2]), np.array(hold[2:]) - sizes
    low = np.clip(np.minimum(begins, ends), 0, room)
    high = np.clip(np.maximum(begins, ends), 0, room)
    return RatioLattice(sizes, low, high, span, coarse_wh)


def _whole(box: Box) -> tuple[int, int, int, int]:
    """The whole pixels that a box touches."""
    return math.floor(box.x1), math.floor(box.y1), math.ceil(box.x2), math.ceil(box.y2)


def ratio_candidates(
    size_wh: SizeWH, ratio: AspectRatio, limits: SizeLimits | None = None, cover: Box | None = None
) -> FloatArray:
    """The coarse candidates of one ratio, from which a search starts.

    Arguments and errors as for ``ratio_lattice``.

    Returns:
        Shape (K, 4), K >= 1, whole numbers, no two rows equal; largest size first, within a size top to bottom,
        then left to right. Each size touches both borders of an axis, and sits in its middle, unless it has hardly
        any room there.
    """
    lattice = ratio_lattice(size_wh, ratio, limits, cover)
    boxes = lattice.boxes(lattice.coarse())
    _, first = np.unique(boxes, axis=0, return_index=True)
    return boxes[np.sort(first)]


def ratio_sizes(
    size_wh: SizeWH,
    ratio: AspectRatio,
    limits: SizeLimits | None = None,
    *,
    need_wh: SizeWH = (1, 1),
    sizes: int = SIZES,
) -> list[SizeWH]:
    """Sizes of one aspect ratio in whole pixels, from the largest that the frame takes downwards.

    Where the largest box of exactly the ratio is at most 5 % narrower than the largest at all, every size has
    exactly the ratio (for 16:9 in frames from 320 x 180 on). Otherwise every size is the one of least ratio
    error among those up to 1 %, or one pixel, smaller than aimed at; and so it is for a frame's own ratio where
    the next box of exactly that is more than 20 % smaller, as of 640 x 427.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the shape of the boxes.
        limits: how large they may be.
        need_wh: width and height that counts more than the limits, and more than the last pixel of the ratio.
        sizes: how many sizes at most, at least 1.

    Returns:
        1 to ``sizes`` distinct (width, height), descending, evenly spread; none exceeds the frame.

    Raises:
        RequestError: an argument is outside its range.
    """
    width, height = checked_size(size_wh)
    limits = limits or SizeLimits()
    if not 0 <= (limits.min_area or 0) <= 1 or not 0 <= limits.max_area <= 1:
        raise RequestError("Areas are shares of the frame, from 0 to 1.")
    if sizes < 1:
        raise RequestError(f"At least one size is needed; got {sizes}.")
    turned = ratio.width < ratio.height
    if turned:
        ratio = AspectRatio(ratio.height, ratio.width)
        width, height = height, width
        need_wh = need_wh[::-1]
        limits = SizeLimits(limits.least_wh[::-1], limits.max_area, limits.min_area)
    family = _landscape_sizes((width, height), ratio, limits, need_wh, sizes)
    return [(h, w) for w, h in family] if turned else list(family)


@lru_cache(maxsize=256)
def _landscape_sizes(
    size_wh: SizeWH, ratio: AspectRatio, limits: SizeLimits, need_wh: SizeWH, count: int
) -> tuple[SizeWH, ...]:
    """``ratio_sizes`` for a ratio of at least 1, where the height is the shorter side.

    Kept, since the photographs of one camera are of one size.
    """
    width, height = size_wh
    heights, widths, errors = _whole_sizes(size_wh, ratio)
    exact = heights[errors <= RATIO_TOLERANCE]
    all_exact = (
        exact.size > 0
        and exact[-1] >= (1 - MOST_OFF) * len(heights)
        # They are the multiples of the first. Where that is the frame itself, there may be no other.
        and (exact[-1] < len(heights) or exact[0] <= MOST_APART * len(heights))
    )
    tallest = int(exact[-1]) if all_exact else _nearby(errors, len(heights), lowest=1)
    pool = (exact if all_exact else heights)[::-1]
    pool = pool[pool <= tallest]
    if widths[tallest - 1] < need_wh[0] or tallest < need_wh[1]:
        # What must be held does not fit: the last pixels are worth more than the ratio's last digit.
        tallest = len(heights)
        pool = heights[-1:]
    wide = widths[pool - 1]
    pool = _narrowed(pool, (wide >= need_wh[0]) & (pool >= need_wh[1]), otherwise=0)
    pool = _within(pool, widths, width * height, limits)
    chosen = pool[np.linspace(0, len(pool) - 1, count).astype(int)].tolist()
    if not all_exact:
        top, lowest = chosen[0], int(pool[-1])
        first = top if top in (tallest, lowest) else _nearby(errors, top, lowest)
        chosen = [first, *(_nearby(errors, tall, lowest) for tall in chosen[1:])]
    return tuple((int(widths[tall - 1]), tall) for tall in dict.fromkeys(chosen))


def _whole_sizes(size_wh: SizeWH, ratio: AspectRatio) -> tuple[IntArray, IntArray, FloatArray]:
    """Heights from 1 to the most that a frame takes, widths for a ratio of at least 1, and their ratio errors."""
    width, height = size_wh
    heights = np.arange(1, max(1, math.floor(min(height, width / ratio.value) + RATIO_TOLERANCE)) + 1)
    ideal = heights * ratio.width / ratio.height
    widths = np.clip(np.floor(ideal + 0.5), 1, width).astype(np.int64)
    return heights, widths, np.abs(np.log(widths / ideal))


def nearest_size(size_wh: SizeWH, ratio: AspectRatio, scale: float) -> SizeWH:
    """The size of an aspect ratio in whole pixels that stands for one between pixels.

    It has exactly the ratio where such a size differs by at most 5 % of the height, or 5 pixels; otherwise it is
    the one of least ratio error among those up to 1 %, or one pixel, smaller, as in ``ratio_sizes``.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the shape.
        scale: sides of the wanted size as a share of those of the largest, in [0, 1].

    Returns:
        Width and height; neither exceeds the frame.

    Raises:
        RequestError: a side of the frame is below 1.
    """
    width, height = checked_size(size_wh)
    if ratio.width < ratio.height:
        tall, wide = nearest_size((height, width), AspectRatio(ratio.height, ratio.width), scale)
        return wide, tall
    heights, widths, errors = _whole_sizes((width, height), ratio)
    aim = scale * ratio.largest_within((width, height))[1]
    exact = heights[errors <= RATIO_TOLERANCE]
    if exact.size:
        nearest = int(exact[np.argmin(np.abs(exact - aim))])
        if abs(nearest - aim) <= max(MOST_OFF * aim, FEW_PIXELS):
            return int(widths[nearest - 1]), nearest
    chosen = _nearby(errors, min(max(1, math.floor(aim + 0.5)), len(heights)), lowest=1)
    return int(widths[chosen - 1]), chosen


def _within(pool: IntArray, widths: IntArray, frame_area: int, limits: SizeLimits) -> IntArray:
    """The heights, descending, whose boxes are within the limits; at least one."""
    least_w, least_h = limits.least_wh
    pool = _narrowed(pool, (widths[pool - 1] >= least_w) & (pool >= least_h), otherwise=0)
    slack = RATIO_TOLERANCE * frame_area
    extents = widths[pool - 1] * pool
    pool = _narrowed(pool, extents <= limits.max_area * frame_area + slack, otherwise=-1)
    extents = widths[pool - 1] * pool
    if limits.min_area is None:
        return pool[extents > min(MIN_RATIO_AREA * frame_area, SPARE_SHARE * float(extents[0]))]
    return _narrowed(pool, extents >= limits.min_area * frame_area - slack, otherwise=0)


def _narrowed(pool: IntArray, wanted: NDArray[np.bool_], otherwise: int) -> IntArray:
    """The wanted members, or the one at ``otherwise`` if none is."""
    return pool[wanted] if wanted.any() else pool[[otherwise]]


def _nearby(errors: FloatArray, aim: int, lowest: int) -> int:
    """The height of least error just below ``aim``, not under ``lowest``; ``errors[h - 1]`` is that of h."""
    down_to = max(lowest, aim - max(1, int(0.01 * aim)))
    near = np.arange(aim, down_to - 1, -1)
    return int(near[np.argmin(errors[near - 1])])


def largest_box(
    size_wh: SizeWH, ratio: AspectRatio | None = None, spec: GridSpec = RELEASED_LABELS_GRID
) -> Box:
    """The largest candidate ("Baseline_L" of GAIC, TPAMI 2020, table 6).

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the required shape; None for a free one.
        spec: the grid of the free candidates.

    Returns:
        With a ratio the centred box of the largest of ``ratio_sizes``, one of ``ratio_candidates``; without
        one the largest of ``grid_anchors``, the first of equals.

    Raises:
        RequestError: a side of the frame is below 1.
    """
    if ratio is not None:
        return ratio_lattice(size_wh, ratio).largest
    anchors = grid_anchors(size_wh, spec)
    # Equal areas differ in the last bits; the first anchor must win on every machine.
    extents = areas(anchors)
    return Box(*anchors[np.argmax(extents >= extents.max() * (1 - RATIO_TOLERANCE))].tolist())
