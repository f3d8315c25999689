"""The exported saliency map: the graph that makes it beside the features, and its comparison with torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cadrage.errors import WeightsError
from cadrage.learning.network import CropNetwork
from cadrage.learning.scoring import predict_saliency

SALIENCY_TOLERANCE = 1e-3
"""Largest mean difference from torch, over a map, that a float32 export may show."""

SALIENCY_AGREEMENT = 0.05
"""The same for an 8-bit export."""


class EncodeSubjectGraph(nn.Module):
    """Raster to features and saliency map."""

    def __init__(self, network: CropNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, raster: Tensor) -> tuple[Tensor, Tensor]:
        """From uint8 (1, H, W, 3) to float32 (1, C, H/16, W/16) and (1, H/8, W/8)."""
        network = self.network
        maps = network.trunk(network.normalise(raster.permute(0, 3, 1, 2).float()))
        return network.fuse(maps), network.saliency(maps)


def check_saliency(
    network: CropNetwork, encode: Path, rasters: Sequence[NDArray[np.uint8]], tolerance: float
) -> float:
    """Compare exported saliency maps with the network's; without a saliency head there is nothing to do.

    Args:
        network: in evaluation mode.
        encode: the exported graph.
        rasters: uint8, shape (H, W, 3).
        tolerance: most that maps may differ, on average over all rasters.

    Returns:
        How much they do.

    Raises:
        WeightsError: it is over the tolerance.
    """
    if network.saliency_head is None:
        return 0.0
    import onnxruntime as ort  # noqa: PLC0415

    session = ort.InferenceSession(encode, providers=["CPUExecutionProvider"])
    differences = []
    for raster in rasters:
        (exported,) = session.run(["saliency"], {"raster": raster[None]})
        expected = predict_saliency(network, torch.from_numpy(raster).permute(2, 0, 1))
        differences.append(np.abs(exported[0] - expected).mean())
    difference = float(np.mean(differences))
    if not difference <= tolerance:
        raise WeightsError(
            f"The exported saliency maps differ from the network's by {difference:.4f} on average."
        )
    return difference
