"""``cadrage ratings``: what people's judgements say, and their way out of project files and in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import Progress, complain
from cadrage.cli.ratings_boxes import boxes
from cadrage.cli.ratings_export import export
from cadrage.cli.ratings_report import pilot, report
from cadrage.errors import DataError, RequestError

if TYPE_CHECKING:
    from cadrage.annotation.store import Store

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def ratings() -> None:
    """Judge, export, import, back up and put in order what people rated in a project file of 'cadrage annotate'."""


app.command("report")(report)
app.command("pilot")(pilot)
app.command("boxes")(boxes)
app.command("export")(export)


@app.command("import")
def import_(
    root: Annotated[Path, typer.Argument(metavar="GAICD", help="Data set in the GAICD layout.")],
    project: Annotated[
        Path, typer.Option(metavar="FILE", help="Project file to make, or to go on with after a stop.")
    ],
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "all",
    title: Annotated[str | None, typer.Option(help="What the pages call it [the data set's folder].")] = None,
    order: Annotated[
        str | None, typer.Option(help="Photographs for each rater: balanced or random. [balanced]")
    ] = None,
    repeats: Annotated[
        float | None, typer.Option(help="Share of pages shown a second time, unannounced. [0.05]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of orders and repeats. [0]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take a data set of rated crops into a project file, to look at it and to rate it further.

    The crops are those of the data set, in its order; those of MOS -2 are kept, and are not graded. Its MOS is kept
    beside the grades that raters will give: 'cadrage ratings export' writes it for crops that nobody rated, so
    that a project in which nobody did gives the same labels back. Photographs are called PART/FILE. An import that
    was stopped goes on when the same command is given again.

    \b
      cadrage ratings import GAICD --project gaicd.cadrage --split train
      cadrage annotate gaicd.cadrage
      cadrage ratings export gaicd.cadrage --photographs GAICD/images --imported-weight 7 --out extended
    """
    from cadrage.annotation.exchange.gaicd import import_gaicd  # noqa: PLC0415
    from cadrage.annotation.protocol import RatingProtocol  # noqa: PLC0415
    from cadrage.annotation.server.claim import claimed  # noqa: PLC0415
    from cadrage.annotation.store import Store, create_project  # noqa: PLC0415
    from cadrage.datasets.gaicd import load_gaicd  # noqa: PLC0415

    images = load_gaicd(root, split, keep_unrated=True)  # type: ignore[arg-type]  # which refuses any other word
    wanted = {"order": order, "repeats": repeats, "seed": seed}
    given = {name: value for name, value in wanted.items() if value is not None}
    new, old, broken = 0, 0, {}
    with ExitStack() as stack:
        stack.enter_context(claimed(project))
        if project.exists():
            store = stack.enter_context(Store.open(project))
            _check_same(store, title, given)
        else:
            protocol = RatingProtocol(**given)  # type: ignore[arg-type]  # likewise
            made = create_project(project, "ratings", title or root.resolve().name, protocol.to_dict())
            store = stack.enter_context(made)
        progress = stack.enter_context(Progress("importing", len(images)))
        for taken in import_gaicd(store, images):
            if taken.problem is not None:
                broken[taken.name] = taken.problem
                progress.complain(taken.problem)
            else:
                new += taken.is_new
                old += not taken.is_new
            progress.advance()
    if as_json:
        print(json.dumps({"project": str(project), "imported": new, "known": old, "broken": broken}))
    else:
        known = f", {old} were there before" if old else ""
        print(f"{project}: {new} photograph{'' if new == 1 else 's'} imported{known}")
    if broken:
        raise typer.Exit(1)


def _check_same(store: Store, title: str | None, given: Mapping[str, object]) -> None:
    """Refuse options that say otherwise than the project that an import goes on with."""
    from cadrage.annotation.store import project_of, protocol_of  # noqa: PLC0415

    is_set = {"title": project_of(store).title, **protocol_of(store).to_dict()}
    for option, value in {"title": title, **given}.items():
        if value is not None and value != is_set[option]:
            raise RequestError(
                f"{store.path} was made with another {option} than {value}: it is fixed when a project is made."
            )


@app.command()
def backup(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The copy.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Copy a project file as it is now, also while people rate.

    A project of which the pages are open is more than one file: copying it by other means may lose the last grades.

    \b
      cadrage ratings backup photographs/ratings.cadrage --out ratings-monday.cadrage
    """
    from cadrage.annotation.store import Store  # noqa: PLC0415

    with Store.open(project) as store:
        if out.exists() and out.samefile(project):
            raise RequestError(f"{out} is the project itself: name another file.")
        if out.exists() and not overwrite:
            raise DataError(f"{out} exists already: name another file, or give --overwrite.")
        if not out.absolute().parent.is_dir():
            raise DataError(f"{out} cannot be written: {out.parent} is no folder.")
        store.backup(out)
    print(f"Wrote {out}: {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def exclude(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The rater.")],
    reason: Annotated[str | None, typer.Option(help="Why; it is reported wherever results are.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let the rater count again.")] = False,
) -> None:
    """Let a rater's judgements not count in reports and exports. They are kept, and count again with --undo.

    \b
      cadrage ratings exclude photographs/ratings.cadrage "Ben" --reason "the same grade on every page"
      cadrage ratings exclude photographs/ratings.cadrage "Ben" --undo
    """
    from cadrage.annotation.store import Store, raters  # noqa: PLC0415
    from cadrage.annotation.store import exclude as exclude_rater  # noqa: PLC0415
    from cadrage.annotation.store.raters import checked_name  # noqa: PLC0415

    if undo == (reason is not None):
        raise RequestError("Give either --reason and a text, or --undo.")
    reason = None if reason is None else " ".join(reason.split())
    if reason == "":
        raise RequestError("An exclusion needs a reason: it is reported with the results.")
    name = checked_name(name)
    with Store.open(project) as store:
        before = exclude_rater(store, name, reason)
        left = [rater for rater in raters(store) if rater.excluded is None]
    if undo:
        print(f"{before.name} counts again" if before.excluded else f"{before.name} counts, as before")
    else:
        print(f"{before.name} does not count: {reason}")
    if not left:
        complain("Now nobody counts.")
