"""What the search needs of the two frozen networks: a captioner and a judge of aesthetics."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from cadrage.captions.vocabulary import Words


class Captioner(Protocol):
    """A network from pictures to words.

    Attributes:
        size_wh: width and height of the pictures it reads, pixels.

    A captioner may also be ``Convolutional``, ``Looking`` or ``Bounded``.
    """

    size_wh: tuple[int, int]

    @property
    def vocabulary(self) -> Words:
        """What it can say."""

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


@runtime_checkable
class Convolutional(Protocol):
    """A captioner that can be asked where it looks.

    Attributes:
        last_convolution: a module that runs once for a batch of pictures, and whose output, shape (K, C, h, w), is
            the last map of places.
    """

    last_convolution: nn.Module


@runtime_checkable
class Looking(Protocol):
    """A captioner that looks first and speaks then, so that several captions can share what it sees."""

    def look(self, pictures: Tensor) -> Tensor:
        """What it sees in pictures (K, 3, h, w), RGB in [0, 1], at ``size_wh``: shape (K, ...)."""

    def say(self, seen: Tensor, numbers: Tensor | None) -> Tensor:
        """The distributions of ``Captioner.forced`` or, without numbers, of ``Captioner.spoken``.

        Args:
            seen: of ``look``, shape (K, ...).
            numbers: int64, shape (K, T), of the words to be said; None for its own.
        """


@runtime_checkable
class Bounded(Protocol):
    """A captioner that cannot say any number of words.

    Attributes:
        longest_forced: most numbers of one sentence, with its end, that ``Captioner.forced`` takes; None for any.
    """

    longest_forced: int | None


class Judge(Protocol):
    """How pleasing the crops of one photograph are."""

    @property
    def size_wh(self) -> tuple[int, int] | None:
        """Width and height of the crops it reads, pixels; None where it reads none."""

    def judge(self, crops: Tensor | None, boxes_xyxy: Tensor) -> Tensor:
        """How pleasing crops are.

        Args:
            crops: shape (K, 3, h, w), RGB in [0, 1]: the pixels, at ``size_wh``; may be None where that is.
            boxes_xyxy: shape (K, 4), in frame pixels: where they are.

        Returns:
            Shape (K,), of order one, higher is better, differentiable with respect to what it reads of both.
        """


@runtime_checkable
class Salient(Protocol):
    """A judge that also knows where a photograph's subject is."""

    def salience(self, boxes_xyxy: Tensor) -> Tensor:
        """How well boxes (K, 4), in frame pixels, hold the subject and nothing else: shape (K,), in [0, 1]."""


class Aesthetics(Protocol):
    """A network from crops to how pleasing they are."""

    def look(self, picture: Tensor, ratio: float | None = None) -> Judge:
        """The judge of a photograph's crops.

        Args:
            picture: shape (3, H, W), RGB in [0, 1].
            ratio: width by height of the crops to come; None for the photograph's, or a free one.
        """
