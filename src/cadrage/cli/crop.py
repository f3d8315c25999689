"""``cadrage crop``: find, print and write the best crops of photographs."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadrage.cli.console import Progress, Rows
from cadrage.cli.files import crop_name, find_photos, result_stems
from cadrage.cropper import Cropper, CropRequest, CropResult
from cadrage.errors import CadrageError, RequestError
from cadrage.imaging import Photo, cut_all, natural_suffix, preview, save
from cadrage.imaging.photo import printable
from cadrage.overlay import PREVIEW_WH, LabelledCrop, SheetRow, contact_sheet

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SHEET_LIMIT = 100
"""Photographs on a contact sheet, at most: it is one picture, and grows by 500 pixels with each."""


@app.command()
def crop(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photographs, or folders of them (not their subfolders)."),
    ],
    *,
    ratio: Annotated[
        list[str] | None,
        typer.Option(
            "--ratio",
            "-r",
            metavar="RATIO",
            help="Shape of the crop: 16:9, 1.91, square, original or free (the default); may be repeated.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(metavar="K", help="Crops for each ratio, at most; they differ visibly.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the crops into this folder, made if missing.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines, one for each photograph.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Write one picture of the photographs, boxes, crops and scores."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Another model.")] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads to use; by default as many as CPUs may be used.")
    ] = None,
) -> None:
    """Find the best crops of photographs.

    Prints for each crop the photograph, the ratio, the box (x1,y1,x2,y2 in pixels of the upright photograph),
    the score (what people would give it on average, from 1, bad, to 5, excellent) and the margin over the
    largest crop of that ratio. "free" means the grid anchors of the paper: 90 boxes of half to 84 % of the
    photograph, from 1:2 to 2.2:1. With --out the crops are written too, as NAME_RATIO or, with --top,
    NAME_RATIO_RANK, in the photograph's own format. No photograph of the call is ever overwritten; other
    files of these names are replaced.

    \b
    Examples:
      cadrage crop beach.jpg
      cadrage crop beach.jpg --ratio 16:9 --ratio 1:1 --out crops
      cadrage crop holiday --ratio original --top 3 --sheet holiday.png
      cadrage crop *.jpg --ratio 4:5 --json > crops.jsonl

    \b
    Exit code:
      0  every photograph was cropped
      1  some could not be; each is named with the reason
      2  none could be, or an option is wrong
    """
    request = CropRequest(tuple(ratio or ["free"]), top)
    paths, errors = find_photos(photos)
    _check_targets(out, sheet, paths)
    cropper = Cropper(model, threads=threads)
    stems = result_stems(paths, request, out) if out else {}
    rows: list[SheetRow] = []
    with Progress("cropping", len(paths), quiet=as_json and sys.stdout.isatty()) as progress:
        report = _Report(progress, as_json=as_json, with_files=out is not None)
        for folder, error in errors.items():
            report.failed(folder, error)
        for path in paths:
            try:
                photo = cropper.open(path)
                result = cropper.choose(str(path), cropper.encode(photo), request)
                files = _write(photo, result, request, out / stems[path]) if out else []
                rows += [_sheet_row(photo, result)] if sheet else []
            except CadrageError as error:
                report.failed(path, error)
            else:
                report.done(result, files)
            progress.advance()
    report.finish()
    if sheet and rows:
        try:
            picture = contact_sheet(rows, heading="Best crops", model=f"{cropper.model} {cropper.version}")
            save(picture, sheet, sources=paths)
        except CadrageError as error:
            report.failed(sheet, error)
    raise typer.Exit(report.exit_code)


def _check_targets(out: Path | None, sheet: Path | None, photos: Sequence[Path]) -> None:
    """Refuse, before any work, what could not be written after it."""
    if out and out.exists() and not out.is_dir():
        raise RequestError(f"--out {printable(str(out))} is a file; a folder is needed.")
    if sheet and sheet.suffix.lower() != ".png":
        raise RequestError(f"--sheet {printable(str(sheet))} must end in .png.")
    if sheet and os.path.realpath(sheet) in map(os.path.realpath, photos):
        raise RequestError(f"--sheet {printable(str(sheet))} is one of the photographs; choose another name.")
    if sheet and len(photos) > SHEET_LIMIT:
        raise RequestError(f"--sheet has room for {SHEET_LIMIT} photographs and these are {len(photos)}.")


def _write(photo: Photo, result: CropResult, request: CropRequest, base: Path) -> list[Path]:
    """Write the crops of a photograph, in the order of ``result.crops``.

    Args:
        photo: to cut from.
        result: what to cut.
        request: what was asked for; it shapes the names.
        base: folder and stem of the files.
    """
    suffix = natural_suffix(photo)
    files = [
        base.with_name(crop_name(base.name, crop.ratio, crop.rank, request) + suffix) for crop in result.crops
    ]
    pictures = cut_all(photo, (crop.box for crop in result.crops))
    for file in files:
        save(next(pictures), file)  # not held in a loop variable: two full-size crops would be alive at once
    return files


def _sheet_row(photo: Photo, result: CropResult) -> SheetRow:
    crops = [LabelledCrop(crop.ratio, crop.box, crop.score) for crop in result.crops]
    return SheetRow(Path(result.source).name, preview(photo, PREVIEW_WH), photo.size_wh, crops)


class _Report:
    """Tells what became of each photograph, and keeps count for the exit code."""

    def __init__(self, progress: Progress, *, as_json: bool, with_files: bool) -> None:
        self._progress = progress
        columns = ["photograph", "ratio", "rank", "box", "score", "margin", "file"]
        self._rows = None if as_json else Rows(*columns[: None if with_files else -1])
        self._done = 0
        self._failed = 0

    @property
    def exit_code(self) -> int:
        """0 when everything was done, 1 when something was, 2 when nothing was."""
        return (1 if self._done else 2) if self._failed else 0

    def done(self, result: CropResult, files: Sequence[Path]) -> None:
        """A photograph was cropped; ``files`` are its crops in order, or none."""
        self._done += 1
        if self._rows is None:
            print(json.dumps(_record(result, files)), flush=True)
            return
        for crop, file in itertools.zip_longest(result.crops, files):
            box = ",".join(map(str, crop.box.rounded()))
            cells = [printable(result.source), crop.ratio, str(crop.rank), box]
            cells += [f"{crop.score:.2f}", f"{crop.margin:+.2f}"]
            self._rows.add(*cells, *([printable(str(file))] if file else []))

    def failed(self, source: Path, error: CadrageError) -> None:
        """A photograph, a folder of them or the sheet could not be read or written."""
        self._failed += 1
        self._progress.complain(error)
        if self._rows is None:
            print(json.dumps({"source": str(source), "error": str(error)}), flush=True)

    def finish(self) -> None:
        """All photographs are through."""
        if self._rows:
            self._rows.finish()


def _record(result: CropResult, files: Sequence[Path]) -> dict[str, Any]:
    """The result for JSON, each crop with its file where one was written."""
    record = result.to_dict()
    crops = (crop for group in record["ratios"] for crop in group["crops"])
    for crop, file in zip(crops, files, strict=False):
        crop["file"] = str(file)
    return record
