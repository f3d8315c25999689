"""The last step of a search, without gradients: neighbouring boxes are tried, and better ones kept (ours)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cadrage.captions.boxes import BoxSpace
from cadrage.captions.search.runs import LEAST_GAIN, in_order
from cadrage.captions.search.starts import Measure

STRIDES = (0.1, 0.05, 0.025)
"""How far neighbours are, in shares of a box's sides, from round to round."""


def refine(
    boxes_xyxy: Tensor,
    losses: Tensor,
    space: BoxSpace,
    measure: Measure,
    strides: Sequence[float] = STRIDES,
) -> tuple[Tensor, Tensor]:
    """Move each box to its best neighbour while that is better than itself, in shrinking strides.

    Args:
        boxes_xyxy: shape (K, 4), in frame pixels.
        losses: shape (K,): theirs.
        space: that the neighbours stay in.
        measure: of boxes (K * N, 4), the N neighbours of each box after those of the box before; gives no NaN.
        strides: one round each.

    Returns:
        Boxes and losses; no loss is higher than it was.
    """
    for stride in strides:
        near = neighbours(boxes_xyxy, space, stride)
        found = measure(near.flatten(0, 1)).reshape(near.shape[:2])
        best = in_order(found).argmin(dim=1, keepdim=True)
        best_losses = found.gather(1, best)[:, 0]
        better = best_losses < losses - LEAST_GAIN
        moved = near.gather(1, best[..., None].expand(-1, -1, 4))[:, 0]
        boxes_xyxy = torch.where(better[:, None], moved, boxes_xyxy)
        losses = torch.where(better, best_losses, losses)
    return boxes_xyxy, losses


def neighbours(boxes_xyxy: Tensor, space: BoxSpace, stride: float) -> Tensor:
    """Boxes moved left, right, up and down, shrunk, grown and, where the ratio is free, stretched both ways.

    Args:
        boxes_xyxy: shape (K, 4), in frame pixels.
        space: that the neighbours are brought into.
        stride: share of a box's sides.

    Returns:
        Shape (K, N, 4): 6 neighbours of each, or 8.
    """
    more = 1 + stride
    moves: list[tuple[float, float, float, float]] = [
        (stride, 0, 1, 1),
        (-stride, 0, 1, 1),
        (0, stride, 1, 1),
        (0, -stride, 1, 1),
    ]
    moves += [(0, 0, more, more), (0, 0, 1 / more, 1 / more)]
    if space.is_free:
        moves += [(0, 0, more, 1 / more), (0, 0, 1 / more, more)]
    change = boxes_xyxy.new_tensor(moves)
    centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    new_centres = centres[:, None] + sides[:, None] * change[:, :2]
    new_sides = sides[:, None] * change[:, 2:]
    made = torch.cat([new_centres - new_sides / 2, new_centres + new_sides / 2], dim=2)
    return space.boxes(space.theta(made.flatten(0, 1))).reshape(made.shape)
