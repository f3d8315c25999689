"""The ablation of the grid in GAIC (TPAMI 2020, table 2), beside what was published of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cadrage.annotation.quality.pilot import PAPER_GRIDS, GridRow, pilot, rated_frames
from cadrage.annotation.quality.plain import plain
from cadrage.annotation.quality.table import read_table
from cadrage.annotation.store import Store
from cadrage.candidates import PAPER_GRID

NUMBER = 2
TITLE = "grids"

PHOTOGRAPHS, RATERS = 100, 15
"""Of the authors' pilot study."""


@dataclass(frozen=True, slots=True)
class PublishedGrid:
    """What the paper prints of a grid.

    Attributes:
        candidates: mean number of candidates per photograph.
        per_interval: mean number per photograph and interval of the MOS, see ``pilot.INTERVALS``.
        shares: the same as shares of all.
    """

    candidates: float
    per_interval: tuple[float, ...]
    shares: tuple[float, ...]


PUBLISHED: Mapping[tuple[int, int], PublishedGrid] = {
    (10, 3): PublishedGrid(28.4, (5.4, 11.8, 9.7, 1.4), (0.191, 0.416, 0.342, 0.051)),
    (10, 4): PublishedGrid(30.9, (5.5, 12.6, 11.1, 1.7), (0.177, 0.408, 0.361, 0.054)),
    (12, 3): PublishedGrid(58.4, (8.1, 21.2, 25.1, 4.0), (0.139, 0.363, 0.430, 0.068)),
    # 12.9 % as printed; 9.9 of 82.5 are 12.0 %.
    (12, 4): PublishedGrid(82.5, (9.9, 25.1, 41.1, 6.4), (0.129, 0.304, 0.498, 0.078)),
    (12, 5): PublishedGrid(86.5, (10.7, 28.4, 40.6, 6.8), (0.124, 0.328, 0.469, 0.079)),
    (14, 4): PublishedGrid(131.3, (15.8, 44.4, 60.5, 10.6), (0.120, 0.338, 0.461, 0.081)),
    (14, 5): PublishedGrid(154.4, (18.2, 48.8, 74.7, 12.7), (0.118, 0.316, 0.484, 0.082)),
    (16, 4): PublishedGrid(173.7, (20.5, 60.1, 78.7, 14.4), (0.118, 0.346, 0.453, 0.083)),
    (16, 5): PublishedGrid(231.9, (26.4, 76.1, 109.7, 19.7), (0.114, 0.328, 0.473, 0.085)),
}
"""By bins and corner bins."""


@dataclass(frozen=True, slots=True)
class GridOutcome:
    """A grid on one's own photographs, and on the authors'."""

    measured: GridRow
    published: PublishedGrid

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.measured.name, **plain(self.measured), "published": plain(self.published)}


def compare_grids(project: Path, *, advance: Callable[[], None] = lambda: None) -> list[GridOutcome]:
    """Compare the paper's grids on a project that is rated on one as fine.

    Args:
        project: file of rated crops.
        advance: called when one of ``PAPER_GRIDS`` has been compared.

    Raises:
        DataError: there is no such project, or no crop is rated.
    """
    with Store.open(project) as store:
        frames = rated_frames(read_table(store))
    grids = [
        replace(PAPER_GRID, bins_x=bins, bins_y=bins, corner_x=corner, corner_y=corner)
        for bins, corner in PAPER_GRIDS
    ]
    rows = pilot(frames, grids, advance=advance)
    return [GridOutcome(row, PUBLISHED[of]) for row, of in zip(rows, PAPER_GRIDS, strict=True)]
