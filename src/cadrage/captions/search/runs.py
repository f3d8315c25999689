"""The runs of a search: one batch of parameters, the best box of each so far, and the way that it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cadrage.captions.boxes import BoxSpace
from cadrage.selection import SCORE_DECIMALS

LEAST_GAIN = 1e-4
"""A total loss that is less by no more than this is not less: sums in another order must not decide."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One restart of a search.

    Attributes:
        boxes: shape (S, 4), in pixels of the picture: the start, then the box of each step until the run ended.
        terms: shape (S, 2): their caption and aesthetics losses.
        reach: shape (S,): how many octaves coarser than needed the samples were that these losses are of.
        best: shape (4,): the box of least total loss.
        best_terms: shape (2,): its losses.
        halved: whether it was ended before its time, among the worse half.
    """

    boxes: Tensor
    terms: Tensor
    reach: Tensor
    best: Tensor
    best_terms: Tensor
    halved: bool


def in_order(losses: Tensor) -> Tensor:
    """Losses of any shape, rounded so that equal ones are equal whatever batch they were measured in."""
    return losses.round(decimals=SCORE_DECIMALS)


class _Adam:
    """Adam (Kingma and Ba, ICLR 2015, algorithm 1) with its usual betas and epsilon.

    That of torch loads its compiler first, which takes longer than a search.
    """

    FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, learning_rate: float, theta: Tensor) -> None:
        self._rate = learning_rate
        self._mean, self._square = torch.zeros_like(theta), torch.zeros_like(theta)
        self._steps = 0

    def after(self, theta: Tensor, gradient: Tensor) -> Tensor:
        """The parameters after a step, a leaf that gradients reach."""
        self._steps += 1
        self._mean = self.FIRST * self._mean + (1 - self.FIRST) * gradient
        self._square = self.SECOND * self._square + (1 - self.SECOND) * gradient**2
        mean = self._mean / (1 - self.FIRST**self._steps)
        square = self._square / (1 - self.SECOND**self._steps)
        moved: Tensor = theta.detach() - self._rate * mean / (square.sqrt() + self.EPSILON)
        return moved.requires_grad_()


class Runs:
    """Runs side by side, those of one caption after those of another; a run that has ended costs nothing.

    Attributes:
        active: bool, shape (N,): the runs that go on.
        best: shape (N, 4): the best box of each so far.
        best_terms: shape (N, 2): its losses.
        halved: bool, shape (N,): the runs that were ended before their time.
    """

    def __init__(
        self,
        space: BoxSpace,
        starts_xyxy: Tensor,
        terms: Tensor,
        totals: Callable[[Tensor], Tensor],
        restarts: int,
    ) -> None:
        """Take the starts as what is best so far.

        Args:
            space: of the boxes.
            starts_xyxy: shape (N, 4).
            terms: shape (N, 2): their losses.
            totals: from losses (..., 2) to total losses (...).
            restarts: runs of one caption; N is a multiple.
        """
        self.active = torch.ones(len(starts_xyxy), dtype=torch.bool)
        self.best, self.best_terms = starts_xyxy, terms
        self._space, self._totals, self._restarts = space, totals, restarts
        self._stale = torch.zeros(len(starts_xyxy), dtype=torch.long)
        self.halved = torch.zeros(len(starts_xyxy), dtype=torch.bool)
        self._trail = [(starts_xyxy, terms, 0.0)]
        self._theta = space.theta(starts_xyxy)
        self._adam = _Adam(0.0, self._theta)

    def begin(self, learning_rate: float) -> None:
        """Let every run go on from its best box, with a fresh optimiser."""
        self._theta = self._space.theta(self.best).requires_grad_()
        self._adam = _Adam(learning_rate, self._theta)
        self._stale.zero_()

    def boxes(self, scale: float | None) -> Tensor:
        """Boxes (A, 4) of the active runs, differentiable; of a scale, if one is given."""
        return self._space.boxes(self._theta[self.active], scale)

    def step(self, boxes_xyxy: Tensor, terms: Tensor, slopes: Tensor, reach: float = 0.0) -> None:
        """Record where the runs are, and go down the slope.

        Args:
            boxes_xyxy: shape (A, 4), of ``boxes``.
            terms: shape (M, 2): the losses of the first M of them.
            slopes: shape (M, 4): the gradient of their total losses with respect to the boxes.
            reach: what the losses were measured with.
        """
        # The same as with the slopes as its gradients, for which torch would load its symbolic algebra first.
        along = (boxes_xyxy[: len(slopes)] * slopes).sum()
        (gradient,) = torch.autograd.grad(along, self._theta)
        # A crop that could not be measured gives no direction, and must not spoil its parameters.
        self._theta = self._adam.after(self._theta, gradient.nan_to_num(nan=0, posinf=0, neginf=0))
        every_box, every_term = (
            self.best.new_full((len(self.best), 4), torch.nan),
            torch.full_like(self.best_terms, torch.nan),
        )
        rows = self.active.nonzero()[: len(terms), 0]
        every_box[rows], every_term[rows] = boxes_xyxy[: len(terms)].detach(), terms
        self._trail.append((every_box, every_term, reach))
        gain = self._totals(self.best_terms) - self._totals(every_term)
        better = gain > LEAST_GAIN
        self.best = torch.where(better[:, None], every_box, self.best)
        self.best_terms = torch.where(better[:, None], every_term, self.best_terms)
        self._stale = torch.where(better, 0, self._stale + 1)

    def correct(self, terms: Tensor) -> None:
        """Measure changed: losses (N, 2) of the best boxes are now these."""
        self.best_terms = terms

    def end_stale(self, patience: int) -> None:
        """End the runs that have not become better for so many steps."""
        self.active &= self._stale < patience

    def halve(self) -> None:
        """Of each caption's active runs, end the worse half; one goes on."""
        losses = in_order(self._totals(self.best_terms)).masked_fill(~self.active, torch.inf)
        ranks = losses.reshape(-1, self._restarts).argsort(dim=1, stable=True).argsort(dim=1)
        going = self.active.reshape(-1, self._restarts).sum(dim=1, keepdim=True)
        worse = self.active & ~(ranks < (going + 1) // 2).flatten()
        self.halved |= worse
        self.active &= ~worse

    def of(self, caption: int) -> tuple[Run, ...]:
        """The runs of a caption, by its number."""
        made = []
        reach = torch.tensor([reach for _, _, reach in self._trail])
        for row in range(caption * self._restarts, (caption + 1) * self._restarts):
            boxes = torch.stack([boxes[row] for boxes, _, _ in self._trail])
            terms = torch.stack([terms[row] for _, terms, _ in self._trail])
            taken = ~boxes[:, 0].isnan()
            best, best_terms, halved = self.best[row], self.best_terms[row], bool(self.halved[row])
            made.append(Run(boxes[taken], terms[taken], reach[taken], best, best_terms, halved))
        return tuple(made)
