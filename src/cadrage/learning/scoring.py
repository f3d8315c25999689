"""Scores of a network in torch: for validation, for teaching, for comparison with exported models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cadrage.datasets.types import RatedImage
from cadrage.errors import WeightsError
from cadrage.imaging import RasterRule, open_photo
from cadrage.learning.augmentation import mirror
from cadrage.learning.checkpoints import FORMAT, load_checkpoint, load_network
from cadrage.learning.network import CropNetwork
from cadrage.learning.official import load_official
from cadrage.learning.recipes import TrainConfig
from cadrage.learning.samples import Sample, raster_tensor, rated_samples


def encode(network: CropNetwork, rasters: Tensor, precision: str = "float32") -> Tensor:
    """Features, with the trunk in float32 or bfloat16 arithmetic and the rest in float32.

    Args:
        network: the scorer.
        rasters: shape (B, 3, H, W), RGB in 0-255.
        precision: "float32" or "bfloat16".

    Returns:
        Shape (B, channels, H/16, W/16), float32.
    """
    return network.fuse(trunk_maps(network, rasters, precision))


def trunk_maps(
    network: CropNetwork, rasters: Tensor, precision: str = "float32"
) -> tuple[Tensor, Tensor, Tensor]:
    """The trunk's three maps, in float32 whatever the arithmetic; arguments as for ``encode``."""
    normalised = network.normalise(rasters).contiguous(memory_format=torch.channels_last)
    with torch.autocast(rasters.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        fine, middle, coarse = network.trunk(normalised)
    return fine.float(), middle.float(), coarse.float()


def load_any(path: Path) -> tuple[CropNetwork, dict[str, Any], RasterRule]:
    """Read a checkpoint of a cadrage run or of the authors' code.

    Returns:
        The network in evaluation mode, the record of how it was made, and the rule of its working raster.

    Raises:
        WeightsError: the file is neither.
    """
    if load_checkpoint(path).get("format") == FORMAT:
        network, record = load_network(path)
        try:
            rule = TrainConfig.from_dict(record["config"]).raster_rule
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path} has no record of how it was trained.") from error
        return network, record, rule
    return load_official(path), {"source": f"official GAIC checkpoint {path.name}"}, RasterRule()


def checkpoint_method(
    path: Path, *, mirrored: bool = False
) -> tuple[Callable[[RatedImage], NDArray[np.float64]], dict[str, Any]]:
    """A checkpoint as a function from a rated image to the scores, shape (K,), of its crops; and its record.

    Args:
        path: see ``load_any``.
        mirrored: average with the scores of the mirrored photograph.
    """
    network, record, rule = load_any(path)
    official = network.config.pooling == "official"

    def method(image: RatedImage) -> NDArray[np.float64]:
        (sample,) = rated_samples([image], rule, official=official)
        return predict_mos(network, sample, mirrored=mirrored)

    return method, record


@torch.no_grad()
def predict_mos(
    networks: CropNetwork | Sequence[CropNetwork],
    sample: Sample,
    *,
    mirrored: bool = False,
) -> NDArray[np.float64]:
    """Predicted mean opinion scores of a sample's crops.

    Args:
        networks: one network or several whose scores are averaged, in evaluation mode.
        sample: the photograph and its boxes.
        mirrored: average with the scores of the mirrored photograph.

    Returns:
        Shape (K,), on the raters' 1-5 scale.
    """
    members = [networks] if isinstance(networks, CropNetwork) else networks
    device = next(members[0].parameters()).device
    views = [(sample.raster.to(device).float(), sample.boxes_xyxy.to(device))]
    if mirrored:
        views.append(mirror(*views[0]))
    scores = torch.stack(
        [
            network.mos(network.score(encode(network, raster[None]), boxes))
            for network in members
            for raster, boxes in views
        ]
    )
    return scores.double().mean(dim=0).cpu().numpy()


@torch.no_grad()
def predict_saliency(network: CropNetwork, raster: Tensor) -> NDArray[np.float32]:
    """The saliency map of a raster.

    Args:
        network: with a saliency head, in evaluation mode.
        raster: uint8, shape (3, H, W), H and W multiples of 32.

    Returns:
        Shape (H/8, W/8), in [0, 1].

    Raises:
        WeightsError: the network has no saliency head.
    """
    device = next(network.parameters()).device
    saliency: NDArray[np.float32] = (
        network.saliency(trunk_maps(network, raster[None].to(device).float()))[0].cpu().numpy()
    )
    return saliency


def checkpoint_saliency(path: Path) -> Callable[[Path], NDArray[np.float32]]:
    """A checkpoint as a function from a picture file to its saliency map, shape (h, w), in [0, 1].

    Raises:
        WeightsError: the file is no checkpoint, or has no saliency head.
    """
    network, _, rule = load_any(path)
    if network.saliency_head is None:
        raise WeightsError(f"{path} has no saliency head: train one with 'cadrage train saliency'.")
    return lambda picture: predict_saliency(network, raster_tensor(open_photo(picture), rule))
