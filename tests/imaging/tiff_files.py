"""TIFF files that Pillow does not write, tag by tag."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

Tags = Mapping[int, tuple[int, tuple[int, ...]]]
"""Number of a tag: its type (3 for 16 bits, 4 for 32) and its values."""


def tiff_file(pixels: np.ndarray, photometric: int = 2, more_tags: Tags | None = None) -> bytes:
    """An uncompressed little-endian TIFF file.

    Args:
        pixels: shape (H, W) or (H, W, channels), integers or floating point.
        photometric: 0 and 1 for grey whose 0 is white or black, 2 for RGB.
        more_tags: added to those that the pixels need, or in their place.
    """
    height, width, channels = pixels.reshape(*pixels.shape[:2], -1).shape
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    tags = {
        256: (4, (width,)),
        257: (4, (height,)),
        258: (3, (pixels.itemsize * 8,) * channels),
        259: (3, (1,)),
        262: (3, (photometric,)),
        273: (4, (8,)),
        277: (3, (channels,)),
        278: (4, (height,)),
        279: (4, (len(data),)),
        339: (3, (3 if pixels.dtype.kind == "f" else 1,) * channels),
    } | dict(more_tags or {})
    at = 8 + len(data) + len(data) % 2
    long_values_at = at + 2 + 12 * len(tags) + 4
    entries, long_values = b"", b""
    for number, (kind, values) in sorted(tags.items()):
        raw = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(raw) > 4:
            place = struct.pack("<I", long_values_at + len(long_values))
            long_values += raw
        else:
            place = raw.ljust(4, b"\0")
        entries += struct.pack("<HHI", number, kind, len(values)) + place
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", at) + data.ljust(at - 8, b"\0") + directory + long_values
