"""The table of several methods' figures, as cells of text, and as a Markdown page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cadrage.captions.evaluation.summary import Summary

MISSING = "-"
"""Cell of a figure that the method does not have."""

UNAVAILABLE = "not available"
"""Cell of a similarity that cannot be measured here."""


def header(summaries: Mapping[str, Summary]) -> list[str]:
    """The columns that some method has figures for."""
    columns = ["method", "IoU", "± images", "95 %"]
    if _any(summaries, "over_seeds"):
        columns.append("± seeds")
    if any(one.iou_all != one.iou for one in summaries.values()):
        columns.append("IoU, all boxes")
    columns += ["centre hit %", "x original"] if "original" in summaries else ["centre hit %"]
    if _any(summaries, "run"):
        columns += ["one restart", "± restarts"]
    if any(one.refused for one in summaries.values()):
        columns.append("refused %")
    first = next(iter(summaries.values()))
    return [*columns, *first.similarities, "seconds"]


def rows(summaries: Mapping[str, Summary]) -> list[list[str]]:
    """A row for each method, in the columns of ``header``."""
    original = summaries["original"].iou if "original" in summaries else math.nan
    made = []
    for name, one in summaries.items():
        cells = {
            "method": name,
            "IoU": _number(one.iou, 4),
            "± images": _number(one.over_images, 4),
            "95 %": f"{one.low:.4f}-{one.high:.4f}",
            "± seeds": _number(one.over_seeds, 4),
            "IoU, all boxes": _number(one.iou_all, 4),
            "centre hit %": _number(100 * one.hit, 1),
            "x original": _number(one.iou / original if original else math.nan, 2),
            "one restart": _number(one.run, 4),
            "± restarts": _number(one.over_runs, 4),
            "refused %": _number(100 * one.refused, 1),
            "seconds": _number(one.seconds, 3),
        }
        for measure, value in one.similarities.items():
            cells[measure] = UNAVAILABLE if value is None else _number(value, 4)
        made.append([cells[column] for column in header(summaries)])
    return made


def markdown(heading: Sequence[str], summaries: Mapping[str, Summary], notes: Sequence[str]) -> str:
    """A page: a title and lines about it, the table, and notes."""
    columns = header(summaries)
    title, *about = heading
    lines = [f"# {title}", "", *(f"{line}  " for line in about), ""]
    lines += [_row(columns), _row(["---", *["---:"] * (len(columns) - 1)])]
    lines += [_row(cells) for cells in rows(summaries)]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _any(summaries: Mapping[str, Summary], name: str) -> bool:
    return any(not math.isnan(getattr(one, name)) for one in summaries.values())


def _number(value: float, digits: int) -> str:
    return MISSING if math.isnan(value) else f"{value:.{digits}f}"
