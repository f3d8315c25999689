"""What a report says in words: the rule of every figure, and what cannot be said yet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cadrage.annotation.quality.distributions import DEVIATION_BIN, MOS_BIN
from cadrage.annotation.quality.raters import LEAST_CROPS

if TYPE_CHECKING:
    from cadrage.annotation.quality.report import Report


def rules_of(report: Report) -> dict[str, str]:
    """The rule of every figure of a report, a sentence each."""
    options, flagging = report.options, report.options.rules
    divisor = "their number" if options.ddof == 0 else "their number less 1"
    bins = f"bins {MOS_BIN:g} wide, as in TPAMI 2020, figure 7"
    return {
        "MOS": f"The MOS is the mean grade of the raters that count, on first showing; {bins}. Where nobody "
        "graded, the MOS that a crop was imported with.",
        "Deviation": "Standard deviation of a crop's grades, of crops with two or more: squares divided by "
        f"{divisor} (ddof {options.ddof}; the paper's bins tell of 0); bins {DEVIATION_BIN:.4f} wide, as there.",
        "ICC": "Two-way random effects, absolute agreement (Shrout & Fleiss 1979): ICC(2,1) of one grade, "
        "ICC(2,k) of a MOS. Variance components allow for missing grades (Henderson's method 1), and are those "
        "of the paper where none is missing; k is the harmonic mean of the grades per crop.",
        "Alpha": f"Krippendorff's alpha, {options.level}, from the coincidence matrix of the crops with two or "
        "more grades.",
        "Bounds": f"{100 * options.confidence:g} % bounds: percentile bootstrap over photographs, "
        f"{options.samples} resamples, seed {options.seed}, raters as they are.",
        "Others": "Raters are compared with the mean grade of the others that count, on the crops that they "
        "graded too. Spread is relative to the deviation of all the others' grades there.",
        "Correlation": "SRCC and PCC over all compared crops, and within photographs (of at least "
        f"{LEAST_CROPS} compared crops), averaged; 0 where a rater's grades are all equal.",
        "Repeats": "On hidden repeats: share of equal grades, mean absolute difference, Cohen's kappa with "
        "squared differences as weights.",
        "Speed": f"Median time of a grade, and share of the grades under {flagging.fast_ms:g} milliseconds; "
        "hidden repeats included, times of 0 left out.",
        "Outliers": "Robust z-scores count in 1.4826 x median absolute deviation of the raters that count, at "
        f"least {flagging.least_scale:g}; from {flagging.least_raters} raters on.",
        "Bias flag": f"Robust z-score of at least {flagging.outlier:g} either way, and at least "
        f"{flagging.least_bias:g} grades from the median rater's; or {flagging.far_bias:g} or more from it.",
        "Agreement flag": f"Robust z-score of the SRCC of at most -{flagging.outlier:g}, and at least "
        f"{flagging.least_drop:g} below the median rater's; or below {flagging.no_relation:.2f} of the median, "
        f"where that is at least {flagging.related:g}; or below {flagging.reversal:g}, a scale held upside down.",
        "Habit flags": f"{100 * flagging.commonest:g} % or more of the grades are one grade; weighted "
        f"kappa under {flagging.least_kappa:g} on {flagging.least_repeats} or more hidden repeats; "
        f"{100 * flagging.fast_share:g} % or more of the grades took less than {flagging.fast_ms:g} milliseconds.",
        "Pace": f"For flags, times are averaged over {flagging.pace} grades one after another: people look at "
        "a page, then type.",
        "Careless work": f"{flagging.run} or more equal grades one after another, with a median "
        f"time under {flagging.fast_ms:g} milliseconds or {flagging.run_speed:.2f} of the own median; "
        f"{flagging.stretch} consecutive grades of which {100 * flagging.stretch_share:g} % took less than "
        f"{flagging.stretch_speed:g} of the own median.",
        "Fewest grades": f"Raters with fewer than {flagging.least_grades} grades are not judged.",
    }


def overview_of(report: Report) -> tuple[str, ...]:
    """How much there is in a report, in a few words each."""
    counting = sum(one.excluded is None and one.figures.grades > 0 for one in report.raters)
    excluded = sum(one.excluded is not None for one in report.raters)
    return (
        counted(len(report.photographs), "photograph"),
        f"{report.rated:,} of {counted(report.crops, 'crop')} rated",
        f"{counted(report.grades, 'grade')} by {counted(counting, 'rater')}",
        counted(report.repeats, "hidden repeat"),
        *([f"{counted(excluded, 'rater')} excluded"] if excluded else []),
    )


def counted(number: int, what: str) -> str:
    """A number of things: ``"1 rater"``, ``"1,200 raters"``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def notes_of(report: Report) -> tuple[str, ...]:
    """What a report cannot say, and why."""
    if report.crops == 0:
        return ("The project has no crops to rate yet.",)
    counting = [one for one in report.raters if one.excluded is None]
    working = [one for one in counting if one.figures.grades]
    if not working:
        graded = any(one.figures.grades for one in report.raters)
        if graded:
            return ("All raters who graded crops are excluded: there is nothing to measure.",)
        return ("Nobody has rated a crop yet: there is nothing to measure.",)
    notes = []
    if len(working) == 1:
        notes.append(f"Only one rater counts, {working[0].figures.name}: agreement needs two.")
    elif report.deviation.values == 0:
        notes.append("No crop has grades of two raters yet: agreement needs that.")
    elif math.isnan(report.alpha):
        notes.append("All grades are equal: agreement cannot be told from chance.")
    if len(working) > 1 and report.bounds.photographs < 2:
        notes.append("Only one photograph is rated: there are no confidence bounds.")
    rules = report.options.rules
    few = [one.figures.name for one in working if one.figures.grades < rules.least_grades]
    if few:
        notes.append(f"Too few grades to be judged (fewer than {rules.least_grades}): {', '.join(few)}.")
    if 1 < len(working) < rules.least_raters + len(few):
        notes.append(f"Outliers can be told from {rules.least_raters} raters on.")
    return tuple(notes)
