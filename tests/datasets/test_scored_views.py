"""CPC and SACD: boxes and scores by the names of pictures."""

import math

import pytest

from cadrage.datasets.cpc import load_cpc, save_cpc
from cadrage.datasets.faults import DamagedCopy
from cadrage.datasets.sacd import load_sacd, save_sacd
from cadrage.errors import DataError

BOXES = [[0, 0, 32, 48], [4, 2, 60, 46]]


def test_views_have_the_mean_of_what_people_said(pictures, put):
    root = pictures("images", "a.jpg", "b.jpg")
    put(
        "image_crop.json",
        {
            "b.jpg": {"bboxes": BOXES, "scores": [[1, 2, 4.5], [3]]},
            "a.jpg": {"bboxes": BOXES, "scores": [-1, None]},
        },
    )
    second, first = load_cpc(root)
    assert (second.name, second.split, second.path) == ("b", None, root / "images/b.jpg")
    assert second.boxes_xyxy.tolist() == BOXES
    assert second.mos.tolist() == [2.5, 3]
    assert first.mos[0] == -1
    assert math.isnan(first.mos[1])


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"bboxes": BOXES}, 'expected an object with "scores"'),
        ([], 'expected an object with "bboxes"'),
        ({"bboxes": BOXES, "scores": [1]}, '"scores" must have one score for each of 2 boxes'),
        ({"bboxes": [], "scores": []}, '"scores" must have one score for each of 0 boxes'),
        ({"bboxes": BOXES, "scores": [1, "2"]}, '"scores" must be numbers'),
        ({"bboxes": BOXES, "scores": [1, []]}, '"scores" must be numbers'),
        ({"bboxes": BOXES, "scores": [1, float("inf")]}, '"scores" must be numbers'),
        ({"bboxes": BOXES, "scores": [None, None]}, "it has no crop with a score"),
        ({"bboxes": [[0, 0, 9]], "scores": [1]}, '"bboxes" must be a list of rows of 4 numbers'),
        ({"bboxes": [[9, 0, 9, 9]], "scores": [1]}, "a box without area"),
    ],
)
def test_a_malformed_label_is_refused_with_its_line_and_picture(pictures, put, label, said):
    root = pictures("images", "a.jpg")
    put("image_crop.json", {"a.jpg": label})
    with pytest.raises(DataError, match=rf"image_crop\.json, line 2, 'a\.jpg': {said}"):
        load_cpc(root)


def test_missing_and_spare_pictures_and_bad_labels_are_all_said_at_once(pictures, put):
    root = pictures("images", "a.jpg", "b.jpg", "x.jpg", "y.jpg")
    label = {"bboxes": BOXES, "scores": [1, 2]}
    put("image_crop.json", {"a.jpg": label, "b.jpg": [], "c.jpg": label, "d.jpg": label})
    with pytest.raises(DamagedCopy) as refused:
        load_cpc(root)
    assert [(problem.count, problem.first[0]) for problem in refused.value.problems[:2]] == [
        (2, "c.jpg"),
        (2, "x.jpg"),
    ]
    assert [image.name for image in refused.value.images] == ["a"]
    for said in (
        "2 of the 4 pictures that",
        "c.jpg; d.jpg.",
        "2 pictures in",
        "x.jpg; y.jpg.",
        "1 label that",
    ):
        assert said in str(refused.value)


def test_an_array_or_an_empty_object_is_refused(pictures, put):
    root = pictures("images", "a.jpg")
    put("image_crop.json", [1])
    with pytest.raises(DataError, match="expected an object with the names of pictures"):
        load_cpc(root)
    put("image_crop.json", {})
    with pytest.raises(DataError, match="holds no label"):
        load_cpc(root)


def test_sacd_has_a_file_for_each_part(pictures, put):
    root = pictures("images", "a.jpg", "b.jpg")
    put("test.json", {"a.jpg": {"crops": BOXES, "scores": [1, 2]}})
    with pytest.raises(DataError, match=r"1 picture in .* has no label .*: b\.jpg"):
        load_sacd(root)
    put("train.json", {"b.jpg": {"crops": BOXES, "scores": [3, 4]}})
    assert [(image.name, image.split) for image in load_sacd(root)] == [("b", "train"), ("a", "test")]


def test_sacd_without_a_file_is_refused(pictures):
    with pytest.raises(DataError, match=r"has none of train\.json, val\.json, test\.json"):
        load_sacd(pictures("images", "a.jpg"))


def test_what_is_written_is_read_again(rated, same, tmp_path):
    images = [rated("b", mos=(0.125, math.nan)), rated("a")]
    save_cpc(images, tmp_path / "cpc")
    same(load_cpc(tmp_path / "cpc"), images)
    images = [rated("b", "train"), rated("a", "val"), rated("c", "test")]
    save_sacd(images, tmp_path / "sacd")
    same(load_sacd(tmp_path / "sacd"), images)


def test_what_sacd_cannot_hold_is_not_written(rated, tmp_path):
    with pytest.raises(DataError, match="SACD has the parts train, val, test; got extra"):
        save_sacd([rated(split="extra")], tmp_path / "new")
    with pytest.raises(DataError, match=r"Two images are called 'a\.jpg'"):
        save_sacd([rated(split="train"), rated(split="val")], tmp_path / "new")
