"""``cadrage ratings boxes``: how far the boxes that raters drew for captions agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import Rows

if TYPE_CHECKING:
    from cadrage.annotation.quality.boxes import BoxReport

DISPUTED = 5
"""How many of the captions that the raters agree on least are shown."""


def boxes(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file of captions and boxes.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with every caption.")
    ] = False,
) -> None:
    """Print how far the boxes that raters drew for captions agree.

    IoU (intersection over union) is 1 for equal boxes and 0 for boxes that share nothing. A caption's figure is
    the mean over all pairs of its raters; a rater's is the mean with all others. Compare it with the IoU of the
    whole frame, which is what somebody who draws nothing would reach.

    \b
      cadrage ratings boxes photographs/captions.cadrage
      cadrage ratings boxes photographs/captions.cadrage --json
    """
    from cadrage.annotation.quality.boxes import report_boxes  # noqa: PLC0415
    from cadrage.annotation.store import Store  # noqa: PLC0415

    with Store.open(project) as store:
        report = report_boxes(store)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        _show(report)


def _show(report: BoxReport) -> None:
    drawn = sum(caption.boxes for caption in report.captions)
    print(f"{report.title}: {len(report.captions)} captions, {drawn} boxes that count")
    rows = Rows("rater", "boxes", "IoU with others", "seconds a box", "excluded")
    for rater in report.raters:
        seconds = "" if rater.seconds is None else f"{rater.seconds:.1f}"
        rows.add(rater.name, str(rater.boxes), _figure(rater.iou), seconds, rater.excluded or "")
    rows.finish()
    if report.note is not None:
        print(report.note)
        return
    print(f"captions with two raters or more  {len(report.shared)}")
    print(f"mean IoU between raters           {_figure(report.iou)} +- {_figure(report.deviation)}")
    print(f"captions with IoU of 0.5 or more  {_figure(report.agreeing, '.1%')}")
    print(f"mean IoU with the whole frame     {_figure(report.whole_frame)}")
    print("The raters agree least on:")
    rows = Rows("IoU", "raters", "photograph", "caption")
    for caption in sorted(report.shared, key=lambda one: one.iou or 0.0)[:DISPUTED]:
        rows.add(_figure(caption.iou), str(caption.boxes), caption.photograph, caption.text)
    rows.finish()


def _figure(value: float | None, form: str = ".4f") -> str:
    return "" if value is None else format(value, form)
