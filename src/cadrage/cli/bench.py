"""``cadrage bench``: methods compared on a data set, in one table."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.bench_show import show_table
from cadrage.cli.console import INTERRUPTED, Progress, complain
from cadrage.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cadrage.bench.cache import AnswerCache
    from cadrage.bench.methods import Method
    from cadrage.bench.protocols import BenchProtocol
    from cadrage.bench.report import TableOptions
    from cadrage.bench.results import Cell
    from cadrage.bench.sources import Source

USUAL = "whole,centre,largest,random,gaic"
"""Methods that need no extra and no training data."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(no_args_is_help=True)
def bench(
    data_set: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="gaicd, fcdb, fcdb-pairs, flms, icdb, cpc, sacd or masks."),
    ],
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the data set's copy.")],
    methods: Annotated[
        str, typer.Option(help="Names with commas between; some take an argument, such as gaic=MODEL.")
    ] = USUAL,
    split: Annotated[
        str | None,
        typer.Option(
            help="Part of the data set, or all. [test; of masks val; all where there are no parts]",
        ),
    ] = None,
    ratio: Annotated[
        list[str] | None,
        typer.Option(
            metavar="own|free|W:H",
            help="Boxes asked for, where people drew boxes or masks: of their box's ratio, of any, or of one; "
            "may be repeated. [free; of masks 1:1, 4:5 and 16:9]",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Show Acc without credit for ties at rank N.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write Markdown, JSON and a page there, or extend those there."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where answers are kept. [cadrage/bench in the user's cache]"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Measure on so many images only, drawn by seed and name.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random method, --limit, intervals and tests.")] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Resamples of the images for the intervals.")] = 2000,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for one picture. [one for each CPU]")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out labels whose picture is missing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with every metric.")
    ] = False,
) -> None:
    """Compare methods on a data set: quality with 95 % intervals, and the cost for an image.

    What is measured follows from the labels: SRCC, PCC, Acc and regret where crops were rated, IoU and BDE where
    people drew the best crop, agreement with votes on pairs, and the share of the subject that is cut off on masks.
    The table names release, split and tie rule. p is that of a paired permutation test of the first column against
    the first row, corrected for the number of rows.

    Answers are kept: a stopped run goes on where it was, a repeated one computes nothing, and the cost is always
    that of so many threads as are asked for. A report holds whatever was measured into its folder before, too, each
    row with its last command, and with versions, threads and date of its answers.

    \b
      cadrage bench gaicd GAICD --methods whole,centre,prior,saliency,gaic --split test
      cadrage bench gaicd GAICD --methods gaic=runs/large/network.pt,gaic --report bench
      cadrage bench fcdb FCDB --methods whole,centre,smartcrop,gaic --ratio free --ratio own --report bench
      cadrage bench masks SALIENCY --methods centre,vips-attention,gaic --ratio 1:1 --json
    """
    from cadrage.bench.cache import AnswerCache, default_folder  # noqa: PLC0415
    from cadrage.bench.report import TableOptions, tables_of  # noqa: PLC0415
    from cadrage.bench.sources import protocols_of, read_source  # noqa: PLC0415
    from cadrage.threads import available_cpus  # noqa: PLC0415

    specs = _specs(methods)
    if report is not None:
        _check_report(report)
    source = read_source(data_set, root, split, limit=limit, seed=seed, allow_missing=allow_missing)
    protocols = protocols_of(source, ratio or ())
    answers = AnswerCache(cache or default_folder(), threads or available_cpus())
    made = _made(specs, source, answers.threads, seed)
    cells: list[Cell] = []
    options = TableOptions(strict, samples, seed)
    interrupted = False
    try:
        _run(made, source, protocols, answers, report, cells)
    except KeyboardInterrupt:
        interrupted = True
    if cells:
        tables = tables_of(cells, options)
        if as_json:
            print(json.dumps({"tables": [table.to_dict() for table in tables]}, ensure_ascii=False))
        else:
            for number, table in enumerate(tables):
                show_table(table, apart=number > 0)
        if report is not None:
            _report(report, source, protocols, options, quiet=as_json)
    if interrupted:
        total = len(made) * len(protocols)
        complain(f"Stopped after {len(cells)} of {total} rows. The same command goes on from here.")
        raise typer.Exit(INTERRUPTED)


def _specs(text: str) -> list[str]:
    specs = [spec.strip() for spec in text.split(",") if spec.strip()]
    if not specs:
        raise RequestError("--methods names no method.")
    twice = next((spec for spec in specs if specs.count(spec) > 1), None)
    if twice is not None:
        raise RequestError(f"--methods names '{twice}' twice.")
    return specs


def _check_report(folder: Path) -> None:
    """Refuse before any work what would fail after it."""
    from cadrage.bench.report.drawing import require_matplotlib  # noqa: PLC0415
    from cadrage.bench.results import load_cells  # noqa: PLC0415

    if folder.exists() and not folder.is_dir():
        raise RequestError(f"--report names a folder; {folder} is a file.")
    load_cells(folder)
    require_matplotlib()


def _made(specs: Sequence[str], source: Source, threads: int, seed: int) -> list[Method]:
    """The methods, all made before the first is asked."""
    from cadrage.bench.methods import MethodOptions, Trained, make_method  # noqa: PLC0415
    from cadrage.cli.learned import warn_if_learned  # noqa: PLC0415

    options = MethodOptions(
        threads=threads,
        training=source.root if source.name == "gaicd" else None,
        held_out=frozenset(image.name for image in source.images),
        seed=seed,
    )
    made = [make_method(spec, options) for spec in specs]
    for method in made:
        if isinstance(method, Trained):
            warn_if_learned(method.name, method.training, source.release, source.part)
    return made


def _run(
    made: Sequence[Method],
    source: Source,
    protocols: Sequence[BenchProtocol],
    answers: AnswerCache,
    report: Path | None,
    cells: list[Cell],
) -> None:
    """Measure every method by every protocol; what is measured is in ``cells``, and in the report's folder."""
    from cadrage.bench.results import save_cell  # noqa: PLC0415
    from cadrage.bench.runner import pictures_of, run_method  # noqa: PLC0415

    command = shlex.join(["cadrage", *sys.argv[1:]])
    pictures = pictures_of(protocols[0])
    with Progress("measuring", len(made) * len(protocols) * len(pictures)) as progress:
        for protocol in protocols:
            ground = source.ground(protocol)
            for method in made:
                cell = run_method(
                    protocol,
                    ground,
                    pictures,
                    method,
                    cache=answers,
                    command=command,
                    advance=progress.advance,
                )
                if report is not None:
                    save_cell(cell, report)
                cells.append(cell)


def _report(
    folder: Path,
    source: Source,
    protocols: Sequence[BenchProtocol],
    options: TableOptions,
    *,
    quiet: bool,
) -> None:
    from cadrage.bench.protocols import Ranking  # noqa: PLC0415
    from cadrage.bench.report import write_report  # noqa: PLC0415
    from cadrage.bench.unreliable import save_unreliability, unreliability  # noqa: PLC0415

    for protocol in protocols:
        if isinstance(protocol, Ranking):
            ground = source.ground(protocol)
            found = unreliability(protocol, ground, samples=options.samples, seed=options.seed)
            save_unreliability(found, folder)
    for path in write_report(folder, options):
        if not quiet:
            print(f"Wrote {path}")
