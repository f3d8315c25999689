"""A small data set of rated crops in the layout of GAICD, with something to learn in it.

Every picture is dark with one bright disc, and people like light: the rating of a crop is its mean brightness,
brought to 1-5 within the picture and rounded to sevenths, as seven raters would give it. Pictures are drawn by
seed and no larger than the working raster of 64 pixels, so that a network sees them as they are.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from cadrage.candidates import grid_anchors
from cadrage.datasets.gaicd import load_gaicd, save_gaicd
from cadrage.datasets.types import RatedImage

SIZES_WH = ((96, 64), (64, 96), (96, 64), (64, 64))
SEVENTHS = 7


def write_rated(root: Path, **counts: int) -> Path:
    """Write a data set; ``write_rated(root, train=12, test=4)``, or ``flat=6`` for one without parts."""
    sources = root / "sources"
    sources.mkdir(parents=True)
    images = []
    for part, count in counts.items():
        for number in range(count):
            name = f"{part}{number:02d}"
            pixels = picture(len(images))
            Image.fromarray(pixels).save(sources / f"{name}.png")
            boxes = np.round(grid_anchors((pixels.shape[1], pixels.shape[0])))
            split = None if part == "flat" else part
            images.append(RatedImage(name, sources / f"{name}.png", boxes, ratings(pixels, boxes), split))
    save_gaicd(images, root / "data")
    return root / "data"


def picture(seed: int) -> np.ndarray:
    """A dark picture with a bright disc, RGB."""
    rng = np.random.default_rng(seed)
    width, height = SIZES_WH[seed % len(SIZES_WH)]
    x, y = rng.uniform(0.1, 0.9, 2) * (width, height)
    rows, columns = np.mgrid[:height, :width]
    disc = np.hypot(columns - x, rows - y) < 18
    light = 40 + 160 * disc + rng.normal(0, 8, (height, width))
    colour = rng.uniform(0.8, 1, 3)
    return np.clip(light[..., None] * colour, 0, 255).astype(np.uint8)


def ratings(pixels: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray:
    """Mean opinion scores of crops of a picture."""
    light = np.array([pixels[y1:y2, x1:x2].mean() for x1, y1, x2, y2 in boxes_xyxy.astype(int)])
    mos = 1 + 4 * (light - light.min()) / np.ptp(light)
    return np.round(mos * SEVENTHS) / SEVENTHS


def photographs(folder: Path, count: int) -> list[Path]:
    """Write pictures without ratings."""
    folder.mkdir(parents=True)
    paths = [folder / f"unrated{number:02d}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(picture(1000 + number)).save(path)
    return paths


def load_part(root: Path, part: str) -> tuple[RatedImage, ...]:
    """The images of one part of a written data set."""
    return load_gaicd(root, part)
