"""``cadrage crop --sheet``: the contact sheet of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cadrage.batch.jobs import Done, Job
from cadrage.cli.crop_report import Report
from cadrage.errors import CadrageError
from cadrage.imaging import Photo, preview, save
from cadrage.overlay import PREVIEW_WH, LabelledCrop, SheetRow, contact_sheet
from cadrage.result import CropResult


def write_sheet(file: Path, results: Sequence[CropResult], jobs: Sequence[Job], report: Report) -> None:
    """Write one picture of all photographs and their crops; the report tells what went wrong.

    Args:
        file: to write, a PNG file.
        results: what to show, at least one.
        jobs: the photographs of the results, and others, none of which is replaced.
        report: of the run.
    """
    by_source = {job.source: job for job in jobs}
    try:
        rows = [_sheet_row(by_source[result.source].open(), result) for result in results]
        model = f"{results[0].model} {results[0].version}"
        picture = contact_sheet(rows, heading="Best crops", model=model)
        save(picture, file, sources=[job.photo for job in jobs])
    except CadrageError as error:
        report.tell(Done(str(file), 0.0, error=str(error)))


def _sheet_row(photo: Photo, result: CropResult) -> SheetRow:
    crops = [LabelledCrop(crop.ratio, crop.box, crop.score) for crop in result.crops]
    return SheetRow(Path(result.source).name, preview(photo, PREVIEW_WH), photo.size_wh, crops)
