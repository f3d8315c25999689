"""``cadrage export``: from a checkpoint to a model that runs without torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from cadrage.cli.console import complain
from cadrage.errors import DataError, MissingExtraError, RequestError

app = typer.Typer(rich_markup_mode=None, add_completion=False)

CALIBRATION_PICTURES = 100


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="network.pt of a run, or an official .pth file.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the model, or .onnx file with --whole. [exported or exported.onnx, by the checkpoint]"
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model [the folder's].")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the weights. [1.0.0]")] = None,
    license_: Annotated[
        str | None,
        typer.Option(
            "--license", help="Terms of the weights, those of the training data included. [not stated]"
        ),
    ] = None,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Output of 'cadrage evaluate --json' for the card; may be repeated."
        ),
    ] = None,
    int8: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make 8-bit graphs, their ranges chosen on photographs of DIR."),
    ] = None,
    notes: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Text for the card: terms, limits, caveats.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="One graph from raster and boxes to scores.")
    ] = False,
) -> None:
    """Write the ONNX graphs of a network, compare them with torch, and fill the weights entry and its card.

    \b
      cadrage export runs/default/student/network.pt
      cadrage export runs/default/student/network.pt --out my-model --int8 photographs
      cadrage crop photo.jpg --model my-model
    """
    try:
        from cadrage.learning import export as exporting  # noqa: PLC0415
        from cadrage.learning.scoring import load_any  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Exporting", "train") from None
    out = out or checkpoint.parent / ("exported.onnx" if whole else "exported")
    if whole and (int8 is not None or out.suffix != ".onnx"):
        raise RequestError("--whole writes one float32 file: give --out FILE.onnx, and no --int8.")
    if whole and any((name, version, license_, evaluation, notes)):
        raise RequestError(
            "--whole writes a graph without entry and card: --name, --version, --license, --evaluation and --notes "
            "have no place there."
        )
    network, record, rule = load_any(checkpoint)
    if whole:
        exporting.export_whole(network, out, rule)
        _warn(exporting.caveat_of(network))
        print(f"Wrote {out}")
        return
    identity = exporting.Identity(
        name=name or Path(os.path.realpath(out)).name,
        version=version or "1.0.0",
        license=license_ or "not stated",
        training=record,
        metrics=[_read_json(path) for path in evaluation or []],
        notes=_read_text(notes) if notes else "",
    )
    calibration = exporting.calibration_rasters(int8, rule, CALIBRATION_PICTURES) if int8 else ()
    entry = exporting.export_entry(network, out, identity, rule, calibration=calibration)
    _warn(exporting.caveat_of(network))
    print(f"Wrote {out}: {entry.name} {entry.version}, {entry.parameters} parameters, {entry.precision}")


def _warn(caveat: str) -> None:
    if caveat:
        complain(caveat)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a text file.") from error


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(_read_text(path))
    except ValueError as error:
        raise DataError(f"{path} is not a JSON file as 'cadrage evaluate --json' prints it.") from error
    measured = isinstance(content, dict) and {"method", "split", "images"} <= content.keys()
    if not measured or not any(isinstance(content.get(name), int | float) for name in ("srcc", "max_f")):
        raise DataError(
            f"{path} is not what 'cadrage evaluate gaicd --json' or 'cadrage evaluate saliency --json' prints."
        )
    row: dict[str, object] = content
    return row
