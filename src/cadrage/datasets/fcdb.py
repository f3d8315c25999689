"""The Flickr cropping data set, FCDB (Chen, Huang, Chang, Tsai, Chen, Chen, WACV 2017).

It is published as lists of addresses of Flickr photographs with labels, in JSON; photographs that their owners took
down are gone, so that copies differ: of the 348 photographs of the test part 345 are usually left. Two kinds of
labels: the best crop of a photograph as ``[x, y, w, h]`` in ``cropping_training_set.json`` and
``cropping_testing_set.json``, and pairs of crops with five people's votes in ``ranking_annotation.json``::

    [{"url": "https://farm1.staticflickr.com/2/3_4_b.jpg", "crop": [x, y, w, h], "flickr_photo_id": 3}]
    [{"url": "...", "crops": [{"crop_1": [x, y, w, h], "crop_2": [x, y, w, h], "vote_for_1": 4, "vote_for_2": 1}],
      "flickr_photo_id": 3}]

A photograph's file is called as at the end of its address or, if there is none of that name, by its number, as
``3.jpg``; it lies in ``images``, ``data`` or the folder itself. An image's name is that of the file without suffix.
The layout is written down here from its published description; no copy of the data set was at hand.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import PICTURE_SUFFIXES, found_in
from cadrage.datasets.json_entries import Entry, corners_of, read_entries, sides_of, write_json
from cadrage.datasets.pictures import names_in_one_folder, pictures_beside, solid_boxes, write_pictures
from cadrage.datasets.types import ComparedImage, FramedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray

CROPS = {"train": "cropping_training_set.json", "test": "cropping_testing_set.json"}
PAIRS = "ranking_annotation.json"
PICTURE_FOLDERS = ("images", "data", ".")


def load_fcdb(root: Path, *, allow_missing: bool = False) -> tuple[FramedImage, ...]:
    """Read the best crops. Pictures are not opened.

    Args:
        root: the folder that holds the JSON files and the folder of pictures.
        allow_missing: leave out labels whose photograph is gone, and a part whose photographs all are.

    Returns:
        The images of the train part, then of the test part, as far as their files are there, in the order of the
        files; one box each.

    Raises:
        DataError: neither file is there, a label is malformed or named twice, pictures are missing, or pictures
            have no label; the message names file and line, or how many and the first three.
    """
    files = {part: root / name for part, name in CROPS.items() if (root / name).is_file()}
    if not files:
        raise DataError(
            f"{root} has neither {' nor '.join(CROPS.values())}, in which FCDB has its best crops; "
            f"{found_in(root)}."
        )
    there = _files_in(root)
    known = _names_in(root / PAIRS, there)
    labels = {part: dict(_labels(file, there)) for part, file in files.items()}
    if allow_missing:
        labels = {part: own for part, own in labels.items() if not there.isdisjoint(own)} or labels
    faults = Faults()
    found: list[FramedImage] = []
    for part, entries in labels.items():
        others = {name for other in labels if other != part for name in labels[other]}
        pictures = _pictures(root, files[part], entries, known | others, faults, allow_missing=allow_missing)
        for name, path in pictures.items():
            with faults.caught():
                entry = entries[name]
                boxes = _box(entry.field("crop"), f'{entry.place}: "crop"')
                found.append(FramedImage(path.stem, path, boxes, part, place=entry.place))
    return faults.none_in(found)


def load_fcdb_pairs(root: Path, *, allow_missing: bool = False) -> tuple[ComparedImage, ...]:
    """Read the pairs of crops that people chose between. Pictures are not opened.

    Args:
        root: the folder that holds ``ranking_annotation.json`` and the folder of pictures.
        allow_missing: leave out labels whose photograph is gone.

    Returns:
        The images in the order of the file; the pairs have no parts.

    Raises:
        DataError: as ``load_fcdb``.
    """
    file = root / PAIRS
    there = _files_in(root)
    entries = dict(_labels(file, there))
    known = {name for crops in CROPS.values() for name in _names_in(root / crops, there)}
    faults = Faults()
    pictures = _pictures(root, file, entries, known, faults, allow_missing=allow_missing)
    found: list[ComparedImage] = []
    for name, path in pictures.items():
        with faults.caught():
            found.append(_compared(entries[name], path))
    return faults.none_in(found)


def _compared(entry: Entry, path: Path) -> ComparedImage:
    pairs = entry.field("crops")
    if not isinstance(pairs, list) or not pairs:
        raise entry.error('"crops" must be a list of pairs, and not empty.')
    firsts, seconds, votes = [], [], []
    for number, pair in enumerate(pairs, start=1):
        one = Entry(f"{entry.place}, pair {number}", "", pair, entry.offset)
        firsts.append(_box(one.field("crop_1"), f'{one.place}: "crop_1"'))
        seconds.append(_box(one.field("crop_2"), f'{one.place}: "crop_2"'))
        votes.append([one.whole("vote_for_1"), one.whole("vote_for_2")])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    return ComparedImage(path.stem, path, first, second, np.array(votes, dtype=np.int64), place=entry.place)


def _files_in(root: Path) -> set[str]:
    folder = next((root / folder for folder in PICTURE_FOLDERS if (root / folder).is_dir()), None)
    return {path.name for path in folder.iterdir()} if folder is not None else set()


def _labels(file: Path, there: Container[str]) -> Iterator[tuple[str, Entry]]:
    """Each label with the name of its picture's file."""
    seen: dict[str, str] = {}
    for entry in read_entries(file):
        name = PurePosixPath(urlsplit(entry.text("url")).path).name
        if PurePosixPath(name).suffix.lower() not in PICTURE_SUFFIXES:
            raise entry.error(f"the address ends in '{name}', which is no name of a picture file.")
        if name not in there and f"{entry.value.get('flickr_photo_id')}.jpg" in there:
            name = f"{entry.value['flickr_photo_id']}.jpg"
        if name in seen:
            raise entry.error(f"the photograph {name} has a label already in {seen[name]}.")
        seen[name] = entry.place
        yield name, entry
    if not seen:
        raise DataError(f"{file} holds no label.")


