"""The head's first layer as two narrow ones: what the exported scorer spends most of its time in, made short.

Pooled regions are smooth, and so the 768 outputs of a trained first layer vary in few directions. Projecting them
onto their principal components over typical crops (Zhang, Zou, He and Sun, "Accelerating very deep convolutional
networks", 2015, section 3.1.1) is the product of two matrices with far fewer elements than the one. Each
output counts as much as the score depends on it.

With so few components the region of discard needs no pooling either. Its samples lie at the same places for every
box, which only weighs them, so their share of each component is worked out once for a picture.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cadrage.learning.deployed import QuickScoreGraph, linear
from cadrage.learning.network import STRIDE, CropNetwork
from cadrage.learning.pooling import covered_shares, sample_weights

RANK = 128
"""Components kept.

Factorised on 100 photographs of GAICD, the default model's scores of the 90 grid anchors differ from those of the
whole layer by a root mean square of 0.010 points within a photograph of Flickr8k, where they spread over 0.64 (60
photographs; 0.013 where every output counts alike); with 192 components by 0.007.
"""


LEAST_VARIANCE = 1e-12
"""What a component of no variance is divided by the root of."""

LEAST_IMPORTANCE = 0.01
"""Of an output that no score depends on, as a share of the mean: it is divided by."""


class ShortScoreGraph(QuickScoreGraph):
    """A ``QuickScoreGraph`` with a first layer of a low rank.

    Attributes:
        first_roi: from the pooled region of interest to the components; none where the network does not see it.
        first_rod: shape (bins * bins, C, rank), from each bin of the region of discard to them; likewise.
        first: from the components to the layer's width.
    """

    def __init__(self, network: CropNetwork, down: nn.Linear, up: nn.Linear) -> None:
        """Put a factorised layer in the place of the network's.

        Args:
            network: see ``can_be_quick``.
            down: from ``QuickScoreGraph.pooled`` to the components.
            up: from the components to the width.
        """
        super().__init__(network)
        config, rank = network.config, down.out_features
        parts = list(down.weight.chunk(1 + ("+" in config.regions), dim=1))
        self.components = nn.Parameter(down.bias.detach(), requires_grad=False)
        # A bias of zeros makes it one operator of the export, which is then brought to 8 bits.
        self.first_roi = linear(parts.pop(0), torch.zeros(rank)) if "roi" in config.regions else None
        self.first = up
        if "rod" in config.regions:
            by_bin = parts[0].reshape(rank, config.pool_size, config.channels, config.pool_size)
            turned = by_bin.permute(1, 3, 2, 0).reshape(-1, config.channels, rank) / config.samples**2
            self.first_rod = nn.Parameter(turned, requires_grad=False)

    def first_outputs(self, features: Tensor, boxes: Tensor) -> Tensor:
        """The head's first layer, (K, width), before its activation."""
        components: Tensor = self.components
        if self.first_roi is not None:
            components = components + self.first_roi(self.pooled_roi(features, boxes))
        if "rod" in self.network.config.regions:
            components = components + self._discarded(features, boxes)
        outputs: Tensor = self.first(components)
        return outputs

    def _discarded(self, features: Tensor, boxes: Tensor) -> Tensor:
        """What the region of discard adds to the components, (K, rank)."""
        config = self.network.config
        bins, samples, rank = config.pool_size, config.samples, self.first_rod.shape[-1]
        height, width = features.shape[-2:]
        count = bins * samples
        rows, columns = (
            sample_weights(length, features, count=count, stride=STRIDE, offset=config.offset)
            for length in (height, width)
        )
        sampled = (rows @ features[0] @ columns.T).reshape(config.channels, bins, samples, bins, samples)
        by_bin = sampled.permute(1, 3, 2, 4, 0).reshape(bins * bins, samples * samples, config.channels)
        shares = (by_bin @ self.first_rod).reshape(bins, bins, samples, samples, rank)
        by_place = shares.permute(1, 3, 0, 2, 4).reshape(count, count * rank)  # column by column
        x1, y1, x2, y2 = boxes.unbind(1)
        across = covered_shares(x1, x2, count, width * STRIDE)
        down = covered_shares(y1, y2, count, height * STRIDE)
        kept = torch.bmm(down[:, None], (across @ by_place).reshape(-1, count, rank))[:, 0]
        return by_place.reshape(-1, rank).sum(dim=0) - kept


@torch.no_grad()
def factorise(
    graph: QuickScoreGraph, examples: Iterable[tuple[Tensor, Tensor]], rank: int = RANK
) -> QuickScoreGraph:
    """Approximate the first layer of a score graph as well as a rank allows, where that is shorter.

    Args:
        graph: of a network as it is.
        examples: features, float32 (1, C, h, w), and boxes, (K, 4) in raster pixels, like those to come.
        rank: components kept.

    Returns:
        The shorter graph, or the same one.
    """
    layer = graph.first
    if rank * (layer.in_features + layer.out_features) >= layer.weight.numel():
        return graph
    outputs, importance = _responses(graph, examples)
    mean = outputs.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov((outputs * importance).T))
    kept = directions[:, -rank:]
    spread = (
        variances[-rank:].clamp_min(LEAST_VARIANCE).sqrt()
    )  # of one size each, or 8 bits lose the small ones
    weight, bias = layer.weight.double(), layer.bias.double()
    to_components = kept.T * importance / spread[:, None]
    down = linear((to_components @ weight).float(), (to_components @ (bias - mean)).float())
    up = kept * spread / importance[:, None]
    return ShortScoreGraph(graph.network, down, linear(up.float(), mean.float()))


def _responses(graph: QuickScoreGraph, examples: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The first layer's outputs for every box, (all K, width), and how much the score depends on each, (width,).

    That is the root mean square of the score's derivative, at least ``LEAST_IMPORTANCE`` of the mean.
    """
    every, squares = [], []
    for features, boxes in examples:
        height, width = features.shape[-2:]
        with torch.no_grad():
            outputs = graph.first_outputs(features, boxes)
        with torch.enable_grad():
            scores = graph.finish(outputs.requires_grad_(), boxes, width * STRIDE, height * STRIDE)
            (slopes,) = torch.autograd.grad(scores.sum(), outputs)
        every.append(outputs.detach().double())
        squares.append(slopes.double().square().mean(dim=0))
    importance = torch.stack(squares).mean(dim=0).sqrt()
    return torch.cat(every), importance.clamp_min(LEAST_IMPORTANCE * importance.mean())
