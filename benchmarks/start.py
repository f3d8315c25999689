"""Starting up: import time, whole process time of the command, peak memory, size of the installation.

Every sample is a process of its own, started by turns. The peer is the floor under our figures: the same with
nothing but the libraries that cadrage cannot do without.

The system counts the memory of the process that starts another into the peak of the other. So this script imports
nothing large, and has the photograph made elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure import Comparison, Ran, parser, report, run

ROOT = Path(__file__).parents[1]
SAMPLE, CAT = (ROOT / "examples" / "photographs" / name for name in ("china.jpg", "chelsea.jpg"))
MEGAPIXELS = 12
CADRAGE = Path(sysconfig.get_path("scripts")) / "cadrage"
INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
"""What a new environment holds before anything is installed into it."""

TIMED_IMPORT = "import time; start = time.perf_counter(); {}; print((time.perf_counter() - start) * 1e3)"
LIBRARIES = "import numpy, PIL.Image, onnxruntime"
OURS = ("import cadrage", "from cadrage import Cropper")


def import_times(rounds: int) -> list[Comparison]:
    """Time imports inside fresh interpreters, without the interpreter's own start."""
    times: dict[str, list[float]] = {statement: [] for statement in (*OURS, LIBRARIES)}
    for _ in range(rounds):
        for statement, taken in times.items():
            script = TIMED_IMPORT.format(statement)
            ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
            taken.append(float(ran.stdout))
    theirs = tuple(times[LIBRARIES])
    return [Comparison(name, "ms", tuple(times[name]), LIBRARIES, theirs, limit=300) for name in OURS]


def crop_costs(rounds: int, model: Sequence[str]) -> list[Comparison]:
    """Wall time and peak memory of the command on one large photograph."""
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "crops"
        size = ["--megapixels", str(MEGAPIXELS)]
        subprocess.run(
            [sys.executable, ROOT / "benchmarks" / "pictures.py", SAMPLE, photo, *size], check=True
        )
        crop: list[str | Path] = [CADRAGE, "crop", photo, *model]
        lines = {
            "cadrage crop PHOTO": crop,
            "cadrage crop PHOTO --ratio 16:9 --out DIR": [*crop, "--ratio", "16:9", "--out", out],
        }
        return process_costs(lines, LIBRARIES, rounds, most_ms=1000, most_mb=250)


def caption_costs(rounds: int) -> list[Comparison]:
    """Wall time and peak memory of cropping a sample photograph by a caption, beside loading torch."""
    crop: list[str | Path] = [CADRAGE, "crop", CAT, "--caption", "a cat"]
    lines = {
        "cadrage crop PHOTO --caption TEXT": crop,
        "cadrage crop PHOTO --caption TEXT --restarts 1": [*crop, "--restarts", "1"],
    }
    return process_costs(lines, "import torch", rounds, most_ms=6000, most_mb=1000)


def process_costs(
    lines: Mapping[str, Sequence[str | Path]], peer: str, rounds: int, *, most_ms: float, most_mb: float
) -> list[Comparison]:
    """Wall time and peak memory of command lines, by turns with a peer that only imports."""
    turns = {**lines, peer: [sys.executable, "-c", peer]}
    runs: dict[str, list[Ran]] = {name: [] for name in turns}
    for _ in range(rounds + 1):
        for name, arguments in turns.items():
            runs[name].append(run(arguments))
    # The first round brings files into memory.
    times = {name: tuple(one.wall * 1e3 for one in taken[1:]) for name, taken in runs.items()}
    peaks = {name: tuple(one.peak_mb for one in taken[1:]) for name, taken in runs.items()}
    return [
        Comparison(f"{name}: {what}", unit, taken[name], peer, taken[peer], limit=limit)
        for what, unit, taken, limit in (
            ("time", "ms", times, most_ms),
            ("peak memory", "MB", peaks, most_mb),
        )
        for name in lines
    ]


def install_size() -> Comparison:
    """Install cadrage without extras into a fresh environment and add up the files."""
    with tempfile.TemporaryDirectory() as folder:
        whole = _environment(Path(folder) / "whole", [str(ROOT)])
        libraries = _environment(Path(folder) / "libraries", ["numpy", "pillow", "onnxruntime", "typer"])
    peer = "pip install numpy pillow onnxruntime typer"
    return Comparison("pip install cadrage", "MB", (whole,), peer, (libraries,), limit=220)


def _environment(folder: Path, packages: Sequence[str]) -> float:
    """MB (10^6 bytes) of files that installing packages adds to a new environment."""
    venv.create(folder, with_pip=True)
    python, constraints = str(folder / "bin" / "python"), str(ROOT / "constraints.txt")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints]
    subprocess.run([*install, *packages], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    files = (file for file in site.rglob("*") if file.is_file() and not file.is_symlink())
    added = (file for file in files if not file.relative_to(site).parts[0].startswith(INSTALLERS))
    return sum(file.stat().st_size for file in added) / 1e6


def main() -> None:
    """Run the benchmark."""
    options = parser(__doc__, rounds=7)
    options.add_argument("--install-size", action="store_true", help="install into a fresh environment too")
    options.add_argument("--caption", action="store_true", help="crop by a caption too (extra 'caption')")
    chosen = options.parse_args()
    comparisons = import_times(chosen.rounds)
    comparisons += crop_costs(chosen.rounds, ["--model", chosen.model] if chosen.model else [])
    if chosen.caption:
        comparisons += caption_costs(chosen.rounds)
    if chosen.install_size:
        comparisons.append(install_size())
    title = f"Starting up; the photograph is a JPEG of {MEGAPIXELS} megapixels"
    report(title, comparisons, packages=["numpy", "pillow", "onnxruntime", "typer"], as_json=chosen.json)


if __name__ == "__main__":
    main()
