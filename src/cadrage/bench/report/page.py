"""A report as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from cadrage import __version__
from cadrage.bench.protocols import Metric
from cadrage.bench.report.gallery import (
    COINCIDING,
    Exhibit,
    Gallery,
    Outline,
    apart,
    galleries_of,
    small_jpeg,
)
from cadrage.bench.report.markdown import ORIGIN, ORIGIN_PLAIN, PLAIN, sentences_of
from cadrage.bench.report.plots import Plot, plots_of
from cadrage.bench.report.tables import Row, Table, accuracy_metrics, cost_text, p_text, period_text
from cadrage.bench.unreliable import CounterExample, IouBin, Unreliability

MISSING = "&ndash;"

COUNTER_EXAMPLE = {
    2: "overlaps the best crop much, rated low",
    3: "overlaps it little, rated high",
    0: "best rated",
}
"""Whose outlines are drawn, by the number of their colour."""


def page_of(tables: Sequence[Table], unreliable: Sequence[Unreliability], made: str) -> str:
    """The page as text.

    Args:
        tables: one for each ground.
        unreliable: what ratings say about IoU, one for each rated ground.
        made: date and time in UTC, ISO 8601.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    style = "".join(
        (files(package) / name).read_text(encoding="utf-8")
        for package, name in (
            ("cadrage.annotation.quality", "page.css"),
            ("cadrage.bench.report", "bench.css"),
        )
    )
    sections = [_table_section(table, number) for number, table in enumerate(tables, start=1)] + [
        _iou_section(one) for one in unreliable
    ]
    links = "".join(
        f'<li><a href="#table-{number}">{escape(table.title)}</a></li>'
        for number, table in enumerate(tables, start=1)
    )
    contents = f'<nav><ul class="contents">{links}</ul></nav>\n' if len(tables) > 1 else ""
    methods = len({row.cell.method for table in tables for row in table.rows})
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Comparison of croppers</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<header>\n<p class="kicker">cadrage bench</p>\n<h1>Comparison of croppers</h1>\n'
        f'<p class="sub">{_count(methods, "method")} · {_count(len(tables), "table")}</p>\n{contents}</header>\n'
        f"{''.join(sections)}{_how(tables)}"
        f"<footer>Made by cadrage {__version__}, {made[:16].replace('T', ' ')} UTC.</footer>\n</body>\n</html>\n"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _table_section(table: Table, number: int) -> str:
    plots = "".join(_figure(plot) for plot in plots_of(table))
    accuracies = _accuracies(table) if table.ground.kind == "ranking" else ""
    galleries = "".join(_gallery(gallery) for gallery in galleries_of(table))
    return (
        f'<section>\n<h2 id="table-{number}">{escape(table.title)}</h2>\n{_main(table)}'
        f'<p class="rule">{escape(PLAIN)}</p>\n<div class="plots">\n{plots}</div>\n{accuracies}{galleries}'
        f"{_origins(table)}</section>\n"
    )


def _main(table: Table) -> str:
    head = ["Method", *(metric.heading for metric in table.metrics), "Cost", "p"]
    body = "".join(
        _row(
            row,
            [
                *(_interval(metric, row) for metric in table.metrics),
                cost_text(row.cell.seconds),
                p_text(row.p),
            ],
        )
        for row in table.rows
    )
    return _scroll(f"<table>{_head(head)}<tbody>{body}</tbody></table>", " leading")


def _interval(metric: Metric, row: Row) -> str:
    found = row.estimates[metric.key]
    return f"{metric.text(found.mean)}<small>{metric.text(found.low)} to {metric.text(found.high)}</small>"


def _row(row: Row, cells: Iterable[str]) -> str:
    shown = "".join(f"<td>{cell.replace('< ', '&lt; ')}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(row.label)}</th>{shown}</tr>\n'


def _head(cells: Iterable[str]) -> str:
    shown = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in cells)
    return f"<thead><tr>{shown}</tr></thead>"


def _scroll(table: str, extra: str = "") -> str:
    return f'<div class="panel scroll{extra}" tabindex="0">{table}</div>\n'


def _figure(plot: Plot) -> str:
    legend = _legend(dict(enumerate(plot.legend, start=1))) if plot.legend else ""
    return (
        f'<figure class="panel">{plot.drawing}{legend}<figcaption><strong>{escape(plot.title)}</strong>'
        f"{escape(plot.about)}</figcaption></figure>\n"
    )


def _accuracies(table: Table) -> str:
    shown = ""
    for ties, name in (
        ("credit", "Acc, crops tied with rank N count"),
        ("strict", "Acc, ties at rank N in file order"),
        ("weighted", "Acc weighted by rank, no credit for ties"),
    ):
        metrics = accuracy_metrics(ties)
        body = "".join(
            _row(row, (metric.text(row.estimates[metric.key].mean) for metric in metrics))
            for row in table.rows
        )
        head = ["Method", *(metric.label.removesuffix(" strict") for metric in metrics)]
        opened = " open" if ties == table.options.ties else ""
        shown += (
            f"<details{opened}><summary>{name}</summary>"
            f"{_scroll(f'<table>{_head(head)}<tbody>{body}</tbody></table>')}</details>\n"
        )
    return shown


def _gallery(gallery: Gallery) -> str:
    cards = "".join(_exhibit(exhibit) for exhibit in gallery.exhibits)
    outlines = [outline for exhibit in gallery.exhibits for outline in exhibit.outlines]
    return (
        f'<h3>{escape(gallery.title)}</h3>\n<div class="gallery">\n{cards}</div>\n'
        f"{_legend({outline.series: outline.name for outline in outlines})}"
        f'<p class="rule">{escape(gallery.about)}</p>\n'
    )


