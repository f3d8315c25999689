"""A report as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cadrage.bench.intervals import SAMPLES
from cadrage.bench.report.tables import (
    Table,
    accuracy_metrics,
    cost_text,
    interval_text,
    p_text,
    period_text,
)
from cadrage.bench.unreliable import GOOD, POOR, Unreliability

PLAIN = (
    "With each mean its 95 % bootstrap interval over images. p: two-sided sign-flip permutation test of the first "
    "column against the first row, corrected by Holm's rule. Cost: median time of an image, decoding included."
)
"""How to read a table."""

ORIGIN = ("last command", "answers computed (UTC)", "threads", "with")
"""Columns of the table of how each row was made, after method and version."""

ORIGIN_PLAIN = (
    "The last command is the one that asked for the row last. It computed only the answers that were not kept from "
    "earlier runs; time, threads and versions are those of the answers."
)
"""How to read that table."""


NO_COMPARISON = (
    "These ratings cannot tell: in no image do two crops beside the best one differ in both rating and IoU."
)
"""In place of figures about IoU."""


def markdown_of(tables: Sequence[Table], unreliable: Sequence[Unreliability]) -> str:
    """Tables as text."""
    parts = ["# Comparison of croppers", PLAIN]
    for table in tables:
        parts += [f"## {table.title}", _main(table)]
        if table.ground.kind == "ranking":
            for ties in ("credit", "strict", "weighted"):
                name = "Acc^w, no credit for ties" if ties == "weighted" else f"Acc, ties: {ties}"
                parts += [f"### {name}", _accuracy(table, ties)]
        parts += ["### How each row was made", _origins(table)]
    for one in unreliable:
        parts += [
            f"## How reliable IoU is: {one.ground.data_set}, split {one.ground.split}",
            *sentences_of(one),
        ]
    return "\n\n".join(parts) + "\n"


def sentences_of(found: Unreliability) -> list[str]:
    """What ratings say about IoU, in words: a sentence for each figure that there is, or that there is none."""
    srcc, disordered, below = found.srcc, found.disordered, found.good_below
    sentences = []
    if not math.isnan(srcc.mean):
        sentences.append(
            f"On {found.images:,} images the IoU of a crop with the best rated one has a Spearman correlation of "
            f"{srcc.mean:.3f} ({srcc.low:.3f} to {srcc.high:.3f}) with its own rating, and a Pearson correlation "
            f"of {found.pcc.mean:.3f}."
        )
    if not math.isnan(disordered.mean):
        sentences.append(
            f"Of every two crops of an image that differ in both, the one with the larger IoU is rated lower in "
            f"{100 * disordered.mean:.1f} %."
        )
    if not math.isnan(below.mean):
        sentences.append(
            f"Of the good crops (at most {GOOD:g} below the best rating), {100 * below.mean:.1f} % "
            f"({100 * below.low:.1f} to {100 * below.high:.1f}) overlap the best crop less than some poor crop "
            f"(more than {POOR:g} below) of the same image does."
        )
    return sentences or [NO_COMPARISON]


def _main(table: Table) -> str:
    head = ["method", *(metric.heading for metric in table.metrics), "cost", "p"]
    rows = (
        [
            row.label,
            *(interval_text(metric, row.estimates[metric.key]) for metric in table.metrics),
            cost_text(row.cell.seconds),
            p_text(row.p),
        ]
        for row in table.rows
    )
    return _table(head, rows)


def _accuracy(table: Table, ties: str) -> str:
    metrics = accuracy_metrics(ties)
    head = ["method", *(metric.label.removesuffix(" strict") for metric in metrics)]
    rows = (
        [row.label, *(metric.text(row.estimates[metric.key].mean) for metric in metrics)]
        for row in table.rows
    )
    return _table(head, rows)


def _origins(table: Table) -> str:
    rows = []
    for row in table.rows:
        origin = row.cell.origin
        versions = ", ".join(f"{name} {number}" for name, number in origin.versions.items())
        rows.append(
            [
                row.label,
                row.cell.version,
                f"`{origin.last_command}`",
                period_text(origin),
                str(origin.threads),
                versions,
            ]
        )
    samples = table.options.samples
    note = "" if samples == SAMPLES else f"\n\nIntervals from {samples:,} resamples."
    return f"{_table(['method', 'version', *ORIGIN], rows)}\n\n{ORIGIN_PLAIN}{note}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)
