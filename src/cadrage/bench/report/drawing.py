"""Plots as SVG whose colours the page chooses, so that they follow light and dark."""

from __future__ import annotations

import re
import warnings
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from cadrage.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE, SOFT = "#040506", "#070809", "#0a0b0c"
SERIES = ("#110001", "#110002", "#110003", "#110004", "#110005", "#110006")
"""What matplotlib draws with; ``COLOURS`` says which of the page's custom properties take their places."""

COLOURS = {
    INK: "var(--text-soft)",
    LINE: "var(--line)",
    SOFT: "var(--bar-soft)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}

DPI = 72
"""Points an inch in SVG."""

FONT = 10
"""Size of letters in points."""


def require_matplotlib() -> None:
    """Refuse before any work what cannot be drawn after it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401, PLC0415
    except ImportError:
        raise MissingExtraError("The report's page", "bench") from None


def plot(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty plot, sizes in inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(which="both", colors=INK, labelsize=FONT, length=0)
    axes.xaxis.label.set(color=INK, fontsize=FONT)
    axes.yaxis.label.set(color=INK, fontsize=FONT)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def svg(figure: Figure, title: str) -> str:
    """The drawing as an element of a page, with its text as text and ``title`` for those who cannot see it."""
    from matplotlib import rc_context  # noqa: PLC0415

    file = StringIO()
    # Names of parts are made from the salt: those of two plots on a page must differ.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that its own font lacks: the page's font draws them
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'style="[^"]*"', _for_page, drawn)
    drawn = re.sub(r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"', r"\1", drawn, count=1)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


def _for_page(style: re.Match[str]) -> str:
    """A style with the page's colours, and its font."""
    text = re.sub(r"font-family: [^;]+; ", "", style[0])
    text = re.sub(r"(font: (?:\d+ )?[\d.]+px) [^;\"]+", r"\1 system-ui, sans-serif", text)
    for colour, property_ in COLOURS.items():
        text = text.replace(colour, property_)
    return text
