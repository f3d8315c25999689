"""A small data set of photographs with masks, in the layout of ECSSD: the salient object is a bright disc."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES_WH = ((96, 64), (64, 96), (128, 64), (64, 64))


def write_masked(root: Path, count: int) -> Path:
    """Write ``count`` pictures of a dark ground with a bright disc, and the disc's masks."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        pixels, mask = disc(number)
        Image.fromarray(pixels).save(root / "images" / f"disc{number:02d}.png")
        Image.fromarray(mask).save(root / "masks" / f"disc{number:02d}.png")
    return root


def disc(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """RGB, uint8 (H, W, 3), and mask, bool (H, W)."""
    rng = np.random.default_rng(seed)
    width, height = SIZES_WH[seed % len(SIZES_WH)]
    x, y = rng.uniform(0.25, 0.75, 2) * (width, height)
    rows, columns = np.mgrid[:height, :width]
    inside = np.hypot(columns - x, rows - y) < 20
    light = 50 + 150 * inside + rng.normal(0, 8, (height, width))
    return np.clip(light[..., None] * rng.uniform(0.8, 1, 3), 0, 255).astype(np.uint8), inside
