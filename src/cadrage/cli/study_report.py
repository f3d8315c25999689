"""What ``cadrage study report`` prints for people."""

from __future__ import annotations

from cadrage.annotation.study.report import DescribedMethod, Preferences, StudyReport
from cadrage.annotation.study.sentences import (
    chi_square_words,
    headline,
    percent_range,
    position_sentence,
    range_of,
)
from cadrage.cli.console import Rows


def print_report(report: StudyReport) -> None:
    """Print a report: who took part, the results, and what to beware of."""
    print(f"{report.title}: {headline(report)}")
    for voter in report.excluded:
        print(f"excluded: {voter.name} with {voter.answers} answers: {voter.excluded}")
    if report.preferences is not None and report.preferences.votes:
        _print_preferences(report.preferences)
    if report.described is not None:
        _print_described(report, report.described)
    for remark in report.remarks:
        print(f"beware: {remark}")


def _print_preferences(found: Preferences) -> None:
    rows = Rows(
        "", "method", "votes", "share %", "Wilson", "by voter", "by photograph", "strength", "by voter"
    )
    for one in found.by_rank:
        rows.add(
            str(one.rank),
            one.method,
            str(one.votes),
            f"{100 * one.share:.2f}",
            percent_range(one.wilson),
            percent_range(one.by_voter),
            percent_range(one.by_photograph),
            f"{one.strength:+.2f}",
            range_of(one.strength_by_voter),
        )
    rows.finish()
    print(f"Equal preference: {chi_square_words(found.even, found.votes)}.")
    print(position_sentence(found))


def _print_described(report: StudyReport, described: tuple[DescribedMethod, ...]) -> None:
    rows = Rows("method", "descriptions", "photographs", "words")
    for one in described:
        words = "" if one.words is None else f"{one.words:.1f}"
        rows.add(one.method, str(one.descriptions), str(one.photographs), words)
    rows.finish()
    print(f"Captions: of {report.captioned} of {report.photographs} photographs.")
