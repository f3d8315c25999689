"""Why overlap with one best box is no reliable measure: what people's ratings say about IoU.

The argument of GAIC (TPAMI 2020, introduction and figure 1), on any data with ratings: a crop that overlaps the
best one much is often worse than one that overlaps it little.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.annotation.quality.plain import plain
from cadrage.atomic import replacing
from cadrage.bench.intervals import SAMPLES, Estimate, estimate
from cadrage.bench.protocols import Ranking
from cadrage.bench.results import Ground
from cadrage.errors import DataError, ImageError
from cadrage.geometry import Box, FloatArray, iou_matrix
from cadrage.imaging import open_photo, preview
from cadrage.metrics import pcc, srcc
from cadrage.overlay import PREVIEW_WH, LabelledCrop, SheetRow, contact_sheet

GOOD = 0.5
"""A crop whose MOS lacks no more than this to the image's best is as good, for one who looks at it."""

POOR = 1.0
"""A crop that lacks more than this, a whole grade, is worse for anybody."""

BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edges of IoU for the distribution of the MOS."""

SHOWN = 6
"""Counter-examples that are kept."""

MEASURED = ("srcc", "pcc", "disordered", "good_below")
"""What is averaged over images; see ``Unreliability``."""

FILE = "unreliable-iou.json"


@dataclass(frozen=True, slots=True)
class IouBin:
    """The MOS of the crops whose IoU with their image's best lies in an interval.

    Attributes:
        low: of the IoU.
        high: of the IoU, not included unless 1.
        crops: how many.
        mos: their mean MOS, and the bounds of the middle 80 %: mean, low, high; None without a crop.
    """

    low: float
    high: float
    crops: int
    mos: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class RatedBox:
    """A rated crop beside the best one of its image.

    Attributes:
        box: x1, y1, x2, y2 in frame pixels.
        mos: its rating.
        iou: with the best rated crop.
    """

    box: tuple[float, float, float, float]
    mos: float
    iou: float


@dataclass(frozen=True, slots=True)
class CounterExample:
    """Two crops of an image whose IoU with its best crop and whose ratings disagree.

    Attributes:
        image: its name.
        picture: its file.
        size_wh: width and height of its frame in pixels.
        best: the crop with the best MOS.
        near: one that overlaps it much and is rated low.
        far: one that overlaps it little and is rated high.
    """

    image: str
    picture: str
    size_wh: tuple[int, int]
    best: RatedBox
    near: RatedBox
    far: RatedBox


@dataclass(frozen=True, slots=True)
class Unreliability:
    """What ratings say about the IoU with the best rated crop. All but the bins are means over images.

    Attributes:
        ground: the data.
        images: how many have three crops or more that are not all rated alike; without one, the means are NaN.
        srcc: Spearman's correlation of IoU and MOS of an image's crops, the best one left out.
        pcc: Pearson's.
        disordered: share of the pairs of crops that differ in both where the one with the larger IoU has the
            lower MOS.
        good_below: share of the good crops (within ``GOOD`` of the best) that overlap the best one less than some
            poor crop (more than ``POOR`` below it) of the image does.
        bins: the MOS by IoU, over all crops.
        examples: the worst counter-examples, one for an image.
    """

    ground: Ground
    images: int
    srcc: Estimate
    pcc: Estimate
    disordered: Estimate
    good_below: Estimate
    bins: tuple[IouBin, ...]
    examples: tuple[CounterExample, ...]

    @property
    def picture_name(self) -> str:
        """Name of the file with the counter-examples, in the folder of a report."""
        return f"unreliable-iou-{self.ground.digest}.jpg"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, NaN as None."""
        values: dict[str, Any] = plain(self)
        return values

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Unreliability:
        """What ``to_dict`` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        estimates = {name: _estimate(value[name]) for name in MEASURED}
        bins = tuple(
            IouBin(**{**one, "mos": None if one["mos"] is None else tuple(one["mos"])})
            for one in value["bins"]
        )
        examples = tuple(_example_of(one) for one in value["examples"])
        return cls(Ground(**value["ground"]), value["images"], **estimates, bins=bins, examples=examples)


def _estimate(value: dict[str, Any]) -> Estimate:
    mean, low, high = (math.nan if value[key] is None else value[key] for key in ("mean", "low", "high"))
    return Estimate(mean, low, high, value["images"])


def _example_of(value: dict[str, Any]) -> CounterExample:
    boxes = {
        key: RatedBox(tuple(value[key]["box"]), value[key]["mos"], value[key]["iou"])
        for key in ("best", "near", "far")
    }
    return CounterExample(value["image"], value["picture"], tuple(value["size_wh"]), **boxes)


def unreliability(
    ranking: Ranking, ground: Ground, *, samples: int = SAMPLES, seed: int = 0
) -> Unreliability:
    """Compare IoU with the best rated crop and MOS, on every image.

    Of several crops with the best MOS the first in file order is the best one. Images with fewer than three crops,
    or with crops that are all rated alike, say nothing.

    Args:
        ranking: rated images.
        ground: what they are, for the report.
        samples: resamples of the images for the intervals.
        seed: of the resamples.

    Raises:
        ImageError: a picture whose size is not known cannot be read.
    """
    rows, every_iou, every_mos, examples = [], [], [], []
    for image in ranking.images:
        if len(image.mos) < 3 or np.ptp(image.mos) == 0:
            continue
        best = int(np.argmax(image.mos))
        iou = iou_matrix(image.boxes_xyxy, image.boxes_xyxy[[best]])[:, 0]
        others = np.arange(len(iou)) != best
        rows.append(_image_row(iou[others], image.mos[others], float(image.mos[best])))
        every_iou.append(iou[others])
        every_mos.append(image.mos[others])
        found = _counter_example(iou, image.mos)
        if found is not None:
            strength, near, far = found
            best_box, near_box, far_box = (
                RatedBox(tuple(image.boxes_xyxy[at].tolist()), float(image.mos[at]), float(iou[at]))
                for at in (best, near, far)
            )
            size_wh = image.size_wh or open_photo(image.path).size_wh
            example = CounterExample(
                image.name, str(image.path.resolve()), size_wh, best_box, near_box, far_box
            )
            examples.append((-strength, image.name, example))
    if not rows:
        unknown = dict.fromkeys(MEASURED, Estimate(math.nan, math.nan, math.nan, 0))
        return Unreliability(ground, 0, **unknown, bins=(), examples=())
    table = np.array(rows)
    found_means = estimate(
        {name: table[:, at] for at, name in enumerate(MEASURED)}, samples=samples, seed=seed
    )
    examples.sort(key=lambda one: one[:2])
    return Unreliability(
        ground,
        len(rows),
        **found_means,
        bins=_bins(np.concatenate(every_iou), np.concatenate(every_mos)),
        examples=tuple(example for *_, example in examples[:SHOWN]),
    )


def _image_row(iou: FloatArray, mos: FloatArray, best: float) -> tuple[float, float, float, float]:
    upper = np.triu_indices(len(iou), 1)
    order = np.sign(iou[:, None] - iou)[upper] * np.sign(mos[:, None] - mos)[upper]
    differing = np.count_nonzero(order)
    disordered = np.count_nonzero(order < 0) / differing if differing else np.nan
    good, poor = mos >= best - GOOD, mos < best - POOR
    below = np.nan
    if good.any() and poor.any():
        below = float((iou[good] < iou[poor].max()).mean())
    return srcc(mos, iou), pcc(mos, iou), disordered, below


def _counter_example(iou: FloatArray, mos: FloatArray) -> tuple[float, int, int] | None:
    """The pair with the largest product of what one has more IoU and less MOS: product, its place, the other's."""
    product = np.clip(iou[:, None] - iou, 0, None) * np.clip(mos[None, :] - mos[:, None], 0, None)
    product[np.argmax(mos)] = product[:, np.argmax(mos)] = 0
    near, far = np.unravel_index(np.argmax(product), product.shape)
    return (float(product[near, far]), int(near), int(far)) if product[near, far] > 0 else None


