"""The table of ``cadrage bench`` on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cadrage.cli.console import Rows

if TYPE_CHECKING:
    from cadrage.bench.report import Table


def show_table(table: Table, *, apart: bool = False) -> None:
    """Print what was measured on, then a row for each method: metrics with intervals, cost, p.

    Args:
        table: what to print.
        apart: whether an empty line comes first.
    """
    from cadrage.bench.report.tables import cost_text, interval_text, p_text  # noqa: PLC0415

    if apart:
        print()
    print(table.title)
    print(
        f"in brackets: 95 % intervals from {table.options.samples:,} resamples of the images, seed "
        f"{table.options.seed}; p: {table.primary.label} against the first row"
    )
    rows = Rows("method", *(metric.heading for metric in table.metrics), "cost", "p")
    for row in table.rows:
        rows.add(
            row.label,
            *(interval_text(metric, row.estimates[metric.key]) for metric in table.metrics),
            cost_text(row.cell.seconds),
            p_text(row.p),
        )
    rows.finish()
