"""Whether a copy of a data set is sound: what is there, what the publication says, what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.folders import PICTURE_SUFFIXES
from cadrage.datasets.pictures import boxes_of, is_outside
from cadrage.datasets.registry import BOXED, DATA_SETS, KINDS, DataSet, Image, name_of, part_of
from cadrage.datasets.types import MaskedImage, RatedImage
from cadrage.errors import CadrageError
from cadrage.imaging import open_photo

UNKNOWN = "unknown"
PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a copy.

    Attributes:
        what: it is, in words that follow a number.
        count: how often.
        first: the first three.
    """

    what: str
    count: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.count} {self.what}: {'; '.join(self.first)}{'; ...' if self.count > 3 else ''}."


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
    images = data_set.read(root, allow_missing=allow_missing, keep_unrated=True)
    parts = dict(Counter(map(part_of, images)))
    release = release_of_parts(parts, data_set.counts)
    missing = _missing(parts, release, data_set.counts)
    sizes, problems = _opened(images, begin(len(images)))
    problems += [*_foreign(data_set, root), *_loose(root), *_twice(images), *_mixed(parts, data_set.counts)]
    if complete:
        problems += _incomplete(parts, data_set.counts)
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
        release=release,
        published={name: dict(counts) for name, counts in data_set.counts.items()},
        missing=missing,
        smallest_wh=min(sizes, key=lambda size: size[0] * size[1], default=None),
        largest_wh=max(sizes, key=lambda size: size[0] * size[1], default=None),
        problems=tuple(problems),
    )


def _boxes(image: Image) -> tuple[Any, ...]:
    if isinstance(image, BOXED):
        return boxes_of(image)
    return (image.boxes_xyxy,) if isinstance(image, CaptionCrops) else ()


def _problem(what: str, cases: Sequence[str]) -> list[Problem]:
    return [Problem(what, len(cases), tuple(cases[:3]))] if cases else []


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
            frame = f"{size_wh[0]} x {size_wh[1]}"
            for number, box in enumerate((box for boxes in _boxes(image) for box in boxes), start=1):
                if is_outside(box[None], size_wh):
                    corners = " ".join(f"{value:g}" for value in box)
                    outside.append(f"{name_of(image)}, box {number}: {corners} in {frame}")
            said_wh = mask_wh if isinstance(image, MaskedImage) else image.size_wh or size_wh
            if said_wh != size_wh:
                other_size.append(f"{name_of(image)}: {said_wh[0]} x {said_wh[1]}, picture {frame}")
        advance()
    return sizes, [
        *_problem("pictures that cannot be read", unreadable),
        *_problem("boxes outside their pictures (x1 y1 x2 y2)", outside),
        *_problem("labels or masks of another size than their pictures", other_size),
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
    return _problem(f"files of other data sets in {root}", cases)


def _loose(root: Path) -> list[Problem]:
    """Files beside the folders of the parts: those of a release without parts, put on top of one with them."""
    cases = [
        f"{folder.name}/{path.name}"
        for folder in sorted(path for path in root.iterdir() if path.is_dir())
        if any((folder / part).is_dir() for part in PARTS)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in PICTURE_SUFFIXES | {".txt"} and not path.name.startswith(".")
    ]
    return _problem("labels or pictures beside the folders of the parts, as of another release", cases)


def _twice(images: Sequence[Image]) -> list[Problem]:
    """Images that are in two parts."""
    parts: dict[str, set[str]] = {}
    for image in images:
        if not isinstance(image, CaptionCrops):
            parts.setdefault(image.name, set()).add(part_of(image))
    cases = [f"{name} ({' and '.join(sorted(among))})" for name, among in parts.items() if len(among) > 1]
    return _problem("images in more than one part, as of mixed releases", cases)


def _mixed(parts: Mapping[str, int], published: Mapping[str, Mapping[str, int]]) -> list[Problem]:
    """Parts whose numbers are those of different releases."""
    releases = {
        part: {release for release, counts in published.items() if counts.get(part) == count}
        for part, count in parts.items()
    }
    known = {part: among for part, among in releases.items() if among}
    if not known or set.intersection(*known.values()):
        return []
    cases = [f"{part} {parts[part]} ({', '.join(sorted(among))})" for part, among in known.items()]
    return _problem("parts of different releases", cases)


def release_of_parts(parts: Mapping[str, int], published: Mapping[str, Mapping[str, int]]) -> str:
    """The release whose numbers of images these are, all of its parts or some; "unknown" if there is none.

    Args:
        parts: images of each part; of ``""`` where there are none, which then may be the sum of the release's.
        published: images of each part of each release.
    """
    for release, counts in published.items():
        whole = {"": sum(counts.values())}
        if parts == whole or all(counts.get(part) == count for part, count in parts.items()):
            return release
    return UNKNOWN


def _missing(
    parts: Mapping[str, int], release: str, published: Mapping[str, Mapping[str, int]]
) -> tuple[str, ...]:
    if "" in parts and release != UNKNOWN:
        return ()
    # Of several releases nobody can say which one was meant.
    name = release if release != UNKNOWN else next(iter(published), "") if len(published) == 1 else ""
    return tuple(
        f"{count - parts.get(part, 0)} of {count} images{f' of part {part}' if part else ''} of {name}"
        for part, count in published.get(name, {}).items()
        if parts.get(part, 0) < count
    )


def _incomplete(parts: Mapping[str, int], published: Mapping[str, Mapping[str, int]]) -> list[Problem]:
    """Parts that differ from those of the release that has the most parts in common."""
    if not published or ("" in parts and release_of_parts(parts, published) != UNKNOWN):
        return []
    release = max(published, key=lambda one: sum(parts.get(p) == n for p, n in published[one].items()))
    counts = published[release]
    cases = [
        f"{part or 'all'} {parts.get(part, 0)}, not {counts.get(part, 0)} as in {release}"
        for part in dict.fromkeys([*counts, *parts])
        if parts.get(part, 0) != counts.get(part, 0)
    ]
    return _problem("parts with other numbers of images than published", cases)
