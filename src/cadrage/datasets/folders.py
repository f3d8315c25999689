"""Data sets of two folders whose files belong together by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from cadrage.errors import DataError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})


def files_by_name(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """The files of a folder with these suffixes, in lower case, by their names without suffix.

    Raises:
        DataError: two files have one name.
    """
    files: dict[str, Path] = {}
    for path in folder.iterdir():
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            if path.stem in files:
                raise DataError(f"{files[path.stem]} and {path.name} belong to one image: one must go.")
            files[path.stem] = path
    return files


def lonely_of(files: Collection[str], others: Collection[str]) -> list[str]:
    """Names of files that have no partner among the others, sorted."""
    return sorted(set(files) - set(others))


def without(kind: str, folder: Path, other_folder: Path) -> str:
    """What files without a partner are, in words that follow a number."""
    return f"files of {folder} have no {kind} in {other_folder}"


def first_of(names: Sequence[str]) -> str:
    """The first three, for a message."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def found_in(folder: Path) -> str:
    """What lies in a folder, for a message about what does not."""
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return f"found there: {first_of(names)} ({len(names)} in all)" if names else "the folder is empty"
