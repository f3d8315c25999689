"""``cadrage ablate``: the ablation tables of GAIC, on one's own data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import Rows
from cadrage.cli.ratings_report import pilot
from cadrage.cli.train import Watching
from cadrage.errors import MissingExtraError, RequestError

if TYPE_CHECKING:
    from cadrage.bench.ablation.run import Outcome

GRID_TABLE = 2

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.command()
def ablate(
    table: Annotated[int, typer.Argument(metavar="TABLE", help="2, 3, 4 or 5, as in GAIC (TPAMI 2020).")],
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Data set in the GAICD layout; for table 2 a rated project.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="Rows whose names hold this; may be repeated [all]."),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="paper, or default for its student without teachers.")
    ] = "paper",
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.")] = None,
    backbone: Annotated[str | None, typer.Option(help="This backbone in every row.")] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BACKBONE=FILE",
            help="Initial weights of a backbone, or BACKBONE=none; may be repeated [imagenet, downloaded].",
        ),
    ] = None,
    pixels: Annotated[
        str | None,
        typer.Option(help="How those weights expect pixels: imagenet or centred (-1 to 1) [as the recipe]."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the runs [runs/table-TABLE].")
    ] = None,
    validation: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Photographs set aside where the data set has no validation part. [120, at most a fifth]",
        ),
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Seed of every training.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train the networks of a table and print their figures beside the published ones.

    Table 3 compares backbones, scales and augmentation, table 4 what the head sees, table 5 its kernels and
    channels; table 2 compares grids, on a project rated on a fine one, as "cadrage ratings pilot" does. Parameters
    and multiply-adds are counted as in the paper, pictures a second are measured in eager torch on one thread.

    The published figures are of another division of another release: compare the differences between rows. Every
    row is a run of its own in the folder of the runs; a call that was stopped continues when it is given again, and
    with other rows it adds to them.

    \b
      cadrage ablate 4 GAICD --only mobilenet_v2
      cadrage ablate 5 GAICD --backbone mobilenet_v2 --weights mobilenet_v2=imagenet.safetensors --epochs 6
      cadrage ablate 2 photographs/ratings.cadrage
    """
    if table == GRID_TABLE:
        pilot(root, as_json=as_json)
        return
    try:
        from cadrage.bench.ablation.run import AblationConfig, rows_of, run_row  # noqa: PLC0415
        from cadrage.datasets.division import divide_gaicd  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    from cadrage.bench.ablation.tables import ablation_table  # noqa: PLC0415

    chosen = ablation_table(table)
    config = AblationConfig(recipe, epochs, backbone, _weights(weights or []), pixels, seed)
    rows = rows_of(chosen, config, only or [])
    division = divide_gaicd(root, validation, split_seed)
    folder = run or Path("runs") / f"table-{table}"
    with Watching(quiet=as_json) as watcher:
        outcomes = [
            run_row(row, config, division, folder, device=device, threads=threads, watcher=watcher)
            for row in rows
        ]
    if as_json:
        about = {"table": table, "title": chosen.title, "recipe": recipe, "data": division.record()}
        print(json.dumps({**about, "rows": [outcome.to_dict() for outcome in outcomes]}))
        return
    print(
        f"Table {table}, {chosen.title}: recipe {recipe}, {len(division.training)} photographs, measured on "
        f"{len(division.validation)} ({division.description}), release {division.release}"
    )
    _show(outcomes)


def _weights(given: list[str]) -> Mapping[str, str]:
    weights = {}
    for text in given:
        backbone, mark, file = text.partition("=")
        if not (backbone and mark and file):
            raise RequestError(f"Initial weights are given as BACKBONE=FILE; got '{text}'.")
        weights[backbone] = file
    return weights


def _show(outcomes: list[Outcome]) -> None:
    from cadrage.bench.ablation.tables import COLUMNS  # noqa: PLC0415

    costs = ("epochs", "parameters, trunk", "M mult-adds, trunk", "M mult-adds, crop", "pictures/s")
    rows = Rows("row", "", *COLUMNS, *costs)
    for outcome in outcomes:
        cost = outcome.cost
        rows.add(
            outcome.row.name,
            "measured",
            *(_figure(column, outcome.measured[column]) for column in COLUMNS),
            str(outcome.epochs),
            f"{cost.trunk_parameters / 1e6:.2f} M",
            f"{cost.trunk_multiply_adds / 1e6:,.0f}",
            f"{cost.crop_multiply_adds / 1e6:.2f}",
            f"{cost.pictures_per_second:.1f}",
        )
        if outcome.row.published:
            published = (_figure(column, outcome.row.published.get(column)) for column in COLUMNS)
            rows.add("", "published", *published, *("" for _ in costs))
    rows.finish()


def _figure(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if column.startswith("Acc") else f"{value:.3f}"