def _bins(iou: FloatArray, mos: FloatArray) -> tuple[IouBin, ...]:
    found = []
    for low, high in pairwise(BINS):
        inside = mos[(iou >= low) & ((iou < high) | (high == BINS[-1]))]
        spread = None
        if len(inside):
            least, most = np.quantile(inside, [0.1, 0.9]).tolist()
            spread = (float(inside.mean()), least, most)
        found.append(IouBin(low, high, len(inside), spread))
    return tuple(found)


def counter_example_sheet(found: Unreliability, target: Path) -> None:
    """Write the counter-examples as one JPEG: each photograph with the three boxes, and the crops with their MOS.

    Raises:
        DataError: the file cannot be written.
        ImageError: a photograph cannot be read.
    """
    rows = []
    for example in found.examples:
        photo = open_photo(Path(example.picture))
        named = {"best": example.best, "large IoU": example.near, "small IoU": example.far}
        crops = tuple(LabelledCrop(label, Box(*crop.box), crop.mos) for label, crop in named.items())
        title = f"{example.image}: IoU {example.near.iou:.2f} with the best crop and {example.far.iou:.2f}"
        rows.append(SheetRow(title, preview(photo, PREVIEW_WH), photo.size_wh, crops))
    sheet = contact_sheet(rows, heading="A larger IoU, and a worse crop", model="numbers: MOS")
    try:
        with replacing(target) as part:
            sheet.save(part, "JPEG", quality=85, optimize=True)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror}.") from error


def save_unreliability(found: Unreliability, folder: Path) -> None:
    """Write the figures, and the picture where its photographs can be read, into the folder of a report.

    Raises:
        DataError: a file cannot be written.
    """
    target = folder / FILE
    earlier = [one for one in load_unreliabilities(folder) if one.ground != found.ground]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(target) as part:
            lines = [one.to_dict() for one in (*earlier, found)]
            part.write_text(json.dumps(lines, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror}.") from error
    if not found.examples:
        return
    try:
        counter_example_sheet(found, folder / found.picture_name)
    except ImageError:
        (folder / found.picture_name).unlink(missing_ok=True)


def load_unreliabilities(folder: Path) -> Sequence[Unreliability]:
    """What was written into the folder of a report, one for each ground; empty if nothing was.

    Raises:
        DataError: the file is something else.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        return [Unreliability.from_dict(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path} is not what a bench writes: remove it.") from error
