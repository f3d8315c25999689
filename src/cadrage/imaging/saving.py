"""Write pictures whole or not at all, each in a mode that its format can hold."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from cadrage.atomic import replacing
from cadrage.errors import ImageError
from cadrage.imaging.colour import eight_bit, flat_rgb
from cadrage.imaging.failures import printable, reason_of
from cadrage.imaging.photo import Photo
from cadrage.imaging.quiet import quiet

PAPER_WHITE = 255
"""What transparency is flattened on for a format that has none."""

_OPAQUE = 128
"""Least alpha of 255 that stays visible where a pixel is either transparent or not."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A format written.

    Attributes:
        format: Pillow's name of it.
        suffixes: of its files, the usual one first.
        modes: Pillow's modes that it can hold.
        lossy: whether it has a quality to choose.
        frames: whether it can hold an animation.
    """

    format: str
    suffixes: tuple[str, ...]
    modes: tuple[str, ...]
    lossy: bool = False
    frames: bool = False

    @property
    def has_colour_key(self) -> bool:
        """Whether one palette entry or colour can stand for transparent."""
        return "P" in self.modes


JPEG = Writer("JPEG", (".jpg", ".jpeg"), ("L", "RGB", "CMYK"), lossy=True)
PNG = Writer("PNG", (".png",), ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), frames=True)
WEBP = Writer("WEBP", (".webp",), ("RGB", "RGBA"), lossy=True, frames=True)
AVIF = Writer("AVIF", (".avif",), ("RGB", "RGBA"), lossy=True, frames=True)
TIFF = Writer("TIFF", (".tif", ".tiff"), ("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16", "F"))
GIF = Writer("GIF", (".gif",), ("1", "L", "P"), frames=True)

WRITERS = {writer.format.lower(): writer for writer in (JPEG, PNG, WEBP, AVIF, TIFF, GIF)}
"""By the name that people give."""

_BY_SUFFIX = {suffix: writer for writer in WRITERS.values() for suffix in writer.suffixes}


def natural_writer(photo: Photo) -> Writer:
    """The photograph's own format; for one that is not written, JPEG for HEIC and PNG for all others."""
    if photo.format == "HEIC":
        return JPEG
    return WRITERS.get(photo.format.lower(), PNG)


def save(image: Image.Image, path: Path, *, quality: int = 92, sources: Iterable[Path] = ()) -> None:
    """Write a picture in the format that the suffix names, with its colour profile and no other metadata.

    Transparency is flattened on white where the format has none.

    Args:
        image: the picture.
        path: where to; missing folders are made, a file of that name is replaced.
        quality: 1 to 100, for JPEG, WebP and AVIF.
        sources: files that must not be replaced, whatever name leads to them.

    Raises:
        ImageError: the suffix names no format, the path leads to one of the sources, or it cannot be written.
    """
    writer = _BY_SUFFIX.get(path.suffix.lower())
    if writer is None:
        name = printable(str(path))
        raise ImageError(f"{name} cannot be written: its name must end in {', '.join(_BY_SUFFIX)}.")
    with writing(path, sources) as part, refusing(printable(str(path)), writer, image.size):
        encode(image, part, writer, {"quality": quality} if writer.lossy else {})


@contextmanager
def writing(path: Path, sources: Iterable[Path]) -> Iterator[Path]:
    """A new file that takes the place of ``path`` when the block ends well; see ``cadrage.atomic``.

    Args:
        path: where to; missing folders are made.
        sources: files that must not be replaced, whatever name leads to them.

    Raises:
        ImageError: the path leads to one of the sources, or cannot be written.
    """
    name = printable(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and any(same_file(path, source) for source in sources):
            raise ImageError(f"{name} is a source and is not overwritten: choose another name.")
        with replacing(path) as part:
            yield part
    except OSError as error:
        raise ImageError(f"{name} cannot be written: {reason_of(error)}.") from error


@contextmanager
def refusing(name: str, writer: Writer, size_wh: tuple[int, int]) -> Iterator[None]:
    """Turn an encoder's refusal into one sentence; what the system says against writing passes."""
    try:
        with quiet():
            yield
    except (OSError, ValueError, RuntimeError, OverflowError, struct.error) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = f"{writer.format} does not take {size_wh[0]} x {size_wh[1]} pixels"
        raise ImageError(f"{name} cannot be written: {reason}.") from error


def encode(image: Image.Image, target: Path | IO[bytes], writer: Writer, options: dict[str, Any]) -> None:
    """Encode one picture; its colour profile is kept where the format holds the same kind of colours.

    Args:
        image: the picture; of its ``info`` the profile and the transparency count.
        target: a file to make, or one that is open.
        writer: the format.
        options: for Pillow's encoder.
    """
    fitted = fitting(image, writer)
    profile = image.info.get("icc_profile") if same_colours(fitted, image) else None
    fitted.info = {key: fitted.info[key] for key in ("transparency",) if key in fitted.info}
    fitted.save(target, writer.format, icc_profile=profile, **options)


def fitting(image: Image.Image, writer: Writer) -> Image.Image:
    """The picture in a mode that the format can hold, changed as little as possible; always a new object."""
    has_key = writer.has_colour_key and (writer is PNG or isinstance(image.info.get("transparency"), int))
    keeps_alpha = image.mode in ("LA", "RGBA") or has_key or not image.has_transparency_data
    if image.mode in writer.modes and keeps_alpha:
        return _sharing_pixels(image)
    if writer is GIF:
        return _in_a_palette(image)
    image = eight_bit(image)
    if image.has_transparency_data:
        return image.convert("RGBA") if "RGBA" in writer.modes else flat_rgb(image, PAPER_WHITE)
    grey = image.mode in ("1", "L") and "L" in writer.modes
    return image.convert("L" if grey else "RGB")


def same_colours(one: Image.Image, other: Image.Image) -> bool:
    """Whether the colour profile of one fits the other."""
    return _colour_space(one) == _colour_space(other)


def same_file(path: Path, source: Path) -> bool:
    """Whether two paths lead to one file that is there."""
    try:
        return path.samefile(source)
    except (OSError, ValueError):  # what no file can be named is a ValueError
        return False


def _sharing_pixels(image: Image.Image) -> Image.Image:
    shared = image._new(image.im)
    shared.info = dict(image.info)
    return shared


def _in_a_palette(image: Image.Image) -> Image.Image:
    """At most 256 colours, the last of them transparent if the picture has transparency."""
    image = eight_bit(image)
    if image.mode in ("1", "L") and not image.has_transparency_data:
        return image.convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB").quantize(256)
    coloured = image.convert("RGBA")
    indexed = coloured.convert("RGB").quantize(255)
    hidden = np.asarray(coloured.getchannel("A")) < _OPAQUE
    indexed.paste(255, mask=Image.fromarray(hidden))
    indexed.info = {"transparency": 255}
    return indexed


def _colour_space(image: Image.Image) -> str:
    """The kind of colour profile that fits the picture."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    return "grey" if image.getbands()[0] in ("1", "L", "I", "F") else "RGB"
