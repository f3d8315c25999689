"""What a data set is to cadrage: how it is read and written, its numbers and terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.faults import problems_of
from cadrage.datasets.folders import found_in
from cadrage.datasets.pictures import with_sizes
from cadrage.datasets.releases import TWICE, named_with_parts, same_in_two_parts
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.errors import DataError, RequestError

Image = RatedImage | FramedImage | ComparedImage | CaptionCrops | MaskedImage
BOXED = (RatedImage, FramedImage, ComparedImage)

KINDS: dict[type, str] = {
    RatedImage: "rated crops",
    FramedImage: "best crops",
    ComparedImage: "pairs of crops",
    CaptionCrops: "crops for captions",
    MaskedImage: "masks",
}
"""What people said about the photographs, in words."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set, or a layout that data sets have.

    Attributes:
        name: as commands call it.
        title: what it is.
        kind: the type of its images; ``None`` for a layout of several kinds.
        load: reads all of a copy, given its folder, with the crops that nobody rated; pictures are not opened. With
            ``allow_missing``, which is given to sets that are ``listed`` only, labels without a picture are left
            out.
        save: writes images, given them and a folder; ``None`` where there is no writer.
        layout: what lies in the folder, in words.
        source: the publication.
        terms: the licence, or what is known of it.
        counts: images of each part of each published release; the part ``""`` is a set without parts.
        marks: names in the folder by which the layout is known, and which no other data set has.
        listed: its labels are a list apart from the pictures, which may be incomplete.
        parts: that it can be divided into; the part ``""`` is a set without parts. ``None``: any.
        names_people: it keeps who drew a crop.
    """

    name: str
    title: str
    kind: type | None
    load: Callable[..., Sequence[Any]]
    layout: str
    source: str
    terms: str
    save: Callable[[Iterable[Any], Path], None] | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    listed: bool = True
    parts: tuple[str, ...] | None = ("",)
    names_people: bool = False

    def read(
        self,
        root: Path,
        split: str = "all",
        *,
        read_sizes: bool = False,
        allow_missing: bool = False,
        keep_unrated: bool = False,
    ) -> tuple[Any, ...]:
        """Read a part of a copy, or all of it.

        Args:
            root: its folder.
            split: the part, or "all".
            read_sizes: read each picture's header for the size of its frame, and check that the boxes lie inside; a
                box that goes over the edge by a pixel at most is cut there.
            allow_missing: leave out labels whose picture is missing, where the layout can say so.
            keep_unrated: keep rated images' crops without a score, whose score is NaN.

        Returns:
            Images of the data set's kind.

        Raises:
            DataError: the copy is malformed, an image is in two parts, or boxes are outside their pictures; the
                message says how many and the first three.
            ImageError: a picture whose size is asked for cannot be read.
            RequestError: there is no such part.
            MissingExtraError: the layout needs an extra that is not installed.
        """
        images = self.read_all(root, allow_missing=allow_missing)
        twice = named_with_parts(same_in_two_parts(pictures_of_parts(images)))
        if twice:
            raise DataError(f"{root}: {problems_of(TWICE, twice)[0]}")
        if split != "all":
            parts = sorted({part for part in map(part_of, images) if part})
            if split not in parts:
                has = f"its parts are {', '.join(parts)}" if parts else "it has no parts"
                raise RequestError(f"{root} has no part '{split}': {has}.")
            images = [image for image in images if part_of(image) == split]
        if read_sizes and all(isinstance(image, BOXED) for image in images):
            images = with_sizes(images)
        if not keep_unrated:
            images = [_rated(image) if isinstance(image, RatedImage) else image for image in images]
        return tuple(images)

    def read_all(self, root: Path, *, allow_missing: bool = False) -> Sequence[Any]:
        """Read all of a copy as it is, in two parts or not.

        Raises:
            DamagedCopy: a part of the copy only can be used; it has the images that can.
            DataError: nothing of the copy can.
        """
        if not root.is_dir():
            raise DataError(f"{root} is not a folder." if root.exists() else f"{root} does not exist.")
        if self.marks and not any((root / mark).exists() for mark in self.marks):
            raise DataError(
                f"{root} has no {' or '.join(self.marks)}: {self.name} is {self.layout}; {found_in(root)}."
            )
        return self.load(root, allow_missing=allow_missing) if self.listed else self.load(root)


def _rated(image: RatedImage) -> RatedImage:
    kept = image.is_rated
    lines = tuple(line for line, is_kept in zip(image.lines, kept, strict=False) if is_kept)
    return replace(image, boxes_xyxy=image.boxes_xyxy[kept], mos=image.mos[kept], lines=lines)


def pictures_of_parts(images: Sequence[Image]) -> dict[str, dict[str, Path]]:
    """The pictures of each part by the names of their images."""
    parts: dict[str, dict[str, Path]] = {}
    for image in images:
        parts.setdefault(part_of(image), {})[name_of(image)] = image.path
    return parts


def part_of(image: Image) -> str:
    """The part that an image belongs to; ``""`` if there are none."""
    return getattr(image, "split", None) or ""


def name_of(image: Image) -> str:
    """What messages call an image."""
    return image.image if isinstance(image, CaptionCrops) else image.name
