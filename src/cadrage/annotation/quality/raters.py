"""Each rater's habits: bias, spread, agreement with the others and with themselves, speed, use of the scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from cadrage.annotation.quality.correlation import (
    GRADE_VALUES,
    grouped_pcc,
    grouped_srcc,
    quadratic_kappa,
)
from cadrage.annotation.quality.table import IntArray, RatingTable
from cadrage.geometry import FloatArray

LEAST_CROPS = 3
"""Crops of a photograph that a rater shares with others, from which on its correlation says something."""

FAST = 500.0
"""Milliseconds within which nobody looks at a crop, compares and chooses."""


@dataclass(frozen=True, slots=True)
class RaterFigures:
    """One rater in figures; each NaN where it is not defined.

    "The others" are the raters that count, but for this one, on the crops that this one graded too.

    Attributes:
        name: of the rater.
        grades: on first showing.
        compared: how many of these crops the others graded too.
        by_grade: how often each grade from 1 to 5 was given.
        mean: of the rater's grades.
        bias: mean of grade less the others' mean grade.
        spread: standard deviation of the rater's grades.
        relative_spread: standard deviation on the compared crops, divided by that of all the others' grades there.
        srcc: Spearman's correlation with the others' mean over all compared crops; 0 if all own grades are equal.
        pcc: likewise, Pearson's.
        photograph_srcc: mean over photographs with at least 3 compared crops of the correlation within each.
        photograph_pcc: likewise, Pearson's.
        photographs: over how many these two are averaged.
        repeats: hidden repeats that were graded as well as their first showing.
        equal_repeats: share of them with the same grade.
        repeat_difference: mean absolute difference of the two grades.
        repeat_kappa: Cohen's kappa of the two, with squared differences as weights.
        milliseconds: median time of a grade.
        fast_share: share of the timed grades under the limit.
        longest_run: most equal grades one after another, in the order in which they were given.
        commonest: the grade that was given most often; ``None`` without a grade.
        commonest_share: its share.
        seconds: time at work.
    """

    name: str
    grades: int
    compared: int
    by_grade: tuple[int, ...]
    mean: float
    bias: float
    spread: float
    relative_spread: float
    srcc: float
    pcc: float
    photograph_srcc: float
    photograph_pcc: float
    photographs: int
    repeats: int
    equal_repeats: float
    repeat_difference: float
    repeat_kappa: float
    milliseconds: float
    fast_share: float
    longest_run: int
    commonest: int | None
    commonest_share: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Others:
    """Sums of the counted raters' grades for each crop, shape (C,)."""

    number: IntArray
    total: FloatArray
    squares: FloatArray

    def without(self, own: FloatArray, is_counted: bool) -> _Others:
        """What is left of them without a rater's own grades, shape (C,)."""
        if not is_counted:
            return self
        known = ~np.isnan(own)
        value = np.where(known, own, 0.0)
        return _Others(self.number - known, self.total - value, self.squares - value**2)


def rater_figures(
    table: RatingTable,
    counted: NDArray[np.bool_],
    *,
    seconds: FloatArray | None = None,
    fast_ms: float = FAST,
) -> tuple[RaterFigures, ...]:
    """Measure every rater of a table, also those that do not count: against those that do.

    Args:
        table: all grades.
        counted: whose grades count, shape (R,).
        seconds: time at work of each, shape (R,); by default unknown.
        fast_ms: below how many milliseconds a grade is fast.
    """
    grades, repeats = table.grades(), table.repeats()
    of_counted = grades[:, counted]
    known = ~np.isnan(of_counted)
    values = np.where(known, of_counted, 0.0)
    others = _Others(known.sum(axis=1), values.sum(axis=1), (values**2).sum(axis=1))
    spent = np.full(len(table.raters), np.nan) if seconds is None else seconds
    by_rater = np.argsort(table.given.rater, kind="stable")
    ends = np.searchsorted(table.given.rater[by_rater], np.arange(len(table.raters) + 1))
    figures = []
    for place, rater in enumerate(table.raters):
        own = grades[:, place]
        given = by_rater[ends[place] : ends[place + 1]]
        first = own[~np.isnan(own)].astype(np.int64)
        by_grade = np.bincount(first, minlength=6)[1:6]
        times = table.given.milliseconds[given]
        timed = times[~np.isnan(times)]
        figures.append(
            RaterFigures(
                name=rater.name,
                grades=len(first),
                by_grade=tuple(by_grade.tolist()),
                mean=_mean(first),
                spread=_deviation(first),
                milliseconds=float(np.median(timed)) if len(timed) else np.nan,
                fast_share=_mean(timed < fast_ms),
                longest_run=int(run_lengths(table.given.grade[given]).max(initial=0)),
                commonest=int(GRADE_VALUES[by_grade.argmax()]) if len(first) else None,
                commonest_share=float(by_grade.max() / len(first)) if len(first) else np.nan,
                seconds=float(spent[place]),
                **_beside_others(own, others.without(own, bool(counted[place])), table.photograph_of),
                **_beside_self(own, repeats[:, place]),
            )
        )
    return tuple(figures)


def run_lengths(grades: IntArray) -> IntArray:
    """Lengths of the runs of equal grades, in order; they sum to the number of grades."""
    if not len(grades):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(grades, prepend=grades[0] - 1))
    return np.diff(np.append(starts, len(grades)))


class _BesideOthers(TypedDict):
    compared: int
    bias: float
    relative_spread: float
    srcc: float
    pcc: float
    photograph_srcc: float
    photograph_pcc: float
    photographs: int


def _beside_others(own: FloatArray, others: _Others, photograph_of: IntArray) -> _BesideOthers:
    shared = np.flatnonzero(~np.isnan(own) & (others.number > 0))
    grade, number, total = own[shared], others.number[shared], others.total[shared]
    mean = total / number
    everything = np.zeros(len(shared), dtype=np.int64)
    _, photograph = np.unique(photograph_of[shared], return_inverse=True)
    sizes = np.bincount(photograph)
    within = []
    for correlation in (grouped_srcc, grouped_pcc):
        values = correlation(mean, grade, photograph, len(sizes))
        within.append(values[(sizes >= LEAST_CROPS) & ~np.isnan(values)])
    all_others = number.sum()
    variance = (
        others.squares[shared].sum() / all_others - (total.sum() / all_others) ** 2 if all_others else 0.0
    )
    return _BesideOthers(
        compared=len(shared),
        bias=_mean(grade - mean),
        relative_spread=float(_deviation(grade) / np.sqrt(variance)) if variance > 0 else np.nan,
        srcc=float(grouped_srcc(mean, grade, everything, 1)[0]),
        pcc=float(grouped_pcc(mean, grade, everything, 1)[0]),
        photograph_srcc=_mean(within[0]),
        photograph_pcc=_mean(within[1]),
        photographs=len(within[0]),
    )


class _BesideSelf(TypedDict):
    repeats: int
    equal_repeats: float
    repeat_difference: float
    repeat_kappa: float


def _beside_self(first: FloatArray, second: FloatArray) -> _BesideSelf:
    both = ~np.isnan(first) & ~np.isnan(second)
    before, after = first[both].astype(np.int64), second[both].astype(np.int64)
    counts = np.bincount((before - 1) * 5 + after - 1, minlength=25).reshape(5, 5)
    return _BesideSelf(
        repeats=len(before),
        equal_repeats=_mean(before == after),
        repeat_difference=_mean(np.abs(before - after)),
        repeat_kappa=float(quadratic_kappa(counts)),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _deviation(values: NDArray[Any]) -> float:
    return float(values.std()) if len(values) else np.nan
