"""Whether a copy of a data set is sound: what is there, what the publication says, what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.data_set import KINDS, DataSet, Image, name_of, part_of, pictures_of_parts
from cadrage.datasets.faults import DamagedCopy, Problem, problems_of
from cadrage.datasets.folders import PICTURE_SUFFIXES
from cadrage.datasets.pictures import OUTSIDE, boxes_of, boxes_outside, cases_outside
from cadrage.datasets.registry import DATA_SETS
from cadrage.datasets.releases import (
    MIXED,
    TWICE,
    in_two_parts,
    missing_images,
    mixed_releases,
    named_with_parts,
    other_numbers,
    release_of_parts,
)
from cadrage.datasets.types import MaskedImage, RatedImage
from cadrage.errors import CadrageError
from cadrage.geometry import FloatArray
from cadrage.imaging import open_photo

PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Check:
    """What a copy holds.

    Attributes:
        data_set: name of the data set.
        title: what it is.
        source: the publication.
        terms: the licence, or what is known of it.
        kind: what people said about the photographs.
        images: how many labels with a picture; a caption counts as one.
        crops: how many boxes.
        unrated: how many of them nobody rated.
        parts: images of each part; of ``""`` where there are none.
        release: the published one whose numbers these are, else "unknown".
        published: images of each part of each release.
        missing: what there should be more, in sentences.
        smallest_wh: width and height of the picture of the least area; ``None`` if none can be read.
        largest_wh: of that of the largest.
        problems: what makes the copy a bad one.
    """

    data_set: str
    title: str
    source: str
    terms: str
    kind: str
    images: int
    crops: int
    unrated: int
    parts: Mapping[str, int]
    release: str
    published: Mapping[str, Mapping[str, int]]
    missing: tuple[str, ...]
    smallest_wh: tuple[int, int] | None
    largest_wh: tuple[int, int] | None
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def check_data_set(
    data_set: DataSet,
    root: Path,
    *,
    allow_missing: bool = False,
    complete: bool = False,
    begin: Callable[[int], Callable[[], None]] = lambda count: lambda: None,
) -> Check:
    """Read a copy, open the header of each picture, and compare the numbers with the published ones.

    Args:
        data_set: what the copy is said to be.
        root: its folder. Nothing is written.
        allow_missing: labels without a picture are no problem, where the layout can say so.
        complete: another number of images than published is a problem, not only a remark.
        begin: called with the number of images before their pictures are opened; what it returns, after each.

    Raises:
        DataError: the copy cannot be read at all.
    """
    damages: tuple[Problem, ...] = ()
    try:
        images = data_set.read_all(root, allow_missing=allow_missing)
    except DamagedCopy as damaged:
        images, damages = damaged.images, damaged.problems
        if not images:
            raise
    parts = dict(Counter(map(part_of, images)))
    sizes, problems = _opened(images, begin(len(images)))
    found = [
        # By name alone: a photograph that was saved anew for another release has other bytes.
        *problems_of(TWICE, named_with_parts(in_two_parts(pictures_of_parts(images)))),
        *damages,
        *problems,
        *_foreign(data_set, root),
        *_loose(root),
        *_unread(root, images),
        *problems_of(MIXED, mixed_releases(parts, data_set.counts)),
    ]
    if complete:
        found += problems_of(
            "parts with other numbers of images than published", other_numbers(parts, data_set.counts)
        )
    return Check(
        data_set=data_set.name,
        title=data_set.title,
        source=data_set.source,
        terms=data_set.terms,
        kind=KINDS[type(images[0])],
        images=len(images),
        crops=sum(len(boxes) for image in images for boxes in _boxes(image)),
        unrated=sum(int((~image.is_rated).sum()) for image in images if isinstance(image, RatedImage)),
        parts=parts,
        release=release_of_parts(parts, data_set.counts),
        published={name: dict(counts) for name, counts in data_set.counts.items()},
        missing=missing_images(parts, data_set.counts),
        smallest_wh=min(sizes, key=_by_area, default=None),
        largest_wh=max(sizes, key=_by_area, default=None),
        # What a reader itself refuses is found again in what it could read.
        problems=tuple({problem.what: problem for problem in reversed(found)}.values())[::-1],
    )


def _by_area(size_wh: tuple[int, int]) -> tuple[int, int]:
    return size_wh[0] * size_wh[1], size_wh[0]  # of a portrait and a landscape the latter is the larger


def _boxes(image: Image) -> tuple[FloatArray, ...]:
    if isinstance(image, MaskedImage):
        return ()
    return (image.boxes_xyxy,) if isinstance(image, CaptionCrops) else boxes_of(image)


def _outside(image: Image, size_wh: tuple[int, int]) -> list[str]:
    if isinstance(image, MaskedImage):
        return []
    if isinstance(image, CaptionCrops):
        return cases_outside(
            image.boxes_xyxy, size_wh, lambda n: f"{image.place} ({image.image}), box {n + 1}"
        )
    return boxes_outside(image, size_wh)


def _opened(
    images: Sequence[Image], advance: Callable[[], None]
) -> tuple[list[tuple[int, int]], list[Problem]]:
    """Sizes of the pictures, and what is wrong with them and the boxes in them."""
    sizes: list[tuple[int, int]] = []
    unreadable: list[str] = []
    outside: list[str] = []
    other_size: list[str] = []
    for image in images:
        try:
            size_wh = open_photo(image.path).size_wh
            mask_wh = open_photo(image.mask_path).size_wh if isinstance(image, MaskedImage) else size_wh
        except CadrageError as error:
            unreadable.append(str(error).rstrip("."))
        else:
            sizes.append(size_wh)
            outside += _outside(image, size_wh)
            said_wh = mask_wh if isinstance(image, MaskedImage) else image.size_wh or size_wh
            if said_wh != size_wh:
                frame = f"{size_wh[0]} x {size_wh[1]}"
                other_size.append(f"{name_of(image)}: {said_wh[0]} x {said_wh[1]}, picture {frame}")
        advance()
    return sizes, [
        *problems_of("pictures that cannot be read", unreadable),
        *problems_of(OUTSIDE, outside),
        *problems_of("labels or masks of another size than their pictures", other_size),
    ]


def _foreign(data_set: DataSet, root: Path) -> list[Problem]:
    """Files by which other data sets are known; best crops and pairs of FCDB share a folder."""
    family = data_set.name.partition("-")[0]
    own = {mark for one in DATA_SETS.values() if one.name.startswith(family) for mark in one.marks}
    cases = [
        f"{mark} of {one.name}"
        for one in DATA_SETS.values()
        for mark in one.marks
        if mark not in own | set(data_set.marks) and (root / mark).exists()
    ]
    return problems_of(f"files of other data sets in {root}", cases)


def _divided(root: Path) -> list[Path]:
    """The folders that hold folders of the parts."""
    return [
        folder
        for folder in sorted(path for path in root.iterdir() if path.is_dir())
        if any((folder / part).is_dir() for part in PARTS)
    ]


def _loose(root: Path) -> list[Problem]:
    """Files beside the folders of the parts: those of a release without parts, put on top of one with them."""
    cases = [
        f"{folder.name}/{path.name}"
        for folder in _divided(root)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PICTURE_SUFFIXES | {".txt"} and not path.name.startswith(".")
    ]
    return problems_of("labels or pictures beside the folders of the parts, as of another release", cases)


def _unread(root: Path, images: Sequence[Image]) -> list[Problem]:
    """Folders beside those of the parts from which nothing was read, such as a part under another name."""
    read = {folder for image in images for folder in image.path.parents} | {
        part_of(image) for image in images
    }
    cases = [
        f"{folder.name}/{path.name} ({count} {'file' if count == 1 else 'files'})"
        for folder in _divided(root)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".") and path.name not in PARTS
        if path not in read and path.name not in read
        if (count := sum(one.is_file() for one in path.rglob("*")))
    ]
    return problems_of(f"folders that are no part: expected {', '.join(PARTS)}", cases)
