"""The galleries of a table: where the first method does best and worst, and where methods disagree most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from cadrage.bench.report.drawing import SERIES
from cadrage.bench.report.tables import Row, Table
from cadrage.errors import ImageError
from cadrage.geometry import FloatArray, iou_matrix
from cadrage.imaging import open_photo, preview

SHOWN = 6
"""Images of one gallery."""

PICTURE_WH = (420, 300)
"""Largest width and height of the small pictures, in pixels."""

SHOWN_WH = (306, 270)
"""Width and height within which a page shows them on a narrow column, in its pixels."""

STEP = 6
"""Width of an outline with its casing, in pixels of the page."""

COINCIDING = "Boxes that coincide are drawn inside one another."
"""How to read outlines that ``apart`` has moved."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A box on a picture.

    Attributes:
        box_xyxy: in frame pixels.
        series: which of the page's colours, from 1; 0 for what people preferred.
        name: whose it is.
    """

    box_xyxy: tuple[float, ...]
    series: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """An image of a gallery.

    Attributes:
        name: of the image.
        picture: its file.
        size_wh: of its frame.
        outlines: boxes to draw, methods in their order and then what people preferred.
        caption: the numbers that brought it here.
    """

    name: str
    picture: Path
    size_wh: tuple[float, float]
    outlines: tuple[Outline, ...]
    caption: str


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Images with a reason to be looked at.

    Attributes:
        title: the reason.
        about: how they were chosen.
        exhibits: the images.
    """

    title: str
    about: str
    exhibits: tuple[Exhibit, ...]


def galleries_of(table: Table) -> tuple[Gallery, ...]:
    """Best and worst images of the first method by the metric that orders the table, and the most disagreed ones.

    No image is in the best and the worst gallery. Pairs have no galleries: nobody chose a crop there.
    """
    if table.ground.kind == "pairs":
        return ()
    leader, metric = table.rows[0], table.primary
    values = leader.cell.metrics[metric.key]
    known = np.flatnonzero(~np.isnan(values))
    sign = -1 if metric.better == "higher" else 1
    order = known[np.argsort(sign * values[known], kind="stable")]
    best = order[:SHOWN]
    worst = order[::-1][: min(SHOWN, len(order) - len(best))]
    found = [
        Gallery(
            f"{words} images of {leader.label}",
            f"By {metric.label}; in colour the method's crop, dashed {_reference(table)}. {COINCIDING}",
            tuple(_exhibit(table, at, [leader]) for at in places.tolist()),
        )
        for words, places in (("Best", best), ("Worst", worst))
    ]
    if len(table.rows) > 1:
        found.append(_disagreed(table))
    return tuple(gallery for gallery in found if gallery.exhibits)


def _reference(table: Table) -> str:
    return "the box of the subject" if table.ground.kind == "subject" else "what people preferred"


def _disagreed(table: Table) -> Gallery:
    rows = table.rows[: len(SERIES)]
    agreement = np.array(
        [
            mutual_iou(np.stack([row.cell.chosen_xyxy[at] for row in rows]))
            for at in range(len(rows[0].cell.images))
        ]
    )
    places = np.argsort(agreement, kind="stable")[:SHOWN].tolist()
    return Gallery(
        "Images that methods disagree on most",
        f"By the mean IoU between the crops of the first {len(rows)} methods; dashed {_reference(table)}. "
        f"{COINCIDING}",
        tuple(_exhibit(table, at, rows, f"mutual IoU {agreement[at]:.2f}") for at in places),
    )


def mutual_iou(boxes_xyxy: FloatArray) -> float:
    """Mean IoU of every two of several boxes, shape (N, 4), N from 2."""
    upper = np.triu_indices(len(boxes_xyxy), 1)
    return float(iou_matrix(boxes_xyxy, boxes_xyxy)[upper].mean())


def _exhibit(table: Table, at: int, rows: Sequence[Row], caption: str = "") -> Exhibit:
    cell = rows[0].cell
    ranks = {id(row): rank for rank, row in enumerate(table.rows, start=1)}
    whose = "subject" if table.ground.kind == "subject" else "people"
    people = [Outline(tuple(box), 0, whose) for box in cell.references_xyxy[at].tolist()]
    theirs = [Outline(tuple(row.cell.chosen_xyxy[at].tolist()), ranks[id(row)], row.label) for row in rows]
    width, height = cell.sizes_wh[at].tolist()
    shown = [
        table.primary,
        *(metric for metric in table.metrics[1:] if metric.key in ("regret", "bde", "area")),
    ]
    numbers = ", ".join(f"{metric.label} {metric.text(cell.metrics[metric.key][at])}" for metric in shown)
    return Exhibit(
        cell.images[at],
        Path(cell.pictures[at]),
        (width, height),
        (*theirs, *people),
        caption or numbers,
    )


def apart(outlines: Sequence[Outline], size_wh: tuple[float, float]) -> tuple[Outline, ...]:
    """Outlines as they are drawn: one that coincides with an earlier one is moved inwards until both can be seen.

    Args:
        outlines: those that should stay in their places first.
        size_wh: of the frame.

    Returns:
        The same, in the same order. One with no room left inside is where it was.
    """
    step = STEP * max(1.0, *(side / shown for side, shown in zip(size_wh, SHOWN_WH, strict=True)))
    placed: list[FloatArray] = []
    for outline in outlines:
        box = np.array(outline.box_xyxy)
        levels = int((box[2:] - box[:2]).min() / (2 * step))
        inner = (box + level * step * np.array([1, 1, -1, -1]) for level in range(levels))
        placed.append(next((one for one in inner if not _coincides(one, placed, step)), box))
    return tuple(
        replace(outline, box_xyxy=tuple(box.tolist())) for outline, box in zip(outlines, placed, strict=True)
    )


def _coincides(box: FloatArray, others: Sequence[FloatArray], step: float) -> bool:
    """Whether all four edges lie on those of another box, to less than an outline's width."""
    return any(np.abs(box - other).max() < 0.99 * step for other in others)


def small_jpeg(picture: Path) -> bytes | None:
    """A picture as a small JPEG; None where it is gone or cannot be read."""
    try:
        shown = preview(open_photo(picture), PICTURE_WH)
    except ImageError:
        return None
    file = BytesIO()
    shown.save(file, "JPEG", quality=80, optimize=True)
    return file.getvalue()
