"""The figures of a data set as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.stats import Distribution, Stats
from cadrage.errors import DataError, MissingExtraError, RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
BAR, INK, LINE = "#3f6f9f", "#222222", "#d8d8d8"
COLUMNS = 2
PANEL = (4.6, 3.0)
"""Width and height of a plot, in inches."""


def check_plot_name(file: Path) -> None:
    """Refuse a file that plots cannot be written to, before the work.

    Raises:
        RequestError: its suffix is none of a picture of plots.
    """
    if file.suffix.lower() not in FORMATS:
        raise RequestError(f"{file} must end in {', '.join(FORMATS)}.")


def plot_stats(stats: Stats, title: str, file: Path) -> None:
    """Draw every distribution, and the mean score over the area of crops.

    Args:
        stats: what to draw.
        title: of the picture.
        file: .png, .svg or .pdf, made or replaced.

    Raises:
        DataError: the file cannot be written.
        MissingExtraError: the extra ``bench`` is not installed.
        RequestError: its suffix is another.
    """
    check_plot_name(file)
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("A plot", "bench") from None
    by_area = stats.numbers.get("mos_by_area")
    panels = len(stats.distributions) + bool(by_area)
    rows = -(-panels // COLUMNS)
    figure = Figure(figsize=(PANEL[0] * COLUMNS, PANEL[1] * rows), dpi=120, layout="constrained")
    figure.suptitle(title, color=INK, fontsize=11, parse_math=False)
    places = [figure.add_subplot(rows, COLUMNS, number) for number in range(1, panels + 1)]
    for axes, one in zip(places, stats.distributions.values(), strict=False):
        _bars(axes, one)
    if by_area:
        axes = places[-1]
        axes.plot([float(area) for area in by_area], list(by_area.values()), color=BAR, marker="o")
        _dress(axes, "area of a crop, share of the picture", "mean score")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as new:
            figure.savefig(new, format=FORMATS[file.suffix.lower()])
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror}.") from error


def _bars(axes: Axes, one: Distribution) -> None:
    edges = np.array(one.edges)
    axes.bar((edges[:-1] + edges[1:]) / 2, one.counts, np.diff(edges) * 0.92, color=BAR)
    axes.axvline(one.mean, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    _dress(axes, f"{one.what}; mean {one.mean:.3g}", "number")


def _dress(axes: Axes, across: str, up: str) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(across, color=INK, fontsize=9)
    axes.set_ylabel(up, color=INK, fontsize=9)
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
