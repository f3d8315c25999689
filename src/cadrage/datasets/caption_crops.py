"""Captions with the crops that people drew for them.

Pictures lie in ``images/NAME.jpg``; ``captions.jsonl`` has one photograph and caption a line, in pixels of the
upright picture, with the people who drew the boxes where they are known::

    {"image": "NAME.jpg", "width": 640, "height": 480, "caption": "a dog on a chair",
     "boxes": [[40, 32, 420, 400], [36, 20, 430, 408]], "raters": ["Ada", "Ben"]}
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import PICTURE_SUFFIXES
from cadrage.datasets.json_entries import is_meant, text_lines
from cadrage.datasets.pictures import are_outside, cut_at_edge, pictures_beside
from cadrage.errors import DataError
from cadrage.geometry import FloatArray

FILE = "captions.jsonl"
IMAGES = "images"


@dataclass(frozen=True, slots=True, eq=False)
class CaptionCrops:
    """A photograph, a caption, and the crops that people drew for it. The photograph itself is not opened.

    Attributes:
        image: name of the picture's file.
        path: the picture file.
        size_wh: width and height of the frame, in pixels.
        caption: what the crops show.
        boxes_xyxy: in frame pixels, shape (K, 4).
        raters: who drew each box, length K; ``None`` where that is not known.
        place: file and line of the label, as messages name them; empty where that is not known.

    Raises:
        DataError: the shapes do not fit together, or a box has no area or leaves the frame.
    """

    image: str
    path: Path
    size_wh: tuple[int, int]
    caption: str
    boxes_xyxy: FloatArray
    raters: tuple[str, ...] | None = None
    place: str = ""

    def __post_init__(self) -> None:
        what = f"The caption '{self.caption[:40]}' of {self.image}"
        boxes = self.boxes_xyxy
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise DataError(f"{what} needs boxes of shape (K, 4); got {boxes.shape}.")
        if self.raters is not None and len(self.raters) != len(boxes):
            raise DataError(f"{what} has {len(boxes)} boxes and {len(self.raters)} raters.")
        is_solid = (boxes[:, 2:] > boxes[:, :2]).all()  # not a number is not greater
        if not (is_solid and (boxes >= 0).all() and (boxes[:, 2:] <= self.size_wh).all()):
            width, height = self.size_wh
            raise DataError(
                f"{what} has boxes without area or outside the picture of {width} x {height} pixels."
            )


def load_caption_crops(root: Path, *, allow_missing: bool = False) -> tuple[CaptionCrops, ...]:
    """Read a data set of captions and crops. Pictures are not opened.

    Args:
        root: the folder that holds ``captions.jsonl`` and ``images``.
        allow_missing: leave out captions without a picture.

    Returns:
        The captions in the order of the file. Empty lines and unknown keys are passed over. A box that goes over
        the edge by a pixel at most is cut there.

    Raises:
        DataError: the file is missing, lines are malformed, pictures are missing or have no caption; the message
            names file and line, or how many and the first three.
    """
    file = root / FILE
    faults = Faults()
    found: list[CaptionCrops] = []
    named: dict[str, tuple[int, int] | None] = {}
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text_lines(file), start=1):
        if not line.strip():
            continue
        with faults.caught():
            place = f"{file}, line {number}"
            try:
                entry = _object(line)
                named.setdefault(_name(entry, root / IMAGES), None)
                one = _caption(entry, root / IMAGES, place)
            except DataError as error:
                raise DataError(f"{place}: {error}") from error
            size_wh = named[one.image] = named[one.image] or one.size_wh
            if size_wh != one.size_wh:
                raise DataError(f"{place}: {one.image} had another size in a line before.")
            first = seen.setdefault((one.image, one.caption), number)
            if first != number:
                raise DataError(f"{place}: the same image and caption as in line {first}.")
            found.append(one)
    if not found:
        faults.none_in(())
        raise DataError(f"{file} holds no caption.")
    pictures = pictures_beside(file, named, [root / IMAGES], allow_missing=allow_missing, faults=faults)
    return faults.none_in([one for one in found if one.image in pictures])


def _object(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise DataError("this is no JSON.") from None
    if not isinstance(entry, dict):
        raise DataError(f"expected a JSON object; got '{line.strip()[:80]}'.")
    return entry


def _name(entry: dict[str, Any], images: Path) -> str:
    image = _text(entry, "image")
    if Path(image).name != image or Path(image).suffix.lower() not in PICTURE_SUFFIXES:
        raise DataError(f"'{image}' is no name of a picture file in {images}.")
    return image


def _caption(entry: dict[str, Any], images: Path, place: str) -> CaptionCrops:
    image, caption = (_text(entry, key) for key in ("image", "caption"))
    size_wh = _side(entry, "width"), _side(entry, "height")
    raters = entry.get("raters")
    if raters is not None:
        if not isinstance(raters, list) or not all(isinstance(rater, str) for rater in raters):
            raise DataError('"raters" must be a list of texts.')
        raters = tuple(raters)
    boxes = _boxes(entry)
    if not are_outside(boxes, size_wh).any():
        boxes = cut_at_edge(boxes, size_wh)
    return CaptionCrops(image, images / image, size_wh, caption, boxes, raters, place)


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f'"{key}" must be a text.')
    return value


def _side(entry: dict[str, Any], key: str) -> int:
    value = entry.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DataError(f'"{key}" must be a whole number of pixels from 1.')
    return value


def _boxes(entry: dict[str, Any]) -> FloatArray:
    boxes = entry.get("boxes")
    if not isinstance(boxes, list) or not all(map(_is_box, boxes)):
        raise DataError('"boxes" must be a list of boxes of four numbers x1, y1, x2, y2.')
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _is_box(box: object) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(map(is_meant, box))


def save_caption_crops(captions: Iterable[CaptionCrops], root: Path, *, copy_pictures: bool = True) -> None:
    """Write captions in the layout that ``load_caption_crops`` reads.

    Args:
        captions: what to write.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write ``captions.jsonl`` only.

    Raises:
        DataError: there is nothing to write, two pictures have one name, a name is none for a picture, or a file
            cannot be written.
    """
    captions = tuple(captions)
    pictures = _pictures_of(captions)
    try:
        (root / IMAGES).mkdir(parents=True, exist_ok=True)
        for name, path in pictures.items() if copy_pictures else ():
            picture = root / IMAGES / name
            if not (picture.exists() and picture.samefile(path)):
                with replacing(picture) as new:
                    shutil.copyfile(path, new)
        with replacing(root / FILE) as new:
            new.write_text("".join(map(_line, captions)), encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"The captions cannot be written to {root}: {error.strerror or error}.") from error


def _pictures_of(captions: Sequence[CaptionCrops]) -> dict[str, Path]:
    """The picture files by their names."""
    if not captions:
        raise DataError("There is no caption to write.")
    pictures: dict[str, Path] = {}
    for one in captions:
        if Path(one.image).name != one.image or Path(one.image).suffix.lower() not in PICTURE_SUFFIXES:
            raise DataError(f"'{one.image}' is no name of a picture file, such as dog.jpg.")
        if pictures.setdefault(one.image, one.path) != one.path:
            raise DataError(f"Two pictures are called '{one.image}': {pictures[one.image]} and {one.path}.")
    return pictures


def _line(one: CaptionCrops) -> str:
    entry: dict[str, Any] = {
        "image": one.image,
        "width": one.size_wh[0],
        "height": one.size_wh[1],
        "caption": one.caption,
        "boxes": [[_coordinate(value) for value in box] for box in one.boxes_xyxy.tolist()],
    }
    if one.raters is not None:
        entry["raters"] = list(one.raters)
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _coordinate(value: float) -> float:
    return int(value) if value.is_integer() else value
