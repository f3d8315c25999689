"""The saliency head: from the trunk's three maps to one map of how likely each cell shows the salient object."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SALIENCY_STRIDE = 8


class SaliencyHead(nn.Module):
    """From coarse to fine: each map, reduced in channels, is added to the upsampled coarser one and smoothed.

    Wide where cells are few and narrow where they are many, so that it costs little beside the trunk.
    """

    def __init__(self, trunk_channels: tuple[int, int, int], channels: int, dropout: float = 0.0) -> None:
        """Build the head.

        Args:
            trunk_channels: of the trunk's maps at strides 8, 16 and 32.
            channels: at stride 8; twice as many at stride 16, four times as many at stride 32.
            dropout: share of whole channels of the maps, but for the finest hidden one, left out while training.
        """
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels)
        self.dropout = nn.Dropout2d(dropout)
        self.reduce = nn.ModuleList(
            nn.Sequential(nn.Conv2d(given, width, 1, bias=False), nn.BatchNorm2d(width))
            for given, width in zip(trunk_channels, widths, strict=True)
        )
        self.smooth = nn.ModuleList(
            _separable(width, kernel) for width, kernel in zip(widths, (3, 5, 3), strict=True)
        )
        self.narrow = nn.ModuleList(nn.Conv2d(wide, width, 1, bias=False) for width, wide in pairwise(widths))
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Logits of shape (B, h, w) for maps (B, C, h, w), (B, C', h/2, w/2) and (B, C'', h/4, w/4)."""
        fine, middle, coarse = (
            reduce(self.dropout(features)) for reduce, features in zip(self.reduce, maps, strict=True)
        )
        hidden = self.dropout(self.smooth[2](functional.relu(coarse)))
        hidden = self.dropout(self.smooth[1](functional.relu(middle + doubled(self.narrow[1](hidden)))))
        hidden = self.smooth[0](functional.relu(fine + doubled(self.narrow[0](hidden))))
        logits: Tensor = self.last(hidden).squeeze(1)
        return logits


def doubled(features: Tensor) -> Tensor:
    """Twice the rows and columns, bilinear: (B, C, h, w) to (B, C, 2h, 2w).

    By the edges of the maps, though the trunk's strided convolutions shift them against each other by half a cell
    at every step: the convolutions that follow learn that, and exactness would cost a third of the head's time.
    """
    return functional.interpolate(features, scale_factor=2, mode="bilinear")


def _separable(channels: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def overlap_loss(logits: Tensor, targets: Tensor, overlap: float) -> Tensor:
    """Binary cross-entropy, and one minus the intersection over union of soft maps.

    Args:
        logits: shape (B, h, w).
        targets: shape (B, h, w), share of each cell that the object covers, in [0, 1].
        overlap: weight of the second term.
    """
    likely = torch.sigmoid(logits)
    both = (likely * targets).sum(dim=(1, 2))
    either = (likely + targets - likely * targets).sum(dim=(1, 2))
    entropy = functional.binary_cross_entropy_with_logits(logits, targets)
    return entropy + overlap * (1 - (both + 1) / (either + 1)).mean()
