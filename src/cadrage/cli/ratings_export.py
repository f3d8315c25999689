"""``cadrage ratings export``: a project as a data set, or as a table of all ratings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadrage.cli.console import Progress, complain
from cadrage.errors import DataError, RequestError

if TYPE_CHECKING:
    from cadrage.annotation.exchange.gaicd import ExportRule
    from cadrage.annotation.exchange.pictures import PictureSource
    from cadrage.annotation.store import Store

TABLES = ("parquet", "jsonl")
FORMATS = ("gaicd", *TABLES, "captions")
UNWRITTEN = ("csv", "tsv", "json", "txt", "xls", "xlsx", "zip")
"""Suffixes that no folder has by its owner's wish."""

FORMATS_OF = {
    "fewest": ("gaicd",),
    "imported_weight": ("gaicd",),
    "validation": ("gaicd",),
    "test": ("gaicd",),
    "split_seed": ("gaicd",),
    "undivided": ("gaicd",),
    "photographs": ("gaicd", "captions"),
    "pictures": ("gaicd", "captions"),
    "anonymous": (*TABLES, "captions"),
}
"""Options that not every format has."""

FATES = {
    "rated": "with a MOS of these ratings",
    "imported": "with the imported one",
    "outside_bounds": "outside the aspect bounds",
    "too_few_ratings": "with too few ratings",
}
"""What is said of crops in ``ExportReport.crops``."""

MOST_NAMED = 5
"""Photographs that a sentence names."""


