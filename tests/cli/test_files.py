"""Which photographs a folder stands for."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadrage.cli.files import FolderRule, find_photos


@pytest.fixture
def tree(folder) -> Path:
    """A folder of files that need no content, since only names are looked at."""
    for name in (
        "in/b.jpg",
        "in/a.PNG",
        "in/notes.txt",
        "in/.hidden.jpg",
        "in/.hidden/x.jpg",
        "in/deep/c.jpg",
        "in/deep/er/d.webp",
        "in/raw/e.jpg",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return folder


def photos(*arguments: str, **rule) -> list[str]:
    found = find_photos(map(Path, arguments), FolderRule(**rule))
    assert found.errors == {}
    return [str(photo) for photo in found.photos]


def test_a_folder_stands_for_the_photographs_right_in_it(tree):
    assert photos("in") == ["in/a.PNG", "in/b.jpg"]


def test_with_those_below_folders_come_after_files_in_the_order_of_names(tree):
    assert photos("in", recursive=True) == [
        "in/a.PNG", "in/b.jpg", "in/deep/c.jpg", "in/deep/er/d.webp", "in/raw/e.jpg",
    ]  # fmt: skip


def test_results_mirror_the_tree_below_each_folder_asked_for(tree):
    found = find_photos([Path("in"), Path("in/deep/c.jpg"), Path("gone.jpg")], FolderRule(recursive=True))
    assert [str(below) for below in found.photos.values()] == [".", ".", "deep", "deep/er", "raw", "."]
    assert [str(below) for below in find_photos([Path("in/deep/er")]).photos.values()] == ["."]


@pytest.mark.parametrize(
    ("include", "exclude", "names"),
    [
        (["*.jpg"], [], ["b.jpg", "c.jpg", "e.jpg"]),
        (["*.png", "D.*"], [], ["a.PNG", "d.webp"]),
        (["deep/*"], [], ["c.jpg", "d.webp"]),
        ([], ["raw"], ["a.PNG", "b.jpg", "c.jpg", "d.webp"]),
        ([], ["deep/er", "?.png"], ["b.jpg", "c.jpg", "e.jpg"]),
        (["*.jpg"], ["deep"], ["b.jpg", "e.jpg"]),
        ([], ["in"], ["a.PNG", "b.jpg", "c.jpg", "d.webp", "e.jpg"]),
    ],
)
def test_patterns_choose(tree, include, exclude, names):
    found = photos("in", recursive=True, include=tuple(include), exclude=tuple(exclude))
    assert [Path(photo).name for photo in found] == names


def test_patterns_do_not_touch_files_that_were_named(tree):
    assert photos("in/b.jpg", exclude=("*",)) == ["in/b.jpg"]


def test_the_folder_of_the_results_is_not_read(tree):
    assert photos("in", recursive=True, skip=Path("in/deep")) == ["in/a.PNG", "in/b.jpg", "in/raw/e.jpg"]
    assert photos("in", recursive=True, skip=Path("in/new")) == photos("in", recursive=True)


def test_nothing_is_taken_twice(tree):
    assert photos("in/deep", "in", "in/b.jpg", "in", recursive=True) == [
        "in/deep/c.jpg", "in/deep/er/d.webp", "in/a.PNG", "in/b.jpg", "in/raw/e.jpg",
    ]  # fmt: skip


def test_links_to_folders_are_followed_once(tree):
    Path("else").mkdir()
    Path("else/f.jpg").touch()
    Path("in/link").symlink_to("../else")
    Path("in/other").symlink_to("../else")
    assert photos("in", recursive=True)[4:] == ["in/link/f.jpg", "in/raw/e.jpg"]


def test_links_in_circles_are_named_and_the_rest_is_found(tree):
    Path("in/deep/up").symlink_to("..")
    Path("in/self").symlink_to("self")
    found = find_photos([Path("in")], FolderRule(recursive=True))
    assert len(found.photos) == 5
    said = {str(path): str(error) for path, error in found.errors.items()}
    assert said == {
        "in/deep/up": "in/deep/up is a link to a folder that it is in.",
        "in/self": "in/self cannot be read: too many levels of symbolic links.",
    }


@pytest.fixture
def deep_tree(folder) -> Iterator[Path]:
    """A photograph 1,100 folders down; they are taken away again: pytest's own cleaning would fail."""
    here = Path.cwd()
    try:
        for part in ("in", *["d"] * 1100):
            Path(part).mkdir()
            os.chdir(part)
        Path("a.jpg").touch()
        os.chdir(here)
        yield here / "in"
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-r", "in"], check=True)


def test_a_tree_deeper_than_the_stack_is_walked(deep_tree):
    assert len(photos(str(deep_tree), recursive=True)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_may_not_be_read_is_named(tree):
    Path("in/deep").chmod(0)
    try:
        found = find_photos([Path("in")], FolderRule(recursive=True))
    finally:
        Path("in/deep").chmod(0o755)
    assert [str(error) for error in found.errors.values()] == ["in/deep cannot be read: permission denied."]
    assert len(found.photos) == 3


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "in/empty holds no photographs."),
        ({"recursive": True}, "in/empty holds no photographs, nor do the folders below."),
        ({"exclude": ("x",)}, "in/empty holds no photographs that --include and --exclude let through."),
    ],
)
def test_a_folder_without_photographs_is_named(folder, rule, said):
    Path("in/empty").mkdir(parents=True)
    found = find_photos([Path("in/empty")], FolderRule(**rule))
    assert [str(error) for error in found.errors.values()] == [said]
