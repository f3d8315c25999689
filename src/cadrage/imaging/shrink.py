"""Shrink-on-load: pictures decoded at a fraction of their size, in a fraction of the time and memory."""

from __future__ import annotations

import os
import struct
from typing import IO

from PIL import Image, ImageFile, Jpeg2KImagePlugin

from cadrage.imaging.orientation import Size

Extent = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of a decoded picture."""


def shrink_on_load(image: Image.Image, at_least: Size) -> Extent | None:
    """Let a picture whose header is read be decoded at the smallest scale that its format offers.

    JPEG goes down to 1/8, JPEG 2000 to the smallest of its resolutions.

    Args:
        image: the picture; changed.
        at_least: smallest stored width and height that will do.

    Returns:
        Where the whole frame will lie in the decoded picture, whose last column and row may stand for a
        fraction of a pixel; ``None`` if the picture will be decoded at full size.
    """
    if not isinstance(image, ImageFile.ImageFile):
        return None
    if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
        return _choose_resolution(image, at_least)
    drafted = image.draft(None, at_least)
    return drafted[1] if drafted else None


def _choose_resolution(image: Jpeg2KImagePlugin.Jpeg2KImageFile, at_least: Size) -> Extent | None:
    """As Pillow's ``reduce``, but rounding sides up as decoders do; where it rounds down it cannot decode.

    Halving a wavelet keeps the even pixels' places, not the middle of each two, so the frame begins short of
    half a pixel inside. At the far end it is cut by as much: twice the wanted size makes that harmless.
    """
    width, height = image.size
    halvings = min(width // (2 * at_least[0]), height // (2 * at_least[1])).bit_length() - 1
    if halvings < 1 or image.mode == "P" or image.fp is None:
        return None
    halvings = min(halvings, _wavelet_levels(image.fp))
    if halvings < 1:
        return None
    scale = 1 << halvings
    small_wh = (-(-width // scale), -(-height // scale))
    codec, _, offset, arguments = image.tile[0]
    if not isinstance(arguments, tuple):
        return None
    image._size = small_wh
    small_arguments = (arguments[0], halvings, *arguments[2:])
    image.tile = [ImageFile._Tile(codec, (0, 0, *small_wh), offset, small_arguments)]
    shift = (1 - 1 / scale) / 2
    right, bottom = width / scale + shift, height / scale + shift
    return shift, shift, min(right, small_wh[0]), min(bottom, small_wh[1])


def _wavelet_levels(file: IO[bytes]) -> int:
    """How often the picture of a JPEG 2000 file is halved; 0 if that is not told or not of use."""
    position = file.tell()
    try:
        return _levels_of_codestream(file) if _find_codestream(file) else 0
    except (struct.error, IndexError, OSError, ValueError):
        return 0  # cut off; decoding will say so
    finally:
        file.seek(position)


def _find_codestream(file: IO[bytes]) -> bool:
    """Move behind the start marker of the codestream: the file itself, or one of the boxes in it."""
    file.seek(0)
    if file.read(2) == b"\xff\x4f":
        return True
    file.seek(0)
    for _ in range(100):
        length, kind = struct.unpack(">I4s", file.read(8))
        taken = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            taken = 16
        if kind == b"jp2c":
            return file.read(2) == b"\xff\x4f"
        if length < taken:
            return False
        file.seek(length - taken, os.SEEK_CUR)
    return False


def _levels_of_codestream(file: IO[bytes]) -> int:
    most = 0
    for _ in range(100):
        marker, length = struct.unpack(">HH", file.read(4))
        if marker == 0xFF51:
            most = _even_halvings(struct.unpack(">2x8I", file.read(34)))
            file.seek(length - 36, os.SEEK_CUR)
        elif marker == 0xFF52:
            return min(most, file.read(6)[5])
        elif marker == 0xFF90 or length < 2:
            return 0
        else:
            file.seek(length - 2, os.SEEK_CUR)
    return 0


def _even_halvings(grid: tuple[int, ...]) -> int:
    """How often the tiles can be halved without a narrow last one vanishing; 0 if the picture is shifted.

    Args:
        grid: x and y each, of the picture's end, its start, a tile's size, and the first tile's start.
    """
    end, start, tile, first = grid[:2], grid[2:4], grid[4:6], grid[6:8]
    if any(start + first):
        return 0
    limits = [32 if t >= e else (t & -t).bit_length() - 1 for t, e in zip(tile, end, strict=True)]
    return max(0, min(limits))
