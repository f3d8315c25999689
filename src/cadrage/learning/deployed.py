"""The scorer as it is exported: the same arithmetic in an order that ONNX Runtime is quick at.

Pooling by matrix products leaves the bins of a region row by row, with the channels inside. Training turns them to
the order of a convolution; here the weights of the head's first layer are turned instead, once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cadrage.learning.network import STRIDE, CropNetwork, describe_boxes
from cadrage.learning.pooling import axis_weights, hole_weights, pool_bands, whole_map


class ScoreGraph(nn.Module):
    """Features and boxes of one picture to mean opinion scores."""

    def __init__(self, network: CropNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """From float32 (1, C, h, w) and (K, 4), raster pixels, to (K,)."""
        return self.network.mos(self.network.score(features, boxes))


class QuickScoreGraph(ScoreGraph):
    """The same for networks of ``can_be_quick``; 256 boxes take a quarter less time.

    Attributes:
        first: the head's first layer, from ``pooled`` to its width.
    """

    def __init__(self, network: CropNetwork) -> None:
        super().__init__(network)
        convolution: Any = network.head.first[0]
        config, weight, bias = network.config, convolution.weight.detach(), convolution.bias.detach()
        by_region = weight.reshape(len(weight), -1, config.channels, config.pool_size, config.pool_size)
        turned = by_region.transpose(2, 3).reshape(len(weight), -1)
        self.first = linear(turned, bias)

    def pooled(self, features: Tensor, boxes: Tensor) -> Tensor:
        """From float32 (1, C, h, w) and (K, 4), raster pixels, to (K, regions * bins * C * bins)."""
        parts = []
        if "roi" in self.network.config.regions:
            parts.append(self.pooled_roi(features, boxes))
        if "rod" in self.network.config.regions:
            height, width = features.shape[-2:]
            x1, y1, x2, y2 = boxes.unbind(1)
            rows, columns = hole_weights(y1, y2, height, **self.how), hole_weights(x1, x2, width, **self.how)
            whole = whole_map(features, **self.how).transpose(1, 2).flatten(1)
            parts.append(whole - pool_bands(features, rows, columns).flatten(1))
        return torch.cat(parts, dim=1)

    def pooled_roi(self, features: Tensor, boxes: Tensor) -> Tensor:
        """The region of interest alone, (K, bins * C * bins)."""
        height, width = features.shape[-2:]
        x1, y1, x2, y2 = boxes.unbind(1)
        rows, columns = axis_weights(y1, y2, height, **self.how), axis_weights(x1, x2, width, **self.how)
        return pool_bands(features, rows, columns).flatten(1)

    @property
    def how(self) -> dict[str, Any]:
        """How the network pools."""
        config = self.network.config
        return {
            "bins": config.pool_size,
            "samples": config.samples,
            "stride": STRIDE,
            "offset": config.offset,
        }

    def first_outputs(self, features: Tensor, boxes: Tensor) -> Tensor:
        """The head's first layer, (K, width), before its activation."""
        outputs: Tensor = self.first(self.pooled(features, boxes))
        return outputs

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """From float32 (1, C, h, w) and (K, 4), raster pixels, to (K,)."""
        height, width = features.shape[-2:]
        return self.finish(self.first_outputs(features, boxes), boxes, width * STRIDE, height * STRIDE)

    def finish(self, outputs: Tensor, boxes: Tensor, width: int, height: int) -> Tensor:
        """From the head's first layer, see ``first_outputs``, to (K,); sides of the raster in pixels."""
        network = self.network
        hidden = outputs[:, :, None, None]
        for layer in list(network.head.first)[1:]:
            hidden = layer(hidden)
        with_geometry = network.config.geometry
        geometry = describe_boxes(boxes, width, height) if with_geometry else None
        return network.mos(network.head.finish(hidden, geometry))


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A layer of given weights, (outputs, inputs) and (outputs,), that nobody trains."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight, requires_grad=False)
    layer.bias = nn.Parameter(bias, requires_grad=False)
    return layer


def can_be_quick(network: CropNetwork) -> bool:
    """Whether the head's first layer is one matrix product over cleanly pooled regions."""
    config = network.config
    return config.pooling == "clean" and config.kernel == 9 and config.regions in ("roi", "rod", "roi+rod")


def score_graph(network: CropNetwork) -> ScoreGraph:
    """What is exported of a network to score boxes."""
    return QuickScoreGraph(network) if can_be_quick(network) else ScoreGraph(network)
