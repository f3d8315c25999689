"""Results made by hand."""

from pathlib import Path

import numpy as np
import pytest

from cadrage.bench.origin import Origin
from cadrage.bench.results import Cell, Ground


def made_ground(**changes):
    fields = {
        "data_set": "FCDB",
        "release": "WACV 2017",
        "split": "test",
        "kind": "boxes",
        "rule": "free ratio",
        "digest": "0123456789abcdef",
    }
    return Ground(**{**fields, **changes})


def made_cell(
    method, iou, *, seconds=0.01, version="1", ground=None, pictures=None, command=None, threads=1, **metrics
):
    """A cell of boxes: IoU by image; by default BDE 0.1 everywhere and a crop that moves with the IoU."""
    count = len(iou)
    values = np.array(iou, dtype=float)
    left = 40 * np.nan_to_num(values)
    chosen = np.stack([left, np.zeros(count), left + 40, np.full(count, 50.0)], axis=1)
    return Cell(
        ground=ground or made_ground(),
        method=method,
        version=version,
        images=tuple(f"image{number}" for number in range(count)),
        pictures=tuple(str(one) for one in pictures or [Path(f"/none/{n}.jpg") for n in range(count)]),
        sizes_wh=np.tile([100.0, 50.0], (count, 1)),
        metrics={"iou": values, "bde": np.full(count, 0.1), **metrics},
        chosen_xyxy=chosen,
        references_xyxy=(np.array([[10.0, 0, 50, 50]]),) * count,
        seconds=seconds,
        origin=Origin(
            command or f"cadrage bench fcdb FCDB --methods {method}",
            "2026-01-02T03:04:05+00:00",
            "2026-01-02T03:05:06+00:00",
            {"cadrage": "0.1.0"},
            threads,
        ),
    )


@pytest.fixture
def ground():
    """Makes a ground; fields may be changed."""
    return made_ground


@pytest.fixture
def cell():
    """Makes a cell; see ``made_cell``."""
    return made_cell
