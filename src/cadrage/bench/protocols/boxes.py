"""One box against the boxes that people drew: IoU and boundary displacement (BDE).

With one box an image, as FCDB has, this is the plain mean of the IoU (Chen et al., WACV 2017). With several, the
best and the mean over them are reported (FLMS counts the best of its ten); where every image has a box of the same
annotators, as ICDB has, also the IoU with each annotator's alone, as in table 1 of GAIC (TPAMI 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cadrage.bench.methods.interface import Picture
from cadrage.bench.protocols.interface import Measured, Question, digest_of, require_images
from cadrage.bench.protocols.metric import PER_ANNOTATOR
from cadrage.datasets.types import FramedImage
from cadrage.errors import DataError
from cadrage.geometry import AspectRatio, FloatArray, boundary_displacement, iou_matrix

RatioRule = AspectRatio | Literal["own", "free"]
"""Boxes of one ratio, of the ratio of the person's own box, or of any shape that the method likes."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Ask for the best box of each image.

    Attributes:
        images: with people's boxes.
        ratio: of the box that is asked for. ``"own"`` asks once for each of the people's boxes, at its ratio, and
            compares each answer with the box whose ratio it has.
    """

    images: tuple[FramedImage, ...]
    ratio: RatioRule = "free"
    kind: str = "boxes"

    def __post_init__(self) -> None:
        require_images(self.images)

    @property
    def rule(self) -> str:
        """The ratio, as printed."""
        named = {"own": "at the ratio of the people's boxes", "free": "free ratio"}
        return named[self.ratio] if isinstance(self.ratio, str) else f"ratio {self.ratio}"

    @property
    def digest(self) -> str:
        """Fingerprint of names and boxes."""
        return digest_of(part for image in self.images for part in (image.name, image.boxes_xyxy))

    def question(self, at: int) -> Question:
        """A box; for ``"own"`` as many as people drew."""
        if self.ratio == "own":
            boxes = self.images[at].boxes_xyxy
            sides = (boxes[:, 2:] - boxes[:, :2]).tolist()
            return Question(ratios=tuple(AspectRatio(width, height) for width, height in sides))
        return Question(ratios=(None if self.ratio == "free" else self.ratio,))

    def measure(self, pictures: Sequence[Picture], answers: Sequence[FloatArray]) -> Measured:
        """See ``BenchProtocol``.

        Raises:
            DataError: an answer is not as many boxes as were asked for; the message names the image.
        """
        for at, answer in enumerate(answers):
            if answer.shape != (len(self.question(at).ratios), 4):
                raise DataError(f"Image '{self.images[at].name}' got boxes of shape {answer.shape}.")
        chosen = np.stack([answer[0] for answer in answers])
        values = [
            self._compared(image, picture, answer)
            for image, picture, answer in zip(self.images, pictures, answers, strict=True)
        ]
        if self.ratio == "own" or all(len(image.boxes_xyxy) == 1 for image in self.images):
            metrics = {
                "iou": np.array([iou.mean() for iou, _ in values]),
                "bde": np.array([bde.mean() for _, bde in values]),
            }
        else:
            metrics = {
                "iou_best": np.array([iou.max() for iou, _ in values]),
                "iou_mean": np.array([iou.mean() for iou, _ in values]),
                "bde_best": np.array([bde.min() for _, bde in values]),
                "bde_mean": np.array([bde.mean() for _, bde in values]),
            }
        for annotator in self._common_annotators():
            metrics[PER_ANNOTATOR + annotator] = np.array(
                [
                    iou[np.array(image.annotators) == annotator].mean()
                    for (iou, _), image in zip(values, self.images, strict=True)
                ]
            )
        return Measured(metrics, chosen)

    def _compared(
        self, image: FramedImage, picture: Picture, answer: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """IoU and BDE of the answer with each of an image's boxes, shape (K,)."""
        references = image.boxes_xyxy
        overlaps = iou_matrix(answer, references)
        iou = np.diag(overlaps) if self.ratio == "own" else overlaps[0]
        return iou, boundary_displacement(answer, references, picture.size_wh)

    def _common_annotators(self) -> list[str]:
        """Those who drew boxes of every image, where there are several; by their order in the first image."""
        shared = set.intersection(*(set(image.annotators) for image in self.images))
        names = [name for name in dict.fromkeys(self.images[0].annotators) if name in shared]
        return names if len(names) > 1 else []

    def reference(self, at: int) -> FloatArray:
        """The people's boxes."""
        return self.images[at].boxes_xyxy
