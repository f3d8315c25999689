"""Every single rating as a table: Parquet, or JSON lines.

One row a rating, in the order of photographs, crops, raters; the hidden repeats are rows of their own. A crop that
nobody rated has one row without a rater, so that all crops and imported scores are in the table. ``COLUMNS`` says
what a row holds; both kinds of file hold the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cadrage import __version__
from cadrage.annotation.protocol import RatingProtocol, pages_of
from cadrage.annotation.store import (
    Grading,
    Photograph,
    Project,
    RatedCrop,
    Rater,
    Store,
    crops_of,
    gradings,
    photographs,
    protocol_of,
    raters,
)
from cadrage.atomic import replacing
from cadrage.errors import DataError, MissingExtraError

BATCH = 10_000
"""Rows that are held in memory."""

ROW_GROUP = 100_000
"""Rows of a Parquet file that are compressed together."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        name: of it.
        type: as Arrow calls it.
        meaning: what it holds.
        is_optional: whether it may be empty.
    """

    name: str
    type: str
    meaning: str
    is_optional: bool = False


COLUMNS = (
    Column("photograph", "string", "path below the project's folder, with /"),
    Column("sha256", "string", "of the photograph's file"),
    Column("width", "int32", "of the upright photograph, in pixels"),
    Column("height", "int32", "of the upright photograph, in pixels"),
    Column("crop", "int32", "position among the photograph's crops, from 0"),
    Column("x1", "float64", "left edge, in pixels of the upright photograph"),
    Column("y1", "float64", "upper edge"),
    Column("x2", "float64", "right edge, just outside"),
    Column("y2", "float64", "lower edge, just outside"),
    Column("group", "string", "nearest common ratio"),
    Column("ratable", "bool", "false for crops outside the aspect bounds, which nobody rates"),
    Column(
        "imported_mos", "float64", "MOS in the data set that the crop was imported with", is_optional=True
    ),
    Column("rater", "string", "name, or number; empty where nobody rated the crop", is_optional=True),
    Column("excluded", "bool", "whether the rater's grades do not count", is_optional=True),
    Column("exclusion_reason", "string", "why they do not", is_optional=True),
    Column("is_repeat", "bool", "whether this is the hidden repeat", is_optional=True),
    Column("grade", "int32", "1 (bad) to 5 (excellent)", is_optional=True),
    Column("milliseconds", "int32", "from when the crop could be graded", is_optional=True),
    Column("at", "string", "when, ISO 8601, UTC", is_optional=True),
)
"""What a row holds, in order."""

Row = dict[str, Any]

_NOBODY: Row = dict.fromkeys(column.name for column in COLUMNS[12:])


def rating_rows(
    store: Store, *, anonymous: bool = False, advance: Callable[[], None] = lambda: None
) -> Iterator[Row]:
    """The rows of the table, of one state of the project, a photograph's at a time.

    Args:
        store: a project of ratings.
        anonymous: raters' numbers, in the order of their coming, for their names. What was written as the reason
            of an exclusion stays.
        advance: called for each photograph.

    Raises:
        DataError: it is no project of ratings.
    """
    with store.reading():
        protocol = protocol_of(store)
        people = {rater.id: rater for rater in raters(store)}
        for photograph in photographs(store):
            crops = crops_of(store, photograph.id)
            groups = _groups(crops, protocol)
            given: dict[int, list[Grading]] = {}
            for one in gradings(store, photograph=photograph.id):
                given.setdefault(one.crop, []).append(one)
            for position, crop in enumerate(crops):
                shown = _shown(photograph, position, crop, groups[position])
                yield from (
                    shown | _graded(one, people[one.rater], anonymous=anonymous)
                    for one in given.get(crop.id, [])
                )
                if crop.id not in given:
                    yield shown | _NOBODY
            advance()


def _groups(crops: tuple[RatedCrop, ...], protocol: RatingProtocol) -> dict[int, str]:
    """The group of each crop, by position."""
    pages = pages_of([crop.box for crop in crops], protocol)
    return {position: page.group for page in pages for position in page.crops}


def _shown(photograph: Photograph, position: int, crop: RatedCrop, group: str) -> Row:
    return {
        "photograph": photograph.name,
        "sha256": photograph.sha256,
        "width": photograph.size_wh[0],
        "height": photograph.size_wh[1],
        "crop": position,
        "x1": crop.box.x1,
        "y1": crop.box.y1,
        "x2": crop.box.x2,
        "y2": crop.box.y2,
        "group": group,
        "ratable": crop.ratable,
        "imported_mos": crop.imported_mos,
    }


def _graded(one: Grading, rater: Rater, *, anonymous: bool) -> Row:
    return {
        "rater": str(rater.id) if anonymous else rater.name,
        "excluded": rater.excluded is not None,
        "exclusion_reason": rater.excluded,
        "is_repeat": one.is_repeat,
        "grade": one.grade,
        "milliseconds": one.milliseconds,
        "at": one.at,
    }


def write_jsonl(rows: Iterator[Row], target: Path) -> int:
    """Write rows as JSON lines, all or nothing.

    Returns:
        How many rows there are.

    Raises:
        DataError: the file cannot be written.
    """
    count = 0
    try:
        with replacing(target) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            for count, row in enumerate(rows, 1):  # noqa: B007
                file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
    except OSError as error:
        raise _unwritable(target, error) from error
    return count


def write_parquet(rows: Iterator[Row], target: Path, project: Project) -> int:
    """Write rows as a Parquet file, all or nothing; the project's title and settings are in its metadata.

    Returns:
        How many rows there are.

    Raises:
        MissingExtraError: there is no pyarrow.
        DataError: the file cannot be written.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Writing Parquet files", "annotate") from None
    about = {
        "cadrage": __version__,
        "title": project.title,
        "settings": json.dumps(project.settings),
        "created": project.created,
    }
    fields = [
        pa.field(
            column.name,
            pa.type_for_alias(column.type),
            nullable=column.is_optional,
            metadata={"meaning": column.meaning},
        )
        for column in COLUMNS
    ]
    schema = pa.schema(fields, metadata=about)
    count = 0
    try:
        with replacing(target) as part, parquet.ParquetWriter(part, schema, compression="zstd") as file:
            while batch := [pa.RecordBatch.from_pylist(some, schema) for some in _batches(rows)]:
                file.write_table(pa.Table.from_batches(batch))
                count += sum(map(len, batch))
    except OSError as error:
        raise _unwritable(target, error) from error
    return count


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows of a row group, some at a time, so that they are not all held as dictionaries."""
    for _ in range(ROW_GROUP // BATCH):
        if some := list(islice(rows, BATCH)):
            yield some


def _unwritable(target: Path, error: OSError) -> DataError:
    return DataError(f"{target} cannot be written: {error.strerror or error}.")
