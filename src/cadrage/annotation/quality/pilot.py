"""The grid-size pilot of GAIC (TPAMI 2020, table 2): how many candidates a grid has, and how good they are.

The ratings of a project with a fine grid stand in for those of a coarser one: each candidate takes the MOS of the
rated crop that it overlaps most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cadrage.annotation.quality.agreement import mean_opinion_scores
from cadrage.annotation.quality.table import IntArray, RatingTable
from cadrage.candidates import GridSpec, grid_anchors
from cadrage.errors import DataError, RequestError
from cadrage.geometry import FloatArray, iou_matrix

PAPER_GRIDS = ((10, 3), (10, 4), (12, 3), (12, 4), (12, 5), (14, 4), (14, 5), (16, 4), (16, 5))
"""Bins and corner bins, alike on both axes, of the table's nine rows.

Its second row is 10, 4 and 10, 5 at once, which have the same candidates.
"""

INTERVALS = ("[1,2)", "[2,3)", "[3,4)", "[4,5]")
"""Of the MOS. What lies below 1, as some scores of released data sets do, counts in the first."""

LEAST_IOU = 0.85
"""Overlap from which on a rated crop speaks for a candidate."""


@dataclass(frozen=True, slots=True)
class RatedFrame:
    """A photograph's frame and its rated crops.

    Attributes:
        size_wh: width and height, in pixels.
        boxes_xyxy: the rated crops in frame pixels, shape (K, 4).
        mos: shape (K,).
    """

    size_wh: tuple[int, int]
    boxes_xyxy: FloatArray
    mos: FloatArray


@dataclass(frozen=True, slots=True)
class GridRow:
    """What a grid would have given.

    Attributes:
        grid: which candidates.
        photographs: how many have rated crops.
        candidates: mean number of candidates per photograph.
        per_interval: mean number per photograph and interval of the MOS, of the matched candidates.
        shares: the same as shares of all matched candidates; NaN where none is matched.
        unmatched: mean number per photograph of candidates that no rated crop overlaps enough.
        mean_iou: mean overlap of the matched candidates with the crops that speak for them; NaN without any.
        worst_iou: smallest of these overlaps.
        least_iou: the overlap that was asked for.
    """

    grid: GridSpec
    photographs: int
    candidates: float
    per_interval: tuple[float, ...]
    shares: tuple[float, ...]
    unmatched: float
    mean_iou: float
    worst_iou: float
    least_iou: float

    @property
    def name(self) -> str:
        """The grid as M x N / m x n: rows before columns, as in the paper."""
        grid = self.grid
        return f"{grid.bins_y}x{grid.bins_x}/{grid.corner_y}x{grid.corner_x}"


def rated_frames(table: RatingTable) -> list[RatedFrame]:
    """The photographs with rated crops.

    The MOS of a crop is the mean grade of all raters that are not excluded; where there is none, the MOS it was
    imported with.

    Raises:
        DataError: no crop is rated.
    """
    counted = np.array([rater.excluded is None for rater in table.raters], dtype=np.bool_)
    own = mean_opinion_scores(table.grades()[:, counted])
    mos = np.where(np.isnan(own), table.imported_mos, own)
    ends = np.searchsorted(table.photograph_of, np.arange(len(table.photographs) + 1))
    frames = []
    for place, photograph in enumerate(table.photographs):
        part = np.arange(ends[place], ends[place + 1])
        part = part[~np.isnan(mos[part])]
        if len(part):
            frames.append(RatedFrame(photograph.size_wh, table.boxes_xyxy[part], mos[part]))
    if not frames:
        raise DataError("Nobody has rated a crop yet, so grids cannot be compared.")
    return frames


def pilot(
    frames: Sequence[RatedFrame],
    grids: Sequence[GridSpec],
    *,
    least_iou: float = LEAST_IOU,
    advance: Callable[[], None] = lambda: None,
) -> list[GridRow]:
    """Compare grids on rated photographs.

    Args:
        frames: one or more.
        grids: which grids.
        least_iou: overlap with a rated crop below which a candidate is unmatched: its MOS is not guessed.
        advance: called when a grid has been compared.

    Raises:
        RequestError: the overlap is not from 0 to 1.
    """
    if not 0 <= least_iou <= 1:
        raise RequestError(f"An IoU is from 0 to 1; got {least_iou:g}.")
    rows = []
    for grid in grids:
        rows.append(_row(frames, grid, least_iou))
        advance()
    return rows


def _row(frames: Sequence[RatedFrame], grid: GridSpec, least_iou: float) -> GridRow:
    known: dict[tuple[tuple[int, int], bytes], tuple[IntArray, FloatArray]] = {}
    counts = np.zeros(len(INTERVALS), dtype=np.int64)
    candidates = 0
    ious = []
    for frame in frames:
        key = (frame.size_wh, frame.boxes_xyxy.tobytes())  # most photographs of a project share a few frames
        if key not in known:
            known[key] = _nearest(frame, grid)
        nearest, iou = known[key]
        matched = iou >= least_iou
        mos = frame.mos[nearest[matched]]
        counts += np.bincount(np.clip(mos.astype(np.int64), 1, 4) - 1, minlength=len(INTERVALS))
        candidates += len(nearest)
        ious.append(iou[matched])
    overlaps = np.concatenate(ious)
    number = len(frames)
    return GridRow(
        grid=grid,
        photographs=number,
        candidates=candidates / number,
        per_interval=tuple((counts / number).tolist()),
        shares=tuple((counts / len(overlaps)).tolist()) if len(overlaps) else (np.nan,) * len(INTERVALS),
        unmatched=(candidates - len(overlaps)) / number,
        mean_iou=float(overlaps.mean()) if len(overlaps) else np.nan,
        worst_iou=float(overlaps.min()) if len(overlaps) else np.nan,
        least_iou=least_iou,
    )


def _nearest(frame: RatedFrame, grid: GridSpec) -> tuple[IntArray, FloatArray]:
    """For each candidate of a frame the rated crop that it overlaps most, and their IoU."""
    candidates = grid_anchors(frame.size_wh, grid, corners="rounded")
    overlaps = iou_matrix(candidates, frame.boxes_xyxy)
    nearest = overlaps.argmax(axis=1)
    return nearest, overlaps[np.arange(len(nearest)), nearest]
