"""Reports of a bench: Markdown, JSON and a page, made from the cells in a folder, so that more runs extend them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cadrage.atomic import replacing
from cadrage.bench.report.markdown import markdown_of
from cadrage.bench.report.page import page_of
from cadrage.bench.report.tables import Table, TableOptions, tables_of
from cadrage.bench.results import load_cells
from cadrage.bench.unreliable import load_unreliabilities
from cadrage.errors import DataError

__all__ = ["Table", "TableOptions", "tables_of", "write_report"]


def write_report(folder: Path, options: TableOptions | None = None) -> tuple[Path, ...]:
    """Write ``report.md``, ``report.json`` and ``report.html`` from everything that runs have left in a folder.

    Args:
        folder: of the report, with its cells.
        options: how tables are made.

    Returns:
        The files.

    Raises:
        DataError: there is no cell, one is malformed, or a file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    cells = sorted(load_cells(folder), key=lambda cell: cell.ground.title)
    if not cells:
        raise DataError(f"{folder} holds no results of a bench.")
    tables, unreliable = tables_of(cells, options), load_unreliabilities(folder)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "report.md": markdown_of(tables, unreliable),
        "report.json": json.dumps(
            {
                "made": made,
                "tables": [table.to_dict() for table in tables],
                "unreliable_iou": [one.to_dict() for one in unreliable],
            },
            ensure_ascii=False,
            indent=1,
            allow_nan=False,
        )
        + "\n",
        "report.html": page_of(tables, unreliable, made),
    }
    for name, text in content.items():
        try:
            with replacing(folder / name) as part:
                part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{folder / name} cannot be written: {error.strerror}.") from error
    return tuple(folder / name for name in content)
