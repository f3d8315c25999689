"""Embedded ICC profiles: from the picture's own colours to sRGB.

Meant for small pictures, the working raster and previews; what is cut and written keeps its profile.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
"""Pillow's mode, and the colour space that a profile for it states."""

_LARGEST_PROFILE = 4 * 2**20
"""In bytes; those of printing presses have up to 3 MB."""

_INVISIBLE = 2
"""Of 255: a profile that moves no colour further than this is sRGB itself, by whatever name."""


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture's colours in sRGB.

    Args:
        image: RGB, grey, CMYK or Lab, with or without alpha, which stays as it is.
        profile: its ICC profile. One that is broken, or made for another kind of picture, is ignored, as
            viewers do.

    Returns:
        RGB, with alpha if ``image`` has it; ``image`` itself if there is nothing to convert.
    """
    if not isinstance(profile, bytes) or not profile:
        return image  # a damaged TIFF may hold a number in its place
    if image.mode in ("LA", "RGBA"):
        opaque = image.convert(image.mode[:-1])
        colours = to_srgb(opaque, profile)
        if colours is opaque:
            return image
        colours.putalpha(image.getchannel("A"))
        return colours
    if image.mode not in _PROFILE_SPACES or len(profile) > _LARGEST_PROFILE:
        return image
    transform = _transform(profile, image.mode)
    return image if transform is None else _apply(image, transform)


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted: Any = ImageCms.applyTransform(image, transform)
    return converted if isinstance(converted, Image.Image) else image


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a mode and profile to sRGB; ``None`` if the profile is of no use or changes nothing to be seen.

    Kept, since building one takes a millisecond for a camera's profile and up to twenty for a press's.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if _is_identity(transform, mode) else transform
    except Exception:  # a broken profile raises almost anything, and must not cost the picture
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode not in ("RGB", "L"):
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    colours = Image.fromarray(lattice) if mode == "RGB" else Image.fromarray(steps[None])
    before = np.asarray(colours.convert("RGB"), dtype=np.int16)
    return bool(np.abs(np.asarray(_apply(colours, transform)) - before).max() <= _INVISIBLE)
