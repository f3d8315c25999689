"""GIF files taken apart and put together, so that a crop keeps every frame's palette, timing and disposal.

A crop of a GIF needs no new colours: each frame is cut where it lies, and its palette indices stay what they are.
(Decoding composes the frames into full colours; no palette could hold all of those again.)
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

from PIL import Image

from cadrage.errors import ImageError
from cadrage.imaging.failures import decoding
from cadrage.imaging.orientation import Region, Size

_CONTROL, _COMMENT, _TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_NO_CONTROL = b"\0\0\0\0"
_CLEARED = 2 << 2
"""Disposal of a frame: clear what it covered."""

_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
"""Loop count and colour profile; the others are metadata."""


def crop_gif(source: IO[bytes], region: Region, target: IO[bytes], name: str, *, strip: bool) -> None:
    """Cut every frame of a GIF file; palettes, durations, disposal and loop count stay.

    Args:
        source: the file, at its start.
        region: what to keep, in pixels, within the screen.
        target: the new file.
        name: what messages call the source.
        strip: leave out comments and other metadata.

    Raises:
        ImageError: the source is damaged or truncated.
    """
    try:
        _crop(source, region, target, name, strip=strip)
    except (EOFError, struct.error) as error:
        raise _damaged(name) from error


def write_gif(
    frames: Iterator[tuple[Image.Image, float]],
    size_wh: Size,
    loop: int | None,
    comment: bytes | None,
    target: IO[bytes],
) -> None:
    """Write composed frames, each with a palette of its own.

    Args:
        frames: pictures in mode L or P, of one size, and milliseconds.
        size_wh: their size.
        loop: how often to play it after the first time, 0 for ever; ``None`` to play it once.
        comment: free text.
        target: the new file.
    """
    target.write(b"GIF89a" + struct.pack("<HHBBB", *size_wh, 0x70, 0, 0))
    if loop is not None:
        target.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", min(loop, 65_535)) + b"\0")
    if comment:
        pieces = [comment[at : at + 255] for at in range(0, len(comment), 255)]
        target.write(b"!\xfe" + _joined(pieces))
    for image, milliseconds in frames:
        hidden = image.info.get("transparency")
        flags = _CLEARED | (hidden is not None)
        delay = min(round(milliseconds / 10), 65_535)
        target.write(b"!\xf9\x04" + struct.pack("<BHB", flags, delay, hidden or 0) + b"\0")
        palette, data = _coded(image)
        depth = (len(palette) // 3).bit_length() - 2
        target.write(b"," + struct.pack("<HHHHB", 0, 0, *size_wh, 0x80 | depth) + palette + data)
    target.write(b";")


def _crop(source: IO[bytes], region: Region, target: IO[bytes], name: str, *, strip: bool) -> None:
    _take(source, 6)
    screen = _take(source, 7)
    global_palette = _palette(source, screen[4])
    x1, y1, x2, y2 = region
    target.write(b"GIF89a" + struct.pack("<HH", x2 - x1, y2 - y1) + screen[4:] + global_palette)
    control = _NO_CONTROL
    frames = 0
    while (kind := source.read(1)) != b";":
        if kind == b",":
            _crop_frame(source, control, region, target, name)
            control = _NO_CONTROL
            frames += 1
        elif kind == b"!":
            label = _take(source, 1)[0]
            blocks = _blocks(source)
            if label == _CONTROL:
                control = (blocks[0] + control)[:4] if blocks else control
            elif _is_kept(label, blocks, strip=strip):
                target.write(bytes([0x21, label]) + _joined(blocks))
        elif not kind and frames:
            break  # viewers do without the trailer
        elif kind != b"\0":
            raise _damaged(name)
    if not frames:
        raise _damaged(name)
    target.write(b";")


def _damaged(name: str) -> ImageError:
    return ImageError(f"{name} is damaged or truncated and cannot be decoded.")


def _crop_frame(source: IO[bytes], control: bytes, region: Region, target: IO[bytes], name: str) -> None:
    """Read one frame, write what of it lies in the region."""
    left, top, width, height, flags = struct.unpack("<HHHHB", _take(source, 9))
    local_palette = _palette(source, flags)
    data = _take(source, 1) + _joined(_blocks(source))
    x1, y1 = max(left, region[0]), max(top, region[1])
    x2, y2 = min(left + width, region[2]), min(top + height, region[3])
    if x1 < x2 and y1 < y2:
        # The palette does not matter: a grey one of full length makes the pixels their indices.
        indices = _indices((width, height), flags & 0x40, data, name)
        piece = indices.crop((x1 - left, y1 - top, x2 - left, y2 - top))
        corner = (x1 - region[0], y1 - region[1])
    else:
        # Nothing of it is to be seen, but its time passes: one transparent pixel that stays.
        piece, corner = Image.new("L", (1, 1), 0), (0, 0)
        control = bytes([control[0] & 0x02 | 0x05]) + control[1:3] + b"\0"
    _, coded = _coded(piece)
    target.write(b"!\xf9\x04" + control + b"\0")
    target.write(b"," + struct.pack("<HHHHB", *corner, *piece.size, flags & 0xA7) + local_palette + coded)


def _indices(size_wh: Size, interlaced: int, data: bytes, name: str) -> Image.Image:
    """Decode the palette indices of a frame."""
    grey = bytes(value for value in range(256) for _ in range(3))
    alone = b"GIF89a" + struct.pack("<HHBBB", *size_wh, 0xF7, 0, 0) + grey
    alone += b"," + struct.pack("<HHHHB", 0, 0, *size_wh, interlaced) + data + b";"
    with decoding(name), Image.open(io.BytesIO(alone), formats=["GIF"]) as image:
        image.load()
        return image if image.mode == "L" else image.convert("L")


def _coded(image: Image.Image) -> tuple[bytes, bytes]:
    """Palette and compressed pixels, with their palette indices as they are."""
    buffer = io.BytesIO()
    alone = image.copy()
    alone.info = {}
    alone.save(buffer, "GIF", optimize=False, interlace=False)
    buffer.seek(6)
    palette = _palette(buffer, _take(buffer, 7)[4])
    while _take(buffer, 1) == b"!":
        _take(buffer, 1)
        _blocks(buffer)
    _take(buffer, 9)
    return palette, buffer.read()[:-1]


def _is_kept(label: int, blocks: list[bytes], *, strip: bool) -> bool:
    if label == _TEXT:
        return False
    if label == _APPLICATION and blocks and blocks[0] in _KEPT_APPLICATIONS:
        return True
    return not strip


def _palette(file: IO[bytes], flags: int) -> bytes:
    return _take(file, 3 * (2 << (flags & 7))) if flags & 0x80 else b""


def _blocks(file: IO[bytes]) -> list[bytes]:
    blocks = []
    while length := _take(file, 1)[0]:
        blocks.append(_take(file, length))
    return blocks


def _joined(blocks: list[bytes]) -> bytes:
    return b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def _take(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data
