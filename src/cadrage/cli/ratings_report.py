"""``cadrage ratings report`` and ``pilot``: how far ratings can be trusted, and which grid to rate."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadrage.cli.console import Progress, Rows
from cadrage.cli.grids import grid_fields

if TYPE_CHECKING:
    from cadrage.annotation.quality.agreement import Bounds
    from cadrage.annotation.quality.distributions import Histogram
    from cadrage.annotation.quality.pilot import GridRow
    from cadrage.annotation.quality.report import RaterReport, Report

SHOWN_PHOTOGRAPHS = 5
"""How many of the photographs with the largest deviation are printed."""


def report(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file of rated crops.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with plots and pictures.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Rater who does not count in this report; may be repeated."),
    ] = None,
    exclude_flagged: Annotated[
        bool, typer.Option("--exclude-flagged", help="Flagged raters do not count in this report.")
    ] = False,
    ddof: Annotated[
        int,
        typer.Option(
            min=0, max=1, help="Deviations: squares divided by n (0, as it seems in the paper) or n - 1 (1)."
        ),
    ] = 0,
    level: Annotated[
        str, typer.Option(help="Krippendorff's alpha: ordinal, interval or nominal.")
    ] = "ordinal",
    samples: Annotated[int, typer.Option(min=1, help="Resamples of photographs for the bounds.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of these draws.")] = 0,
    outlier: Annotated[float, typer.Option(help="Robust z-score from which on a rater is an outlier.")] = 3.5,
    fast_ms: Annotated[float, typer.Option(help="Milliseconds under which a grade is fast.")] = 500.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with every photograph.")
    ] = False,
) -> None:
    """Print how far the raters agree, and who stands out.

    Distributions of the MOS and of the deviation with the bins of the GAIC paper; ICC(2,1), ICC(2,k) and
    Krippendorff's alpha with 95 % bounds; each rater's bias, spread, agreement with the others and with their own
    hidden repeats, speed. Outliers and careless work are flagged. Flagged raters count unless you exclude them, and
    all who do not count are listed with the reason. The page says the rule of every figure; so does JSON.

    \b
      cadrage ratings report photographs/ratings.cadrage
      cadrage ratings report photographs/ratings.cadrage --html report.html
      cadrage ratings report photographs/ratings.cadrage --exclude Ben --exclude-flagged --json
    """
    from cadrage.annotation.page_file import check_page  # noqa: PLC0415
    from cadrage.annotation.quality.flags import FlagRules  # noqa: PLC0415
    from cadrage.annotation.quality.page import write_page  # noqa: PLC0415
    from cadrage.annotation.quality.report import ReportOptions, report_ratings  # noqa: PLC0415
    from cadrage.annotation.store import Store  # noqa: PLC0415

    if html is not None:
        check_page(html)
    options = ReportOptions(
        exclude=tuple(exclude or ()),
        exclude_flagged=exclude_flagged,
        ddof=ddof,
        level=level,  # type: ignore[arg-type]  # which refuses any other word
        samples=samples,
        seed=seed,
        rules=FlagRules(outlier=outlier, fast_ms=fast_ms),
    )
    with Store.open(project) as store, Progress("measuring", 3) as progress:
        made = report_ratings(store, options, advance=progress.advance)
        if html is not None:
            write_page(made, store, html)
    if as_json:
        print(json.dumps(made.to_dict(), ensure_ascii=False))
        return
    _show(made)
    if html is not None:
        print(f"Wrote {html}")


def _show(made: Report) -> None:
    from cadrage.annotation.quality.sentences import overview_of  # noqa: PLC0415

    print(f"{made.title}: {', '.join(overview_of(made))}")
    for note in made.notes:
        print(note)
    if made.mos.values:
        imported = f", {made.imported:,} of them imported" if made.imported else ""
        print(f"\nMOS of {made.mos.values:,} crops{imported}: {_about(made.mos)}")
        _show_histogram("MOS", made.mos)
    if made.deviation.values:
        print(
            f"\nDeviation of {made.deviation.values:,} crops (ddof {made.options.ddof}): {_about(made.deviation)}"
        )
        print(f"over 1: {made.over_one:,} crops, {_percent(made.over_one_share)}")
        _show_histogram("deviation", made.deviation)
    if not math.isnan(made.alpha):
        _show_agreement(made)
    if any(one.figures.grades for one in made.raters):
        _show_raters(made.raters, made.options.rules.fast_ms)
    if made.deviation.values:
        _show_photographs(made)


def _show_histogram(what: str, histogram: Histogram) -> None:
    rows = Rows(what, "crops", "share")
    bins = zip(histogram.edges, histogram.edges[1:], histogram.counts, histogram.shares, strict=False)
    for low, high, count, share in bins:
        rows.add(f"{low:.2f} to {high:.2f}", f"{count:,}", _percent(share))
    rows.finish()


def _show_agreement(made: Report) -> None:
    found, bounds = made.icc, made.bounds
    print(
        f"\nAgreement of {found.raters} raters on {found.crops:,} crops, all of them on {found.complete_crops:,}; "
        f"{100 * made.options.confidence:g} % bounds by bootstrap over {bounds.photographs:,} photographs"
    )
    rows = Rows("", "value", "from", "to")
    rows.add("ICC(2,1), one grade", _number(found.single, 4), *_bounds(bounds.single))
    rows.add(f"ICC(2,k), the MOS; k = {found.k:.2f}", _number(found.average, 4), *_bounds(bounds.average))
    rows.add(f"Krippendorff's alpha, {made.options.level}", _number(made.alpha, 4), *_bounds(bounds.alpha))
    rows.finish()


def _show_raters(raters: tuple[RaterReport, ...], fast_ms: float) -> None:
    print("\nRaters, beside the mean of the others that count")
    rows = Rows(
        "rater", "grades", "bias", "spread", "SRCC", "in photographs", "repeats", "equal", "kappa", "seconds",
        f"under {fast_ms:g} ms", "longest run", "commonest", "",
    )  # fmt: skip
    for one in raters:
        figures = one.figures
        commonest = (
            "" if figures.commonest is None else f"{figures.commonest}: {_percent(figures.commonest_share)}"
        )
        state = "excluded" if one.excluded is not None else "flagged" if one.flags else ""
        rows.add(
            figures.name,
            f"{figures.grades:,}",
            _number(figures.bias, sign=True),
            _number(figures.spread),
            _number(figures.srcc, 3),
            _number(figures.photograph_srcc, 3),
            f"{figures.repeats:,}",
            _percent(figures.equal_repeats),
            _number(figures.repeat_kappa),
            _number(figures.milliseconds / 1000),
            _percent(figures.fast_share),
            str(figures.longest_run),
            commonest,
            state,
        )
    rows.finish()
    for one in raters:
        if one.excluded is not None:
            print(f"excluded: {one.figures.name}. {one.excluded}")
        elif one.flags:
            print(f"flagged: {one.figures.name}. {' '.join(flag.reason for flag in one.flags)}")


def _show_photographs(made: Report) -> None:
    judged = [one for one in made.photographs if not math.isnan(one.deviation)]
    print("\nPhotographs that raters see most differently")
    rows = Rows("photograph", "crops rated", "MOS", "deviation", "over 1")
    for one in sorted(judged, key=lambda one: -one.deviation)[:SHOWN_PHOTOGRAPHS]:
        rows.add(one.name, f"{one.rated:,}", _number(one.mos), _number(one.deviation), _percent(one.over_one))
    rows.finish()


def pilot(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Project file, rated on a fine grid.")],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MxN/mxn",
            help="Grid, such as 12x12/4x4; may be repeated [the nine of the GAIC paper's table].",
        ),
    ] = None,
    min_area: Annotated[float, typer.Option(help="Smallest candidate, as a share of the frame.")] = 0.5,
    min_aspect: Annotated[float, typer.Option(help="Smallest width / height.")] = 0.5,
    max_aspect: Annotated[float, typer.Option(help="Largest width / height.")] = 2.0,
    min_iou: Annotated[
        float, typer.Option(help="Overlap that a rated crop needs to speak for a candidate.")
    ] = 0.85,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare grids: how many candidates each has, and how good they are.

    As in the pilot by which the authors of GAIC chose 12 x 12 bins (TPAMI 2020, table 2): the mean number of
    candidates per photograph, and of those with a MOS in each interval. A candidate takes the MOS of the rated crop
    that it overlaps most; the overlaps are printed as IoU, and candidates below --min-iou are counted as unmatched,
    not guessed. Rate a project on a grid at least as fine as those that you compare.

    \b
      cadrage ratings pilot photographs/ratings.cadrage
      cadrage ratings pilot photographs/ratings.cadrage --grid 12x12/4x4 --grid 10x16/3x5 --json
    """
    from cadrage.annotation.quality.pilot import PAPER_GRIDS, rated_frames  # noqa: PLC0415
    from cadrage.annotation.quality.pilot import pilot as compare  # noqa: PLC0415
    from cadrage.annotation.quality.plain import plain  # noqa: PLC0415
    from cadrage.annotation.quality.table import read_table  # noqa: PLC0415
    from cadrage.annotation.store import Store  # noqa: PLC0415
    from cadrage.candidates import GridSpec  # noqa: PLC0415

    texts = grid or [f"{bins}x{bins}/{corner}x{corner}" for bins, corner in PAPER_GRIDS]
    limits: dict[str, Any] = {"min_area": min_area, "min_aspect": min_aspect, "max_aspect": max_aspect}
    grids = [GridSpec(**{**limits, **grid_fields(text)}) for text in texts]
    with Store.open(project) as store:
        frames = rated_frames(read_table(store))
    with Progress("comparing", len(grids)) as progress:
        rows = compare(frames, grids, least_iou=min_iou, advance=progress.advance)
    if as_json:
        print(json.dumps({"rows": [{"name": row.name, **plain(row)} for row in rows]}))
    else:
        _show_pilot(rows)


