"""Pictures for people: boxes drawn on a photograph, and the contact sheet of its crops.

Pure functions from small pictures to pictures. Boxes are in frame pixels, and come with the size of the frame that
they refer to; the pictures they are drawn on may be of any smaller size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from cadrage.geometry import Box

PREVIEW_WH = (1120, 840)
"""Size that the picture of a ``SheetRow`` should fit into: smaller ones give soft crops, larger ones only cost."""

Size = tuple[int, int]
Colour = tuple[int, int, int]
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

_PAPER: Colour = (245, 244, 241)
_CARD: Colour = (255, 255, 255)
_RULE: Colour = (225, 222, 216)
_INK: Colour = (32, 32, 34)
_FAINT_INK: Colour = (120, 118, 114)

_MARGIN = 40
_PADDING = 24
_GAP = 24
_HEADER = 64
_PHOTO_WH = (560, 420)
_LARGE_CROP_WH = (480, 380)
_CROP_WH = (240, 168)
_TITLE_HEIGHT = 40
_CAPTION_HEIGHT = 32


class LabelledCrop(NamedTuple):
    """A crop as people see it: its ratio or other label, its box in frame pixels, its score."""

    label: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class SheetRow:
    """One photograph of a contact sheet.

    Attributes:
        title: its name.
        image: the whole frame, RGB, best as large as ``PREVIEW_WH``.
        size_wh: the frame's width and height in pixels.
        crops: what to show beside it, in this order; may be empty.
    """

    title: str
    image: Image.Image
    size_wh: Size
    crops: Sequence[LabelledCrop]


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
    outlines = _apart([_scaled(crop.box, size_wh, drawn.size) for crop in crops], stroke)
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


def contact_sheet(rows: Sequence[SheetRow], *, heading: str, model: str) -> Image.Image:
    """One picture that shows every photograph with its crops outlined, and the crops beside it with their scores.

    Args:
        rows: the photographs, from top to bottom; each takes about 500 pixels of height.
        heading: what the sheet is.
        model: name and version of the model that gave the scores.

    Returns:
        RGB; as wide as the most crops of a row need.
    """
    colours = colours_of(crop.label for row in rows for crop in row.crops)
    grid = _grid(rows)
    cards = [_card(row, grid, colours) for row in rows]
    height = 2 * _MARGIN + _HEADER + sum(card.height for card in cards) + _GAP * max(0, len(cards) - 1)
    sheet = Image.new("RGB", (2 * _MARGIN + grid.card_width, height), _PAPER)
    _draw_header(sheet, heading, model)
    y = _MARGIN + _HEADER
    for card in cards:
        sheet.paste(card, (_MARGIN, y))
        y += card.height + _GAP
    return sheet


# Outlines and tags.


def _scaled(box: Box, size_wh: Size, onto_wh: Size) -> Rectangle:
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
    font = _font(size)
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
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 165 else (255, 255, 255)


# The sheet.


@dataclass(frozen=True, slots=True)
class _Grid:
    """The columns that all cards share: one for the photographs, then those of the crops."""

    photo_width: int
    columns: int
    crop_wh: Size

    @property
    def crops_width(self) -> int:
        return self.columns * (self.crop_wh[0] + _GAP) - _GAP

    @property
    def card_width(self) -> int:
        return _PADDING + self.photo_width + _GAP + self.crops_width + _PADDING


def _grid(rows: Sequence[SheetRow]) -> _Grid:
    """Crops in two lines beside the photograph; one or two crops large, in one line."""
    photo_width = max((_fit(row.image.size, _PHOTO_WH)[0] for row in rows), default=_PHOTO_WH[0])
    most = max((len(row.crops) for row in rows), default=0)
    if most <= 2:
        return _Grid(photo_width, max(1, most), _LARGE_CROP_WH)
    return _Grid(photo_width, math.ceil(most / 2), _CROP_WH)


def _card(row: SheetRow, grid: _Grid, colours: Mapping[str, Colour]) -> Image.Image:
    """A photograph with its outlines on the left, its crops on the right."""
    photo = draw_boxes(_fitted(row.image, _PHOTO_WH), row.size_wh, row.crops, colours=colours, scores=False)
    crops = _crops_picture(row, grid, colours)
    inside = max(photo.height, crops.height)
    card = Image.new("RGB", (grid.card_width, 2 * _PADDING + _TITLE_HEIGHT + inside), _CARD)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, card.width - 1, card.height - 1), outline=_RULE)
    _draw_title(draw, row, card.width - 2 * _PADDING)
    card.paste(photo, (_PADDING, _PADDING + _TITLE_HEIGHT))
    card.paste(crops, (_PADDING + grid.photo_width + _GAP, _PADDING + _TITLE_HEIGHT))
    return card


def _crops_picture(row: SheetRow, grid: _Grid, colours: Mapping[str, Colour]) -> Image.Image:
    """The crops in lines as high as their highest crop, standing level on their captions."""
    shown = [
        (crop, _fitted(row.image.crop(_scaled(crop.box, row.size_wh, row.image.size)), grid.crop_wh))
        for crop in row.crops
    ]
    lines = [shown[start : start + grid.columns] for start in range(0, len(shown), grid.columns)]
    heights = [max(picture.height for _, picture in line) for line in lines]
    height = sum(heights) + len(lines) * _CAPTION_HEIGHT + max(0, len(lines) - 1) * _GAP
    canvas = Image.new("RGB", (grid.crops_width, height), _CARD)
    draw = ImageDraw.Draw(canvas)
    bottom = 0
    for line, line_height in zip(lines, heights, strict=True):
        bottom += line_height
        for column, (crop, picture) in enumerate(line):
            x = column * (grid.crop_wh[0] + _GAP)
            canvas.paste(picture, (x, bottom - picture.height))
            draw.rectangle((x, bottom, x + picture.width - 1, bottom + 3), fill=colours[crop.label])
            _draw_caption(draw, (x, bottom + 24), crop, grid.crop_wh[0])
        bottom += _CAPTION_HEIGHT + _GAP
    return canvas


def _draw_caption(draw: ImageDraw.ImageDraw, start: Size, crop: LabelledCrop, room: int) -> None:
    font = _font(17)
    score = f"{crop.score:.2f}"
    label = _shortened(crop.label, font, room - font.getlength(score) - 12)
    draw.text(start, label, font=font, fill=_INK, anchor="ls", stroke_width=0.3)
    after = (start[0] + font.getlength(label) + 12, start[1])
    draw.text(after, score, font=font, fill=_FAINT_INK, anchor="ls")


def _draw_title(draw: ImageDraw.ImageDraw, row: SheetRow, room: float) -> None:
    size = f"{row.size_wh[0]} x {row.size_wh[1]}"
    title = _shortened(row.title, _font(20), room - _font(16).getlength(size) - 16)
    baseline = _PADDING + 18
    draw.text((_PADDING, baseline), title, font=_font(20), fill=_INK, anchor="ls", stroke_width=0.3)
    after = _PADDING + _font(20).getlength(title) + 16
    draw.text((after, baseline), size, font=_font(16), fill=_FAINT_INK, anchor="ls")


def _draw_header(sheet: Image.Image, heading: str, model: str) -> None:
    draw = ImageDraw.Draw(sheet)
    baseline, right = _MARGIN + 26, sheet.width - _MARGIN
    heading = _shortened(heading, _font(32), (right - _MARGIN) * 0.6)
    model = _shortened(model, _font(17), (right - _MARGIN) * 0.36)
    draw.text((_MARGIN, baseline), heading, font=_font(32), fill=_INK, anchor="ls", stroke_width=0.5)
    draw.text((right, baseline), model, font=_font(17), fill=_FAINT_INK, anchor="rs")


def _fit(size_wh: Size, fit_wh: Size) -> Size:
    """The largest size of the same shape within another."""
    scale = min(fit / side for fit, side in zip(fit_wh, size_wh, strict=True))
    width, height = (max(1, round(side * scale)) for side in size_wh)
    return width, height


def _fitted(image: Image.Image, fit_wh: Size) -> Image.Image:
    return image.resize(_fit(image.size, fit_wh), Image.Resampling.LANCZOS)


def _shortened(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
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
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font
