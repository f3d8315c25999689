"""FLMS, also called FAT: 500 photographs with ten crops each, by ten people (Fang et al., ACM MM 2014).

Labels lie in ``500_image_dataset.mat``, pictures in ``image``. The file holds ``img_gt``, an N x 1 structure with
the fields ``filename`` and ``bbox``: a K x 4 matrix, row first, ``y1 x1 y2 x2``, in which a row with a negative
number stands for a crop that nobody drew. The layout is written down here from programs that read the data set; no
copy of it was at hand. Reading and writing need the extra ``bench``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import found_in
from cadrage.datasets.pictures import names_in_one_folder, pictures_beside, solid_boxes, write_pictures
from cadrage.datasets.types import FramedImage
from cadrage.errors import DataError, MissingExtraError
from cadrage.geometry import FloatArray

LABELS = "500_image_dataset.mat"
TABLE = "img_gt"
FIELDS = ("filename", "bbox")
PICTURES = "image"
PICTURE_FOLDERS = (PICTURES, "images")
ROW_FIRST = [1, 0, 3, 2]
"""Columns of ``y1 x1 y2 x2`` in the order x1, y1, x2, y2, and the other way."""


def load_flms(root: Path, *, allow_missing: bool = False) -> tuple[FramedImage, ...]:
    """Read the crops. Pictures are not opened.

    Args:
        root: the folder that holds ``500_image_dataset.mat`` and ``image``.
        allow_missing: leave out labels without a picture.

    Returns:
        The images in the order of the file. Who drew which box is not known.

    Raises:
        DataError: the file is missing or malformed, pictures are missing or have no label; the message names file
            and entry, or how many and the first three.
        MissingExtraError: the extra ``bench`` is not installed.
    """
    file = root / LABELS
    faults = Faults()
    rows: dict[str, tuple[Any, str]] = {}
    for number, row in enumerate(_table(file), start=1):
        place = f"{file}, entry {number} of {TABLE}"
        with faults.caught():
            name = _name(row, place)
            if name in rows:
                raise DataError(f"{place}: {name} is there twice.")
            rows[name] = row, place
    folders = [root / folder for folder in PICTURE_FOLDERS]
    found: list[FramedImage] = []
    pictures = pictures_beside(file, rows, folders, allow_missing=allow_missing, faults=faults)
    for name, path in pictures.items():
        with faults.caught():
            row, place = rows[name]
            found.append(FramedImage(path.stem, path, _boxes(row, name, place), place=place))
    return faults.none_in(found)


def _table(file: Path) -> Any:  # noqa: ANN401
    try:
        from scipy.io import loadmat  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Reading a .mat file", "bench") from None
    if not file.is_file():
        raise DataError(
            f"{file.parent} has no {LABELS}, in which FLMS has its crops; {found_in(file.parent)}."
        )
    try:
        table = loadmat(file).get(TABLE)
    except Exception as error:  # a damaged file may raise almost anything
        raise DataError(f"{file} cannot be read as a MATLAB file: {error}.") from error
    if table is None or table.dtype.names is None or not set(FIELDS) <= set(table.dtype.names):
        raise DataError(f"{file} has no structure {TABLE} with the fields {' and '.join(FIELDS)}.")
    if not table.size:
        raise DataError(f"{file} holds no label.")
    return table.ravel()


def _name(row: Any, place: str) -> str:  # noqa: ANN401
    name = np.ravel(row["filename"])
    if len(name) != 1 or not isinstance(name[0], str):
        raise DataError(f"{place}: expected the name of a picture file in 'filename'.")
    return str(name[0])


def _boxes(row: Any, name: str, place: str) -> FloatArray:  # noqa: ANN401
    try:
        boxes = np.asarray(row["bbox"], dtype=np.float64)
    except (TypeError, ValueError):
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise DataError(f"{place}: expected rows of four numbers 'y1 x1 y2 x2' in 'bbox'.")
    drawn = boxes[(boxes >= 0).all(axis=1)]
    if not len(drawn):
        raise DataError(f"{place}: {name} has no crop.")
    return solid_boxes(drawn[:, ROW_FIRST], place)


def save_flms(images: Iterable[FramedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write crops in the layout that ``load_flms`` reads; parts and annotators are not kept.

    Args:
        images: what to write.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: names do not differ, or a file cannot be written.
        MissingExtraError: the extra ``bench`` is not installed.
    """
    try:
        from scipy.io import savemat  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Writing a .mat file", "bench") from None
    images = tuple(images)
    names = names_in_one_folder(images)
    table = np.empty((len(images), 1), dtype=[(field, object) for field in FIELDS])
    for number, (image, name) in enumerate(zip(images, names, strict=True)):
        table[number, 0] = (name, image.boxes_xyxy[:, ROW_FIRST])
    if copy_pictures:
        write_pictures(dict(zip(names, (image.path for image in images), strict=True)), root / PICTURES)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with replacing(root / LABELS) as new, new.open("wb") as stream:
            savemat(stream, {TABLE: table})
    except OSError as error:
        raise DataError(f"{root / LABELS} cannot be written: {error.strerror}.") from error
