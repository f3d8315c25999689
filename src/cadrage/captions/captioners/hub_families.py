"""What is particular to the families of captioners of ``transformers`` that can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cadrage.errors import WeightsError


class Family(Protocol):
    """What is particular to a family of networks.

    Attributes:
        begin: the number that a sentence begins with.
        ends: those that end it.
        positions: numbers that the network has places for, from the begin on; None for any.
    """

    begin: int
    ends: tuple[int, ...]
    positions: int | None

    def look(self, pixels: Tensor) -> Tensor:
        """What the network sees in normalised pixels, (K, 3, h, w): tokens, shape (K, N, C)."""

    def say(self, seen: Tensor, numbers: Tensor, past: Any) -> tuple[Tensor, Any]:  # noqa: ANN401
        """What may come after each of the words (K, T): logits, shape (K, T, V), and what to go on from."""


class Blip(nn.Module):
    """``BlipForConditionalGeneration``."""

    def __init__(self, model: Any, begin: int | None) -> None:  # noqa: ANN401
        super().__init__()
        self.vision, self.text = model.vision_model, model.text_decoder
        text = model.config.text_config
        self.begin: int = text.bos_token_id if begin is None else begin
        self.ends: tuple[int, ...] = (text.sep_token_id,)
        self.positions = _positions(self.text)

    def look(self, pixels: Tensor) -> Tensor:
        """See ``Family``."""
        seen: Tensor = self.vision(pixel_values=pixels).last_hidden_state
        return seen

    def say(self, seen: Tensor, numbers: Tensor, past: Any) -> tuple[Tensor, Any]:  # noqa: ANN401
        """See ``Family``."""
        said = self.text(
            input_ids=numbers, encoder_hidden_states=seen, past_key_values=past, use_cache=_caches(numbers)
        )
        return said.logits, said.past_key_values


class Git(nn.Module):
    """``GitForCausalLM``."""

    def __init__(self, model: Any, begin: int | None) -> None:  # noqa: ANN401
        super().__init__()
        self.vision = model.git.image_encoder
        model.git.image_encoder = _Seen()
        self.model = model
        self.begin: int = model.config.bos_token_id if begin is None else begin
        self.ends = _ends(model)
        self.positions = _positions(model)  # what is seen takes none of them

    def look(self, pixels: Tensor) -> Tensor:
        """See ``Family``."""
        seen: Tensor = self.vision(pixel_values=pixels).last_hidden_state
        return seen

    def say(self, seen: Tensor, numbers: Tensor, past: Any) -> tuple[Tensor, Any]:  # noqa: ANN401
        """See ``Family``."""
        # What is seen is kept as the first of the past; words have places of their own.
        said_before = 0 if past is None else past.get_seq_length() - seen.shape[1]
        places = torch.arange(said_before, said_before + numbers.shape[1])[None]
        said = self.model(
            input_ids=numbers,
            position_ids=places,
            pixel_values=seen[:, None] if past is None else None,
            past_key_values=past,
            use_cache=_caches(numbers),
        )
        return said.logits[:, -numbers.shape[1] :], said.past_key_values


class _Seen(nn.Module):
    """Stands where GIT has its image encoder, and passes on what that one saw before."""

    def forward(self, pixel_values: Tensor, **_: object) -> SimpleNamespace:
        """Take (K, 1, N, C): GIT tells one picture from several by the number of dimensions."""
        return SimpleNamespace(last_hidden_state=pixel_values[:, 0])


class Pair(nn.Module):
    """``VisionEncoderDecoderModel``: an image encoder and a decoder that attends to it."""

    def __init__(self, model: Any, begin: int | None) -> None:  # noqa: ANN401
        super().__init__()
        self.model = model
        chosen = _setting(model, "decoder_start_token_id", "bos_token_id") if begin is None else begin
        if chosen is None:
            raise WeightsError("The model does not say which token a sentence begins with.")
        self.begin: int = chosen
        self.ends = _ends(model)
        self.positions = _positions(model.decoder)

    def look(self, pixels: Tensor) -> Tensor:
        """See ``Family``."""
        seen: Tensor = self.model.encoder(pixel_values=pixels).last_hidden_state
        return seen

    def say(self, seen: Tensor, numbers: Tensor, past: Any) -> tuple[Tensor, Any]:  # noqa: ANN401
        """See ``Family``."""
        said = self.model(
            encoder_outputs=(seen,),
            decoder_input_ids=numbers,
            past_key_values=past,
            use_cache=_caches(numbers),
        )
        return said.logits, said.past_key_values


FAMILIES: Mapping[str, tuple[str, Callable[[Any, int | None], Family]]] = {
    "blip": ("BlipForConditionalGeneration", Blip),
    "git": ("GitForCausalLM", Git),
    "vision-encoder-decoder": ("VisionEncoderDecoderModel", Pair),
}
"""Class of ``transformers`` and what drives it, by the model type that a configuration names."""


def _caches(numbers: Tensor) -> bool:
    """Whether words are said one at a time."""
    return numbers.shape[1] == 1


def _positions(decoder: Any) -> int | None:  # noqa: ANN401
    """Numbers that a decoder has places for; None where it names no limit."""
    named = getattr(decoder.config, "max_position_embeddings", None)
    if named is None:
        return None
    # RoBERTa and its kin count places from the number after the padding's.
    skipped = [
        module.padding_idx + 1
        for name, module in decoder.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return int(named) - max(skipped, default=0)


def _setting(model: Any, *names: str) -> Any:  # noqa: ANN401
    """The first of a model's settings that is set, for generation before that of the network and its decoder."""
    decoder = getattr(model.config, "decoder", None)
    for name in names:
        for place in (model.generation_config, model.config, decoder):
            if (value := getattr(place, name, None)) is not None:
                return value
    return None


def _ends(model: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Tokens that end a sentence.

    Raises:
        WeightsError: the model names none.
    """
    found = _setting(model, "eos_token_id")
    if found is None:
        raise WeightsError("The model does not say which token a sentence ends with.")
    return tuple(found) if isinstance(found, list) else (found,)
