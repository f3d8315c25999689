"""Where figures come from: when, with what and in how many threads answers were computed, and for which command."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from cadrage import __version__

NAMED_VERSIONS = ("numpy", "pillow", "onnxruntime", "torch", "pyvips", "smartcrop")
"""Packages whose versions stand beside a figure, as far as they are installed."""


@dataclass(frozen=True, slots=True)
class Making:
    """How an answer was computed.

    Attributes:
        made: date and time in UTC, ISO 8601.
        versions: of cadrage, Python and libraries.
        threads: for one picture.
    """

    made: str
    versions: Mapping[str, str]
    threads: int

    @classmethod
    def now(cls, threads: int) -> Making:
        """By this process, now."""
        return cls(datetime.now(UTC).isoformat(timespec="seconds"), _versions(), threads)


@cache
def _versions() -> Mapping[str, str]:
    versions = {"cadrage": __version__, "python": platform.python_version()}
    for name in NAMED_VERSIONS:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


@dataclass(frozen=True, slots=True)
class Origin:
    """How a cell came to be: its answers, which earlier runs may have computed, and the command that asked last.

    Attributes:
        last_command: the command line that asked for the cell last. It computed those answers only that were not
            kept already.
        begun: date and time of the first of the answers, in UTC, ISO 8601.
        made: of the last one.
        versions: of what computed the answers; where they differ, all of them.
        threads: for one picture, of the answers.
    """

    last_command: str
    begun: str
    made: str
    versions: Mapping[str, str]
    threads: int

    @classmethod
    def of(cls, last_command: str, makings: Iterable[Making]) -> Origin:
        """The origin of answers.

        Args:
            last_command: the command line.
            makings: of every answer, at least one, in the same number of threads.
        """
        found = list(makings)
        versions: dict[str, dict[str, None]] = {}  # the keys are an ordered set
        for making in sorted(found, key=lambda one: one.made):
            for name, number in making.versions.items():
                versions.setdefault(name, {})[number] = None
        dates = [making.made for making in found]
        return cls(
            last_command,
            min(dates),
            max(dates),
            {name: " and ".join(numbers) for name, numbers in versions.items()},
            found[0].threads,
        )
