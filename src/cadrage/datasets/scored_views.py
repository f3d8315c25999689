"""JSON files that give each picture boxes and their scores, as CPC and SACD have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cadrage.datasets.faults import Faults
from cadrage.datasets.json_entries import Entry, is_meant, plain, read_entries, shown, write_json
from cadrage.datasets.pictures import names_in_one_folder, pictures_beside, solid_boxes
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class ViewFields:
    """What the two fields of a picture are called.

    Attributes:
        boxes: boxes ``x1 y1 x2 y2``.
        scores: their scores.
    """

    boxes: str
    scores: str


def load_views(
    file: Path,
    pictures: Path,
    fields: ViewFields,
    faults: Faults,
    *,
    split: str | None = None,
    allow_missing: bool = False,
    known: Sequence[str] = (),
) -> list[RatedImage]:
    """Read one file of ``{"NAME.jpg": {BOXES: [[x1, y1, x2, y2], ...], SCORES: [...]}, ...}``.

    Args:
        file: the labels.
        pictures: the folder of the pictures, which are not opened.
        fields: names of the fields. Scores are one number a box, null where it has none, or one list a box with the
            numbers of several people, whose mean is taken.
        faults: collects labels that cannot be used, pictures that are missing and those without a label.
        split: the part that the images belong to.
        allow_missing: leave out labels without a picture.
        known: names of pictures that may lie there without a label in this file.

    Raises:
        DataError: the file is missing or malformed, or none of its pictures is there.
    """
    labels = {entry.key: entry for entry in read_entries(file)}
    if not labels:
        raise DataError(f"{file} holds no label.")
    if "" in labels:
        raise DataError(f"{labels[''].place}: expected an object with the names of pictures; got an array.")
    paths = pictures_beside(file, labels, [pictures], allow_missing=allow_missing, known=known, faults=faults)
    images = []
    for name, path in paths.items():
        with faults.caught():
            entry = labels[name]
            boxes = solid_boxes(entry.numbers(fields.boxes, 4), entry.place)
            scores = _scores(entry, fields.scores, len(boxes))
            images.append(RatedImage(path.stem, path, boxes, scores, split, None, entry.place))
    return images


def _scores(entry: Entry, name: str, count: int) -> FloatArray:
    values = entry.field(name)
    if not isinstance(values, list) or len(values) != count or not count:
        raise entry.error(f'"{name}" must have one score for each of {count} boxes; got {shown(values)}.')
    scores = np.array([_score(entry, name, value) for value in values], dtype=np.float64)
    if np.isnan(scores).all():
        raise entry.error("it has no crop with a score.")
    return scores


def _score(entry: Entry, name: str, value: object) -> float:
    if value is None:
        return float("nan")
    people = value if isinstance(value, list) else [value]
    if not people or not all(map(is_meant, people)):
        raise entry.error(f'"{name}" must be numbers, or lists of numbers; got {shown(value)}.')
    return sum(people) / len(people)


def save_views(images: Sequence[RatedImage], file: Path, fields: ViewFields) -> dict[str, Path]:
    """Write one file of labels, with null for crops without a score.

    Returns:
        The pictures, by the names that they are given.

    Raises:
        DataError: names do not differ, or the file cannot be written.
    """
    names = names_in_one_folder(images)
    rows = []
    for image, name in zip(images, names, strict=True):
        scores = [None if np.isnan(value) else plain([value])[0] for value in image.mos.tolist()]
        entry = {fields.boxes: [plain(box) for box in image.boxes_xyxy.tolist()], fields.scores: scores}
        rows.append(f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(entry)}")
    write_json(file, rows, "{}")
    return dict(zip(names, (image.path for image in images), strict=True))
