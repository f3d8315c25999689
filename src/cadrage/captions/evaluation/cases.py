"""What caption-guided croppers are measured on: a photograph, a caption, and the boxes that it describes.

Three kinds of case: a phrase and the boxes of what it names; a whole caption and the box around all that it names;
and a caption with the crops that people drew for it. ``mosaics`` has a fourth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.entities import CaptionedImage
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray, as_boxes
from cadrage.imaging import Photo, open_photo

LEAST_WORDS = 2
"""Of a phrase that is a case: "dogs" alone says less than "two big dogs"."""

LEAST_SHARE, MOST_SHARE = 0.1, 0.6
"""Of the frame that the box around a phrase's things covers, ends included."""

LEAST_CAPTION = 3
"""Words of a whole caption that is a case: three captions of Flickr8k are fragments, "a" and the like."""


class Scene(Protocol):
    """A picture that is made when it is needed."""

    def picture(self) -> NDArray[np.uint8]:
        """Its pixels, RGB, shape (H, W, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class CaptionCase:
    """A photograph, a caption, and where in the photograph it is.

    Attributes:
        name: no other case of the same kind has it.
        source: the picture file, or a picture yet to be made.
        size_wh: width and height of the frame, pixels.
        caption: the words that a cropper is given.
        boxes_xyxy: where they are: in frame pixels, shape (K, 4), K from 1.
    """

    name: str
    source: Path | Scene
    size_wh: tuple[int, int]
    caption: str
    boxes_xyxy: FloatArray

    def photo(self) -> Photo:
        """The photograph, opened.

        Raises:
            ImageError: it cannot be opened.
            RequestError: its size is not that of the labels.
        """
        if isinstance(self.source, Path):
            photo = open_photo(self.source)
        else:
            photo = open_photo(self.source.picture(), name=self.name)
        if photo.size_wh != self.size_wh:
            raise RequestError(
                f"{photo.name} has {photo.size_wh[0]} x {photo.size_wh[1]} pixels, its labels "
                f"{self.size_wh[0]} x {self.size_wh[1]}."
            )
        return photo


def entity_cases(images: Iterable[CaptionedImage], seed: int = 0) -> tuple[CaptionCase, ...]:
    """One phrase of each photograph, and the box around what it names.

    A phrase can be chosen if it has at least two words, divided by spaces, and the smallest box around all its
    boxes covers 10 to 60 % of the frame. Of a photograph's M such phrases, in the order of the file and with
    repetitions, the one of number (sha256 of the image's name + seed) mod M is taken: every photograph's choice is
    its own, whatever else is in the data set.

    Args:
        images: photographs with phrases.
        seed: which phrase; the next seed takes each photograph's next phrase.

    Returns:
        The cases in the order of the photographs; photographs without such a phrase are left out.
    """
    cases = []
    for image in images:
        width, height = image.size_wh
        fitting = [
            entity
            for entity in image.entities
            if len(entity.phrase.split()) >= LEAST_WORDS
            and LEAST_SHARE <= entity.union.area / (width * height) <= MOST_SHARE
        ]
        if fitting:
            entity = fitting[(digest_of(image.name) + seed) % len(fitting)]
            cases.append(
                CaptionCase(image.name, image.path, image.size_wh, entity.phrase, as_boxes([entity.union]))
            )
    return tuple(cases)


def sentence_cases(images: Iterable[CaptionedImage]) -> tuple[CaptionCase, ...]:
    """Every whole caption of at least three words of which something has a box, and the box around all of that.

    Returns:
        The cases in the order of photographs and captions, named ``NAME#NUMBER``.
    """
    cases = []
    for image in images:
        for number, caption in enumerate(image.captions):
            parts = [entity.boxes_xyxy for entity in image.entities if entity.caption == number]
            if parts and len(caption.split()) >= LEAST_CAPTION:
                boxes = np.concatenate(parts)
                around = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None]
                name = f"{image.name}#{number}"
                cases.append(CaptionCase(name, image.path, image.size_wh, caption, around))
    return tuple(cases)


def crop_cases(captions: Iterable[CaptionCrops]) -> tuple[CaptionCase, ...]:
    """Captions and the crops that people drew for them, every crop a truth of its own.

    Returns:
        The cases in the order of the file, named ``NAME#NUMBER``; captions for which nobody drew are left out.
    """
    counts: dict[str, int] = {}
    cases = []
    for one in captions:
        number = counts.setdefault(one.image, 0)
        counts[one.image] += 1
        if len(one.boxes_xyxy):
            name = f"{one.image}#{number}"
            cases.append(CaptionCase(name, one.path, one.size_wh, one.caption, one.boxes_xyxy))
    return tuple(cases)


def draw_cases(cases: Sequence[CaptionCase], count: int | None, seed: int = 0) -> tuple[CaptionCase, ...]:
    """Some of the cases, drawn by a hash of seed and name, in their order.

    Args:
        cases: to draw from.
        count: how many; ``None``, or more than there are, for all.
        seed: which draw.

    Raises:
        RequestError: there is no case, or none is asked for.
    """
    if not cases:
        raise RequestError("There is no such case in the data set: no box that fits the protocol.")
    if count is None:
        return tuple(cases)
    if count < 1:
        raise RequestError(f"At least one case must be asked for; got {count}.")
    drawn = sorted(cases, key=lambda case: digest_of(f"{seed}:{case.name}"))[:count]
    names = {case.name for case in drawn}
    return tuple(case for case in cases if case.name in names)


def digest_of(text: str) -> int:
    """A number that depends on a text alone, the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
