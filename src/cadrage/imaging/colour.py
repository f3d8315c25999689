"""Any of Pillow's modes to 8 bits and RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cadrage.imaging.profiles import to_srgb


def blendable(image: Image.Image) -> Image.Image:
    """The picture in a mode whose values may be averaged: no palette, bilevel, 16 bits or colour key."""
    image = eight_bit(image)
    if image.mode in ("LA", "RGBA"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    averaged = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
    # To convert to the same mode is to copy, and this may be a picture of 400 MB.
    return image if image.mode == averaged else image.convert(averaged)


def eight_bit(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits scaled to 8 (Pillow's own conversion clips); other pictures as they are.

    Integers are taken as 16 bits, as all formats that are read here mean them; floating point, whose range no
    format states, is stretched from its least to its greatest value; what is not a number becomes black.
    """
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode == "F":
        return _stretched(image)
    return image


def shown_rgb(image: Image.Image, profile: bytes | None, background: int) -> Image.Image:
    """The sRGB that a viewer shows, with what is transparent over an even grey.

    Every picture that the network or a person sees passes through here, small.

    Args:
        image: in a mode of ``blendable``.
        profile: its ICC profile.
        background: the grey, 0 to 255.
    """
    return flat_rgb(to_srgb(image, profile), background)


def flat_rgb(image: Image.Image, background: int) -> Image.Image:
    """RGB, with what is transparent over an even grey of 0 to 255; a colour profile still holds for it."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (background, background, background, 255))
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    with np.errstate(invalid="ignore"):  # some bit patterns of "not a number" warn when they are copied
        values = np.asarray(image, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Image.new("L", image.size)
    low, high = finite.min(), finite.max()
    stretched = (np.nan_to_num(values, nan=low).clip(low, high) - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(stretched.round().astype(np.uint8))