def _names_in(file: Path, there: Container[str]) -> set[str]:
    return {name for name, _ in _labels(file, there)} if file.is_file() else set()


def _pictures(
    root: Path, file: Path, names: Iterable[str], known: Iterable[str], faults: Faults, *, allow_missing: bool
) -> dict[str, Path]:
    folders = [root / folder for folder in PICTURE_FOLDERS]
    return pictures_beside(file, names, folders, allow_missing=allow_missing, known=known, faults=faults)


def _box(value: object, place: str) -> FloatArray:
    """A box ``[x, y, w, h]`` as corners, shape (1, 4)."""
    return solid_boxes(corners_of(value, place), place)


def save_fcdb(images: Iterable[FramedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write best crops in the layout that ``load_fcdb`` reads.

    Args:
        images: one box each; images without a part go into the test part.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: an image has several boxes or a part that FCDB has not, names do not differ, or a file cannot be
            written.
    """
    images = tuple(images)
    names = names_in_one_folder(images)
    rows: dict[str, list[str]] = {}
    for image, name in zip(images, names, strict=True):
        if len(image.boxes_xyxy) != 1:
            raise DataError(
                f"Image '{image.name}' has {len(image.boxes_xyxy)} boxes: FCDB has one best crop an image."
            )
        if image.split not in (None, *CROPS):
            raise DataError(f"Image '{image.name}' is of the part '{image.split}': FCDB has train and test.")
        entry = {"url": name, "crop": sides_of(image.boxes_xyxy[0])}
        rows.setdefault(CROPS[image.split or "test"], []).append(json.dumps(entry, ensure_ascii=False))
    if copy_pictures:
        write_pictures(dict(zip(names, (image.path for image in images), strict=True)), root / "images")
    for file, lines in rows.items():
        write_json(root / file, lines)


def save_fcdb_pairs(images: Iterable[ComparedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write pairs of crops in the layout that ``load_fcdb_pairs`` reads; parts are not kept.

    Args:
        images: what to write.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: names do not differ, or a file cannot be written.
    """
    images = tuple(images)
    names = names_in_one_folder(images)
    rows = []
    for image, name in zip(images, names, strict=True):
        pairs = zip(image.first_xyxy, image.second_xyxy, image.votes.tolist(), strict=True)
        crops: Sequence[dict[str, Any]] = [
            {"crop_1": sides_of(first), "crop_2": sides_of(second), "vote_for_1": one, "vote_for_2": other}
            for first, second, (one, other) in pairs
        ]
        rows.append(json.dumps({"url": name, "crops": crops}, ensure_ascii=False))
    if copy_pictures:
        write_pictures(dict(zip(names, (image.path for image in images), strict=True)), root / "images")
    write_json(root / PAIRS, rows)
