"""The smart crops of libvips."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from cadrage.bench.methods.derived import scores_from_box
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.candidates import largest_box
from cadrage.errors import ImageError, MissingExtraError
from cadrage.geometry import AspectRatio, Box, FloatArray

FREE_SIDE = 0.9
"""Of the box of free ratio, as a share of each side of the frame: libvips must be told a size."""


class Vips:
    """``vips_smartcrop`` of libvips, through pyvips: ``attention`` or ``entropy``.

    Attention looks for edges, skin and saturated colours and takes the crop around the strongest place; entropy
    cuts slices off the sides, each time from the side that has less entropy. libvips wants to know the size: with
    a ratio it is the largest box of it; for a free ratio it is 0.9 of both sides, so that the method can differ
    from ``centre`` in the place alone. Crops are scored by their IoU with the free box. The file is decoded in
    full, as ``vips smartcrop`` does.
    """

    def __init__(self, options: MethodOptions, interesting: Literal["attention", "entropy"]) -> None:
        """Load libvips, and give it the threads of the options.

        Raises:
            MissingExtraError: pyvips is not installed.
        """
        self.name = f"vips-{interesting}"
        try:
            self._vips: Any = import_module("pyvips")
        except (ImportError, OSError) as error:  # OSError: the package is there, the library is not
            raise MissingExtraError(f"The method '{self.name}'", "bench") from error
        self._interesting = interesting
        self._vips.cache_set_max(0)  # it would answer the same question again without any work
        if options.threads is not None:
            self._vips.concurrency_set(options.threads)

    @property
    def version(self) -> str:
        """Of libvips."""
        return "1, libvips " + ".".join(str(self._vips.version(part)) for part in range(3))

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), in [0, 1]."""
        return scores_from_box(self.box(picture, None), boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The crop that libvips makes.

        Raises:
            ImageError: libvips cannot decode the picture, or sees it in another size.
        """
        frame = picture.size_wh
        if ratio is None:
            width, height = (max(1, round(side * FREE_SIDE)) for side in frame)
        else:
            largest = largest_box(frame, ratio)
            width, height = round(largest.width), round(largest.height)
        try:
            # From bytes: in the name of a file libvips would take brackets for options.
            image = self._vips.Image.new_from_buffer(picture.path.read_bytes(), "").autorot()
            if (image.width, image.height) != frame:
                seen = f"{image.width} x {image.height}"
                raise ImageError(
                    f"{picture.path} has {seen} pixels for libvips, not {frame[0]} x {frame[1]}."
                )
            crop = image.smartcrop(width, height, interesting=self._interesting)
            crop.copy_memory()
        except (OSError, self._vips.Error) as error:
            raise ImageError(f"libvips cannot decode {picture.path}.") from error
        x, y = -crop.xoffset, -crop.yoffset
        return Box(x, y, x + width, y + height)


METHODS = (
    Entry("vips-attention", lambda options: Vips(options, "attention")),
    Entry("vips-entropy", lambda options: Vips(options, "entropy")),
)
