"""How many pages or animation frames a picture file has, from its structure alone; nothing is decoded."""

from __future__ import annotations

import os
import struct
from typing import IO

from PIL import Image, ImageFile

MOST_FRAMES = 100_000
"""Counting stops here."""


def count_frames(image: Image.Image) -> int:
    """Pages of a TIFF, frames of an animated GIF, PNG, WebP or AVIF; 1 for any other picture.

    Pillow counts GIF frames by reading all their headers and TIFF pages by loading all their tags, one
    quadratic in their number, so both are walked here; a PNG is believed no more frames than it has.

    Args:
        image: with its header read, and its file open if it is one.

    Returns:
        1 to ``MOST_FRAMES``.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.fp is None:
        return 1
    if image.format in ("WEBP", "AVIF"):
        return _within(getattr(image, "n_frames", 1))
    walk = {"GIF": _gif_frames, "TIFF": _tiff_pages}.get(image.format or "")
    if image.format == "PNG" and getattr(image, "is_animated", False):
        walk = _png_frames
    if walk is None:
        return 1
    position = image.fp.tell()
    try:
        return _within(walk(image.fp))
    except (struct.error, IndexError):
        return 1  # cut off within its first header; decoding will say so
    finally:
        image.fp.seek(position)


def _within(count: int) -> int:
    return min(max(count, 1), MOST_FRAMES)


def _gif_frames(file: IO[bytes]) -> int:
    file.seek(10)
    _skip_palette(file, file.read(1)[0], before=2)
    frames = 0
    while frames < MOST_FRAMES and (kind := file.read(1)):
        if kind == b",":
            file.seek(8, os.SEEK_CUR)
            flags = file.read(1)
            if not flags:
                break
            frames += 1
            _skip_palette(file, flags[0])
            file.seek(1, os.SEEK_CUR)
        elif kind == b"!":
            file.seek(1, os.SEEK_CUR)
        else:
            break
        while (length := file.read(1)) and length[0]:
            file.seek(length[0], os.SEEK_CUR)
    return frames


def _skip_palette(file: IO[bytes], flags: int, before: int = 0) -> None:
    entries = 2 << (flags & 7) if flags & 128 else 0
    file.seek(before + 3 * entries, os.SEEK_CUR)


def _png_frames(file: IO[bytes]) -> int:
    """The frame controls of the file; one more picture if the still one is not part of the animation."""
    file.seek(8)
    controls = stills = 0
    while controls < MOST_FRAMES and len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            break
        controls += kind == b"fcTL"
        stills |= kind == b"IDAT" and not controls
        file.seek(length + 4, os.SEEK_CUR)
    return controls + stills


def _tiff_pages(file: IO[bytes]) -> int:
    """Directories in the chain, each counted once, though the chain may be a circle."""
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    large = struct.unpack(order + "H", start[2:4])[0] == 43
    count_format, entry_size, next_format = ("Q", 20, "Q") if large else ("H", 12, "I")
    (offset,) = struct.unpack_from(order + next_format, start, 8 if large else 4)
    size = file.seek(0, os.SEEK_END)
    seen: set[int] = set()
    while 0 < offset < size and offset not in seen and len(seen) < MOST_FRAMES:
        seen.add(offset)
        file.seek(offset)
        (entries,) = struct.unpack(order + count_format, file.read(struct.calcsize(count_format)))
        next_at = file.tell() + entries * entry_size
        if next_at >= size:
            break
        file.seek(next_at)
        following = file.read(struct.calcsize(next_format))
        if len(following) < struct.calcsize(next_format):
            break
        (offset,) = struct.unpack(order + next_format, following)
    return len(seen)
