"""Grids as people type them."""

from __future__ import annotations

import re

from cadrage.errors import RequestError


def grid_fields(text: str) -> dict[str, int]:
    """The fields of a ``GridSpec`` that say how many bins it has.

    Args:
        text: ``"12x12/4x4"``: rows x columns of the grid (M x N in the paper), then of the corner blocks (m x n).

    Raises:
        RequestError: it is something else.
    """
    parts = re.fullmatch(r"(\d{1,4})x(\d{1,4})/(\d{1,4})x(\d{1,4})", text.strip())
    if parts is None:
        raise RequestError(f"A grid is given as 12x12/4x4, rows x columns / of its corners; got '{text}'.")
    bins_y, bins_x, corner_y, corner_x = map(int, parts.groups())
    return {"bins_x": bins_x, "bins_y": bins_y, "corner_x": corner_x, "corner_y": corner_y}
