"""COCO-style JSON: any data set of crops in the layout that labelling programs and detection code read.

Labels lie in ``annotations.json``, pictures in ``images``, in a folder for each part where there are parts::

    {"info": {"kind": "rated"},
     "images": [{"id": 1, "file_name": "train/beach.jpg", "width": 640, "height": 480, "split": "train"}],
     "categories": [{"id": 1, "name": "crop"}],
     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x, y, w, h], "area": 96000, "iscrowd": 0,
                      "score": 3.71}]}

Beyond COCO, an annotation has ``score`` where crops are rated (null: not rated), ``caption`` where they were drawn
for one, ``pair`` and ``votes`` where people chose between two, ``annotator`` where it is known who drew it. Files
of other programs have no ``kind``: the keys of their annotations tell. ``segmentation`` is not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import PICTURE_SUFFIXES, first_of
from cadrage.datasets.json_entries import (
    Entry,
    corners_of,
    entries_in,
    is_meant,
    plain,
    read_entries,
    read_text,
    shown,
    sides_of,
    write_json,
)
from cadrage.datasets.pictures import are_outside, cut_at_edge, require_pictures, write_pictures
from cadrage.datasets.types import ComparedImage, FramedImage, RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.imaging import open_photo

LABELS = "annotations.json"
PICTURES = "images"
CROP = {"id": 1, "name": "crop", "supercategory": "composition"}

CocoImage = RatedImage | FramedImage | ComparedImage | CaptionCrops

KINDS: dict[str, type] = {
    "rated": RatedImage,
    "framed": FramedImage,
    "compared": ComparedImage,
    "captioned": CaptionCrops,
}
TELLING = {"votes": "compared", "caption": "captioned", "score": "rated"}
"""Keys of an annotation that tell the kind of the data set, the first one first; none tells of best crops."""


def load_coco(root: Path, *, allow_missing: bool = False) -> tuple[CocoImage, ...]:
    """Read a data set of crops. Pictures are not opened.

    Args:
        root: the folder that holds ``annotations.json`` and ``images``.
        allow_missing: leave out images without a picture.

    Returns:
        Images of one kind, in the order of the file; a caption is an image of its own.

    Raises:
        DataError: the file is missing or malformed, a box is outside its picture, pictures are missing or have no
            label; the message names file and line, or how many and the first three.
    """
    file = root / LABELS
    text = read_text(file)
    tops = {entry.key: entry for entry in read_entries(file)}
    for name in ("images", "annotations"):
        if not isinstance(getattr(tops.get(name), "value", None), list):
            held = first_of([f'"{key}"' for key in tops]) or "nothing"
            raise DataError(f'{file} has no list "{name}": expected JSON as of COCO; it holds {held}.')
    pictures: dict[int, Entry] = {}
    for entry in entries_in(file, text, tops["images"].offset):
        if entry.whole("id") in pictures:
            raise entry.error(f"the image id {entry.value['id']} is there twice.")
        pictures[entry.value["id"]] = entry
    crops: dict[int, list[Entry]] = {one: [] for one in pictures}
    for entry in entries_in(file, text, tops["annotations"].offset):
        if entry.whole("image_id") not in crops:
            raise entry.error(f"there is no image of the id {entry.value['image_id']}.")
        crops[entry.value["image_id"]].append(entry)
    kind = _kind(tops.get("info"), [entry for entries in crops.values() for entry in entries], file)
    faults = Faults()
    empty = [pictures[one].text("file_name") for one, entries in crops.items() if not entries]
    faults.add(f"images of {file} have no annotation", empty)
    paths = _paths(root, list(pictures.values()), faults, allow_missing=allow_missing)
    found: list[CocoImage] = []
    for one, path in zip(pictures, paths, strict=True):
        if path is not None and crops[one]:
            with faults.caught():
                found += _images(kind, pictures[one], path, crops[one])
    return faults.none_in(found)


def _kind(info: Entry | None, crops: Sequence[Entry], file: Path) -> str:
    said = info.value.get("kind") if info is not None and isinstance(info.value, dict) else None
    if said is not None and said not in KINDS:
        raise DataError(f'{file} is of the kind {shown(said)}: "kind" must be one of {", ".join(KINDS)}.')
    if not crops:
        raise DataError(f"{file} holds no annotation.")
    told = (kind for key, kind in TELLING.items() if any(key in entry.value for entry in crops))
    return said or next(told, "framed")


def _paths(root: Path, entries: Sequence[Entry], faults: Faults, *, allow_missing: bool) -> list[Path | None]:
    """Where each image's picture lies; ``None`` where it is missing."""
    folder = root / PICTURES
    names: dict[str, None] = {}
    for entry in entries:
        name = PurePosixPath(entry.text("file_name"))
        if name.is_absolute() or ".." in name.parts or name.suffix.lower() not in PICTURE_SUFFIXES:
            raise entry.error(f"'{name}' is no name of a picture file in {folder}.")
        if str(name) in names:
            raise entry.error(f"the picture {name} is there twice.")
        names[str(name)] = None
    missing = {name: None for name in names if not (folder / name).is_file()}
    require_pictures(
        root / LABELS, folder, list(missing), len(names), allow_missing=allow_missing, faults=faults
    )
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    }
    faults.add(f"pictures in {folder} have no label in {root / LABELS}", sorted(there - set(names)))
    return [None if name in missing else folder / name for name in names]


