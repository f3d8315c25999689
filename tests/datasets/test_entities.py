"""Captions with phrase boxes: what is read, and what is refused with its line."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.entities import divide_captions, load_entities
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box

LINE = {
    "image": "one.jpg",
    "width": 80,
    "height": 60,
    "captions": ["Two dogs stare at a cat .", "A cat ."],
    "entities": [
        {"phrase": "Two dogs", "caption": 0, "boxes": [[0, 10, 30, 60], [40.5, 5, 80, 50]]},
        {"phrase": "a cat", "caption": 0, "boxes": [[30, 20, 40, 30]]},
    ],
}


@pytest.fixture
def folder(tmp_path):
    def made(*lines):
        (tmp_path / "images").mkdir()
        Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(tmp_path / "images" / "one.jpg")
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        (tmp_path / "captions.jsonl").write_text(text, encoding="utf-8")
        return tmp_path

    return made


def test_a_line_is_a_photograph(folder):
    (image,) = load_entities(folder(LINE, "", "  "))
    assert image.size_wh == (80, 60)
    assert image.captions[1] == "A cat ."
    dogs, cat = image.entities
    assert dogs.union == Box(0, 5, 80, 60)
    assert cat.union == Box(30, 20, 40, 30)
    assert (dogs.phrase, dogs.caption) == ("Two dogs", 0)


def changed(**fields):
    return {**LINE, **fields}


def with_boxes(*boxes):
    return changed(entities=[{"phrase": "a cat", "caption": 0, "boxes": list(boxes)}])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "expected an object"),
        (changed(image="../one.jpg"), "no name of a file"),
        (changed(image="two.jpg"), "does not exist"),
        (changed(width=0), "whole number from 1"),
        (changed(captions=[]), "list of texts"),
        (changed(captions=[3]), "list of texts"),
        (changed(entities={}), "must be a list"),
        (changed(entities=[{"phrase": "a cat", "caption": 2, "boxes": [[0, 0, 1, 1]]}]), "there are 2"),
        (with_boxes(), "no box"),
        (with_boxes([0, 0, 0, 5]), "without area"),
        (with_boxes([0, 0, 81, 5]), "outside the picture"),
        (with_boxes([0, 0, 5]), "rows of 4 numbers"),
    ],
)
def test_a_malformed_line_is_named(folder, line, message):
    root = folder(LINE, line)
    with pytest.raises(DataError, match=message) as refusal:
        load_entities(root)
    assert "line 2" in str(refusal.value)


def test_a_missing_or_empty_file_is_named(folder, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        load_entities(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no photograph"):
        load_entities(folder(""))


def test_parts_are_drawn_by_name(folder):
    root = folder(LINE)
    for number in range(9):
        Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(root / "images" / f"{number}.jpg")
    lines = [json.dumps(LINE), *(json.dumps(changed(image=f"{number}.jpg")) for number in range(9))]
    (root / "captions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    division = divide_captions(root)
    assert (len(division.training), len(division.validation)) == (8, 2)
    assert divide_captions(root, 2, seed=0).validation[0].name == division.validation[0].name
    assert {one.name for one in divide_captions(root, 2, seed=1).validation} != {
        one.name for one in division.validation
    }
    assert divide_captions(root, 0).validation == ()
    with pytest.raises(RequestError, match="can be set aside"):
        divide_captions(root, 10)
