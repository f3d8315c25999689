"""What the search needs of the two frozen networks: a captioner and a judge of aesthetics."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from cadrage.captions.vocabulary import Vocabulary


class Captioner(Protocol):
    """A network from pictures to words.

    Attributes:
        vocabulary: its words.
        size_wh: width and height of the pictures it reads, pixels.
    """

    vocabulary: Vocabulary
    size_wh: tuple[int, int]

    def spoken(self, pictures: Tensor) -> Tensor:
        """Its own words for pictures: the distribution at each step while it says its likeliest words.

        Args:
            pictures: shape (K, 3, h, w), RGB in [0, 1], at ``size_wh``.

        Returns:
            Log-probabilities, shape (K, T, V), differentiable with respect to the pictures; steps after a picture's
            end hold NaN.
        """

    def forced(self, pictures: Tensor, numbers: Tensor) -> Tensor:
        """The distribution at each step while given words are said.

        Args:
            pictures: shape (K, 3, h, w), RGB in [0, 1], at ``size_wh``.
            numbers: int64, shape (K, T), of each picture's words, without begin and with end; what follows is
                padding.

        Returns:
            Log-probabilities, shape (K, T, V), differentiable with respect to the pictures; steps after a picture's
            end hold NaN.
        """


class Aesthetics(Protocol):
    """A network from crops to how pleasing they are."""

    def judge(self, crops: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """How pleasing crops are.

        Args:
            crops: shape (K, 3, h, w), RGB in [0, 1]: the pixels, at a size of ``size_wh``.
            boxes_xyxy: shape (K, 4), in frame pixels: where they are.

        Returns:
            Shape (K,), of order one, higher is better, differentiable with respect to both.
        """

    size_wh: tuple[int, int]
