"""How much of the salient subject crops cut off: cadrage against libvips attention, smartcrop and the centre.

    python benchmarks/subject.py SALIENCY [--split val] [--json FILE]

SALIENCY has ``images`` and ``masks``. For each ratio and method: the mean share of the subject's pixels outside the
crop, the share of photographs that lose over a tenth of them, and the mean size of the crops, since what crops less
cuts less. libvips and the centre crop take the largest crop of the ratio; smartcrop and cadrage may take a smaller
one. "score alone" is cadrage without its regard to the subject.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cadrage import Cropper
from cadrage.candidates import largest_box
from cadrage.datasets.masks import divide_masks, read_mask
from cadrage.datasets.types import MaskedImage
from cadrage.geometry import AspectRatio, Box

RATIOS = ("1:1", "4:5", "16:9")
MUCH = 0.1
"""Losing more than this share of the subject counts as cutting it."""

Method = Callable[[Path, AspectRatio], Box]


@dataclass(frozen=True, slots=True)
class Row:
    """One method at one ratio, over all photographs."""

    ratio: str
    method: str
    lost: float
    cut_rate: float
    area: float


def methods(model: str | None) -> dict[str, Method]:
    """The contenders."""
    cropper = Cropper(model, threads=1)
    pyvips = import_module("pyvips")
    smart = import_module("smartcrop").SmartCrop()

    def libvips(path: Path, ratio: AspectRatio) -> Box:
        image = pyvips.Image.new_from_file(str(path))
        largest = largest_box((image.width, image.height), ratio)
        crop = image.smartcrop(int(largest.width), int(largest.height), interesting="attention")
        x, y = -crop.xoffset, -crop.yoffset
        return Box(x, y, x + largest.width, y + largest.height)

    def smartcrop(path: Path, ratio: AspectRatio) -> Box:
        with Image.open(path) as image:
            best = smart.crop(image.convert("RGB"), round(100 * ratio.value), 100)["top_crop"]
        return Box(best["x"], best["y"], best["x"] + best["width"], best["y"] + best["height"])

    def centre(path: Path, ratio: AspectRatio) -> Box:
        with Image.open(path) as image:
            return largest_box(image.size, ratio)

    return {
        "cadrage": lambda path, ratio: cropper.crop(path, ratio).best.box,
        "cadrage, score alone": lambda path, ratio: cropper.crop(path, ratio, subject=0).best.box,
        "libvips attention": libvips,
        "smartcrop": smartcrop,
        "centre": centre,
    }


def lost_share(mask: NDArray[np.bool_], box: Box) -> float:
    """Share of the mask outside the box."""
    x1, y1, x2, y2 = box.rounded()
    return 1 - float(mask[max(0, y1) : y2, max(0, x1) : x2].sum() / mask.sum())


def measure(images: tuple[MaskedImage, ...], model: str | None) -> list[Row]:
    """Every method at every ratio."""
    rows = []
    masks = [read_mask(image) for image in images]
    contenders = methods(model)
    for text in RATIOS:
        ratio = AspectRatio.parse(text)
        for name, method in contenders.items():
            boxes = [method(image.path, ratio) for image in images]
            lost = np.array([lost_share(mask, box) for mask, box in zip(masks, boxes, strict=True)])
            areas = [box.area / mask.size for mask, box in zip(masks, boxes, strict=True)]
            rows.append(Row(text, name, lost.mean(), (lost > MUCH).mean(), float(np.mean(areas))))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path, metavar="SALIENCY")
    parser.add_argument("--split", default="val", choices=("train", "val", "all"))
    parser.add_argument(
        "--validation", type=int, default=100, help="photographs of the split, as in training [100]"
    )
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--model", help="another model than the default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here too")
    options = parser.parse_args()
    images, described = divide_masks(options.root, options.validation, options.split_seed).part(options.split)
    rows = measure(images, options.model)
    print(f"{options.root.name}, {described}, {len(images)} photographs")
    print(f"{'ratio':6} {'method':22} {'lost':>7} {'lose > 10 %':>12} {'area':>7}")
    for row in rows:
        print(f"{row.ratio:6} {row.method:22} {row.lost:7.1%} {row.cut_rate:12.1%} {row.area:7.1%}")
    if options.json:
        fields = [{name: getattr(row, name) for name in Row.__slots__} for row in rows]
        options.json.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
