"""How a caption found its crop: one picture of the whole search, or a picture for each of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from cadrage.geometry import Box
from cadrage.overlay.boxes import COLOURS, scaled
from cadrage.overlay.style import CARD, FAINT_INK, INK, PAPER, RULE, Colour, Size, fitted, font_of, shortened

PANEL_WH: Size = (560, 420)
"""Size that each panel fills, or that its picture fits into."""

FRAME_WH: Size = (440, 330)
"""The same for the pictures of an animation."""

_MARGIN, _GAP, _TITLE, _NOTE, _HEADER = 36, 24, 36, 28, 60
_FOUND, _OTHERS, _BEGUN = COLOURS[0], (190, 186, 180), COLOURS[1]


@dataclass(frozen=True, slots=True)
class WordShown:
    """A word and its probability before and after the search, in [0, 1]."""

    word: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class SearchShown:
    """What is shown of a search.

    Attributes:
        title: name of the photograph.
        caption: what was searched for.
        image: the whole frame, RGB, at any size.
        size_wh: the frame's width and height in pixels.
        crop: the answer, in frame pixels.
        path: the boxes of the run that came nearest to it, step by step, at least one.
        losses: total losses of each run, step by step; the run of the path first.
        words: of the caption.
        notes: lines below the panels.
    """

    title: str
    caption: str
    image: Image.Image
    size_wh: Size
    crop: Box
    path: Sequence[Box]
    losses: Sequence[Sequence[float]]
    words: Sequence[WordShown]
    notes: Sequence[str]


def search_picture(one: SearchShown) -> Image.Image:
    """Panels: the boxes along the way, the crop, the losses over the steps, the words before and after; RGB."""
    photo = fitted(one.image.convert("RGB"), PANEL_WH)
    panels = [
        ("Boxes along the way", _way(photo, one)),
        ("The crop", fitted(_cut(one, one.crop), PANEL_WH)),
        ("Loss over the steps", _curves(one, PANEL_WH)),
        ("Words before and after", _bars(one.words, PANEL_WH)),
    ]
    wide, high = PANEL_WH
    width = 2 * _MARGIN + 2 * wide + _GAP
    notes_at = _MARGIN + _HEADER + 2 * (_TITLE + high + _GAP)
    sheet = Image.new("RGB", (width, notes_at + _NOTE * len(one.notes) + _MARGIN), PAPER)
    _heading(sheet, one, _MARGIN)
    draw = ImageDraw.Draw(sheet)
    for number, (title, panel) in enumerate(panels):
        x = _MARGIN + number % 2 * (wide + _GAP)
        y = _MARGIN + _HEADER + number // 2 * (high + _TITLE + _GAP)
        draw.text((x, y + 22), title, font=font_of(18), fill=INK, anchor="ls")
        _framed(sheet, panel, (x, y + _TITLE), PANEL_WH)
    for number, note in enumerate(one.notes):
        line = shortened(note, font_of(16), width - 2 * _MARGIN)
        draw.text((_MARGIN, notes_at + 18 + _NOTE * number), line, font=font_of(16), fill=INK, anchor="ls")
    return sheet


def search_frames(one: SearchShown) -> Iterator[Image.Image]:
    """A picture for each step and one of the answer, all of one size: the box, its crop, the losses so far; RGB."""
    wide, high = FRAME_WH
    photo = fitted(one.image.convert("RGB"), FRAME_WH)
    dark = Image.blend(photo, Image.new("RGB", photo.size, (20, 20, 22)), 0.65)
    low, margin = 150, 20
    top = margin + _HEADER
    for step, box in enumerate([*one.path, one.crop], start=1):
        found = step > len(one.path)
        sheet = Image.new("RGB", (2 * margin + 2 * wide + _GAP, top + high + _GAP + low + margin), PAPER)
        _heading(sheet, one, margin)
        shown, outline = dark.copy(), scaled(box, one.size_wh, photo.size)
        shown.paste(photo.crop(outline), outline[:2])
        x1, y1, x2, y2 = outline
        colour = _FOUND if found else (255, 255, 255)
        ImageDraw.Draw(shown).rectangle((x1, y1, x2 - 1, y2 - 1), outline=colour, width=3)
        _framed(sheet, shown, (margin, top), FRAME_WH)
        _framed(sheet, fitted(_cut(one, box), FRAME_WH), (margin + wide + _GAP, top), FRAME_WH)
        curves = _curves(one, (2 * wide + _GAP, low), None if found else step)
        sheet.paste(curves, (margin, top + high + _GAP))
        yield sheet


def _cut(one: SearchShown, box: Box) -> Image.Image:
    return one.image.convert("RGB").crop(scaled(box, one.size_wh, one.image.size))


def _way(photo: Image.Image, one: SearchShown) -> Image.Image:
    """The boxes of the path, from blue to orange, and the answer, thick."""
    shown = Image.blend(photo, Image.new("RGB", photo.size, (20, 20, 22)), 0.3)
    draw = ImageDraw.Draw(shown, "RGBA")
    for number, box in enumerate(one.path):
        done = number / max(1, len(one.path) - 1)
        x1, y1, x2, y2 = scaled(box, one.size_wh, photo.size)
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=(*_mixed(_BEGUN, _FOUND, done), 170))
    x1, y1, x2, y2 = scaled(one.crop, one.size_wh, photo.size)
    draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=_FOUND, width=4)
    return shown


def _curves(one: SearchShown, size_wh: Size, steps: int | None = None) -> Image.Image:
    """Losses of the first so many steps, or of all: those of all runs in grey, the path's own above them."""
    canvas = Image.new("RGB", size_wh, CARD)
    draw = ImageDraw.Draw(canvas)
    every = [loss for losses in one.losses for loss in losses if math.isfinite(loss)]
    if not every:
        return canvas
    low, high = min(every), max(every)
    length = max(map(len, one.losses))
    left, top, right, bottom = 64, 16, size_wh[0] - 16, size_wh[1] - 34

    def point(step: int, loss: float) -> tuple[float, float]:
        across = step / max(1, length - 1)
        return left + across * (right - left), bottom - (loss - low) / max(high - low, 1e-9) * (bottom - top)

    draw.line((left, top, left, bottom, right, bottom), fill=RULE, width=2)
    font = font_of(13)
    for value in (low, high):
        draw.text((left - 8, point(0, value)[1]), f"{value:.2f}", font=font, fill=FAINT_INK, anchor="rm")
    draw.text((right, bottom + 8), f"{length - 1} steps", font=font, fill=FAINT_INK, anchor="ra")
    for number, losses in reversed(list(enumerate(one.losses))):
        points = [point(step, loss) for step, loss in enumerate(losses[:steps]) if math.isfinite(loss)]
        colour, width = (_FOUND, 3) if number == 0 else (_OTHERS, 1)
        if len(points) > 1:
            draw.line(points, fill=colour, width=width)
        elif points and number == 0:
            x, y = points[0]
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
    return canvas


