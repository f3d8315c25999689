"""What reports of studies say in words, on the terminal and on a page."""

from __future__ import annotations

from cadrage.annotation.study.report import Preferences, StudyReport
from cadrage.annotation.study.shares import EvenTest, Interval

FEWEST_EXPECTED = 5
"""Votes expected of each choice, below which a chi-square test is rough."""

METHOD = (
    "Wilson's interval takes every vote for independent of the others. The bootstraps draw whole voters, or whole "
    "photographs, with replacement: they say what other people would choose, or these people on other photographs. "
    "The widest is the one to quote. A strength is a logarithm in the Bradley-Terry model, 0 on average; a choice "
    "among n counts as n - 1 comparisons that the chosen one has won, and every method is given half a vote "
    "beforehand. The chi-square test asks whether votes depend on the method at all."
)


def headline(report: StudyReport) -> str:
    """Photographs, answers and voters, in one line."""
    left = f" ({report.left_out} left out)" if report.left_out else ""
    answers = sum(voter.answers for voter in report.counted)
    what = "vote" if report.question == "preference" else "description"
    finished = sum(voter.answers == report.photographs for voter in report.counted)
    people = _counted(len(report.counted), "voter")
    some = "" if finished == len(report.counted) else f", {finished} of whom finished"
    return f"{_counted(report.photographs, 'photograph')}{left}, {_counted(answers, what)} by {people}{some}"


def chi_square_words(test: EvenTest, votes: int) -> str:
    """A test's figures."""
    if test.p is None:
        return "no votes"
    rough = ", rough with so few votes" if votes / (test.freedom + 1) < FEWEST_EXPECTED else ""
    shown = "< 0.0001" if test.p < 0.0001 else f"= {test.p:.4f}"
    degrees = f"{test.freedom} degree{'' if test.freedom == 1 else 's'} of freedom"
    return f"chi-square {test.chi_square:.2f}, {degrees}, p {shown}{rough}"


def position_sentence(found: Preferences) -> str:
    """How often each place was chosen, and whether that is equally often."""
    places = ", ".join(f"{one.position}: {100 * one.share:.1f} %" for one in found.positions)
    return f"By place on the page: {places}; {chi_square_words(found.even_positions, found.votes)}."


def percent_range(interval: Interval | None) -> str:
    """An interval of shares in percent; nothing where there is none."""
    return "" if interval is None else f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def range_of(interval: Interval | None) -> str:
    """An interval of strengths; nothing where there is none."""
    return "" if interval is None else f"{interval.low:+.2f} to {interval.high:+.2f}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
