"""The tables of a report: one for each ground, its methods in order, with intervals and tests against the first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cadrage.bench.intervals import CONFIDENCE, SAMPLES, Difference, Estimate, compare, estimate, holm
from cadrage.bench.origin import Origin
from cadrage.bench.protocols import METRICS, PER_ANNOTATOR, Metric, metric_of
from cadrage.bench.results import Cell, Ground
from cadrage.metrics import ACCEPTED, RETURNED, TieRule

COLUMNS = {
    "boxes": ("iou", "bde", "iou_best", "iou_mean", "bde_best", "bde_mean"),
    "pairs": ("pair_accuracy", "vote_share"),
    "subject": ("lost", "cut", "area"),
}
"""Metrics of the main table, the one that methods are ordered by first; a table shows those that its cells have."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How tables are made.

    Attributes:
        strict: show Acc without credit for ties at rank N; both are always kept.
        samples: resamples of the images for the intervals.
        seed: of the resamples and the tests.
    """

    strict: bool = False
    samples: int = SAMPLES
    seed: int = 0

    @property
    def ties(self) -> TieRule:
        """The tie rule of Acc that is shown."""
        return "strict" if self.strict else "credit"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A method in a table.

    Attributes:
        cell: its numbers, image by image.
        label: the method's name, with its version where the table has two.
        estimates: of every metric by key.
        behind: how the metric that orders the table differs from that of the first row, negative where the number
            is smaller; None in the first row.
        p: of that difference, corrected by Holm's rule for the number of rows; None in the first row.
    """

    cell: Cell
    label: str
    estimates: dict[str, Estimate]
    behind: Difference | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Every method on one ground, the best first.

    Attributes:
        ground: what was measured on.
        metrics: of the main table; the first orders the rows.
        rows: the methods.
        options: how it was made.
    """

    ground: Ground
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    options: TableOptions

    @property
    def primary(self) -> Metric:
        """The metric that orders the rows."""
        return self.metrics[0]

    @property
    def images(self) -> int:
        """How many images were measured."""
        return len(self.rows[0].cell.images)

    @property
    def title(self) -> str:
        """Ground, number of images, tie rule."""
        ties = f"; ties: {self.options.ties}" if self.ground.kind == "ranking" else ""
        return f"{self.ground.title}: {self.images:,} images{ties}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values with every metric of every method, NaN as None."""
        return {
            **{name: getattr(self.ground, name) for name in Ground.__slots__},
            "images": self.images,
            "ties": self.options.ties if self.ground.kind == "ranking" else None,
            "confidence": CONFIDENCE,
            "samples": self.options.samples,
            "seed": self.options.seed,
            "ordered_by": self.primary.key,
            "methods": [
                {
                    "method": row.cell.method,
                    "version": row.cell.version,
                    "seconds": _number(row.cell.seconds),
                    "metrics": {
                        key: {name: _number(getattr(found, name)) for name in Estimate.__slots__}
                        for key, found in row.estimates.items()
                    },
                    "difference": None
                    if row.behind is None
                    else {name: _number(getattr(row.behind, name)) for name in Difference.__slots__},
                    "p_holm": None if row.p is None else _number(row.p),
                    **asdict(row.cell.origin),
                }
                for row in self.rows
            ],
        }


