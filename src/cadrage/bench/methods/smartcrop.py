"""smartcrop, as on PyPI."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

from cadrage.bench.methods.derived import scores_from_box
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.errors import MissingExtraError
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.imaging import cut, open_photo

HEIGHT = 100
"""Height of the thumbnail asked for: it scales the picture down to about this before it looks at it."""


class SmartCrop:
    """The package smartcrop, a port of smartcrop.js (J. Wagner): detail, skin and saturation, weighted by thirds.

    It slides boxes of 1 and 0.9 of the largest of a ratio over the picture and adds up its features, positive
    inside and negative outside. For a free ratio it is asked for the ratio of the frame. All its settings are its
    own. Crops are scored by their IoU with the free box.
    """

    name = "smartcrop"

    def __init__(self, _: MethodOptions) -> None:
        """Load the package.

        Raises:
            MissingExtraError: it is not installed.
        """
        try:
            self._smart: Any = import_module("smartcrop").SmartCrop()
        except ImportError as error:
            raise MissingExtraError("The method 'smartcrop'", "bench") from error
        self.version = f"1, smartcrop {metadata.version('smartcrop')}"

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), in [0, 1]."""
        return scores_from_box(self.box(picture, None), boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The crop that smartcrop puts first.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        width, height = picture.size_wh
        image = cut(open_photo(picture.path), Box(0, 0, width, height)).convert("RGB")
        shape = ratio or AspectRatio(width, height)
        best = self._smart.crop(image, max(1, round(HEIGHT * shape.value)), HEIGHT)["top_crop"]
        x, y = best["x"], best["y"]
        # It scales the box up again and may end a pixel outside.
        return Box(x, y, min(x + best["width"], width), min(y + best["height"], height))


METHODS = (Entry("smartcrop", SmartCrop),)
