"""The crop scorer: trunk, channel reduction, RoI and RoD pooling, head (GAIC, TPAMI 2020, section 4, figure 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.errors import RequestError, WeightsError
from cadrage.learning.backbones import build_trunk
from cadrage.learning.pooling import rod_clean, roi_clean, whole_map
from cadrage.learning.pooling_official import rod_official, roi_official
from cadrage.learning.saliency_head import SaliencyHead
from cadrage.learning.timm_trunk import PYRAMID

STRIDE = 16
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
OFFICIAL_MEAN = (0.485 * 256, 0.456 * 256, 0.406 * 256)
"""The official code divides pixels by 256, not 255; these are exact multiples, so no bit changes."""
OFFICIAL_STD = (0.229 * 256, 0.224 * 256, 0.225 * 256)

Scale = Literal["multi", "single"]
Pooling = Literal["clean", "official"]
Regions = Literal["roi+rod", "roi", "rod", "roi+global"]
Kernel = Literal[9, 5, 3]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Everything that fixes the shape and the arithmetic of a crop scorer.

    Raises:
        RequestError: a value is outside its range.
    """

    backbone: str = "mobilenet_v2"
    """A name that ``build_trunk`` knows."""
    scale: Scale = "multi"
    """Read the trunk's three maps, mostly at strides 8, 16 and 32, or only the second, at stride 16."""
    pooling: Pooling = "clean"
    """Pooling and fusion as they should be, or with every quirk of the published code."""
    regions: Regions = "roi+rod"
    """What the head sees (table 4)."""
    channels: int = 8
    """Channels after the reduction."""
    pool_size: int = 9
    """Bins per axis of a pooled region."""
    samples: int = 2
    """Clean pooling: sample points per bin and axis."""
    offset: float = 7.5
    """Clean pooling: raster coordinate of the centre of feature cell 0."""
    kernel: Kernel = 9
    """First layers of the head: one 9x9, two 5x5 or three 3x3 convolutions (table 5)."""
    width: int = 768
    """Channels after the first layers of the head."""
    hidden: int = 128
    """Channels of the layer before the score."""
    norm: bool = False
    """Batch normalisation in the head, as in the 2019 release."""
    dropout: float = 0.0
    """Dropout before the score, 0.5 in the 2019 release."""
    geometry: bool = False
    """Give the head the box's place and shape as numbers too (ours)."""
    same_padding: bool = False
    """See ``Trunk``."""
    pixel_mean: tuple[float, float, float] = IMAGENET_MEAN
    """Subtracted from pixels in 0-255, red, green, blue."""
    pixel_std: tuple[float, float, float] = IMAGENET_STD
    """Divides them afterwards."""
    mos_mean: float = 2.95
    """Mean of the training ratings: the network puts out z-scores."""
    mos_std: float = 0.8
    """Standard deviation of the training ratings."""
    saliency: int = 0
    """Channels of the saliency head where it is finest; 0 for a network without one."""

    def __post_init__(self) -> None:
        known = {"scale": Scale, "pooling": Pooling, "regions": Regions, "kernel": Kernel}
        for name, kind in known.items():
            if getattr(self, name) not in get_args(kind):
                raise RequestError(f"There is no {name} {getattr(self, name)!r}: choose of {get_args(kind)}.")
        if min(self.channels, self.pool_size, self.samples, self.width, self.hidden) < 1:
            raise RequestError("Channels, bins, sample points and widths of a network are at least 1.")
        if self.kernel != 9 and self.pool_size != 9:
            raise RequestError("The heads of 5x5 and 3x3 kernels are defined for 9x9 pooled regions only.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a run record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """The reverse of ``to_dict``."""
        pairs: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**pairs)


class CropNetwork(nn.Module):
    """Scores crops of images: ``encode`` once per image, ``score`` any boxes."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: NetworkConfig, initial_weights: str | Path | None = None) -> None:
        """Build the network.

        Args:
            config: its shape.
            initial_weights: of the backbone, see ``build_trunk``.
        """
        super().__init__()
        self.config = config
        self.trunk = build_trunk(
            config.backbone, initial_weights=initial_weights, same_padding=config.same_padding
        )
        widths = self.trunk.channels if config.scale == "multi" else self.trunk.channels[1:2]
        self.reduce = nn.Conv2d(sum(widths), config.channels, 1)
        regions = 2 if "+" in config.regions else 1
        self.head = Head(config, regions * config.channels)
        self.register_buffer("pixel_mean", torch.tensor(config.pixel_mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(config.pixel_std).view(1, 3, 1, 1), persistent=False)
        self.saliency_head: SaliencyHead | None = None
        if config.saliency:
            self.add_saliency(config.saliency)

    def add_saliency(self, channels: int) -> SaliencyHead:
        """Put a fresh saliency head of so many channels on the trunk, in place of any there is; returns it.

        Raises:
            RequestError: the trunk's maps do not lie at strides 8, 16 and 32.
        """
        if self.trunk.strides != PYRAMID:
            raise RequestError(
                f"A saliency head needs maps at strides 8, 16 and 32; those of {self.config.backbone} lie at 16."
            )
        self.config = replace(self.config, saliency=channels)
        self.saliency_head = SaliencyHead(self.trunk.channels, channels)
        return self.saliency_head

    def encode(self, raster: Tensor) -> Tensor:
        """Features of working rasters.

        Args:
            raster: shape (B, 3, H, W), RGB in 0-255, H and W multiples of 32.

        Returns:
            Shape (B, channels, H/16, W/16).
        """
        return self.fuse(self.trunk(self.normalise(raster)))

    def normalise(self, raster: Tensor) -> Tensor:
        """What the trunk reads: pixels in 0-255 less the mean, divided by the deviation; (B, 3, H, W)."""
        normalised: Tensor = (raster - self.pixel_mean) / self.pixel_std
        return normalised

    def fuse(self, maps: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Bring the trunk's three maps to stride 16 and reduce their channels.

        The 1x1 convolution is linear and acts on channels only, so it commutes with resampling: each map is
        reduced first, which resamples 8 channels where the published code resamples hundreds.
        """
        if self.config.scale == "single":
            single: Tensor = self.reduce(maps[1])
            return single
        official = self.config.pooling == "official"
        weights = torch.split(self.reduce.weight, list(self.trunk.channels), dim=1)
        fine, middle, coarse = (
            functional.conv2d(features, weight) for features, weight in zip(maps, weights, strict=True)
        )
        size = middle.shape[-2:]
        how: dict[str, Any] = {"size": size, "mode": "bilinear", "align_corners": official}
        fused = functional.interpolate(fine, **how) + middle
        fused = fused + (0.5 if official else 1.0) * functional.interpolate(coarse, **how)
        return fused + self.reduce.bias.view(1, -1, 1, 1)  # type: ignore[union-attr]

    def saliency(self, maps: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """How likely each cell shows the salient object.

        Args:
            maps: of the trunk.

        Returns:
            Shape (B, H/8, W/8), in [0, 1].

        Raises:
            WeightsError: the network has no saliency head.
        """
        if self.saliency_head is None:
            raise WeightsError("This network has no saliency head: train one with 'cadrage train saliency'.")
        return torch.sigmoid(self.saliency_head(maps))

    def score(self, features: Tensor, boxes_xyxy: Tensor, image_index: Tensor | None = None) -> Tensor:
        """Normalised scores (z-scores of the mean opinion score) of boxes.

        Args:
            features: shape (B, channels, H/16, W/16).
            boxes_xyxy: shape (K, 4), in raster pixels.
            image_index: shape (K,), the image of each box; ``None`` when there is one image.

        Returns:
            Shape (K,).
        """
        regions = self.pool(features, boxes_xyxy, image_index)
        height, width = features.shape[-2:]
        geometry = (
            describe_boxes(boxes_xyxy, width * STRIDE, height * STRIDE) if self.config.geometry else None
        )
        scores: Tensor = self.head(regions, geometry)
        return scores

    def pool(self, features: Tensor, boxes_xyxy: Tensor, image_index: Tensor | None) -> Tensor:
        """The regions that the head sees, shape (K, channels or 2 x channels, pool_size, pool_size)."""
        config = self.config
        parts = []
        if "roi" in config.regions:
            parts.append(self._region("roi", features, boxes_xyxy, image_index))
        if "rod" in config.regions:
            parts.append(self._region("rod", features, boxes_xyxy, image_index))
        if "global" in config.regions:
            how: dict[str, Any] = {"stride": STRIDE, "offset": config.offset}
            whole = whole_map(features, bins=config.pool_size, samples=config.samples, **how)
            one = image_index is None
            parts.append(whole.expand(len(boxes_xyxy), -1, -1, -1) if one else whole[image_index])
        return torch.cat(parts, dim=1)

    def _region(self, which: str, features: Tensor, boxes_xyxy: Tensor, index: Tensor | None) -> Tensor:
        config = self.config
        if config.pooling == "official":
            operator = roi_official if which == "roi" else rod_official
            return operator(features, boxes_xyxy, index, stride=STRIDE, size=config.pool_size)
        clean = roi_clean if which == "roi" else rod_clean
        return clean(
            features,
            boxes_xyxy,
            index,
            stride=STRIDE,
            offset=config.offset,
            size=config.pool_size,
            samples=config.samples,
        )

    def forward(self, raster: Tensor, boxes_xyxy: Tensor, image_index: Tensor | None = None) -> Tensor:
        """``score(encode(raster), boxes)``: normalised scores of shape (K,)."""
        return self.score(self.encode(raster), boxes_xyxy, image_index)

    def mos(self, normalised: Tensor) -> Tensor:
        """Bring normalised scores back to the raters' 1-5 scale."""
        return normalised * self.config.mos_std + self.config.mos_mean


class Head(nn.Module):
    """Pooled regions to one number each (table 5; section 4.3 of the official code)."""

    def __init__(self, config: NetworkConfig, in_channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_first_layers(config, in_channels))
        extra = GEOMETRY_WIDTH if config.geometry else 0
        self.geometry = nn.Sequential(nn.Linear(GEOMETRY_SIZE, extra), nn.ReLU()) if extra else None
        self.second = nn.Sequential(*_block(config, config.width + extra, config.hidden, kernel=1))
        self.dropout = nn.Dropout(config.dropout)
        self.last = WholeConv2d(config.hidden, 1, 1)

    def forward(self, regions: Tensor, geometry: Tensor | None = None) -> Tensor:
        """Scores of shape (K,) for regions (K, C, 9, 9) and, if configured, geometry (K, 9)."""
        return self.finish(self.first(regions), geometry)

    def finish(self, hidden: Tensor, geometry: Tensor | None) -> Tensor:
        """Scores of shape (K,) for the first layers' result (K, width, 1, 1) and geometry."""
        if self.geometry is not None and geometry is not None:
            hidden = torch.cat([hidden, self.geometry(geometry)[:, :, None, None]], dim=1)
        scores: Tensor = self.last(self.dropout(self.second(hidden))).flatten()
        return scores


def _first_layers(config: NetworkConfig, in_channels: int) -> list[nn.Module]:
    if config.kernel == 9:
        return _block(config, in_channels, config.width, kernel=config.pool_size)
    if config.kernel == 5:
        first = _block(config, in_channels, 64, kernel=5)
        return first + _block(config, 64, config.width, kernel=5)
    # Strides and padding are not published; these bring 9x9 to 1x1 and give table 5's 0.69 M operations.
    first = _block(config, in_channels, 32, kernel=3, stride=2, padding=1)
    second = _block(config, 32, 64, kernel=3, stride=2, padding=1)
    return first + second + _block(config, 64, config.width, kernel=3)


class WholeConv2d(nn.Conv2d):
    """A convolution as large as its input: one matrix product, many times faster than a sliding window."""

    def forward(self, input: Tensor) -> Tensor:
        """From (K, C, size, size) to (K, C', 1, 1)."""
        return functional.linear(input.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None]


def _block(
    config: NetworkConfig, in_channels: int, channels: int, *, kernel: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    whole = kernel in (1, config.pool_size)
    convolution = (WholeConv2d if whole else nn.Conv2d)(in_channels, channels, kernel, stride, padding)
    norm = [nn.BatchNorm2d(channels)] if config.norm else []
    return [convolution, *norm, nn.ReLU()]


GEOMETRY_SIZE = 9
GEOMETRY_WIDTH = 64


def describe_boxes(boxes_xyxy: Tensor, width: float, height: float) -> Tensor:
    """Place and shape of boxes as numbers of order one.

    Args:
        boxes_xyxy: shape (K, 4), in raster pixels.
        width: of the raster.
        height: of the raster.

    Returns:
        Shape (K, 9): the four edges in [-1, 1], area and relative sides centred at one half, logs of the box's
        and the raster's aspect ratio.
    """
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    wide, high = (x2 - x1) / width, (y2 - y1) / height
    ratio = torch.log((x2 - x1) / (y2 - y1))
    edges = [2 * x1 / width - 1, 2 * y1 / height - 1, 2 * x2 / width - 1, 2 * y2 / height - 1]
    frame = torch.log(torch.ones_like(ratio) * width / height)
    return torch.stack([*edges, wide * high - 0.5, wide - 0.5, high - 0.5, ratio, frame], dim=1)
