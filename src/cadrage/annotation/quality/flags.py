"""Whose figures stand out: outliers among the raters, and careless work.

A flag is a reason to look, not a verdict: nobody is excluded for one unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cadrage.annotation.quality.raters import FAST, RaterFigures, run_lengths
from cadrage.annotation.quality.table import IntArray, RatingTable
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray

FlagKind = Literal["bias", "agreement", "reversed", "one grade", "repeats", "haste", "run", "stretch"]

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class FlagRules:
    """When a rater is flagged.

    Outliers are told by robust z-scores (Iglewicz & Hoaglin 1993): the distance from the raters' median in units
    of 1.4826 x their median absolute deviation, and of no less than ``least_scale``.

    Attributes:
        outlier: robust z-score from which on a rater is an outlier.
        least_scale: smallest unit of a z-score, in grades for the bias and as such for correlations.
        least_bias: an outlier's bias is at least so many grades from the median.
        far_bias: a bias so many grades from the median is flagged whatever its z-score.
        least_drop: an outlier's SRCC with the others is at least so far below the median.
        no_relation: an SRCC below this share of the median is flagged whatever its z-score ...
        related: ... where the median is at least this.
        reversal: an SRCC with the others below this is a scale held upside down.
        least_raters: raters that must have been measured before one can be an outlier.
        least_grades: grades that a rater must have given before any rule applies.
        commonest: share of one grade from which on it is hardly a choice.
        least_kappa: weighted kappa on hidden repeats below which a rater contradicts themselves ...
        least_repeats: ... with at least so many repeats.
        pace: times are averaged over so many grades one after another, since many people look at a whole page and
            then give its grades in a row.
        fast_ms: milliseconds within which nobody looks at a crop, compares and chooses.
        fast_share: share of such grades from which on a rater hurries.
        run: equal grades one after another ...
        run_speed: ... whose median time is under ``fast_ms``, or under this share of the rater's own median.
        stretch: consecutive grades ...
        stretch_share: ... of which this share ...
        stretch_speed: ... took less than this share of the rater's own median.

    Raises:
        RequestError: a value is outside its range.
    """

    outlier: float = 3.5
    least_scale: float = 0.05
    least_bias: float = 0.75
    far_bias: float = 1.0
    least_drop: float = 0.15
    no_relation: float = 1 / 3
    related: float = 0.3
    reversal: float = -0.2
    least_raters: int = 3
    least_grades: int = 30
    commonest: float = 0.9
    least_kappa: float = 0.1
    least_repeats: int = 20
    pace: int = 4
    fast_ms: float = FAST
    fast_share: float = 0.5
    run: int = 12
    run_speed: float = 1 / 3
    stretch: int = 20
    stretch_share: float = 0.8
    stretch_speed: float = 1 / 4

    def __post_init__(self) -> None:
        if not self.outlier > 0:
            raise RequestError(f"The z-score of an outlier is above 0; got {self.outlier:g}.")
        if not self.fast_ms >= 0:
            raise RequestError(f"The time of a fast grade is not below 0; got {self.fast_ms:g} ms.")
        if self.pace < 1:
            raise RequestError(f"Times are averaged over 1 grade or more; got {self.pace}.")
        if self.run < 2 or self.stretch < 2:
            raise RequestError("Runs and stretches have at least 2 grades.")


@dataclass(frozen=True, slots=True)
class Flag:
    """Why a rater stands out.

    Attributes:
        kind: which rule.
        reason: a sentence with the figures.
    """

    kind: FlagKind
    reason: str


def flags_of(
    table: RatingTable,
    figures: Sequence[RaterFigures],
    counted: NDArray[np.bool_],
    rules: FlagRules | None = None,
) -> tuple[tuple[Flag, ...], ...]:
    """The flags of every rater, also of those that do not count.

    Args:
        table: all grades.
        figures: of each rater of the table, as ``rater_figures`` gives them for the same ``counted``.
        counted: whose grades count: medians are theirs, shape (R,).
        rules: by default the usual ones.

    Returns:
        One tuple a rater; empty where nothing stands out.
    """
    rules = rules or FlagRules()
    enough = np.array([one.grades >= rules.least_grades for one in figures], dtype=np.bool_)
    bias, srcc = (np.array([getattr(one, name) for one in figures]) for name in ("bias", "srcc"))
    measured = counted & enough & ~np.isnan(srcc)
    found = []
    for place, one in enumerate(figures):
        flags: list[Flag] = []
        if enough[place]:
            if measured.sum() >= rules.least_raters:
                flags += _outliers(bias[place], bias[measured], srcc[place], srcc[measured], rules)
            mine = table.given.rater == place
            flags += _habits(one, rules)
            pace = paced(table.given.milliseconds[mine], rules.pace)
            flags += _careless(table.given.grade[mine], pace, rules)
        found.append(tuple(flags))
    return tuple(found)


def _outliers(
    bias: float, biases: FloatArray, srcc: float, srccs: FloatArray, rules: FlagRules
) -> list[Flag]:
    flags = []
    distance, score = _robust_z(bias, biases, rules.least_scale)
    stands_out = abs(score) >= rules.outlier and abs(distance) >= rules.least_bias
    if stands_out or abs(distance) >= rules.far_bias:
        how = "generous" if distance > 0 else "strict"
        flags.append(
            Flag(
                "bias",
                f"Much more {how} than the others: bias {bias:+.2f} grades, median {np.median(biases):+.2f} "
                f"(robust z-score {score:+.1f}).",
            )
        )
    distance, score = _robust_z(srcc, srccs, rules.least_scale)
    usual = float(np.median(srccs))
    unrelated = usual >= rules.related and srcc < rules.no_relation * usual
    if srcc < rules.reversal:
        flags.append(
            Flag("reversed", f"The scale seems to be held upside down: SRCC with the others {srcc:.2f}.")
        )
    elif unrelated or (score <= -rules.outlier and distance <= -rules.least_drop):
        flags.append(
            Flag(
                "agreement",
                f"Agrees far less with the others than the median rater: SRCC {_round(srcc)}, median {usual:.2f}.",
            )
        )
    return flags


def _round(value: float) -> str:
    """Two digits, without a minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _robust_z(value: float, values: FloatArray, least_scale: float) -> tuple[float, float]:
    """Distance of a value from the median of values, and its robust z-score; NaN stays NaN."""
    middle = np.median(values)
    scale = max(NORMAL_MAD * float(np.median(np.abs(values - middle))), least_scale)
    return float(value - middle), float((value - middle) / scale)


