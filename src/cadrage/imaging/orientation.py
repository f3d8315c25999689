"""EXIF orientation: read it without decoding, and turn stored pixels into frame pixels."""

from __future__ import annotations

import os
import struct

from PIL import ExifTags, Image, ImageFile, PngImagePlugin

Size = tuple[int, int]
"""Width and height in pixels."""

Region = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels."""

_STORED_FROM_FRAME = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""For each EXIF orientation the matrix from frame directions (x, y) to stored directions, row by row."""


def exif_orientation(image: Image.Image) -> int:
    """Orientation, 1 to 8, of a picture whose header is read; 1 when it has none or an unusable one."""
    unturned_tiff = image.format == "TIFF" and isinstance(image, ImageFile.ImageFile)
    if unturned_tiff:
        return 1  # Pillow turns TIFF itself while decoding, and has swapped the sides already
    try:
        _read_late_exif(image)
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    except Exception:  # damaged metadata raises almost anything, and must not cost the picture
        return 1
    return value if isinstance(value, int) and value in _STORED_FROM_FRAME else 1


def turned(size_wh: Size, orientation: int) -> Size:
    """Frame size from stored size, or stored size from frame size."""
    width, height = size_wh
    return (width, height) if orientation < 5 else (height, width)


def upright(
    image: Image.Image, orientation: int, region: tuple[int, int, int, int] | None = None
) -> Image.Image:
    """A region of the frame, copied out of the stored picture and turned in one pass.

    One pass, since a crop and its turned copy beside the decoded picture would be three pictures in memory.

    Args:
        image: the stored picture, in any mode.
        orientation: its EXIF orientation.
        region: x1, y1, x2, y2 in whole frame pixels, within the frame; by default all of it.
    """
    width, height = image.size
    x1, y1, x2, y2 = region or (0, 0, *turned(image.size, orientation))
    xx, xy, yx, yy = _STORED_FROM_FRAME[orientation]
    x0 = xx * x1 + xy * y1 + (width if xx + xy < 0 else 0)
    y0 = yx * x1 + yy * y1 + (height if yx + yy < 0 else 0)
    return image.transform((x2 - x1, y2 - y1), Image.Transform.AFFINE, (xx, xy, x0, yx, yy, y0))


def stored_region(region: Region, orientation: int, frame_wh: Size) -> Region:
    """Where a region of the frame lies in the stored picture.

    Args:
        region: x1, y1, x2, y2 in frame pixels.
        orientation: EXIF orientation of the picture.
        frame_wh: the frame.
    """
    x1, y1, x2, y2 = region
    width, height = frame_wh
    left, right, top, bottom = width - x2, width - x1, height - y2, height - y1
    return {
        1: (x1, y1, x2, y2),
        2: (left, y1, right, y2),
        3: (left, top, right, bottom),
        4: (x1, top, x2, bottom),
        5: (y1, x1, y2, x2),
        6: (y1, left, y2, right),
        7: (top, left, bottom, right),
        8: (top, x1, bottom, x2),
    }[orientation]


def frame_region(region: Region, orientation: int, stored_wh: Size) -> Region:
    """Where a region of the stored picture lies in the frame; the reverse of ``stored_region``."""
    return stored_region(region, {6: 8, 8: 6}.get(orientation, orientation), stored_wh)


def _read_late_exif(image: Image.Image) -> None:
    """Find EXIF that follows the pixels of a PNG file; Pillow would decode the pixels on its way there."""
    if not isinstance(image, PngImagePlugin.PngImageFile) or "exif" in image.info or image.fp is None:
        return
    file = image.fp
    position = file.tell()
    file.seek(8)
    while len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        if kind == b"eXIf":
            image.info["exif"] = file.read(length)
            break
        file.seek(length + 4, os.SEEK_CUR)
    file.seek(position)
