"""The plots of a table: quality with intervals, the spread over images, Acc over K, cost against quality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cadrage.bench.protocols import METRICS, Metric
from cadrage.bench.report.drawing import FONT, INK, LINE, SERIES, SOFT, plot, svg
from cadrage.bench.report.tables import Row, Table, threads_text
from cadrage.metrics import ACCEPTED, RETURNED

WIDTH = 5.4
"""Inches; the page scales the drawing."""

ROW_HEIGHT = 0.3
"""Inches of one method."""

LONGEST_NAME = 28
"""Letters of a method's name in a plot."""

LETTER = 0.56
"""Width of a letter as a share of its height, on the safe side of usual fonts."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing and what stands below it.

    Attributes:
        drawing: an SVG element.
        title: what it shows.
        about: how to read it.
        legend: names of the coloured series, in the order of the page's colours; empty where it names its own.
    """

    drawing: str
    title: str
    about: str
    legend: tuple[str, ...] = ()


def plots_of(table: Table) -> Iterator[Plot]:
    """The plots that a table allows.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    yield _quality(table)
    spread = METRICS["regret"] if table.ground.kind == "ranking" else table.primary
    if table.ground.kind != "pairs":
        yield _spread(table, spread)
    if table.ground.kind == "ranking":
        for n in ACCEPTED:
            yield _accuracy(table, n)
    if any(not math.isnan(row.cell.seconds) for row in table.rows):
        yield _cost(table)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _named_rows(rows: Sequence[Row]) -> tuple[list[int], list[str]]:
    """Places from the top down, and names of the rows."""
    return list(range(len(rows) - 1, -1, -1)), [_short(row.label) for row in rows]


def _quality(table: Table) -> Plot:
    """A dot and its interval for each method."""
    metric, rows = table.primary, table.rows
    figure, axes = plot(WIDTH, 0.9 + ROW_HEIGHT * len(rows))
    scale = 100 if metric.percent else 1
    places, names = _named_rows(rows)
    for place, row in zip(places, rows, strict=True):
        found = row.estimates[metric.key]
        axes.plot([scale * found.low, scale * found.high], [place, place], color=SERIES[0], linewidth=2)
        axes.scatter([scale * found.mean], [place], color=SERIES[0], s=34, zorder=3)
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(metric.heading)
    title = f"{metric.label} of each method, with 95 % intervals"
    return Plot(svg(figure, _titled(table, title)), title, f"{metric.meaning} {_better(metric)}")


def _spread(table: Table, metric: Metric) -> Plot:
    """A box for each method: median, quartiles, and from 5 to 95 % of the images; the mean as a dot."""
    rows = table.rows
    figure, axes = plot(WIDTH, 0.9 + ROW_HEIGHT * len(rows))
    scale = 100 if metric.percent else 1
    places, names = _named_rows(rows)
    for place, row in zip(places, rows, strict=True):
        values = row.cell.metrics[metric.key]
        values = scale * values[~np.isnan(values)]
        if not len(values):
            continue
        far_low, low, median, high, far_high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
        axes.plot([far_low, far_high], [place, place], color=SOFT, linewidth=2, solid_capstyle="butt")
        axes.plot([low, high], [place, place], color=SOFT, linewidth=11, solid_capstyle="butt")
        axes.plot([median, median], [place - 0.27, place + 0.27], color=SERIES[0], linewidth=2.4)
        axes.scatter([values.mean()], [place], color=INK, s=16, zorder=3)
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(metric.heading)
    title = f"Distribution of {metric.label} over the images"
    about = "Line: median; bar: the middle half of the images; thin line: 90 % of them; dot: mean."
    return Plot(svg(figure, _titled(table, title)), title, f"{metric.meaning} {about}")


def _accuracy(table: Table, n: int) -> Plot:
    """Acc K/N over K; the best methods in colours, the others in grey."""
    figure, axes = plot(WIDTH, 3.6)
    suffix = "_strict" if table.options.strict else ""
    coloured = table.rows[: len(SERIES)]
    for rank in range(len(table.rows) - 1, -1, -1):
        row = table.rows[rank]
        values = [100 * row.estimates[f"acc{k}_{n}{suffix}"].mean for k in RETURNED]
        colour = SERIES[rank] if rank < len(SERIES) else LINE
        axes.plot(RETURNED, values, color=colour, linewidth=2, marker="o", markersize=5)
    axes.set_xticks(RETURNED)
    axes.grid(visible=False, axis="x")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("K, crops returned")
    axes.set_ylabel(f"Acc K/{n}, %")
    title = f"Acc over K for N = {n}"
    rest = len(table.rows) - len(coloured)
    grey = f" The other {rest} in grey." if rest > 0 else ""
    ties = f"ties: {table.options.ties}"
    about = f"How many of the K best predicted crops are among the {n} best rated; {ties}.{grey}"
    legend = tuple(row.label for row in coloured)
    return Plot(svg(figure, _titled(table, title)), title, about, legend)


def _cost(table: Table) -> Plot:
    """A dot for each method whose time was measured, named."""
    metric = table.primary
    timed = [row for row in table.rows if not math.isnan(row.cell.seconds)]
    scale = 100 if metric.percent else 1
    height = 3.9
    figure, axes = plot(WIDTH, height)
    x = [1000 * max(row.cell.seconds, 1e-6) for row in timed]
    y = [scale * row.estimates[metric.key].mean for row in timed]
    axes.set_xscale("log")
    axes.scatter(x, y, color=SERIES[0], s=34, zorder=3)
    low, high = math.floor(math.log10(min(x))) - 0.15, math.ceil(math.log10(max(x))) + 0.45
    axes.set_xlim(10**low, 10**high)
    room = 0.08 * (max(y) - min(y) or 1)
    axes.set_ylim(min(y) - room, max(y) + room)
    shares = [
        ((math.log10(a) - low) / (high - low), (b - min(y) + room) / (max(y) - min(y) + 2 * room))
        for a, b in zip(x, y, strict=True)
    ]
    names = [_short(row.label) for row in timed]
    for point, name, offset in zip(
        zip(x, y, strict=True), names, label_offsets(shares, names, height), strict=True
    ):
        across, up = offset
        axes.annotate(
            name,
            point,
            textcoords="offset points",
            xytext=(across, up),
            ha="left" if across > 0 else "right",
            va="center",
            color=INK,
            fontsize=FONT,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "color": LINE, "shrinkA": 0, "shrinkB": 3}
            if abs(up) > FONT
            else None,
        )
    axes.set_xlabel("milliseconds an image, decoding included (logarithmic)")
    axes.set_ylabel(metric.heading)
    title = f"Cost against {metric.label}"
    where = "Up and to the left" if metric.better == "higher" else "Down and to the left"
    return Plot(
        svg(figure, _titled(table, title)),
        title,
        f"{where} is better. Median time of an image, one at a time, {_threads(timed)}.",
    )


def _threads(rows: Sequence[Row]) -> str:
    counts = sorted({row.cell.origin.threads for row in rows})
    if len(counts) == 1:
        return f"in {threads_text(counts[0])}"
    return f"not all in as many threads: {counts[0]} to {counts[-1]}"


def label_offsets(
    shares: Sequence[tuple[float, float]], names: Sequence[str], height: float
) -> list[tuple[float, float]]:
    """Where a name beside each point covers neither a point nor an earlier name, as far as there is room.

    Args:
        shares: places of the points, as shares of the plot from its lower left corner.
        names: as written.
        height: of the plot in inches.

    Returns:
        For each, points to the right (negative: to the left) and upwards.
    """
    across, up = 0.86 * 72 * WIDTH, 0.82 * 72 * height
    points = [(x * across, y * up) for x, y in shares]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    found = []
    for place, ((x, y), name) in enumerate(zip(points, names, strict=True)):
        width = LETTER * FONT * len(name)
        others = taken[:place] + taken[place + 1 :]
        choices = [(side, lift) for lift in (0, 9, -9, 17, -17, 26, -26, 36, -36) for side in (7, -7)]
        chosen = choices[0]
        for side, lift in choices:
            near = x + side if side > 0 else x + side - width
            box = (near, y + lift - 0.6 * FONT, near + width, y + lift + 0.6 * FONT)
            inside = box[0] > 0 and box[2] < across * 1.02 and box[1] > 0 and box[3] < up
            if inside and not any(_overlap(box, other) for other in others):
                chosen = (side, lift)
                taken.append(box)
                break
        found.append((float(chosen[0]), float(chosen[1])))
    return found


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _titled(table: Table, title: str) -> str:
    return f"{title}: {table.title}"


def _better(metric: Metric) -> str:
    return "Higher is better." if metric.better == "higher" else "Lower is better."
