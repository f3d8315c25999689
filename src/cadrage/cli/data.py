"""``cadrage data``: data sets of crops, checked, counted and brought from one layout to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from cadrage.cli.console import Progress, Rows, complain
from cadrage.cli.data_report import print_check, print_stats

BAD_COPY = 2

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Data set or layout, as in cadrage data list.")]
Root = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the copy.")]
Split = Annotated[str, typer.Option(help="The part to take: train, val, test or all.")]
AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing",
        help="Labels without a picture are left out: photographs of FCDB vanish from Flickr.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def data() -> None:
    """Check data sets of crops, print their figures, convert them.

    No data set comes with cadrage: they are read where you have put them.
    """


@app.command("list")
def list_data_sets(as_json: AsJson = False) -> None:
    """List the data sets and layouts that cadrage reads.

    \b
      cadrage data list
    """
    from cadrage.datasets.data_set import KINDS  # noqa: PLC0415
    from cadrage.datasets.registry import DATA_SETS  # noqa: PLC0415

    if as_json:
        known = [
            {
                "name": one.name,
                "title": one.title,
                "kind": KINDS.get(one.kind) if one.kind else None,
                "layout": one.layout,
                "source": one.source,
                "terms": one.terms,
                "images": {release: dict(counts) for release, counts in one.counts.items()},
            }
            for one in DATA_SETS.values()
        ]
        print(json.dumps(known))
        return
    rows = Rows("name", "people gave", "images", "source", "layout")
    for one in DATA_SETS.values():
        images = " or ".join(f"{sum(counts.values()):,}" for counts in one.counts.values())
        kind = KINDS[one.kind] if one.kind else "crops of any kind"
        rows.add(one.name, kind, images, one.source, one.layout)
    rows.finish()


@app.command("check")
def check(
    name: Name,
    root: Root,
    allow_missing: AllowMissing = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="Another number of images than published is an error.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a copy holds, what is missing, and what is wrong with it. Nothing is written.

    Every label is read, and the header of every picture. Labels that cannot be used, labels without pictures,
    pictures without labels, boxes outside their pictures, files of another data set or release, folders that are no
    part: how many, the first three with file and line, and exit code 2. Boxes may go over the edge by a pixel, and
    are cut there. Numbers of images other than the published ones are said; they are an error with --complete.

    \b
      cadrage data check gaicd GAICD
      cadrage data check fcdb FCDB --allow-missing
    """
    from cadrage.datasets.check import check_data_set  # noqa: PLC0415
    from cadrage.datasets.registry import find_data_set  # noqa: PLC0415

    with ExitStack() as stack:

        def begin(count: int) -> Callable[[], None]:
            return stack.enter_context(Progress("checking", count)).advance

        found = check_data_set(
            find_data_set(name), root, allow_missing=allow_missing, complete=complete, begin=begin
        )
    if as_json:
        print(json.dumps(found.to_dict()))
    else:
        print_check(found)
    for problem in found.problems:
        complain(problem)
    if found.problems:
        raise typer.Exit(BAD_COPY)


@app.command("stats")
def stats(
    name: Name,
    root: Root,
    split: Split = "all",
    plots: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the figures: .png, .svg or .pdf.")
    ] = None,
    allow_missing: AllowMissing = False,
    as_json: AsJson = False,
) -> None:
    """Print how scores, aspect ratios and areas are distributed, and how far people agree.

    Plots need the extra "bench".

    \b
      cadrage data stats gaicd GAICD --split train
      cadrage data stats gaicd GAICD --plots gaicd.png --json
    """
    from cadrage.datasets.registry import find_data_set  # noqa: PLC0415
    from cadrage.datasets.stats import data_set_stats  # noqa: PLC0415
    from cadrage.datasets.stats_plot import check_plot_name, plot_stats  # noqa: PLC0415

    if plots is not None:
        check_plot_name(plots)
    data_set = find_data_set(name)
    images = data_set.read(root, split, read_sizes=True, allow_missing=allow_missing, keep_unrated=True)
    with Progress("counting", len(images)) as progress:
        found = data_set_stats(images, progress.advance)
    title = f"{data_set.title} ({root.resolve().name}), split {split}"
    if plots is not None:
        plot_stats(found, title, plots)
    if as_json:
        print(json.dumps({"data_set": data_set.name, "split": split, **found.to_dict()}))
    else:
        print_stats(found, title)


@app.command("convert")
def convert(
    name: Name,
    root: Root,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="Layout to write, as in cadrage data list.")
    ],
    split: Split = "all",
    allow_missing: AllowMissing = False,
) -> None:
    """Write a copy in another layout, pictures included; whole or not at all.

    "coco" holds every kind of crops. Rated crops become best crops by keeping the best rated one. What the other
    layout does not keep is said: scores, parts, who drew a crop.

    \b
      cadrage data convert gaicd GAICD --to coco gaicd-coco
      cadrage data convert coco gaicd-coco --to gaicd again
      cadrage data convert gaicd GAICD --split test --to fcdb best
    """
    from cadrage.datasets.convert import convert_data_set  # noqa: PLC0415
    from cadrage.datasets.registry import find_data_set  # noqa: PLC0415

    done = convert_data_set(
        find_data_set(name), root, find_data_set(to), out, split=split, allow_missing=allow_missing
    )
    print(f"{done.images} images written to {out} as {to}")
    for note in done.notes:
        print(note)
