"""Several runs of a search made one answer (CAGIC: "multiple restarts"; its rule is not known, these are ours)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from cadrage.captions.runs import in_order
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray, iou_matrix

Rule = Literal["best", "mean", "median", "cluster"]

ALIKE = 0.5
"""Boxes are of one cluster when their intersection over union is at least this."""


def aggregate(rule: Rule, boxes_xyxy: Tensor, losses: Tensor) -> Tensor:
    """The box that stands for all runs.

    Args:
        rule: "best", the box of least loss; "mean" and "median", of each coordinate; "cluster", the mean of the
            largest group of boxes that are like one of them, of equal groups the one of least mean loss.
        boxes_xyxy: shape (K, 4), K at least 1, in any one coordinate system.
        losses: shape (K,), lower is better.

    Returns:
        Shape (4,). Coordinates in the middle of two are their mean. A median need not have the boxes' ratio.

    Raises:
        RequestError: there is no such rule, or there are no boxes.
    """
    if not len(boxes_xyxy):
        raise RequestError("There are no runs to make an answer of.")
    if rule == "best":
        return boxes_xyxy[in_order(losses).argmin()]
    if rule == "mean":
        return boxes_xyxy.mean(dim=0)
    if rule == "median":
        return boxes_xyxy.quantile(0.5, dim=0)
    if rule == "cluster":
        return boxes_xyxy[largest_cluster(boxes_xyxy, losses)].mean(dim=0)
    raise RequestError(f"Runs are aggregated by best, mean, median or cluster, not {rule!r}.")


def largest_cluster(boxes_xyxy: Tensor, losses: Tensor) -> Tensor:
    """Which boxes belong to the largest group of boxes that are like one of them, bool, shape (K,).

    Arguments as for ``aggregate``.
    """
    boxes: FloatArray = boxes_xyxy.double().numpy()
    alike = torch.from_numpy(iou_matrix(boxes, boxes) >= ALIKE)
    sizes = alike.sum(dim=1)
    means = in_order((alike * losses).sum(dim=1) / sizes)
    largest = sizes == sizes.max()
    return alike[torch.where(largest, means, torch.inf).argmin()]
