"""Photographs with captions, and boxes for the phrases in them (Flickr30k Entities; Plummer et al., ICCV 2015).

Pictures lie in ``images/NAME.jpg``; ``captions.jsonl`` has one photograph a line, in pixels of the picture::

    {"image": "NAME.jpg", "width": 224, "height": 168, "captions": ["Two dogs are staring at a cat ."],
     "entities": [{"phrase": "a cat", "caption": 0, "boxes": [[29.1, 21.1, 84.7, 103.5]]}]}

Several boxes of a phrase are several things it names, or parts of one: together they are what it describes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any

from cadrage.datasets.gaicd import split_by_seed
from cadrage.datasets.json_entries import Entry, rows_of, text_lines
from cadrage.errors import DataError
from cadrage.geometry import Box, FloatArray

FILE = "captions.jsonl"
IMAGES = "images"


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A phrase of a caption, and where in the photograph it is.

    Attributes:
        phrase: the words.
        caption: number of the caption they are part of.
        boxes_xyxy: in frame pixels, float64, shape (K, 4), K from 1.
    """

    phrase: str
    caption: int
    boxes_xyxy: FloatArray

    @property
    def union(self) -> Box:
        """The smallest box around all boxes."""
        low, high = self.boxes_xyxy[:, :2].min(axis=0), self.boxes_xyxy[:, 2:].max(axis=0)
        return Box(*low.tolist(), *high.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class CaptionedImage:
    """A photograph, what people say of it, and where what they name is. The photograph itself is not opened.

    Attributes:
        name: what identifies the image in its data set.
        path: the picture file.
        size_wh: width and height of the frame in pixels.
        captions: sentences about the whole photograph.
        entities: phrases of them with boxes.
    """

    name: str
    path: Path
    size_wh: tuple[int, int]
    captions: tuple[str, ...]
    entities: tuple[Entity, ...]


def load_entities(root: Path) -> tuple[CaptionedImage, ...]:
    """Read a data set of captions and phrase boxes. Pictures are not opened.

    Args:
        root: the folder that holds ``captions.jsonl`` and ``images``.

    Returns:
        The photographs in the order of the file. Empty lines and unknown keys are passed over.

    Raises:
        DataError: a file or picture is missing, or a line is malformed; the message names the file and the line.
    """
    file = root / FILE
    found = [_captioned(entry, root / IMAGES) for entry in _lines(file)]
    if not found:
        raise DataError(f"{file} holds no photograph.")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CaptionDivision:
    """Captioned photographs divided into a part to learn from and a part to judge by.

    Attributes:
        training: to learn from.
        validation: to choose and report by.
        description: how the validation part was made.
    """

    training: tuple[CaptionedImage, ...]
    validation: tuple[CaptionedImage, ...]
    description: str

    def record(self) -> dict[str, Any]:
        """Plain values for a run record."""
        return {
            "training_images": len(self.training),
            "validation_images": len(self.validation),
            "validation": self.description,
        }


USUAL_VALIDATION = 500
"""Photographs set aside of 2,500 or more; of fewer, a fifth."""


def divide_captions(root: Path, validation: int | None = None, seed: int = 0) -> CaptionDivision:
    """Divide a data set by a hash of the photographs' names.

    Args:
        root: of the data set.
        validation: photographs to set aside; 0 for none, ``None`` for the usual number, at most a fifth.
        seed: which draw.

    Raises:
        DataError: the data set is malformed.
        RequestError: there are too few photographs to draw so many.
    """
    images = load_entities(root)
    if validation is None:
        validation = min(USUAL_VALIDATION, len(images) // 5)
    if not validation:
        return CaptionDivision(images, (), "none")
    rest, drawn = split_by_seed(images, validation, seed)
    return CaptionDivision(rest, drawn, f"{validation} photographs, seed {seed}")


def _lines(file: Path) -> Iterator[Entry]:
    offset = 0
    for number, line in enumerate(text_lines(file), start=1):
        place = f"{file}, line {number}"
        if line.strip():
            try:
                yield Entry(place, "", loads(line), offset)
            except (JSONDecodeError, RecursionError):
                raise DataError(f"{place}: this is no JSON.") from None
        offset += len(line) + 1


def _captioned(entry: Entry, images: Path) -> CaptionedImage:
    name = entry.text("image")
    if Path(name).name != name:
        raise entry.error(f"'{name}' is no name of a file in {images}.")
    path = images / name
    if not path.is_file():
        raise entry.error(f"{path} does not exist.")
    size_wh = entry.whole("width", 1), entry.whole("height", 1)
    captions = entry.field("captions")
    if not isinstance(captions, list) or not all(isinstance(one, str) for one in captions) or not captions:
        raise entry.error('"captions" must be a list of texts.')
    entities = entry.field("entities")
    if not isinstance(entities, list):
        raise entry.error('"entities" must be a list.')
    held = tuple(
        _entity(Entry(entry.place, "", one, entry.offset), len(captions), size_wh) for one in entities
    )
    return CaptionedImage(name, path, size_wh, tuple(captions), held)


def _entity(entry: Entry, captions: int, size_wh: tuple[int, int]) -> Entity:
    phrase, caption = entry.text("phrase"), entry.whole("caption")
    if caption >= captions:
        raise entry.error(f"'{phrase[:40]}' is of caption {caption}; there are {captions}.")
    boxes = rows_of(entry.field("boxes"), 4, f"{entry.place}: \"boxes\" of '{phrase[:40]}'")
    is_solid = len(boxes) > 0 and bool((boxes[:, 2:] > boxes[:, :2]).all())
    if not (is_solid and bool((boxes >= 0).all()) and bool((boxes[:, 2:] <= size_wh).all())):
        width, height = size_wh
        raise entry.error(
            f"'{phrase[:40]}' has no box, or one without area or outside the picture of {width} x {height} pixels."
        )
    return Entity(phrase, caption, boxes)