def _number(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tables_of(cells: Iterable[Cell], options: TableOptions | None = None) -> tuple[Table, ...]:
    """Tables of cells, one for each ground, in the order in which the grounds first come.

    Args:
        cells: of any grounds; of two with the same ground, method and version the later counts.
        options: how to make them.
    """
    grounds: dict[Ground, dict[tuple[str, str], Cell]] = {}
    for cell in cells:
        grounds.setdefault(cell.ground, {})[cell.method, cell.version] = cell
    options = options or TableOptions()
    return tuple(_table(ground, list(found.values()), options) for ground, found in grounds.items())


def _table(ground: Ground, cells: Sequence[Cell], options: TableOptions) -> Table:
    metrics = _main_metrics(ground.kind, cells, options)
    primary = metrics[0]
    # One draw of images serves all methods.
    columns = {(at, key): values for at, cell in enumerate(cells) for key, values in cell.metrics.items()}
    weights = {(at, key): values for at, cell in enumerate(cells) for key, values in cell.weights.items()}
    found = estimate(columns, weights, samples=options.samples, seed=options.seed)
    estimates = [{key: found[at, key] for key in cell.metrics} for at, cell in enumerate(cells)]
    sign = -1 if primary.better == "higher" else 1

    def place(at: int) -> tuple[float, str]:
        mean = estimates[at][primary.key].mean
        return (math.inf if math.isnan(mean) else sign * mean, cells[at].method)

    order = sorted(range(len(cells)), key=place)
    first = cells[order[0]]
    behind = [
        compare(
            cells[at].metrics[primary.key],
            first.metrics[primary.key],
            first.weights.get(primary.key),
            samples=options.samples,
            seed=options.seed,
        )
        for at in order[1:]
    ]
    corrected = holm([difference.p for difference in behind])
    names = [cell.method for cell in cells]
    rows = []
    for rank, at in enumerate(order):
        cell = cells[at]
        label = cell.method if names.count(cell.method) == 1 else f"{cell.method} ({cell.version})"
        rows.append(
            Row(
                cell,
                label,
                estimates[at],
                behind[rank - 1] if rank else None,
                corrected[rank - 1] if rank else None,
            )
        )
    return Table(ground, metrics, tuple(rows), options)


def _main_metrics(kind: str, cells: Sequence[Cell], options: TableOptions) -> tuple[Metric, ...]:
    shared = [key for key in cells[0].metrics if all(key in cell.metrics for cell in cells)]
    if kind == "ranking":
        suffix = "_strict" if options.strict else ""
        accuracies = [f"acc{k}_{n}{suffix}" for n in ACCEPTED for k in (RETURNED[0], RETURNED[-1])]
        return tuple(METRICS[key] for key in ("srcc", "pcc", *accuracies, "regret"))
    shown = [key for key in COLUMNS[kind] if key in shared]
    return tuple(
        metric_of(key) for key in (*shown, *(key for key in shared if key.startswith(PER_ANNOTATOR)))
    )


def accuracy_metrics(ties: str) -> tuple[Metric, ...]:
    """Acc for every K and N by a rule: ``credit``, ``strict``, or ``weighted``."""
    suffix = {"credit": "", "strict": "_strict", "weighted": "_w"}[ties]
    return tuple(METRICS[f"acc{k}_{n}{suffix}"] for n in ACCEPTED for k in RETURNED)


def interval_text(metric: Metric, found: Estimate) -> str:
    """A mean with its interval, such as ``0.786 (0.751 to 0.815)``."""
    if math.isnan(found.mean):
        return "-"
    return f"{metric.text(found.mean)} ({metric.text(found.low)} to {metric.text(found.high)})"


def cost_text(seconds: float) -> str:
    """Time for an image, such as ``12.3 ms``; a dash where it was not measured."""
    if math.isnan(seconds):
        return "-"
    milliseconds = 1000 * seconds
    return f"{milliseconds:.3g} ms" if milliseconds < 1000 else f"{seconds:.3g} s"


def threads_text(threads: int) -> str:
    """A number of threads, such as ``1 thread``."""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def period_text(origin: Origin) -> str:
    """When a cell's answers were computed, to the minute; the first and the last where they differ."""
    ends = [date[:16].replace("T", " ") for date in (origin.begun, origin.made)]
    return " to ".join(dict.fromkeys(ends))


def p_text(p: float | None) -> str:
    """A p-value as tables print it; empty for the row that the others are tested against."""
    if p is None:
        return ""
    if math.isnan(p):
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
