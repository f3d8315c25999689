"""A new method, added as the page on methods says: in a copy of the package, by its one file."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rated import write_rated

import cadrage

PAGE = Path(__file__).parents[3] / "docs" / "methods.md"
PACKAGE = Path(cadrage.__file__).parent


@pytest.fixture(scope="module")
def section():
    """What the page says about adding a method."""
    return PAGE.read_text(encoding="utf-8").split("\n## Add one\n")[1]


def code_of(section):
    (code,) = re.findall(r"```python\n(.*?class .*?)```", section, re.DOTALL)
    return code


def test_it_is_short(section):
    assert len(code_of(section).splitlines()) < 40


def test_a_method_of_the_page_is_one_file_and_no_other_change(section, tmp_path):
    (target,) = re.findall(r"`src/(cadrage/bench/methods/\w+\.py)`", section)
    shutil.copytree(
        PACKAGE, tmp_path / "cadrage", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
    )
    assert not (tmp_path / target).exists()
    (tmp_path / target).write_text(code_of(section), encoding="utf-8")
    data = write_rated(tmp_path / "rated", test=3)  # where people like light, as the method does
    command = [sys.executable, "-c", "from cadrage.cli import main; main()", "bench", "gaicd", data]
    options = ["--methods", "light,whole", "--cache", tmp_path / "cache", "--threads", "1", "--json"]
    ran = subprocess.run(
        [*command, *options],
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    (table,) = json.loads(ran.stdout)["tables"]
    assert [row["method"] for row in table["methods"]] == ["light", "whole"]
    assert table["methods"][0]["metrics"]["srcc"]["mean"] > 0.95
