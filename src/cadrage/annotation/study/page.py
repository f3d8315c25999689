"""The report of a study as one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from cadrage import __version__
from cadrage.annotation.page_file import save_page
from cadrage.annotation.store import now
from cadrage.annotation.study.report import DescribedMethod, MethodResult, Preferences, StudyReport
from cadrage.annotation.study.sentences import (
    METHOD,
    chi_square_words,
    headline,
    percent_range,
    position_sentence,
    range_of,
)
from cadrage.annotation.study.shares import Interval

WIDTH, ROW, NAMES, MARGIN = 720, 46, 170, 30
"""Of the plot: width, height of a method's row, room for names and for the axis, in its own units."""


def write_page(report: StudyReport, target: Path) -> None:
    """Write a report as a page.

    Raises:
        DataError: the file cannot be written.
        RequestError: its name does not end in .html.
    """
    save_page(page_of(report), target)


def page_of(report: StudyReport) -> str:
    """The page as text."""
    style = (files("cadrage.annotation.quality") / "page.css").read_text(encoding="utf-8")
    title = escape(report.title)
    sections = [_head(report)]
    if report.preferences is not None and report.preferences.votes:
        sections += [
            _shares(report.preferences),
            _ranking(report.preferences),
            _positions(report.preferences),
        ]
    if report.described is not None:
        sections.append(_described(report.described))
    sections.append(_voters(report))
    if report.preferences is not None:
        sections.append(
            f'<section>\n<h2>How the figures are made</h2>\n<p class="rule">{escape(METHOD)}</p>\n</section>\n'
        )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: results</title>\n<style>\n{style}</style>\n</head>\n<body>\n{''.join(sections)}"
        f"<footer>Made by cadrage {__version__}, {now()[:16].replace('T', ' ')} UTC.</footer>\n</body>\n</html>\n"
    )


def _head(report: StudyReport) -> str:
    asked = (
        "Which output do you like the most?"
        if report.question == "preference"
        else "What does this picture show?"
    )
    notes = "".join(f'<p class="note">{escape(remark)}</p>\n' for remark in report.remarks)
    return (
        f'<header>\n<p class="kicker">{asked}</p>\n<h1>{escape(report.title)}</h1>\n'
        f'<p class="sub">{escape(headline(report))}</p>\n{notes}</header>\n'
    )


def _shares(found: Preferences) -> str:
    return (
        f'<section>\n<h2>Shares of the votes</h2>\n<figure class="panel">{shares_svg(found.by_rank)}<figcaption>'
        "Lines, from the top: 95 % intervals by Wilson, by the bootstrap over voters, by that over photographs. "
        "The broken line is equal preference.</figcaption></figure>\n"
        f'<p class="rule">Equal preference: {escape(chi_square_words(found.even, found.votes))}.</p>\n</section>\n'
    )


def shares_svg(results: Sequence[MethodResult]) -> str:
    """Each method's share with its three intervals, above an axis of percents."""
    tops = [one.share for one in results]
    tops += [interval.high for one in results for interval in _intervals(one)]
    most = min(1.0, max(tops) * 1.08)
    step = next(step for step in (0.05, 0.1, 0.2) if most / step <= 8)
    height = ROW * len(results) + MARGIN

    def x(share: float) -> float:
        return NAMES + (WIDTH - NAMES - 20) * share / most

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Shares of the votes with intervals">'
    ]
    for mark in range(int(most / step) + 1):
        at = x(mark * step)
        parts.append(f'<path d="M{at:.1f} 4V{height - MARGIN + 6}" stroke="var(--line)"/>')
        parts.append(_text(at, height - 6, f"{100 * mark * step:.0f} %", "middle"))
    even = x(1 / len(results))
    parts.append(
        f'<path d="M{even:.1f} 4V{height - MARGIN + 6}" stroke="var(--text-soft)" stroke-dasharray="5 4"/>'
    )
    for row, one in enumerate(results):
        middle = ROW * row + ROW / 2 + 2
        name = one.method if len(one.method) <= 20 else f"{one.method[:19]}…"
        parts.append(_text(NAMES - 12, middle + 5, name, "end", "var(--text)"))
        for line, interval in enumerate(_intervals(one)):
            y = middle + 8 * (line - 1)
            parts.append(
                f'<path d="M{x(interval.low):.1f} {y}H{x(interval.high):.1f}" stroke="var(--bar)" stroke-width="4" '
                f'stroke-linecap="round" opacity="{(1, 0.7, 0.45)[line]}"/>'
            )
        parts.append(f'<circle cx="{x(one.share):.1f}" cy="{middle}" r="5" fill="var(--text)"/>')
    return "".join(parts) + "</svg>"


