"""Checkpoints of the official GAIC PyTorch code: read them into our network, write them from it.

Both heads are known, with batch normalisation (2019) and without (April 2020), for MobileNetV2, ShuffleNetV2 and
VGG16. Backbone, head and sizes are read off the names and shapes in the file. For the published scores the
pixels must come from ``official_preprocessing`` too.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cadrage.atomic import replacing
from cadrage.errors import WeightsError
from cadrage.learning.backbones import read_tensors
from cadrage.learning.network import OFFICIAL_MEAN, OFFICIAL_STD, CropNetwork, NetworkConfig
from cadrage.learning.official_names import LAYOUTS, copied_names, official_name


def load_official(path: Path) -> CropNetwork:
    """Read an official checkpoint (.pth), weights only.

    Tolerated: a ``module.`` prefix, an outer dictionary with ``state_dict``, missing ``num_batches_tracked``, the
    last layer at ``FC_layers.2`` or ``.3``, the old file container, Python 2's pickles. Other channel counts
    after the reduction, pooled sizes and the single-scale model (stride 16) are recognised from the shapes.

    Args:
        path: the file.

    Returns:
        The network in evaluation mode, with official pooling. Its scores are normalised, see
        ``CropNetwork.mos``.

    Raises:
        WeightsError: the file is missing, damaged or not such a checkpoint; it names the first entry that is
            lacking, unknown, or of another shape.
    """
    tensors = _read(path)
    config = _configuration(tensors, path)
    network = CropNetwork(config)
    ours = network.state_dict()
    names = {entry: official_name(entry, config.backbone) for entry in ours}
    _check_fit(tensors, {name: ours[entry].shape for entry, name in names.items()}, config.backbone, path)
    # Not strict: num_batches_tracked may be absent and keeps its 0.
    network.load_state_dict(
        {entry: tensors[name] for entry, name in names.items() if name in tensors}, strict=False
    )
    return network.eval()


def save_official(network: CropNetwork, path: Path) -> None:
    """Write a network as a checkpoint that the official code and ``load_official`` read.

    Args:
        network: with official pooling and pixel rules and one of the three backbones.
        path: the file, replaced if it exists.

    Raises:
        WeightsError: the official layout cannot express this network, or the file cannot be written.
    """
    config = network.config
    if config.backbone not in LAYOUTS:
        raise WeightsError(f"The official layout has no backbone '{config.backbone}': {_CHOICES}.")
    if config != _official_config(config):
        raise WeightsError(
            f"{path} was not written: the official layout is for networks with official pooling, pixel rules, "
            "rating scale and head only."
        )
    tensors = {
        official_name(entry, config.backbone): tensor.detach().cpu()
        for entry, tensor in network.state_dict().items()
    }
    copies = {copy: tensors[name] for copy, name in copied_names(tensors, config.backbone).items()}
    try:
        with replacing(path) as part, part.open("wb") as file:
            # Container and order for the authors' Python 2 and PyTorch 0.4.
            torch.save(OrderedDict(copies | tensors), file, _use_new_zipfile_serialization=False)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror}.") from error


_CHOICES = f"it knows {', '.join(LAYOUTS)}"


def _read(path: Path) -> dict[str, Tensor]:
    content: dict[Any, Any] = read_tensors(path)
    if isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    tensors = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsError(f"{path} is not an official GAIC checkpoint: its entry '{key}' is no tensor.")
        name = key.removeprefix("module.")
        if name.startswith("FC_layers.2."):  # where the 2020 head ends without its dropout
            name = name.replace("FC_layers.2.", "FC_layers.3.")
        if name in tensors:
            raise WeightsError(f"{path} is not an official GAIC checkpoint: it holds '{name}' twice.")
        tensors[name] = value
    return tensors


def _configuration(tensors: dict[str, Tensor], path: Path) -> NetworkConfig:
    backbones = [
        name for name, layout in LAYOUTS.items() if any(key.startswith(layout.mark) for key in tensors)
    ]
    if len(backbones) != 1:
        first = next(iter(tensors), "nothing")
        raise WeightsError(
            f"{path} is not an official GAIC checkpoint with a known backbone ({_CHOICES}): it begins with "
            f"'{first}'."
        )
    backbone = backbones[0]
    channels, read_channels = _filters(tensors, "DimRed.weight", path)[:2]
    width, _, pool_size, _ = _filters(tensors, "FC_layers.0.0.weight", path)
    head_of_2019 = "FC_layers.0.1.running_mean" in tensors
    return _official_config(
        NetworkConfig(
            backbone=backbone,
            scale="single" if read_channels == LAYOUTS[backbone].middle_channels else "multi",
            channels=channels,
            pool_size=pool_size,
            width=width,
            hidden=_filters(tensors, "FC_layers.1.0.weight", path)[0],
            norm=head_of_2019,
            dropout=0.5 if head_of_2019 else 0.0,
        )
    )


def _official_config(config: NetworkConfig) -> NetworkConfig:
    """The same sizes with everything else as in the official code."""
    return NetworkConfig(
        backbone=config.backbone,
        scale=config.scale,
        pooling="official",
        channels=config.channels,
        pool_size=config.pool_size,
        width=config.width,
        hidden=config.hidden,
        norm=config.norm,
        dropout=config.dropout,
        pixel_mean=OFFICIAL_MEAN,
        pixel_std=OFFICIAL_STD,
    )


def _filters(tensors: dict[str, Tensor], name: str, path: Path) -> torch.Size:
    if name not in tensors:
        raise WeightsError(f"{path} is not an official GAIC checkpoint: it lacks '{name}'.")
    shape = tensors[name].shape
    if len(shape) != 4 or 0 in shape:
        raise WeightsError(f"{path} is not an official GAIC checkpoint: '{name}' has shape {list(shape)}.")
    return shape


def _check_fit(
    tensors: dict[str, Tensor], expected: dict[str, torch.Size], backbone: str, path: Path
) -> None:
    start = f"{path} does not fit the official GAIC network"
    for name, shape in expected.items():
        if name not in tensors:
            if name.endswith("num_batches_tracked"):
                continue
            raise WeightsError(f"{start}: it lacks '{name}'.")
        if tensors[name].shape != shape:
            found = list(tensors[name].shape)
            raise WeightsError(f"{start}: '{name}' has shape {found} where {list(shape)} is needed.")
    copies = copied_names(expected, backbone)
    for name, tensor in tensors.items():
        if name not in expected and name not in copies:
            raise WeightsError(f"{start}: it has the unknown entry '{name}'.")
        if name in copies and not torch.equal(tensor, tensors[copies[name]]):
            raise WeightsError(f"{start}: '{name}' differs from '{copies[name]}', of which it is a copy.")
