"""Which formats are read, and how a file's own is found out: by its content, never by its name."""

from __future__ import annotations

from importlib import import_module
from typing import IO

from PIL import Image, ImageFile

from cadrage.errors import ImageError
from cadrage.imaging import heic
from cadrage.imaging.failures import decoding
from cadrage.imaging.guards import check_parts

_READERS = {
    "JPEG": "Jpeg",
    "PNG": "Png",
    "WEBP": "WebP",
    "TIFF": "Tiff",
    "GIF": "Gif",
    "AVIF": "Avif",
    "BMP": "Bmp",
    "PPM": "Ppm",
    "JPEG2000": "Jpeg2K",
}
"""Names of Pillow's modules for them."""

FORMATS = tuple(_READERS)
"""Formats read by Pillow; no others, since some of its readers start programs or have no signature to go by."""

HEIC = "HEIC"
"""The format read with the extra ``heic``."""


def readable_suffixes() -> frozenset[str]:
    """Suffixes, in lower case and with their dot, of the files that may be photographs."""
    _load_readers()
    return frozenset(
        {suffix for suffix, name in Image.EXTENSION.items() if name in FORMATS} | set(heic.SUFFIXES)
    )


def identify(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Read the header of an open file.

    ``Image.open`` would do, but for its limit of pixels: a variable of the whole process, at which it warns
    and then refuses, below our own.

    Raises:
        ImageError: the file is in none of the formats read, or its header is damaged or hostile.
    """
    with decoding(name):
        start = file.read(64)
        if heic.is_heic(start):
            check_parts(file, HEIC, name)
            return heic.open_heic(file, name)
        _load_readers()
        for format_name in FORMATS:
            factory, accept = Image.OPEN.get(format_name, (None, None))
            if factory and accept and accept(start[:16]) is True:
                check_parts(file, format_name, name)
                return _by_its_own_rules(factory(file, ""))
    raise ImageError(f"{name} is not in a picture format that can be read ({', '.join((*FORMATS, HEIC))}).")


def _load_readers() -> None:
    """Have Pillow know the formats read: to have it find all that it has takes a tenth of a second."""
    for module in _READERS.values():
        import_module(f"PIL.{module}ImagePlugin")


def format_of(image: Image.Image) -> str:
    """The format by its usual name; a JPEG file with more pictures after the first is Pillow's MPO."""
    return {"MPO": "JPEG", "HEIF": HEIC}.get(image.format or "", image.format or "")


def _by_its_own_rules(image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    """Correct what Pillow assumes: that all CMYK JPEGs are inverted, as Adobe's are, and say so."""
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        codec, extents, offset, _ = image.tile[0]
        image.tile = [ImageFile._Tile(codec, extents, offset, ("CMYK", ""))]
    return image
