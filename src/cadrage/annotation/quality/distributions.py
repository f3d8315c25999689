"""Histograms with the bins of GAIC's (TPAMI 2020, figure 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.geometry import FloatArray

MOS_BIN = 0.4
"""Width of the paper's bins of the MOS: ten from 1 to 5."""

DEVIATION_BIN = math.sqrt(152) / 7 / 10
"""Width of the paper's bins of the deviation, 0.1761.

Read off its figure, whose edges print as 0.35, 0.53, 0.88, 1.06, 1.23, 1.41: ten bins from 0 to about 1.76. Seven
grades can have a standard deviation near there, 1.7613 (sqrt(152) / 7), if the sum of squares is divided by 7, and
none if it is divided by 6: the paper's deviation is that of the raters themselves (ddof 0).
"""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are distributed over B bins.

    Attributes:
        edges: B + 1 rising numbers; a bin holds its lower edge, the last its upper one too.
        counts: how many values are in each bin.
        shares: the same as shares; 0 where there is no value.
        values: how many there are.
        mean: their mean; NaN where there is none.
        deviation: their standard deviation (ddof 0), likewise.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    values: int
    mean: float
    deviation: float


def mos_histogram(mos: FloatArray) -> Histogram:
    """Bins 0.4 wide from 1 to 5, and below 1 where released scores are; NaN does not count."""
    values = mos[~np.isnan(mos)]
    below = math.ceil((1 - values.min()) / MOS_BIN) if len(values) and values.min() < 1 else 0
    return _histogram(values, [round(1 + MOS_BIN * edge, 10) for edge in range(-below, 11)])


def deviation_histogram(deviations: FloatArray) -> Histogram:
    """Bins 0.1761 wide: the paper's ten up to 1.76, and more where deviations are larger; NaN does not count."""
    values = deviations[~np.isnan(deviations)]
    bins = max(10, math.ceil(values.max() / DEVIATION_BIN - 1e-9) if len(values) else 0)
    return _histogram(values, [DEVIATION_BIN * edge for edge in range(bins + 1)])


def is_over_one(deviations: FloatArray) -> NDArray[np.bool_]:
    """Which deviations are over 1, and not by rounding: what the paper counts as disagreement."""
    result: NDArray[np.bool_] = deviations > 1 + 1e-9
    return result


def _histogram(values: FloatArray, edges: list[float]) -> Histogram:
    # Means of whole numbers lie on edges: without a little slack rounding would choose the bin.
    places = np.searchsorted(np.array(edges) - 1e-9, values, side="right") - 1
    counts = np.bincount(places.clip(0, len(edges) - 2), minlength=len(edges) - 1)
    return Histogram(
        edges=tuple(edges),
        counts=tuple(counts.tolist()),
        shares=tuple((counts / max(len(values), 1)).tolist()),
        values=len(values),
        mean=float(values.mean()) if len(values) else math.nan,
        deviation=float(values.std()) if len(values) else math.nan,
    )
