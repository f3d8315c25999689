"""Crops at an exact size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cadrage.imaging.colour import blendable
from cadrage.imaging.orientation import Region, Size, stored_region, turned, upright
from cadrage.imaging.shrink import Extent

DRAFT_MARGIN = 2.0
"""Shrink-on-load stops at this many times the wanted size: what a person looks at shall not show its aliasing."""

REDUCING_GAP = 3.0
"""A box filter goes before the resize until this many times the wanted size is left."""

_BLENDED_IN_PLACE = ("L", "RGB", "CMYK", "YCbCr", "F")
"""Modes resized as they are; of pictures in others a copy is made, so they are cut first."""


def resize_crop(
    stored: Image.Image, extent: Extent, orientation: int, frame_wh: Size, region: Region, size_wh: Size
) -> Image.Image:
    """A region of the frame at a size, upright; Lanczos, transparent pixels weigh nothing, gamma as it is.

    Args:
        stored: the decoded picture, not yet turned, at any scale.
        extent: where the whole frame lies in it.
        orientation: its EXIF orientation.
        frame_wh: the frame.
        region: in frame pixels.
        size_wh: of the result.

    Returns:
        Its mode is that of ``stored``, but for palettes and bilevel pictures, which become RGB or grey.
    """
    stored_wh = turned(frame_wh, orientation)
    scale_x = (extent[2] - extent[0]) / stored_wh[0]
    scale_y = (extent[3] - extent[1]) / stored_wh[1]
    x1, y1, x2, y2 = stored_region(region, orientation, frame_wh)
    box = (
        extent[0] + x1 * scale_x,
        extent[1] + y1 * scale_y,
        min(extent[0] + x2 * scale_x, stored.width),
        min(extent[1] + y2 * scale_y, stored.height),
    )
    profile = stored.info.get("icc_profile")
    if stored.mode not in _BLENDED_IN_PLACE or stored.has_transparency_data:
        left, top = int(box[0]), int(box[1])
        stored = stored.crop(
            (left, top, min(int(box[2]) + 1, stored.width), min(int(box[3]) + 1, stored.height))
        )
        box = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    resized = upright(_resized(stored, turned(size_wh, orientation), box), orientation)
    resized.info = {"icc_profile": profile} if profile else {}
    return resized


def resized(image: Image.Image, size_wh: Size) -> Image.Image:
    """An upright picture at a size; see ``resize_crop``."""
    whole = (0, 0, image.width, image.height)
    return resize_crop(image, whole, 1, image.size, whole, size_wh)


def _resized(image: Image.Image, size_wh: Size, box: Extent) -> Image.Image:
    if image.mode.startswith("I"):
        values = _lanczos(Image.fromarray(np.asarray(image, dtype=np.float32)), size_wh, box)
        return Image.fromarray(np.asarray(values).round().clip(0, 65_535).astype(np.uint16))
    return _lanczos(image if image.mode == "F" else blendable(image), size_wh, box)


def _lanczos(image: Image.Image, size_wh: Size, box: Extent) -> Image.Image:
    return image.resize(size_wh, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)