def _bars(words: Sequence[WordShown], size_wh: Size) -> Image.Image:
    """Two bars for each word, as many words as there is room for."""
    canvas = Image.new("RGB", size_wh, CARD)
    draw = ImageDraw.Draw(canvas)
    high, left = 46, 150
    room = size_wh[0] - left - 90
    shown = words[: (size_wh[1] - 16) // high]
    most = max((max(one.before, one.after) for one in shown), default=0.0) or 1.0
    for number, one in enumerate(shown):
        y = 12 + number * high
        word = shortened(one.word, font_of(17), left - 24)
        draw.text((left - 12, y + 18), word, font=font_of(17), fill=INK, anchor="rm")
        for offset, value, colour in ((2, one.before, _OTHERS), (18, one.after, _FOUND)):
            end = left + room * value / most
            draw.rectangle((left, y + offset, max(end, left + 1), y + offset + 13), fill=colour)
            place = (end + 8, y + offset + 7)
            draw.text(place, f"{value:.2g}", font=font_of(13), fill=FAINT_INK, anchor="lm")
    return canvas


def _heading(sheet: Image.Image, one: SearchShown, margin: int) -> None:
    draw = ImageDraw.Draw(sheet)
    room = sheet.width - 2 * margin
    caption = shortened(f"\u201c{one.caption}\u201d", font_of(24), room * 0.7)
    draw.text((margin, margin + 26), caption, font=font_of(24), fill=INK, anchor="ls", stroke_width=0.4)
    title = shortened(one.title, font_of(16), room * 0.26)
    draw.text((margin + room, margin + 26), title, font=font_of(16), fill=FAINT_INK, anchor="rs")


def _framed(sheet: Image.Image, panel: Image.Image, start: Size, room_wh: Size) -> None:
    """Put a panel into the middle of its room, on a card."""
    x, y = start
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((x - 1, y - 1, x + room_wh[0], y + room_wh[1]), outline=RULE, fill=CARD)
    sheet.paste(panel, (x + (room_wh[0] - panel.width) // 2, y + (room_wh[1] - panel.height) // 2))


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(one + share * (other - one)) for one, other in zip(first, second, strict=True))
    return red, green, blue
