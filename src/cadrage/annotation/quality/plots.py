"""The plots of a report as SVG, in colours that the page chooses: they follow light and dark."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from cadrage.annotation.quality.distributions import Histogram
from cadrage.errors import MissingExtraError
from cadrage.geometry import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cadrage.annotation.quality.report import RaterReport

BAR, INK, LINE, ALERT = "#010203", "#040506", "#070809", "#0a0b0c"
"""What matplotlib draws with; ``COLOURS`` says which of the page's custom properties take their places."""

COLOURS = {BAR: "var(--bar)", INK: "var(--text-soft)", LINE: "var(--line)", ALERT: "var(--alert)"}

DPI = 72
"""Points an inch in SVG."""

LONGEST_LABEL = 24
"""Letters of a name in the plot of raters."""

LETTER, LINE_HEIGHT = 0.015, 0.06
"""Width and height of a letter there, as shares of the plot."""


def histogram_svg(histogram: Histogram, what: str, unit: str, *, mark: float | None = None) -> str:
    """Bars of a histogram.

    Args:
        histogram: what to draw.
        what: title of the plot, for those who cannot see it.
        unit: label of the axis of values.
        mark: a value above which bars are drawn in the colour of warnings.
    """
    figure, axes = _plot(6.4, 3.1)
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    edges, counts = np.array(histogram.edges), np.array(histogram.counts)
    widths = np.diff(edges)
    over = edges[:-1] >= mark - 1e-9 if mark is not None else np.zeros(len(counts), dtype=bool)
    axes.bar(
        edges[:-1],
        counts,
        widths * 0.92,
        align="edge",
        color=[ALERT if above else BAR for above in over],
    )
    axes.set_xticks(edges)
    axes.set_xticklabels([f"{edge:.2f}".rstrip("0").rstrip(".") for edge in edges])
    axes.set_xlim(edges[0] - 0.02 * widths[0], edges[-1])
    axes.set_ylim(0, max(1.0, counts.max(initial=0) * 1.12))
    for edge, width, count, share in zip(edges, widths, counts, histogram.shares, strict=False):
        if count:
            axes.text(
                edge + width * 0.46,
                count,
                f"{100 * share:.1f}",
                ha="center",
                va="bottom",
                color=INK,
                fontsize=9,
            )
    if mark is not None:
        axes.axvline(mark, color=ALERT, linewidth=1, linestyle=(0, (4, 3)), zorder=0.9)
    axes.set_xlabel(unit)
    axes.set_ylabel("crops")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return _svg(figure, f"{what}: numbers of crops, shares in percent above the bars")


def raters_svg(raters: Sequence[RaterReport]) -> str:
    """Bias and agreement of every rater, those with flags in the colour of warnings, excluded ones hollow.

    Flagged raters are named, and of the others those whose name covers nothing.
    """
    figure, axes = _plot(6.4, 3.6)
    shown = [one for one in raters if not np.isnan(one.figures.bias + one.figures.srcc)]
    shown.sort(key=lambda one: not one.flags)
    bias, srcc = (np.array([getattr(one.figures, name) for one in shown]) for name in ("bias", "srcc"))
    furthest = max([1.0, *(1.3 * np.abs(bias))])
    lowest = min([-0.1, *(srcc - 0.1)])
    places = np.stack([(bias + furthest) / (2 * furthest), (srcc - lowest) / (1.05 - lowest)], axis=1)
    names = [one.figures.name[:LONGEST_LABEL] for one in shown]
    sides = _free_sides(places, [len(name) for name in names])
    for one, name, side in zip(shown, names, sides, strict=True):
        colour = ALERT if one.flags else BAR
        point = (one.figures.bias, one.figures.srcc)
        inside = "none" if one.excluded else colour
        axes.scatter(*point, s=46, facecolors=inside, edgecolors=colour, linewidths=1.6)
        if side is None and not one.flags:
            continue
        right, above = side or (True, True)
        axes.annotate(
            name,
            point,
            textcoords="offset points",
            xytext=(7 if right else -7, 2 if above else -2),
            ha="left" if right else "right",
            va="bottom" if above else "top",
            color=INK,
            fontsize=9,
            parse_math=False,
        )
    axes.axvline(0, color=LINE, linewidth=1, zorder=0)
    axes.set_xlim(-furthest, furthest)
    axes.set_ylim(lowest, 1.05)
    axes.set_xlabel("bias in grades: strict  <  0  <  generous")
    axes.set_ylabel("SRCC with the others")
    return _svg(figure, "Bias of each rater, and agreement with the others")


def _free_sides(places: FloatArray, letters: Sequence[int]) -> list[tuple[bool, bool] | None]:
    """Where a name beside each point covers neither another point nor an earlier name.

    Args:
        places: points as shares of the plot, shape (N, 2).
        letters: lengths of their names.

    Returns:
        Whether it is to the right and whether it is above; ``None`` where no side is free.
    """
    sides: list[tuple[bool, bool] | None] = []
    taken = [(x - 0.012, y - 0.02, x + 0.012, y + 0.02) for x, y in places.tolist()]
    for place, ((x, y), count) in enumerate(zip(places.tolist(), letters, strict=True)):
        found = None
        for right, above in ((True, True), (False, True), (True, False), (False, False)):
            near, far = (
                (x + 0.015, x + 0.015 + LETTER * count) if right else (x - 0.015 - LETTER * count, x - 0.015)
            )
            low, high = (y, y + LINE_HEIGHT) if above else (y - LINE_HEIGHT, y)
            others = taken[:place] + taken[place + 1 :]
            if all(near > b or far < a or low > d or high < c for a, c, b, d in others):
                found = (right, above)
                taken.append((near, low, far, high))
                break
        sides.append(found)
    return sides


def _plot(width: float, height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("The report's page", "annotate") from None
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.xaxis.label.set(color=INK, fontsize=10)
    axes.yaxis.label.set(color=INK, fontsize=10)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, title: str) -> str:
    """The drawing as an element of a page, with its text as text."""
    from matplotlib import rc_context  # noqa: PLC0415

    file = StringIO()
    # Names of parts are made from the salt: those of two plots on a page must differ.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title}), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # letters that matplotlib's own font lacks: the page's font draws them
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'style="[^"]*"', _for_page, drawn)
    drawn = re.sub(r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"', r"\1", drawn, count=1)
    name = escape(title)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def _for_page(style: re.Match[str]) -> str:
    """A style with the page's colours, and its font."""
    text = re.sub(r"font-family: [^;]+; ", "", style[0])
    for colour, property_ in COLOURS.items():
        text = text.replace(colour, property_)
    return text