def _habits(one: RaterFigures, rules: FlagRules) -> list[Flag]:
    flags = []
    if one.commonest_share >= rules.commonest:
        flags.append(
            Flag("one grade", f"{100 * one.commonest_share:.1f} % of the grades are {one.commonest}.")
        )
    if one.repeats >= rules.least_repeats and one.repeat_kappa < rules.least_kappa:
        flags.append(
            Flag(
                "repeats",
                f"Contradicts themselves on hidden repeats: weighted kappa {_round(one.repeat_kappa)} over "
                f"{one.repeats}.",
            )
        )
    return flags


def paced(milliseconds: FloatArray, grades: int) -> FloatArray:
    """The mean time of each grade and those right before it, ``grades`` in all; unknown times (NaN) count not."""
    known = ~np.isnan(milliseconds)
    window = np.ones(grades)
    total = np.convolve(np.where(known, milliseconds, 0.0), window)[: len(milliseconds)]
    number = np.convolve(known, window)[: len(milliseconds)]
    return np.where(known, total / np.maximum(number, 1), np.nan)


def _careless(grades: IntArray, milliseconds: FloatArray, rules: FlagRules) -> list[Flag]:
    """Haste, runs and stretches of a rater's grades, in the order in which they were given."""
    if np.isnan(milliseconds).all():
        return []
    usual = float(np.nanmedian(milliseconds))
    flags = []
    share = float(np.mean(milliseconds[~np.isnan(milliseconds)] < rules.fast_ms))
    if share >= rules.fast_share:
        flags.append(
            Flag(
                "haste",
                f"{100 * share:.1f} % of the grades took less than {rules.fast_ms:g} milliseconds, "
                f"averaged over {rules.pace} in a row.",
            )
        )
    runs = _careless_runs(grades, milliseconds, max(rules.fast_ms, rules.run_speed * usual), rules.run)
    if runs:
        what = f"{len(runs)} runs" if len(runs) > 1 else "A run"
        flags.append(
            Flag(
                "run",
                f"{what} of equal grades at high speed, the longest of {max(runs)} (usually "
                f"{usual / 1000:.1f} seconds a grade).",
            )
        )
    hurried = in_stretches(milliseconds < rules.stretch_speed * usual, rules.stretch, rules.stretch_share)
    if hurried:
        flags.append(
            Flag(
                "stretch",
                f"{hurried} grades in stretches at over {1 / rules.stretch_speed:g} times the own usual speed "
                f"(usually {usual / 1000:.1f} seconds a grade).",
            )
        )
    return flags


def _careless_runs(grades: IntArray, milliseconds: FloatArray, limit: float, least: int) -> list[int]:
    """Lengths of the runs of equal grades that are long, and fast by their median time."""
    lengths = run_lengths(grades)
    ends = np.cumsum(lengths)
    found = []
    for run in np.flatnonzero(lengths >= least):
        times = milliseconds[ends[run] - lengths[run] : ends[run]]
        times = times[~np.isnan(times)]
        if len(times) >= least and np.median(times) < limit:
            found.append(int(lengths[run]))
    return found


def in_stretches(marks: NDArray[np.bool_], length: int, share: float) -> int:
    """How many marks lie in windows of a length of which at least a share is marked."""
    if len(marks) < length:
        return 0
    sums = np.concatenate([[0], np.cumsum(marks)])
    dense = sums[length:] - sums[:-length] >= share * length - 1e-9
    covered = np.convolve(dense, np.ones(length, dtype=np.int64)) > 0
    return int((covered & marks).sum())
