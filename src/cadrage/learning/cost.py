"""What a network costs: parameters and multiply-adds, counted, and pictures a second, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cadrage.candidates import grid_anchors
from cadrage.learning.backbones import Trunk
from cadrage.learning.network import CropNetwork, NetworkConfig

SIDE = 256
"""Of the square picture that is counted and timed, as in the paper's table 3, pixels."""

TIMED = 9
"""Passes whose median is the time of one."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a crop scorer.

    Attributes:
        trunk_parameters: of the part of the backbone that is used, as the paper's table 3 counts them.
        parameters: of the whole network.
        trunk_multiply_adds: of the convolutions of the backbone for one picture of 256 x 256 pixels.
        crop_multiply_adds: of the head for one crop.
        pictures_per_second: from raster to the scores of all grid anchors, in eager torch on one thread.
    """

    trunk_parameters: int
    parameters: int
    trunk_multiply_adds: int
    crop_multiply_adds: int
    pictures_per_second: float


@torch.no_grad()
def cost_of(config: NetworkConfig) -> Cost:
    """Count and time a network of random weights."""
    network = CropNetwork(config).eval()
    pictures = torch.zeros(1, 3, SIDE, SIDE)
    boxes = torch.from_numpy(grid_anchors((SIDE, SIDE))).float()
    reached = _trunk_of(network)

    def whole() -> Tensor:
        if isinstance(reached, nn.Sequential):
            return network.score(network.reduce(reached(network.normalise(pictures))), boxes)
        return network.score(network.encode(pictures), boxes)

    regions = torch.zeros(1, (2 if "+" in config.regions else 1) * config.channels, 9, 9)
    geometry = torch.zeros(1, 9) if config.geometry else None
    return Cost(
        trunk_parameters=sum(parameter.numel() for parameter in reached.parameters()),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trunk_multiply_adds=_multiply_adds(lambda: reached(pictures)),
        crop_multiply_adds=_multiply_adds(lambda: network.head(regions, geometry)),
        pictures_per_second=1 / _seconds(whole),
    )


def _trunk_of(network: CropNetwork) -> nn.Module:
    """The part of the backbone that the network reads: one that reads stride 16 alone needs no later stage."""
    if network.config.scale == "single" and isinstance(network.trunk, Trunk):
        return nn.Sequential(*network.trunk.stages[:2])
    return network.trunk


def _multiply_adds(compute: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        compute()
    return int(counter.get_total_flops()) // 2


def _seconds(compute: Callable[[], object]) -> float:
    """Median time of a pass on one thread, after a first one that is not counted."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = []
        for _ in range(TIMED + 1):
            started = time.perf_counter()
            compute()
            times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return median(times[1:])
