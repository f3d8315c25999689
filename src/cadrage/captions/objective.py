"""What is minimised: how far a crop is from the words, less how pleasing it is (CAGIC, the poster's equation).

    L_total   = L_caption + weight * L_aesthetic
    L_caption = H(mean of the user's words as one-hots, mean of the captioner's distributions)
    L_aesthetic = -aesthetics

Both sides of H are means over time, so that the order of the words does not count. What the poster leaves open is a
parameter of ``CaptionLoss``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from cadrage.captions.protocols import Captioner
from cadrage.captions.vocabulary import STOP_WORDS, Words, known_form, known_words, words_of
from cadrage.errors import RequestError

Kind = Literal["bag", "likelihood"]


@dataclass(frozen=True, slots=True)
class CaptionLoss:
    """How a crop's distance from a caption is measured."""

    kind: Kind = "bag"
    """What is compared: "bag", means over time, as published; "likelihood", the teacher-forced negative
    log-likelihood of the caption, per word."""
    direction: Literal["user", "captioner"] = "user"
    """Of H in "bag": the cross-entropy of the user's words under the captioner's mean, or the other way round."""
    words: Literal["spoken", "forced"] = "spoken"
    """Whose words the captioner's distributions follow in "bag": its own likeliest ones, or the user's."""
    smoothing: float = 1e-4
    """Share of a uniform distribution that is mixed into the mean whose logarithm is taken."""
    stop_words: Collection[str] = STOP_WORDS
    """Words of the user that have no say in "bag", unless there are no others."""
    with_end: bool = False
    """Count the end of the sentence as a word of the captioner's."""

    def __post_init__(self) -> None:
        if not 0 < self.smoothing < 1:
            raise RequestError(f"The smoothing lies between 0 and 1; got {self.smoothing:g}.")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A caption as a captioner sees it.

    Attributes:
        text: what the user wrote.
        bag: shape (V,): the mean as one-hots of the words, or of the pieces that the captioner says them in.
        numbers: int64, shape (T,): the known words in order, or their pieces, then the end.
    """

    text: str
    bag: Tensor
    numbers: Tensor

    @classmethod
    def of(cls, text: str, captioner: Captioner, loss: CaptionLoss) -> Target:
        """Prepare a caption.

        Raises:
            RequestError: it holds no word that the captioner knows, or is too long.
        """
        vocabulary = captioner.vocabulary
        telling = known_words(text, vocabulary, loss.stop_words)
        said = [number for word in telling for number in vocabulary.pieces(word)]
        bag = torch.zeros(len(vocabulary))
        for number in said:
            bag[number] += 1 / len(said)
        spoken = [form for word in words_of(text) if (form := known_form(word, vocabulary))]
        numbers = [*vocabulary.numbers(" ".join(spoken)), vocabulary.end]
        return cls(text, bag, torch.tensor(numbers))


def caption_loss(
    captioner: Captioner, pictures: Tensor, targets: Sequence[Target], loss: CaptionLoss
) -> Tensor:
    """How far pictures are from captions, each from its own.

    Args:
        captioner: the frozen network.
        pictures: shape (K, 3, h, w), RGB in [0, 1].
        targets: K captions.
        loss: how it is measured.

    Returns:
        Shape (K,), differentiable with respect to the pictures.
    """
    if loss.kind == "bag" and loss.words == "spoken":
        steps = captioner.spoken(pictures)
    else:
        numbers = nn.utils.rnn.pad_sequence([target.numbers for target in targets], batch_first=True)
        steps = captioner.forced(pictures, numbers)
        if loss.kind == "likelihood":
            said = steps.gather(2, numbers[..., None])[..., 0]
            return -said.nanmean(dim=1)
    bags = torch.stack([target.bag for target in targets])
    return cross_entropy(bags, mean_words(captioner, steps, loss), loss)


def likeliest_texts(steps: Tensor, vocabulary: Words) -> list[str]:
    """The likeliest words of log-probabilities (K, T, V) that are NaN after an end, one text for each of K."""
    return [vocabulary.text(one[~one[:, 0].isnan()].argmax(dim=1).tolist()) for one in steps]


def mean_words(captioner: Captioner, steps: Tensor, loss: CaptionLoss) -> Tensor:
    """Mean distributions over time.

    Args:
        captioner: whose words they are.
        steps: log-probabilities, shape (K, T, V), NaN after a picture's end.
        loss: whether the end counts.

    Returns:
        Probabilities, shape (K, V).
    """
    said = ~steps[..., 0].isnan()
    probabilities = torch.where(said[..., None], steps, torch.zeros_like(steps)).exp() * said[..., None]
    if not loss.with_end:
        keep = torch.ones(steps.shape[-1], dtype=steps.dtype)
        keep[captioner.vocabulary.end] = 0
        probabilities = probabilities * keep
    total: Tensor = probabilities.sum(dim=1)
    return total / total.sum(dim=1, keepdim=True).clamp_min(1e-12)


def cross_entropy(bags: Tensor, means: Tensor, loss: CaptionLoss) -> Tensor:
    """H of users' words (K, V) and the captioner's mean distributions (K, V), shape (K,)."""
    first, second = bags.to(means), means
    if loss.direction == "captioner":
        first, second = second, first
    smooth = (1 - loss.smoothing) * second + loss.smoothing / second.shape[-1]
    return -(first * smooth.log()).sum(dim=-1)
