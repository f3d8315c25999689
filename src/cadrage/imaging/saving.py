"""Write pictures whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from cadrage.atomic import replacing
from cadrage.errors import ImageError
from cadrage.imaging.colour import eight_bit, flat_rgb
from cadrage.imaging.photo import Photo, printable, reason_of

PAPER_WHITE = 255
"""What transparency is flattened on for a format that has none."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """A format written: the modes it can hold, and whether it has a quality to choose."""

    format: str
    modes: tuple[str, ...]
    lossy: bool

    @property
    def has_colour_key(self) -> bool:
        """Whether one palette entry or colour can stand for transparent."""
        return "P" in self.modes


_JPEG = _Writer("JPEG", ("L", "RGB", "CMYK"), lossy=True)
_PNG = _Writer("PNG", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), lossy=False)
_WEBP = _Writer("WEBP", ("RGB", "RGBA"), lossy=True)
_AVIF = _Writer("AVIF", ("RGB", "RGBA"), lossy=True)
_TIFF = _Writer("TIFF", ("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16", "F"), lossy=False)
_WRITERS = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".png": _PNG,
    ".webp": _WEBP,
    ".avif": _AVIF,
    ".tif": _TIFF,
    ".tiff": _TIFF,
}


def natural_suffix(photo: Photo) -> str:
    """Suffix for a crop in the photograph's own format; ``".png"`` where that format is not written."""
    return next((suffix for suffix, writer in _WRITERS.items() if writer.format == photo.format), ".png")


def save(image: Image.Image, path: Path, *, quality: int = 92, sources: Iterable[Path] = ()) -> None:
    """Write a picture in the format that the suffix names.

    Transparency is flattened on white where the format has none; the colour profile is kept.

    Args:
        image: the picture.
        path: where to; missing folders are made, a file of that name is replaced.
        quality: 1 to 100, for JPEG, WebP and AVIF.
        sources: files that must not be replaced, whatever name leads to them.

    Raises:
        ImageError: the suffix names no format, the path leads to one of the sources, or it cannot be written.
    """
    name = printable(str(path))
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ImageError(f"{name} cannot be written: its name must end in {', '.join(_WRITERS)}.")
    fitting = _fitting(image, writer)
    same_space = _colour_space(fitting) == _colour_space(image)
    options: dict[str, Any] = {"icc_profile": image.info.get("icc_profile") if same_space else None}
    if writer.lossy:
        options["quality"] = quality
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(_same_file(path, source) for source in sources):
            raise ImageError(f"{name} is a source and is not overwritten: choose another name.")
        with replacing(path) as part:
            fitting.save(part, writer.format, **options)
    except (OSError, ValueError, RuntimeError) as error:
        reason = _reason(error) or f"{writer.format} does not take {image.width} x {image.height} pixels"
        raise ImageError(f"{name} cannot be written: {reason}.") from error


def _reason(error: Exception) -> str | None:
    """What the system said against writing; ``None`` when it was the encoder that refused."""
    return reason_of(error) if isinstance(error, OSError) and error.errno else None


def _same_file(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:
        return False  # one of them is not there, so nothing can be replaced


def _fitting(image: Image.Image, writer: _Writer) -> Image.Image:
    """The picture in a mode that the format can hold, changed as little as possible."""
    keeps_alpha = image.mode in ("LA", "RGBA") or writer.has_colour_key or not image.has_transparency_data
    if image.mode in writer.modes and keeps_alpha:
        return image
    image = eight_bit(image)
    if image.has_transparency_data:
        return image.convert("RGBA") if "RGBA" in writer.modes else flat_rgb(image, PAPER_WHITE)
    grey = image.mode in ("1", "L") and "L" in writer.modes
    return image.convert("L" if grey else "RGB")


def _colour_space(image: Image.Image) -> str:
    """The kind of colour profile that fits the picture."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    return "grey" if image.getbands()[0] in ("1", "L", "I", "F") else "RGB"
