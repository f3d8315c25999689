"""The record of a run: JSON Lines, a header and then one line a photograph, written as each is done.

A line is written in one go and nothing waits in memory, so a kill at any moment leaves whole lines and at most the
beginning of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

import cadrage
from cadrage.batch.jobs import Done, Task
from cadrage.errors import DataError, RequestError
from cadrage.imaging.photo import printable, reason_of

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

MANIFEST_SCHEMA = "1.0"
"""Version of the file's layout: the first number changes when a reader of the old form would fail."""

_BEGINNING = b'{"manifest": "'
"""How a header begins, be it torn."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What a run is, the first line of its manifest.

    Attributes:
        request: the request, as JSON has it.
        model: name of the model.
        version: version of its weights.
        output: folder, names and form of the crops as JSON has them; ``None`` for boxes only.
    """

    request: Mapping[str, Any]
    model: str
    version: str
    output: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "manifest": MANIFEST_SCHEMA,
            "cadrage": cadrage.__version__,
            "model": self.model,
            "version": self.version,
            "request": self.request,
            "output": self.output,
        }


class Manifest:
    """The manifest of a run, open to be added to.

    Attributes:
        done: sources that earlier runs have cropped; their crops need not be made again.

    Example:
        >>> with Manifest(Path("crops/manifest.jsonl"), header, resume=True) as manifest:
        ...     todo = [photo for photo in photos if str(photo) not in manifest.done]
    """

    def __init__(self, file: Path, header: RunHeader, *, resume: bool) -> None:
        """Begin a manifest, or go on with one.

        Args:
            file: its name; folders are made; a manifest of that name is replaced unless ``resume`` goes on with it.
            header: the run.
            resume: go on where an earlier run ended; without a file, or with less than its first line, begin.

        Raises:
            DataError: the file cannot be read or written, or is no manifest.
            RequestError: the earlier run was another: the request, the model or the output differ; or a run that
                is not over writes to the file.
        """
        self._name = printable(str(file))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a line is with the system, and outlives this process, as soon as it is added.
            self._file = FileIO(os.open(file, os.O_RDWR | os.O_CREAT, 0o666), "r+")
        except OSError as error:
            raise DataError(f"{self._name} cannot be written: {reason_of(error)}.") from error
        try:
            self._claim()
            self.done = self._go_on(header.to_dict(), resume=resume)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, done: Done) -> None:
        """Add the line of a photograph.

        Raises:
            OSError: it cannot be written.
        """
        self._write(done.to_dict() | {"seconds": round(done.seconds, 4)})

    def _claim(self) -> None:
        """Keep other programs out until the file is closed, be it by a kill; not on Windows, without such locks."""
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(f"{self._name} is being written by another run: wait for its end.") from None
        except OSError:  # a file system without locks
            return

    def _write(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record).encode() + b"\n"
        while line:  # the system may take a part only, such as the last bytes of a disk
            line = line[self._file.write(line) :]

    def _go_on(self, header: Mapping[str, Any], *, resume: bool) -> frozenset[str]:
        """Take in what is there, drop a line without its end, and stand where the next line goes."""
        wanted = json.loads(json.dumps(header))
        done: set[str] = set()
        end = 0
        with os.fdopen(os.dup(self._file.fileno()), "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n") and (number > 1 or line.startswith(_BEGINNING[: len(line)])):
                    break
                record = self._record(line, number)
                if not resume:
                    break
                if number == 1:
                    self._compare(record, wanted)
                elif "error" in record:
                    done.discard(record["source"])
                else:
                    done.add(record["source"])
                end += len(line)
        self._file.truncate(end)
        self._file.seek(end)
        if end == 0:
            self._write(wanted)
        return frozenset(done)

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        key = "manifest" if number == 1 else "source"
        if not isinstance(record, dict) or not isinstance(record.get(key), str):
            raise DataError(f"{self._name} is no manifest of cadrage: see its line {number}.")
        return record

    def _compare(self, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        # Another version of cadrage may go on: what it crops is named by the model's version.
        for key in ("manifest", "model", "version", "request", "output"):
            if found.get(key) != wanted[key]:
                raise RequestError(
                    f"{self._name} is of a run with another {_difference(key, found.get(key), wanted[key])}; "
                    "--resume goes on with the same command only."
                )


def _difference(key: str, found: object, wanted: object) -> str:
    """What differs, by the names of the fields where there are any."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return key
    fields = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    return f"{key} ({', '.join(fields)})"


def output_of(task: Task, folder: Path | None) -> dict[str, Any] | None:
    """Folder, names and form of a task's crops, for the header."""
    if task.writing is None:
        return None
    rule = task.writing.rule
    return {
        "folder": str(folder),
        "name": task.writing.template.text,
        "format": rule.format,
        "quality": rule.quality,
        "strip": rule.strip,
        "lossless": rule.lossless,
    }
