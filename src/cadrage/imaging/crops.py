"""Cut crops out of the full-size frame."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from PIL import Image

from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging.orientation import Region, Size, frame_region, stored_region, turned, upright
from cadrage.imaging.photo import Photo, decode

HELD_BYTES = 440_000_000
"""Most memory for the decoded photograph and one crop beside it; with more, the photograph goes to disk first."""

_KEPT_METADATA = ("icc_profile", "transparency")
"""What the values of the pixels mean; the rest, such as place and time, stays with the photograph."""

_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2}
"""Memory of a pixel by mode; 4 for all others."""

_STRIP_BYTES = 4_000_000


def whole_pixels(box: Box, size_wh: Size) -> Region:
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
        yield cut_stored(stored, photo.orientation, whole_pixels(box, photo.size_wh))


def cut_stored(stored: Image.Image, orientation: int, region: Region) -> Image.Image:
    """A region of the frame out of the decoded picture, upright, with profile and transparency.

    Args:
        stored: the decoded picture at full size, not yet turned.
        orientation: its EXIF orientation.
        region: in frame pixels, within the frame.
    """
    return _without_metadata(upright(stored, orientation, region))


@contextlib.contextmanager
def cutter(
    decoded: list[Image.Image], orientation: int, regions: Iterable[Region]
) -> Iterator[Callable[[Region], Image.Image]]:
    """A function that cuts regions of the frame, in no more memory than the frame or the largest crop takes.

    Where both together would take more than ``HELD_BYTES``, the decoded picture is written to a temporary file
    and let go; crops are then put together from strips of that file.

    Args:
        decoded: the decoded picture at full size, alone in a list, which is emptied: nobody else may hold it.
        orientation: its EXIF orientation.
        regions: what will be cut.
    """
    stored = decoded.pop()
    pixels = max(((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in regions), default=0)
    held = (stored.width * stored.height + pixels) * _BYTES.get(stored.mode, 4)
    if held <= HELD_BYTES or stored.mode in ("1", "P", "PA"):
        yield functools.partial(cut_stored, stored, orientation)
        return
    with tempfile.TemporaryFile(prefix="cadrage-") as file:
        spilled = _Spilled(stored, orientation, file)
        del stored
        yield spilled.cut


class _Spilled:
    """A decoded picture in a file, row after row."""

    def __init__(self, stored: Image.Image, orientation: int, file: IO[bytes]) -> None:
        self._size_wh = stored.size
        self._mode = stored.mode
        self._info = stored.info
        self._orientation = orientation
        self._file = file
        self._row_bytes = len(stored.crop((0, 0, stored.width, 1)).tobytes())
        for top, bottom in self._strips(0, stored.height):
            file.write(stored.crop((0, top, stored.width, bottom)).tobytes())
        file.flush()

    def cut(self, region: Region) -> Image.Image:
        """See ``cut_stored``."""
        frame_wh = turned(self._size_wh, self._orientation)
        x1, y1, x2, y2 = region
        left, first, right, last = stored_region(region, self._orientation, frame_wh)
        crop = Image.new(self._mode, (x2 - x1, y2 - y1), None)
        for top, bottom in self._strips(first, last):
            part = upright(self._rows(top, bottom).crop((left, 0, right, bottom - top)), self._orientation)
            corner = frame_region((left, top, right, bottom), self._orientation, self._size_wh)
            crop.paste(part, (corner[0] - x1, corner[1] - y1))
        crop.info = dict(self._info)
        return _without_metadata(crop)

    def _rows(self, top: int, bottom: int) -> Image.Image:
        self._file.seek(top * self._row_bytes)
        data = self._file.read((bottom - top) * self._row_bytes)
        return Image.frombytes(self._mode, (self._size_wh[0], bottom - top), data)

    def _strips(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        rows = max(1, _STRIP_BYTES // self._row_bytes)
        for top in range(first, last, rows):
            yield top, min(top + rows, last)


def _without_metadata(crop: Image.Image) -> Image.Image:
    crop.info = {key: crop.info[key] for key in _KEPT_METADATA if key in crop.info}
    return crop
