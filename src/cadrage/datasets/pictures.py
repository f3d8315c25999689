"""The pictures that a list of labels speaks of: where they lie, which are missing, how large they are."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cadrage.atomic import replacing
from cadrage.datasets.faults import Faults, problems_of
from cadrage.datasets.folders import PICTURE_SUFFIXES, first_of, found_in
from cadrage.datasets.types import ComparedImage, FramedImage, RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.imaging import open_photo

SLACK = 1.0
"""Pixels by which a label may leave its picture and still be taken, cut at the edge: coordinates that were rounded,
or that count the last pixel from 1, do so."""

Boxed = TypeVar("Boxed", bound=RatedImage | FramedImage | ComparedImage)
LabelledImage = RatedImage | FramedImage | ComparedImage


def pictures_beside(
    labels: Path,
    named: Iterable[str],
    folders: Sequence[Path],
    *,
    allow_missing: bool,
    known: Iterable[str] = (),
    faults: Faults | None = None,
) -> dict[str, Path]:
    """Find the pictures that a label file names.

    Args:
        labels: the label file, for messages.
        named: file names of the pictures, each once.
        folders: where they may lie; the first one that exists is taken.
        allow_missing: leave out pictures that are not there; data sets published as lists of addresses lose some.
        known: names of pictures that may lie there without being named.
        faults: collects missing and spare pictures, instead of raising.

    Returns:
        The pictures that are there, by name, in the order given.

    Raises:
        DataError: there is no such folder, no picture is there, a name is none for a file; or pictures are missing,
            or lie there without being named: the message says how many and the first three.
    """
    named = tuple(named)
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        tried = ", ".join(str(one) for one in folders)
        raise DataError(
            f"{labels} names {len(named)} pictures, and there is no folder of pictures: looked for {tried}; "
            f"{found_in(labels.parent)}."
        )
    for name in named:
        if Path(name).name != name or Path(name).suffix.lower() not in PICTURE_SUFFIXES:
            raise DataError(f"{labels} names '{name}': expected the name of a picture file, such as dog.jpg.")
    there = {
        path.name: path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    }
    own = faults or Faults()
    missing = [name for name in named if name not in there]
    require_pictures(labels, folder, missing, len(named), allow_missing=allow_missing, faults=own)
    spare = sorted(there.keys() - set(named) - set(known))
    own.add(f"pictures in {folder} have no label in {labels}", spare)
    if faults is None:
        own.none_in(())
    return {name: there[name] for name in named if name in there}


def require_pictures(
    labels: Path, folder: Path, missing: Sequence[str], count: int, *, allow_missing: bool, faults: Faults
) -> None:
    """Refuse a folder that lacks pictures.

    Args:
        labels: the label file, for the message.
        folder: where pictures were looked for.
        missing: names of those that are not there.
        count: how many the labels name.
        allow_missing: some may be missing, but not all.
        faults: collects those that may not.

    Raises:
        DataError: all are missing.
    """
    if missing and len(missing) == count:
        raise DataError(
            f"None of the {count} pictures that {labels} names is in {folder}: {first_of(missing)}; "
            f"{found_in(folder)}."
        )
    if not allow_missing:
        faults.add(
            f"of the {count} pictures that {labels} names are not in {folder} "
            "(cadrage data and bench leave out labels of pictures that are gone with --allow-missing)",
            missing,
        )


def solid_boxes(boxes_xyxy: FloatArray, place: str) -> FloatArray:
    """Boxes of shape (K, 4) that were read from a file, of which each has an area.

    Raises:
        DataError: some have none; the message begins with ``place`` and says how many and the first three.
    """
    flat = [as_text(box) for box in boxes_xyxy if not (box[2] > box[0] and box[3] > box[1])]
    if len(flat) == 1:
        raise DataError(f"{place}: a box without area, {flat[0]} (x1 y1 x2 y2).")
    if flat:
        raise DataError(f"{place}: {problems_of('boxes without area (x1 y1 x2 y2)', flat)[0]}")
    return boxes_xyxy


def as_text(box: FloatArray) -> str:
    """A box as four numbers."""
    return " ".join(f"{value:g}" for value in box)


def cut_at_edge(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """Boxes of shape (K, 4), cut at the edges of the frame."""
    return np.clip(boxes_xyxy, 0.0, np.tile(np.array(size_wh, dtype=np.float64), 2))


def are_outside(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes of (K, 4) leave a frame by more than ``SLACK``, or have no area inside it; shape (K,)."""
    inside = cut_at_edge(boxes_xyxy, size_wh)
    are_flat = inside[:, 2:] <= inside[:, :2]
    are_over = np.abs(boxes_xyxy - inside) > SLACK
    outside: NDArray[np.bool_] = np.logical_or(are_flat.any(axis=1), are_over.any(axis=1))
    return outside


