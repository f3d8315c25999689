"""From a JPEG file to the best square crop: cadrage against libvips' "attention" smart crop of the same file.

Photographs of nine megapixels are made from the samples (see ``pictures.py``), or give your own. Decoders start
from the file each time, which the operating system has in memory; models are loaded before.

* ``thumbnail`` is the fair peer, and the goal is held against it: like cadrage it has the decoder shrink the
  picture while loading, and chooses on a picture with a short side of 256 pixels. It ends with that crop, small, in
  memory; cadrage ends with a box.
* ``smartcrop`` of the opened file gives the crop at full size. It decodes every pixel, which cadrage does only to
  write a crop.

Both may use the same number of threads. libvips' cache of operations is switched off: it would return the last
answer without any work.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from PIL import Image

from cadrage import Cropper
from measure import Comparison, parser, report, take_turns, usable_cpus
from pictures import SAMPLES, enlarge

SAMPLE_NAMES = ("china.jpg", "flower.jpg", "rocket.jpg")
MEGAPIXELS = 9.0
SIDE = 256
"""Short side of cadrage's working raster, and of the thumbnail that libvips is asked for."""


def libvips(threads: int) -> ModuleType:
    """The pyvips module; its number of threads is fixed when it is imported."""
    os.environ["VIPS_CONCURRENCY"] = str(threads)
    pyvips = import_module("pyvips")
    pyvips.cache_set_max(0)
    return pyvips


def contenders(photo: Path, cropper: Cropper, pyvips: ModuleType) -> dict[str, Callable[[], object]]:
    """The three ways from a file to a square crop."""

    def thumbnail() -> object:
        image = pyvips.Image.thumbnail(str(photo), SIDE, height=SIDE, crop="attention")
        return image.write_to_memory()

    def smartcrop() -> object:
        image = pyvips.Image.new_from_file(str(photo))
        side = min(image.width, image.height)
        return image.smartcrop(side, side, interesting="attention").write_to_memory()

    return {
        "cadrage": lambda: cropper.crop(photo, "1:1").best.box,
        "libvips thumbnail": thumbnail,
        "libvips smartcrop": smartcrop,
    }


def compare(
    photo: Path,
    cropper: Cropper,
    pyvips: ModuleType,
    rounds: int,
    repeats: int,
) -> list[Comparison]:
    """Measure all on one photograph."""
    with Image.open(photo) as image:
        megapixels = image.width * image.height / 1e6
    what = f"{photo.name}, {megapixels:.1f} megapixels, {photo.stat().st_size / 1e6:.1f} MB"
    times = take_turns(contenders(photo, cropper, pyvips), rounds=rounds, repeats=repeats)
    ours = times.pop("cadrage")
    goals = {"libvips thumbnail": 1.0}
    return [
        Comparison(what, "ms", ours, peer, theirs, least_ratio=goals.get(peer))
        for peer, theirs in times.items()
    ]


def photographs(given: Sequence[Path], folder: Path) -> list[Path]:
    """The photographs to measure with: those given, or large ones made in ``folder``."""
    if given:
        return list(given)
    for name in SAMPLE_NAMES:
        enlarge(SAMPLES / name, folder / name, MEGAPIXELS)
    return [folder / name for name in SAMPLE_NAMES]


def main() -> None:
    """Run the benchmark."""
    options = parser(__doc__, rounds=5)
    options.add_argument("photos", type=Path, nargs="*", help="JPEG files of your own instead")
    options.add_argument("--repeats", type=int, default=3, help="timed calls in a round [%(default)s]")
    options.add_argument("--threads", type=int, default=usable_cpus(), help="for each [%(default)s]")
    chosen = options.parse_args()
    pyvips = libvips(chosen.threads)
    cropper = Cropper(chosen.model, threads=chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        photos = photographs(chosen.photos, Path(folder))
        comparisons = [
            comparison
            for photo in photos
            for comparison in compare(photo, cropper, pyvips, chosen.rounds, chosen.repeats)
        ]
    title = (
        f"From a JPEG file to the best square crop, {chosen.threads} thread{'s' * (chosen.threads > 1)} each"
    )
    libraries = ["pillow", "onnxruntime", "pyvips", "pyvips-binary"]
    report(title, comparisons, packages=libraries, as_json=chosen.json)


if __name__ == "__main__":
    main()
