"""Trunks of timm: any of its networks that makes three maps, convolutional or a transformer.

Networks whose maps lie at strides 8, 16 and 32 are read there. Of the others, such as plain vision transformers,
which keep one stride, the last three maps are read and brought to stride 16: patches of 14 pixels are laid on a
picture shrunk to 14/16, and maps of other strides are resampled. A network that takes one size of pictures sees
every picture squeezed to that size, and its maps are stretched back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.errors import MissingExtraError, WeightsError, first_line
from cadrage.learning.padding import pad_strided_convolutions
from cadrage.learning.pretrained import PACKAGES, load_packaged

TENSORFLOW = "tf_"
"""Start of timm's names of networks whose weights were trained by TensorFlow, with its padding."""

PixelRule = tuple[tuple[float, float, float], tuple[float, float, float]]

PYRAMID = (8, 16, 32)
LEVEL = (16, 16, 16)

FLEXIBLE: tuple[Mapping[str, bool], ...] = ({"dynamic_img_size": True}, {"strict_img_size": False})
"""What makes many of timm's transformers take pictures of any size; convolutions need nothing for it."""

PROBES_HW = ((160, 224), (224, 160))
"""Sizes of a trial: their cells cannot all be divided into windows of 7 or of 8."""

_REFUSALS = (RuntimeError, AssertionError, ValueError, TypeError, AttributeError)
"""What timm and its networks raise for a name, an option or a size that is not theirs."""


class TimmTrunk(nn.Module):
    """A timm network as a trunk.

    Attributes:
        channels: channels of the three maps.
        strides: where they lie: ``PYRAMID`` or ``LEVEL``.
        only_hw: the one size of pictures that the network takes; ``None`` where it takes any.
        model: timm's network.
    """

    def __init__(self, name: str, pretrained: bool) -> None:
        """Build the network, and find out which pictures it takes.

        Args:
            name: timm's.
            pretrained: start from its ImageNet weights, packaged or downloaded, instead of at random.

        Raises:
            WeightsError: timm has no such network, it has no three maps, or the download failed.
        """
        super().__init__()
        if ":" in name:
            raise WeightsError(f"'{name}' is a network of a hub or a folder: give a name of timm's own.")
        try:
            self.model = _create(name)
        except _REFUSALS as error:
            raise WeightsError(f"timm has no usable backbone named '{name}': {first_line(error)}") from error
        info: Any = self.model.feature_info
        given, widths = info.reduction(), info.channels()
        if len(given) < 3:
            raise WeightsError(f"timm's '{name}' has maps at strides {list(given)}; three are needed.")
        self._patch, self._cell = given[-1], int(2 ** round(math.log2(given[-1])))
        strides = [stride * self._cell / self._patch for stride in given]
        pyramid = set(PYRAMID) <= set(strides)
        self.strides = PYRAMID if pyramid else LEVEL
        self._picked = [strides.index(stride) for stride in PYRAMID] if pyramid else [-3, -2, -1]
        fine, middle, coarse = (widths[index] for index in self._picked)
        self.channels = (fine, middle, coarse)
        self._channels_last = getattr(self.model, "output_fmt", "NCHW") == "NHWC"
        self.only_hw: tuple[int, int] | None = None
        options = self._find_sizes(name)
        if pretrained:
            self._load(name, options)
        if name.startswith(TENSORFLOW):
            pad_strided_convolutions(self)

    def _find_sizes(self, name: str) -> Mapping[str, bool]:
        """Settle which pictures the network takes, and the options with which it does."""
        if self._refused() is None:
            return {}
        for options in FLEXIBLE:
            with suppress(*_REFUSALS):
                self.model = _create(name, options)
                if self._refused() is None:
                    return options
        self.model = _create(name)
        height, width = _configuration(name).input_size[-2:]
        self.only_hw = (height, width)
        if (refused := self._refused()) is not None:
            raise WeightsError(f"timm's '{name}' makes no maps of a picture: {refused}.")
        return {}

    @torch.no_grad()
    def _refused(self) -> str | None:
        """What is wrong with the maps of the probes; ``None`` if nothing is."""
        self.eval()
        try:
            for height, width in PROBES_HW:
                found = tuple(features.shape[1] for features in self(torch.zeros(1, 3, height, width)))
                if found != self.channels:
                    return f"they should have {self.channels} channels and have {found}"
        except _REFUSALS as error:
            return first_line(error)
        finally:
            self.train()
        return None

    def _load(self, name: str, options: Mapping[str, bool]) -> None:
        if name in PACKAGES:
            load_packaged(self.model, name)
            return
        try:
            self.model = _create(name, options, pretrained=True)
        except OSError as error:
            raise WeightsError(
                f"timm could not download the weights of '{name}': {first_line(error)}"
            ) from error
        except _REFUSALS as error:
            raise WeightsError(f"timm has no weights of '{name}': {first_line(error)}") from error

    @property
    def first_blocks(self) -> list[nn.Module]:
        """The network's parts in order, and where it is a sequence of stages or blocks, these."""
        network = getattr(self.model, "model", self.model)  # timm wraps its transformers
        return [
            one
            for part in network.children()
            for one in (part.children() if isinstance(part, nn.Sequential | nn.ModuleList) else [part])
        ]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at ``strides`` of normalised images of shape (B, 3, H, W), H and W multiples of 32."""
        height, width = images.shape[-2:]
        if self.only_hw is not None:
            images = _resized(images, self.only_hw)
        elif self._patch != self._cell:
            images = _resized(images, (height // self._cell * self._patch, width // self._cell * self._patch))
        maps = self.model(images)
        fine, middle, coarse = (
            self._placed(maps[index], (height // stride, width // stride))
            for index, stride in zip(self._picked, self.strides, strict=True)
        )
        return fine, middle, coarse

    def _placed(self, features: Tensor, size_hw: tuple[int, int]) -> Tensor:
        """A map of the network as (B, C, rows, columns) of a size."""
        if self._channels_last:
            features = features.permute(0, 3, 1, 2)
        return features if features.shape[-2:] == size_hw else _resized(features, size_hw)


def _create(name: str, options: Mapping[str, bool] | None = None, *, pretrained: bool = False) -> nn.Module:
    try:
        import timm  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(f"The backbone timm:{name}", "train") from None
    given: dict[str, Any] = {"features_only": True, **(options or {})}
    network: nn.Module = timm.create_model(name, pretrained=pretrained, **given)
    return network


def _configuration(name: str) -> Any:  # noqa: ANN401  (timm's own class)
    """What timm says of a network's weights, by its present or an old name; ``None`` where it knows none."""
    import timm  # noqa: PLC0415

    return timm.get_pretrained_cfg(timm.models.get_deprecated_models().get(name) or name)


def pixels_expected(name: str) -> PixelRule | None:
    """How timm's weights of a network expect pixels; ``None`` where timm does not know.

    Returns:
        Mean and deviation, red, green, blue, in 0-255.
    """
    try:
        known = _configuration(name)
    except RuntimeError:  # no such weights of the network
        return None
    if known is None:
        return None
    mean, deviation = ([round(255 * part, 4) for part in parts] for parts in (known.mean, known.std))
    return (mean[0], mean[1], mean[2]), (deviation[0], deviation[1], deviation[2])


def _resized(images: Tensor, size_hw: tuple[int, int]) -> Tensor:
    return functional.interpolate(images, size=size_hw, mode="bilinear", align_corners=False)