def _legend(names: Mapping[int, str]) -> str:
    """Names by the number of their colour, what people preferred last."""
    shown = "".join(
        f'<li class="{_colour(series)}"><i></i>{escape(name)}</li>'
        for series, name in sorted(names.items(), key=lambda one: one[0] or math.inf)
    )
    return f'<ul class="legend">{shown}</ul>\n'


def _colour(series: int) -> str:
    return f"c{series}" if series else "people"


def _exhibit(exhibit: Exhibit) -> str:
    jpeg = small_jpeg(exhibit.picture)
    shown = "<p>The picture is not at hand.</p>"
    if jpeg is not None:
        data = base64.b64encode(jpeg).decode()
        width, height = exhibit.size_wh
        boxes = _outlines(apart(exhibit.outlines, exhibit.size_wh))
        shown = (
            f'<div class="picture"><img alt="{escape(exhibit.name)}" src="data:image/jpeg;base64,{data}">'
            f'<svg viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" aria-hidden="true">{boxes}</svg>'
            "</div>"
        )
    return (
        f'<article class="exhibit panel">{shown}<div><strong>{escape(exhibit.name)}</strong>'
        f"{escape(exhibit.caption)}</div></article>\n"
    )


def _outlines(outlines: Sequence[Outline]) -> str:
    """All casings below all lines; of the lines the better rows' above the others, and people's dashes on top."""
    ordered = sorted(outlines, key=lambda one: -one.series if one.series else 1)
    casings = "".join(f'<rect class="casing" {_place(one)}/>' for one in ordered)
    lines = "".join(
        f'<rect class="{_colour(one.series)}" {_place(one)}><title>{escape(one.name)}</title></rect>'
        for one in ordered
    )
    return casings + lines


def _place(outline: Outline) -> str:
    x1, y1, x2, y2 = outline.box_xyxy
    return f'x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}"'


def _origins(table: Table) -> str:
    body = ""
    for row in table.rows:
        origin = row.cell.origin
        versions = ", ".join(f"{name} {number}" for name, number in origin.versions.items())
        body += (
            f'<tr><th scope="row">{escape(row.label)}</th><td>{escape(row.cell.version)}</td>'
            f'<td class="wrap"><code>{escape(origin.last_command)}</code></td>'
            f"<td>{escape(period_text(origin))}</td><td>{origin.threads}</td>"
            f'<td class="wrap">{escape(versions)}</td></tr>\n'
        )
    head = _head(["Method", "Version", *(name[0].upper() + name[1:] for name in ORIGIN)])
    return (
        "<details><summary>How each row was made</summary>"
        f"{_scroll(f'<table>{head}<tbody>{body}</tbody></table>', ' origins')}"
        f'<p class="rule">{escape(ORIGIN_PLAIN)}</p></details>\n'
    )


def _iou_section(found: Unreliability) -> str:
    ground = f"{found.ground.data_set}, {found.ground.release} release, split {found.ground.split}"
    sentences = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences_of(found))
    bins = _bins(found.bins) if found.bins else ""
    examples = _counter_examples(found.examples) if found.examples else ""
    return (
        f"<section>\n<h2>How reliable IoU is: {escape(ground)}</h2>\n{sentences}{bins}{examples}</section>\n"
    )


def _bins(bins: Sequence[IouBin]) -> str:
    body = ""
    for one in bins:
        cells = (MISSING,) * 2
        if one.mos is not None:
            mean, low, high = one.mos
            cells = (f"{mean:.2f}", f"{low:.2f} to {high:.2f}")
        shown = "".join(f"<td>{cell}</td>" for cell in (f"{one.crops:,}", *cells))
        body += f'<tr><th scope="row">{one.low:g} to {one.high:g}</th>{shown}</tr>\n'
    head = _head(["IoU with the best crop", "Crops", "Mean MOS", "80 % of them"])
    return _scroll(f"<table>{head}<tbody>{body}</tbody></table>")


def _counter_examples(examples: Sequence[CounterExample]) -> str:
    cards = "".join(_exhibit(_counter_exhibit(example)) for example in examples)
    return (
        f'<h3>Counter-examples</h3>\n<div class="gallery">\n{cards}</div>\n'
        f'{_legend(COUNTER_EXAMPLE)}<p class="rule">{COINCIDING} One pair of crops an image, with the largest '
        "product of the differences in IoU and in MOS.</p>\n"
    )


def _counter_exhibit(example: CounterExample) -> Exhibit:
    best, near, far = example.best, example.near, example.far
    numbers = [f"IoU {one.iou:.2f}: MOS {one.mos:.2f}." for one in (near, far)]
    caption = f"{' '.join(numbers)} Best: MOS {best.mos:.2f}."
    outlines = (
        Outline(near.box, 2, "large IoU"),
        Outline(far.box, 3, "small IoU"),
        Outline(best.box, 0, "best"),
    )
    return Exhibit(example.image, Path(example.picture), example.size_wh, outlines, caption)


def _how(tables: Sequence[Table]) -> str:
    metrics = {metric.label: metric.meaning for table in tables for metric in table.metrics}
    entries = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(meaning)}</dd></div>" for label, meaning in metrics.items()
    )
    return f'<section>\n<h2>What the figures are</h2>\n<dl class="how">{entries}</dl>\n</section>\n'
