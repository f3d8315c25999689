"""Animated PNG files, written frame by frame."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import IO, Any

from PIL import Image, ImageChops

from cadrage.imaging.orientation import Region

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_apng(
    frames: Iterator[tuple[Image.Image, float]],
    count: int,
    loop: int,
    options: dict[str, Any],
    target: IO[bytes],
) -> None:
    """Write an animation; of each frame only what changed is stored, and two are held at a time.

    Args:
        frames: pictures of one size and mode that PNG knows, no palette, and milliseconds; at least one.
        count: how many they are.
        loop: how often to play it, 0 for ever.
        options: for Pillow's encoder, which writes the first frame and the metadata.
        target: the new file.
    """
    shown, milliseconds = next(frames)
    target.write(_SIGNATURE)
    sequence = 0
    started = False
    for kind, data in _chunks(shown, options):
        if kind == b"IDAT" and not started:
            _write(target, b"acTL", struct.pack(">II", count, loop))
            _write(target, b"fcTL", _control(0, (0, 0, *shown.size), milliseconds))
            started = True
        if kind != b"IEND":
            _write(target, kind, data)
    for image, duration in frames:
        region = ImageChops.difference(image, shown).getbbox(alpha_only=False) or (0, 0, 1, 1)
        sequence += 1
        _write(target, b"fcTL", _control(sequence, region, duration))
        for kind, data in _chunks(image.crop(region), {}):
            if kind == b"IDAT":
                sequence += 1
                _write(target, b"fdAT", struct.pack(">I", sequence) + data)
        shown = image
    _write(target, b"IEND", b"")


def _control(sequence: int, region: Region, milliseconds: float) -> bytes:
    """A frame that replaces the pixels of its region and stays."""
    x1, y1, x2, y2 = region
    seconds = Fraction(min(milliseconds, 65_535_000) / 1000).limit_denominator(1000)
    if seconds.numerator > 65_535:
        seconds = Fraction(round(seconds))
    delay = seconds.numerator, seconds.denominator
    return struct.pack(">IIIIIHHBB", sequence, x2 - x1, y2 - y1, x1, y1, *delay, 0, 0)


def _chunks(image: Image.Image, options: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    buffer.seek(len(_SIGNATURE))
    while start := buffer.read(8):
        length, kind = struct.unpack(">I4s", start)
        yield kind, buffer.read(length)
        buffer.seek(4, io.SEEK_CUR)


def _write(target: IO[bytes], kind: bytes, data: bytes) -> None:
    target.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
