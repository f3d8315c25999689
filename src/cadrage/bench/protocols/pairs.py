"""Pairs of crops that people chose between: how often scores agree with the votes (FCDB ranking, WACV 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cadrage.bench.methods.interface import Picture
from cadrage.bench.protocols.interface import Measured, Question, digest_of, require_images
from cadrage.datasets.types import ComparedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Pairs:
    """Score both crops of every pair.

    Pairs count equally, not images: the mean over images is weighted by their numbers of pairs (or votes), while
    the bootstrap still draws images, since the pairs of one image are no independent sample. A pair with as many
    votes for either crop has no majority and does not count in the pair accuracy.

    Attributes:
        images: with pairs and votes.
    """

    images: tuple[ComparedImage, ...]
    kind: str = "pairs"
    rule: str = "pairs with votes"

    def __post_init__(self) -> None:
        require_images(self.images)

    @property
    def digest(self) -> str:
        """Fingerprint of names, boxes and votes."""
        return digest_of(
            part
            for image in self.images
            for part in (image.name, image.first_xyxy, image.second_xyxy, image.votes.astype(np.float64))
        )

    def question(self, at: int) -> Question:
        """Scores of the first crops, then of the second."""
        image = self.images[at]
        return Question(boxes_xyxy=np.concatenate([image.first_xyxy, image.second_xyxy]))

    def measure(self, pictures: Sequence[Picture], answers: Sequence[FloatArray]) -> Measured:
        """See ``BenchProtocol``.

        Raises:
            DataError: an answer is not one finite number for each crop; the message names the image.
        """
        rows, chosen = [], []
        for at, (image, answer) in enumerate(zip(self.images, answers, strict=True)):
            pairs = len(image.votes)
            if answer.shape != (2 * pairs,) or not np.isfinite(answer).all():
                raise DataError(
                    f"Image '{image.name}' needs {2 * pairs} finite scores; got shape {answer.shape}."
                )
            margin = np.sign(answer[:pairs] - answer[pairs:])
            first, second = image.votes[:, 0], image.votes[:, 1]
            majority = np.sign(first - second)
            right = np.where(margin == 0, 0.5, margin == majority)[majority != 0]
            agreeing = np.where(margin == 0, (first + second) / 2, np.where(margin > 0, first, second))
            rows.append((right.sum(), len(right), agreeing.sum(), image.votes.sum()))
            boxes = self.question(at).boxes_xyxy
            assert boxes is not None  # noqa: S101  (for the type)
            chosen.append(boxes[np.argmax(answer)] if pairs else np.full(4, np.nan))
        sums = np.array(rows, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            metrics = {"pair_accuracy": sums[:, 0] / sums[:, 1], "vote_share": sums[:, 2] / sums[:, 3]}
        weights = {"pair_accuracy": sums[:, 1], "vote_share": sums[:, 3]}
        return Measured(metrics, np.stack(chosen), weights)

    def reference(self, at: int) -> FloatArray:
        """Nothing: people compared, they did not choose one."""
        return np.zeros((0, 4))
