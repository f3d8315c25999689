"""Data sets of two folders whose files belong together by name."""

from __future__ import annotations

from collections.abc import Collection
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


def require_partners(
    kind: str, folder: Path, files: Collection[str], other_folder: Path, others: Collection[str]
) -> None:
    """Refuse files of a folder that lack their partner of a ``kind`` in the other folder.

    Raises:
        DataError: some do; the message names the first.
    """
    lonely = sorted(set(files) - set(others))
    if lonely:
        shown = ", ".join(lonely[:3]) + (", ..." if len(lonely) > 3 else "")
        raise DataError(f"{len(lonely)} files of {folder} have no {kind} in {other_folder}: {shown}.")
