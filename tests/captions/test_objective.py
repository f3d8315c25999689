"""The caption loss: both sides of H by hand, its options, its gradients."""

import math

import pytest
import torch
from speaker import Speaker
from torch.autograd import gradcheck

from cadrage.captions.objective import (
    CaptionLoss,
    Target,
    caption_loss,
    caption_losses,
    cross_entropy,
    mean_words,
)
from cadrage.captions.protocols import Bounded, Looking
from cadrage.captions.vocabulary import END
from cadrage.errors import RequestError


def pictures(count=3, seed=1):
    return torch.rand((count, 3, 8, 12), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_users_words_are_a_mean_of_one_hots_without_stop_words(speaker):
    target = Target.of("The red ball, the RED dog!", speaker, CaptionLoss())
    words = speaker.vocabulary.words
    assert {words[n]: round(share, 6) for n, share in enumerate(target.bag.tolist()) if share} == {
        "red": 0.5,
        "ball": 0.25,
        "dog": 0.25,
    }
    assert [words[n] for n in target.numbers.tolist()] == ["red", "ball", "red", "dog", END]


def test_h_by_hand():
    bag, mean = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.5, 0.25]])
    expected = -(0.5 * math.log(0.25) + 0.5 * math.log(0.5))
    assert cross_entropy(bag, mean, CaptionLoss(smoothing=1e-9)).item() == pytest.approx(expected, abs=1e-5)
    smooth = [0.9 * share + 0.1 / 3 for share in (0.25, 0.5, 0.25)]
    expected = -(0.5 * math.log(smooth[0]) + 0.5 * math.log(smooth[1]))
    assert cross_entropy(bag, mean, CaptionLoss(smoothing=0.1)).item() == pytest.approx(expected, abs=1e-5)
    smooth = [0.9 * share + 0.1 / 3 for share in (0.5, 0.5, 0.0)]
    expected = -sum(share * math.log(other) for share, other in zip((0.25, 0.5, 0.25), smooth, strict=True))
    reverse = CaptionLoss(smoothing=0.1, direction="captioner")
    assert cross_entropy(bag, mean, reverse).item() == pytest.approx(expected, abs=1e-5)


def test_means_are_over_the_steps_that_were_said(speaker):
    steps = torch.full((1, 3, len(speaker.vocabulary)), torch.nan, dtype=torch.float64)
    end = speaker.vocabulary.words.index(END)
    steps[0, :2] = torch.tensor([[0.0] * len(speaker.vocabulary)] * 2, dtype=torch.float64).log_softmax(-1)
    mean = mean_words(speaker, steps, CaptionLoss(with_end=True))
    torch.testing.assert_close(mean, torch.full_like(mean, 1 / len(speaker.vocabulary)))
    without = mean_words(speaker, steps, CaptionLoss())
    assert without[0, end] == 0
    assert without.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(
    "loss",
    [
        CaptionLoss(),
        CaptionLoss(direction="captioner"),
        CaptionLoss(words="forced"),
        CaptionLoss(with_end=True, smoothing=0.05),
        CaptionLoss(kind="likelihood"),
    ],
    ids=["spoken", "reverse", "forced", "with end", "likelihood"],
)
def test_gradients_reach_the_pixels_and_are_exact(speaker, loss):
    targets = [Target.of(text, speaker, loss) for text in ("red ball", "a dog runs", "blue sky")]
    given = pictures().requires_grad_()
    assert gradcheck(lambda pixels: caption_loss(speaker, pixels, targets, loss), given, eps=1e-7, atol=1e-5)
    (gradient,) = torch.autograd.grad(caption_loss(speaker, given, targets, loss).sum(), given)
    assert (gradient.abs().amax(dim=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", ["bag", "likelihood"])
def test_a_picture_is_judged_by_its_own_caption_alone(speaker, kind):
    loss = CaptionLoss(kind=kind)
    texts = ["red ball", "a green dog runs on blue grass", "sky"]
    together = caption_loss(speaker, pictures(), [Target.of(text, speaker, loss) for text in texts], loss)
    for number, text in enumerate(texts):
        alone = caption_loss(speaker, pictures()[number : number + 1], [Target.of(text, speaker, loss)], loss)
        assert together[number].item() == pytest.approx(alone.item())


def test_the_likelihood_is_the_mean_over_the_words_and_the_end(speaker):
    loss = CaptionLoss(kind="likelihood")
    target = Target.of("red ball", speaker, loss)
    steps = speaker.forced(pictures(1), target.numbers[None])[0]
    expected = -sum(steps[place, number] for place, number in enumerate(target.numbers.tolist())) / 3
    assert caption_loss(speaker, pictures(1), [target], loss).item() == pytest.approx(expected.item())


class Looker(Speaker):
    """A speaker that looks first, and counts the pictures it looked at."""

    looked = 0

    def look(self, pictures):
        self.looked += len(pictures)
        return pictures

    def say(self, seen, numbers):
        return self._steps(seen, numbers)

    def spoken(self, pictures):
        return self.say(self.look(pictures), None)

    def forced(self, pictures, numbers):
        return self.say(self.look(pictures), numbers)


@pytest.mark.parametrize(
    "loss",
    [CaptionLoss(), CaptionLoss(words="forced"), CaptionLoss(kind="likelihood")],
    ids=["spoken", "forced", "likelihood"],
)
def test_captions_share_what_the_captioner_sees(speaker, loss):
    looker = Looker()
    targets = [Target.of(text, speaker, loss) for text in ("red ball", "a dog runs on blue grass", "sky")]
    together = caption_losses(looker, pictures(4), targets, loss)
    assert looker.looked == 4
    assert isinstance(looker, Looking)
    assert not isinstance(speaker, Looking)
    torch.testing.assert_close(caption_losses(speaker, pictures(4), targets, loss), together)
    for target, found in zip(targets, together, strict=True):
        torch.testing.assert_close(caption_loss(speaker, pictures(4), [target] * 4, loss), found)


class ShortOfBreath(Speaker):
    longest_forced = 3


@pytest.mark.parametrize(
    "loss", [CaptionLoss(words="forced"), CaptionLoss(kind="likelihood")], ids=["forced", "likelihood"]
)
def test_a_caption_that_is_longer_than_the_captioner_can_say_is_refused(speaker, loss):
    short = ShortOfBreath()
    assert isinstance(short, Bounded)
    assert not isinstance(speaker, Bounded)
    assert len(Target.of("red ball", short, loss).numbers) == 3
    text = "red ball on green grass and " * 9
    with pytest.raises(
        RequestError,
        match=r"'red ball on green grass and .*\.\.\.' is too long .* 37 pieces .* 3 at most\. .* \(--bag\)\.$",
    ):
        Target.of(text, short, loss)
    assert len(Target.of(text, short, CaptionLoss()).numbers) == 37
    assert len(Target.of(text, speaker, loss).numbers) == 37


def test_a_smoothing_that_leaves_nothing_is_refused():
    with pytest.raises(RequestError, match="smoothing lies between 0 and 1; got 0"):
        CaptionLoss(smoothing=0)
