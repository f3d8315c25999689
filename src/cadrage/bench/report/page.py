"""A report as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from cadrage import __version__
from cadrage.bench.protocols import Metric
from cadrage.bench.report.gallery import Exhibit, Gallery, Outline, galleries_of, small_jpeg
from cadrage.bench.report.markdown import PLAIN, sentences_of
from cadrage.bench.report.plots import Plot, plots_of
from cadrage.bench.report.tables import Row, Table, accuracy_metrics, cost_text, p_text
from cadrage.bench.unreliable import CounterExample, Unreliability

MISSING = "&ndash;"


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
    legend = "".join(
        f'<li><i class="c{number}"></i>{escape(name)}</li>'
        for number, name in enumerate(plot.legend, start=1)
    )
    shown = f'<ul class="legend">{legend}</ul>' if legend else ""
    return (
        f'<figure class="panel">{plot.drawing}{shown}<figcaption><strong>{escape(plot.title)}</strong>'
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
    named = {
        outline.series: outline.name
        for exhibit in gallery.exhibits
        for outline in exhibit.outlines
        if outline.series
    }
    legend = "".join(
        f'<li class="c{rank}"><i></i>{escape(name)}</li>' for rank, name in sorted(named.items())
    )
    return (
        f'<h3>{escape(gallery.title)}</h3>\n<div class="gallery">\n{cards}</div>\n'
        f'<ul class="legend">{legend}</ul>\n<p class="rule">{escape(gallery.about)}</p>\n'
    )


def _exhibit(exhibit: Exhibit) -> str:
    jpeg = small_jpeg(exhibit.picture)
    shown = "<p>The picture is not at hand.</p>"
    if jpeg is not None:
        data = base64.b64encode(jpeg).decode()
        width, height = exhibit.size_wh
        boxes = "".join(_outline(outline) for outline in exhibit.outlines)
        shown = (
            f'<div class="picture"><img alt="{escape(exhibit.name)}" src="data:image/jpeg;base64,{data}">'
            f'<svg viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" aria-hidden="true">{boxes}</svg>'
            "</div>"
        )
    return (
        f'<article class="exhibit panel">{shown}<div><strong>{escape(exhibit.name)}</strong>'
        f"{escape(exhibit.caption)}</div></article>\n"
    )


def _outline(outline: Outline) -> str:
    x1, y1, x2, y2 = outline.box_xyxy
    place = f'x="{x1:g}" y="{y1:g}" width="{x2 - x1:g}" height="{y2 - y1:g}"'
    kind = "people" if not outline.series else f"c{outline.series}"
    return f'<rect class="under" {place}/><rect class="{kind}" {place}><title>{escape(outline.name)}</title></rect>'


def _origins(table: Table) -> str:
    body = ""
    for row in table.rows:
        origin = row.cell.origin
        versions = ", ".join(f"{name} {number}" for name, number in origin.versions.items())
        body += (
            f'<tr><th scope="row">{escape(row.label)}</th><td>{escape(row.cell.version)}</td>'
            f'<td class="wrap"><code>{escape(origin.command)}</code></td>'
            f'<td>{escape(origin.made[:16].replace("T", " "))}</td><td class="wrap">{escape(versions)}</td></tr>\n'
        )
    head = _head(["Method", "Version", "Command", "Made (UTC)", "With"])
    return (
        "<details><summary>How each row was made</summary>"
        f"{_scroll(f'<table>{head}<tbody>{body}</tbody></table>', ' origins')}</details>\n"
    )


def _iou_section(found: Unreliability) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences_of(found))
    body = ""
    for one in found.bins:
        cells = (MISSING,) * 2
        if one.mos is not None:
            mean, low, high = one.mos
            cells = (f"{mean:.2f}", f"{low:.2f} to {high:.2f}")
        shown = "".join(f"<td>{cell}</td>" for cell in (f"{one.crops:,}", *cells))
        body += f'<tr><th scope="row">{one.low:g} to {one.high:g}</th>{shown}</tr>\n'
    head = _head(["IoU with the best crop", "Crops", "Mean MOS", "80 % of them"])
    cards = "".join(_exhibit(_counter_exhibit(example)) for example in found.examples)
    ground = f"{found.ground.data_set}, {found.ground.release} release, split {found.ground.split}"
    return (
        f"<section>\n<h2>How reliable IoU is: {escape(ground)}</h2>\n{sentences}"
        f"{_scroll(f'<table>{head}<tbody>{body}</tbody></table>')}"
        f'<h3>Counter-examples</h3>\n<div class="gallery">\n{cards}</div>\n'
        '<ul class="legend"><li class="c2"><i></i>overlaps the best crop much, rated low</li>'
        '<li class="c3"><i></i>overlaps it little, rated high</li></ul>\n'
        '<p class="rule">Dashed: the best rated crop. One pair of crops an image, with the largest product of the '
        "differences in IoU and in MOS.</p>\n</section>\n"
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
