"""Any of Pillow's modes to 8 bits and RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image


def blendable(image: Image.Image) -> Image.Image:
    """The picture in a mode whose values may be averaged: no palette, bilevel, 16 bits or colour key."""
    image = eight_bit(image)
    if image.mode in ("LA", "RGBA"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert({"1": "L", "P": "RGB"}.get(image.mode, image.mode))


def eight_bit(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits scaled to 8 (Pillow's own conversion clips); other pictures as they are.

    Integers are taken as 16 bits, as all formats that are read here mean them; floating point, whose range no
    format states, is stretched from its least to its greatest value.
    """
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        stretched = (values - values.min()) * (255 / max(float(np.ptp(values)), 1e-12))
        return Image.fromarray(stretched.round().astype(np.uint8))
    return image


def flat_rgb(image: Image.Image, background: int) -> Image.Image:
    """RGB, with what is transparent over an even grey of 0 to 255.

    Every picture that the network or a person sees passes through here, small: the place to apply a colour
    profile.
    """
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (background, background, background, 255))
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
