"""Which photographs a command works on, and what its results are called."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from cadrage.cropper import CropRequest
from cadrage.errors import ImageError
from cadrage.imaging import FORMATS
from cadrage.imaging.photo import printable, reason_of


def find_photos(arguments: Iterable[Path]) -> tuple[list[Path], dict[Path, ImageError]]:
    """The photographs that were asked for, each once, and the folders that gave none, with the reason.

    Args:
        arguments: files, whether they exist or not, and folders: they stand for the photographs in them, but
            not in folders further down.
    """
    found: dict[Path, None] = {}
    errors: dict[Path, ImageError] = {}
    for argument in arguments:
        try:
            # Unlike Path.is_dir this does not raise for names that no file can have.
            photos = _photos_in(argument) if os.path.isdir(argument) else [argument]  # noqa: PTH112
        except ImageError as error:
            errors[argument] = error
        else:
            found.update(dict.fromkeys(photos))
    return list(found), errors


def _photos_in(folder: Path) -> list[Path]:
    """By suffix, in the order of their names; hidden files are left out."""
    Image.init()
    suffixes = {suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS}
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise ImageError(f"{printable(str(folder))} cannot be read: {reason_of(error)}.") from error
    photos = [file for file in files if file.suffix.lower() in suffixes and not file.name.startswith(".")]
    if not photos:
        raise ImageError(f"{printable(str(folder))} holds no photographs.")
    return photos


def crop_name(stem: str, ratio: str, rank: int, request: CropRequest) -> str:
    """Name of a crop's file, less the suffix: ``beach_16x9``, or ``beach_16x9_2`` if several were asked for."""
    name = f"{stem}_{ratio.replace(':', 'x')}"
    return f"{name}_{rank}" if request.top > 1 else name


def result_stems(photos: Sequence[Path], request: CropRequest, out: Path) -> dict[Path, str]:
    """The stem that names the results of each photograph, so that nothing of this call is overwritten.

    It is the photograph's own unless a result would then have the name of another photograph's result, or of
    one of the photographs themselves; then ``-2``, ``-3`` and so on follows. Names that differ in case or
    suffix only count as equal, since some file systems and most people take them so.

    Args:
        photos: of the whole call, each once.
        request: its ratios and ranks end the names.
        out: folder of the results.
    """
    home = os.path.realpath(out)
    taken = {photo.stem.casefold() for photo in photos if os.path.realpath(photo.parent) == home}
    stems: dict[Path, str] = {}
    for photo in photos:
        for number in itertools.count(1):
            stem = photo.stem if number == 1 else f"{photo.stem}-{number}"
            names = _names(stem, request)
            if taken.isdisjoint(names):
                break
        taken |= names
        stems[photo] = stem
    return stems


def _names(stem: str, request: CropRequest) -> set[str]:
    ranks = range(1, request.top + 1)
    return {
        crop_name(stem, str(ratio), rank, request).casefold() for ratio in request.ratios for rank in ranks
    }
