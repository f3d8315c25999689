"""What a saliency head learns from: the trunk's maps of many views of each photograph, made once and kept in files.

The trunk stays as it is, so a view need not go through it again in every epoch: that is nearly all of the cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cadrage.datasets.masks import read_mask
from cadrage.datasets.types import MaskedImage
from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, whole_pixels
from cadrage.learning.augmentation import augment
from cadrage.learning.checkpoints import load_checkpoint, save_atomically
from cadrage.learning.epochs import Watcher
from cadrage.learning.network import CropNetwork
from cadrage.learning.saliency_head import SALIENCY_STRIDE
from cadrage.learning.saliency_recipe import SaliencyConfig
from cadrage.learning.samples import raster_tensor
from cadrage.learning.scoring import trunk_maps

TARGET_STRIDE = SALIENCY_STRIDE // 2
"""Raster pixels in a cell of the targets: finer than the head's map, so that the borders between cells count."""

SHARD = 25
"""Photographs whose views are in one file."""

DRAWS = 50
"""Windows drawn in search of one that shows enough of the object; then the whole photograph is taken."""

LEAST_GROUND = 0.1
"""Share of a window that the object must leave free."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of a photograph, as the head sees it.

    Attributes:
        maps: of the trunk, bfloat16, shapes (C, H/8, W/8), (C', H/16, W/16) and (C'', H/32, W/32).
        target: uint8, shape (H/4, W/4): how much of each cell the salient object covers, in 255ths.
    """

    maps: tuple[Tensor, Tensor, Tensor]
    target: Tensor

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the raster."""
        return self.target.shape[0] * TARGET_STRIDE, self.target.shape[1] * TARGET_STRIDE


def make_views(
    network: CropNetwork,
    images: Sequence[MaskedImage],
    config: SaliencyConfig,
    rule: RasterRule,
    folder: Path,
    watcher: Watcher,
) -> list[View]:
    """The views of photographs; those that an earlier call made are read from the folder.

    Args:
        network: in evaluation mode; only its trunk is used.
        images: photographs with masks.
        config: which views.
        rule: of the working raster.
        folder: of the files, which are large: 0.2 MB a view.
        watcher: is told of every photograph.

    Raises:
        DataError: a mask does not fit its photograph.
        ImageError: a photograph or a mask cannot be read.
        RequestError: the folder holds views of other photographs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    views: list[View] = []
    for start in range(0, len(images), SHARD):
        shard = images[start : start + SHARD]
        path = folder / f"{start // SHARD:05d}.pt"
        names = [image.name for image in shard]
        if not path.exists():
            made = []
            for number, image in enumerate(shard, start=start):
                generator = torch.Generator().manual_seed(config.seed * 100_003 + number)
                for raster, target in draw_views(image, config, rule, generator):
                    made.append([*_bfloat_maps(network, raster, config.precision), target])
                watcher.step("encoding views", number + 1, len(images))
            save_atomically({"names": names, "views": made}, path)
        content = load_checkpoint(path, mapped=True)
        if content.get("names") != names:
            raise RequestError(f"{folder} holds views of other photographs: remove it or use another run.")
        views += [View((fine, middle, coarse), target) for fine, middle, coarse, target in content["views"]]
        watcher.step("encoding views", start + len(shard), len(images))
    return views


@torch.no_grad()
def _bfloat_maps(network: CropNetwork, raster: Tensor, precision: str) -> list[Tensor]:
    device = next(network.parameters()).device
    maps = trunk_maps(network, raster[None].to(device), precision)
    return [features[0].to(torch.bfloat16).cpu().contiguous() for features in maps]


def draw_views(
    image: MaskedImage, config: SaliencyConfig, rule: RasterRule, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Rasters, float32 (3, H, W) in 0-255, and targets, uint8 (H/4, W/4), of the views of a photograph.

    First the photograph, then its mirror image, then random windows in random light, half of them mirrored.
    """
    photo, mask = open_photo(image.path), read_mask(image)
    raster = raster_tensor(photo, rule).float()
    target = cell_shares(mask, raster)
    yield raster, target
    yield raster.flip(-1), target.flip(-1)
    for _ in range(config.windows):
        box = draw_window(mask, config, generator)
        x1, y1, x2, y2 = whole_pixels(box, photo.size_wh)
        raster = raster_tensor(open_photo(cut(photo, box), name=f"{image.name} window"), rule).float()
        target = cell_shares(mask[y1:y2, x1:x2], raster)
        # What becomes of a box at the left edge tells whether the view was mirrored.
        raster, edge = augment(raster, torch.tensor([[0.0, 0, 1, 1]]), config.augmentation, generator)
        yield raster, target.flip(-1) if edge[0, 0] > 0 else target


def draw_window(mask: NDArray[np.bool_], config: SaliencyConfig, generator: torch.Generator) -> Box:
    """A random window of a frame that shows enough of the object and of the ground; else the whole frame.

    Args:
        mask: shape (H, W), true where the object is.
        config: smallest window, and least share of the object in it.
        generator: source of randomness.
    """
    height, width = mask.shape
    low = config.smallest_window
    for _ in range(DRAWS):
        share_x, share_y, place_x, place_y = torch.rand(4, generator=generator).tolist()
        wide, high = width * (low + (1 - low) * share_x), height * (low + (1 - low) * share_y)
        left, top = (width - wide) * place_x, (height - high) * place_y
        box = Box(left, top, left + wide, top + high)
        x1, y1, x2, y2 = whole_pixels(box, (width, height))
        inside = mask[y1:y2, x1:x2]
        if inside.sum() >= config.least_kept * mask.sum() and inside.mean() <= 1 - LEAST_GROUND:
            return box
    return Box(0, 0, width, height)


def cell_shares(mask: NDArray[np.bool_], raster: Tensor) -> Tensor:
    """How much of each cell the object covers, in 255ths: uint8 (H/4, W/4) for a raster (3, H, W)."""
    height, width = raster.shape[-2:]
    size_wh = (width // TARGET_STRIDE, height // TARGET_STRIDE)
    shares = Image.fromarray(mask.astype(np.uint8) * 255).resize(size_wh, Image.Resampling.BOX)
    return torch.from_numpy(np.array(shares))
