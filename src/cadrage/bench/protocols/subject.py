"""How much of the salient subject crops cut off, on photographs with masks that people drew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cadrage.bench.methods.interface import Picture
from cadrage.bench.protocols.interface import Measured, Question, digest_of, require_images
from cadrage.datasets.masks import read_mask
from cadrage.datasets.types import MaskedImage
from cadrage.errors import DataError
from cadrage.geometry import AspectRatio, Box, FloatArray

MUCH = 0.1
"""Losing more than this share of the subject counts as cutting it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Mask:
    """A mask of the subject, eight pixels in a byte: a data set of them is held at once."""

    bits: NDArray[np.uint8]
    size_wh: tuple[int, int]

    def pixels(self) -> NDArray[np.bool_]:
        width, height = self.size_wh
        return np.unpackbits(self.bits, axis=1, count=width).reshape(height, width).astype(bool)


@dataclass(frozen=True, slots=True)
class SubjectCuts:
    """Ask for a box of each image and count the subject's pixels outside it, and the crops that lose a tenth.

    Attributes:
        images: with masks.
        ratio: of the box that is asked for; None for a free one.
        masks: of the images, read once; see ``of``.
    """

    images: tuple[MaskedImage, ...]
    ratio: AspectRatio | None
    masks: tuple[_Mask, ...]
    kind: str = "subject"

    @classmethod
    def of(cls, images: Sequence[MaskedImage], ratio: AspectRatio | None) -> SubjectCuts:
        """The protocol on images, whose masks are read.

        Raises:
            DataError: there is no image, or a mask is empty or does not fit its picture.
            ImageError: a picture or mask cannot be read.
        """
        require_images(images)
        masks = []
        for image in images:
            mask = read_mask(image)
            masks.append(_Mask(np.packbits(mask, axis=1), (mask.shape[1], mask.shape[0])))
        return cls(tuple(images), ratio, tuple(masks))

    def at(self, ratio: AspectRatio | None) -> SubjectCuts:
        """The same at another ratio; no mask is read again."""
        return replace(self, ratio=ratio)

    @property
    def rule(self) -> str:
        """The ratio, as printed."""
        return "free ratio" if self.ratio is None else f"ratio {self.ratio}"

    @property
    def digest(self) -> str:
        """Fingerprint of names and masks."""
        return digest_of(
            part
            for image, mask in zip(self.images, self.masks, strict=True)
            for part in (image.name, mask.bits.astype(np.float64))
        )

    def question(self, at: int) -> Question:
        """One box."""
        return Question(ratios=(self.ratio,))

    def measure(self, pictures: Sequence[Picture], answers: Sequence[FloatArray]) -> Measured:
        """See ``BenchProtocol``.

        Raises:
            DataError: an answer is not one box; the message names the image.
        """
        lost, area = [], []
        for image, packed, answer in zip(self.images, self.masks, answers, strict=True):
            if answer.shape != (1, 4):
                raise DataError(f"Image '{image.name}' got boxes of shape {answer.shape}.")
            box = Box(*answer[0].tolist())
            x1, y1, x2, y2 = box.rounded()
            mask = packed.pixels()
            lost.append(1 - mask[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)].sum() / mask.sum())
            area.append(box.area / mask.size)
        lost_shares = np.array(lost)
        metrics = {
            "lost": lost_shares,
            "cut": (lost_shares > MUCH).astype(np.float64),
            "area": np.array(area),
        }
        return Measured(metrics, np.stack([answer[0] for answer in answers]))

    def reference(self, at: int) -> FloatArray:
        """The smallest box that holds the subject, shape (1, 4)."""
        mask = self.masks[at].pixels()
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        return np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], dtype=np.float64)
