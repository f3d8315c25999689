"""A small captioner: a light backbone, a recurrent speaker that looks at its map, and a file for both.

The speaker is that of "Show, Attend and Tell" (Xu et al., ICML 2015) with a GRU: at each step it weighs the cells
of the map by what it has said so far. It is far from the state of the art at captioning; it is there so that
caption-guided cropping works at once, without a network connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.atomic import replacing
from cadrage.captions.objective import likeliest_texts
from cadrage.captions.vocabulary import BEGIN, END, PAD, Vocabulary
from cadrage.errors import MissingExtraError, WeightsError, first_line
from cadrage.learning.backbones import build_trunk
from cadrage.learning.recipes import PIXEL_RULES
from cadrage.learning.timm_trunk import PYRAMID

FORMAT = "cadrage-captioner-1"


@dataclass(frozen=True, slots=True)
class CaptionerConfig:
    """The shape of a small captioner."""

    backbone: str = "mobilenet_v2"
    side: int = 128
    """Side of the square pictures it reads, pixels; a multiple of 32. Those of another shape are squeezed to it."""
    cells: int = 384
    """Channels of the map that the speaker looks at."""
    hidden: int = 512
    """Width of the speaker's state."""
    words: int = 256
    """Width of a word's embedding, which is shared by input and output."""
    longest: int = 16
    """Words it says at most, with the end."""
    dropout: float = 0.3
    same_padding: bool = True
    """Of the backbone, see ``learning.backbones.Trunk``."""
    pixels: str = "centred"
    """Name of the rule by which the backbone's initial weights expect pixels, see ``learning.recipes``."""


class _RectifiedConvolution(nn.Conv2d):
    """A convolution and its ReLU in one, so that who listens to it hears the map that is looked at."""

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(super().forward(maps))


class SmallCaptioner(nn.Module):
    """Pictures to words; a ``Captioner``.

    Attributes:
        config: its shape.
        vocabulary: its words.
        size_wh: width and height of the pictures it reads, pixels.
        last_convolution: the layer whose map, (K, cells, side/32, side/32), the speaker looks at.
    """

    def __init__(
        self, config: CaptionerConfig, vocabulary: Vocabulary, initial_weights: str | Path | None = None
    ) -> None:
        """Build it.

        Args:
            config: its shape.
            vocabulary: its words.
            initial_weights: of the backbone, see ``learning.backbones.build_trunk``.

        Raises:
            WeightsError: the backbone or its weights cannot be had.
        """
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.size_wh = (config.side, config.side)
        self.trunk = build_trunk(
            config.backbone, initial_weights=initial_weights, same_padding=config.same_padding
        )
        if self.trunk.strides != PYRAMID:
            raise WeightsError(f"A captioner needs maps at strides 16 and 32; {config.backbone} has none.")
        mean, deviation = PIXEL_RULES[config.pixels]
        self.pixel_mean: Tensor
        self.pixel_std: Tensor
        self.register_buffer("pixel_mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("pixel_std", torch.tensor(deviation)[:, None, None], persistent=False)
        seen = self.trunk.channels[1] + self.trunk.channels[2]
        self.last_convolution = _RectifiedConvolution(seen, config.cells, 1)
        self.begin = nn.Linear(config.cells, config.hidden)
        self.key = nn.Linear(config.cells, config.words, bias=False)
        self.query = nn.Linear(config.hidden, config.words)
        self.weigh = nn.Linear(config.words, 1, bias=False)
        self.embedding = nn.Embedding(len(vocabulary), config.words)
        self.cell = nn.GRUCell(config.words + config.cells, config.hidden)
        self.tell = nn.Linear(config.hidden + config.cells, config.words)
        self.bias = nn.Parameter(torch.zeros(len(vocabulary)))
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.embedding.weight, std=config.words**-0.5)
        self._begin = vocabulary.words.index(BEGIN)
        self._end = vocabulary.words.index(END)

    def look(self, pictures: Tensor) -> Tensor:
        """The map of pictures (K, 3, side, side), RGB in [0, 1]: its cells, shape (K, (side/32)^2, cells)."""
        rasters = (pictures * 255 - self.pixel_mean) / self.pixel_std
        # Channels last is a quarter quicker on CPUs, forwards and back.
        _, middle, coarse = self.trunk(rasters.contiguous(memory_format=torch.channels_last))
        seen = torch.cat([functional.avg_pool2d(middle, 2), coarse], dim=1)
        cells: Tensor = self.last_convolution(seen).flatten(2).transpose(1, 2)
        return cells

    def spoken(self, pictures: Tensor) -> Tensor:
        """Its own likeliest words; see ``Captioner``."""
        return self.say(self.look(pictures), None)

    def forced(self, pictures: Tensor, numbers: Tensor) -> Tensor:
        """The distributions while given words are said; see ``Captioner``."""
        return self.say(self.look(pictures), numbers)

    def say(self, cells: Tensor, numbers: Tensor | None) -> Tensor:
        """Distributions at each step.

        Args:
            cells: of ``look``.
            numbers: the words that are said, shape (K, T), with the end; ``None`` for its own.

        Returns:
            Log-probabilities, shape (K, T, V), NaN after the end.
        """
        keys = self.key(cells)
        state = torch.tanh(self.begin(cells.mean(dim=1)))
        word = torch.full((len(cells),), self._begin, device=cells.device)
        over = torch.zeros(len(cells), dtype=torch.bool, device=cells.device)
        steps: list[Tensor] = []
        for number in range(self.config.longest if numbers is None else numbers.shape[1]):
            weights = self.weigh(torch.tanh(keys + self.query(state)[:, None])).softmax(dim=1)
            seen = (weights * cells).sum(dim=1)
            state = self.cell(
                torch.cat([self.dropout(self.embedding(word) * self.config.words**0.5), seen], dim=1), state
            )
            told = torch.tanh(self.tell(self.dropout(torch.cat([state, seen], dim=1))))
            chances = functional.linear(told, self.embedding.weight, self.bias)
            steps.append(torch.where(over[:, None], torch.nan, chances.log_softmax(dim=-1)))
            word = chances.argmax(dim=-1) if numbers is None else numbers[:, number]
            over = over | (word == self._end)
            if bool(over.all()):
                break
        return torch.stack(steps, dim=1)

    def described(self, pictures: Tensor) -> list[str]:
        """What it says of pictures (K, 3, side, side), RGB in [0, 1]."""
        with torch.no_grad():
            return likeliest_texts(self.spoken(pictures), self.vocabulary)


