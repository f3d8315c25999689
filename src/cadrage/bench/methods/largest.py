"""The largest candidate."""

from __future__ import annotations

from dataclasses import dataclass

from cadrage.bench.methods.interface import Entry, Picture
from cadrage.candidates import largest_box
from cadrage.geometry import AspectRatio, Box, FloatArray, areas


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest candidate: "Baseline_L" of GAIC (TPAMI 2020, table 6). A crop's score is its area.

    Of equal areas the first candidate counts as the better one, as in the published evaluation, which sorts stably.
    """

    name: str = "largest"
    version: str = "1"

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), square pixels."""
        return areas(boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The largest grid anchor, or the largest box of the ratio."""
        return largest_box(picture.size_wh, ratio)


METHODS = (Entry("largest", lambda _: Largest()),)
