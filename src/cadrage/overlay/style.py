"""What all pictures for people share: colours, type, and how things are made to fit."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageFont

Size = tuple[int, int]
Colour = tuple[int, int, int]

PAPER: Colour = (245, 244, 241)
CARD: Colour = (255, 255, 255)
RULE: Colour = (225, 222, 216)
INK: Colour = (32, 32, 34)
FAINT_INK: Colour = (120, 118, 114)


def fit(size_wh: Size, fit_wh: Size) -> Size:
    """The largest size of the same shape within another."""
    scale = min(fit / side for fit, side in zip(fit_wh, size_wh, strict=True))
    width, height = (max(1, round(side * scale)) for side in size_wh)
    return width, height


def fitted(image: Image.Image, fit_wh: Size) -> Image.Image:
    """The picture at the largest size of its shape within another, enlarged where it is smaller."""
    return image.resize(fit(image.size, fit_wh), Image.Resampling.LANCZOS)


def shortened(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """The text, or as much of its two ends as there is room for; control characters become blanks."""
    text = "".join(character if character.isprintable() else " " for character in text)
    if font.getlength(text) <= room:
        return text
    kept = len(text)
    while kept > 2 and font.getlength(_ends(text, kept)) > room:
        kept -= 1
    return _ends(text, kept)


def _ends(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


@cache
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """The typeface, at a size in pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font