def _images(kind: str, picture: Entry, path: Path, crops: Sequence[Entry]) -> list[CocoImage]:
    size_wh = picture.whole("width", 1), picture.whole("height", 1)
    split = picture.text("split") if picture.value.get("split") is not None else None
    boxes, place = _boxes(crops, size_wh), picture.place
    if kind == "rated":
        scores = np.array([_score(entry) for entry in crops])
        return [RatedImage(path.stem, path, boxes, scores, split, size_wh, place)]
    if kind == "framed":
        return [FramedImage(path.stem, path, boxes, split, size_wh, _annotators(crops) or (), place)]
    if kind == "compared":
        return [_compared(path, boxes, crops, split, size_wh, place)]
    captions: dict[str, list[int]] = {}
    for number, entry in enumerate(crops):
        captions.setdefault(entry.text("caption"), []).append(number)
    return [
        CaptionCrops(
            path.name, path, size_wh, caption, boxes[own], _annotators([crops[one] for one in own]), place
        )
        for caption, own in captions.items()
    ]


def _boxes(crops: Sequence[Entry], size_wh: tuple[int, int]) -> FloatArray:
    """The boxes of an image, shape (K, 4), cut at the edge of its frame."""
    boxes = np.concatenate([corners_of(entry.field("bbox"), f'{entry.place}: "bbox"') for entry in crops])
    outside = np.flatnonzero(are_outside(boxes, size_wh)).tolist()
    if outside:
        first = crops[outside[0]]
        more = f", and {len(outside) - 1} more of its image," if len(outside) > 1 else ""
        raise first.error(
            f"the box {shown(first.value['bbox'])}{more} has no area or is outside its picture of "
            f"{size_wh[0]} x {size_wh[1]} pixels."
        )
    return cut_at_edge(boxes, size_wh)


def _score(entry: Entry) -> float:
    value = entry.value.get("score")
    if value is not None and not is_meant(value):
        raise entry.error(f'"score" must be a number, or null; got {shown(value)}.')
    return float("nan") if value is None else float(value)


def _annotators(crops: Sequence[Entry]) -> tuple[str, ...] | None:
    """Who drew the boxes; ``None`` where that is not said of all."""
    if not all("annotator" in entry.value for entry in crops):
        return None
    return tuple(entry.text("annotator") for entry in crops)