def _show_pilot(found: list[GridRow]) -> None:
    from cadrage.annotation.quality.pilot import INTERVALS  # noqa: PLC0415

    first = found[0]
    print(
        f"{first.photographs:,} rated photographs; candidates of {first.grid.min_area:g} of the frame or more, "
        f"width / height {first.grid.min_aspect:g} to {first.grid.max_aspect:g}"
    )
    print("MOS: candidates per photograph, and share of the matched ones")
    rows = Rows(
        "grid", "candidates", *INTERVALS, f"unmatched (IoU < {first.least_iou:g})", "mean IoU", "worst IoU"
    )
    for row in found:
        shares = (
            f"{number:.1f} ({_percent(share)})" if not math.isnan(share) else ""
            for number, share in zip(row.per_interval, row.shares, strict=True)
        )
        unmatched = f"{row.unmatched:.1f} ({_percent(row.unmatched / row.candidates)})"
        rows.add(
            row.name,
            f"{row.candidates:.1f}",
            *shares,
            unmatched,
            _number(row.mean_iou, 4),
            _number(row.worst_iou, 4),
        )
    rows.finish()


def _about(histogram: Histogram) -> str:
    return f"mean {_number(histogram.mean, 4)}, standard deviation {_number(histogram.deviation, 4)}"


def _number(value: float, digits: int = 2, *, sign: bool = False) -> str:
    if math.isnan(value):
        return ""
    return f"{round(value, digits) + 0.0:{'+' if sign else ''}.{digits}f}"  # + 0.0: no minus before a zero


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.2f} %"


def _bounds(bounds: Bounds) -> tuple[str, str]:
    return _number(bounds.low, 4), _number(bounds.high, 4)
