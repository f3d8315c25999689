"""What a small captioner learns from: crops of photographs, and what people say of what fills them.

A crop is drawn around what a phrase names, tightly or loosely, or anywhere. What is said of it is drawn from all
that people said of the photograph, a whole caption standing for the whole frame, by how well its box fits the crop:
a crop that holds a dog is called "a brown dog", one that holds the dog and much around it "a brown dog runs through
tall grass". So the words are likeliest at the crop that they describe, and that is what the search wants of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cadrage.datasets.entities import CaptionedImage
from cadrage.geometry import Box, FloatArray, as_boxes, iou_matrix
from cadrage.imaging import open_photo, preview

LARGEST = 640
"""Photographs are reduced until they fit into so many pixels each way before crops are cut from them."""


@dataclass(frozen=True, slots=True)
class ViewRule:
    """How crops and words are drawn."""

    crops: int = 5
    """Crops of a photograph at each visit."""
    phrases: int = 2
    """Phrases or captions of a photograph at each visit whose crops are to be told apart."""
    anywhere: float = 0.2
    """Share of crops that are drawn anywhere instead of around something."""
    shift: float = 0.25
    """Largest shift of a crop's centre from that of its thing, in sides of the thing."""
    stretch: float = 0.5
    """Largest logarithm of the factor of each side."""
    sharpness: float = 10.0
    """Words are drawn with weights of e to the power of this times the IoU of their box with the crop."""
    least_side: float = 24.0
    """Shortest side of a crop, pixels of the photograph."""


@dataclass(frozen=True, slots=True, eq=False)
class Sayings:
    """What is said of a photograph, and where it is.

    Attributes:
        image: the photograph.
        boxes_xyxy: in frame pixels, shape (K, 4): the whole frame first.
        texts: what is said of each box.
    """

    image: CaptionedImage
    boxes_xyxy: FloatArray
    texts: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, image: CaptionedImage) -> Sayings:
        """Gather the captions and phrases of a photograph; those of one box are together."""
        frame = (0.0, 0.0, float(image.size_wh[0]), float(image.size_wh[1]))
        found: dict[tuple[float, float, float, float], list[str]] = {frame: list(image.captions)}
        for entity in image.entities:
            found.setdefault(entity.union.as_tuple(), []).append(entity.phrase)
        return cls(image, np.array(list(found)), tuple(tuple(texts) for texts in found.values()))


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Crops of B photographs, K of each, one photograph's after the other's.

    Attributes:
        pictures: shape (B * K, 3, side, side), RGB in [0, 1].
        texts: what is said of each crop.
        phrases: of each photograph, P texts that are said of something in it.
        fits: shape (B, P, K): intersection over union of what is meant with each crop.
    """

    pictures: Tensor
    texts: list[str]
    phrases: list[list[str]]
    fits: Tensor


def draw_views(sayings: Sequence[Sayings], rule: ViewRule, side: int, generator: torch.Generator) -> Views:
    """Crops of photographs and what is said of them.

    Args:
        sayings: of the photographs.
        rule: how they are drawn.
        side: of the pictures, pixels.
        generator: source of randomness.
    """
    random = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    pictures: list[NDArray[np.uint8]] = []
    texts: list[str] = []
    phrases: list[list[str]] = []
    fits: list[FloatArray] = []
    for said in sayings:
        photograph = preview(open_photo(said.image.path), (LARGEST, LARGEST))
        to_pixels = np.tile(np.divide(photograph.size, said.image.size_wh), 2)
        boxes = [_crop(said, rule, random) for _ in range(rule.crops)]
        fit = iou_matrix(said.boxes_xyxy, as_boxes(boxes))
        about = random.integers(len(fit), size=rule.phrases)
        phrases.append([_one_of(said.texts[number], random) for number in about])
        fits.append(fit[about])
        for box, to_each in zip(boxes, fit.T, strict=True):
            weights = np.exp(rule.sharpness * (to_each - to_each.max()))
            texts.append(_one_of(said.texts[random.choice(len(weights), p=weights / weights.sum())], random))
            seen = photograph.resize(
                (side, side), Image.Resampling.BILINEAR, box=tuple(to_pixels * box.as_tuple())
            )
            pictures.append(_varied(np.asarray(seen), random))
    rasters = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return Views(rasters, texts, phrases, torch.from_numpy(np.stack(fits)).float())


def _one_of(texts: Sequence[str], random: np.random.Generator) -> str:
    return texts[int(random.integers(len(texts)))]


def _crop(said: Sayings, rule: ViewRule, random: np.random.Generator) -> Box:
    width, height = said.image.size_wh
    if random.random() < rule.anywhere:
        wide, high = (side * np.sqrt(random.uniform(0.06, 1)) for side in (width, height))
        centre = np.array(
            [random.uniform(wide / 2, width - wide / 2), random.uniform(high / 2, height - high / 2)]
        )
    else:
        x1, y1, x2, y2 = said.boxes_xyxy[random.integers(len(said.boxes_xyxy))]
        sides = np.array([x2 - x1, y2 - y1])
        centre = np.array([x1 + x2, y1 + y2]) / 2 + sides * random.uniform(-rule.shift, rule.shift, 2)
        wide, high = sides * np.exp(random.uniform(-rule.stretch, rule.stretch, 2))
    wide, high = (min(max(side, rule.least_side), most) for side, most in ((wide, width), (high, height)))
    left = float(np.clip(centre[0] - wide / 2, 0, width - wide))
    top = float(np.clip(centre[1] - high / 2, 0, height - high))
    return Box(left, top, min(left + wide, width), min(top + high, height))


def _varied(picture: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Half of the pictures mirrored, all of them a little lighter or darker, flatter or harder."""
    if random.random() < 0.5:
        picture = picture[:, ::-1]
    light, contrast = random.uniform(-20, 20), random.uniform(0.8, 1.25)
    return ((picture.astype(np.float32) - 127.5) * contrast + 127.5 + light).clip(0, 255).astype(np.uint8)
