"""HEIC, the photographs of telephones: told by their brand, read by an optional package."""

from __future__ import annotations

from typing import IO, cast

from PIL import ImageFile

from cadrage.errors import ImageError

SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif")

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_CONTAINER_BRANDS = {b"mif1", b"msf1"}


def is_heic(start: bytes) -> bool:
    """Whether a file is HEIC, by its brands: that it is made for, or compatible with, in its first box.

    Args:
        start: the file's first 64 bytes or more.
    """
    if start[4:8] != b"ftyp":
        return False
    major, length = start[8:12], int.from_bytes(start[:4], "big")
    if major not in _CONTAINER_BRANDS:
        return major in _HEIC_BRANDS
    box = start[:length]
    compatible = {box[at : at + 4] for at in range(16, len(box), 4)}
    return compatible.isdisjoint(_AVIF_BRANDS)


def open_heic(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Read the header of a HEIC file; its decoder turns the primary picture upright by itself.

    Raises:
        ImageError: the extra ``heic`` is not installed.
    """
    try:
        from pi_heif.as_plugin import HeifImageFile  # noqa: PLC0415
    except ImportError as error:
        raise ImageError(
            f"{name} is a HEIC picture; reading it needs the extra 'heic': pip install 'cadrage[heic]'"
        ) from error
    return cast("ImageFile.ImageFile", HeifImageFile(file, ""))
