"""Training samples: working rasters in memory with their boxes and targets, and how they are drawn into steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from cadrage.candidates import GridSpec, grid_anchors
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.geometry import Box
from cadrage.imaging import Photo, RasterRule, cut, open_photo, raster
from cadrage.learning.augmentation import AugmentationConfig, augment
from cadrage.learning.official_preprocessing import official_boxes, official_raster


class Shaped(Protocol):
    """Something that is learnt from in steps of one shape."""

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the raster."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph as the network sees it.

    Attributes:
        name: of the photograph.
        raster: uint8, shape (3, H, W), RGB, H and W multiples of 32.
        boxes_xyxy: float32, shape (K, 4), in raster pixels.
        mos: float32, shape (K,), mean opinion scores on the 1-5 scale; NaN where nobody rated.
        taught: float32, shape (K,), the teachers' scores on the same scale; NaN where there is no teacher.
    """

    name: str
    raster: Tensor
    boxes_xyxy: Tensor
    mos: Tensor
    taught: Tensor

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the raster."""
        return self.raster.shape[1], self.raster.shape[2]

    def with_teacher(self, taught: Tensor) -> Sample:
        """The same sample with teachers' scores, shape (K,)."""
        return replace(self, taught=taught)


def rated_samples(
    images: Iterable[RatedImage], rule: RasterRule, *, official: bool = False
) -> Iterator[Sample]:
    """Open rated photographs one after the other and bring pixels and boxes to the working raster.

    Args:
        images: with rated crops only.
        rule: of the working raster.
        official: resize and round as the published code does; its rule of size is then the only one.

    Raises:
        DataError: a rated crop reaches outside its photograph.
        ImageError: a photograph cannot be opened.
    """
    for image in images:
        photo = open_photo(image.path)
        if (image.boxes_xyxy < 0).any() or (image.boxes_xyxy[:, 2:] > photo.size_wh).any():
            width, height = photo.size_wh
            raise DataError(
                f"{image.path} has {width} x {height} pixels, and some of its rated crops reach outside."
            )
        if official:
            frame = Box(0, 0, *photo.size_wh)
            batch, scale_xy = official_raster(np.asarray(cut(photo, frame).convert("RGB")))
            pixels = batch[0].to(torch.uint8)
            boxes = torch.from_numpy(official_boxes(image.boxes_xyxy, scale_xy)).float()
        else:
            pixels = raster_tensor(photo, rule)
            to_raster = np.divide([pixels.shape[2], pixels.shape[1]], photo.size_wh)
            boxes = torch.from_numpy(image.boxes_xyxy * np.tile(to_raster, 2)).float()
        mos = torch.from_numpy(image.mos).float()
        yield Sample(image.name, pixels, boxes, mos, torch.full_like(mos, torch.nan))


def unrated_sample(photo: Photo, rule: RasterRule) -> Sample:
    """A photograph without ratings, with its grid anchors as boxes."""
    pixels = raster_tensor(photo, rule)
    height, width = pixels.shape[1:]
    boxes = torch.from_numpy(grid_anchors((width, height), GridSpec())).float()
    unknown = torch.full((len(boxes),), torch.nan)
    return Sample(photo.name, pixels, boxes, mos=unknown, taught=unknown)


def raster_tensor(photo: Photo, rule: RasterRule) -> Tensor:
    """The working raster of a photograph as torch lays it out: uint8, shape (3, H, W)."""
    return torch.from_numpy(raster(photo, rule)).permute(2, 0, 1).contiguous()


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimisation step sees: images of one shape and crops of all of them.

    Attributes:
        rasters: float32, shape (B, 3, H, W), RGB in 0-255 before augmentation.
        boxes_xyxy: float32, shape (K, 4), in raster pixels.
        image_index: int64, shape (K,), in 0..B-1.
        mos: float32, shape (K,), NaN where nobody rated.
        taught: float32, shape (K,), NaN where there is no teacher.
    """

    rasters: Tensor
    boxes_xyxy: Tensor
    image_index: Tensor
    mos: Tensor
    taught: Tensor

    def to(self, device: torch.device) -> Step:
        """The same step on a device."""
        tensors = (self.rasters, self.boxes_xyxy, self.image_index, self.mos, self.taught)
        return Step(*(tensor.to(device) for tensor in tensors))


def plan_epoch(
    samples: Sequence[Shaped], images_per_step: int, generator: torch.Generator
) -> list[list[int]]:
    """Shuffle samples into steps of one raster shape each.

    Returns:
        Indices of the samples of every step, each sample once; a shape's last step may be smaller.
    """
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index in torch.randperm(len(samples), generator=generator).tolist():
        by_shape.setdefault(samples[index].size_hw, []).append(index)
    steps = [
        indices[start : start + images_per_step]
        for indices in by_shape.values()
        for start in range(0, len(indices), images_per_step)
    ]
    return [steps[index] for index in torch.randperm(len(steps), generator=generator).tolist()]


def draw_step(
    samples: Sequence[Sample],
    augmentation: AugmentationConfig,
    crops_per_image: int | None,
    generator: torch.Generator,
) -> Step:
    """Make a step of samples of one raster shape: a random view of each, and some or all of its crops.

    Args:
        samples: of one shape.
        augmentation: of the views.
        crops_per_image: drawn without replacement; ``None`` for all.
        generator: source of randomness.
    """
    rasters, boxes, index, mos, taught = [], [], [], [], []
    for position, sample in enumerate(samples):
        view, view_boxes = augment(sample.raster.float(), sample.boxes_xyxy, augmentation, generator)
        count = len(view_boxes)
        picked = torch.randperm(count, generator=generator)[: crops_per_image or count]
        rasters.append(view)
        boxes.append(view_boxes[picked])
        index.append(torch.full((len(picked),), position))
        mos.append(sample.mos[picked])
        taught.append(sample.taught[picked])
    return Step(torch.stack(rasters), torch.cat(boxes), torch.cat(index), torch.cat(mos), torch.cat(taught))
