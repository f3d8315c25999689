"""The fixed-ratio candidates of the official PyTorch inference code, for comparison."""

from __future__ import annotations

import numpy as np

from cadrage.candidates.grid import SizeWH, checked_size
from cadrage.candidates.ratios import MIN_RATIO_AREA
from cadrage.geometry import FloatArray

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
