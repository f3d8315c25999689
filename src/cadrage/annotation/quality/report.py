"""The quality of a project's ratings, as one value: distributions, agreement, each rater, each photograph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cadrage.annotation.quality.agreement import (
    AgreementBounds,
    Icc,
    Level,
    agreement_bounds,
    deviations,
    icc,
    krippendorff_alpha,
    mean_opinion_scores,
)
from cadrage.annotation.quality.correlation import pair_counts, srcc_of_counts
from cadrage.annotation.quality.distributions import (
    Histogram,
    deviation_histogram,
    is_over_one,
    mos_histogram,
)
from cadrage.annotation.quality.flags import Flag, FlagRules, flags_of
from cadrage.annotation.quality.photographs import (
    DisagreedCrop,
    PhotographFigures,
    most_disagreed,
    photograph_figures,
)
from cadrage.annotation.quality.plain import plain
from cadrage.annotation.quality.raters import RaterFigures, rater_figures
from cadrage.annotation.quality.sentences import notes_of, rules_of
from cadrage.annotation.quality.table import RatingTable, read_table
from cadrage.annotation.store import Store, broken, now, project_of, seconds_spent
from cadrage.annotation.store.raters import name_key
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray

MOST_IN_MATRIX = 40
"""Raters in the matrix of agreement: those with the most grades."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is made.

    Attributes:
        exclude: names of raters whose grades do not count in it, beside those excluded in the project.
        exclude_flagged: whether the grades of flagged raters do not count either: those flagged while they count;
            who stands out among the rest is flagged, and counts.
        ddof: of the deviation of a crop's grades, 0 or 1; for 0 speak the paper's bins, see ``DEVIATION_BIN``.
        level: of Krippendorff's alpha.
        confidence: share of the resamples between the bounds.
        samples: resamples of photographs for the bounds.
        seed: of these draws.
        rules: when raters are flagged.

    Raises:
        RequestError: a value is outside its range.
    """

    exclude: tuple[str, ...] = ()
    exclude_flagged: bool = False
    ddof: int = 0
    level: Level = "ordinal"
    confidence: float = 0.95
    samples: int = 1000
    seed: int = 0
    rules: FlagRules = field(default_factory=FlagRules)

    def __post_init__(self) -> None:
        if self.ddof not in (0, 1):
            raise RequestError(f"A deviation is divided by n or n - 1: ddof 0 or 1; got {self.ddof}.")
        if self.level not in ("nominal", "ordinal", "interval"):
            raise RequestError(f"Alpha is 'nominal', 'ordinal' or 'interval'; got '{self.level}'.")
        if not 0 < self.confidence < 1 or self.samples < 1:
            raise RequestError("Bounds need a confidence between 0 and 1, and at least one resample.")


@dataclass(frozen=True, slots=True)
class RaterReport:
    """One rater.

    Attributes:
        figures: measured against the raters that count.
        flags: why the rater stands out.
        excluded: why the rater's grades do not count, if they do not.
    """

    figures: RaterFigures
    flags: tuple[Flag, ...]
    excluded: str | None


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Spearman's correlation of every two raters, over the crops that both graded.

    Attributes:
        names: of the raters, in the order of their coming: at most those with the most grades.
        srcc: shape (N, N) as rows; NaN where it is not defined.
        crops: how many crops both graded, likewise.
    """

    names: tuple[str, ...]
    srcc: tuple[tuple[float, ...], ...]
    crops: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The quality of a project's ratings; NaN stands for what is not defined.

    Attributes:
        title: of the project.
        made: when, ISO 8601.
        options: how it was made.
        photographs: figures of each.
        broken: files that are no photographs, with the reason.
        crops: that can be graded.
        rated: how many have a grade that counts.
        imported: how many have none, but a MOS that they were imported with.
        grades: how many count, on first showing.
        repeats: hidden repeats among the counted raters' grades, which no figure of agreement contains.
        grades_per_crop: least, median and most over the rated crops; ``None`` if there is none.
        by_grade: share of each grade from 1 to 5.
        mos: distribution of the MOS, own or imported.
        deviation: distribution over the crops with two or more grades.
        over_one: how many of these crops have a deviation over 1.
        over_one_share: the same as a share.
        icc: agreement of the raters that count.
        alpha: Krippendorff's.
        bounds: confidence bounds of both.
        raters: every rater, in the order of their coming.
        pairs: agreement of the counted raters, two by two.
        disagreed: the crops with the largest deviation.
    """

    title: str
    made: str
    options: ReportOptions
    photographs: tuple[PhotographFigures, ...]
    broken: Mapping[str, str]
    crops: int
    rated: int
    imported: int
    grades: int
    repeats: int
    grades_per_crop: tuple[int, float, int] | None
    by_grade: tuple[float, ...]
    mos: Histogram
    deviation: Histogram
    over_one: int
    over_one_share: float
    icc: Icc
    alpha: float
    bounds: AgreementBounds
    raters: tuple[RaterReport, ...]
    pairs: PairAgreement
    disagreed: tuple[DisagreedCrop, ...]

    @property
    def rules(self) -> dict[str, str]:
        """The rule of every figure, a sentence each."""
        return rules_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be said yet, and why."""
        return notes_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``None`` for what is not defined."""
        values: dict[str, Any] = plain(self)
        return {**values, "notes": list(self.notes), "how": self.rules}


def report_ratings(
    store: Store, options: ReportOptions | None = None, *, advance: Callable[[], None] = lambda: None
) -> Report:
    """Measure a project of ratings as it is now.

    Args:
        store: the project.
        options: how; by default the usual ones.
        advance: called when the grades are read, and again when they are measured.

    Raises:
        DataError: it is no project of ratings.
        RequestError: a rater to be excluded does not exist.
    """
    with store.reading():  # one state of the project, also while people rate
        table, title = read_table(store), project_of(store).title
        seconds, not_read = seconds_spent(store), broken(store)
    advance()
    report = make_report(
        table,
        options or ReportOptions(),
        title=title,
        made=now(),
        seconds=seconds,
        not_read=not_read,
    )
    advance()
    return report


def make_report(
    table: RatingTable,
    options: ReportOptions,
    *,
    title: str = "",
    made: str = "",
    seconds: Mapping[int, float] | None = None,
    not_read: Mapping[str, str] | None = None,
) -> Report:
    """Measure the ratings of a table.

    Args:
        table: all grades.
        options: how.
        title: of the project.
        made: when.
        seconds: time at work of raters, by their number.
        not_read: files that are no photographs, with the reason.

    Raises:
        RequestError: a rater to be excluded does not exist.
    """
    spent = np.array([(seconds or {}).get(rater.id, np.nan) for rater in table.raters], dtype=np.float64)
    people, counted = _measured(table, options, spent)
    grades = table.grades()[:, counted]
    own = mean_opinion_scores(grades)
    mos = np.where(np.isnan(own), table.imported_mos, own)
    spread = deviations(grades, options.ddof)
    per_crop = (~np.isnan(grades)).sum(axis=1)
    rated = per_crop[per_crop > 0]
    by_grade = np.array([(grades == value).sum() for value in range(1, 6)])
    judged = spread[~np.isnan(spread)]
    over = is_over_one(judged)
    return Report(
        title=title,
        made=made,
        options=options,
        photographs=photograph_figures(table, per_crop, mos, spread),
        broken=dict(not_read or {}),
        crops=len(table.crop_ids),
        rated=len(rated),
        imported=int((np.isnan(own) & ~np.isnan(mos)).sum()),
        grades=int(per_crop.sum()),
        repeats=int((table.given.is_repeat & counted[table.given.rater]).sum()),
        grades_per_crop=(
            (int(rated.min()), float(np.median(rated)), int(rated.max())) if len(rated) else None
        ),
        by_grade=tuple((by_grade / max(by_grade.sum(), 1)).tolist()),
        mos=mos_histogram(mos),
        deviation=deviation_histogram(spread),
        over_one=int(over.sum()),
        over_one_share=float(over.mean()) if len(judged) else np.nan,
        icc=icc(grades),
        alpha=krippendorff_alpha(grades, options.level),
        bounds=agreement_bounds(
            grades,
            table.photograph_of,
            level=options.level,
            confidence=options.confidence,
            samples=options.samples,
            seed=options.seed,
        ),
        raters=people,
        pairs=_pairs(grades, [one.figures.name for one in people if one.excluded is None]),
        disagreed=most_disagreed(table, grades, own, spread),
    )


def _measured(
    table: RatingTable, options: ReportOptions, spent: FloatArray
) -> tuple[tuple[RaterReport, ...], NDArray[np.bool_]]:
    """Every rater, and whose grades count, shape (R,)."""
    reasons = [
        None if rater.excluded is None else f"In the project: {rater.excluded}" for rater in table.raters
    ]
    places = {name_key(rater.name): place for place, rater in enumerate(table.raters)}
    for name in options.exclude:
        place = places.get(name_key(name))
        if place is None:
            raise RequestError(f"There is no rater '{name}' to exclude.")
        reasons[place] = reasons[place] or "On request, for this report."
    figures, flags, counted = _judged(table, options, spent, reasons)
    if options.exclude_flagged:
        for one in np.flatnonzero(counted).tolist():
            if flags[one]:
                reasons[one] = "Flagged. " + " ".join(flag.reason for flag in flags[one])
        figures, flags, counted = _judged(table, options, spent, reasons)
    return tuple(RaterReport(*one) for one in zip(figures, flags, reasons, strict=True)), counted


def _judged(
    table: RatingTable, options: ReportOptions, spent: FloatArray, reasons: list[str | None]
) -> tuple[tuple[RaterFigures, ...], tuple[tuple[Flag, ...], ...], NDArray[np.bool_]]:
    counted = np.array([reason is None for reason in reasons], dtype=np.bool_)
    figures = rater_figures(table, counted, seconds=spent, fast_ms=options.rules.fast_ms)
    return figures, flags_of(table, figures, counted, options.rules), counted


def _pairs(grades: FloatArray, names: list[str]) -> PairAgreement:
    number = (~np.isnan(grades)).sum(axis=0)
    chosen = np.sort(np.argsort(-number, kind="stable")[:MOST_IN_MATRIX])
    chosen = chosen[number[chosen] > 0]
    counts = pair_counts(grades[:, chosen])
    srcc, crops = srcc_of_counts(counts).tolist(), counts.sum(axis=(-2, -1)).tolist()
    return PairAgreement(
        tuple(names[place] for place in chosen), tuple(map(tuple, srcc)), tuple(map(tuple, crops))
    )
