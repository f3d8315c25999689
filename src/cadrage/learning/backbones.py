"""Trunks: the three feature maps, at strides 8, 16 and 32, that a crop scorer reads.

The networks are torchvision's own definitions, one ours with torchvision's own parameter names, cut where the
official GAIC code cuts them; timm's networks work by the name ``timm:NAME``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cadrage.errors import WeightsError, first_line
from cadrage.learning.mobilenet import MobileNetV2
from cadrage.learning.padding import pad_strided_convolutions
from cadrage.learning.timm_trunk import PYRAMID, TimmTrunk

Stages = tuple[nn.Sequential, nn.Sequential, nn.Sequential]


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where one torchvision network is cut, and how wide its three maps are."""

    channels: tuple[int, int, int]
    build: Callable[[], nn.Module]
    stages: Callable[[nn.Module], Stages]


class Trunk(nn.Module):
    """A backbone cut into three stages that end at strides 8, 16 and 32.

    Attributes:
        channels: channels of the three maps.
        strides: where they lie.
        stages: the three parts, applied one after the other.
    """

    strides = PYRAMID

    def __init__(self, stages: Stages, channels: tuple[int, int, int], same_padding: bool = False) -> None:
        """Cut a backbone.

        Args:
            stages: the three parts of the network.
            channels: channels of their outputs.
            same_padding: pad the strided convolutions less at the left and top (TensorFlow's SAME rule for even
                sizes), for weights that were trained so.
        """
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = channels
        if same_padding:
            pad_strided_convolutions(self)

    @property
    def first_blocks(self) -> list[nn.Module]:
        """The blocks before stride 8, in order."""
        return list(self.stages[0].children())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 8, 16 and 32 of normalised images of shape (B, 3, H, W), H and W multiples of 32."""
        fine = self.stages[0](images)
        middle = self.stages[1](fine)
        return fine, middle, self.stages[2](middle)


def build_trunk(
    name: str, *, initial_weights: str | Path | None = None, same_padding: bool = False
) -> Trunk | TimmTrunk:
    """Make a backbone by name.

    Args:
        name: ``mobilenet_v2``, ``shufflenet_v2_x1_0``, ``vgg16``, ``resnet50`` or ``timm:NAME``.
        initial_weights: ``None`` for random weights; ``"imagenet"`` for the ImageNet weights that torchvision
            or timm downloads, or that are installed (``pretrained.PACKAGES``); otherwise a file of torchvision's
            state dict (.safetensors or .pth).
        same_padding: see ``Trunk``.

    Raises:
        WeightsError: the name is unknown, the file does not fit, or the download failed.
    """
    if name.startswith("timm:"):
        if same_padding:
            raise WeightsError(
                "SAME padding is for torchvision's backbones; timm has names of its own for it."
            )
        if initial_weights not in (None, "imagenet"):
            raise WeightsError(
                "A timm backbone starts from random weights or from 'imagenet', not from a file."
            )
        return TimmTrunk(name.removeprefix("timm:"), pretrained=initial_weights == "imagenet")
    cuts = _cuts()
    if name not in cuts:
        raise WeightsError(f"Unknown backbone '{name}': choose one of {', '.join(cuts)} or timm:NAME.")
    cut = cuts[name]
    model = cut.build()
    if initial_weights == "imagenet":
        _download(model, name)
    elif initial_weights is not None:
        _load_file(model, Path(initial_weights))
    return Trunk(cut.stages(model), cut.channels, same_padding)


def _cuts() -> dict[str, _Cut]:
    return {
        "mobilenet_v2": _Cut((32, 96, 320), MobileNetV2, _cut_features((0, 7, 14, 18))),
        "shufflenet_v2_x1_0": _Cut((116, 232, 464), _torchvisions("shufflenet_v2_x1_0"), _cut_shufflenet),
        "vgg16": _Cut((512, 512, 512), _torchvisions("vgg16"), _cut_features((0, 23, 30, 31))),
        "resnet50": _Cut((512, 1024, 2048), _torchvisions("resnet50"), _cut_resnet),
    }


def _torchvisions(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from torchvision import models  # noqa: PLC0415  (a second to import)

        model: nn.Module = getattr(models, name)()
        return model

    return build


def _cut_features(edges: tuple[int, int, int, int]) -> Callable[[nn.Module], Stages]:
    def cut(model: nn.Module) -> Stages:
        features: Any = model.features
        blocks = list(features.named_children())
        first, second, third = (nn.Sequential(OrderedDict(blocks[edges[i] : edges[i + 1]])) for i in range(3))
        return first, second, third

    return cut


def _cut_shufflenet(model: Any) -> Stages:  # noqa: ANN401  (torchvision's classes are untyped)
    first = nn.Sequential(model.conv1, model.maxpool, model.stage2)
    return first, nn.Sequential(model.stage3), nn.Sequential(model.stage4)


def _cut_resnet(model: Any) -> Stages:  # noqa: ANN401
    first = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, model.layer1, model.layer2)
    return first, nn.Sequential(model.layer3), nn.Sequential(model.layer4)


def _download(model: nn.Module, name: str) -> None:
    from torchvision import models  # noqa: PLC0415

    try:
        state = models.get_model_weights(name).IMAGENET1K_V1.get_state_dict(progress=True)
        model.load_state_dict(state)
    except OSError as error:
        raise WeightsError(
            f"torchvision could not download the ImageNet weights of {name} ({error}); give a file instead."
        ) from error
    except Exception as error:  # torch raises many kinds for a damaged file and for a broken connection
        raise WeightsError(
            f"torchvision's ImageNet weights of {name} are damaged ({first_line(error)}): remove them from "
            f"{torch.hub.get_dir()}/checkpoints, or give a file instead."
        ) from error


def _load_file(model: nn.Module, path: Path) -> None:
    state = read_tensors(path)
    wanted = model.state_dict()
    start = f"{path} does not hold this backbone's weights"
    for key, tensor in wanted.items():
        if key not in state and not key.endswith("num_batches_tracked"):
            raise WeightsError(f"{start}: it lacks entry '{key}'.")
        found = getattr(state.get(key, tensor), "shape", None)
        if found != tensor.shape:
            raise WeightsError(f"{start}: entry '{key}' is not a tensor of shape {list(tensor.shape)}.")
    if unknown := sorted(map(str, state.keys() - wanted.keys())):
        raise WeightsError(f"{start}: it has the unknown entry '{unknown[0]}'.")
    model.load_state_dict(state, strict=False)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a .safetensors file or, weights only, from a torch file.

    Raises:
        WeightsError: the file is missing or damaged, or holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file at {path}.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file  # noqa: PLC0415

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds for a damaged file
        raise WeightsError(
            f"{path} cannot be read as a weights file: it is damaged, or something else."
        ) from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path} does not hold a dictionary of tensors.")
    return state
