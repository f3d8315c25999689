"""The cache: nothing is computed twice, and nothing old is believed."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.cache import ABANDONED, AnswerCache, default_folder
from cadrage.bench.methods import Picture, make_method
from cadrage.bench.origin import Making
from cadrage.errors import DataError, ImageError
from cadrage.geometry import AspectRatio, Box

BOXES = np.array([[0.0, 0, 4, 4], [1, 1, 3, 4], [0, 2, 4, 3]])


@dataclass
class Areas:
    """Scores by area, times the brightness of the first pixel, and knows what it was asked."""

    name: str = "areas"
    version: str = "1"
    asked: list = field(default_factory=list)

    def scores(self, picture, boxes_xyxy):
        self.asked.append(picture.name)
        with Image.open(picture.path) as image:
            light = image.getpixel((0, 0)) / 7
        return light * (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])

    def box(self, picture, ratio):
        self.asked.append(picture.name)
        return Box(0, 0, 4, 4 if ratio is None else 4 / ratio.value)


@pytest.fixture
def cache(tmp_path):
    return AnswerCache(tmp_path / "made" / "when-needed")


def paint(path, light):
    Image.new("L", (4, 4), light).save(path)
    return Picture("grey", path, (4, 4))


@pytest.fixture
def picture(tmp_path):
    return paint(tmp_path / "grey.png", 1)


def files_of(cache):
    return sorted(file for file in cache.folder.rglob("*") if file.is_file())


def test_scores_are_computed_once_and_come_back_to_the_last_bit(cache, picture):
    method = Areas()
    first = cache.scores(method, picture, BOXES)
    second = AnswerCache(cache.folder).scores(method, picture, BOXES)
    assert method.asked == ["grey"]
    assert second.value.tolist() == first.value.tolist() == [16 * (1 / 7), 6 * (1 / 7), 4 * (1 / 7)]
    assert (first.cached, second.cached) == (False, True)


def test_the_cost_is_that_of_the_computation(cache, picture):
    first = cache.scores(Areas(), picture, BOXES)
    assert first.seconds > 0
    assert cache.scores(Areas(), picture, BOXES).seconds == first.seconds


def test_boxes_are_kept_by_ratio(cache, picture):
    method = Areas()
    for _ in range(2):
        assert cache.box(method, picture, None).value == Box(0, 0, 4, 4)
        assert cache.box(method, picture, AspectRatio(2, 1)).value == Box(0, 0, 4, 2)
        assert cache.box(method, picture, AspectRatio(2.5, 1)).value == Box(0, 0, 4, 1.6)
    assert len(method.asked) == 3


def test_a_picture_that_changes_is_looked_at_again(cache, picture):
    stamp = picture.path.stat()
    cache.scores(Areas(), picture, BOXES)
    paint(picture.path, 2)
    os.utime(picture.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert cache.scores(Areas(), picture, BOXES).value[0] == 16 * (2 / 7)


@pytest.mark.parametrize(
    ("method", "name", "boxes"),
    [
        (Areas(version="2"), "grey", BOXES),
        (Areas(name="other"), "grey", BOXES),
        (Areas(), "renamed", BOXES),
        (Areas(), "grey", BOXES[::-1]),
        (Areas(), "grey", BOXES + 1e-12),
        (Areas(), "grey", BOXES[:2]),
    ],
)
def test_another_question_is_not_answered_from_the_cache(cache, picture, method, name, boxes):
    cache.scores(Areas(), picture, BOXES)
    assert not cache.scores(method, Picture(name, picture.path, (4, 4)), boxes).cached
    assert len(method.asked) == 1


def test_scores_and_boxes_are_different_questions(cache, picture):
    cache.box(Areas(), picture, None)
    assert not cache.scores(Areas(), picture, BOXES).cached


def test_the_place_of_a_picture_does_not_matter(cache, picture, tmp_path):
    cache.scores(Areas(), picture, BOXES)
    (tmp_path / "elsewhere").mkdir()
    moved = picture.path.rename(tmp_path / "elsewhere" / "grey.png")
    assert cache.scores(Areas(), Picture("grey", moved, (4, 4)), BOXES).cached


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "\x00\xff",
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_entry_is_computed_again(cache, picture, content):
    expected = cache.scores(Areas(), picture, BOXES).value
    (file,) = files_of(cache)
    file.write_text(content, encoding="latin-1")
    again = cache.scores(Areas(), picture, BOXES)
    assert (again.cached, again.value.tolist()) == (False, expected.tolist())
    assert cache.scores(Areas(), picture, BOXES).cached


def change(cache, **fields):
    """Overwrite fields of the one entry; None takes one away."""
    (file,) = files_of(cache)
    entry = json.loads(file.read_text()) | fields
    file.write_text(json.dumps({key: value for key, value in entry.items() if value is not None}))


@pytest.mark.parametrize(
    "damage",
    [
        {"answer": None},
        {"answer": [1, 2]},
        {"answer": [1, 2, np.nan]},
        {"answer": [1, 2, "x"]},
        {"answer": {"a": 1}},
        {"seconds": "slow"},
        {"seconds": None},
        {"made": None},
        {"versions": None},
        {"versions": "new"},
        {"threads": "some"},
    ],
)
def test_a_damaged_entry_is_computed_again(cache, picture, damage):
    expected = cache.scores(Areas(), picture, BOXES).value
    change(cache, made="2020-01-01T00:00:00+00:00")
    assert cache.scores(Areas(), picture, BOXES).cached
    change(cache, **damage)
    again = cache.scores(Areas(), picture, BOXES)
    assert (again.cached, again.value.tolist()) == (False, expected.tolist())
    assert cache.scores(Areas(), picture, BOXES).cached


def test_a_damaged_box_is_computed_again(cache, picture):
    cache.box(Areas(), picture, None)
    assert cache.box(Areas(), picture, None).cached
    change(cache, answer=[4, 0, 0, 4])
    assert not cache.box(Areas(), picture, None).cached


def test_how_an_answer_was_computed_is_kept_with_it(cache, picture):
    earlier = {"made": "2020-01-01T00:00:00+00:00", "versions": {"cadrage": "0.0.1"}}
    first = cache.scores(Areas(), picture, BOXES)
    assert first.making.threads == cache.threads
    assert cache.scores(Areas(), picture, BOXES).making == first.making
    change(cache, **earlier)
    assert cache.scores(Areas(), picture, BOXES).making == Making(**earlier, threads=cache.threads)


def test_the_cost_in_one_thread_is_not_that_in_eight(cache, picture):
    method = Areas()
    eight, one = AnswerCache(cache.folder, 8), AnswerCache(cache.folder, 1)
    assert eight.scores(method, picture, BOXES).making.threads == 8
    assert not one.scores(method, picture, BOXES).cached
    assert not one.box(method, picture, None).cached
    assert [known.scores(method, picture, BOXES).making.threads for known in (eight, one)] == [8, 1]
    assert len(method.asked) == 3


@dataclass
class Wrong(Areas):
    given: object = None

    def scores(self, picture, boxes_xyxy):
        return np.array(self.given, dtype=np.float64)


@pytest.mark.parametrize("given", [[1, 2], [1, 2, np.nan], [[1, 2, 3]], []])
def test_a_method_that_gives_no_score_for_a_crop_is_named_and_not_kept(cache, picture, given):
    with pytest.raises(DataError, match="'areas' must give 3 finite scores for 'grey'"):
        cache.scores(Wrong(given=given), picture, BOXES)
    assert files_of(cache) == []


def test_a_picture_that_is_not_there_is_named(cache, tmp_path):
    with pytest.raises(ImageError, match=r"gone\.png cannot be read: No such file"):
        cache.scores(Areas(), Picture("gone", tmp_path / "gone.png", (4, 4)), BOXES)


def test_a_folder_that_cannot_be_made_is_named(tmp_path, picture):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/cache cannot be written: Not a directory\. Give another"):
        AnswerCache(tmp_path / "file" / "cache").scores(Areas(), picture, BOXES)


def test_clearing_removes_every_answer(cache, picture):
    assert cache.clear() == 0
    cache.scores(Areas(), picture, BOXES)
    cache.box(Areas(), picture, None)
    assert cache.clear() == 2
    assert files_of(cache) == []
    assert not cache.scores(Areas(), picture, BOXES).cached


def test_trimming_keeps_what_was_used_last(cache, picture):
    names = ["a", "b", "c"]
    for age, name in enumerate(names):
        cache.scores(Areas(name), picture, BOXES)
        for file in files_of(cache):
            if file.stat().st_mtime > 10:
                os.utime(file, (age, age))
    assert cache.scores(Areas("a"), picture, BOXES).cached  # the oldest is in use
    largest = max(file.stat().st_size for file in files_of(cache))
    assert cache.trim(2 * largest) == 1
    assert [cache.scores(Areas(name), picture, BOXES).cached for name in names] == [True, False, True]


def test_trimming_removes_what_killed_processes_left(cache, picture):
    cache.scores(Areas(), picture, BOXES)
    (answer,) = files_of(cache)
    left, begun = (answer.with_name(f".cadrage-{name}.part") for name in ("0", "1"))
    left.write_text("half")
    begun.write_text("half")
    os.utime(left, (0, 0))
    os.utime(begun, (begun.stat().st_mtime - ABANDONED / 2,) * 2)
    cache.clear()
    assert files_of(cache) == [begun]


FILL = """
import sys
from pathlib import Path
import numpy as np
from cadrage.bench.cache import AnswerCache
from cadrage.bench.methods import Picture, make_method

folder, path = map(Path, sys.argv[1:])
for number in range(100):
    picture = Picture(str(number), path, (4, 4))
    AnswerCache(folder).scores(make_method("largest"), picture, np.array([[0.0, 0, 4, number + 1]]))
"""


def test_two_processes_share_a_cache(cache, picture):
    command = [sys.executable, "-c", FILL, str(cache.folder), str(picture.path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    for number in range(100):
        named = Picture(str(number), picture.path, (4, 4))
        known = cache.scores(make_method("largest"), named, np.array([[0.0, 0, 4, number + 1]]))
        assert (known.cached, known.value.tolist()) == (True, [4 * (number + 1)])
    assert len(files_of(cache)) == 100  # and no part of a file


@pytest.mark.parametrize(
    ("given", "found"), [("/caches", "/caches"), ("", "/home/me/.cache"), ("x", "/home/me/.cache")]
)
def test_the_default_folder_is_in_the_users_cache(monkeypatch, given, found):
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_folder() == Path(found) / "cadrage" / "bench"
