"""A project photograph by photograph, and the crops that raters see most differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cadrage.annotation.quality.distributions import is_over_one
from cadrage.annotation.quality.table import IntArray, RatingTable
from cadrage.geometry import FloatArray

MOST_DISAGREED = 12
"""Crops with the largest deviation that are listed."""

PER_PHOTOGRAPH = 2
"""How many of them may be of one photograph."""


@dataclass(frozen=True, slots=True)
class PhotographFigures:
    """One photograph; values are NaN where they are not defined.

    Attributes:
        id: its number in the project.
        name: of the photograph.
        crops: that can be graded.
        rated: how many of them have a grade that counts.
        grades: how many count.
        mos: mean over its rated crops.
        best_mos: the largest.
        deviation: mean over the crops with two or more grades.
        over_one: share of these whose deviation is over 1.
    """

    id: int
    name: str
    crops: int
    rated: int
    grades: int
    mos: float
    best_mos: float
    deviation: float
    over_one: float


@dataclass(frozen=True, slots=True)
class DisagreedCrop:
    """A crop that raters see differently.

    Attributes:
        photograph: number of the photograph in the project.
        name: of the photograph.
        size_wh: of its frame.
        box: x1, y1, x2, y2 in frame pixels.
        by_grade: how many gave each grade from 1 to 5.
        mos: mean grade.
        deviation: of the grades.
    """

    photograph: int
    name: str
    size_wh: tuple[int, int]
    box: tuple[float, float, float, float]
    by_grade: tuple[int, ...]
    mos: float
    deviation: float


def photograph_figures(
    table: RatingTable, per_crop: IntArray, mos: FloatArray, spread: FloatArray
) -> tuple[PhotographFigures, ...]:
    """The figures of every photograph, in the table's order.

    Args:
        table: the photographs and their crops.
        per_crop: number of grades that count, shape (C,).
        mos: shape (C,), NaN where there is none.
        spread: deviation of the grades, shape (C,), NaN where it is not defined.
    """
    ends = np.searchsorted(table.photograph_of, np.arange(len(table.photographs) + 1))
    found = []
    for place, photograph in enumerate(table.photographs):
        part = slice(ends[place], ends[place + 1])
        scores, apart = (values[part][~np.isnan(values[part])] for values in (mos, spread))
        found.append(
            PhotographFigures(
                id=photograph.id,
                name=photograph.name,
                crops=int(ends[place + 1] - ends[place]),
                rated=int((per_crop[part] > 0).sum()),
                grades=int(per_crop[part].sum()),
                mos=float(scores.mean()) if len(scores) else np.nan,
                best_mos=float(scores.max()) if len(scores) else np.nan,
                deviation=float(apart.mean()) if len(apart) else np.nan,
                over_one=float(is_over_one(apart).mean()) if len(apart) else np.nan,
            )
        )
    return tuple(found)


def most_disagreed(
    table: RatingTable, grades: FloatArray, mos: FloatArray, spread: FloatArray
) -> tuple[DisagreedCrop, ...]:
    """The crops with the largest deviation over 0, few of one photograph.

    Args:
        table: the photographs and their crops.
        grades: those that count, shape (C, R), NaN where missing.
        mos: shape (C,).
        spread: deviation of the grades, shape (C,), NaN where it is not defined.
    """
    found: list[DisagreedCrop] = []
    taken: dict[int, int] = {}
    for crop in np.argsort(-np.nan_to_num(spread), kind="stable").tolist():
        if len(found) == MOST_DISAGREED or not spread[crop] > 0:
            break
        photograph = table.photographs[table.photograph_of[crop]]
        taken[photograph.id] = taken.get(photograph.id, 0) + 1
        if taken[photograph.id] > PER_PHOTOGRAPH:
            continue
        x1, y1, x2, y2 = table.boxes_xyxy[crop].tolist()
        found.append(
            DisagreedCrop(
                photograph=photograph.id,
                name=photograph.name,
                size_wh=photograph.size_wh,
                box=(x1, y1, x2, y2),
                by_grade=tuple(int((grades[crop] == value).sum()) for value in range(1, 6)),
                mos=float(mos[crop]),
                deviation=float(spread[crop]),
            )
        )
    return tuple(found)
