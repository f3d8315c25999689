"""A report as one HTML page that needs no other file: plots, tables, small pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from cadrage import __version__
from cadrage.annotation.page_file import save_page
from cadrage.annotation.protocol import GRADES
from cadrage.annotation.quality.agreement import Bounds
from cadrage.annotation.quality.photographs import DisagreedCrop
from cadrage.annotation.quality.plots import histogram_svg, raters_svg
from cadrage.annotation.quality.report import MOST_IN_MATRIX, RaterReport, Report
from cadrage.annotation.quality.sentences import overview_of
from cadrage.annotation.store import Store, picture

PICTURE_SIZE = (420, 300)
"""Largest width and height of the small pictures, in pixels."""

MOST_PHOTOGRAPHS = 50
"""Photographs in the page's table; JSON has all."""

MISSING = "&ndash;"


def write_page(report: Report, store: Store, target: Path) -> None:
    """Write a report as a page.

    Args:
        report: what to show.
        store: the project, for the pictures.
        target: the file to make or to replace.

    Raises:
        DataError: the file cannot be written.
        RequestError: its name does not end in .html.
        MissingExtraError: the extra ``annotate`` is not installed.
    """
    save_page(page_of(report, [crop_picture(store, crop) for crop in report.disagreed]), target)


def crop_picture(store: Store, crop: DisagreedCrop) -> bytes | None:
    """A crop as a small JPEG; ``None`` if the project has no picture of its photograph."""
    shown = picture(store, crop.photograph)
    if shown is None:
        return None
    with Image.open(BytesIO(shown)) as image:
        scale = np.tile(np.array(image.size) / crop.size_wh, 2)
        x1, y1, x2, y2 = np.rint(np.array(crop.box) * scale).astype(int).tolist()
        cut = image.crop((x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))).convert("RGB")
    cut.thumbnail(PICTURE_SIZE)
    file = BytesIO()
    cut.save(file, "JPEG", quality=80, optimize=True)
    return file.getvalue()


def page_of(report: Report, pictures: Sequence[bytes | None]) -> str:
    """The page as text.

    Args:
        report: what to show.
        pictures: JPEG of each of ``report.disagreed``, or ``None``.

    Raises:
        MissingExtraError: the extra ``annotate`` is not installed.
    """
    style = (files("cadrage.annotation.quality") / "page.css").read_text(encoding="utf-8")
    title = escape(report.title)
    sections = [_head(report)]
    if report.mos.values:
        sections.append(_distributions(report))
    if any(one.figures.grades for one in report.raters):
        sections += [_raters(report), _pairs(report)]
    if report.disagreed:
        sections.append(_disagreed(report, pictures))
    sections += [_photographs(report), _broken(report), _how(report)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: quality of the ratings</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"{''.join(sections)}<footer>Made by cadrage {__version__}, {report.made[:16].replace('T', ' ')} UTC."
        "</footer>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    facts = overview_of(report)
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in report.notes)
    bounds, per_crop = report.bounds, report.grades_per_crop
    judged = f"{report.over_one:,} of {report.deviation.values:,} crops"
    cards = [
        ("Mean MOS", number(report.mos.mean), f"standard deviation {number(report.mos.deviation)}"),
        ("Deviation over 1", percent(report.over_one_share), judged),
        ("ICC(2,1), one grade", number(report.icc.single, 3), interval(bounds.single)),
        (
            "ICC(2,k), the MOS",
            number(report.icc.average, 3),
            f"{interval(bounds.average)} k = {number(report.icc.k, 2)}",
        ),
        (
            "Krippendorff&rsquo;s alpha",
            number(report.alpha, 3),
            f"{interval(bounds.alpha)} {report.options.level}",
        ),
        (
            "Grades per crop",
            MISSING if per_crop is None else f"{per_crop[1]:g}",
            "" if per_crop is None else f"median; from {per_crop[0]} to {per_crop[2]}",
        ),
    ]
    shown = "".join(
        f'<dl class="card panel"><dt>{name}</dt><dd class="value">{value}</dd><dd class="more">{more}</dd></dl>\n'
        for name, value, more in cards
    )
    return (
        f'<header>\n<p class="kicker">Quality of the ratings</p>\n<h1>{escape(report.title)}</h1>\n'
        f'<p class="sub">{" · ".join(facts)}</p>\n{notes}</header>\n<div class="cards">\n{shown}</div>\n'
    )


def _distributions(report: Report) -> str:
    rules = report.rules
    imported = f" {report.imported:,} of the MOS were imported." if report.imported else ""
    shown = _figure(
        histogram_svg(report.mos, "Distribution of the MOS", "MOS"),
        f"MOS of {report.mos.values:,} crops",
        f"{rules['MOS']}{imported}",
    )
    if report.deviation.values:
        shown += _figure(
            histogram_svg(report.deviation, "Distribution of the deviation", "standard deviation", mark=1.0),
            f"Deviation of {report.deviation.values:,} crops; over 1: {percent(report.over_one_share)}",
            rules["Deviation"],
        )
    grades = ", ".join(
        f"{name} {percent(share)}" for name, share in zip(GRADES, report.by_grade, strict=True)
    )
    return (
        f'<section>\n<h2>Distributions</h2>\n<div class="plots">\n{shown}</div>\n'
        f'<p class="rule">Grades given: {grades}.</p>\n</section>\n'
    )