OUTSIDE = "boxes outside their pictures"


def boxes_outside(image: LabelledImage, size_wh: tuple[int, int]) -> list[str]:
    """Each box of an image that is outside a frame, with file and line of its label where they are known."""
    boxes = np.concatenate(boxes_of(image))
    written = _written(image) if are_outside(boxes, size_wh).any() else ()
    return cases_outside(boxes, size_wh, lambda number: _place_of(image, number), written)


def cases_outside(
    boxes_xyxy: FloatArray,
    size_wh: tuple[int, int],
    place_of: Callable[[int], str],
    written: Sequence[str] = (),
) -> list[str]:
    """Each box that is outside a frame, in words that begin with its place.

    Args:
        boxes_xyxy: shape (K, 4).
        size_wh: of the frame.
        place_of: where a box stands.
        written: the line of the file that each box was read from, empty where it is not known; or none for all.
    """
    cases = []
    for number in np.flatnonzero(are_outside(boxes_xyxy, size_wh)).tolist():
        line = written[number].strip()[:80] if number < len(written) else ""
        got = f"'{line}'" if line else f"{as_text(boxes_xyxy[number])} (x1 y1 x2 y2)"
        cases.append(f"{place_of(number)}: expected a box within {size_wh[0]} x {size_wh[1]}, got {got}")
    return cases


def _written(image: LabelledImage) -> list[str]:
    """The line that each box was read from; none where boxes have no line each, or the file is gone by now."""
    if not image.lines:
        return []
    try:
        lines = Path(image.place).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return []
    return [lines[number - 1] if number <= len(lines) else "" for number in image.lines]


def _place_of(image: LabelledImage, number: int) -> str:
    if number < len(image.lines):
        return f"{image.place}, line {image.lines[number]}"
    what = f"box {number + 1}"
    if isinstance(image, ComparedImage):  # the boxes are the first crops of all pairs, then the second ones
        pairs = len(image.votes)
        what = f"pair {number % pairs + 1}, crop {number // pairs + 1}"
    return f"{image.place} ({image.name}), {what}" if image.place else f"{image.name}, {what}"


def with_sizes(images: Sequence[Boxed]) -> tuple[Boxed, ...]:
    """The same images with the sizes of their frames, and boxes cut at the edge where they go over a little.

    Raises:
        DataError: boxes are outside their pictures; the message says how many, and of the first three file and
            line.
        ImageError: a picture cannot be read.
    """
    sizes = [image.size_wh or open_photo(image.path).size_wh for image in images]
    outside = [
        case for image, size_wh in zip(images, sizes, strict=True) for case in boxes_outside(image, size_wh)
    ]
    if outside:
        raise DataError(str(problems_of(OUTSIDE, outside)[0]))
    return tuple(_cut(image, size_wh) for image, size_wh in zip(images, sizes, strict=True))


def _cut(image: Boxed, size_wh: tuple[int, int]) -> Boxed:
    if isinstance(image, ComparedImage):
        first, second = (cut_at_edge(boxes, size_wh) for boxes in boxes_of(image))
        return replace(image, size_wh=size_wh, first_xyxy=first, second_xyxy=second)
    return replace(image, size_wh=size_wh, boxes_xyxy=cut_at_edge(image.boxes_xyxy, size_wh))


def boxes_of(image: LabelledImage) -> tuple[FloatArray, ...]:
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
