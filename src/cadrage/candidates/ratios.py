"""Families of boxes of one aspect ratio, and the largest box, which is the baseline of every request."""

from __future__ import annotations

import math

import numpy as np

from cadrage.candidates.grid import (
    RATIO_TOLERANCE,
    RELEASED_LABELS_GRID,
    GridSpec,
    SizeWH,
    checked_size,
    grid_anchors,
)
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray, areas

SIZES = 8
"""Sizes of a ratio family, at most.

Twice as many find crops that score 0.003 higher on average, and cost twice as much.
"""

POSITIONS = 9
"""Positions per axis for each size of a ratio family, at most."""

MIN_RATIO_AREA = 0.4
"""Smallest area of a ratio candidate as a fraction of the frame, as in the official ratio families."""

SPARE_SHARE = 0.64
"""Boxes down to this share of the largest always remain: 9:16 in a 3:2 frame covers at most 0.375 of it."""


def ratio_sizes(
    size_wh: SizeWH, ratio: AspectRatio, min_area: float = MIN_RATIO_AREA, sizes: int = SIZES
) -> list[SizeWH]:
    """Sizes of one aspect ratio in whole pixels, from the largest that the frame takes downwards.

    Where the largest box of exactly the ratio is at most 5 % narrower than the largest at all, every size has
    exactly the ratio (for 16:9 in frames from 320 x 180 on). Otherwise every size is the one of least ratio
    error among those up to 1 %, or one pixel, smaller than aimed at.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the shape of the boxes.
        min_area: smallest area as a fraction of the frame, in [0, 1); lowered to ``SPARE_SHARE`` of the
            largest box where that is less.
        sizes: how many sizes at most, at least 1.

    Returns:
        1 to ``sizes`` distinct (width, height), descending, evenly spread; none exceeds the frame.

    Raises:
        RequestError: an argument is outside its range.
    """
    width, height = checked_size(size_wh)
    if not 0 <= min_area < 1:
        raise RequestError(f"min_area must be in [0, 1); got {min_area:g}.")
    if sizes < 1:
        raise RequestError(f"At least one size is needed; got {sizes}.")
    if ratio.width < ratio.height:
        flipped = AspectRatio(ratio.height, ratio.width)
        return [(w, h) for h, w in _landscape_sizes((height, width), flipped, min_area, sizes)]
    return _landscape_sizes((width, height), ratio, min_area, sizes)


def _landscape_sizes(size_wh: SizeWH, ratio: AspectRatio, min_area: float, count: int) -> list[SizeWH]:
    """``ratio_sizes`` for a ratio of at least 1, where the height is the shorter side."""
    width, height = size_wh
    heights = np.arange(1, max(1, math.floor(min(height, width / ratio.value) + RATIO_TOLERANCE)) + 1)
    ideal = heights * ratio.width / ratio.height
    widths = np.clip(np.floor(ideal + 0.5), 1, width)
    errors = np.abs(np.log(widths / ideal))
    exact = heights[errors <= RATIO_TOLERANCE]
    all_exact = exact.size > 0 and exact[-1] >= 0.95 * len(heights)
    tallest = int(exact[-1]) if all_exact else _nearby(errors, len(heights), lowest=1)
    limit = min(min_area * width * height, SPARE_SHARE * float(widths[tallest - 1]) * tallest)
    pool = (exact if all_exact else heights)[::-1]
    pool = pool[(widths[pool - 1] * pool > limit) & (pool <= tallest)]
    chosen = pool[np.linspace(0, len(pool) - 1, count).astype(int)].tolist()
    if not all_exact:
        chosen = [tallest, *(_nearby(errors, tall, lowest=int(pool[-1])) for tall in chosen[1:])]
    return [(int(widths[tall - 1]), tall) for tall in dict.fromkeys(chosen)]


def _nearby(errors: FloatArray, aim: int, lowest: int) -> int:
    """The height of least error just below ``aim``, not under ``lowest``; ``errors[h - 1]`` is that of h."""
    down_to = max(lowest, aim - max(1, int(0.01 * aim)))
    near = np.arange(aim, down_to - 1, -1)
    return int(near[np.argmin(errors[near - 1])])


