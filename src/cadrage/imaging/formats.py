"""Which formats are read, and how a file's own is found out: by its content, never by its name."""

from __future__ import annotations

from typing import IO

from PIL import Image, ImageFile

from cadrage.errors import ImageError
from cadrage.imaging import heic
from cadrage.imaging.failures import decoding
from cadrage.imaging.guards import check_parts

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "PPM", "JPEG2000")
"""Formats read by Pillow; no others, since some of its readers start programs or have no signature to go by."""

HEIC = "HEIC"
"""The format read with the extra ``heic``."""


def readable_suffixes() -> frozenset[str]:
    """Suffixes, in lower case and with their dot, of the files that may be photographs."""
    Image.init()
    names = Image.registered_extensions().items()
    return frozenset({suffix for suffix, name in names if name in FORMATS} | set(heic.SUFFIXES))


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
        Image.preinit()
        for format_name in FORMATS:
            if format_name not in Image.OPEN:
                Image.init()
            factory, accept = Image.OPEN.get(format_name, (None, None))
            if factory and accept and accept(start[:16]) is True:
                check_parts(file, format_name, name)
                return _by_its_own_rules(factory(file, ""))
    raise ImageError(f"{name} is not in a picture format that can be read ({', '.join((*FORMATS, HEIC))}).")


def format_of(image: Image.Image) -> str:
    """The format by its usual name; a JPEG file with more pictures after the first is Pillow's MPO."""
    return {"MPO": "JPEG", "HEIF": HEIC}.get(image.format or "", image.format or "")


def _by_its_own_rules(image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    """Correct what Pillow assumes: that all CMYK JPEGs are inverted, as Adobe's are, and say so."""
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        codec, extents, offset, _ = image.tile[0]
        image.tile = [ImageFile._Tile(codec, extents, offset, ("CMYK", ""))]
    return image
