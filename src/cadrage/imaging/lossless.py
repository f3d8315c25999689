"""Crops of JPEG files without decoding: the coefficients of the blocks inside the box are copied.

Blocks are whole: the crop's corner must lie on the grid of the file's coding units (8 or 16 pixels a side), its
size may be any. The stored pixels are not turned, so the crop keeps the photograph's EXIF orientation.

The coefficients are read and written by the package ``jpeglib`` (extra ``lossless``). Its C code keeps state in
globals, trips over files with 50 segments, crashes over CMYK and writes tables and colour spaces of its own. So it
is given no more than a picture's bare coding, one at a time, after Pillow has decoded it; and of what it writes
only the coded data are used, between the original's own tables and segments.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cadrage.errors import ImageError, MissingExtraError
from cadrage.geometry import Box
from cadrage.imaging.crops import whole_pixels
from cadrage.imaging.jpeg import Component, JpegFile, Segment, read_jpeg
from cadrage.imaging.metadata import Metadata, for_crop, iptc_segment, metadata_of, xmp_segment
from cadrage.imaging.orientation import Region, Size, frame_region, stored_region, turned
from cadrage.imaging.photo import Photo, decode

_LIBRARY = "turbo210"
"""The newest of the JPEG libraries within ``jpeglib``; its default is from 1998."""

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Unit:
    """Pixels a side of a coding unit, in stored axes."""

    width: int
    height: int


def lossless_grid(photo: Photo) -> tuple[int, int] | None:
    """The grid on which lossless crops of a photograph begin.

    Args:
        photo: any photograph.

    Returns:
        Width and height of a coding unit in frame pixels, 8 to 32 each; ``None`` if the photograph cannot be
        cropped without loss: it is no JPEG file, or one of CMYK, arithmetic coding or more than 8 bits.
    """
    unit = _unit(_jpeg_of(photo))
    return turned((unit.width, unit.height), photo.orientation) if unit else None


def aligned(box: Box, photo: Photo) -> Box:
    """The box moved by less than a coding unit, so that it can be cut without loss.

    Args:
        box: in frame pixels.
        photo: the photograph.

    Returns:
        A box of whole pixels, of the same size and within the frame; only rounded where ``lossless_grid`` is
        ``None``.

    Raises:
        RequestError: the box lies outside the frame.
    """
    region = whole_pixels(box, photo.size_wh)
    unit = _unit(_jpeg_of(photo))
    if unit is None:
        return Box(*region)
    stored_wh = turned(photo.size_wh, photo.orientation)
    x1, y1, x2, y2 = stored_region(region, photo.orientation, photo.size_wh)
    left = _nearest(x1, unit.width, stored_wh[0] - (x2 - x1))
    top = _nearest(y1, unit.height, stored_wh[1] - (y2 - y1))
    moved = (left, top, left + x2 - x1, top + y2 - y1)
    return Box(*frame_region(moved, photo.orientation, stored_wh))


def cut_without_loss(regions: list[Region], photo: Photo) -> list[bool]:
    """For each region of the frame whether it can be cut without loss."""
    unit = _unit(_jpeg_of(photo))
    corners = [stored_region(region, photo.orientation, photo.size_wh)[:2] for region in regions]
    return [unit is not None and x % unit.width == 0 and y % unit.height == 0 for x, y in corners]


def require_lossless() -> None:
    """Check that JPEG files can be cropped without loss.

    Raises:
        MissingExtraError: the extra ``lossless`` is not installed.
    """
    try:
        import jpeglib  # noqa: F401, PLC0415
    except ImportError as error:
        raise MissingExtraError("Cropping JPEG files without loss", "lossless") from error


def crop_jpeg(photo: Photo, regions: list[Region], *, strip: bool) -> tuple[list[bytes], tuple[str, ...]]:
    """JPEG files with copied coefficients, stored as the photograph is: an orientation tag turns them.

    Args:
        photo: a JPEG file.
        regions: in frame pixels, for each of which ``cut_without_loss`` holds.
        strip: leave out the metadata, but for the colour profile and the orientation.

    Returns:
        The files, and sentences on what could not be kept.

    Raises:
        ImageError: the file is damaged.
        MissingExtraError: the extra ``lossless`` is not installed.
    """
    require_lossless()
    import jpeglib  # noqa: PLC0415

    small, _ = decode(photo, at_least=(1, 1))  # jpeglib takes damaged data for good
    metadata = Metadata() if strip else metadata_of(photo, small)
    jpeg = _jpeg_of(photo)
    if jpeg is None:
        raise _damaged(photo)
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="cadrage-") as folder:
        before = jpeglib.version.get()
        jpeglib.version.set(_LIBRARY)
        try:
            return _crop_all(photo, jpeg, regions, metadata, Path(folder)), metadata.notes
        except OSError as error:
            if error.errno:
                raise
            raise _damaged(photo) from error  # jpeglib's way of saying so
        finally:
            if before:
                jpeglib.version.set(before)


def _crop_all(
    photo: Photo, jpeg: JpegFile, regions: list[Region], metadata: Metadata, folder: Path
) -> list[bytes]:
    import jpeglib  # noqa: PLC0415

    bare = folder / "bare.jpg"
    bare.write_bytes(jpeg.bare())
    whole = jpeglib.read_dct(str(bare))
    planes = [whole.Y, whole.Cb, whole.Cr][: len(jpeg.components)]
    del whole  # and the planes with the last region: all of them and three copies of a crop are too many
    crops = []
    for number, region in enumerate(regions, start=1):
        stored = stored_region(region, photo.orientation, photo.size_wh)
        cut = _cut_planes(jpeg, planes, stored)
        if number == len(regions):
            planes.clear()
        coded = _coded(jpeg, cut, stored, folder / "crop.jpg")
        size_wh = (stored[2] - stored[0], stored[3] - stored[1])
        said = for_crop(metadata, size_wh, photo.orientation)
        crops.append(jpeg.with_picture(coded, size_wh, _segments(jpeg, said)))
    return crops


def _damaged(photo: Photo) -> ImageError:
    return ImageError(f"{photo.name} is damaged or truncated and cannot be decoded.")


def _cut_planes(jpeg: JpegFile, planes: list[NDArray[np.int16]], stored: Region) -> list[NDArray[np.int16]]:
    """The blocks of each component that cover a region of the stored picture, shape (rows, columns, 8, 8)."""
    unit = _unit(jpeg)
    assert unit is not None  # noqa: S101
    x1, y1, x2, y2 = stored
    cut = []
    for component, plane in zip(jpeg.components, planes, strict=True):
        across, down = _block(component, unit)
        cut.append(np.ascontiguousarray(plane[y1 // down : -(-y2 // down), x1 // across : -(-x2 // across)]))
    return cut


def _coded(jpeg: JpegFile, planes: list[NDArray[np.int16]], stored: Region, path: Path) -> bytes:
    """A JPEG file of these coefficients, with tables and names that are not the original's."""
    import jpeglib  # noqa: PLC0415

    colours = len(planes) == 3
    factors = [(one.vertical, one.horizontal) for one in jpeg.components] if colours else [(1, 1)]
    picture = jpeglib.DCTJPEG(
        path=None,
        content=None,
        height=stored[3] - stored[1],
        width=stored[2] - stored[0],
        block_dims=np.array([plane.shape[:2] for plane in planes], dtype=np.int32),
        samp_factor=np.array(factors, dtype=np.int32),
        # Whatever the colours are: other spaces than these two, jpeglib writes as if they were YCbCr.
        jpeg_color_space=jpeglib.Colorspace.JCS_YCbCr if colours else jpeglib.Colorspace.JCS_GRAYSCALE,
        num_scans=1,
        quant_tbl_no=np.zeros(len(planes), dtype=np.int16),
        markers=None,
        huffmans=None,
        Y=planes[0],
        Cb=planes[1] if colours else None,
        Cr=planes[2] if colours else None,
        K=None,
        qt=np.ones((1, 8, 8), dtype=np.uint16),
        progressive_mode=None,
    )
    picture.write_dct(str(path), flags=["+OPTIMIZE_CODING"])
    return path.read_bytes()


