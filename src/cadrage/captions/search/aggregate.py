"""Several runs of a search made one answer (CAGIC: "multiple restarts"; its rule is not known, these are ours)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from cadrage.captions.search.runs import in_order
from cadrage.captions.search.starts import evenly
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray, iou_matrix

Rule = Literal["best", "mean", "median", "cluster"]

ALIKE = 0.5
"""Boxes are of one cluster when their intersection over union is at least this."""

CROWD = 4.0
"""In the count of a box's neighbours each counts with its intersection over union to the power of this."""

MOST_HEARD = 2_000
"""Boxes that a consensus hears: each is compared with each, and ways of many steps hold little that is new."""

AT_ONCE = 512
"""Boxes that are compared with all others in one go."""


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """How likely it is that each of many boxes is the one that a caption describes.

    A captioner's loss is less the logarithm of how likely the words are for a crop; so e to the power of less the
    loss is, up to a factor, how likely the crop is for the words. The box of least loss is likelier than any other,
    and still unlikely to be right: networks that were not made for it have deep, narrow minima in wrong places.
    The box that agrees best with all that is likely is a better answer, and boxes that crowd together, as those on
    a search's way do, share one say.

    Attributes:
        boxes_xyxy: float64, shape (K, 4), K at least 1.
        weights: float64, shape (K,), their sum is 1.
    """

    boxes_xyxy: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, boxes_xyxy: Tensor, losses: Tensor) -> Beliefs:
        """Weigh boxes (K, 4) by losses (K,): less the logarithm of how likely each is, up to a constant."""
        boxes: FloatArray = boxes_xyxy.double().numpy()
        values = losses.double().nan_to_num(nan=1e9, posinf=1e9).numpy()
        crowd = np.concatenate([(iou_matrix(rows, boxes) ** CROWD).sum(axis=1) for rows in _parts(boxes)])
        weights = np.exp(values.min() - values) / crowd
        return cls(boxes, weights / weights.sum())

    def agreement(self, boxes_xyxy: Tensor) -> Tensor:
        """Expected intersection over union of boxes (K, 4) with the right one, shape (K,)."""
        parts = _parts(boxes_xyxy.double().numpy())
        expected = np.concatenate([iou_matrix(rows, self.boxes_xyxy) @ self.weights for rows in parts])
        return torch.from_numpy(expected).to(boxes_xyxy.dtype)


def _parts(boxes_xyxy: FloatArray) -> list[FloatArray]:
    return [boxes_xyxy[at : at + AT_ONCE] for at in range(0, len(boxes_xyxy), AT_ONCE)]


def heard(needed: Tensor, most: int = MOST_HEARD) -> Tensor:
    """Which boxes a consensus hears where there are too many: those that it needs, and evenly of the others.

    Args:
        needed: bool, shape (K,): the boxes that are heard in any case.
        most: how many are heard, unless more are needed.

    Returns:
        Bool, shape (K,).
    """
    chosen = needed.clone()
    chosen[evenly((~needed).nonzero()[:, 0], max(0, most - int(needed.sum())))] = True
    return chosen


def consensus(beliefs: Beliefs) -> Tensor:
    """The box that agrees best with all of them, shape (4,), float64; of equal ones the first."""
    boxes = torch.from_numpy(beliefs.boxes_xyxy)
    return boxes[in_order(beliefs.agreement(boxes)).argmax()]


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
