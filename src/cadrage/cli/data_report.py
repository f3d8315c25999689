"""What ``cadrage data check`` and ``stats`` print for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cadrage.cli.console import Rows

if TYPE_CHECKING:
    from cadrage.datasets.check import Check
    from cadrage.datasets.stats import Stats


def print_check(found: Check) -> None:
    """Print what a copy holds, and what is missing."""
    unrated = f", {found.unrated} of them unrated" if found.unrated else ""
    print(f"{found.title}: {found.images} images, {found.crops} boxes{unrated} ({found.kind})")
    print(f"source: {found.source}")
    print(f"terms: {found.terms}")
    print(f"release: {found.release}")
    rows = Rows("part", "found", *(f"published, {release}" for release in found.published))
    parts = [*found.parts, *(part for counts in found.published.values() for part in counts)]
    for part in dict.fromkeys(parts):
        published = (counts.get(part) for counts in found.published.values())
        cells = ("" if count is None else str(count) for count in published)
        rows.add(part or "all", str(found.parts.get(part, 0)), *cells)
    rows.finish()
    if found.smallest_wh is not None and found.largest_wh is not None:
        print(f"pictures: {_size(found.smallest_wh)} to {_size(found.largest_wh)} pixels")
    for sentence in found.missing:
        print(f"missing: {sentence}")
    if not found.problems:
        print("no problem found in what is there" if found.missing else "no problem found")


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"


def print_stats(found: Stats, title: str) -> None:
    """Print every distribution in a line, then the single figures."""
    print(f"{title}: {found.images} images, {found.crops} boxes ({found.kind})")
    rows = Rows("", "values", "mean", "deviation", "least", "median", "greatest")
    for one in found.distributions.values():
        figures = (one.mean, one.deviation, one.smallest, one.median, one.largest)
        rows.add(one.what, str(one.values), *(f"{value:.4g}" for value in figures))
    rows.finish()
    for name, value in found.numbers.items():
        print(f"{name.replace('_', ' ')}: {_figure(value)}")


def _figure(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_figure(one)}" for key, one in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
