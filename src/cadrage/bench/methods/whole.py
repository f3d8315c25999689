"""No crop at all."""

from __future__ import annotations

from dataclasses import dataclass

from cadrage.bench.methods.derived import scores_from_box
from cadrage.bench.methods.interface import Entry, Picture
from cadrage.candidates import largest_box
from cadrage.geometry import AspectRatio, Box, FloatArray


@dataclass(frozen=True, slots=True)
class Whole:
    """The photograph as it is: "Baseline_N" of GAIC (TPAMI 2020, table 1).

    Crops are scored by their IoU with the frame, which is their share of its area. Where a ratio is asked for the
    frame itself will not do, and the box is the largest of the ratio, in the middle.
    """

    name: str = "whole"
    version: str = "1"

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), in [0, 1]."""
        return scores_from_box(self.box(picture, None), boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The frame, or the largest box of the ratio."""
        return Box(0, 0, *picture.size_wh) if ratio is None else largest_box(picture.size_wh, ratio)


METHODS = (Entry("whole", lambda _: Whole()),)
