"""Small photographs with captions and phrase boxes: coloured shapes on a ground, and the words for them."""

import json

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220)}
GROUND = (200, 200, 190)


def write_captioned(root, count, size_wh=(96, 72), seed=0):
    """A folder in the layout of ``datasets.entities``: one coloured box somewhere in each photograph."""
    random = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    width, height = size_wh
    lines = []
    for number in range(count):
        name = list(COLOURS)[number % len(COLOURS)]
        wide, high = int(random.integers(28, 44)), int(random.integers(28, 44))
        left, top = int(random.integers(0, width - wide)), int(random.integers(0, height - high))
        pixels = np.full((height, width, 3), GROUND, np.uint8)
        pixels[top : top + high, left : left + wide] = COLOURS[name]
        Image.fromarray(pixels).save(root / "images" / f"{number:03}.png")
        lines.append(
            {
                "image": f"{number:03}.png",
                "width": width,
                "height": height,
                "captions": [f"A {name} box lies on a plain ground .", f"There is one {name} box ."],
                "entities": [
                    {"phrase": f"a {name} box", "caption": 0, "boxes": [[left, top, left + wide, top + high]]}
                ],
            }
        )
    (root / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return root
