"""Ranking the rated crops of an image: SRCC, PCC, Acc, weighted Acc (GAIC, TPAMI 2020, "evaluation") and regret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cadrage.bench.methods.interface import Picture
from cadrage.bench.protocols.interface import Measured, Question, digest_of, require_images
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.metrics import ACCEPTED, RETURNED, image_scores


@dataclass(frozen=True, slots=True)
class Ranking:
    """Score every rated crop of each image; every metric of ``cadrage.metrics``, Acc by both tie rules.

    Attributes:
        images: with rated crops only; see ``of``.
    """

    images: tuple[RatedImage, ...]
    kind: str = "ranking"
    rule: str = "rated crops"

    @classmethod
    def of(cls, images: Sequence[RatedImage]) -> Ranking:
        """The protocol on images; crops that nobody rated are left out.

        Raises:
            DataError: there is no image, or one without a rated crop.
        """
        require_images(images)
        for image in images:
            if not image.is_rated.any():
                raise DataError(f"Image '{image.name}' has no rated crop.")
        rated = (
            replace(image, boxes_xyxy=image.boxes_xyxy[image.is_rated], mos=image.mos[image.is_rated])
            for image in images
        )
        return cls(tuple(rated))

    @property
    def digest(self) -> str:
        """Fingerprint of names, boxes and ratings."""
        return digest_of(part for image in self.images for part in (image.name, image.boxes_xyxy, image.mos))

    def question(self, at: int) -> Question:
        """Scores of the rated crops."""
        return Question(boxes_xyxy=self.images[at].boxes_xyxy)

    def measure(self, pictures: Sequence[Picture], answers: Sequence[FloatArray]) -> Measured:
        """See ``BenchProtocol``.

        Raises:
            DataError: an answer is not one finite number for each crop; the message names the image.
        """
        for image, answer in zip(self.images, answers, strict=True):
            if answer.shape != image.mos.shape or not np.isfinite(answer).all():
                raise DataError(
                    f"Image '{image.name}' needs {len(image.mos)} finite scores; got shape {answer.shape}."
                )
        pairs = [(image.mos, answer) for image, answer in zip(self.images, answers, strict=True)]
        credit, strict = image_scores(pairs), image_scores(pairs, "strict")
        metrics = {"srcc": credit.srcc, "pcc": credit.pcc, "regret": credit.regret}
        for row, k in enumerate(RETURNED):
            for column, n in enumerate(ACCEPTED):
                metrics[f"acc{k}_{n}"] = credit.acc[:, row, column]
                metrics[f"acc{k}_{n}_strict"] = strict.acc[:, row, column]
                metrics[f"acc{k}_{n}_w"] = credit.acc_w[:, row, column]
        chosen = [
            image.boxes_xyxy[np.argmax(answer)] for image, answer in zip(self.images, answers, strict=True)
        ]
        return Measured(metrics, np.stack(chosen))

    def reference(self, at: int) -> FloatArray:
        """The best rated crop, shape (1, 4)."""
        image = self.images[at]
        return image.boxes_xyxy[[np.argmax(image.mos)]]
