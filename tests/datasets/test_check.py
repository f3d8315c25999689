"""Copies of data sets, sound and not: what is found, what is published, what is wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.caption_crops import CaptionCrops, save_caption_crops
from cadrage.datasets.check import check_data_set
from cadrage.datasets.fcdb import save_fcdb
from cadrage.datasets.gaicd import RELEASE_COUNTS, save_gaicd
from cadrage.datasets.registry import find_data_set
from cadrage.datasets.releases import release_of_parts
from cadrage.errors import DataError

GAICD, FCDB = find_data_set("gaicd"), find_data_set("fcdb")


@pytest.fixture
def gaicd(rated, tmp_path):
    """Two images to train with, one to test with."""
    images = [rated("a", "train", (3.5, math.nan)), rated("b", "train"), rated("c", "test")]
    save_gaicd(images, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def fcdb(framed, tmp_path):
    save_fcdb([framed("a", "train"), framed("b", "test"), framed("c", "test")], tmp_path / "copy")
    return tmp_path / "copy"


def problems(found):
    return [str(problem) for problem in found.problems]


def test_a_sound_copy_has_its_numbers_and_no_problem(gaicd):
    Image.new("RGB", (90, 60)).save(gaicd / "images/train/a.jpg")
    found = check_data_set(GAICD, gaicd)
    assert (found.images, found.crops, found.unrated) == (3, 6, 1)
    assert found.parts == {"train": 2, "test": 1}
    assert (found.release, found.kind) == ("unknown", "rated crops")
    assert (found.smallest_wh, found.largest_wh) == ((64, 48), (90, 60))
    assert found.published == RELEASE_COUNTS
    assert found.missing == ()  # there are two releases, and nobody knows which one was meant
    assert found.problems == ()


def test_what_is_missing_of_the_only_release_is_said(fcdb):
    found = check_data_set(FCDB, fcdb)
    assert found.missing == (
        "1394 of 1395 images of part train of WACV 2017",
        "346 of 348 images of part test of WACV 2017",
    )
    assert found.problems == ()


def test_other_numbers_are_a_problem_on_request(fcdb):
    assert problems(check_data_set(FCDB, fcdb, complete=True)) == [
        "2 parts with other numbers of images than published: "
        "train 1, not 1395 as in WACV 2017; test 2, not 348 as in WACV 2017."
    ]


def test_the_release_with_the_most_parts_in_common_is_the_one_to_complete(gaicd):
    published = {"old": {"train": 9, "test": 9}, "new": {"train": 2, "val": 4}}
    found = check_data_set(replace(GAICD, counts=published), gaicd, complete=True)
    assert problems(found) == [
        "2 parts with other numbers of images than published: val 0, not 4 as in new; test 1, not 0 as in new."
    ]


def test_boxes_outside_are_counted_and_three_are_named(rated, tmp_path):
    image = rated("a")
    boxes = np.array([[0, 0, 64 + over, 48] for over in (0, 1, 2, 3, 4, 5)], dtype=float)
    save_gaicd([replace(image, boxes_xyxy=boxes, mos=np.full(6, 3.0))], tmp_path / "copy")
    (problem,) = check_data_set(GAICD, tmp_path / "copy").problems
    assert problem.count == 4
    label = tmp_path / "copy/annotations/a.txt"
    assert problem.first == tuple(
        f"{label}, line {n}: expected a box within 64 x 48, got '0    0   48   {63 + n} 3.00'"
        for n in (3, 4, 5)
    )
    assert str(problem).startswith(f"4 boxes outside their pictures: {label}, line 3")
    assert str(problem).endswith("; ....")


def test_unreadable_pictures_are_named(gaicd):
    (gaicd / "images/train/b.jpg").write_bytes(b"no picture")
    found = check_data_set(GAICD, gaicd)
    assert found.images == 3
    assert "1 picture that cannot be read: " in problems(found)[0]
    assert "b.jpg" in problems(found)[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("images/train/a.jpg", "1 file of {0}/annotations/train has no picture in {0}/images/train: a."),
        ("annotations/train/a.txt", "1 file of {0}/images/train has no label in {0}/annotations/train: a."),
    ],
)
def test_of_half_a_copy_the_other_half_is_checked(gaicd, spoil, said):
    (gaicd / spoil).unlink()
    (gaicd / "annotations/test/c.txt").write_text("1 2 3 4 5\n0 0 90 90 3\n")
    found = check_data_set(GAICD, gaicd)
    assert (found.images, found.parts) == (2, {"train": 1, "test": 1})
    assert problems(found) == [
        said.format(gaicd),
        "1 box outside its picture: "
        f"{gaicd}/annotations/test/c.txt, line 2: expected a box within 64 x 48, got '0 0 90 90 3'.",
    ]


def test_a_copy_of_which_nothing_can_be_read_is_refused_with_what_is_there(gaicd):
    (gaicd / "images").rename(gaicd / "pictures")
    with pytest.raises(
        DataError, match=r"has no folder 'images'.*; found there: annotations, pictures \(2 in all"
    ):
        check_data_set(GAICD, gaicd)


def test_malformed_files_are_counted_and_the_others_are_described(gaicd):
    for name in ("a", "b"):
        (gaicd / f"annotations/train/{name}.txt").write_text("1 2 3\n")
    found = check_data_set(GAICD, gaicd)
    assert (found.parts, found.smallest_wh) == ({"test": 1}, (64, 48))
    (problem,) = found.problems
    assert (problem.what, problem.count) == ("labels that cannot be used", 2)
    assert f"{gaicd}/annotations/train/b.txt, line 1: expected five numbers" in problem.first[1]


@pytest.mark.parametrize(("part", "called"), [("test", "validation"), ("train", "Train")])
def test_a_part_under_another_name_is_a_problem(gaicd, part, called):
    for kind in ("annotations", "images"):
        (gaicd / kind / part).rename(gaicd / kind / called)
    count = {"test": "1 file", "train": "2 files"}[part]
    assert problems(check_data_set(GAICD, gaicd)) == [
        "2 folders that are no part: expected train, val, test: "
        f"annotations/{called} ({count}); images/{called} ({count})."
    ]


def test_half_a_part_is_missing_of_the_nearest_release(gaicd):
    published = {"old": {"train": 4, "test": 1}, "new": {"train": 9, "val": 3, "test": 7}}
    found = check_data_set(replace(GAICD, counts=published), gaicd)
    assert (found.release, found.missing) == ("unknown", ("2 of 4 images of part train of old",))


def test_photographs_that_are_gone_may_be_allowed(fcdb):
    (fcdb / "images/c.jpg").unlink()
    (problem,) = check_data_set(FCDB, fcdb).problems
    assert (problem.count, problem.first) == (1, ("c.jpg",))
    found = check_data_set(FCDB, fcdb, allow_missing=True)
    assert found.parts == {"train": 1, "test": 1}
    assert "347 of 348 images of part test of WACV 2017" in found.missing


def test_files_of_another_data_set_are_named(gaicd):
    (gaicd / "ranking_annotation.json").write_text("[]")
    assert problems(check_data_set(GAICD, gaicd)) == [
        f"1 file of another data set in {gaicd}: ranking_annotation.json of fcdb-pairs."
    ]


def test_best_crops_and_pairs_of_fcdb_share_a_folder(fcdb):
    (fcdb / "ranking_annotation.json").write_text('[{"url": "a.jpg"}]')
    assert check_data_set(FCDB, fcdb).problems == ()


def test_loose_files_beside_the_parts_are_another_release(gaicd):
    for kind, suffix in (("annotations", "txt"), ("images", "jpg")):
        (gaicd / kind / f"old.{suffix}").write_bytes((gaicd / kind / f"test/c.{suffix}").read_bytes())
    assert problems(check_data_set(GAICD, gaicd)) == [
        "2 labels or pictures beside the folders of the parts, as of another release: "
        "annotations/old.txt; images/old.jpg."
    ]


def test_an_image_in_two_parts_is_a_mixture(gaicd):
    for kind, suffix in (("annotations", "txt"), ("images", "jpg")):
        (gaicd / kind / f"train/c.{suffix}").write_bytes((gaicd / kind / f"test/c.{suffix}").read_bytes())
    assert problems(check_data_set(GAICD, gaicd)) == [
        "1 image in more than one part, as of mixed releases: c (test and train)."
    ]


def test_parts_with_the_numbers_of_two_releases_are_a_mixture(gaicd):
    published = {"old": {"train": 2, "test": 7}, "new": {"train": 9, "test": 1}}
    found = check_data_set(replace(GAICD, counts=published), gaicd)
    assert problems(found) == ["2 parts of different releases: train 2 (old); test 1 (new)."]
    assert found.release == "unknown"
    # A release divided otherwise is no mixture.
    divided = check_data_set(
        replace(GAICD, counts={"old": {"train": 2, "test": 7}, "new": {"x": 2, "test": 1}}), gaicd
    )
    assert divided.problems == ()
    same = check_data_set(replace(GAICD, counts={"old": {"train": 2, "test": 1}}), gaicd, complete=True)
    assert (same.release, same.missing, same.problems) == ("old", (), ())


@pytest.mark.parametrize(
    ("parts", "release"),
    [
        ({"train": 1036, "test": 200}, "conference"),
        ({"train": 1036}, "conference"),
        ({"": 1236}, "conference"),
        ({"train": 2636, "val": 200, "test": 500}, "journal"),
        ({"val": 200}, "journal"),
        ({"": 3336}, "journal"),
        ({"train": 1036, "test": 500}, "unknown"),
        ({"train": 1000}, "unknown"),
    ],
)
def test_the_release_is_told_by_its_numbers(parts, release):
    assert release_of_parts(parts, RELEASE_COUNTS) == release


def test_a_caption_of_another_size_than_its_picture_is_named(source, tmp_path):
    boxes = np.array([[0, 0, 60, 70]], dtype=float)
    save_caption_crops([CaptionCrops("a.jpg", source / "a.jpg", (60, 70), "dog", boxes)], tmp_path / "copy")
    assert problems(check_data_set(find_data_set("captions"), tmp_path / "copy")) == [
        "1 box outside its picture: "
        f"{tmp_path}/copy/captions.jsonl, line 1 (a.jpg), box 1: "
        "expected a box within 64 x 48, got 0 0 60 70 (x1 y1 x2 y2).",
        "1 label or mask of another size than its picture: a.jpg: 60 x 70, picture 64 x 48.",
    ]


def test_of_pictures_of_one_area_the_landscape_is_the_larger(gaicd):
    Image.new("RGB", (48, 64)).save(gaicd / "images/test/c.jpg")
    found = check_data_set(GAICD, gaicd)
    assert (found.smallest_wh, found.largest_wh) == ((48, 64), (64, 48))


def test_a_mask_of_another_size_is_named(source, tmp_path):
    copy = tmp_path / "copy"
    (copy / "masks").mkdir(parents=True)
    source.rename(copy / "images")
    for name, size_wh in (("a", (64, 48)), ("b", (48, 64)), ("c", (64, 48))):
        Image.new("L", size_wh, 255).save(copy / f"masks/{name}.png")
    found = check_data_set(find_data_set("masks"), copy)
    assert (found.kind, found.crops) == ("masks", 0)
    assert problems(found) == [
        "1 label or mask of another size than its picture: b: 48 x 64, picture 64 x 48."
    ]
