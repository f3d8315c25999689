"""What is minimised over the boxes of one photograph, measured: with slopes, without, and for several captions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cadrage.captions.objective import CaptionLoss, Target, caption_loss, caption_losses
from cadrage.captions.protocols import Captioner, Judge
from cadrage.captions.sampler import Pyramid, sample_crops

AT_ONCE = 8
"""Crops in one pass without gradients, at most."""


def over(deadline: float | None) -> bool:
    """Whether a time of ``time.monotonic`` has come."""
    return deadline is not None and time.monotonic() >= deadline


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """What is minimised over the boxes of one photograph.

    Attributes:
        picture: the photograph.
        captioner: frozen.
        judge: of this photograph's crops, frozen; None for the caption alone.
        loss: how the distance from a caption is measured.
        weight: of the aesthetics loss (lambda of the paper).
    """

    picture: Pyramid
    captioner: Captioner
    judge: Judge | None
    loss: CaptionLoss
    weight: float

    def terms(self, boxes_xyxy: Tensor, targets: Sequence[Target], reach: float = 0.0) -> Tensor:
        """Caption and aesthetics losses of boxes (K, 4), each for its own of K captions, shape (K, 2)."""
        crops = self.crops(boxes_xyxy, reach)
        said = caption_loss(self.captioner, crops, targets, self.loss)
        return torch.stack([said, self._aesthetics(crops, boxes_xyxy, reach)], dim=1)

    def slopes(
        self,
        boxes_xyxy: Tensor,
        targets: Sequence[Target],
        batches: Sequence[int],
        reach: float = 0.0,
        deadline: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Losses, and where they go; one batch is done with before the next is begun.

        Args:
            boxes_xyxy: shape (K, 4).
            targets: the caption of each.
            batches: how many boxes each batch has, one after the other.
            reach: see ``SearchConfig``.
            deadline: when no further batch is begun; the first is in any case.

        Returns:
            Of the boxes of all batches that were done: losses (M, 2), and the gradient of their total losses with
            respect to the boxes, (M, 4).
        """
        terms, slopes, at = [], [], 0
        for batch in filter(None, batches):
            if at and over(deadline):
                break
            part = boxes_xyxy[at : at + batch].detach().requires_grad_()
            found = self.terms(part, targets[at : at + batch], reach)
            (slope,) = torch.autograd.grad(self.totals(found).nan_to_num(posinf=0).sum(), part)
            terms.append(found.detach())
            slopes.append(slope)
            at += batch
        return torch.cat(terms), torch.cat(slopes)

    def measure(
        self,
        boxes_xyxy: Tensor,
        targets: Sequence[Target],
        reach: float = 0.0,
        deadline: float | None = None,
    ) -> Tensor:
        """As ``terms``, without gradients and in parts that need little memory.

        What the deadline comes before is infinitely bad.
        """
        terms = boxes_xyxy.new_full((len(boxes_xyxy), 2), torch.inf)
        with torch.no_grad():
            for at in range(0, len(boxes_xyxy), AT_ONCE):
                if over(deadline):
                    break
                part = slice(at, at + AT_ONCE)
                terms[part] = self.terms(boxes_xyxy[part], targets[part], reach)
        return terms

    def measure_each(
        self, boxes_xyxy: Tensor, targets: Sequence[Target], deadline: float | None = None
    ) -> Tensor:
        """Losses of all of K boxes for each of C captions, shape (C, K, 2), without gradients.

        Crops, their aesthetics and what ``caption_losses`` shares are the same for all captions and are made once.
        When the deadline comes, the boxes from there on are left out, but not those of the first part.
        """
        parts: list[Tensor] = []
        with torch.no_grad():
            for boxes in torch.split(boxes_xyxy, AT_ONCE):
                if parts and over(deadline):
                    break
                crops = self.crops(boxes)
                said = caption_losses(self.captioner, crops, targets, self.loss)
                pleasing = self._aesthetics(crops, boxes, 0.0).expand(len(targets), -1)
                parts.append(torch.stack([said, pleasing], dim=2))
        return torch.cat(parts, dim=1)

    def totals(self, terms: Tensor) -> Tensor:
        """Total losses of losses (..., 2); what could not be measured is infinitely bad."""
        return (terms[..., 0] + self.weight * terms[..., 1]).nan_to_num(nan=torch.inf, posinf=torch.inf)

    def crops(self, boxes_xyxy: Tensor, reach: float = 0.0) -> Tensor:
        """Crops as the captioner reads them, shape (K, 3, h, w)."""
        return sample_crops(self.picture, boxes_xyxy, self.captioner.size_wh, reach=reach)

    def _aesthetics(self, crops: Tensor, boxes_xyxy: Tensor, reach: float) -> Tensor:
        if self.judge is None:
            return boxes_xyxy.new_zeros(len(boxes_xyxy))
        seen: Tensor | None = crops
        if self.judge.size_wh is None:
            seen = None
        elif self.judge.size_wh != self.captioner.size_wh:
            seen = sample_crops(self.picture, boxes_xyxy, self.judge.size_wh, reach=reach)
        return -self.judge.judge(seen, boxes_xyxy)