def _intervals(one: MethodResult) -> list[Interval]:
    return [interval for interval in (one.wilson, one.by_voter, one.by_photograph) if interval is not None]


def _text(x: float, y: float, text: str, anchor: str, colour: str = "var(--text-soft)") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="13"'
    return f"<text {place}>{escape(text)}</text>"


def _ranking(found: Preferences) -> str:
    head = (
        "Method", "Rank", "Votes", "Share", "Wilson", "over voters", "over photographs", "Strength", "over voters",
        "over photographs",
    )  # fmt: skip
    rows = [
        (
            one.method,
            str(one.rank),
            f"{one.votes:,}",
            f"{100 * one.share:.2f} %",
            percent_range(one.wilson),
            percent_range(one.by_voter),
            percent_range(one.by_photograph),
            f"{one.strength:+.2f}",
            range_of(one.strength_by_voter),
            range_of(one.strength_by_photograph),
        )
        for one in found.by_rank
    ]
    order = [found.methods.index(one) for one in found.by_rank]
    names = [found.methods[place].method for place in order]
    pairs = [
        (found.methods[row].method, *(_preferred(found, row, column) for column in order)) for row in order
    ]
    return (
        f"<section>\n<h2>Ranking</h2>\n{_table(head, rows)}</section>\n"
        f"<section>\n<h2>How often the method of a row is preferred to that of a column</h2>\n"
        f"{_table(('', *names), pairs)}"
        '<p class="rule">By the Bradley-Terry model.</p>\n</section>\n'
    )


def _preferred(found: Preferences, row: int, column: int) -> str:
    return "" if row == column else f"{100 * found.preferred[row][column]:.0f} %"


def _positions(found: Preferences) -> str:
    rows = [
        (f"Place {one.position}", f"{one.votes:,}", f"{100 * one.share:.2f} %", percent_range(one.wilson))
        for one in found.positions
    ]
    return (
        f"<section>\n<h2>Places on the page</h2>\n{_table(('', 'Votes', 'Share', 'Wilson'), rows)}"
        f'<p class="rule">{escape(position_sentence(found))}</p>\n</section>\n'
    )


def _described(described: Sequence[DescribedMethod]) -> str:
    rows = [
        (
            one.method,
            f"{one.descriptions:,}",
            f"{one.photographs:,}",
            "" if one.words is None else f"{one.words:.1f}",
        )
        for one in described
    ]
    table = _table(("Method", "Descriptions", "Photographs", "Words"), rows)
    return f"<section>\n<h2>Descriptions</h2>\n{table}</section>\n"


def _voters(report: StudyReport) -> str:
    rows = [
        (
            voter.name,
            f"{voter.answers:,} of {report.photographs:,}",
            "" if voter.seconds is None else f"{voter.seconds:.1f}",
            voter.excluded or "",
        )
        for voter in report.voters
    ]
    table = _table(("Voter", "Answers", "Seconds (median)", "Excluded, since"), rows)
    return f"<section>\n<h2>Voters</h2>\n{table}</section>\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>\n'
        for row in rows
    )
    return (
        f'<div class="panel scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
        "</div>\n"
    )