def sentence(vocabulary: Vocabulary, text: str, longest: int) -> list[int]:
    """Numbers of the known words of a text, at most so many with the end that follows."""
    known = [word for word in vocabulary.numbers(text) if vocabulary.words[word] not in (PAD, "<unknown>")]
    return [*known[: longest - 1], vocabulary.words.index(END)]


def save_captioner(captioner: SmallCaptioner, path: Path, record: Mapping[str, Any]) -> None:
    """Write a captioner with its shape, its words and a record of how it was made, in half precision.

    Raises:
        MissingExtraError: safetensors is missing.
    """
    try:
        from safetensors.torch import save_file  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Captioners", "caption") from None
    state = {
        name: tensor.detach().cpu().half().contiguous()
        for name, tensor in captioner.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    about = {
        "format": FORMAT,
        "config": json.dumps(asdict(captioner.config)),
        "words": json.dumps(captioner.vocabulary.words, ensure_ascii=False),
        "record": json.dumps(dict(record)),
    }
    with replacing(path) as part:
        save_file(state, part, metadata=about)


def load_captioner_file(path: Path) -> tuple[SmallCaptioner, dict[str, Any]]:
    """Read a captioner written by ``save_captioner``: frozen, in evaluation mode; and its record.

    Raises:
        WeightsError: the file is missing, damaged, or something else.
        MissingExtraError: safetensors is missing.
    """
    try:
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Captioners", "caption") from None
    if not path.is_file():
        raise WeightsError(f"There is no captioner at {path}.")
    try:
        with safe_open(path, framework="pt") as held:
            about = held.metadata() or {}
            state = {name: held.get_tensor(name).float() for name in held.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be read as weights: it is damaged, or something else.") from error
    if about.get("format") != FORMAT:
        raise WeightsError(f"{path} is not a cadrage captioner.")
    try:
        captioner = SmallCaptioner(
            CaptionerConfig(**json.loads(about["config"])), Vocabulary(tuple(json.loads(about["words"])))
        )
        missing = captioner.load_state_dict(state, strict=False)
        wrong = [
            name for name in missing.missing_keys if not name.endswith("num_batches_tracked")
        ] + missing.unexpected_keys
        record: dict[str, Any] = json.loads(about["record"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit this version of cadrage: {first_line(error)}") from error
    if wrong:
        raise WeightsError(
            f"{path} does not fit this version of cadrage: it has no '{wrong[0]}' as expected."
        )
    return _quickened(captioner.eval().requires_grad_(False)), record


def _quickened(captioner: SmallCaptioner) -> SmallCaptioner:
    """The same frozen captioner, to the last digits, with less to do: norms are folded into convolutions."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval  # noqa: PLC0415

    for block in captioner.trunk.modules():
        if isinstance(block, nn.Sequential):
            for at, (first, second) in enumerate(pairwise(list(block))):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    block[at], block[at + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
    captioner.trunk.to(memory_format=torch.channels_last)
    return captioner.requires_grad_(False)