def export(
    context: typer.Context,
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file.")],
    out: Annotated[Path, typer.Option(help="Folder to make; a file for parquet and jsonl.")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help="gaicd, parquet, jsonl or captions [by suffix of --out, kind of project]."
        ),
    ] = None,
    fewest: Annotated[int, typer.Option(help="gaicd: ratings that a crop needs; with fewer it is -2.")] = 1,
    imported_weight: Annotated[
        int,
        typer.Option(
            help="gaicd: ratings that an imported MOS counts as; with 0, own ratings take its place."
        ),
    ] = 0,
    validation: Annotated[int, typer.Option(help="gaicd: photographs drawn for a part 'val'.")] = 0,
    test: Annotated[int, typer.Option(help="gaicd: photographs drawn for a part 'test'.")] = 0,
    split_seed: Annotated[int, typer.Option(help="gaicd: seed of these draws.")] = 0,
    undivided: Annotated[
        bool, typer.Option("--undivided", help="gaicd: no parts, though folders train, val, test make some.")
    ] = False,
    photographs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="gaicd, captions: the photographs [the project file's folder]."),
    ] = None,
    pictures: Annotated[
        str, typer.Option(help="gaicd, captions: original, or shown for the smaller ones that raters saw.")
    ] = "original",
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="parquet, jsonl, captions: numbers for raters' names.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a project as a data set that 'cadrage train gaicd' reads, or every single rating as a table.

    gaicd: the MOS of a crop is the mean of the grades of all raters that are not excluded, without the hidden
    repeats, to two decimals; -2 stands for crops outside the aspect bounds or with too few ratings. Photographs
    without a rated crop are left out. An imported MOS is written where nobody rated. Pictures are copied as they
    are; those that are not upright, or neither JPEG nor PNG, become upright JPEG files.

    parquet, jsonl: one row a rating, with photograph, crop, rater, grade and time. captions: the boxes that were
    drawn for each caption. All of them are written whole or not at all.

    \b
      cadrage ratings export photographs/ratings.cadrage --out my-taste
      cadrage ratings export photographs/ratings.cadrage --out my-taste --fewest 3 --validation 20 --test 20
      cadrage ratings export photographs/ratings.cadrage --out ratings.parquet --anonymous
      cadrage train gaicd my-taste --recipe paper --validation 20
    """
    from cadrage.annotation.exchange.pictures import PictureSource  # noqa: PLC0415
    from cadrage.annotation.store import Store  # noqa: PLC0415

    with Store.open(project) as store:
        chosen = format_ or _natural_format(store, out)
        _check_options(context, chosen)
        if pictures not in ("original", "shown"):
            raise RequestError(f"Pictures are 'original' or 'shown'; got '{pictures}'.")
        source = PictureSource(store, photographs or project.absolute().parent, pictures)  # type: ignore[arg-type]
        options = {"overwrite": overwrite, "anonymous": anonymous}
        if chosen == "gaicd":
            from cadrage.annotation.exchange.gaicd import ExportRule  # noqa: PLC0415

            rule = ExportRule(fewest, imported_weight, validation, test, split_seed, undivided)
            lines, record = _export_gaicd(store, out, rule, source, overwrite=overwrite)
        elif chosen == "captions":
            lines, record = _export_captions(store, out, source, **options)
        else:
            lines, record = _export_table(store, out, chosen, **options)
    if as_json:
        print(json.dumps({"out": str(out), "format": chosen, **record}, ensure_ascii=False))
    else:
        print("\n".join(lines))


def _natural_format(store: Store, out: Path) -> str:
    from cadrage.annotation.store import project_of  # noqa: PLC0415

    suffix = out.suffix.lower().removeprefix(".")
    kind = project_of(store).kind
    if kind == "captions" and suffix in TABLES:
        raise RequestError(f"Boxes and captions are written to a folder; {out} is the name of a table.")
    if suffix in TABLES:
        return suffix
    if suffix in UNWRITTEN:
        raise RequestError(f"There is no export to {suffix}: name a file of .parquet or .jsonl, or a folder.")
    return "captions" if kind == "captions" else "gaicd"


def _check_options(context: typer.Context, chosen: str) -> None:
    if chosen not in FORMATS:
        raise RequestError(
            f"There is no format '{chosen}': choose {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        )
    for name, formats in FORMATS_OF.items():
        source = context.get_parameter_source(name)
        if chosen not in formats and source is not None and source.name == "COMMANDLINE":
            option = name.replace("_", "-")
            raise RequestError(f"--{option} is for {' and '.join(formats)}, not for {chosen}.")


def _export_gaicd(
    store: Store, out: Path, rule: ExportRule, source: PictureSource, *, overwrite: bool
) -> tuple[list[str], dict[str, Any]]:
    """Lines for people, and a record for machines."""
    from cadrage.annotation.exchange.gaicd import export_gaicd  # noqa: PLC0415
    from cadrage.annotation.store import photographs  # noqa: PLC0415

    with Progress("exporting", len(photographs(store))) as progress:
        report = export_gaicd(store, out, rule, source, overwrite=overwrite, advance=progress.advance)
    if report.left_out:
        complain(f"Without a rated crop, so left out: {_named(report.left_out)}.")
    if report.crops["too_few_ratings"]:
        needed = "no rating" if rule.fewest == 1 else f"fewer than {rule.fewest} ratings"
        complain(f"Of {_many(report.crops['too_few_ratings'], 'crop')} with {needed} the MOS is -2.")
    _complain_of_excluded(store)
    parts = ", ".join(f"{count} {part}" for part, count in report.photographs.items())
    crops = ", ".join(f"{report.crops[fate]} {what}" for fate, what in FATES.items() if report.crops[fate])
    lines = [
        f"Wrote {out}: {_many(sum(report.photographs.values()), 'photograph')} ({parts}), "
        f"{_many(report.ratings, 'rating')} by {_many(report.raters, 'rater')}",
        f"crops: {crops}",
        _on_pictures(report.pictures),
    ]
    return lines, report.to_dict()


def _export_captions(
    store: Store, out: Path, source: PictureSource, *, overwrite: bool, anonymous: bool
) -> tuple[list[str], dict[str, Any]]:
    """Lines for people, and a record for machines."""
    from cadrage.annotation.exchange.captions import export_captions  # noqa: PLC0415
    from cadrage.annotation.store import photographs  # noqa: PLC0415

    with Progress("exporting", len(photographs(store))) as progress:
        report = export_captions(
            store, out, source, anonymous=anonymous, overwrite=overwrite, advance=progress.advance
        )
    if report.captions_left_out:
        complain(f"Without a box that counts, so left out: {_many(report.captions_left_out, 'caption')}.")
    _complain_of_excluded(store)
    lines = [
        f"Wrote {out}: {_many(report.photographs, 'photograph')}, {_many(report.captions, 'caption')}, "
        f"{report.boxes} box{'' if report.boxes == 1 else 'es'} by {_many(report.raters, 'rater')}",
        _on_pictures(report.pictures),
    ]
    return lines, report.to_dict()


def _export_table(
    store: Store, out: Path, chosen: str, *, overwrite: bool, anonymous: bool
) -> tuple[list[str], dict[str, Any]]:
    """Lines for people, and a record for machines."""
    from cadrage.annotation.exchange.tables import rating_rows, write_jsonl, write_parquet  # noqa: PLC0415
    from cadrage.annotation.store import photographs, project_of  # noqa: PLC0415

    project = project_of(store, "ratings")
    if out.is_dir():
        raise DataError(f"{out} is a folder: a table is a file, such as ratings.{chosen}.")
    if out.exists() and not overwrite:
        raise DataError(f"{out} exists already: name another file, or give --overwrite.")
    if out.exists() and out.samefile(store.path):
        raise RequestError(f"{out} is the project itself: name another file.")
    with Progress("exporting", len(photographs(store))) as progress:
        rows = rating_rows(store, anonymous=anonymous, advance=progress.advance)
        count = write_parquet(rows, out, project) if chosen == "parquet" else write_jsonl(rows, out)
    return [f"Wrote {out}: {count} rows"], {"rows": count}


def _complain_of_excluded(store: Store) -> None:
    from cadrage.annotation.store import raters  # noqa: PLC0415

    for rater in raters(store):
        if rater.excluded is not None:
            complain(f"{rater.name} does not count: {rater.excluded}")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _on_pictures(pictures: Mapping[str, Any]) -> str:
    if pictures["kind"] == "shown":
        return f"pictures: {pictures['copied']} as the raters saw them, boxes scaled to them"
    return (
        f"pictures: {pictures['copied']} copied as they are, {pictures['converted']} written as upright JPEG"
    )
