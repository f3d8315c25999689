"""What is minimised over the boxes of one photograph, measured: with slopes, without, and for several captions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

import torch
from torch import Tensor

from cadrage.captions.objective import CaptionLoss, Target, caption_loss, caption_losses
from cadrage.captions.protocols import Captioner, Judge
from cadrage.captions.sampler import Pyramid, sample_crops
from cadrage.captions.search.workers import Workers

AT_ONCE = 8
"""Crops in one pass without gradients, at most: more are not quicker."""

SLOPES_AT_ONCE = 2
"""Crops in one pass with gradients, at most: until its end it keeps all that was calculated."""


Made = TypeVar("Made")


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
        workers: who share the passes of a batch, whose parts do not depend on their number.
    """

    picture: Pyramid
    captioner: Captioner
    judge: Judge | None
    loss: CaptionLoss
    weight: float
    workers: Workers = field(default_factory=Workers)

    def terms(self, boxes_xyxy: Tensor, targets: Sequence[Target], reach: float = 0.0) -> Tensor:
        """Caption and aesthetics losses of boxes (K, 4), each for its own of K captions, shape (K, 2)."""
        crops = self.crops(boxes_xyxy, reach)
        said = caption_loss(self.captioner, crops, targets, self.loss)
        return torch.stack([said, self._aesthetics(crops, boxes_xyxy, reach)], dim=1)

    def slopes(
        self,
        boxes_xyxy: Tensor,
        targets: Sequence[Target],
        reach: float = 0.0,
        deadline: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Losses, and where they go.

        Args:
            boxes_xyxy: shape (K, 4).
            targets: the caption of each.
            reach: see ``SearchConfig``.
            deadline: when no further part is begun; the first is in any case.

        Returns:
            Of the first M boxes, all of them before the deadline: losses (M, 2), and the gradient of their total
            losses with respect to the boxes, (M, 4).
        """

        def work(part: slice) -> tuple[Tensor, Tensor] | None:
            if part.start and over(deadline):
                return None
            boxes = boxes_xyxy[part].detach().requires_grad_()
            found = self.terms(boxes, targets[part], reach)
            (slope,) = torch.autograd.grad(self.totals(found).nan_to_num(posinf=0).sum(), boxes)
            return found.detach(), slope

        # Two runs are two parts: so two CPUs have work to the end, when few are left.
        parts = _parts(len(boxes_xyxy), SLOPES_AT_ONCE if len(boxes_xyxy) > SLOPES_AT_ONCE else 1)
        terms, slopes = zip(*_made(self.workers.each(work, parts)), strict=True)
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

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            if over(deadline):
                return boxes_xyxy.new_full((len(boxes_xyxy[part]), 2), torch.inf)
            return self.terms(boxes_xyxy[part], targets[part], reach)

        return torch.cat(self.workers.each(work, _parts(len(boxes_xyxy), AT_ONCE)))

    def measure_each(
        self, boxes_xyxy: Tensor, targets: Sequence[Target], deadline: float | None = None
    ) -> Tensor:
        """Losses of all of K boxes for each of C captions, shape (C, K, 2), without gradients.

        Crops, their aesthetics and what ``caption_losses`` shares are the same for all captions and are made once.
        When the deadline comes, the boxes from there on are left out, but not those of the first part.
        """

        @torch.no_grad()
        def work(part: slice) -> Tensor | None:
            if part.start and over(deadline):
                return None
            boxes = boxes_xyxy[part]
            crops = self.crops(boxes)
            said = caption_losses(self.captioner, crops, targets, self.loss)
            pleasing = self._aesthetics(crops, boxes, 0.0).expand(len(targets), -1)
            return torch.stack([said, pleasing], dim=2)

        return torch.cat(_made(self.workers.each(work, _parts(len(boxes_xyxy), AT_ONCE))), dim=1)

    def totals(self, terms: Tensor) -> Tensor:
        """Total losses of losses (..., 2); what could not be measured is infinitely bad."""
        return (terms[..., 0] + self.weight * terms[..., 1]).nan_to_num(nan=torch.inf, posinf=torch.inf)

    def crops(self, boxes_xyxy: Tensor, reach: float = 0.0) -> Tensor:
        """Crops as the captioner reads them, shape (K, 3, h, w)."""
        return sample_crops(self.picture, boxes_xyxy, self.captioner.size_wh, reach=reach)

    def _aesthetics(self, crops: Tensor, boxes_xyxy: Tensor, reach: float) -> Tensor:
        if self.judge is None or not self.weight:
            return boxes_xyxy.new_zeros(len(boxes_xyxy))
        seen: Tensor | None = crops
        if self.judge.size_wh is None:
            seen = None
        elif self.judge.size_wh != self.captioner.size_wh:
            seen = sample_crops(self.picture, boxes_xyxy, self.judge.size_wh, reach=reach)
        return -self.judge.judge(seen, boxes_xyxy)


def _parts(count: int, most: int) -> list[slice]:
    """So many boxes in parts of one size, but for the last."""
    return [slice(at, min(at + most, count)) for at in range(0, count, most)]


def _made(results: Sequence[Made | None]) -> list[Made]:
    """The results up to the first part that was not begun: threads may have begun one after it all the same."""
    return list(takewhile(lambda one: one is not None, results))  # type: ignore[arg-type]
