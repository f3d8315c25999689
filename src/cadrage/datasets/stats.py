"""Figures of a data set: scores, aspect ratios, areas, and how far people agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.data_set import KINDS, Image
from cadrage.datasets.masks import read_mask
from cadrage.datasets.pictures import boxes_of
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.geometry import FloatArray, areas, iou_matrix
from cadrage.imaging import open_photo

MOST_BINS = 40
MOS_BIN, ASPECT_BIN, AREA_BIN, SHARE_BIN = 0.4, 0.1, 0.05, 0.1
"""Widths of the bins. Those of the MOS are those of GAIC's histogram (TPAMI 2020, figure 7), from 1 on."""

GRADES = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Edges of the intervals of the MOS in GAIC's table 2."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values are distributed.

    Attributes:
        what: they are, with the unit.
        edges: of the bins, rising; a bin holds its lower edge, the last its upper one too.
        counts: values in each bin.
        values: how many.
        mean: their mean.
        deviation: their standard deviation (ddof 0).
        smallest: the least value.
        median: the middle one.
        largest: the greatest.
    """

    what: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    values: int
    mean: float
    deviation: float
    smallest: float
    median: float
    largest: float


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a data set.

    Attributes:
        kind: what people said about the photographs.
        images: how many; a caption counts as one.
        crops: how many boxes.
        distributions: by name, such as "mos", "crop_aspect", "crop_area".
        numbers: single figures by name: what of the scores lies where, ``mos_by_area``.
    """

    kind: str
    images: int
    crops: int
    distributions: Mapping[str, Distribution]
    numbers: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def data_set_stats(images: Sequence[Image], advance: Callable[[], None] = lambda: None) -> Stats:
    """Every figure that the kind of data set has.

    Args:
        images: of one kind, at least one; unrated crops are counted and left out. Sizes that are not known are read
            from the pictures' headers, and masks are decoded.
        advance: called after each image.

    Raises:
        DataError: a mask is not as large as its picture.
        ImageError: a picture cannot be read.
    """
    frames: list[FloatArray] = []
    for image in images:
        known = None if isinstance(image, MaskedImage) else image.size_wh
        frames.append(np.array(known or open_photo(image.path).size_wh, dtype=np.float64))
        advance()
    sizes = np.stack(frames)
    found = {
        "frame_aspect": distribution("width : height of the pictures", sizes[:, 0] / sizes[:, 1], ASPECT_BIN)
    }
    numbers: dict[str, Any] = {
        "landscape": int((sizes[:, 0] > sizes[:, 1]).sum()),
        "portrait": int((sizes[:, 0] < sizes[:, 1]).sum()),
        "square": int((sizes[:, 0] == sizes[:, 1]).sum()),
    }
    per_image = [_rated_boxes(image) for image in images]
    boxes = np.concatenate(per_image)
    if len(boxes):
        frame_areas = np.concatenate(
            [np.full(len(own), size.prod()) for own, size in zip(per_image, sizes, strict=True)]
        )
        wh = boxes[:, 2:] - boxes[:, :2]
        shares = areas(boxes) / frame_areas
        found["crop_aspect"] = distribution("width : height of the crops", wh[:, 0] / wh[:, 1], ASPECT_BIN)
        found["crop_area"] = distribution("area of the crops, share of the picture", shares, AREA_BIN)
        counts = np.array([len(own) for own in per_image], dtype=np.float64)
        found["crops_per_image"] = distribution("crops of an image", counts, 1, start=0.5)
        more, single = _of_kind(images, shares)
        found, numbers = found | more, numbers | single
    else:
        shares = np.array([read_mask(image).mean() for image in images if isinstance(image, MaskedImage)])
        found["object_area"] = distribution("area of the object, share of the picture", shares, AREA_BIN)
    return Stats(KINDS[type(images[0])], len(images), len(boxes), found, numbers)


def _rated_boxes(image: Image) -> FloatArray:
    if isinstance(image, RatedImage):
        return image.boxes_xyxy[image.is_rated]
    if isinstance(image, MaskedImage):
        return np.zeros((0, 4))
    return image.boxes_xyxy if isinstance(image, CaptionCrops) else np.concatenate(boxes_of(image))


