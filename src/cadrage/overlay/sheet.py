"""The contact sheet: every photograph with its crops outlined, and the crops beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from cadrage.overlay.boxes import LabelledCrop, colours_of, draw_boxes, scaled
from cadrage.overlay.style import (
    CARD,
    FAINT_INK,
    INK,
    PAPER,
    RULE,
    Colour,
    Size,
    fit,
    fitted,
    font_of,
    shortened,
)

PREVIEW_WH = (1120, 840)
"""Size that the picture of a ``SheetRow`` should fit into: smaller ones give soft crops, larger ones only cost."""

_MARGIN = 40
_PADDING = 24
_GAP = 24
_HEADER = 64
_PHOTO_WH = (560, 420)
_LARGE_CROP_WH = (480, 380)
_CROP_WH = (240, 168)
_TITLE_HEIGHT = 40
_CAPTION_HEIGHT = 32


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
    sheet = Image.new("RGB", (2 * _MARGIN + grid.card_width, height), PAPER)
    _draw_header(sheet, heading, model)
    y = _MARGIN + _HEADER
    for card in cards:
        sheet.paste(card, (_MARGIN, y))
        y += card.height + _GAP
    return sheet


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
    photo_width = max((fit(row.image.size, _PHOTO_WH)[0] for row in rows), default=_PHOTO_WH[0])
    most = max((len(row.crops) for row in rows), default=0)
    if most <= 2:
        return _Grid(photo_width, max(1, most), _LARGE_CROP_WH)
    return _Grid(photo_width, math.ceil(most / 2), _CROP_WH)


def _card(row: SheetRow, grid: _Grid, colours: Mapping[str, Colour]) -> Image.Image:
    """A photograph with its outlines on the left, its crops on the right."""
    photo = draw_boxes(fitted(row.image, _PHOTO_WH), row.size_wh, row.crops, colours=colours, scores=False)
    crops = _crops_picture(row, grid, colours)
    inside = max(photo.height, crops.height)
    card = Image.new("RGB", (grid.card_width, 2 * _PADDING + _TITLE_HEIGHT + inside), CARD)
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 0, card.width - 1, card.height - 1), outline=RULE)
    _draw_title(draw, row, card.width - 2 * _PADDING)
    card.paste(photo, (_PADDING, _PADDING + _TITLE_HEIGHT))
    card.paste(crops, (_PADDING + grid.photo_width + _GAP, _PADDING + _TITLE_HEIGHT))
    return card


def _crops_picture(row: SheetRow, grid: _Grid, colours: Mapping[str, Colour]) -> Image.Image:
    """The crops in lines as high as their highest crop, standing level on their captions."""
    shown = [
        (crop, fitted(row.image.crop(scaled(crop.box, row.size_wh, row.image.size)), grid.crop_wh))
        for crop in row.crops
    ]
    lines = [shown[start : start + grid.columns] for start in range(0, len(shown), grid.columns)]
    heights = [max(picture.height for _, picture in line) for line in lines]
    height = sum(heights) + len(lines) * _CAPTION_HEIGHT + max(0, len(lines) - 1) * _GAP
    canvas = Image.new("RGB", (grid.crops_width, height), CARD)
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
    font = font_of(17)
    score = f"{crop.score:.2f}"
    label = shortened(crop.label, font, room - font.getlength(score) - 12)
    draw.text(start, label, font=font, fill=INK, anchor="ls", stroke_width=0.3)
    after = (start[0] + font.getlength(label) + 12, start[1])
    draw.text(after, score, font=font, fill=FAINT_INK, anchor="ls")


def _draw_title(draw: ImageDraw.ImageDraw, row: SheetRow, room: float) -> None:
    size = f"{row.size_wh[0]} x {row.size_wh[1]}"
    title = shortened(row.title, font_of(20), room - font_of(16).getlength(size) - 16)
    baseline = _PADDING + 18
    draw.text((_PADDING, baseline), title, font=font_of(20), fill=INK, anchor="ls", stroke_width=0.3)
    after = _PADDING + font_of(20).getlength(title) + 16
    draw.text((after, baseline), size, font=font_of(16), fill=FAINT_INK, anchor="ls")


def _draw_header(sheet: Image.Image, heading: str, model: str) -> None:
    draw = ImageDraw.Draw(sheet)
    baseline, right = _MARGIN + 26, sheet.width - _MARGIN
    heading = shortened(heading, font_of(32), (right - _MARGIN) * 0.6)
    model = shortened(model, font_of(17), (right - _MARGIN) * 0.36)
    draw.text((_MARGIN, baseline), heading, font=font_of(32), fill=INK, anchor="ls", stroke_width=0.5)
    draw.text((right, baseline), model, font=font_of(17), fill=FAINT_INK, anchor="rs")
