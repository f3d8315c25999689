"""``cadrage study``: ask people which method's crops they like, or what they see on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import Progress, complain
from cadrage.cli.serving import Host, NoBrowser, Port, Token
from cadrage.errors import DataError, MissingExtraError, RequestError

if TYPE_CHECKING:
    from cadrage.annotation.study.making import StudyMade
    from cadrage.annotation.study.methods import StudyPlan

MOST_NAMED = 5
"""Photographs that are named one by one."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

Study = Annotated[Path, typer.Argument(metavar="FILE", help="The study.")]


@app.callback()
def study() -> None:
    """Ask people which method's crops they like the most, or what they see on them; methods stay unnamed.

    \b
      cadrage study create taste.cadrage --method ours=crops --method plain=original --photographs photos
      cadrage study serve taste.cadrage
      cadrage study report taste.cadrage
    """


@app.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The study to make, such as taste.cadrage.")],
    *,
    method: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=WHERE",
            help="A method: a folder of its crops, a manifest (.jsonl), or the word original. 2 to 9 of them.",
        ),
    ],
    photographs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The photographs that were cropped [as the manifests say]."),
    ] = None,
    ratio: Annotated[
        str | None,
        typer.Option("--ratio", "-r", metavar="RATIO", help="Which crops, where a method has several."),
    ] = None,
    question: Annotated[
        str, typer.Option(help="preference: which is liked the most? description: what is on this one?")
    ] = "preference",
    sizes: Annotated[
        str, typer.Option(help="Crops of different shapes are shown at equal area or at equal height.")
    ] = "area",
    show_original: Annotated[
        bool, typer.Option("--show-original", help="Show the whole photograph beside the crops.")
    ] = False,
    captions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help='Captions to compare descriptions with: lines {"image": "a.jpg", "captions": ["..."]}.',
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What the pages call it [the file's name].")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all orders.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a study of what two or more methods made of the same photographs.

    A folder's crops are matched by name: beach.jpg or, as 'cadrage crop --out' calls them, beach_16x9.jpg is the
    crop of beach.jpg. Of a manifest that 'cadrage crop' has written the best crop of each photograph is taken, and
    cut from the photograph. Photographs that some method lacks are left out, and named.

    The study is one file that holds all pictures: it can be carried to another machine. They are encoded anew, at
    one size and quality, and nothing that a browser gets tells which method a crop is of. Give all methods as
    manifests, or all as folders, so that no crop has been encoded more often than another.

    \b
    Examples:
      cadrage crop photos --ratio 1:1 --out crops
      cadrage study create taste.cadrage --method ours=crops/manifest.jsonl --method theirs=their-crops
      cadrage study create taste.cadrage --method a=a --method b=b --method plain=original --photographs photos
      cadrage study create say.cadrage --question description --method a=a --method b=b --captions captions.jsonl

    \b
    Exit code:
      0  every photograph is in the study
      1  some are not; each is named with the reason
      2  there is no study
    """
    from cadrage.annotation.store.boxes import read_captions  # noqa: PLC0415
    from cadrage.annotation.store.studies import StudyProtocol  # noqa: PLC0415
    from cadrage.annotation.study.making import check_original, make_study  # noqa: PLC0415
    from cadrage.annotation.study.methods import Method, plan_study  # noqa: PLC0415

    protocol = StudyProtocol(question, sizes, show_original, seed)  # type: ignore[arg-type]  # which refuses others
    if captions is not None and question != "description":
        raise RequestError("--captions are compared with descriptions: give --question description.")
    texts = None if captions is None else read_captions(captions)
    chosen = [Method.parse(text) for text in method]
    plan = plan_study(chosen, photographs, ratio)
    check_original(protocol, chosen, plan)
    with Progress("taking in", len(plan.photographs)) as progress:
        made = make_study(file, title or file.stem, protocol, plan, captions=texts, advance=progress.advance)
    if as_json:
        record = {"study": str(file), "methods": plan.methods, "photographs": made.photographs}
        left = {"left_out": made.left_out, "uncaptioned": made.uncaptioned, "strays": plan.strays}
        print(json.dumps(record | left, ensure_ascii=False))
    else:
        print(
            f"{file}: {len(made.photographs)} photographs, {len(plan.methods)} methods: {', '.join(plan.methods)}"
        )
    _tell(plan, made)
    if made.left_out:
        raise typer.Exit(1)


def _tell(plan: StudyPlan, made: StudyMade) -> None:
    """Name what is not in the study."""
    for name, reason in made.left_out.items():
        complain(f"{name} is left out ({reason}).")
    for method, strays in plan.strays.items():
        complain(f"{method}: no photograph belongs to {_named(strays)}.")
    if made.uncaptioned:
        complain(f"Without a caption: {_named(made.uncaptioned)}.")


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


@app.command()
def serve(
    file: Study,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8737,
    token: Token = None,
    no_browser: NoBrowser = False,
) -> None:
    """Serve the pages of a study until Ctrl-C; prints their address on standard output.

    Everybody who opens the address gives a name, and goes on where that name stopped. The order of photographs and
    crops is random, and another one for everybody. In a study of descriptions everybody sees one method's crop of
    each photograph, and the methods take turns.

    \b
      cadrage study serve taste.cadrage
      cadrage study serve taste.cadrage --host 0.0.0.0 --port 9000
    """
    from cadrage.annotation.store import Store, project_of  # noqa: PLC0415

    try:
        from cadrage.annotation.server.claim import claimed  # noqa: PLC0415
        from cadrage.annotation.server.run import Address, listening  # noqa: PLC0415
        from cadrage.annotation.server.run import serve as serve_pages  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("The pages of a study", "annotate") from None
    if not file.is_file():
        raise DataError(f"There is no project {file}.")
    address = Address(host, port, token)
    with claimed(file) as claim, listening(address) as listener, Store.open(file) as store:
        project_of(store, "study")
        serve_pages(store, claim, address, listener, open_browser=not no_browser)


@app.command()
def report(
    file: Study,
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page too.")] = None,
) -> None:
    """Say what people chose, and how far that can be trusted.

    Three 95 % intervals stand beside each share. Wilson's takes every vote for independent of the others. The other
    two are cluster bootstraps: over voters, for what other people would choose; over photographs, for what these
    people would choose on other photographs. The widest is the one to quote. The strength is that of the
    Bradley-Terry model: a choice among n counts as n - 1 comparisons that the chosen one has won. Equal preference
    is tested by chi-square. Who was excluded ('cadrage ratings exclude') is named, and does not count.

    \b
      cadrage study report taste.cadrage
      cadrage study report taste.cadrage --html taste.html
      cadrage study report taste.cadrage --json > taste.json
    """
    from cadrage.annotation.store import Store  # noqa: PLC0415
    from cadrage.annotation.study.report import report_study  # noqa: PLC0415
    from cadrage.cli.study_report import print_report  # noqa: PLC0415

    with Store.open(file) as store:
        found = report_study(store, seed)
    if html is not None:
        from cadrage.annotation.study.page import write_page  # noqa: PLC0415

        write_page(found, html)
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        print_report(found)
        if html is not None:
            print(f"Wrote {html}")


@app.command()
def export(
    file: Study,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.jsonl", help="The file to make.")],
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Numbers for voters' names.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Write every single vote or description as JSON lines, those of excluded voters marked so.

    Votes: {"image", "method", "shown": [methods, first to last], "position", "voter", "excluded", "seconds", "at"}.
    Descriptions: {"image", "method", "caption", "description", "voter", "excluded", "seconds", "at"}, as measures
    of caption similarity read them; "captions", a list, where the study has several, neither where it has none.

    \b
      cadrage study export taste.cadrage --out votes.jsonl
    """
    from cadrage.annotation.exchange.tables import write_jsonl  # noqa: PLC0415
    from cadrage.annotation.store import Store  # noqa: PLC0415
    from cadrage.annotation.study.records import rows  # noqa: PLC0415

    if out.is_dir() or (out.exists() and not overwrite):
        raise DataError(f"{out} exists already: name another file, or give --overwrite.")
    with Store.open(file) as store:
        if out.exists() and out.samefile(file):
            raise RequestError(f"{out} is the study itself: name another file.")
        number = write_jsonl(rows(store, anonymous=anonymous), out)
    print(f"Wrote {out}: {number} rows")
