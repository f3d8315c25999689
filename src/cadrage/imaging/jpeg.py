"""The segments of a JPEG file: found, and put together around another picture."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cadrage.imaging.orientation import Size

_QUANTISATION, _HUFFMAN, _RESTART, _SCAN, _END = 0xDB, 0xC4, 0xDD, 0xDA, 0xD9
_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive coding with Huffman tables."""

_OTHER_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_ICC, _JFIF, _ADOBE = b"ICC_PROFILE\0", b"JFIF\0", b"Adobe"


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker and what follows it, without its length."""

    marker: int
    content: bytes

    @property
    def is_meaning(self) -> bool:
        """Whether it says what the values of the pixels mean: colour space, profile, density."""
        headings = {0xE0: _JFIF, 0xE2: _ICC, 0xEE: _ADOBE}
        return self.marker in headings and self.content.startswith(headings[self.marker])

    def coded(self) -> bytes:
        """As in a file."""
        return struct.pack(">BBH", 0xFF, self.marker, len(self.content) + 2) + self.content


@dataclass(frozen=True, slots=True)
class Component:
    """One of the planes that make up the colours.

    Attributes:
        name: its number in the file.
        horizontal: samples in a coding unit, across.
        vertical: samples in a coding unit, down.
        table: which quantisation table is its own.
    """

    name: int
    horizontal: int
    vertical: int
    table: int


@dataclass(frozen=True, slots=True)
class JpegFile:
    """A JPEG file up to its first scan, and the rest.

    Attributes:
        segments: those before the first scan, in order.
        frame: the one that describes the picture.
        components: the planes.
        scans: from the first scan's marker on.
    """

    segments: tuple[Segment, ...]
    frame: Segment
    components: tuple[Component, ...]
    scans: bytes

    @property
    def is_plain(self) -> bool:
        """Whether it is grey or of three colours, in 8 bits, and its quantisation tables all precede the pixels."""
        tables = sum(segment.marker == _QUANTISATION for segment in self.segments)
        return (
            self.frame.marker in _FRAMES
            and self.frame.content[0] == 8
            and struct.unpack(">H", self.frame.content[1:3])[0] > 0
            and len(self.components) in (1, 3)
            and all(1 <= one.horizontal <= 4 and 1 <= one.vertical <= 4 for one in self.components)
            and tables > 0
            and b"\xff\xdb" not in self.scans
        )

    def bare(self) -> bytes:
        """The file without segments that are not needed to decode its coefficients."""
        needed = (_QUANTISATION, _HUFFMAN, _RESTART, self.frame.marker)
        parts = [segment.coded() for segment in self.segments if segment.marker in needed]
        return b"\xff\xd8" + b"".join(parts) + self.scans

    def with_picture(self, coded: bytes, size_wh: Size, segments: list[Segment]) -> bytes:
        """A file with another picture's coefficients under this one's tables and names.

        Args:
            coded: a JPEG file with one scan of as many components.
            size_wh: its size.
            segments: to go before the tables.
        """
        other = read_jpeg(coded)
        if other is None:
            raise ValueError("the coded picture is no JPEG file")
        tables = [segment for segment in self.segments if segment.marker == _QUANTISATION]
        huffman = [segment for segment in other.segments if segment.marker == _HUFFMAN]
        content = struct.pack(">BHHB", 8, size_wh[1], size_wh[0], len(self.components))
        for mine, theirs in zip(self.components, other.components, strict=True):
            content += bytes([mine.name, theirs.horizontal << 4 | theirs.vertical, mine.table])
        deep = any(table.content[0] >> 4 for table in tables) or other.frame.marker != 0xC0
        frame = Segment(0xC1 if deep else 0xC0, content)
        parts = (segment.coded() for segment in (*segments, *tables, frame, *huffman))
        return b"\xff\xd8" + b"".join(parts) + self._renamed(other)

    def _renamed(self, other: JpegFile) -> bytes:
        """The other's scan, with the names of this one's components."""
        names = {
            theirs.name: mine.name for mine, theirs in zip(self.components, other.components, strict=True)
        }
        scans = bytearray(other.scans)
        for number in range(scans[4]):
            scans[5 + 2 * number] = names[scans[5 + 2 * number]]
        return bytes(scans)


def read_jpeg(data: bytes) -> JpegFile | None:
    """Take a JPEG file apart; ``None`` if it has no picture in a layout that is known."""
    segments: list[Segment] = []
    position = 2
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > len(data):
            return None
        marker = data[position + 1]
        if marker in (0x00, 0xFF, 0x01) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            end = data.find(b"\xff\xd9", position)  # more pictures may follow
            return _with_scans(segments, data[position : end + 2 if end >= 0 else None])
        if marker == _END:
            return None
        (length,) = struct.unpack_from(">H", data, position + 2)
        segments.append(Segment(marker, data[position + 4 : position + 2 + length]))
        position += 2 + max(length, 2)


def _with_scans(segments: list[Segment], scans: bytes) -> JpegFile | None:
    frames = [segment for segment in segments if segment.marker in _FRAMES | _OTHER_FRAMES]
    if len(frames) != 1 or len(frames[0].content) < 6:
        return None
    content = frames[0].content
    count = content[5]
    if len(content) < 6 + 3 * count:
        return None
    components = tuple(
        Component(name, factors >> 4, factors & 15, table)
        for name, factors, table in struct.iter_unpack("BBB", content[6 : 6 + 3 * count])
    )
    return JpegFile(tuple(segments), frames[0], components, scans)