def _of_kind(images: Sequence[Image], shares: FloatArray) -> tuple[dict[str, Distribution], dict[str, Any]]:
    rated = [image for image in images if isinstance(image, RatedImage)]
    if rated:
        return _scores(rated, shares)
    compared = [image for image in images if isinstance(image, ComparedImage)]
    if compared:
        votes = np.concatenate([image.votes for image in compared])
        cast = votes[votes.sum(axis=1) > 0]
        numbers = {
            "pairs": len(votes),
            "ties": int((votes[:, 0] == votes[:, 1]).sum()),
            "votes": int(votes.sum()),
        }
        wins = distribution(
            "share of votes of the crop with more", cast.max(axis=1) / cast.sum(axis=1), SHARE_BIN
        )
        return {"winner_share": wins}, numbers
    drawn = [image.boxes_xyxy for image in images if isinstance(image, FramedImage | CaptionCrops)]
    overlaps = list(_agreements(drawn))
    if not overlaps:
        return {}, {}
    return {"agreement": distribution("mean IoU of an image's crops", np.array(overlaps), SHARE_BIN / 2)}, {}


def _agreements(drawn: Iterable[FloatArray]) -> Iterable[float]:
    """Mean IoU of all pairs of people's boxes, of each image with two or more."""
    for boxes in drawn:
        if len(boxes) > 1:
            overlap = iou_matrix(boxes, boxes)
            yield float(overlap[np.triu_indices(len(boxes), 1)].mean())


def _scores(
    images: Sequence[RatedImage], shares: FloatArray
) -> tuple[dict[str, Distribution], dict[str, Any]]:
    scores = [image.mos[image.is_rated] for image in images]
    mos = np.concatenate(scores)
    best = np.array([own.max() for own in scores if len(own)])
    within = np.array([own.std() for own in scores if len(own)])
    tenths = np.round(shares, 1)
    numbers: dict[str, Any] = {
        "unrated": sum(int((~image.is_rated).sum()) for image in images),
        "best_of_image_mean": float(best.mean()),
        "within_image_deviation_mean": float(within.mean()),
        "mos_by_area": {f"{area:.1f}": float(mos[tenths == area].mean()) for area in np.unique(tenths)},
    }
    if mos.min() >= 0 and mos.max() <= GRADES[-1]:
        # Below 1 there are a few scores in the journal release: they count with the lowest grade.
        inner = np.clip(np.searchsorted(GRADES, mos, side="right") - 1, 0, len(GRADES) - 2)
        counts = np.bincount(inner, minlength=len(GRADES) - 1) / len(mos)
        numbers["share_by_grade"] = {
            f"{low:g}-{high:g}": float(share)
            for low, high, share in zip(GRADES[:-1], GRADES[1:], counts, strict=True)
        }
        numbers["images_with_4_or_more"] = int((best >= 4).sum())
    return {
        "mos": distribution("score of a crop", mos, MOS_BIN, start=1.0),
        "best_mos": distribution("best score of an image", best, MOS_BIN, start=1.0),
    }, numbers


def distribution(what: str, values: FloatArray, width: float, start: float = 0.0) -> Distribution:
    """Bins of one width over all values.

    Args:
        what: the values are.
        values: shape (N,), N from 1.
        width: of a bin; doubled until there are no more than 40 bins.
        start: where a bin begins.
    """
    low, high = float(values.min()), float(values.max())
    while True:
        # Values on an edge belong to the bin above it, whatever rounding made of them.
        first = np.floor((low - start) / width + 1e-9)
        bins = max(1, int(np.ceil((high - start) / width - 1e-9) - first))
        if bins <= MOST_BINS:
            break
        width *= 2
    edges = start + width * (first + np.arange(bins + 1))
    places = np.floor((values - start) / width + 1e-9) - first
    counts = np.bincount(places.astype(int).clip(0, bins - 1), minlength=bins)
    return Distribution(
        what=what,
        edges=tuple(float(edge) for edge in np.round(edges, 10)),
        counts=tuple(counts.tolist()),
        values=len(values),
        mean=float(values.mean()),
        deviation=float(values.std()),
        smallest=low,
        median=float(np.median(values)),
        largest=high,
    )
