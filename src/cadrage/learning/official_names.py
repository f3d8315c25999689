"""Names of the tensors in the official GAIC checkpoints, and which entry of our network each is.

The official networks are torchvision's under other names, apart from the reduction and the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """How the official files name one backbone."""

    mark: str
    """Start of names that only this backbone has."""
    middle_channels: int
    """Channels of the map at stride 16."""
    rename: Callable[[int, str], str]
    """Official name, after ``Feat_ext.``, of a layer of our trunk: stage 0 to 2, name within the stage."""


def official_name(entry: str, backbone: str) -> str:
    """Official name of an entry of ``CropNetwork.state_dict()``.

    Args:
        entry: such as ``trunk.stages.0.0.0.weight``.
        backbone: a key of ``LAYOUTS``.

    Raises:
        KeyError: the entry is none of a network that the official code can express.
    """
    layer, tensor = entry.rsplit(".", 1)
    if layer.startswith("trunk.stages."):
        _, _, stage, within = layer.split(".", 3)
        return f"Feat_ext.{LAYOUTS[backbone].rename(int(stage), within)}.{tensor}"
    return f"{_OTHER_LAYERS[layer]}.{tensor}"


def copied_names(names: Iterable[str], backbone: str) -> dict[str, str]:
    """Names under which a file holds tensors a second time, each with its first name.

    The official VGG16 module keeps the whole stack beside its slices; the others have no copies.
    """
    if backbone != "vgg16":
        return {}
    trunk = (name for name in names if name.startswith("Feat_ext."))
    return {f"Feat_ext.feature.0.{name.split('.', 3)[3]}": name for name in trunk}


_OTHER_LAYERS = {
    "reduce": "DimRed",
    "head.first.0": "FC_layers.0.0",
    "head.first.1": "FC_layers.0.1",
    "head.second.0": "FC_layers.1.0",
    "head.second.1": "FC_layers.1.1",
    "head.last": "FC_layers.3",
}

# Where torchvision nests convolution, norm and activation, the official blocks are flat.
_FIRST_BLOCK = {"conv.0.0": "conv.0", "conv.0.1": "conv.1", "conv.1": "conv.3", "conv.2": "conv.4"}
_LATER_BLOCK = {
    "conv.0.0": "conv.0",
    "conv.0.1": "conv.1",
    "conv.1.0": "conv.3",
    "conv.1.1": "conv.4",
    "conv.2": "conv.6",
    "conv.3": "conv.7",
}
_FIRST_UNITS = (0, 4, 12)


def _mobilenet(stage: int, layer: str) -> str:
    block, within = layer.split(".", 1)
    if block != "0":
        within = (_FIRST_BLOCK if block == "1" else _LATER_BLOCK)[within]
    return f"feature{stage + 3}.0.{block}.{within}"


def _shufflenet(stage: int, layer: str) -> str:
    if "branch" not in layer:
        return f"feature{stage + 3}.{layer}"
    slot, unit, within = layer.split(".", 2)
    official_unit = int(unit) + _FIRST_UNITS[stage]
    return f"feature{stage + 3}.{slot}.{official_unit}.{within.replace('branch', 'banch')}"


def _vgg(stage: int, layer: str) -> str:
    return f"feature{stage + 3}.0.{layer}"


LAYOUTS = {
    "mobilenet_v2": Layout("Feat_ext.feature3.0.1.conv.", 96, _mobilenet),
    "shufflenet_v2_x1_0": Layout("Feat_ext.feature3.2.0.banch", 232, _shufflenet),
    "vgg16": Layout("Feat_ext.feature3.0.21.", 512, _vgg),
}
