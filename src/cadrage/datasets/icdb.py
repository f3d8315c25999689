"""ICDB, the CUHK image cropping data set: 950 photographs, three crops each (Yan et al., CVPR 2013).

Labels lie in ``Cropping parameters.txt``: a line with the name of a picture, then one line of four numbers for each
of the three annotators, ``y1 y2 x1 x2`` (top, bottom, left, right)::

    animal\\0001.jpg
    12 480 30 620
    0 470 25 640
    20 480 10 600

Names may have folders before them, which are passed over. Pictures lie in ``images`` or ``All_Images``. The layout
is written down here from memory of its description, and no copy was at hand: where a copy has its numbers in
another order, say so with ``order``; boxes without area or outside their pictures give a wrong order away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.faults import Faults
from cadrage.datasets.json_entries import read_text
from cadrage.datasets.pictures import names_in_one_folder, pictures_beside, solid_boxes, write_pictures
from cadrage.datasets.types import FramedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray

LABELS = "Cropping parameters.txt"
PICTURES = "images"
PICTURE_FOLDERS = (PICTURES, "All_Images", ".")
ANNOTATORS = ("1", "2", "3")
ORDER = ("y1", "y2", "x1", "x2")
CORNERS = ("x1", "y1", "x2", "y2")


def load_icdb(
    root: Path, *, allow_missing: bool = False, order: Sequence[str] = ORDER
) -> tuple[FramedImage, ...]:
    """Read the crops. Pictures are not opened.

    Args:
        root: the folder that holds ``Cropping parameters.txt`` and the folder of pictures.
        allow_missing: leave out labels without a picture.
        order: what the four numbers of a line are, each of x1, y1, x2, y2 once.

    Returns:
        The images in the order of the file; box k is that of annotator k + 1, called "1", "2" and "3".

    Raises:
        DataError: the file is missing or malformed, pictures are missing or have no label; the message names file
            and line, or how many and the first three.
    """
    file = root / LABELS
    faults = Faults()
    labels: dict[str, tuple[FloatArray, tuple[int, ...]] | None] = {}
    columns = [list(order).index(corner) for corner in CORNERS]
    lines = [(number, line.strip()) for number, line in enumerate(read_text(file).splitlines(), start=1)]
    rows = [(number, line) for number, line in lines if line]
    if not rows:
        raise DataError(f"{file} holds no label.")
    step = 1 + len(ANNOTATORS)
    for start in range(0, len(rows), step):
        number, heading = rows[start]
        name = re.split(r"[\\/]", heading)[-1]
        if name in labels:
            raise DataError(f"{file}, line {number}: {name} is there twice.")
        following = rows[start + 1 : start + step]
        if len(following) < len(ANNOTATORS):
            raise DataError(f"{file}, line {number}: {name} has {len(following)} crops of {len(ANNOTATORS)}.")
        labels[name] = None
        with faults.caught():
            boxes = [_box(f"{file}, line {place}", line, order, columns) for place, line in following]
            labels[name] = np.concatenate(boxes), tuple(place for place, _ in following)
    folders = [root / folder for folder in PICTURE_FOLDERS]
    pictures = pictures_beside(file, labels, folders, allow_missing=allow_missing, faults=faults)
    found = [(path, label) for name, path in pictures.items() if (label := labels[name]) is not None]
    return faults.none_in(
        [
            FramedImage(path.stem, path, drawn, None, None, ANNOTATORS, str(file), lines)
            for path, (drawn, lines) in found
        ]
    )


def _box(place: str, line: str, order: Sequence[str], columns: list[int]) -> FloatArray:
    try:
        values = np.array([float(word) for word in line.split()])
    except ValueError:
        values = np.zeros(0)
    if len(values) != len(CORNERS) or not np.isfinite(values).all():
        raise DataError(f"{place}: expected four numbers '{' '.join(order)}'; got '{line[:80]}'.")
    return solid_boxes(values[columns][None], place)


def save_icdb(images: Iterable[FramedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write crops in the layout that ``load_icdb`` reads; parts and names of annotators are not kept.

    Args:
        images: three boxes each.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: an image has not three boxes, names do not differ, or a file cannot be written.
    """
    images = tuple(images)
    names = names_in_one_folder(images)
    lines: list[str] = []
    for image, name in zip(images, names, strict=True):
        if len(image.boxes_xyxy) != len(ANNOTATORS):
            raise DataError(
                f"Image '{image.name}' has {len(image.boxes_xyxy)} boxes: ICDB has one of each of "
                f"{len(ANNOTATORS)} annotators."
            )
        lines.append(name)
        rows = image.boxes_xyxy[:, [CORNERS.index(corner) for corner in ORDER]].tolist()
        lines.extend(" ".join(f"{value:.17g}" for value in row) for row in rows)
    if copy_pictures:
        write_pictures(dict(zip(names, (image.path for image in images), strict=True)), root / PICTURES)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with replacing(root / LABELS) as new:
            new.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"{root / LABELS} cannot be written: {error.strerror}.") from error