def ratio_candidates(
    size_wh: SizeWH,
    ratio: AspectRatio,
    *,
    min_area: float = MIN_RATIO_AREA,
    sizes: int = SIZES,
    positions: int = POSITIONS,
) -> FloatArray:
    """Boxes of one aspect ratio in whole pixels: every size of ``ratio_sizes``, slid over the whole frame.

    Args:
        size_wh: width and height of the frame in pixels, at least 1.
        ratio: the shape of the boxes.
        min_area: smallest area as a fraction of the frame; see ``ratio_sizes``.
        sizes: how many sizes at most, at least 1.
        positions: how many positions per axis at most, at least 3. They lie up to a 16th of the frame's side
            apart, or farther where that takes too many; both borders and the centre are always among them.

    Returns:
        Shape (K, 4), 1 <= K <= sizes * positions ** 2, whole numbers, no two rows equal; largest size first,
        within a size top to bottom, then left to right.

    Raises:
        RequestError: an argument is outside its range.
    """
    if positions < 3:
        raise RequestError(
            f"At least three positions per axis (borders and centre) are needed; got {positions}."
        )
    family = ratio_sizes(size_wh, ratio, min_area=min_area, sizes=sizes)
    return np.concatenate([_slid(size_wh, box_wh, positions) for box_wh in family])


def _slid(size_wh: SizeWH, box_wh: SizeWH, positions: int) -> FloatArray:
    lefts, tops = (_starts(*sides, positions) for sides in zip(size_wh, box_wh, strict=True))
    y1, x1 = (axis.ravel() for axis in np.meshgrid(tops, lefts, indexing="ij"))
    return np.stack([x1, y1, x1 + box_wh[0], y1 + box_wh[1]], axis=1)


def _starts(frame_side: int, box_side: int, positions: int) -> FloatArray:
    """Where a box may begin along one axis: evenly from border to border, an odd number for the centre."""
    spare = frame_side - box_side
    steps_to_centre = min((positions - 1) // 2, math.ceil(8 * spare / frame_side))
    return np.unique(np.floor(np.linspace(0, spare, 2 * steps_to_centre + 1) + 0.5))


def largest_box(
    size_wh: SizeWH, ratio: AspectRatio | None = None, spec: GridSpec = RELEASED_LABELS_GRID
) -> Box:
    """The largest candidate, the baseline of a request ("Baseline_L" of GAIC, TPAMI 2020, table 6).

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
    if ratio is None:
        anchors = grid_anchors(size_wh, spec)
        # Equal areas differ in the last bits; the first anchor must win on every machine.
        extents = areas(anchors)
        return Box(*anchors[np.argmax(extents >= extents.max() * (1 - RATIO_TOLERANCE))].tolist())
    width, height = ratio_sizes(size_wh, ratio, sizes=1)[0]
    x1, y1 = (size_wh[0] - width + 1) // 2, (size_wh[1] - height + 1) // 2
    return Box(x1, y1, x1 + width, y1 + height)


OFFICIAL_RATIO_UNITS: dict[str, SizeWH] = {"16:9": (16, 9), "4:3": (16, 12), "1:1": (12, 12)}
"""Width and height whose multiples the official PyTorch inference code takes for each of its three ratios."""


def official_ratio_anchors(size_wh: SizeWH, unit_wh: SizeWH) -> FloatArray:
    """The fixed-ratio candidates of the official PyTorch inference code, for comparison; there may be none.

    Sizes are 14 to 29 times the unit, strictly inside the frame and over 0.4 of its area. Boxes start at
    multiples of the unit, strictly before the last place that fits, and end one pixel early (``start + size
    - 1``).

    Args:
        size_wh: width and height of the *resized* frame (short side 256) in pixels, at least 1.
        unit_wh: one of ``OFFICIAL_RATIO_UNITS``.

    Returns:
        Shape (K, 4), K >= 0, smallest size first, then left to right, then top to bottom.

    Raises:
        RequestError: a side of the frame is below 1.
    """
    width, height = checked_size(size_wh)
    step_x, step_y = unit_wh
    boxes = [
        (x1, y1, x1 + step_x * times - 1, y1 + step_y * times - 1)
        for times in range(14, 30)
        if step_x * step_y * times**2 > MIN_RATIO_AREA * width * height
        for x1 in range(0, width - step_x * times, step_x)
        for y1 in range(0, height - step_y * times, step_y)
    ]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)