def _figure(drawing: str, title: str, rule: str) -> str:
    return (
        f'<figure class="panel">{drawing}<figcaption><strong>{escape(title)}</strong>{escape(rule)}'
        "</figcaption></figure>\n"
    )


def _raters(report: Report) -> str:
    head = (
        "Rater", "Grades", "Bias", "Spread", "relative", "SRCC", "SRCC within", "Repeats", "equal", "kappa",
        "Seconds", f"under {report.options.rules.fast_ms:g} ms", "Longest run", "Commonest",
        "Grades 1 to 5",
    )  # fmt: skip
    body = "".join(_rater_row(one) for one in report.raters)
    rules = report.rules
    rule = " ".join(rules[name] for name in ("Others", "Correlation", "Repeats", "Speed"))
    plot = ""
    if any(not np.isnan(one.figures.bias) for one in report.raters):
        title = "Bias and agreement; flagged raters in the colour of warnings, excluded ones hollow"
        plot = _figure(raters_svg(report.raters), title, rules["Others"])
    return (
        f'<section>\n<h2>Raters</h2>\n<div class="plots">\n{plot}{_people(report)}</div>\n'
        f'<div class="panel scroll" style="margin-top: 14px" tabindex="0"><table>{_row(head, "th")}<tbody>{body}'
        f'</tbody></table></div>\n<p class="rule">{escape(rule)}</p>\n</section>\n'
    )


def _people(report: Report) -> str:
    """Who stands out, and who does not count."""
    entries = ""
    for one in report.raters:
        name = escape(one.figures.name)
        if one.excluded is not None:
            entries += (
                f'<div class="excluded"><dt>{name}<span class="badge quiet">excluded</span></dt>'
                f"<dd>{escape(one.excluded)}</dd></div>\n"
            )
        elif one.flags:
            reasons = "".join(f"<dd>{escape(flag.reason)}</dd>" for flag in one.flags)
            entries += f'<div><dt>{name}<span class="badge">flagged</span></dt>{reasons}</div>\n'
    if not entries:
        return '<div><p>Nobody is flagged or excluded.</p><p class="rule">A flag is a reason to look.</p></div>\n'
    rule = "A flag is a reason to look, not a verdict: flagged raters count unless they are excluded."
    return f'<div><dl class="people">\n{entries}</dl><p class="rule">{rule}</p></div>\n'


def _rater_row(one: RaterReport) -> str:
    figures = one.figures
    badge = '<span class="badge">flagged</span>' if one.flags else ""
    if one.excluded is not None:
        badge += '<span class="badge quiet">excluded</span>'
    commonest = MISSING
    if figures.commonest is not None:
        commonest = f"<small>{figures.commonest}:</small> {percent(figures.commonest_share)}"
    cells = (
        f"{figures.grades:,}",
        number(figures.bias, sign=True),
        number(figures.spread),
        number(figures.relative_spread),
        number(figures.srcc, 3),
        number(figures.photograph_srcc, 3),
        f"{figures.repeats:,}",
        percent(figures.equal_repeats),
        number(figures.repeat_kappa),
        number(figures.milliseconds / 1000),
        percent(figures.fast_share),
        f"{figures.longest_run}",
        commonest,
        scale(figures.by_grade),
    )
    shown = "".join(f"<td>{cell}</td>" for cell in cells)
    name = escape(figures.name)
    return f'<tr><th scope="row" title="{name}">{name}{badge}</th>{shown}</tr>\n'


def scale(by_grade: Sequence[int]) -> str:
    """How often each grade was given, as a bar of five shades."""
    total = sum(by_grade)
    if not total:
        return MISSING
    words = ", ".join(f"{name} {count}" for name, count in zip(GRADES, by_grade, strict=True))
    parts = "".join(
        f'<i class="g{grade}" style="width: {100 * count / total:.2f}%"></i>'
        for grade, count in enumerate(by_grade, start=1)
    )
    return f'<div class="scale" role="img" title="{words}" aria-label="{words}">{parts}</div>'


def _pairs(report: Report) -> str:
    pairs = report.pairs
    if len(pairs.names) < 2:
        return ""
    head = ("", *(str(place) for place in range(1, len(pairs.names) + 1)))
    body = ""
    for place, name in enumerate(pairs.names):
        cells = "".join(
            _pair(value, crops, diagonal=place == other)
            for other, (value, crops) in enumerate(zip(pairs.srcc[place], pairs.crops[place], strict=True))
        )
        body += f'<tr><th scope="row">{place + 1}&ensp;{escape(name)}</th>{cells}</tr>\n'
    fewer = "" if len(pairs.names) < MOST_IN_MATRIX else f" ({MOST_IN_MATRIX} raters at most)"
    return (
        '<section>\n<h2>Agreement of every two raters</h2>\n<div class="panel scroll" tabindex="0">'
        f'<table class="matrix">{_row(head, "th")}<tbody>{body}</tbody></table></div>\n'
        f'<p class="rule">Spearman&rsquo;s correlation over the crops that both graded{fewer}; the title of a cell '
        "says how many those are.</p>\n</section>\n"
    )


