"""What is wrong with a copy of a data set: collected while it is read, then said once, with how many and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cadrage.errors import DataError

SHOWN = 3
UNUSABLE = "labels that cannot be used"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a copy.

    Attributes:
        what: it is, in words that follow a number other than one.
        count: how often.
        first: the first three.
    """

    what: str
    count: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        what = in_singular(self.what) if self.count == 1 else self.what
        return f"{self.count} {what}: {'; '.join(self.first)}{'; ...' if self.count > SHOWN else ''}."


_ONE = (
    ("boxes outside their pictures", "box outside its picture"),
    ("files of other data sets", "file of another data set"),
    ("files of", "file of"),
    ("folders that are", "folder that is"),
    ("images of", "image of"),
    ("images in", "image in"),
    ("labels or masks of another size than their pictures", "label or mask of another size than its picture"),
    ("labels or pictures", "label or picture"),
    ("labels that", "label that"),
    ("parts with other numbers", "part with another number"),
    ("pictures in", "picture in"),
    ("pictures that", "picture that"),
)
"""What problems begin with, of several and of one."""

_OF_SEVERAL = re.compile(r" (have|are) (?=no (?:annotation|label|mask|picture)\b|not in )")
"""The verb of several: by what follows, because names of folders stand before it and may hold any word."""


def in_singular(what: str) -> str:
    """What is wrong, in words that follow the number one instead of another."""
    for several, one in _ONE:
        if what.startswith(several):
            what = one + what[len(several) :]
            break
    return _OF_SEVERAL.sub(lambda verb: " has " if verb[1] == "have" else " is ", what, count=1)


def problems_of(what: str, cases: Sequence[str]) -> list[Problem]:
    """The problem that all cases are; none where there is no case."""
    return [Problem(what, len(cases), tuple(cases[:SHOWN]))] if cases else []


class DamagedCopy(DataError):  # noqa: N818  # it is a copy that is damaged, and an error by its base
    """A copy of which a part only can be used.

    Attributes:
        problems: what is wrong, at least one.
        images: what could be read all the same.
    """

    def __init__(self, sentence: str, problems: Sequence[Problem], images: Sequence[Any]) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)
        self.images = tuple(images)


class Faults:
    """Collects what is wrong while a copy is read, so that a fault does not hide those after it."""

    def __init__(self) -> None:
        self._cases: dict[str, list[str]] = {}

    def add(self, what: str, cases: Sequence[str]) -> None:
        """Remember cases of something wrong, in words that follow a number."""
        if cases:
            self._cases.setdefault(what, []).extend(cases)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Go on after a ``DataError`` about a label."""
        try:
            yield
        except DataError as error:
            self.add(UNUSABLE, [str(error).rstrip(".")])

    def none_in(self, images: Sequence[Read], copy: Path | None = None) -> tuple[Read, ...]:
        """The images, if nothing was wrong.

        Args:
            images: what could be read.
            copy: the folder that the message names, where what is wrong does not name it.

        Raises:
            DamagedCopy: something was; with the images. A single label that cannot be used is its own message.
        """
        found = [problem for what, cases in self._cases.items() for problem in problems_of(what, cases)]
        if not found:
            return tuple(images)
        sentence = " ".join(map(str, found))
        if [(problem.what, problem.count) for problem in found] == [(UNUSABLE, 1)]:
            sentence = f"{found[0].first[0]}."
        elif copy is not None:
            sentence = f"{copy}: {sentence}"
        raise DamagedCopy(sentence, found, images)
