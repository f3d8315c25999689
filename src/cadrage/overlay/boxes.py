"""Boxes drawn on a photograph."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from cadrage.geometry import Box
from cadrage.overlay.style import INK, Colour, Size, font_of

Rectangle = tuple[int, int, int, int]

COLOURS: tuple[Colour, ...] = (
    (232, 89, 12),
    (25, 118, 210),
    (0, 150, 110),
    (245, 190, 30),
    (140, 80, 200),
    (225, 70, 140),
    (20, 180, 205),
    (130, 100, 70),
)
"""One for each label, in the order in which labels first appear; told apart on any photograph."""


class LabelledCrop(NamedTuple):
    """A crop as people see it: its ratio or other label, its box in frame pixels, its score."""

    label: str
    box: Box
    score: float


def colours_of(labels: Iterable[str]) -> dict[str, Colour]:
    """A colour for each label, in the order of their first appearance."""
    return {label: COLOURS[n % len(COLOURS)] for n, label in enumerate(dict.fromkeys(labels))}


def draw_boxes(
    image: Image.Image,
    size_wh: Size,
    crops: Sequence[LabelledCrop],
    *,
    colours: Mapping[str, Colour] | None = None,
    scores: bool = True,
) -> Image.Image:
    """Outline crops on a copy of a photograph, each with a tag that says which it is.

    Outlines that would cover one another lie side by side, and tags keep clear of each other where there is room.

    Args:
        image: the whole frame at any size.
        size_wh: the frame's width and height in pixels.
        crops: what to outline; the first lies outermost.
        colours: of labels; those that it lacks get theirs from ``colours_of``.
        scores: whether tags say the score, too.
    """
    drawn = image.convert("RGB")
    chosen = {**colours_of(crop.label for crop in crops), **(colours or {})}
    stroke = max(2, round(math.sqrt(drawn.width * drawn.height) / 160))
    outlines = _apart([scaled(crop.box, size_wh, drawn.size) for crop in crops], stroke)
    draw = ImageDraw.Draw(drawn, "RGBA")
    for outline, crop in zip(outlines, crops, strict=True):
        x1, y1, x2, y2 = outline
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=chosen[crop.label], width=stroke)
        inner = (x1 + stroke, y1 + stroke, x2 - 1 - stroke, y2 - 1 - stroke)
        if inner[0] < inner[2] and inner[1] < inner[3]:
            draw.rectangle(inner, outline=(0, 0, 0, 90))
    taken: list[Rectangle] = []
    for outline, crop in zip(outlines, crops, strict=True):
        text = f"{crop.label}  {crop.score:.2f}" if scores else crop.label
        taken.append(_draw_tag(draw, outline, text, chosen[crop.label], taken))
    return drawn


def scaled(box: Box, size_wh: Size, onto_wh: Size) -> Rectangle:
    """The whole pixels of a picture that a box of the frame covers, at least one."""
    x1, x2 = _span(box.x1, box.x2, size_wh[0], onto_wh[0])
    y1, y2 = _span(box.y1, box.y2, size_wh[1], onto_wh[1])
    return x1, y1, x2, y2


def _span(low: float, high: float, side: int, onto: int) -> tuple[int, int]:
    first = min(max(round(low * onto / side), 0), onto - 1)
    return first, min(max(round(high * onto / side), first + 1), onto)


def _apart(outlines: Sequence[Rectangle], stroke: int) -> list[Rectangle]:
    """The outlines with each edge moved inwards until it covers no earlier edge of the same side."""
    placed: list[Rectangle] = []
    for outline in outlines:
        x1, y1, x2, y2 = (
            _clear(edge, inwards * stroke, [other[side] for other in placed])
            for side, (edge, inwards) in enumerate(zip(outline, (1, 1, -1, -1), strict=True))
        )
        placed.append((x1, y1, x2, y2) if x2 - x1 > 2 * stroke and y2 - y1 > 2 * stroke else outline)
    return placed


def _clear(edge: int, step: int, others: Sequence[int]) -> int:
    while any(abs(edge - other) < abs(step) for other in others):
        edge += step
    return edge


def _draw_tag(
    draw: ImageDraw.ImageDraw, outline: Rectangle, text: str, colour: Colour, taken: Sequence[Rectangle]
) -> Rectangle:
    """Draw a tag at the first place along the outline that is free, else in its corner; return what it covers."""
    size = max(13, round(math.sqrt(math.prod(draw.im.size)) / 32))
    font = font_of(size)
    wide, high = round(font.getlength(text)) + size, round(size * 1.5)
    x1, y1, x2, y2 = outline
    right, low = max(x1, x2 - wide), max(y1, y2 - high)
    step = max(4, size // 2)
    places = [(x, y) for y in (y1, low) for x in range(x1, right + 1, step)]
    places += [(x, y) for x in (x1, right) for y in range(y1, low + 1, step)]
    free = ((x, y) for x, y in places if not _hits((x, y, x + wide, y + high), taken))
    x, y = next(free, (x1, y1))
    x, y = max(0, min(x, draw.im.size[0] - wide)), max(0, min(y, draw.im.size[1] - high))
    draw.rectangle((x, y, x + wide - 1, y + high - 1), fill=colour)
    draw.text((x + wide / 2, y + high / 2), text, font=font, fill=_readable_on(colour), anchor="mm")
    return x, y, x + wide, y + high


def _hits(tag: Rectangle, others: Iterable[Rectangle]) -> bool:
    x1, y1, x2, y2 = tag
    return any(x1 < right and left < x2 and y1 < low and top < y2 for left, top, right, low in others)


def _readable_on(colour: Colour) -> Colour:
    red, green, blue = colour
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 165 else (255, 255, 255)
