"""Captioners of ``transformers``: BLIP, GIT, and encoder-decoder pairs such as ViT-GPT2, by hub name or folder.

Their image processors work on arrays and would end the gradient, so only their numbers are read: pictures are
normalised here. Weights come from safetensors files unless told otherwise, and nothing from a hub is run as code.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from cadrage.captions.captioners.hub_families import FAMILIES, Family
from cadrage.captions.captioners.hub_files import (
    from_hub,
    load_tokenizer,
    load_whole,
    read_pictures,
    size_of,
    transformers_for,
)
from cadrage.captions.captioners.hub_words import HubWords
from cadrage.errors import WeightsError

LONGEST_SENTENCE = 20
"""Pieces of words that a captioner says at most."""


class MapOfTokens(nn.Module):
    """The tokens of a vision transformer as a map of places, which is on the way from the pixels to the words."""

    def forward(self, tokens: Tensor) -> Tensor:
        """From (K, h * w, C), square, to (K, C, h, w)."""
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)


class HubCaptioner(nn.Module):
    """A vision-to-text network of ``transformers`` as a ``Captioner``.

    Attributes:
        vocabulary: its pieces of words.
        size_wh: width and height of the pictures it reads, pixels.
        last_convolution: makes the map of places of its last tokens.
        longest_forced: most pieces of words of a sentence, with its end, that it has places for; None for any.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        family: Family,
        vocabulary: HubWords,
        size_wh: tuple[int, int],
        normalisation: tuple[list[float], list[float]],
        longest: int = LONGEST_SENTENCE,
    ) -> None:
        """Put a captioner together.

        Args:
            family: the network.
            vocabulary: of its pieces of words.
            size_wh: of pictures, pixels.
            normalisation: mean and standard deviation of pixels in [0, 1], red, green, blue.
            longest: pieces of words that it says at most; fewer where the network has no places for so many.
        """
        super().__init__()
        self.family = family
        self.vocabulary = vocabulary
        self.size_wh = size_wh
        self.longest_forced = family.positions
        self.longest = longest if family.positions is None else min(longest, family.positions)
        self.last_convolution: nn.Module = MapOfTokens()
        for name, values in zip(("mean", "std"), normalisation, strict=True):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def spoken(self, pictures: Tensor) -> Tensor:
        """See ``Captioner``."""
        return self.say(self.look(pictures), None)

    def forced(self, pictures: Tensor, numbers: Tensor) -> Tensor:
        """See ``Captioner``."""
        return self.say(self.look(pictures), numbers)

    def look(self, pictures: Tensor) -> Tensor:
        """See ``Looking``: tokens, shape (K, N, C)."""
        tokens = self.family.look((pictures - self.mean) / self.std)
        others = tokens.shape[1] - int(tokens.shape[1] ** 0.5) ** 2  # the class token, where there is one
        places = self.last_convolution(tokens[:, others:])
        return torch.cat([tokens[:, :others], places.flatten(2).transpose(1, 2)], dim=1)

    def say(self, seen: Tensor, numbers: Tensor | None) -> Tensor:
        """See ``Looking``. Its own words are found first, without gradient, and then said in one go."""
        if numbers is None:
            numbers = self._likeliest(seen.detach())
        begin = torch.full((len(numbers), 1), self.family.begin)
        logits, _ = self.family.say(seen, torch.cat([begin, numbers[:, :-1]], dim=1), None)
        over = self._is_end(numbers).cumsum(dim=1)
        after = torch.cat([torch.zeros_like(over[:, :1]), over[:, :-1]], dim=1) > 0
        return logits.log_softmax(dim=-1).masked_fill(after[..., None], torch.nan)

    @torch.no_grad()
    def _likeliest(self, seen: Tensor) -> Tensor:
        """Its own likeliest words, (K, T), with their end."""
        word = torch.full((len(seen), 1), self.family.begin)
        ended = torch.zeros((len(seen), 1), dtype=torch.bool)
        words: list[Tensor] = []
        past = None
        while len(words) < self.longest and not ended.all():
            logits, past = self.family.say(seen, word, past)
            word = logits[:, -1:].argmax(dim=-1)
            words.append(word)
            ended = ended | self._is_end(word)
        return torch.cat(words, dim=1)

    def _is_end(self, numbers: Tensor) -> Tensor:
        return torch.isin(numbers, torch.tensor(self.family.ends))


def load_hub_captioner(
    spec: str | Path,
    *,
    allow_pickle: bool = False,
    begin: int | None = None,
    longest: int = LONGEST_SENTENCE,
    dtype: torch.dtype = torch.float32,
) -> HubCaptioner:
    """A captioner from a model hub, or from a folder written by ``save_pretrained``.

    Args:
        spec: name on the hub, such as "Salesforce/blip-image-captioning-base", or path of a folder.
        allow_pickle: also read weights in torch's own format, where there are no safetensors.
        begin: the token a sentence begins with; by default what the model says.
        longest: pieces of words that it says at most.
        dtype: arithmetic.

    Raises:
        MissingExtraError: ``transformers`` is not installed.
        WeightsError: there is no such model, no way to the hub, no weights, or the model does not put pictures
            into words or is of an unknown family.
    """
    transformers = transformers_for("A captioner from a model hub")
    what = "captioner"
    config = from_hub(what, spec, transformers.AutoConfig.from_pretrained)
    if config.model_type not in FAMILIES:
        raise WeightsError(
            f"{spec} is no captioner that can be used: it is of the type '{config.model_type}', and those of "
            f"{', '.join(FAMILIES)} can."
        )
    name, family = FAMILIES[config.model_type]
    normalisation, size = read_pictures(spec)
    model = load_whole(what, spec, getattr(transformers, name), allow_pickle=allow_pickle, dtype=dtype)
    tokenizer = load_tokenizer(what, spec)
    driver = family(model, begin)
    seen = config.encoder if config.model_type == "vision-encoder-decoder" else config.vision_config
    spoken = getattr(config, "decoder", None) or config.get_text_config()
    vocabulary = HubWords(tokenizer, spoken.vocab_size, driver.ends[0])
    reads = size_of(getattr(seen, "image_size", None)) or size
    if reads is None:
        raise WeightsError(f"{spec} does not say how large the pictures are that it reads.")
    captioner = HubCaptioner(driver, vocabulary, reads, normalisation, longest)
    return captioner.to(dtype)
