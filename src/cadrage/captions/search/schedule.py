"""Schedules as data: how the scale of the crops, and the reach of their samples, change while a search runs.

CAGIC (abstract) names scale annealing; its schedule is not known, and the named ones here are ours. While the
scale is annealed only the place of a crop is free, and its shape where that is a parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cadrage.errors import RequestError

Shape = Literal["linear", "cosine", "staged"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A number that goes from one value to another during the first part of a search.

    Attributes:
        first: value of the first step.
        last: value at the end of the part.
        shape: "linear"; "cosine", slow at both ends; "staged", in equal leaps.
        stages: how many values a staged one takes, at least 2.
        part: share of the steps, in (0, 1], that it lasts.

    Raises:
        RequestError: a value is outside its range.
    """

    first: float
    last: float
    shape: Shape = "linear"
    stages: int = 4
    part: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise RequestError(
                f"A schedule lasts a share of the steps above 0, at most 1; got {self.part:g}."
            )
        if self.stages < 2:
            raise RequestError(f"A staged schedule has at least 2 stages; got {self.stages}.")
        if not (math.isfinite(self.first) and math.isfinite(self.last)) or min(self.first, self.last) < 0:
            raise RequestError(
                f"A schedule goes between numbers from 0 up; got {self.first:g} and {self.last:g}."
            )

    def lasts(self, steps: int) -> int:
        """How many of so many steps the schedule rules, at least one of any."""
        return min(steps, max(1, round(self.part * steps)))

    def at(self, step: int, steps: int) -> float:
        """The value at a step.

        Args:
            step: from 0; after the schedule's part its last value holds.
            steps: of the whole search.
        """
        length = self.lasts(steps)
        done = min(1.0, step / max(1, length - 1))
        if self.shape == "cosine":
            done = 0.5 - 0.5 * math.cos(math.pi * done)
        elif self.shape == "staged":
            done = min(step * self.stages // length, self.stages - 1) / (self.stages - 1)
        return self.first + (self.last - self.first) * done


SCALES: Mapping[str, Schedule] = {
    "linear": Schedule(1.0, 0.3, "linear", part=0.7),
    "cosine": Schedule(1.0, 0.3, "cosine", part=0.7),
    "staged": Schedule(0.9, 0.3, "staged", stages=5, part=0.7),
}
"""Annealing of the scale, by name; values below the smallest scale of a search stand for it."""

REACHES: Mapping[str, Schedule] = {
    "coarse to fine": Schedule(2.0, 0.0, "staged", stages=3, part=0.7),
}
"""How many octaves coarser than needed samples are taken, by name; see ``sampler``."""
