"""Files made to cost time or memory, refused before Pillow reads them.

Pillow's readers bound most of what a file can claim. These are the claims that they take at their word: headers
of millions of parts, each a step of Python; progressive scans, each a pass over all pixels; tiles larger than
their picture; and formats whose files are read into memory as one.
"""

from __future__ import annotations

import os
import struct
from typing import IO

from cadrage.errors import ImageError
from cadrage.imaging.orientation import Size

MOST_PARTS = 1_000_000
"""Chunks of a PNG file, before and after its pixels."""

MOST_HEADER_PARTS = 10_000
"""Segments, chunks or extensions before the pixels; cameras write up to a few hundred."""

MOST_PADDING = 65_536
"""Bytes between the parts of a header that belong to none of them."""

MOST_SCANNED = 5_000_000_000
"""Pixels times scans of a progressive JPEG: some ten seconds. Encoders write 10 to 20 scans."""

LARGEST_READ_WHOLE = 512 * 2**20
"""Bytes of a file in a format that is read into memory as one."""

_READ_WHOLE = ("WEBP", "AVIF", "HEIC")
_SCAN_BLOCK = 2**20
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"


def check_parts(file: IO[bytes], format_name: str, name: str) -> None:
    """Refuse a file whose structure is out of proportion to any picture.

    Args:
        file: of this format, by its signature; left at its start.
        format_name: Pillow's name of it, or ``"HEIC"``.
        name: what messages call it.

    Raises:
        ImageError: it has too many parts or too many bytes.
    """
    size = file.seek(0, os.SEEK_END)
    if format_name in _READ_WHOLE and size > LARGEST_READ_WHOLE:
        raise ImageError(
            f"{name} has {size:,} bytes, more than the {LARGEST_READ_WHOLE:,} that are read of its format."
        )
    walk = {"JPEG": _jpeg_is_bounded, "PNG": _png_is_bounded, "GIF": _gif_is_bounded}.get(format_name)
    if walk is not None and not walk(file):
        raise ImageError(f"{name} is made of more parts than a picture needs, and is not decoded.")
    file.seek(0)


def check_tiles(tile_wh: Size, frame_wh: Size, pixel_limit: int, name: str) -> None:
    """Refuse tiles that take more memory than the largest picture allowed.

    Raises:
        ImageError: a tile has more pixels than the limit and than the frame.
    """
    pixels = tile_wh[0] * tile_wh[1]
    if pixels > max(pixel_limit, frame_wh[0] * frame_wh[1]):
        raise ImageError(
            f"{name} is stored in tiles of {tile_wh[0]} x {tile_wh[1]} pixels, "
            f"more than the limit of {pixel_limit:,}."
        )


def _jpeg_is_bounded(file: IO[bytes]) -> bool:
    file.seek(2)
    padding = 0
    pixels = 0
    for _ in range(MOST_HEADER_PARTS):
        lead = file.read(2)
        while len(lead) == 2 and not (lead[0] == 0xFF and 0 < lead[1] < 0xFF):
            lead = lead[1:] + file.read(1)
            padding += 1
            if padding > MOST_PADDING:
                return False
        if len(lead) < 2 or lead == _END_OF_IMAGE:
            return True  # without pixels; decoding will say so
        if lead == _START_OF_SCAN:
            return not pixels or pixels * _scans(file) <= MOST_SCANNED
        if 0xD0 <= lead[1] <= 0xD8 or lead[1] == 0x01:
            continue  # markers that stand alone
        start = file.read(7)
        if len(start) < 7:
            return True
        length, height, width = struct.unpack(">HxHH", start)
        if lead[1] in (0xC2, 0xC6, 0xCA, 0xCE):
            pixels = width * height
        file.seek(max(length, 2) - 7, os.SEEK_CUR)
    return False


def _scans(file: IO[bytes]) -> int:
    """Scans from the first one, whose marker was just read, to the end of the picture."""
    scans = 1
    block = file.read(_SCAN_BLOCK)
    while block:
        end = block.find(_END_OF_IMAGE)
        scans += block.count(_START_OF_SCAN, 0, end if end >= 0 else len(block))
        if end >= 0:
            break
        following = file.read(_SCAN_BLOCK)
        block = block[-1:] + following if following else b""
    return scans


def _png_is_bounded(file: IO[bytes]) -> bool:
    file.seek(8)
    before_pixels = 0
    for part in range(MOST_PARTS):
        start = file.read(8)
        if len(start) < 8:
            return True
        length, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            return True
        if kind == b"IDAT" and not before_pixels:
            before_pixels = part
        if not before_pixels and part > MOST_HEADER_PARTS:
            return False
        file.seek(length + 4, os.SEEK_CUR)
    return False


def _gif_is_bounded(file: IO[bytes]) -> bool:
    """Whether the first frame comes within reason; Pillow reads on for it byte by byte."""
    file.seek(10)
    flags = file.read(1)
    entries = 2 << (flags[0] & 7) if flags and flags[0] & 128 else 0
    file.seek(2 + 3 * entries, os.SEEK_CUR)
    padding = 0
    for _ in range(MOST_HEADER_PARTS + MOST_PADDING):
        kind = file.read(1)
        if kind in (b"", b",", b";"):
            return True
        if kind != b"!":
            padding += 1
            if padding > MOST_PADDING:
                return False
            continue
        file.seek(1, os.SEEK_CUR)
        while (length := file.read(1)) and length[0]:
            file.seek(length[0], os.SEEK_CUR)
    return False
