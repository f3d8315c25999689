"""What every data set yields, whatever its files look like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cadrage.errors import DataError
from cadrage.geometry import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RatedImage:
    """A photograph and the people's scores of its crops. The photograph itself is not opened.

    Attributes:
        name: what identifies the image in its data set.
        path: the picture file.
        boxes_xyxy: crops in pixels of the frame, float64, shape (K, 4), in the order of the label file.
        mos: mean opinion score of each crop, 1 (bad) to 5 (excellent), float64, shape (K,); NaN where a
            crop was not rated.
        split: the part of the data set the image belongs to, such as ``"train"``; None where there are no
            parts.
        size_wh: width and height of the frame in pixels, or None while unknown.
        place: where its label lies, as messages name it: a file, or file and line; empty where that is not known.
        lines: line of each box in that file as it was read; empty where a box has no line of its own.

    Raises:
        DataError: the shapes do not fit together.
    """

    name: str
    path: Path
    boxes_xyxy: FloatArray
    mos: FloatArray
    split: str | None = None
    size_wh: tuple[int, int] | None = None
    place: str = ""
    lines: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (*self.mos.shape, 4) or self.mos.ndim != 1:
            raise DataError(
                f"Image '{self.name}' needs one score for each box of four coordinates; got boxes of shape "
                f"{self.boxes_xyxy.shape} and scores of shape {self.mos.shape}."
            )

    @property
    def is_rated(self) -> NDArray[np.bool_]:
        """Which crops were rated, shape (K,)."""
        return ~np.isnan(self.mos)


@dataclass(frozen=True, slots=True, eq=False)
class FramedImage:
    """A photograph and the crops that people find best, without scores. The photograph itself is not opened.

    Attributes:
        name: what identifies the image in its data set.
        path: the picture file.
        boxes_xyxy: crops in pixels of the frame, float64, shape (K, 4), K from 1.
        split: the part of the data set the image belongs to; None where there are no parts.
        size_wh: width and height of the frame in pixels, or None while unknown.
        annotators: who drew each box, length K; empty where that is not known.
        place: where its label lies, as messages name it: a file, or file and line; empty where that is not known.
        lines: line of each box in that file as it was read; empty where a box has no line of its own.

    Raises:
        DataError: the shapes do not fit together, or there is no box.
    """

    name: str
    path: Path
    boxes_xyxy: FloatArray
    split: str | None = None
    size_wh: tuple[int, int] | None = None
    annotators: tuple[str, ...] = ()
    place: str = ""
    lines: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        boxes = self.boxes_xyxy
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
            raise DataError(
                f"Image '{self.name}' needs one box of four coordinates or more; got boxes of shape {boxes.shape}."
            )
        if self.annotators and len(self.annotators) != len(boxes):
            raise DataError(
                f"Image '{self.name}' has {len(boxes)} boxes and {len(self.annotators)} annotators."
            )


@dataclass(frozen=True, slots=True, eq=False)
class ComparedImage:
    """A photograph and pairs of its crops that people chose between. The photograph itself is not opened.

    Attributes:
        name: what identifies the image in its data set.
        path: the picture file.
        first_xyxy: the first crop of each pair, in pixels of the frame, float64, shape (P, 4).
        second_xyxy: the second crop of each pair, likewise.
        votes: how many people preferred the first and how many the second, int64, shape (P, 2).
        split: the part of the data set the image belongs to; None where there are no parts.
        size_wh: width and height of the frame in pixels, or None while unknown.
        place: where its label lies, as messages name it: a file, or file and line; empty where that is not known.
        lines: line of each box in that file as it was read; empty where a box has no line of its own.

    Raises:
        DataError: the shapes do not fit together.
    """

    name: str
    path: Path
    first_xyxy: FloatArray
    second_xyxy: FloatArray
    votes: NDArray[np.int64]
    split: str | None = None
    size_wh: tuple[int, int] | None = None
    place: str = ""
    lines: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        pairs = len(self.votes)
        shapes = (self.first_xyxy.shape, self.second_xyxy.shape, self.votes.shape)
        if shapes != ((pairs, 4), (pairs, 4), (pairs, 2)):
            raise DataError(
                f"Image '{self.name}' needs two boxes of four coordinates and two numbers of votes for each pair; "
                f"got shapes {shapes[0]}, {shapes[1]} and {shapes[2]}."
            )


@dataclass(frozen=True, slots=True)
class MaskedImage:
    """A photograph and a mask of its salient object, drawn by people. Neither is opened.

    Attributes:
        name: what identifies the image in its data set.
        path: the picture file.
        mask_path: a picture of the same size, white where the salient object is.
    """

    name: str
    path: Path
    mask_path: Path