def _pair(value: float, crops: int, *, diagonal: bool) -> str:
    if diagonal or np.isnan(value):
        return f'<td title="{crops:,} crops">{MISSING}</td>'
    colour = "--bar" if value >= 0 else "--alert"
    ground = f"background: color-mix(in srgb, var({colour}) {55 * abs(value):.0f}%, transparent)"
    return f'<td style="{ground}" title="{crops:,} crops">{number(value)}</td>'


def _disagreed(report: Report, pictures: Sequence[bytes | None]) -> str:
    cards = ""
    for crop, jpeg in zip(report.disagreed, pictures, strict=True):
        shown = MISSING
        if jpeg is not None:
            data = base64.b64encode(jpeg).decode()
            shown = f'<img alt="Crop of {escape(crop.name)}" src="data:image/jpeg;base64,{data}">'
        cards += (
            f'<article class="crop panel"><div class="picture">{shown}</div>{scale(crop.by_grade)}'
            f'<div class="place">{_place(crop)}<div><strong class="name" title="{escape(crop.name)}">'
            f"{escape(crop.name)}</strong>deviation {crop.deviation:.2f}<br>MOS {crop.mos:.2f}</div></div>"
            "</article>\n"
        )
    return (
        f'<section>\n<h2>Crops that raters see most differently</h2>\n<div class="crops">\n{cards}</div>\n'
        f'<p class="rule">The {len(report.disagreed)} crops with the largest deviation, at most two of a '
        "photograph. The bar is how many gave each grade, bad to excellent; the sketch is where the crop lies."
        "</p>\n</section>\n"
    )


def _place(crop: DisagreedCrop) -> str:
    """The frame as an outline, and the crop in it."""
    width, height = crop.size_wh
    x1, y1, x2, y2 = crop.box
    line = max(width, height) / 44
    return (
        f'<svg viewBox="{-line} {-line} {width + 2 * line} {height + 2 * line}" aria-hidden="true"><rect '
        f'class="part" x="{x1}" y="{y1}" width="{x2 - x1}" height="{y2 - y1}"/><rect class="frame" '
        f'width="{width}" height="{height}" stroke-width="{line}"/></svg>'
    )


def _photographs(report: Report) -> str:
    if not report.photographs:
        return ""
    ordered = sorted(report.photographs, key=lambda one: -np.nan_to_num(one.deviation, nan=-1.0))
    head = ("Photograph", "Crops", "rated", "Grades", "MOS", "best MOS", "Deviation", "over 1")
    body = "".join(
        f'<tr><th scope="row" title="{escape(one.name)}">{escape(one.name)}</th><td>{one.crops:,}</td>'
        f"<td>{one.rated:,}</td><td>{one.grades:,}</td><td>{number(one.mos)}</td><td>{number(one.best_mos)}</td>"
        f"<td>{number(one.deviation)}</td><td>{percent(one.over_one)}</td></tr>\n"
        for one in ordered[:MOST_PHOTOGRAPHS]
    )
    first = f"The first {MOST_PHOTOGRAPHS} of {len(ordered):,}. " if len(ordered) > MOST_PHOTOGRAPHS else ""
    return (
        '<section>\n<h2>Photographs</h2>\n<div class="panel scroll" tabindex="0"><table>'
        f"{_row(head, 'th')}<tbody>{body}</tbody></table></div>\n"
        f'<p class="rule">{first}By falling mean deviation of the crops with two or more grades; over 1 is the '
        "share of these with a deviation over 1.</p>\n</section>\n"
    )


def _broken(report: Report) -> str:
    if not report.broken:
        return ""
    entries = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(problem)}</dd></div>"
        for name, problem in report.broken.items()
    )
    return f'<section>\n<h2>Files left out</h2>\n<dl class="how">{entries}</dl>\n</section>\n'


def _how(report: Report) -> str:
    entries = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(rule)}</dd></div>" for name, rule in report.rules.items()
    )
    return f'<section>\n<h2>How the figures are made</h2>\n<dl class="how">{entries}</dl>\n</section>\n'


def _row(cells: Iterable[str], tag: str) -> str:
    shown = "".join(f'<{tag} scope="col">{escape(cell)}</{tag}>' for cell in cells)
    return f"<thead><tr>{shown}</tr></thead>"


def number(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A number as the page shows it; a dash for NaN."""
    if np.isnan(value):
        return MISSING
    return f"{round(value, digits) + 0.0:{'+' if sign else ''}.{digits}f}"  # + 0.0: no minus before a zero


def percent(value: float) -> str:
    """A share in percent, with two digits; a dash for NaN."""
    return MISSING if np.isnan(value) else f"{100 * value:.2f} %"


def interval(bounds: Bounds) -> str:
    """Bounds in brackets; nothing where there are none."""
    return "" if np.isnan(bounds.low) else f"[{bounds.low:.3f}, {bounds.high:.3f}]"
