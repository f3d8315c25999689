"""``cadrage ablate``: the ablation tables of GAIC, on one's own data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import INTERRUPTED, Progress, Rows, complain
from cadrage.cli.train import Watching
from cadrage.errors import MissingExtraError, RequestError

if TYPE_CHECKING:
    from cadrage.bench.ablation.grids import GridOutcome
    from cadrage.bench.ablation.run import Outcome
    from cadrage.bench.ablation.tables import AblationTable, Published
    from cadrage.datasets.division import Division

GRID_TABLE = 2

GRID_OPTIONS = ("table", "root", "as_json")
"""What means something where no network is trained."""

TRUNK_NOTE = (
    "Published multiply-adds of the trunk also count batch normalisation, ReLU, pooling and biases; published "
    "pictures/s are of a GPU, measured ones of one CPU thread."
)
CROP_NOTE = (
    "Published multiply-adds of a crop are of the first layers of the head, counted ones of all of them."
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.command()
def ablate(
    context: typer.Context,
    table: Annotated[int, typer.Argument(metavar="TABLE", help="2, 3, 4 or 5, as in GAIC (TPAMI 2020).")],
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Data set in the GAICD layout; for table 2 a rated project.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Rows of this name, or with this between the commas of theirs, or else holding this text; may be "
            "repeated [all].",
        ),
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
    channels; table 2 compares grids, on a project rated on a fine one, as "cadrage ratings pilot" does, and takes
    no option but --json.

    Parameters of the trunk are counted as in the paper. Multiply-adds are those of convolutions alone: of the
    trunk, whose published numbers also hold batch normalisation, ReLU, pooling and biases and are 8 to 15 %
    larger; and of the whole head for a crop, whose published numbers are of its first layers and smaller. Pictures
    a second are measured in eager torch on one CPU thread; the published ones are of a GPU.

    The published figures are of another division of another release, and with --backbone of the backbones that
    they are labelled with: compare the differences between rows. Every row is a run of its own in the folder of the
    runs; a call that was stopped continues when it is given again, and with other rows it adds to them.

    \b
      cadrage ablate 4 GAICD --only mobilenet_v2
      cadrage ablate 4 GAICD --only "mobilenet_v2, roi" --only "mobilenet_v2, roi+rod"
      cadrage ablate 5 GAICD --backbone mobilenet_v2 --weights mobilenet_v2=imagenet.safetensors --epochs 6
      cadrage ablate 2 photographs/ratings.cadrage
    """
    if table == GRID_TABLE:
        _refuse_training_options(context)
        _compare_grids(root, as_json=as_json)
        return
    try:
        from cadrage.bench.ablation.run import AblationConfig, prepare_weights, rows_of, run_row  # noqa: PLC0415
        from cadrage.datasets.division import divide_gaicd  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    from cadrage.bench.ablation.tables import ablation_table  # noqa: PLC0415

    chosen = ablation_table(table)
    config = AblationConfig(recipe, epochs, backbone, _weights(weights or []), pixels, seed)
    rows = rows_of(chosen, config, only or [])
    division = divide_gaicd(root, validation, split_seed)
    folder = run or Path("runs") / f"table-{table}"
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        prepare_weights(rows, config, folder)
        with Watching(quiet=as_json) as watcher:
            for row in rows:
                outcome = run_row(
                    row, config, division, folder, device=device, threads=threads, watcher=watcher
                )
                outcomes.append(outcome)
    except KeyboardInterrupt:
        interrupted = True
    finally:  # rows that are finished are worth hours, whatever ended the others
        if outcomes:
            _tell(chosen, recipe, division, outcomes, as_json=as_json)
        if interrupted or 0 < len(outcomes) < len(rows):
            complain(
                f"Stopped after {len(outcomes)} of {len(rows)} rows. The same command goes on from here."
            )
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _refuse_training_options(context: typer.Context) -> None:
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name is not None
        and parameter.name not in GRID_OPTIONS
        and (source := context.get_parameter_source(parameter.name)) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise RequestError(
            f"Table {GRID_TABLE} compares grids of a rated project and trains nothing: it takes no option but "
            f"--json; got {', '.join(given)}."
        )


