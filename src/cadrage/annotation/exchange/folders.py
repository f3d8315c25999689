"""Folders that appear whole or not at all, and names that photographs have in them."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cadrage.errors import DataError

RECORD = "export.json"
"""What marks a folder as an export, and says how it was made."""

EXPORTED = {RECORD, "images", "annotations", "captions.jsonl"}
"""All that an export holds."""

LONGEST_NAME = 200
"""Bytes of a file's name less its suffix; file systems take 255 for both."""


@contextmanager
def new_folder(target: Path, *, overwrite: bool, needed: Path) -> Iterator[Path]:
    """Make a folder that takes its place when the block ends well; else there is nothing, or what was there.

    Args:
        target: the folder to make; the folders above it are made too.
        overwrite: replace an export of that name.
        needed: a file that must not be lost with it, the project.

    Yields:
        An empty folder to write to.

    Raises:
        DataError: there is a file or a folder with something in it, and it may not be or is no export to be
            replaced; or something cannot be written.
    """
    place = target.resolve()
    _check_free(target, overwrite=overwrite)
    if needed.resolve().is_relative_to(place):
        raise DataError(f"{target} holds {needed}, so it is not replaced.")
    part = place.with_name(f".cadrage-{secrets.token_hex(8)}.part")
    try:
        part.mkdir(parents=True)
        yield part
        _take_place(part, place)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_free(target: Path, *, overwrite: bool) -> None:
    if target.is_file():
        raise DataError(f"{target} is a file: an export needs a folder.")
    if not target.exists() or not any(target.iterdir()):
        return
    if not overwrite:
        raise DataError(
            f"{target} is not empty: name another folder, or give --overwrite to replace an export."
        )
    if not (target / RECORD).is_file():
        raise DataError(f"{target} has no {RECORD}, so it is no export, and is not replaced.")
    foreign = sorted({entry.name for entry in target.iterdir()} - EXPORTED)
    if foreign:
        raise DataError(f"{target} holds {foreign[0]}, which is no part of an export, and is not replaced.")


def _take_place(part: Path, place: Path) -> None:
    if not place.exists():
        part.rename(place)
        return
    old = part.with_suffix(".old")
    place.rename(old)
    try:
        part.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def flat_names(names: Iterable[str]) -> dict[str, str]:
    """What photographs of a tree of folders are called in one folder, less the suffix.

    Args:
        names: paths with ``/``, each once.

    Returns:
        By path: ``a/b.jpg`` becomes ``a_b``, or ``a_b-2`` if that is taken by one before it. Names that differ in
        case or suffix only count as taken, since some file systems and GAICD itself take them so.

    Example:
        >>> flat_names(["beach.jpg", "2024/beach.jpg", "beach.png"])
        {'beach.jpg': 'beach', '2024/beach.jpg': '2024_beach', 'beach.png': 'beach-2'}
    """
    flat: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = _fitting("_".join(PurePosixPath(name).with_suffix("").parts).lstrip(".") or "photograph")
        numbered = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
        flat[name] = next(one for one in numbered if _same(one) not in taken)
        taken.add(_same(flat[name]))
    return flat


def _fitting(stem: str) -> str:
    """The name, or of one that is too long the beginning and a checksum of the rest."""
    written = stem.encode(errors="surrogateescape")
    if len(written) <= LONGEST_NAME:
        return stem
    checksum = hashlib.sha256(written).hexdigest()[:8]
    return f"{written[: LONGEST_NAME - 9].decode(errors='ignore')}-{checksum}"


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
