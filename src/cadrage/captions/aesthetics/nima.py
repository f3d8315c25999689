"""NIMA-style aesthetics: an image classifier whose last layer gives a distribution of scores from 1 to 10.

Talebi and Milanfar, "NIMA: neural image assessment", IEEE TIP 2018. Public releases differ in the names of their
entries, not in their order: every one is a backbone of torchvision or timm, then a layer of ten outputs. So the
backbone is recognised by the shapes of its entries in order, whatever they are called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.captions.captioners.hub_files import ONLY_ALLOWED, hub_can_answer
from cadrage.captions.protocols import Judge
from cadrage.errors import MissingExtraError, RequestError, WeightsError
from cadrage.learning.backbones import read_tensors

SCORES = 10
"""Classes: the scores that people gave."""

MIDDLE = 5.5
"""Of the scale from 1 to 10, which becomes 0; mean scores of photographs lie within a point or two of it."""

SIZE_WH = (224, 224)
"""Of the pictures that NIMA reads (section III), whatever their shape was before."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
WRAPPERS = ("state_dict", "model_state", "model_state_dict", "params", "model")
"""Entries under which files hold the weights beside other things."""

HUB_FILE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+):(?P<file>[\w./-]+)")


@dataclass(frozen=True, slots=True, eq=False)
class Nima:
    """A backbone and a layer of ten scores as ``Aesthetics``; the judge of every photograph, too.

    Attributes:
        backbone: from normalised pixels (K, 3, h, w) to maps (K, C, h', w').
        last: from the means of maps, or from maps of 7 x 7 cells, to logits of the scores.
        mean: of the pixels in [0, 1] that it was trained on.
        std: their standard deviation.
    """

    backbone: nn.Module
    last: nn.Linear
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    size_wh: tuple[int, int] = SIZE_WH

    def look(self, picture: Tensor, ratio: float | None = None) -> Judge:
        """See ``Aesthetics``: all photographs are judged alike."""
        del picture, ratio
        return self

    def judge(self, crops: Tensor | None, boxes_xyxy: Tensor) -> Tensor:
        """See ``Judge``: the mean score, in points above the middle of the scale."""
        if crops is None:
            raise RequestError("Aesthetics of pixels need the pixels of the crops.")
        probabilities = self.distribution(crops)
        scores = torch.arange(1, SCORES + 1).to(probabilities)
        return (probabilities @ scores - MIDDLE).to(boxes_xyxy.dtype)

    def distribution(self, crops: Tensor) -> Tensor:
        """How likely people give each score, shape (K, 10), for crops (K, 3, h, w), RGB in [0, 1]."""
        weight = self.last.weight
        mean, std = (weight.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        maps = self.backbone((crops.to(weight) - mean) / std)
        pooled = maps.mean(dim=(2, 3)) if maps.shape[1] == self.last.in_features else maps.flatten(1)
        return functional.softmax(self.last(pooled), dim=1)


def load_nima(
    where: str | Path,
    *,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
    allow_pickle: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Nima:
    """Read a NIMA network.

    Args:
        where: a .safetensors or torch file (read weights only), or "OWNER/REPOSITORY:FILE" on a model hub.
        mean: of the pixels that it was trained on; releases do not say, and use ImageNet's.
        std: likewise.
        allow_pickle: also take torch files from a hub.
        dtype: arithmetic.

    Raises:
        WeightsError: the file is missing, damaged, or no NIMA network of a known backbone.
        MissingExtraError: a package that is needed is not installed.
    """
    path = _fetched(str(where), allow_pickle=allow_pickle)
    state = _unwrapped(path)
    heads = [key for key, held in state.items() if held.ndim == 2 and held.shape[0] == SCORES]
    if len(heads) != 1 or not (name := heads[0]).endswith("weight"):
        raise WeightsError(f"{path} is no NIMA network: it has no layer of {SCORES} scores.")
    bias = name.removesuffix("weight") + "bias"
    if bias not in state:
        raise WeightsError(f"{path} is no NIMA network: its layer of scores has no '{bias}'.")
    last = nn.Linear(state[name].shape[1], SCORES)
    last.load_state_dict({"weight": state[name], "bias": state[bias]})
    rest = {key: held for key, held in state.items() if key not in (name, bias)}
    backbone = _backbone(rest)
    if backbone is None:
        raise WeightsError(f"{path} holds a NIMA network of none of the backbones {', '.join(_backbones())}.")
    for part in (backbone, last):
        part.eval().requires_grad_(False).to(dtype)
    return Nima(backbone, last, mean, std)


def _fetched(where: str, *, allow_pickle: bool) -> Path:
    found = HUB_FILE.fullmatch(where)
    if found is None or Path(where).exists():
        return Path(where)
    if not (where.endswith(".safetensors") or allow_pickle):
        raise WeightsError(f"{where} is no safetensors file: of a hub, {ONLY_ALLOWED}.")
    try:
        import huggingface_hub  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("A model from a hub", "caption") from None
    try:
        known_only = not hub_can_answer()
        return Path(
            huggingface_hub.hf_hub_download(found["repository"], found["file"], local_files_only=known_only)
        )
    except Exception as error:  # the library raises many kinds
        raise WeightsError(
            f"{where} cannot be fetched from the hub: no such file, no access, or no network."
        ) from error


def _unwrapped(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, in order, without what counts batches."""
    state: Any = read_tensors(path)
    for key in WRAPPERS:
        state = state[key] if isinstance(state.get(key), dict) else state
    return {key: held for key, held in state.items() if isinstance(held, Tensor) and held.ndim}


def _backbone(held: Mapping[str, Tensor]) -> nn.Module | None:
    """The backbone that tensors belong to, filled with them."""
    for build in _backbones().values():
        with torch.device("meta"):  # shapes only, so that trying them all takes no memory
            wanted = {key: tensor.shape for key, tensor in build().state_dict().items() if tensor.ndim}
        if (order := _order(held, wanted)) is not None:
            model = build()
            model.load_state_dict(order, strict=False)
            return model
    return None


def _order(held: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> dict[str, Tensor] | None:
    """Tensors under a backbone's own names: by their order, or, as safetensors are sorted, by the ends of names."""
    if len(held) != len(wanted):
        return None
    if [tensor.shape for tensor in held.values()] == list(wanted.values()):
        return dict(zip(wanted, held.values(), strict=True))
    first = next(iter(wanted))
    for prefix in [key.removesuffix(first) for key in held if key.endswith(first)]:
        named = {key.removeprefix(prefix): tensor for key, tensor in held.items()}
        if {key: tensor.shape for key, tensor in named.items()} == dict(wanted):
            return named
    return None


def _backbones() -> dict[str, Callable[[], nn.Module]]:
    """What makes the maps, by name: up to the last convolution's activation, or the last pooling of VGG."""
    try:
        from torchvision import models  # noqa: PLC0415  (a second to import)
    except ImportError:
        raise MissingExtraError("NIMA", "caption") from None

    def without_pooling(build: Callable[[], Any]) -> Callable[[], nn.Module]:
        return lambda: nn.Sequential(*list(build().children())[:-2])

    found: dict[str, Callable[[], nn.Module]] = {
        "vgg16": lambda: models.vgg16().features,
        "mobilenet_v2": lambda: models.mobilenet_v2().features,
    }
    for name in ("resnet18", "resnet34", "resnet50", "resnet101"):
        found[name] = without_pooling(getattr(models, name))
    try:
        import timm  # noqa: PLC0415  (seconds to import)
    except ImportError:
        return found
    found["inception_resnet_v2"] = lambda: _Features(timm.create_model("inception_resnet_v2", num_classes=0))
    return found


class _Features(nn.Module):
    """A network of timm without its pooling."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """From (K, 3, h, w) to (K, C, h', w')."""
        maps: Tensor = self.model.forward_features(pixels)
        return maps