def _compare_grids(project: Path, *, as_json: bool) -> None:
    from cadrage.annotation.quality.pilot import PAPER_GRIDS  # noqa: PLC0415
    from cadrage.bench.ablation.grids import TITLE, compare_grids  # noqa: PLC0415

    with Progress("comparing", len(PAPER_GRIDS)) as progress:
        outcomes = compare_grids(project, advance=progress.advance)
    if as_json:
        about = {"table": GRID_TABLE, "title": TITLE}
        print(json.dumps({**about, "rows": [outcome.to_dict() for outcome in outcomes]}))
    else:
        _show_grids(outcomes)


def _show_grids(outcomes: Sequence[GridOutcome]) -> None:
    from cadrage.annotation.quality.pilot import INTERVALS  # noqa: PLC0415
    from cadrage.bench.ablation.grids import PHOTOGRAPHS, RATERS, TITLE  # noqa: PLC0415

    first = outcomes[0].measured
    print(
        f"Table {GRID_TABLE}, {TITLE}: {first.photographs:,} rated photographs; published on {PHOTOGRAPHS}, rated "
        f"by {RATERS} people. MOS: candidates per photograph, and share of the matched ones"
    )
    overlaps = (f"unmatched (IoU < {first.least_iou:g})", "mean IoU", "worst IoU")
    rows = Rows("grid", "", "candidates", *INTERVALS, *overlaps)
    for outcome in outcomes:
        measured, published = outcome.measured, outcome.published
        rows.add(
            measured.name,
            "measured",
            f"{measured.candidates:.1f}",
            *_intervals(measured.per_interval, measured.shares),
            f"{measured.unmatched:.1f} ({measured.unmatched / measured.candidates:.1%})",
            *("" if math.isnan(iou) else f"{iou:.4f}" for iou in (measured.mean_iou, measured.worst_iou)),
        )
        intervals = _intervals(published.per_interval, published.shares)
        rows.add("", "published", f"{published.candidates:.1f}", *intervals, *("" for _ in overlaps))
    rows.finish()


def _intervals(numbers: Sequence[float], shares: Sequence[float]) -> list[str]:
    return [
        "" if math.isnan(share) else f"{number:.1f} ({share:.1%})"
        for number, share in zip(numbers, shares, strict=True)
    ]


def _weights(given: list[str]) -> Mapping[str, str]:
    weights = {}
    for text in given:
        backbone, mark, file = text.partition("=")
        if not (backbone and mark and file):
            raise RequestError(f"Initial weights are given as BACKBONE=FILE; got '{text}'.")
        weights[backbone] = file
    return weights


def _tell(
    table: AblationTable, recipe: str, division: Division, outcomes: Sequence[Outcome], *, as_json: bool
) -> None:
    if as_json:
        about = {"table": table.number, "title": table.title, "recipe": recipe, "data": division.record()}
        print(json.dumps({**about, "rows": [outcome.to_dict() for outcome in outcomes]}))
        return
    print(
        f"Table {table.number}, {table.title}: recipe {recipe}, {len(division.training)} photographs, measured on "
        f"{len(division.validation)} ({division.description}), release {division.release}"
    )
    _show(outcomes)


def _show(outcomes: Sequence[Outcome]) -> None:
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
        for published in outcome.row.published:
            own = published.backbone == outcome.row.network["backbone"]
            label = "published" if own else f"published ({published.backbone})"
            figures = (_figure(column, published.figures.get(column)) for column in COLUMNS)
            rows.add("", label, *figures, *_published_costs(published))
    rows.finish()
    costs_known = [published.cost for outcome in outcomes for published in outcome.row.published]
    if any(cost.trunk_flops is not None for cost in costs_known):
        print(TRUNK_NOTE)
    if any(cost.crop_flops is not None for cost in costs_known):
        print(CROP_NOTE)


def _published_costs(published: Published) -> tuple[str, ...]:
    """Cells of the columns of costs; the number of epochs is the recipe's, not the row's."""
    cost = published.cost

    def cell(value: int | None, form: str, unit: float = 1) -> str:
        return "" if value is None else format(value / unit, form)

    parameters = cell(cost.trunk_parameters, "g", 1e6)
    return (
        "",
        f"{parameters} M" if parameters else "",
        cell(cost.trunk_flops, ",.0f", 1e6),
        cell(cost.crop_flops, ".2f", 1e6),
        cell(cost.gpu_pictures_per_second, "g"),
    )


def _figure(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if column.startswith("Acc") else f"{value:.3f}"