def _compared(
    path: Path,
    boxes: FloatArray,
    crops: Sequence[Entry],
    split: str | None,
    size_wh: tuple[int, int],
    place: str,
) -> ComparedImage:
    pairs: dict[int, list[int]] = {}
    for number, entry in enumerate(crops):
        pairs.setdefault(entry.whole("pair"), []).append(number)
    for own in pairs.values():
        if len(own) != 2:
            raise crops[own[0]].error(f"the pair {crops[own[0]].value['pair']} has {len(own)} crops of 2.")
    firsts, seconds = zip(*pairs.values(), strict=True)
    votes = np.array([[crops[one].whole("votes") for one in own] for own in pairs.values()], dtype=np.int64)
    first, second = boxes[list(firsts)], boxes[list(seconds)]
    return ComparedImage(path.stem, path, first, second, votes, split, size_wh, place)


def save_coco(images: Iterable[CocoImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write a data set in the layout that ``load_coco`` reads.

    Args:
        images: of one kind. The header of a picture of unknown size is read.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: there is no image, kinds are mixed, two pictures have one name, or a file cannot be written.
        ImageError: a picture cannot be read.
    """
    images = tuple(images)
    kinds = {kind for kind, type_ in KINDS.items() if any(isinstance(image, type_) for image in images)}
    if len(kinds) != 1:
        raise DataError(
            f"One kind of image can be written as COCO at a time; got {', '.join(kinds) or 'none'}."
        )
    pictures: dict[str, Path] = {}
    entries: dict[str, dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    seen: set[tuple[str, str]] = set()
    for image in images:
        name = _file_name(image)
        what = (name, image.caption if isinstance(image, CaptionCrops) else "")
        if what in seen or pictures.setdefault(name, image.path) != image.path:
            raise DataError(f"Two images are called '{name}'.")
        seen.add(what)
        split = None if isinstance(image, CaptionCrops) else image.split
        width, height = image.size_wh or open_photo(image.path).size_wh
        entry = {"id": len(entries) + 1, "file_name": name, "width": width, "height": height}
        entry = entries.setdefault(name, entry | ({"split": split} if split else {}))
        for box, more in _crops(image):
            sides = sides_of(box)
            about = {"id": len(annotations) + 1, "image_id": entry["id"], "category_id": 1}
            about |= {"bbox": sides, "area": plain([sides[2] * sides[3]])[0], "iscrowd": 0}
            annotations.append(about | more)
    if copy_pictures:
        write_pictures(pictures, root / PICTURES)
    info = {"description": "crops, written by cadrage", "kind": kinds.pop()}
    lists = {"images": list(entries.values()), "categories": [CROP], "annotations": annotations}
    rows = [f'"info": {json.dumps(info)}', '"licenses": []']
    for key, values in lists.items():
        lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
        rows.append(f'"{key}": [\n{lines}\n]')
    write_json(root / LABELS, rows, "{}")


def _file_name(image: CocoImage) -> str:
    if isinstance(image, CaptionCrops):
        return image.image
    name = f"{image.name}{image.path.suffix.lower()}"
    return f"{image.split}/{name}" if image.split else name


def _crops(image: CocoImage) -> Iterable[tuple[FloatArray, dict[str, Any]]]:
    """Each box with what its annotation says beyond COCO."""
    if isinstance(image, RatedImage):
        for box, mos in zip(image.boxes_xyxy, image.mos.tolist(), strict=True):
            yield box, {"score": None if np.isnan(mos) else mos}
    elif isinstance(image, ComparedImage):
        rows = zip(image.first_xyxy, image.second_xyxy, image.votes.tolist(), strict=True)
        for pair, (first, second, votes) in enumerate(rows, start=1):
            yield first, {"pair": pair, "votes": votes[0]}
            yield second, {"pair": pair, "votes": votes[1]}
    else:
        is_captioned = isinstance(image, CaptionCrops)
        people = (image.raters if is_captioned else image.annotators) or ()  # type: ignore[union-attr]
        for number, box in enumerate(image.boxes_xyxy):
            more = {"caption": image.caption} if is_captioned else {}  # type: ignore[union-attr]
            yield box, more | ({"annotator": people[number]} if people else {})
