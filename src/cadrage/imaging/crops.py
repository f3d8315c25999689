"""Cut crops out of the full-size frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PIL import Image

from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging.orientation import Size, upright
from cadrage.imaging.photo import Photo, decode

_KEPT_METADATA = ("icc_profile", "transparency")
"""What the values of the pixels mean; the rest, such as place and time, stays with the photograph."""


def whole_pixels(box: Box, size_wh: Size) -> tuple[int, int, int, int]:
    """The pixels of a box: rounded, within the frame, at least one.

    Args:
        box: in frame pixels; may stick out of the frame.
        size_wh: the frame.

    Returns:
        x1, y1, x2, y2.

    Raises:
        RequestError: the box lies outside the frame.
    """
    width, height = size_wh
    if box.x1 >= width or box.y1 >= height or box.x2 <= 0 or box.y2 <= 0:
        raise RequestError(f"The box {box.as_tuple()} lies outside the frame of {width} x {height} pixels.")
    x1, y1, x2, y2 = box.rounded()
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, max(x1 + 1, min(x2, width)), max(y1 + 1, min(y2, height))


def cut(photo: Photo, box: Box) -> Image.Image:
    """One crop; see ``cut_all``."""
    return next(cut_all(photo, [box]))


def cut_all(photo: Photo, boxes: Iterable[Box]) -> Iterator[Image.Image]:
    """Crops at full size, upright, in the picture's own mode, all from one decoding.

    They keep the colour profile and the transparency, and no other metadata. A crop may be as large in memory
    as the decoded photograph: let go of one before asking for the next.

    Args:
        photo: the photograph.
        boxes: in frame pixels; rounded to whole pixels and clipped to the frame.

    Raises:
        ImageError: the pixels cannot be decoded.
        RequestError: a box lies outside the frame.
    """
    stored, _ = decode(photo)
    for box in boxes:
        yield _crop(stored, photo.orientation, whole_pixels(box, photo.size_wh))


def _crop(stored: Image.Image, orientation: int, region: tuple[int, int, int, int]) -> Image.Image:
    crop = upright(stored, orientation, region)
    crop.info = {key: crop.info[key] for key in _KEPT_METADATA if key in crop.info}
    return crop
