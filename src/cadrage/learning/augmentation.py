"""Random changes of training views: light and colour, and the mirror.

The published code applies them to the full-size photograph before shrinking it; here they act on the working
raster in floating point, without clipping, which is the same up to the order of a linear and a point-wise step.
The published mirror leaves left and right edges unexchanged; here it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """Strengths, in units of pixels from 0 to 255; probabilities as in the official code."""

    mirror: float = 0.5
    """Probability of a left-right mirror."""
    brightness: float = 0.0
    """Added, uniform in plus or minus this; 32 in the official code."""
    contrast: float = 0.0
    """Multiplied, uniform in one plus or minus this; 0.5 in the official code."""
    saturation: float = 0.0
    """Distance from grey multiplied, uniform in one plus or minus this; 0.5 in the official code."""
    hue: float = 0.0
    """Rotation of the colours in degrees, uniform in plus or minus this; 18 in the official code."""
    probability: float = 0.5
    """Of each photometric change."""


OFFICIAL = AugmentationConfig(brightness=32, contrast=0.5, saturation=0.5, hue=18)


def augment(
    raster: Tensor, boxes_xyxy: Tensor, config: AugmentationConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A random view of a raster and its boxes.

    Args:
        raster: shape (3, H, W), RGB in 0-255, float.
        boxes_xyxy: shape (K, 4), in raster pixels.
        config: the strengths.
        generator: source of randomness.

    Returns:
        The view (values may leave 0-255) and its boxes.
    """
    draws = torch.rand(10, generator=generator).tolist()
    if draws[0] < config.mirror:
        raster, boxes_xyxy = mirror(raster, boxes_xyxy)

    def drawn(index: int, strength: float) -> float | None:
        return (
            (2 * draws[index + 1] - 1) * strength if draws[index] < config.probability and strength else None
        )

    if (amount := drawn(1, config.brightness)) is not None:
        raster = raster + amount
    contrast = drawn(3, config.contrast)
    contrast_first = draws[9] < 0.5
    if contrast is not None and contrast_first:
        raster = raster * (1 + contrast)
    if (amount := drawn(5, config.saturation)) is not None:
        raster = saturate(raster, 1 + amount)
    if (amount := drawn(7, config.hue)) is not None:
        raster = rotate_hue(raster, amount)
    if contrast is not None and not contrast_first:
        raster = raster * (1 + contrast)
    return raster, boxes_xyxy


def mirror(raster: Tensor, boxes_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Swap left and right of a raster (..., H, W) and of its boxes (K, 4)."""
    width = raster.shape[-1]
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    return raster.flip(-1), torch.stack([width - x2, y1, width - x1, y2], dim=1)


def saturate(raster: Tensor, factor: float) -> Tensor:
    """Scale the saturation of HSV, keeping value: each channel's distance from the largest, (3, H, W)."""
    value = raster.amax(dim=0, keepdim=True)
    return value - (value - raster) * factor


def rotate_hue(raster: Tensor, degrees: float) -> Tensor:
    """Rotate the hue of HSV, keeping saturation and value, (3, H, W) RGB."""
    value, low = raster.amax(dim=0), raster.amin(dim=0)
    chroma = value - low
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    red, green, blue = raster
    sector = torch.where(
        value == red,
        ((green - blue) / safe) % 6,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    turned = sector + degrees / 60
    channels = []
    for shift in (5.0, 3.0, 1.0):
        phase = (shift + turned) % 6
        channels.append(value - chroma * torch.minimum(phase, 4 - phase).clamp(0, 1))
    return torch.stack(channels)
