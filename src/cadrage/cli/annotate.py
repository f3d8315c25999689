"""``cadrage annotate``: rate the crops of a folder's photographs, or draw them for captions, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cadrage.cli.sections import SectionedCommand
from cadrage.cli.serving import Host, NoBrowser, Port, Token
from cadrage.errors import MissingExtraError

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_FOLDER = "Photographs"
_CROPS = "Which crops are rated"
_PEOPLE = "What raters are shown"
_CAPTIONS = "Captions"


@app.command(cls=SectionedCommand)
def annotate(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|PROJECT", help="Folder of photographs, or a project that exists.")
    ],
    *,
    project: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The project. [DIR/ratings.cadrage]")
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the pages call it. [the folder's name]")
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-R", help="Go into the folders below too.", rich_help_panel=_FOLDER),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Take only photographs whose name fits; may be repeated.",
            rich_help_panel=_FOLDER,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Leave out photographs and folders whose name fits; may be repeated.",
            rich_help_panel=_FOLDER,
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="MxN/mxn",
            help="Rows and columns of the grid / of the corner blocks. [12x12/4x4]",
            rich_help_panel=_CROPS,
        ),
    ] = None,
    min_area: Annotated[
        float | None,
        typer.Option(metavar="A", help="Least share of the photograph's area. [0.5]", rich_help_panel=_CROPS),
    ] = None,
    min_aspect: Annotated[
        float | None, typer.Option(metavar="R", help="Least width / height. [0.5]", rich_help_panel=_CROPS)
    ] = None,
    max_aspect: Annotated[
        float | None,
        typer.Option(metavar="R", help="Greatest width / height. [2.2]", rich_help_panel=_CROPS),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            metavar="W:H",
            help="Crops are shown by the nearest of these ratios; repeat it. [16:9 3:2 4:3 1:1 3:4 2:3 9:16]",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    crops_per_page: Annotated[
        int | None, typer.Option(metavar="N", help="At most; 1 to 6. [4]", rich_help_panel=_PEOPLE)
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of the photographs: balanced (one order, each rater starts elsewhere) or random (each rater has "
            "another). [balanced]",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    repeats: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the pages that come again, unannounced; 0 to 0.5. [0.05]",
            rich_help_panel=_PEOPLE,
        ),
    ] = None,
    repeat_gap: Annotated[
        int | None,
        typer.Option(metavar="N", help="Photographs before they do. [3]", rich_help_panel=_PEOPLE),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Of orders and repeats. [0]", rich_help_panel=_PEOPLE)
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help='Draw crops for captions instead, given as lines {"image": "name.jpg", "captions": ["..."]}. '
            "The project is DIR/captions.cadrage.",
            rich_help_panel=_CAPTIONS,
        ),
    ] = None,
    ratio: Annotated[
        str | None,
        typer.Option(
            metavar="W:H", help="Of every box; by default raters choose it.", rich_help_panel=_CAPTIONS
        ),
    ] = None,
    smallest_side: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Least side of a box, by the photograph's shorter side. [0.05]",
            rich_help_panel=_CAPTIONS,
        ),
    ] = None,
    captions_per_photograph: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use the first N. [all]", rich_help_panel=_CAPTIONS),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8737,
    token: Token = None,
    no_browser: NoBrowser = False,
) -> None:
    """Rate crops, or draw them for captions, in the browser.

    The first call for a folder makes a project: one file with small copies of the photographs, the crops, the
    people, and every grade, kept as it is given. Later calls go on with it and take in photographs that are new.
    How crops are rated is fixed by the first call. The file can be carried to another machine and opened there
    without the photographs.

    Prints the pages' address on standard output and serves them until Ctrl-C. Everybody who opens the address
    gives a name, and goes on where that name stopped. What cannot be read is listed and left out.

    \b
    Examples:
      cadrage annotate holiday
      cadrage annotate archive --recursive --grid 10x10/4x4 --repeats 0.1 --project archive.cadrage
      cadrage annotate archive.cadrage --host 0.0.0.0
      cadrage annotate holiday --captions captions.jsonl

    \b
    Then:
      cadrage ratings report holiday/ratings.cadrage
      cadrage ratings export holiday/ratings.cadrage --out my-data
      cadrage train gaicd my-data --recipe paper
    """
    try:
        from cadrage.cli.annotate_run import AnnotateCall, run  # noqa: PLC0415
    except ModuleNotFoundError:
        raise MissingExtraError("Rating in the browser", "annotate") from None
    given = {
        "--grid": grid,
        "--min-area": min_area,
        "--min-aspect": min_aspect,
        "--max-aspect": max_aspect,
        "--group": tuple(group) if group else None,
        "--crops-per-page": crops_per_page,
        "--order": order,
        "--repeats": repeats,
        "--repeat-gap": repeat_gap,
        "--seed": seed,
        "--ratio": ratio,
        "--smallest-side": smallest_side,
        "--captions-per-photograph": captions_per_photograph,
    }
    call = AnnotateCall(
        source=source,
        project=project,
        title=title,
        recursive=recursive,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        captions=captions,
        settings={option: value for option, value in given.items() if value is not None},
        host=host,
        port=port,
        token=token,
        open_browser=not no_browser,
    )
    run(call)
