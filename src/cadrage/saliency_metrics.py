"""How well saliency maps agree with masks of the salient object.

F-measures weigh precision over recall with beta^2 = 0.3 (Achanta et al., CVPR 2009) and are averaged image by
image, as the field's evaluation code does. Maps are compared as they are: they are not stretched to [0, 1] first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cadrage.errors import DataError
from cadrage.geometry import FloatArray

BETA_SQUARED = 0.3
LEVELS = 256
"""Thresholds of the F-measure's curve: 0/255 to 255/255; a pixel at the threshold is salient."""

RULE = "beta^2 0.3, mean over images, 256 thresholds, maps not stretched"

Map = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SaliencyReport:
    """Agreement of maps with masks, averaged over images; every figure in [0, 1].

    Attributes:
        images: how many images were evaluated.
        rule: how the F-measures were made.
        mae: mean absolute difference of map and mask.
        max_f: F-measure at the one threshold that is best for all images together.
        mean_f: mean of the F-measure over the thresholds.
        adaptive_f: F-measure with each image's threshold at twice the mean of its map, 1 at most.
        half_f: F-measure at the threshold 0.5.
        s_measure: structural similarity of regions and of object and ground, half each (Fan et al., ICCV 2017).
    """

    images: int
    rule: str
    mae: float
    max_f: float
    mean_f: float
    adaptive_f: float
    half_f: float
    s_measure: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def at_size(saliency: Map, size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """A map (h, w) brought to other width and height, bilinear; where it shrinks, antialiased."""
    small = Image.fromarray(np.ascontiguousarray(saliency, dtype=np.float32))
    return np.asarray(small.resize(size_wh, Image.Resampling.BILINEAR)).clip(0, 1)


def saliency_report(pairs: Iterable[tuple[Map, Mask]]) -> SaliencyReport:
    """Compare maps with masks.

    Args:
        pairs: for each image its map, in [0, 1] and of any shape (h, w), and its mask, shape (H, W), with at
            least one pixel set; the map is brought to the mask's size.

    Raises:
        DataError: there is no image, or a map or mask is malformed; the message has its number from 1.
    """
    mae, curves, adaptive, half, structure = [], [], [], [], []
    for number, (saliency, mask) in enumerate(pairs, start=1):
        if saliency.ndim != 2 or not saliency.size or not np.isfinite(saliency).all():
            raise DataError(f"Image {number}: a saliency map is finite numbers of shape (h, w).")
        if mask.ndim != 2 or mask.dtype != np.bool_ or not mask.any():
            raise DataError(f"Image {number}: a mask is true and false of shape (H, W), and not all false.")
        likely = at_size(saliency, (mask.shape[1], mask.shape[0])).astype(np.float64)
        mae.append(np.abs(likely - mask).mean())
        curves.append(f_curve(likely, mask))
        adaptive.append(f_measure(likely >= min(2 * likely.mean(), 1.0), mask))
        half.append(f_measure(likely >= 0.5, mask))
        structure.append(s_measure(likely, mask))
    if not mae:
        raise DataError("There is no image to evaluate.")
    curve = np.mean(curves, axis=0)
    return SaliencyReport(
        images=len(mae),
        rule=RULE,
        mae=float(np.mean(mae)),
        max_f=float(curve.max()),
        mean_f=float(curve.mean()),
        adaptive_f=float(np.mean(adaptive)),
        half_f=float(np.mean(half)),
        s_measure=float(np.mean(structure)),
    )


def f_measure(salient: Mask, mask: Mask) -> float:
    """F-measure of pixels taken for salient against a mask of the same shape with a pixel set."""
    hits = np.count_nonzero(salient & mask)
    return float(_f(np.array(hits), np.array(np.count_nonzero(salient)), mask.sum()))


def f_curve(likely: FloatArray, mask: Mask) -> FloatArray:
    """F-measure at each of the 256 thresholds, ascending, of a map and a mask of one shape; shape (256,)."""
    levels = np.floor(likely * (LEVELS - 1)).astype(np.int64)
    hits, others = (
        np.bincount(levels[which], minlength=LEVELS)[::-1].cumsum()[::-1] for which in (mask, ~mask)
    )
    return _f(hits, hits + others, mask.sum())


def _f(hits: NDArray[Any], taken: NDArray[Any], wanted: np.integer[Any]) -> FloatArray:
    precision, recall = hits / np.maximum(taken, 1), hits / wanted
    weighted = BETA_SQUARED * precision + recall
    curve: FloatArray = (1 + BETA_SQUARED) * precision * recall / np.where(weighted == 0, 1, weighted)
    return curve


def s_measure(likely: FloatArray, mask: Mask) -> float:
    """Structure measure of a map and a mask of one shape (Fan et al., ICCV 2017), in [0, 1]."""
    if mask.all():
        return float(likely.mean())
    return max(0.0, 0.5 * _object_similarity(likely, mask) + 0.5 * _region_similarity(likely, mask))


def _object_similarity(likely: FloatArray, mask: Mask) -> float:
    share = mask.mean()
    return float(share * _uniformity(likely[mask]) + (1 - share) * _uniformity(1 - likely[~mask]))


def _uniformity(values: FloatArray) -> float:
    """1 where all values are 1; less where they are lower or differ (equation 4)."""
    mean = values.mean()
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    return float(2 * mean / (mean * mean + 1 + spread))


def _region_similarity(likely: FloatArray, mask: Mask) -> float:
    """Similarity of the four regions around the object's centre, weighted by area (equation 6)."""
    rows, columns = np.nonzero(mask)
    row, column = round(rows.mean()) + 1, round(columns.mean()) + 1
    total = 0.0
    for across in (slice(None, column), slice(column, None)):
        for down in (slice(None, row), slice(row, None)):
            part = mask[down, across]
            if part.size:
                total += part.size / mask.size * _similarity(likely[down, across], part.astype(np.float64))
    return total


def _similarity(first: FloatArray, second: FloatArray) -> float:
    """Structural similarity of two arrays of one shape as wholes (equation 5)."""
    mean_1, mean_2 = first.mean(), second.mean()
    degrees = max(first.size - 1, 1)
    variance_1 = ((first - mean_1) ** 2).sum() / degrees
    variance_2 = ((second - mean_2) ** 2).sum() / degrees
    covariance = ((first - mean_1) * (second - mean_2)).sum() / degrees
    alike = 4 * mean_1 * mean_2 * covariance
    scale = (mean_1**2 + mean_2**2) * (variance_1 + variance_2)
    if alike != 0:
        return float(alike / scale)
    return 1.0 if scale == 0 else 0.0
