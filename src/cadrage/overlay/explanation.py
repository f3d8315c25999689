"""One picture that shows why a photograph was cropped as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cadrage.geometry import FloatArray
from cadrage.overlay.boxes import LabelledCrop, draw_boxes, scaled
from cadrage.overlay.style import CARD, FAINT_INK, INK, PAPER, RULE, Size, fitted, font_of, shortened

PANEL_WH = (640, 480)
"""Size that each panel's picture fits into."""

WARMTH = 0.15
"""Points of the 1-5 scale over which a box's part in the density falls to a third."""

_MARGIN, _GAP, _TITLE, _NOTE, _HEADER = 40, 24, 40, 30, 64


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """What the explanation of one photograph shows.

    Attributes:
        title: name of the photograph.
        image: the whole frame, RGB, at any size.
        size_wh: the frame's width and height in pixels.
        crops: best first, at least one.
        notes: a line about each crop, such as its score and margin.
        boxes: shape (K, 4), candidates in frame pixels.
        scores: shape (K,), theirs.
        saliency: shape (h, w) over the whole frame, in [0, 1], if the model finds subjects.
        focus: the focal point in frame pixels, if there is one.
        model: name and version.
    """

    title: str
    image: Image.Image
    size_wh: Size
    crops: Sequence[LabelledCrop]
    notes: Sequence[str]
    boxes: FloatArray
    scores: FloatArray
    saliency: NDArray[np.float32] | None
    focus: tuple[float, float] | None
    model: str


def explanation(one: Explained) -> Image.Image:
    """Panels: what the best crop keeps and discards, the crops, where good candidates lie, and the subject.

    Returns:
        RGB, about 1400 pixels wide.
    """
    photo = fitted(one.image.convert("RGB"), PANEL_WH)
    panels = [
        (f"Kept and discarded: {one.crops[0].label}", _kept(photo, one)),
        ("The crops", draw_boxes(photo, one.size_wh, one.crops)),
        (
            "Where good candidates lie",
            _warmed(photo, density(one.boxes, one.scores, one.size_wh, photo.size)),
        ),
    ]
    if one.saliency is not None:
        panels.append(("Subject and focal point", _subject(photo, one.saliency, one)))
    return _arranged(panels, one)


def density(boxes_xyxy: FloatArray, scores: FloatArray, size_wh: Size, onto_wh: Size) -> FloatArray:
    """How much of the weight of the candidates covers each pixel.

    A candidate's weight falls to a third with every ``WARMTH`` points that it scores less than the best.

    Args:
        boxes_xyxy: shape (K, 4), in frame pixels.
        scores: shape (K,).
        size_wh: the frame's width and height in pixels.
        onto_wh: width and height of the result.

    Returns:
        Shape (H, W), from 0 where no candidate lies to 1 where all do.
    """
    weights = np.exp((scores - scores.max()) / WARMTH)
    width, height = onto_wh
    x = (np.arange(width) + 0.5) * size_wh[0] / width
    y = (np.arange(height) + 0.5) * size_wh[1] / height
    across = (boxes_xyxy[:, :1] <= x) & (x < boxes_xyxy[:, 2:3])
    down = (boxes_xyxy[:, 1:2] <= y) & (y < boxes_xyxy[:, 3:])
    covered: FloatArray = (down * weights[:, None]).T @ across.astype(np.float64) / weights.sum()
    return covered


def _kept(photo: Image.Image, one: Explained) -> Image.Image:
    """The best crop as it is, with its lines of thirds; the rest dark."""
    x1, y1, x2, y2 = scaled(one.crops[0].box, one.size_wh, photo.size)
    shown = Image.blend(photo, Image.new("RGB", photo.size, (20, 20, 22)), 0.72)
    shown.paste(photo.crop((x1, y1, x2, y2)), (x1, y1))
    draw = ImageDraw.Draw(shown, "RGBA")
    for third in (1, 2):
        x, y = x1 + (x2 - x1) * third // 3, y1 + (y2 - y1) * third // 3
        draw.line((x, y1, x, y2 - 1), fill=(255, 255, 255, 130))
        draw.line((x1, y, x2 - 1, y), fill=(255, 255, 255, 130))
    draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=(255, 255, 255, 230), width=2)
    return shown


def _subject(photo: Image.Image, saliency: NDArray[np.float32], one: Explained) -> Image.Image:
    likely = Image.fromarray((saliency.clip(0, 1) * 255).astype(np.uint8)).resize(
        photo.size, Image.Resampling.BILINEAR
    )
    shown = _warmed(photo, np.asarray(likely) / 255)
    if one.focus:
        x, y = one.focus[0] * photo.width / one.size_wh[0], one.focus[1] * photo.height / one.size_wh[1]
        draw = ImageDraw.Draw(shown)
        for radius, colour in ((11, (0, 0, 0)), (9, (255, 255, 255))):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=2)
            draw.line((x - radius - 6, y, x + radius + 6, y), fill=colour)
            draw.line((x, y - radius - 6, x, y + radius + 6), fill=colour)
    return shown


def _warmed(photo: Image.Image, heat: FloatArray) -> Image.Image:
    """The photograph in grey, coloured from dark blue where the heat is 0 over red to yellow where it is 1."""
    grey = np.asarray(photo.convert("L"), dtype=np.float64)[..., None]
    stops = np.array([0.0, 0.35, 0.7, 1.0])
    colours = np.array([[18, 20, 60], [110, 30, 120], [225, 70, 50], [255, 215, 70]], dtype=np.float64)
    tint = np.stack([np.interp(heat, stops, colours[:, channel]) for channel in range(3)], axis=-1)
    mixed = 0.45 * grey + 0.55 * tint
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))


def _arranged(panels: Sequence[tuple[str, Image.Image]], one: Explained) -> Image.Image:
    """Two panels a row under a heading, with a line for each crop at the end."""
    columns = 2
    wide, high = panels[0][1].size
    rows = -(-len(panels) // columns)
    width = 2 * _MARGIN + columns * wide + (columns - 1) * _GAP
    notes_at = _MARGIN + _HEADER + rows * (high + _TITLE + _GAP)
    sheet = Image.new("RGB", (width, notes_at + _NOTE * len(one.notes) + _MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    right = width - _MARGIN
    baseline = _MARGIN + 26
    draw.text(
        (_MARGIN, baseline),
        shortened(one.title, font_of(28), (right - _MARGIN) * 0.6),
        font=font_of(28),
        fill=INK,
        anchor="ls",
        stroke_width=0.4,
    )
    draw.text(
        (right, baseline),
        shortened(one.model, font_of(16), (right - _MARGIN) * 0.36),
        font=font_of(16),
        fill=FAINT_INK,
        anchor="rs",
    )
    for number, (title, picture) in enumerate(panels):
        x = _MARGIN + number % columns * (wide + _GAP)
        y = _MARGIN + _HEADER + number // columns * (high + _TITLE + _GAP)
        draw.text((x, y + 24), shortened(title, font_of(19), wide), font=font_of(19), fill=INK, anchor="ls")
        draw.rectangle((x - 1, y + _TITLE - 1, x + wide, y + _TITLE + high), outline=RULE, fill=CARD)
        sheet.paste(picture, (x, y + _TITLE))
    for number, note in enumerate(one.notes):
        line = shortened(note, font_of(17), right - _MARGIN)
        draw.text((_MARGIN, notes_at + 20 + _NOTE * number), line, font=font_of(17), fill=INK, anchor="ls")
    return sheet
