"""What more ratios of one photograph cost, and how fast boxes are scored on encoded features.

The goals: five ratios in at most 1.3 times the time of one, from the file; 1,000 boxes in under 60 ms on one core.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from cadrage import Cropper
from measure import Comparison, parser, report, take_turns, usable_cpus
from pictures import SAMPLES, enlarge

RATIOS = ("16:9", "4:3", "1:1", "4:5", "9:16")
MEGAPIXELS = (1.0, 12.0)
BOXES = 5000


def several_ratios(cropper: Cropper, photo: Path, what: str, rounds: int, repeats: int) -> Comparison:
    """Five ratios of a file against one."""
    times = take_turns(
        {"five": lambda: cropper.crop(photo, RATIOS), "one": lambda: cropper.crop(photo, "1:1")},
        rounds=rounds,
        repeats=repeats,
    )
    return Comparison(
        f"five ratios, {what}", "ms", times["five"], "one ratio", times["one"], least_ratio=1 / 1.3
    )


def many_boxes(cropper: Cropper, photo: Path, rounds: int, repeats: int) -> Comparison:
    """Thousands of boxes on encoded features."""
    opened = cropper.open(photo)
    features = cropper.encode(opened)
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 0.4, (BOXES, 2)), generator.uniform(0.6, 1, (BOXES, 2))
    boxes = np.concatenate([corner * opened.size_wh for corner in corners], axis=1)
    times = take_turns(
        {"boxes": lambda: cropper.scorer.score(features, boxes)}, rounds=rounds, repeats=repeats
    )
    goal = 60 * BOXES / 1000
    return Comparison(f"{BOXES} boxes, one thread", "ms", times["boxes"], "goal", (goal,), limit=goal)


def main() -> None:
    """Run the benchmark."""
    options = parser(__doc__, rounds=10)
    options.add_argument("--repeats", type=int, default=3, help="timed calls in a round [%(default)s]")
    chosen = options.parse_args()
    comparisons = []
    with tempfile.TemporaryDirectory() as folder:
        photos = [(SAMPLES / "coffee.jpg", "600 x 400")]
        for megapixels in MEGAPIXELS:
            photos.append((Path(folder) / f"{megapixels:g}.jpg", f"{megapixels:g} megapixels"))
            enlarge(SAMPLES / "rocket.jpg", photos[-1][0], megapixels)
        for threads in sorted({1, usable_cpus()}):
            cropper = Cropper(chosen.model, threads=threads)
            for photo, size in photos:
                what = f"{size}, {threads} thread{'s' * (threads > 1)}"
                comparisons.append(several_ratios(cropper, photo, what, chosen.rounds, chosen.repeats))
        alone = Cropper(chosen.model, threads=1)
        comparisons.append(many_boxes(alone, photos[0][0], chosen.rounds, 1))
    report("Several ratios, many boxes", comparisons, packages=["onnxruntime"], as_json=chosen.json)


if __name__ == "__main__":
    main()
