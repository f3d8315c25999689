"""Networks that judge a crop by nothing but its own pixels, as the learned croppers before grid anchors did.

Every crop is cut out, brought to a square and sent through the whole network, which costs as many passes as there
are crops. Two of them are made here, from descriptions in the papers and with this project's backbones:

* ``vfn`` after Chen, Klopp, Sun, Chien and Ma, "Learning to compose with professional photographs on the web", 2017
  (view finding network): no ratings; a photograph as it was taken is to score higher than windows cut from it.
* ``ven`` after Wei, Zhang, Shen, Lin, Mech, Hoai and Samaras, "Good view hunting", 2018 (view evaluation
  network): of two rated crops of a photograph the one that people prefer is to score higher.

Both minimise a hinge on the difference of the two scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.errors import RequestError, WeightsError, first_line
from cadrage.geometry import FloatArray
from cadrage.imaging import RasterRule, open_photo
from cadrage.learning.augmentation import AugmentationConfig
from cadrage.learning.backbones import build_trunk
from cadrage.learning.checkpoints import load_checkpoint, save_atomically
from cadrage.learning.samples import raster_tensor

FORMAT = "cadrage-crop-ranker-1"

CROPS_PER_PASS = 32
"""Crops judged at once: enough for full speed."""


@dataclass(frozen=True, slots=True)
class RankerConfig:
    """A ranker and its training."""

    pairs: Literal["whole", "rated"]
    """What is compared: the whole photograph with windows of it, or rated crops."""
    backbone: str = "mobilenet_v2"
    """See ``build_trunk``."""
    side: int = 128
    """Of the square that every crop is brought to, pixels."""
    short_side: int = 256
    """Short side of the working raster that crops are cut from, pixels."""
    pixel_mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    pixel_std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    epochs: int = 4
    images_per_step: int = 4
    crops_per_image: int = 16
    """Crops, or windows, drawn at each visit."""
    margin: float = 1.0
    """By how much the better crop is to score higher."""
    least_gap: float = 0.25
    """Rated crops closer than this, in points of the 1-5 scale, are not compared."""
    window: tuple[float, float] = (0.5, 0.9)
    """Smallest and largest share of the width, and of the height, of a window."""
    learning_rate: float = 2e-4
    weight_decay: float = 1e-4
    warmup_steps: int = 50
    augmentation: AugmentationConfig = field(
        default_factory=lambda: AugmentationConfig(brightness=24, contrast=0.3, saturation=0.4)
    )
    ema: float = 0.995
    """Decay of the moving average of the weights that is kept as the result."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RankerConfig:
        """The reverse of ``to_dict``."""
        tuples = {key: tuple(values[key]) for key in ("pixel_mean", "pixel_std", "window")}
        return cls(**{**values, **tuples, "augmentation": AugmentationConfig(**values["augmentation"])})


RECIPES = {"vfn": RankerConfig(pairs="whole"), "ven": RankerConfig(pairs="rated")}


def ranker_recipe(name: str, *, epochs: int | None = None, seed: int = 0) -> RankerConfig:
    """The recipe of a name, with changes.

    Raises:
        RequestError: there is none.
    """
    if name not in RECIPES:
        raise RequestError(f"There is no ranker '{name}': choose {' or '.join(RECIPES)}.")
    recipe = RECIPES[name]
    return replace(recipe, epochs=epochs or recipe.epochs, seed=recipe.seed + seed)


class CropRanker(nn.Module):
    """Squares of pixels to scores that only their order gives a meaning."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: RankerConfig, initial_weights: str | Path | None = None) -> None:
        """Build it.

        Args:
            config: backbone and pixel rule.
            initial_weights: of the backbone, see ``build_trunk``.
        """
        super().__init__()
        self.config = config
        self.trunk = build_trunk(config.backbone, initial_weights=initial_weights)
        self.last = nn.Linear(self.trunk.channels[2], 1)
        self.register_buffer("mean", torch.tensor(config.pixel_mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.pixel_std).view(3, 1, 1), persistent=False)

    def forward(self, squares: Tensor) -> Tensor:
        """From float32 (K, 3, side, side), RGB in 0-255, to (K,)."""
        normalised = ((squares - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        reduced = self.config.precision == "bfloat16"
        with torch.autocast(squares.device.type, dtype=torch.bfloat16, enabled=reduced):
            coarse = self.trunk(normalised)[2]
        scores: Tensor = self.last(coarse.float().mean(dim=(2, 3)))[:, 0]
        return scores


def squares_of(raster: Tensor, boxes_xyxy: Tensor, side: int) -> Tensor:
    """Crops of a raster, each brought to a square.

    Args:
        raster: float32, shape (3, H, W).
        boxes_xyxy: shape (K, 4), in raster pixels; rounded to whole pixels, at least one each way.
        side: of the squares, pixels.

    Returns:
        Shape (K, 3, side, side).
    """
    height, width = raster.shape[1:]
    squares = []
    for x1, y1, x2, y2 in boxes_xyxy.round().long().tolist():
        left, top = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
        crop = raster[None, :, top : max(y2, top + 1), left : max(x2, left + 1)]
        squares.append(functional.interpolate(crop, size=(side, side), mode="bilinear", antialias=True))
    return torch.cat(squares)


@torch.no_grad()
def rank_crops(ranker: CropRanker, raster: Tensor, boxes_xyxy: Tensor) -> FloatArray:
    """Scores (K,) of crops (K, 4), raster pixels, of a raster, uint8 (3, H, W)."""
    device = next(ranker.parameters()).device
    pixels, passes = raster.float().to(device), []
    for start in range(0, len(boxes_xyxy), CROPS_PER_PASS):
        part = boxes_xyxy[start : start + CROPS_PER_PASS]
        passes.append(ranker(squares_of(pixels, part, ranker.config.side)).cpu())
    scores: FloatArray = torch.cat([torch.zeros(0), *passes]).double().numpy()
    return scores


def rank_in_photo(ranker: CropRanker, path: Path, boxes_xyxy: FloatArray) -> FloatArray:
    """Scores (K,) of crops (K, 4), frame pixels, of a photograph.

    Raises:
        ImageError: the photograph cannot be decoded.
    """
    photo = open_photo(path)
    pixels = raster_tensor(photo, RasterRule(short_side=ranker.config.short_side))
    to_raster = np.divide([pixels.shape[2], pixels.shape[1]], photo.size_wh)
    return rank_crops(ranker, pixels, torch.from_numpy(boxes_xyxy * np.tile(to_raster, 2)).float())


def save_ranker(ranker: CropRanker, path: Path, record: Mapping[str, Any]) -> None:
    """Write a ranker with its configuration and a record of how it was made (plain values only)."""
    state = {key: value.detach().cpu() for key, value in ranker.state_dict().items()}
    save_atomically(
        {"format": FORMAT, "config": ranker.config.to_dict(), "state": state, "record": dict(record)}, path
    )


def load_ranker(path: Path) -> CropRanker:
    """Read a ranker written by ``save_ranker``, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, or not of this format.
    """
    content = load_checkpoint(path)
    if content.get("format") != FORMAT:
        raise WeightsError(f"{path} is not a cadrage crop ranker.")
    try:
        ranker = CropRanker(RankerConfig.from_dict(content["config"]))
        ranker.load_state_dict(content["state"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit this version of cadrage: {first_line(error)}") from error
    return ranker.eval()
