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
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from cadrage.captions.protocols import Bounded, Captioner, Looking
from cadrage.captions.vocabulary import STOP_WORDS, Words, known_form, known_words, quoted, words_of
from cadrage.errors import CaptionError, RequestError

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
    """Count the end of the sentence as a word of the captioner's in "bag", as the poster's formula does; else it is
    left out of the mean, which is divided by what remains."""

    def __post_init__(self) -> None:
        if not 0 < self.smoothing < 1:
            raise RequestError(f"The smoothing lies between 0 and 1; got {self.smoothing:g}.")

    @property
    def forces(self) -> bool:
        """Whether the captioner is made to say the user's words, in place of its own."""
        return self.kind == "likelihood" or self.words == "forced"


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
            CaptionError: it holds no word that the captioner knows, or is longer than the captioner can be made
                to say.
        """
        vocabulary = captioner.vocabulary
        telling = known_words(text, vocabulary, loss.stop_words)
        said = [number for word in telling for number in vocabulary.pieces(word)]
        bag = torch.zeros(len(vocabulary))
        for number in said:
            bag[number] += 1 / len(said)
        spoken = [form for word in words_of(text) if (form := known_form(word, vocabulary))]
        numbers = [*vocabulary.numbers(" ".join(spoken)), vocabulary.end]
        most = captioner.longest_forced if isinstance(captioner, Bounded) else None
        if loss.forces and most is not None and len(numbers) > most:
            raise CaptionError(
                f"The caption {quoted(text)} is too long to be taken in its order: it has {len(numbers)} "
                f"pieces of words with its end, and this captioner takes {most} at most. Shorten it, or let "
                "its words count alone (--bag)."
            )
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
    bags = torch.stack([target.bag for target in targets])
    if not loss.forces:
        return cross_entropy(bags, mean_words(captioner, captioner.spoken(pictures), loss), loss)
    numbers = nn.utils.rnn.pad_sequence([target.numbers for target in targets], batch_first=True)
    return _forced_loss(captioner, captioner.forced(pictures, numbers), bags, numbers, loss)


def caption_losses(
    captioner: Captioner, pictures: Tensor, targets: Sequence[Target], loss: CaptionLoss
) -> Tensor:
    """How far each of K pictures is from each of C captions, shape (C, K).

    What does not depend on the caption is asked for once: the captioner's own words and, where it is ``Looking``,
    what it sees. Arguments as for ``caption_loss``, but for the number of captions.
    """
    bags = [target.bag.expand(len(pictures), -1) for target in targets]
    if not loss.forces:
        means = mean_words(captioner, captioner.spoken(pictures), loss)
        return torch.stack([cross_entropy(bag, means, loss) for bag in bags])
    if isinstance(captioner, Looking):
        say = partial(captioner.say, captioner.look(pictures))
    else:
        say = partial(captioner.forced, pictures)
    numbers = [target.numbers.expand(len(pictures), -1) for target in targets]
    return torch.stack(
        [_forced_loss(captioner, say(one), bag, one, loss) for one, bag in zip(numbers, bags, strict=True)]
    )


def _forced_loss(
    captioner: Captioner, steps: Tensor, bags: Tensor, numbers: Tensor, loss: CaptionLoss
) -> Tensor:
    """Losses (K,) of distributions (K, T, V) while numbers (K, T) were said, whose bags are (K, V)."""
    if loss.kind == "likelihood":
        return -steps.gather(2, numbers[..., None])[..., 0].nanmean(dim=1)
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
