"""The page's new data set, added to a copy of the package as the page says, and used from the command line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cadrage

PACKAGE = Path(cadrage.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"
MODULE = "postcards.py"


@pytest.fixture(scope="module")
def section():
    """The text of the page on a new data set."""
    return PAGE.read_text(encoding="utf-8").split("## A new data set\n")[1]


@pytest.fixture(scope="module")
def package(section, tmp_path_factory):
    """A folder with a copy of the package that has the example in it."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, folder / "cadrage", ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    datasets = folder / "cadrage/datasets"
    example = re.search(rf"`src/cadrage/datasets/{MODULE}`:\n\n```python\n(.*?)```", section, re.DOTALL)
    (datasets / MODULE).write_text(example[1], encoding="utf-8")
    registry = (datasets / "registry.py").read_text(encoding="utf-8")
    for hunk in re.search(r"```diff\n(.*?)```", section, re.DOTALL)[1].split("@@")[1:]:
        lines = hunk.splitlines()[1:]
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        assert registry.count(before) == 1
        registry = registry.replace(before, "".join(f"{line[1:]}\n" for line in lines))
    (datasets / "registry.py").write_text(registry, encoding="utf-8")
    return folder


@pytest.fixture
def run(package, tmp_path):
    """Runs the copied package's command in a folder with two postcards."""
    (tmp_path / "attic/images").mkdir(parents=True)
    for name in ("sea", "hill"):
        Image.new("RGB", (150, 100)).save(tmp_path / f"attic/images/{name}.jpg")
    (tmp_path / "attic/crops.csv").write_text("sea.jpg,10,0,140,90\nhill.jpg,0,0,100,100\n")

    def run(*arguments):
        command = [sys.executable, "-c", "from cadrage.cli import main; main()", *arguments]
        environment = os.environ | {"PYTHONPATH": str(package)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_it_is_short(section):
    assert len(section.split("```python\n")[1].split("```")[0].splitlines()) < 40


def test_its_copy_is_checked(run, tmp_path):
    ran = run("data", "check", "postcards", "attic")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Postcards with a best crop: 2 images, 2 boxes (best crops)\n")
    (tmp_path / "attic/images/sea.jpg").unlink()
    (tmp_path / "attic/images/hill.jpg").rename(tmp_path / "attic/images/sea.jpg")
    ran = run("data", "check", "postcards", "attic")
    assert ran.returncode == 2
    assert "1 of the 2 pictures that attic/crops.csv names is not in attic/images" in ran.stderr


def test_it_is_converted_and_known_to_the_bench(run, tmp_path):
    assert run("data", "convert", "postcards", "attic", "out", "--to", "fcdb").returncode == 0
    assert (tmp_path / "out/cropping_testing_set.json").is_file()
    ran = run("bench", "postcards", "attic", "--methods", "centre")
    assert (ran.returncode, "centre" in ran.stdout) == (0, True)
