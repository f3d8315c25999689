"""The search for the best boxes of several ratios at once.

A frame's candidates of one ratio are far too many to score. The coarse ones are scored first; then, in rounds of
halving steps, the neighbours of the best so far. All ratios share the rounds, so that one run of the network scores
for all of them, but none influences another: each gets what it would get alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.candidates import RatioLattice, SizeLimits, free_candidates, ratio_lattice
from cadrage.candidates.grid import IntArray
from cadrage.candidates.ratios import joined
from cadrage.constraints import SizeWH, Wishes, least_sides, satisfying
from cadrage.geometry import MOST_ELONGATED, AspectRatio, Box, FloatArray
from cadrage.request import Shape
from cadrage.selection import rounded

SEEDS = (5, 4, 2, 1)
"""How many of the best boxes are looked around in each round; see ``candidates.ratios.COARSE_STEP``."""

Score = Callable[[FloatArray], FloatArray]
"""Scores (K,) of boxes (K, 4) in frame pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The boxes of one ratio that were scored.

    Attributes:
        boxes: shape (K, 4), whole frame pixels; only those closest to all hard wishes.
        scores: shape (K,), rounded.
        adjusted: shape (K,), rounded, with the soft wishes counted in.
        broken: names of the hard wishes that these boxes break.
        baseline: the largest crop allowed.
        baseline_score: its score, rounded.
    """

    boxes: FloatArray
    scores: FloatArray
    adjusted: FloatArray
    broken: tuple[str, ...]
    baseline: Box
    baseline_score: float


@dataclass(slots=True, eq=False)
class _Pool:
    """Boxes scored so far; ``owners`` says which shape each belongs to, ``points`` where it is in the lattice."""

    owners: IntArray
    points: IntArray
    boxes: FloatArray
    scores: FloatArray
    adjusted: FloatArray
    violations: dict[str, FloatArray]

    def extend(self, other: _Pool) -> None:
        for name in ("owners", "points", "boxes", "scores", "adjusted"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(other, name)]))
        self.violations = {
            name: np.concatenate([values, other.violations[name]]) for name, values in self.violations.items()
        }

    def best_first(self) -> IntArray:
        """Indices by owner, then from the best to the worst, equal ones in the order they came."""
        return np.lexsort((-self.adjusted, *reversed(self.violations.values()), self.owners))


def search(score: Score, wishes: Wishes, shapes: Sequence[Shape]) -> list[Found]:
    """Find the best boxes of each shape.

    Args:
        score: of boxes.
        wishes: what else is wanted.
        shapes: ratios, ``"free"`` or ``"original"``.

    Returns:
        One for each shape.
    """
    plans = [_Plan.of(shape, wishes) for shape in shapes]
    scout = _Scout(score, wishes, np.array([plan.least_wh for plan in plans], dtype=np.float64))
    fixed = [plan.fixed for plan in plans]
    owners, boxes = np.repeat(np.arange(len(plans)), [len(one) for one in fixed]), np.concatenate(fixed)
    points = np.full((len(boxes), 3), -1)
    lattices = [(owner, plan.lattice) for owner, plan in enumerate(plans) if plan.lattice]
    if not lattices:
        pool = scout.look(owners, points, boxes)
    else:
        lattice = joined([lattice for _, lattice in lattices])
        owner_of_size = np.repeat([owner for owner, _ in lattices], [len(one.sizes) for _, one in lattices])
        coarse = lattice.coarse()
        pool = scout.look(
            np.concatenate([owners, owner_of_size[coarse[:, 0]]]),
            np.concatenate([points, coarse]),
            np.concatenate([boxes, lattice.boxes(coarse)]),
        )
        for level, seeds in enumerate(SEEDS, start=1):
            near = _unseen(lattice.neighbours(_seeds(pool, seeds), level), pool.points)
            if len(near):
                pool.extend(scout.look(owner_of_size[near[:, 0]], near, lattice.boxes(near)))
    return [_found(pool, owner, plan) for owner, plan in enumerate(plans)]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Where to look for one shape: a lattice, and fixed boxes whose first is the baseline."""

    lattice: RatioLattice | None
    fixed: FloatArray
    least_wh: SizeWH
    anchors_only: bool = False

    @classmethod
    def of(cls, shape: Shape, wishes: Wishes) -> _Plan:
        request, (width, height) = wishes.request, wishes.size_wh
        ratio = shape if isinstance(shape, AspectRatio) else None
        whole = np.array([[0, 0, width, height]], dtype=np.float64)
        if shape == "original":
            if max(width, height) > MOST_ELONGATED * min(width, height):
                return cls(None, whole, (1, 1))
            ratio = AspectRatio(width, height)
        cover = wishes.cover(ratio)
        if ratio is None:
            least = least_sides(request, (width, height))
            limits = SizeLimits(least, request.max_area or 1.0, request.min_area)
            plain = limits == SizeLimits() and request.headroom is None
            boxes = free_candidates((width, height), None if plain else limits, cover)
            return cls(
                None,
                np.concatenate([whole, boxes]),
                least,
                anchors_only=plain and cover is None and request.policy == "best",
            )
        least = least_sides(request, ratio.largest_within((width, height)))
        limits = SizeLimits(least, request.max_area or 1.0, request.min_area)
        lattice = ratio_lattice((width, height), ratio, limits, cover)
        return cls(lattice, np.array([lattice.largest.as_tuple()], dtype=np.float64), least)


class _Scout:
    """Measures boxes: score, score with soft wishes, distance from hard ones."""

    def __init__(self, score: Score, wishes: Wishes, least_wh: FloatArray) -> None:
        self._score = score
        self._wishes = wishes
        self._least_wh = least_wh

    def look(self, owners: IntArray, points: IntArray, boxes: FloatArray) -> _Pool:
        scores = rounded(self._score(boxes))
        adjusted = rounded(self._wishes.adjusted(boxes, scores))
        violations = self._wishes.violations(boxes, self._least_wh[owners])
        return _Pool(owners, points, boxes, scores, adjusted, violations)


def _seeds(pool: _Pool, count: int) -> IntArray:
    """Points of the ``count`` best boxes of each shape that has a lattice."""
    ranked = pool.best_first()
    ranked = ranked[pool.points[ranked, 0] >= 0]
    owners = pool.owners[ranked]
    place = np.arange(len(ranked)) - np.searchsorted(owners, owners)
    seeds: IntArray = pool.points[ranked[place < count]]
    return seeds


def _unseen(points: IntArray, seen: IntArray) -> IntArray:
    """The points that were not seen yet, each once, in order."""
    weights = np.array([1 << 16, 1 << 8, 1])
    keys = points @ weights
    _, first = np.unique(keys, return_index=True)
    first.sort()
    fresh: NDArray[np.bool_] = ~np.isin(keys[first], seen @ weights)
    return points[first[fresh]]


def _found(pool: _Pool, owner: int, plan: _Plan) -> Found:
    mine = np.flatnonzero(pool.owners == owner)
    baseline = int(mine[0])
    # A free crop is compared with the whole frame, but unless wishes call for more, only anchors are offered.
    offered = mine[1:] if plan.anchors_only and len(mine) > 1 else mine
    violations = {name: values[offered] for name, values in pool.violations.items()}
    chosen, broken = satisfying(violations, len(offered))
    kept = offered[chosen]
    return Found(
        boxes=pool.boxes[kept],
        scores=pool.scores[kept],
        adjusted=pool.adjusted[kept],
        broken=broken,
        baseline=Box(*map(int, pool.boxes[baseline])),
        baseline_score=float(pool.scores[baseline]),
    )
