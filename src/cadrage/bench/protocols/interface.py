"""What a protocol is: questions about pictures for a method, and numbers from its answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from cadrage.bench.methods.interface import Picture
from cadrage.errors import DataError
from cadrage.geometry import AspectRatio, FloatArray


class Item(Protocol):
    """An image of any data set: what all of their types have."""

    @property
    def name(self) -> str:
        """What identifies it in its data set."""

    @property
    def path(self) -> Path:
        """The picture file."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a method is asked about a picture: the scores of boxes, or a box of each of some ratios.

    Attributes:
        boxes_xyxy: to be scored, shape (K, 4), in frame pixels; None where boxes are asked for.
        ratios: of the boxes that are asked for, None for a free one; empty where scores are asked for.
    """

    boxes_xyxy: FloatArray | None = None
    ratios: tuple[AspectRatio | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One method's numbers for T images.

    Attributes:
        metrics: by key of ``METRICS``, shape (T,) each; NaN where a metric is undefined for an image.
        chosen_xyxy: the crop the method takes of each image, shape (T, 4), in frame pixels.
        weights: of the images in the mean of a metric, shape (T,); equal ones where a metric has none.
    """

    metrics: dict[str, FloatArray]
    chosen_xyxy: FloatArray
    weights: dict[str, FloatArray] = field(default_factory=dict)


class BenchProtocol(Protocol):
    """A way to measure methods on the images of a data set, which it holds."""

    @property
    def kind(self) -> str:
        """``ranking``, ``boxes``, ``pairs`` or ``subject``."""

    @property
    def rule(self) -> str:
        """What distinguishes it from others of its kind, such as the ratio asked for; as printed."""

    @property
    def images(self) -> Sequence[Item]:
        """The images, T of them."""

    @property
    def digest(self) -> str:
        """Fingerprint of images and labels: numbers of other labels are never compared with these."""

    def question(self, at: int) -> Question:
        """What is asked about the image at a place."""

    def measure(self, pictures: Sequence[Picture], answers: Sequence[FloatArray]) -> Measured:
        """Numbers from a method's answers.

        Args:
            pictures: of the images, T of them, with their sizes.
            answers: to each question, shape (K,) for the scores of K boxes, or (R, 4) for boxes of R ratios.
        """

    def reference(self, at: int) -> FloatArray:
        """What people preferred in the image at a place, shape (R, 4), R from 0; for pictures of reports."""


def digest_of(parts: Iterable[str | FloatArray]) -> str:
    """Fingerprint of names and numbers, in their order."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            total.update(part.encode() + b"\0")
        else:
            total.update(np.ascontiguousarray(part, dtype=np.float64).tobytes())
    return total.hexdigest()[:16]


def require_images(images: Sequence[Item]) -> None:
    """Refuse a data set without images.

    Raises:
        DataError: there is none.
    """
    if not images:
        raise DataError("There is no image to measure on.")
