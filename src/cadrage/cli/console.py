"""What the commands share: sentences on the error stream, tables, a progress bar, an exit code."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

PATIENCE = 2.0
"""Seconds of work before a progress bar appears."""


def complain(message: object) -> None:
    """Print one line on the error stream."""
    print(f"cadrage: {message}", file=sys.stderr, flush=True)


class Rows:
    """A table on standard output: ruled and at the end on a terminal, else tab-separated and row by row."""

    def __init__(self, *header: str) -> None:
        self._header = header
        self._on_terminal = sys.stdout.isatty()
        self._rows: list[tuple[str, ...]] = []
        self._begun = False

    def add(self, *cells: str) -> None:
        """Add a row, one cell for each column."""
        if self._on_terminal:
            self._rows.append(cells)
            return
        if not self._begun:
            print("\t".join(self._header))
            self._begun = True
        print("\t".join(cells), flush=True)

    def finish(self) -> None:
        """Show what is not printed yet; nothing if there is no row."""
        if self._rows:
            table = Table(*self._header, box=SIMPLE_HEAD)
            for row in self._rows:
                table.add_row(*(Text(cell, overflow="fold") for cell in row))
            Console().print(table)


class Progress:
    """A bar on the error stream, shown where that is a terminal and the work takes more than a moment.

    Example:
        >>> with Progress("cropping", total=len(photos)) as progress:
        ...     for photo in photos:
        ...         work(photo)
        ...         progress.advance()
    """

    def __init__(self, what: str, total: int, *, quiet: bool = False) -> None:
        """Begin to count.

        Args:
            what: name of the work.
            total: number of steps.
            quiet: never show the bar, for a command that prints to the same terminal meanwhile.
        """
        self._what = what
        self._total = total
        self._done = 0
        self._start = time.monotonic()
        self._wanted = sys.stderr.isatty() and not quiet
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def advance(self, done: int | None = None) -> None:
        """Move on to ``done`` steps of the total; by default one more is done."""
        self._done = self._done + 1 if done is None else done
        late = time.monotonic() - self._start > PATIENCE
        if self._wanted and late and self._bar is None and self._done < self._total:
            self._bar = _bar()
            self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def complain(self, message: object) -> None:
        """Print one line on the error stream, above the bar."""
        if self._bar:
            self._bar.console.print(f"cadrage: {message}", markup=False, highlight=False, soft_wrap=True)
        else:
            complain(message)


class _Rate(ProgressColumn):
    """Steps a second, over the last while."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s")


def _bar() -> Bar:
    done, rate, left = MofNCompleteColumn(), _Rate(), TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), done, rate, left)
    # Not redirected: what the command prints must reach standard output, and not this console.
    return Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
