"""Which photographs a command works on, and where below the output folder their results go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cadrage.errors import ImageError
from cadrage.imaging.formats import readable_suffixes
from cadrage.imaging.photo import printable, reason_of

Identity = tuple[int, int]
"""Device and number of a folder: the same by whatever name it is reached."""

_Place = tuple[Path, Path, tuple[Identity, ...]]
"""A folder, its path below the one that was asked for, and the folders it is in."""


@dataclass(frozen=True, slots=True)
class FolderRule:
    """Which files of a folder are taken.

    Patterns are held, whatever their case, against a name, or, with a ``/`` in them, against the path below the
    folder that was asked for; ``*`` stands for any text.

    Attributes:
        recursive: go into the folders below too.
        include: patterns, one of which a photograph must fit; empty for all.
        exclude: patterns that neither a photograph nor a folder on the way to it may fit.
        skip: a folder that is not gone into, where the results go.
    """

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    skip: Path | None = None


@dataclass(slots=True)
class Found:
    """What a search found.

    Attributes:
        photos: each once, in order, with the folder below the output folder that its results go to; the tree
            below a folder that was asked for is mirrored there.
        errors: what could not be searched, with the reason.
        in_folders: whether a photograph stands for a folder.
    """

    photos: dict[Path, Path] = field(default_factory=dict)
    errors: dict[Path, ImageError] = field(default_factory=dict)
    in_folders: bool = False


def find_photos(arguments: Iterable[Path], rule: FolderRule | None = None) -> Found:
    """The photographs that were asked for, and the folders that gave none, with the reason.

    Args:
        arguments: files, whether they exist or not, and folders: they stand for the photographs in them.
        rule: what of a folder is taken; by default the photographs right in it.
    """
    search = _Search(rule or FolderRule())
    for argument in arguments:
        # Unlike Path.is_dir this does not raise for names that no file can have.
        if os.path.isdir(argument):  # noqa: PTH112
            search.folder(argument)
        else:
            search.found.photos.setdefault(argument, Path())
    return search.found


class _Search:
    """A walk through folders; a folder is entered once, so links cannot lead it in circles."""

    def __init__(self, rule: FolderRule) -> None:
        self.found = Found()
        self._rule = rule
        self._include = [pattern.casefold() for pattern in rule.include]
        self._exclude = [pattern.casefold() for pattern in rule.exclude]
        self._entered: set[Identity] = set()
        self._taken = (
            0  # photographs, and folders entered before, so that no folder seems empty for their sake
        )
        self._skip = _identity(rule.skip) if rule.skip and rule.skip.is_dir() else None
        self._suffixes = readable_suffixes()

    def folder(self, folder: Path) -> None:
        """Take the photographs of a folder that was asked for."""
        taken = self._taken, len(self.found.errors)
        # A list and no recursion: a tree may be deeper than Python's stack.
        todo: list[_Place] = [(folder, Path(), ())]
        while todo:
            todo += reversed(self._enter(*todo.pop()))
        self.found.in_folders |= taken[0] < self._taken
        if taken == (self._taken, len(self.found.errors)):
            which = " that --include and --exclude let through" if self._include or self._exclude else ""
            below = ", nor do the folders below" if self._rule.recursive else ""
            self.found.errors[folder] = ImageError(
                f"{printable(str(folder))} holds no photographs{below}{which}."
            )

    def _enter(self, folder: Path, below: Path, above: tuple[Identity, ...]) -> list[_Place]:
        """Take the photographs of a folder, in the order of their names, and return the folders in it."""
        try:
            identity = _identity(folder)
            if identity in above:
                self._failed(folder, "is a link to a folder that it is in")
                return []
            if above and identity in self._entered:
                self._taken += 1
                return []
            self._entered.add(identity)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._failed(folder, f"cannot be read: {reason_of(error)}")
            return []
        folders: list[_Place] = []
        for entry in entries:
            if entry.name.startswith(".") or _fits(below / entry.name, self._exclude):
                continue
            path = folder / entry.name
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # a link that leads to itself
                self._failed(path, f"cannot be read: {reason_of(error)}")
                continue
            if not is_folder and self._is_wanted(below / entry.name):
                self.found.photos.setdefault(path, below)
                self._taken += 1
            elif is_folder and self._rule.recursive and not self._is_skipped(path):
                folders.append((path, below / entry.name, (*above, identity)))
        return folders

    def _failed(self, path: Path, what: str) -> None:
        self.found.errors[path] = ImageError(f"{printable(str(path))} {what}.")

    def _is_skipped(self, folder: Path) -> bool:
        try:
            return self._skip is not None and _identity(folder) == self._skip
        except OSError:
            return False  # entering it will say why

    def _is_wanted(self, below: Path) -> bool:
        return below.suffix.lower() in self._suffixes and (not self._include or _fits(below, self._include))


def _fits(below: Path, patterns: Iterable[str]) -> bool:
    name, path = below.name.casefold(), below.as_posix().casefold()
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)


def _identity(folder: Path) -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino
