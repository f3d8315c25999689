"""A folder of JPEG files of one megapixel: ``cadrage crop`` with one process and two, for boxes and with crops.

The files are made from the sample photographs (resized, every other one mirrored, quality 90). The command runs on
all of them and on a quarter of them, by turns; the difference is what the other photographs took, without the time
that the command and its processes need to start. 60 photographs a second are 16.7 ms each, 45 are 22.2 ms.

The peer is one process, and Pillow's decoding alone: each file shrunk while loading and resized to the network's
raster, in one process, with no network and no search.

Processor time, of all processes together, is there since other work on the machine disturbs it less: two free
processors make at most two photographs in that time.

The peak of memory is that of the largest process, on all files against a quarter of them: it must not grow.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure import Comparison, Ran, parser, report, run
from start import CADRAGE, ROOT

Key = tuple[str, int]
"""Task and number of processes."""

SAMPLES = ROOT / "examples" / "photographs"
RATIOS = ("--ratio", "1:1")
MAKE = """
import sys
from pathlib import Path
from PIL import Image, ImageOps

samples = sorted(Path(sys.argv[1]).glob("*.jpg"))
for number in range(int(sys.argv[3])):
    with Image.open(samples[number % len(samples)]) as image:
        scale = (1e6 / (image.width * image.height)) ** 0.5
        size = round(image.width * scale), round(image.height * scale)
        made = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    made = ImageOps.mirror(made) if number % 2 else made
    made.save(Path(sys.argv[2]) / f"{number:05}.jpg", quality=90)
"""
"""In a process of its own: see ``start.py`` on memory."""

DECODE = """
import sys, time
from pathlib import Path
from PIL import Image

files = sorted(Path(sys.argv[1]).iterdir())
start = time.perf_counter()
for file in files:
    with Image.open(file) as image:
        image.draft("RGB", (384, 384))
        image.resize((384, 256), Image.Resampling.BILINEAR)
print((time.perf_counter() - start) / len(files))
"""


PROCESSES = (1, 2)
GOALS = {"boxes": 1000 / 60, "crops written": 1000 / 45}
"""Milliseconds a photograph with two processes."""


def decoding(folder: Path) -> float:
    """Milliseconds that decoding alone takes for a photograph."""
    ran = subprocess.run([sys.executable, "-c", DECODE, folder], capture_output=True, text=True, check=True)
    return float(ran.stdout) * 1e3


def commands(model: Sequence[str], out: Path) -> Mapping[tuple[str, int], list[str | Path]]:
    """The command lines to measure, less the folder, by task and number of processes."""
    base: list[str | Path] = [CADRAGE, "crop", *RATIOS, *model, "--threads", "1"]
    extra: dict[str, list[str | Path]] = {"boxes": [], "crops written": ["--out", out]}
    return {(task, n): [*base, *extra[task], "--processes", str(n)] for task in GOALS for n in PROCESSES}


def compare(
    everything: Path, quarter: Path, lines: Mapping[Key, list[str | Path]], rounds: int
) -> list[Comparison]:
    """Run all command lines on both folders, by turns."""
    more = len(list(everything.iterdir())) - len(list(quarter.iterdir()))
    ran: dict[Key, list[tuple[Ran, Ran]]] = {key: [] for key in lines}
    floor = []
    for _ in range(rounds):
        floor.append(decoding(everything))
        for key, line in lines.items():
            ran[key].append((run([*line, everything]), run([*line, quarter])))
    return [made for task in GOALS for made in _of_task(task, ran, more, tuple(floor))]


def _of_task(
    task: str, ran: Mapping[Key, list[tuple[Ran, Ran]]], more: int, floor: tuple[float, ...]
) -> list[Comparison]:
    def each(processes: int, what: str) -> tuple[float, ...]:
        """Milliseconds a photograph, of the photographs that only the whole folder has."""
        pairs = ran[task, processes]
        return tuple((getattr(whole, what) - getattr(part, what)) / more * 1e3 for whole, part in pairs)

    one, two = (each(n, "wall") for n in PROCESSES)
    busy = [each(n, "processor") for n in PROCESSES]
    whole, part = (tuple(pair[number].peak_mb for pair in ran[task, 2]) for number in (0, 1))
    return [
        Comparison(f"{task}, 1 process", "ms", one, "decoding alone", floor),
        Comparison(f"{task}, 2 processes", "ms", two, "decoding alone", floor, limit=round(GOALS[task], 1)),
        Comparison(f"{task}, 2 processes", "ms", two, "1 process", one, least_ratio=1.8),
        Comparison(f"{task}: processor time, 2 processes", "ms", busy[1], "1 process", busy[0]),
        Comparison(f"{task}: memory", "MB", whole, "a quarter of the files", part, least_ratio=0.95),
    ]


def main() -> None:
    """Run the benchmark."""
    options = parser(__doc__, rounds=3)
    options.add_argument("--files", type=int, default=400, help="photographs in the folder [%(default)s]")
    chosen = options.parse_args()
    model = ["--model", chosen.model] if chosen.model else []
    with tempfile.TemporaryDirectory() as scratch:
        everything, quarter = Path(scratch) / "all", Path(scratch) / "quarter"
        for folder, count in ((everything, chosen.files), (quarter, chosen.files // 4)):
            folder.mkdir()
            subprocess.run([sys.executable, "-c", MAKE, SAMPLES, folder, str(count)], check=True)
        lines = commands(model, Path(scratch) / "crops")
        comparisons = compare(everything, quarter, lines, chosen.rounds)
    title = f"A folder of {chosen.files} JPEG files of 1 megapixel, {' '.join(RATIOS)}: time for a photograph"
    report(title, comparisons, packages=["onnxruntime", "pillow"], as_json=chosen.json)


if __name__ == "__main__":
    main()
