"""Where the runs of a search begin (CAGIC: "multiple restarts"; the places are not published, these are ours)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from cadrage.candidates import grid_anchors
from cadrage.captions.boxes import BoxSpace
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray
from cadrage.selection import pick

Kind = Literal["frame", "grid", "anchors"]

Measure = Callable[[Tensor], Tensor]
"""Total losses, shape (K,), of boxes (K, 4), without gradients; lower is better."""

SPREAD = 0.8
"""Standard deviation, in the box space's parameters, of starts around the frame."""

GRID_SCALE = 0.6
"""Scale of starts on a grid."""

CANDIDATE_SCALES = (0.35, 0.5, 0.65, 0.8)
"""Scales of the candidates beside the grid anchors, which keep half of the frame or more: what a caption names is
often smaller."""

CANDIDATE_SHAPES = (1.0, 0.6, 1 / 0.6)
"""Ratios of the candidates' relative sides where the ratio is free: the frame's shape, upright and lying."""

MOST_TICKS = 5
"""Places of a candidate along a side, at most."""

DIFFERENT = 0.5
"""Starts among the candidates overlap by this intersection over union at most, while there are enough such."""


def start_boxes(
    kind: Kind, space: BoxSpace, count: int, seed: int, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Starts that depend on the frame alone.

    Args:
        kind: "frame", the largest box and random boxes around it; "grid", boxes whose centres lie on a grid,
            from the middle outwards.
        space: of the boxes.
        count: how many, at least 1.
        seed: of the random ones.
        dtype: of the result.

    Returns:
        Shape (count, 4), in frame pixels.

    Raises:
        RequestError: there is no such kind.
    """
    if kind == "frame":
        generator = torch.Generator().manual_seed(seed)
        theta = space.theta(_sized(space, 1.0, np.array([[0.5, 0.5]])).to(dtype))
        noise = SPREAD * torch.randn((count, space.dimensions), generator=generator, dtype=torch.float64)
        noise[0] = 0
        return space.boxes(theta + noise.to(dtype))
    if kind == "grid":
        ticks = int(np.ceil(np.sqrt(count)))
        steps = (np.arange(ticks) + 0.5) / ticks
        places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        outwards = np.argsort(np.abs(places - 0.5).sum(axis=1).round(6), kind="stable")[:count]
        return _sized(space, GRID_SCALE, places[outwards]).to(dtype)
    raise RequestError(f"Runs start from the frame, a grid or anchors, not {kind!r}.")


def candidates(space: BoxSpace, most: int) -> Tensor:
    """Boxes of a space that are worth a look before a search: the largest, smaller ones, and grid anchors.

    Args:
        space: of the boxes; where its ratio is free, grid anchors of GAIC are among them.
        most: how many, at least 1; of more an even choice is taken.

    Returns:
        Shape (K, 4), in frame pixels, float64.
    """
    own = [_sized(space, 1.0, np.array([[0.5, 0.5]]))]
    for shape in CANDIDATE_SHAPES:
        own += [
            _sized(space, scale, _places(space, scale, shape), shape)
            for scale in CANDIDATE_SCALES
            if scale >= space.least_scale and space.holds(scale, shape)
        ]
    boxes = torch.cat(own)
    if space.is_free:
        width, height = space.size_wh
        anchors = torch.from_numpy(grid_anchors((round(width), round(height))))
        boxes = torch.cat([boxes, evenly(anchors, max(0, most - len(boxes)))])
    return space.boxes(space.theta(evenly(boxes, most)))


def all_over(count: int) -> Tensor:
    """An order of so many candidates whose every beginning is spread over all of them: int64, shape (count,).

    The first stays the first. Candidates that are measured in this order can be left off at any time.
    """
    golden = (5**0.5 - 1) / 2
    return torch.from_numpy(np.argsort(np.arange(count) * golden % 1, kind="stable"))


def best_candidates(boxes_xyxy: Tensor, losses: Tensor, count: int) -> Tensor:
    """The candidates of least loss that differ from each other, and where these are too few, the next best.

    Args:
        boxes_xyxy: shape (K, 4), K at least 1.
        losses: shape (K,).
        count: how many; a candidate stands there twice only where there are fewer.

    Returns:
        Their numbers, int64, shape (count,), best first.
    """
    values = -np.nan_to_num(losses.double().numpy(), nan=np.inf, posinf=1e9)
    boxes: FloatArray = boxes_xyxy.double().numpy()
    taken = pick(values, boxes, top=count, max_overlap=DIFFERENT).tolist()
    rest = [number for number in np.argsort(-values, kind="stable").tolist() if number not in taken]
    ranked = (taken + rest)[:count]
    return torch.tensor([ranked[number % len(ranked)] for number in range(count)])


def _sized(space: BoxSpace, scale: float, places: FloatArray, shape: float = 1.0) -> Tensor:
    """Boxes of a scale and shape at places (K, 2), shares of the room that they leave; shape (K, 4), float64."""
    stretch = np.array([shape**0.5, shape**-0.5])
    sides = max(scale, space.least_scale) * stretch * np.array(space.largest_wh)
    start = np.maximum(np.array(space.size_wh) - sides, 0) * places
    return torch.from_numpy(np.concatenate([start, start + sides], axis=1))


def _places(space: BoxSpace, scale: float, shape: float) -> FloatArray:
    """Places (K, 2) from end to end of a box's room; neighbours overlap by two thirds, as far as allowed."""
    axes = []
    stretches = (shape**0.5, shape**-0.5)
    for frame, largest, stretch in zip(space.size_wh, space.largest_wh, stretches, strict=True):
        side = scale * stretch * largest
        ticks = min(MOST_TICKS, max(1, round(1 + (frame - side) / (side / 3))))
        axes.append(np.linspace(0, 1, ticks) if ticks > 1 else np.array([0.5]))
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def evenly(rows: Tensor, most: int) -> Tensor:
    """At most so many of a tensor's rows, evenly chosen in their order."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int).tolist()]
