"""Open a photograph: any source, header first, every failure one sentence."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from cadrage.errors import ImageError, RequestError
from cadrage.imaging.failures import decoding, printable, reason_of
from cadrage.imaging.formats import FORMATS, format_of, identify
from cadrage.imaging.frames import count_frames
from cadrage.imaging.guards import check_tiles
from cadrage.imaging.orientation import Size, exif_orientation, turned
from cadrage.imaging.quiet import quiet
from cadrage.imaging.shrink import Extent, shrink_on_load

__all__ = [
    "FORMATS",
    "PIXEL_LIMIT",
    "Held",
    "Photo",
    "Source",
    "decode",
    "decoding",
    "header",
    "open_photo",
    "printable",
    "reason_of",
]

PIXEL_LIMIT = 200_000_000
"""Most pixels a frame may have unless the caller says otherwise; decoded RGB takes 4 bytes for each."""

Source = Path | str | bytes | BinaryIO | Image.Image | NDArray[np.uint8]
"""What a photograph can be given as; see ``open_photo``."""

Held = Path | bytes | Image.Image
"""The three kinds of source that a ``Photo`` keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photograph that can be decoded when needed; a file's pixels are not kept.

    Attributes:
        name: what messages call it; the path of a file.
        size_wh: width and height of the frame, in pixels, after orientation.
        format: the file's format, such as ``"JPEG"``; ``""`` for pixels that never were in a file.
        orientation: EXIF orientation, 1 to 8; 1 when there is nothing to turn.
        source: the file, its bytes, or the picture in memory.
        frames: frames of an animation or pages of a TIFF file; 1 for a still, a HEIC file (its primary
            picture) and a picture in memory (the frame that it shows).
        page: which page of a TIFF file this is, from 0. Of an animation the first frame is the photograph.
    """

    name: str
    size_wh: Size
    format: str
    orientation: int
    source: Held = field(repr=False)
    frames: int = 1
    page: int = 0


def open_photo(
    source: Source, *, name: str | None = None, pixel_limit: int = PIXEL_LIMIT, page: int = 0
) -> Photo:
    """Look at a photograph without decoding it.

    Args:
        source: a path, the bytes of a file, a binary file object (read to its end), a Pillow picture (its
            EXIF orientation counts), or a uint8 array of shape (H, W) or (H, W, 1) for grey, (H, W, 3) for
            RGB, (H, W, 4) for RGBA. What is in memory must not be changed while the photo is in use.
        name: what messages call it; by default the path, or ``"The picture"``.
        pixel_limit: most pixels that the frame may have.
        page: of a TIFF file with several, from 0.

    Raises:
        ImageError: there is no such file, it cannot be read, it is not a picture in one of ``FORMATS``, its
            header is damaged, it has no pixels, or more than the limit.
        RequestError: there is no such page.
    """
    name = printable(name or _name_of(source))
    held = _held(source, name)
    with header(held, name) as image:
        frames = 1 if image is held else count_frames(image)
        pages = frames if image.format == "TIFF" else 1
        if not 0 <= page < pages:
            raise RequestError(f"{name} has no page {page}: its pages are numbered 0 to {pages - 1}.")
        _turn_to(image, page, name)
        _check_size(image.size, pixel_limit, name)
        _check_tiles(image, pixel_limit, name)
        if image is held:
            with decoding(name):
                image.load()  # now, since a lazy picture shared by threads would be loaded by both
        orientation = exif_orientation(image)
        size_wh = turned(image.size, orientation)
        return Photo(name, size_wh, format_of(image), orientation, held, frames, page)


def decode(photo: Photo, at_least: Size | None = None) -> tuple[Image.Image, Extent]:
    """The stored picture, not yet turned, decoded at a smaller scale where the format allows it.

    Args:
        photo: the photograph.
        at_least: smallest stored width and height that will do; by default full size.

    Returns:
        The picture, and where the whole frame lies in it: the last column and row of a scaled-down picture
        may stand for a fraction of a pixel.

    Raises:
        ImageError: the pixels cannot be decoded, or the file is no longer the one that was opened.
    """
    extent = None
    with header(photo.source, photo.name) as image:
        _turn_to(image, photo.page, photo.name)
        stored_wh = image.size
        if turned(stored_wh, photo.orientation) != photo.size_wh:
            raise ImageError(f"{photo.name} has changed since it was opened.")
        with decoding(photo.name):
            if at_least and image is not photo.source:
                extent = shrink_on_load(image, at_least)
            image.load()
    if not extent and image.size != stored_wh:
        raise ImageError(f"{photo.name} does not hold the pixels that its header promises.")
    return image, extent or (0, 0, *image.size)


@contextlib.contextmanager
def header(held: Held, name: str) -> Iterator[Image.Image]:
    """The picture with its header read, and its pixels not yet, for as long as its file is open.

    Pillow is quiet within: it warns whenever it meets an odd tag, be it in the pixels' turn or the metadata's.

    Raises:
        ImageError: the file cannot be read, or its header is damaged.
    """
    if isinstance(held, Image.Image):
        with quiet():
            yield held
        return
    try:
        file: IO[bytes] = BytesIO(held) if isinstance(held, bytes) else held.open("rb")
    except OSError as error:
        raise _unreadable(name, error) from error
    with file, quiet():
        yield identify(file, name)


def _turn_to(image: Image.Image, page: int, name: str) -> None:
    if page:
        with decoding(name):
            image.seek(page)


def _check_tiles(image: Image.Image, pixel_limit: int, name: str) -> None:
    tags = getattr(image, "tag_v2", {})
    sides = tags.get(ExifTags.Base.TileWidth), tags.get(ExifTags.Base.TileLength)
    if isinstance(sides[0], int) and isinstance(sides[1], int):
        check_tiles((sides[0], sides[1]), image.size, pixel_limit, name)


def _name_of(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source) or "''"
    label = getattr(source, "filename", None) or getattr(source, "name", None)
    return os.fsdecode(label) if label and isinstance(label, str | os.PathLike) else "The picture"


def _held(source: object, name: str) -> Held:
    """The source in one of the kinds that a ``Photo`` keeps."""
    if isinstance(source, str | os.PathLike):
        path = Path(os.fsdecode(source))
        _check_file(path, name)
        return path
    if isinstance(source, np.ndarray):
        return _from_array(source, name)
    if isinstance(source, Image.Image):
        return source
    data = _read_all(source, name)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError(
            "A photograph is a path, bytes, a binary file object, a Pillow picture or a uint8 array, "
            f"not {type(source).__name__}."
        )
    if not data:
        raise ImageError(f"{name} is empty.")
    return bytes(data)


def _read_all(source: object, name: str) -> object:
    """What a file object holds; anything else as it is."""
    try:
        return source.read() if hasattr(source, "read") else source
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read.") from error


def _check_file(path: Path, name: str) -> None:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{name} is a folder, not a picture.")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{name} is not an ordinary file.")
    if status.st_size == 0:
        raise ImageError(f"{name} is empty.")


def _unreadable(name: str, error: OSError | ValueError) -> ImageError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return ImageError(f"{name} does not exist.")
    return ImageError(f"{name} cannot be read: {reason_of(error)}.")


def _from_array(array: NDArray[np.uint8], name: str) -> Image.Image:
    flat = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if flat.dtype != np.uint8 or not (flat.ndim == 2 or (flat.ndim == 3 and flat.shape[2] in (3, 4))):
        raise ImageError(
            f"{name}: an array must be uint8 of shape (H, W), (H, W, 3) or (H, W, 4), "
            f"not {array.dtype} of shape {array.shape}."
        )
    if flat.size == 0:
        raise ImageError(f"{name} has no pixels: its shape is {array.shape}.")
    return Image.fromarray(np.ascontiguousarray(flat))


def _check_size(size_wh: Size, pixel_limit: int, name: str) -> None:
    width, height = size_wh
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels: its size is {width} x {height}.")
    if width * height > pixel_limit:
        raise ImageError(
            f"{name} has {width} x {height} = {width * height:,} pixels, "
            f"more than the limit of {pixel_limit:,}."
        )
