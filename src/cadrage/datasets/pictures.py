"""The pictures that a list of labels speaks of: where they lie, which are missing, how large they are."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.folders import PICTURE_SUFFIXES
from cadrage.datasets.types import ComparedImage, FramedImage, RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.imaging import open_photo

SLACK = 1.0
"""Pixels by which a label may leave its picture and still be taken, cut at the edge: coordinates that were rounded,
or that count the last pixel from 1, do so."""

Boxed = TypeVar("Boxed", bound=RatedImage | FramedImage | ComparedImage)


def pictures_beside(
    labels: Path,
    named: Iterable[str],
    folders: Sequence[Path],
    *,
    allow_missing: bool,
    known: Iterable[str] = (),
) -> dict[str, Path]:
    """Find the pictures that a label file names.

    Args:
        labels: the label file, for messages.
        named: file names of the pictures, each once.
        folders: where they may lie; the first one that exists is taken.
        allow_missing: leave out pictures that are not there; data sets published as lists of addresses lose some.
        known: names of pictures that may lie there without being named.

    Returns:
        The pictures that are there, by name, in the order given.

    Raises:
        DataError: there is no such folder, pictures are missing, pictures lie there that no label names, or a name
            is none for a file; the message says how many and the first three.
    """
    named = tuple(named)
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        tried = ", ".join(str(one) for one in folders)
        raise DataError(
            f"{labels} names {len(named)} pictures, and there is no folder of pictures: looked for {tried}."
        )
    for name in named:
        if Path(name).name != name or Path(name).suffix.lower() not in PICTURE_SUFFIXES:
            raise DataError(f"{labels} names '{name}': expected the name of a picture file, such as dog.jpg.")
    there = {
        path.name: path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    }
    missing = [name for name in named if name not in there]
    require_pictures(labels, folder, missing, len(named), allow_missing=allow_missing)
    spare = sorted(there.keys() - set(named) - set(known))
    if spare:
        raise DataError(f"{len(spare)} pictures in {folder} have no label in {labels}: {first_of(spare)}.")
    return {name: there[name] for name in named if name in there}


def require_pictures(
    labels: Path, folder: Path, missing: Sequence[str], count: int, *, allow_missing: bool
) -> None:
    """Refuse a folder that lacks pictures.

    Args:
        labels: the label file, for the message.
        folder: where pictures were looked for.
        missing: names of those that are not there.
        count: how many the labels name.
        allow_missing: some may be missing, but not all.

    Raises:
        DataError: too many are missing.
    """
    if len(missing) == count:
        raise DataError(
            f"None of the {count} pictures that {labels} names is in {folder}: {first_of(missing)}."
        )
    if missing and not allow_missing:
        raise DataError(
            f"{len(missing)} of the {count} pictures that {labels} names are not in {folder}: {first_of(missing)}. "
            "Labels of pictures that are gone can be left out (--allow-missing)."
        )


def first_of(names: Sequence[str]) -> str:
    """The first three, for a message."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def solid_boxes(boxes_xyxy: FloatArray, place: str) -> FloatArray:
    """Boxes of shape (K, 4) that were read from a file, cut at 0 where they go over by no more than ``SLACK``.

    Raises:
        DataError: a box has no area or begins outside the picture; the message begins with ``place``.
    """
    for box in boxes_xyxy:
        if not (box[2] > max(box[0], 0) and box[3] > max(box[1], 0) and box.min() >= -SLACK):
            raise DataError(
                f"{place}: a box without area or outside the picture, {as_text(box)} (x1 y1 x2 y2)."
            )
    return np.maximum(boxes_xyxy, 0.0)


def as_text(box: FloatArray) -> str:
    """A box as four numbers."""
    return " ".join(f"{value:g}" for value in box)


def is_outside(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> bool:
    """Whether a box of (K, 4) leaves a frame by more than ``SLACK``, or has no area inside it."""
    inside = np.minimum(boxes_xyxy, np.tile(np.array(size_wh, dtype=np.float64), 2))
    solid = (inside[:, 2:] > inside[:, :2]).all()
    return not solid or bool((boxes_xyxy - inside > SLACK).any() or (boxes_xyxy < -SLACK).any())


def with_size(image: Boxed) -> Boxed:
    """The same image with the size of its frame, and its boxes cut at the edge where they go over a little.

    Raises:
        DataError: a box is outside the picture.
        ImageError: the picture cannot be read.
    """
    size_wh = image.size_wh or open_photo(image.path).size_wh
    for boxes in boxes_of(image):
        if is_outside(boxes, size_wh):
            frame = f"{size_wh[0]} x {size_wh[1]}"
            raise DataError(
                f"Image '{image.name}' has a box outside its picture {image.path} of {frame} pixels."
            )
    edge = np.tile(np.array(size_wh, dtype=np.float64), 2)
    if isinstance(image, ComparedImage):
        first, second = (np.clip(boxes, 0, edge) for boxes in boxes_of(image))
        return replace(image, size_wh=size_wh, first_xyxy=first, second_xyxy=second)
    return replace(image, size_wh=size_wh, boxes_xyxy=np.clip(image.boxes_xyxy, 0, edge))


def boxes_of(image: RatedImage | FramedImage | ComparedImage) -> tuple[FloatArray, ...]:
    """The arrays of boxes that an image has, each of shape (K, 4)."""
    if isinstance(image, ComparedImage):
        return image.first_xyxy, image.second_xyxy
    return (image.boxes_xyxy,)


def write_pictures(pictures: Mapping[str, Path], folder: Path) -> None:
    """Copy pictures into a folder under new names.

    Args:
        pictures: by file name in the folder, with ``/`` for folders below it.
        folder: made if missing; files of the same names are replaced.

    Raises:
        DataError: a picture cannot be read or written.
    """
    for name, path in pictures.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (target.exists() and target.samefile(path)):
                with replacing(target) as new:
                    shutil.copyfile(path, new)
        except OSError as error:
            raise DataError(f"{path} cannot be copied to {target}: {error.strerror}.") from error


def names_in_one_folder(images: Sequence[RatedImage | FramedImage | ComparedImage]) -> list[str]:
    """What the pictures are to be called in one folder, in the order of the images.

    Raises:
        DataError: there is no image, two have one name, or a name or picture is none for a file.
    """
    if not images:
        raise DataError("There is no image to write.")
    names = [f"{image.name}{image.path.suffix.lower()}" for image in images]
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"{count} images are called '{name}': in one folder a name can occur once only.")
        if Path(name).name != name or name.startswith(".") or Path(name).suffix not in PICTURE_SUFFIXES:
            raise DataError(f"'{name}' is no name of a picture file, such as dog.jpg.")
    return names
