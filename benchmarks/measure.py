"""What the benchmarks share: contenders that take turns, comparisons, and a table or JSON of them.

Imports nothing but the standard library: ``start.py`` must stay small, see there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """Samples of cadrage and of a peer, taken in the same run.

    Attributes:
        what: the task.
        unit: of all samples; less is better.
        ours: samples of cadrage, in the order they were taken.
        peer: who else did the task, or what the figure is held against.
        theirs: its samples.
        least_ratio: goal for the ratio of medians, peer to cadrage.
        limit: goal for our median, in ``unit``.
    """

    what: str
    unit: str
    ours: tuple[float, ...]
    peer: str
    theirs: tuple[float, ...]
    least_ratio: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """Median of the peer by median of cadrage: above 1, cadrage needs less."""
        return statistics.median(self.theirs) / statistics.median(self.ours)

    @property
    def ratio_of_best(self) -> float:
        """Least of the peer by least of cadrage, which other work on the machine disturbs least."""
        return min(self.theirs) / min(self.ours)

    @property
    def verdict(self) -> str:
        """The goal, and whether the medians reach it."""
        if self.least_ratio is not None:
            return f"{self.least_ratio:g}x or more: {_yes(self.ratio >= self.least_ratio)}"
        if self.limit is not None:
            return f"under {self.limit:g} {self.unit}: {_yes(statistics.median(self.ours) < self.limit)}"
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the samples included."""
        return asdict(self) | {
            "ratio": self.ratio,
            "ratio_of_best": self.ratio_of_best,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command took: wall and processor time in seconds, memory of its largest process in MB."""

    wall: float
    processor: float
    peak_mb: float


def run(command: Sequence[str | Path]) -> Ran:
    """Run a command to its end.

    Raises:
        SystemExit: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed with exit code {process.returncode}.")
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def take_turns(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int, repeats: int
) -> dict[str, tuple[float, ...]]:
    """Time functions by turns, so that whatever else the machine does meets all of them.

    Every turn begins with a call that is not timed: it brings caches and thread pools back to the contender.
    Every other round goes in reverse order.

    Args:
        contenders: functions by name; what they return is dropped.
        rounds: turns of each.
        repeats: timed calls in a turn.

    Returns:
        For each name ``rounds * repeats`` durations in milliseconds.
    """
    durations: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(rounds):
        for name in order:
            contenders[name]()
            for _ in range(repeats):
                start = time.perf_counter()
                contenders[name]()
                durations[name].append((time.perf_counter() - start) * 1e3)
        order.reverse()
    return {name: tuple(values) for name, values in durations.items()}


def usable_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """A command line with what every benchmark understands.

    Args:
        description: docstring of the benchmark; its first line is shown.
        rounds: default number of rounds.
    """
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("--rounds", type=int, default=rounds, help="turns of each contender [%(default)s]")
    made.add_argument("--model", help="a model other than the default: a name or a folder")
    made.add_argument("--json", action="store_true", help="print JSON with every sample instead of a table")
    return made


def report(title: str, comparisons: Sequence[Comparison], *, packages: Sequence[str], as_json: bool) -> None:
    """Print what was measured, and on what.

    Args:
        title: of the benchmark.
        comparisons: its results.
        packages: distributions whose versions matter.
        as_json: one line of JSON instead of a table.
    """
    machine, versions = _machine(), {name: version(name) for name in packages}
    if as_json:
        about = {"title": title, "machine": machine, "versions": versions}
        print(json.dumps(about | {"comparisons": [one.to_dict() for one in comparisons]}))
        return
    print(title, machine, ", ".join(f"{name} {number}" for name, number in versions.items()), sep="\n")
    print(f"\n{_table(comparisons)}\n", flush=True)


def _table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table, padded so that it reads well on a terminal too."""
    header = ["task", "cadrage, median (least)", "peer", "peer, median (least)", "ratio (of least)", "goal"]
    rows = [header, ["---"] * len(header)]
    for one in comparisons:
        ratio = f"{one.ratio:.2f} ({one.ratio_of_best:.2f})"
        ours, theirs = (_figures(samples, one.unit) for samples in (one.ours, one.theirs))
        rows.append([one.what, ours, one.peer, theirs, ratio, one.verdict])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows[1] = ["-" * width for width in widths]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"| {line} |" for line in lines)


def _figures(samples: Sequence[float], unit: str) -> str:
    return f"{statistics.median(samples):.1f} ({min(samples):.1f}) {unit}"


def _yes(reached: bool) -> str:
    return "yes" if reached else "NO"


def _machine() -> str:
    cpus = usable_cpus()
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_processor()}, {cpus} CPUs usable{busy}; {platform.system()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    """Name of the processor; Linux tells it in a file only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
