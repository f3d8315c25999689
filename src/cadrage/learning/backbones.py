"""Trunks: the three feature maps, at strides 8, 16 and 32, that a crop scorer reads.

The networks are torchvision's own definitions, one ours with torchvision's own parameter names, cut where the
official GAIC code cuts them; any timm network with maps at those strides works by the name ``timm:NAME``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.errors import MissingExtraError, WeightsError
from cadrage.learning.mobilenet import MobileNetV2
from cadrage.learning.pretrained import PACKAGES, load_packaged

TENSORFLOW = "tf_"
"""Start of timm's names of networks whose weights were trained by TensorFlow, with its padding."""

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
        stages: the three parts, applied one after the other.
    """

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
            _pad_strided_convolutions(self)

    @property
    def first_blocks(self) -> list[nn.Module]:
        """The blocks before stride 8, in order."""
        return list(self.stages[0].children())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 8, 16 and 32 of normalised images of shape (B, 3, H, W), H and W multiples of 32."""
        fine = self.stages[0](images)
        middle = self.stages[1](fine)
        return fine, middle, self.stages[2](middle)


class TimmTrunk(nn.Module):
    """A timm network with maps at strides 8, 16 and 32."""

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        try:
            import timm  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError(f"The backbone timm:{name}", "train") from None
        try:
            packaged = pretrained and name in PACKAGES
            model = timm.create_model(name, pretrained=pretrained and not packaged, features_only=True)
        except OSError as error:
            raise WeightsError(
                f"timm could not download the weights of '{name}': {first_line(error)}"
            ) from error
        except (RuntimeError, ValueError, AttributeError) as error:
            raise WeightsError(f"timm has no usable backbone named '{name}': {first_line(error)}") from error
        if packaged:
            load_packaged(model, name)
        info: Any = model.feature_info
        strides = list(info.reduction())
        if not {8, 16, 32} <= set(strides):
            raise WeightsError(f"timm's '{name}' has maps at strides {strides}; 8, 16 and 32 are needed.")
        self._picked = [strides.index(stride) for stride in (8, 16, 32)]
        widths = info.channels()
        self.channels = (widths[self._picked[0]], widths[self._picked[1]], widths[self._picked[2]])
        self.model = model
        if name.startswith(TENSORFLOW):
            _pad_strided_convolutions(self)
        self._require_maps(name)

    @torch.no_grad()
    def _require_maps(self, name: str) -> None:
        """Some of timm's networks want one input size, or put channels last: find out now."""
        self.eval()
        try:
            shapes = [tuple(features.shape) for features in self(torch.zeros(1, 3, 64, 96))]
        except (RuntimeError, AssertionError, ValueError) as error:
            raise WeightsError(
                f"timm's '{name}' takes no pictures of any size: {first_line(error)}"
            ) from error
        finally:
            self.train()
        sizes_hw = ((8, 12), (4, 6), (2, 3))
        if shapes != [(1, width, *size) for width, size in zip(self.channels, sizes_hw, strict=True)]:
            raise WeightsError(f"timm's '{name}' does not make maps of channels, rows and columns.")

    @property
    def first_blocks(self) -> list[nn.Module]:
        """The network's parts in order, and where it is a sequence of stages, these."""
        parts = list(self.model.children())
        return [
            one for part in parts for one in (part.children() if isinstance(part, nn.Sequential) else [part])
        ]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at strides 8, 16 and 32 of normalised images of shape (B, 3, H, W)."""
        maps = self.model(images)
        fine, middle, coarse = (maps[index] for index in self._picked)
        return fine, middle, coarse


class SamePadConv2d(nn.Conv2d):
    """A convolution of stride 2 padded as TensorFlow pads even sizes: less at the left and top.

    timm's own works the padding out at every call, for odd sizes too, and that costs an exported network much time.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a map of shape (B, C, H, W), H and W even, to (B, C', H/2, W/2)."""
        missing = self.kernel_size[0] - 2
        before, after = missing // 2, missing - missing // 2
        padded = functional.pad(input, (before, after, before, after))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _pad_strided_convolutions(trunk: nn.Module) -> None:
    """Make every square convolution of stride 2 and more than one pixel pad as TensorFlow does."""
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2) and module.kernel_size[0] > 1:
            module.__class__ = SamePadConv2d


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
    except OSError as error:
        raise WeightsError(
            f"torchvision could not download the ImageNet weights of {name} ({error}); give a file instead."
        ) from error
    model.load_state_dict(state)


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


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind where it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]
