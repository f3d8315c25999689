"""Cropping by attention alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cadrage.bench.methods.attention import Attention
from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.geometry import AspectRatio, Box, FloatArray, areas
from cadrage.subject import inside

ENOUGH = 0.95
"""Share of the attention that a crop should hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Saliency:
    """Attention cropping: the smallest crop that holds enough of the attention.

    After Suh, Ling, Bederson and Jacobs, "Automatic thumbnail cropping and its effectiveness" (UIST 2003, section
    on cropping by a saliency map); Chen, Bai, Liang and Li, "Automatic image cropping: a computational complexity
    study" (CVPR 2016) pose the same problem. With a the share of the map's sum inside the crop, s the crop's share
    of the frame and lambda = 0.95,

        score = 2 - s  if a >= lambda,  else a.

    A map that is empty counts as even. The map is that of the default model, or of ``saliency=MODEL``; composition
    plays no part. The box is the best of the candidates, not of all rectangles.
    """

    attention: Attention
    name: str = "saliency"

    @property
    def version(self) -> str:
        """Of the formula and the model."""
        return f"1, {self.attention.version}"

    @classmethod
    def of(cls, options: MethodOptions) -> Saliency:
        """Load the model of the spec.

        Raises:
            WeightsError: it is missing or damaged.
        """
        return cls(Attention(options), f"saliency={options.argument}" if options.argument else "saliency")

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), in [0, 2]."""
        return attention_scores(self.attention.look(picture).attention, boxes_xyxy, picture.size_wh)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best of the grid anchors or of the ratio's candidates."""
        cells = self.attention.look(picture).attention
        return box_from_scores(
            lambda boxes: attention_scores(cells, boxes, picture.size_wh), picture.size_wh, ratio
        )


def attention_scores(cells: FloatArray, boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """The formula of ``Saliency``.

    Args:
        cells: the map, shape (h, w), over the whole frame, not negative.
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels.

    Returns:
        Shape (K,), in [0, 2].
    """
    if not cells.any():
        cells = np.ones_like(cells)
    held = inside(cells, boxes_xyxy, size_wh) / cells.sum()
    shares = areas(boxes_xyxy) / (size_wh[0] * size_wh[1])
    return np.where(held >= ENOUGH - 1e-9, 2 - shares, held)


METHODS = (Entry("saliency", Saliency.of, takes_argument=True),)
