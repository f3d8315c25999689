"""What ``cadrage crop`` tells: a table or JSON Lines, complaints, and the exit code."""

from __future__ import annotations

import itertools
import json
import sys

from cadrage.batch.jobs import Done
from cadrage.cli.console import Progress, Rows
from cadrage.imaging.photo import printable

LONGEST_TABLE = 200
"""Photographs that a terminal shows a table of, where a manifest has them all."""


class Report:
    """Tells what became of each photograph, in their order, and keeps count for the exit code."""

    def __init__(
        self,
        progress: Progress,
        *,
        as_json: bool,
        with_broken: bool,
        with_files: bool,
        silent: bool = False,
        listed: bool = False,
    ) -> None:
        """Begin to tell.

        Args:
            progress: shows how far the work is.
            as_json: JSON Lines instead of a table.
            with_broken: there are hard wishes, and the table names those that a crop breaks.
            with_files: crops are written, and the table names their files.
            silent: print nothing but complaints, since something else goes to standard output.
            listed: there is a manifest: name all failures again at the end, and count the notes.
        """
        self._progress = progress
        self._as_json = as_json
        self._with_broken = with_broken
        columns = ["photograph", "ratio", "rank", "box", "score", "margin"]
        columns += ["broken"] * with_broken + ["file"] * with_files
        self._rows = None if as_json or silent else Rows(*columns)
        self._listed = listed
        self._failures: list[str] = []
        self._done = 0
        self._failed = 0
        self._noted = 0

    @property
    def exit_code(self) -> int:
        """0 when everything was done, 1 when something was, 2 when nothing was."""
        return (1 if self._done else 2) if self._failed else 0

    def already_done(self, count: int) -> None:
        """So many photographs were cropped by an earlier run."""
        self._done += count

    def tell(self, done: Done) -> None:
        """A photograph is through, or a folder or the sheet could not be read or written."""
        if done.result is None:
            self._failed += 1
            self._progress.complain(done.error)
            if self._listed:
                self._failures.append(done.error)
        else:
            self._done += 1
            self._noted += bool(done.notes)
            for note in () if self._listed else done.notes:
                self._progress.complain(f"{printable(done.source)}: {note}")
        if self._as_json:
            print(json.dumps(done.to_dict()), flush=True)
        elif self._rows and done.result:
            for crop, one in itertools.zip_longest(done.result.crops, done.written):
                box = ",".join(map(str, crop.box.rounded()))
                cells = [printable(done.source), crop.ratio, str(crop.rank), box]
                cells += [f"{crop.score:.2f}", f"{crop.margin:+.2f}"]
                cells += [",".join(crop.broken)] * self._with_broken
                self._rows.add(*cells, *([printable(str(one.path))] if one else []))

    def finish(self) -> None:
        """All photographs are through."""
        if self._rows:
            self._rows.finish()
        if self._listed and self._noted:
            self._progress.complain(
                f"{self._noted} could not be written quite as asked: see 'notes' in the manifest."
            )
        if self._failures:
            self._progress.complain(f"{self._failed} of {self._failed + self._done} could not be cropped:")
            for failure in self._failures:
                self._progress.complain(f"  {failure}")


def too_long_to_show(photographs: int) -> bool:
    """Whether a terminal shows no table of so many photographs."""
    return photographs > LONGEST_TABLE and sys.stdout.isatty()
