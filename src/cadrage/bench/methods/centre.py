"""The middle of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cadrage.bench.methods.interface import Entry, Picture
from cadrage.candidates import largest_box
from cadrage.geometry import AspectRatio, Box, FloatArray

SIDE = 0.9
"""Of the box of free ratio, as a share of each side of the frame."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre crop: "Baseline_C" of GAIC (TPAMI 2020, table 1), 0.9 of both sides of the frame.

    Where a ratio is asked for, the box is the largest of the ratio, in the middle, which is what programs call a
    centre crop. Crops are scored by how near their centre is to that of the frame, c: with x and y as shares of
    the sides,

        score = -sqrt((c_x - 1/2)^2 + (c_y - 1/2)^2).
    """

    name: str = "centre"
    version: str = "1"

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), at most 0."""
        off = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2 / picture.size_wh - 0.5
        # No hypot: the square root is the same on every machine, and mirrored crops are ties but for the last bit.
        result: FloatArray = -np.sqrt(off[:, 0] ** 2 + off[:, 1] ** 2)
        return result

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The middle 0.9 of both sides, or the largest box of the ratio."""
        if ratio is not None:
            return largest_box(picture.size_wh, ratio)
        width, height = picture.size_wh
        edge = (1 - SIDE) / 2
        return Box(width * edge, height * edge, width * (1 - edge), height * (1 - edge))


METHODS = (Entry("centre", lambda _: Centre()),)