def _segments(jpeg: JpegFile, said: Metadata) -> list[Segment]:
    """The segments before the picture: what its colours mean, and what is said about it."""
    new = [(0xE1, said.exif)] if said.exif else []
    if said.xmp:
        new.append((0xE1, xmp_segment(said.xmp)))
    if said.iptc:
        new.append((0xED, iptc_segment(said.iptc)))
    if said.comment:
        new.append((0xFE, said.comment))
    meaning = [segment for segment in jpeg.segments if segment.is_meaning]
    first = [segment for segment in meaning if segment.marker == 0xE0]
    rest = [segment for segment in meaning if segment.marker != 0xE0]
    return [*first, *(Segment(marker, content) for marker, content in new), *rest]


def _unit(jpeg: JpegFile | None) -> _Unit | None:
    if jpeg is None or not jpeg.is_plain:
        return None
    if len(jpeg.components) == 1:
        return _Unit(8, 8)
    across = max(one.horizontal for one in jpeg.components)
    down = max(one.vertical for one in jpeg.components)
    if any(across % one.horizontal or down % one.vertical for one in jpeg.components):
        return None
    return _Unit(8 * across, 8 * down)


def _block(component: Component, unit: _Unit) -> Size:
    """Pixels of the picture that one block of a component covers."""
    if unit == _Unit(8, 8):
        return 8, 8
    return unit.width // component.horizontal, unit.height // component.vertical


def _jpeg_of(photo: Photo) -> JpegFile | None:
    if photo.format != "JPEG" or not isinstance(photo.source, bytes | Path):
        return None
    data = photo.source if isinstance(photo.source, bytes) else photo.source.read_bytes()
    return read_jpeg(data)


def _nearest(position: int, unit: int, most: int) -> int:
    """The multiple of a unit that is nearest, 0 to ``most``."""
    near = (position + unit // 2) // unit * unit
    return near if near <= most else position // unit * unit
