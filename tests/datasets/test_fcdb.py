"""FCDB: best crops and pairs in the published JSON, of which photographs may be gone."""

import json

import pytest

from cadrage.datasets.faults import DamagedCopy
from cadrage.datasets.fcdb import load_fcdb, load_fcdb_pairs, save_fcdb, save_fcdb_pairs
from cadrage.datasets.registry import find_data_set
from cadrage.errors import DataError

URL = "https://farm6.staticflickr.com/5605/{}_b.jpg"
TRAIN, TEST, PAIRS = "cropping_training_set.json", "cropping_testing_set.json", "ranking_annotation.json"


def label(number, crop=(4, 2, 50, 40)):
    return {"url": URL.format(number), "crop": list(crop), "flickr_photo_id": number}


def pair(number, **changes):
    crops = {"crop_1": [0, 0, 32, 48], "crop_2": [32, 0, 32, 48], "vote_for_1": 4, "vote_for_2": 1}
    return {"url": URL.format(number), "crops": [crops | changes], "flickr_photo_id": number}


@pytest.fixture
def root(pictures, put):
    """One photograph to train with, two to test with, in the folder "images"."""
    put(TRAIN, [label(1)])
    put(TEST, [label(3), label(2, (0, 0, 64, 48))])
    return pictures("images", "1_b.jpg", "2_b.jpg", "3_b.jpg")


def test_a_crop_is_corner_and_size_and_the_picture_is_called_as_in_its_address(root):
    images = load_fcdb(root)
    assert [(image.name, image.split) for image in images] == [
        ("1_b", "train"),
        ("3_b", "test"),
        ("2_b", "test"),
    ]
    assert images[0].path == root / "images/1_b.jpg"
    assert images[0].boxes_xyxy.tolist() == [[4, 2, 54, 42]]
    assert images[2].boxes_xyxy.tolist() == [[0, 0, 64, 48]]


def test_pairs_come_with_their_votes(root, put):
    put(PAIRS, [pair(2)])
    (image,) = load_fcdb_pairs(root)
    assert (image.name, image.split) == ("2_b", None)
    assert image.first_xyxy.tolist() == [[0, 0, 32, 48]]
    assert image.second_xyxy.tolist() == [[32, 0, 64, 48]]
    assert image.votes.tolist() == [[4, 1]]


@pytest.mark.parametrize("folder", ["data", "."])
def test_pictures_may_lie_elsewhere(pictures, put, folder):
    put(TEST, [label(2)])
    root = pictures(folder, "2_b.jpg")
    assert load_fcdb(root)[0].path == root / folder / "2_b.jpg"


def test_pictures_may_be_called_by_their_number(pictures, put):
    put(TEST, [label(2), label(7)])
    root = pictures("images", "2.jpg", "7_b.jpg")
    assert [image.name for image in load_fcdb(root)] == ["2", "7_b"]
    put(PAIRS, [pair(2)])
    (root / "images/7_b.jpg").unlink()
    put(TEST, [label(2)])
    assert [image.path for image in load_fcdb_pairs(root)] == [root / "images/2.jpg"]


def test_a_photograph_that_is_gone_is_an_error_unless_allowed(root):
    (root / "images/3_b.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of the 2 pictures that .*testing_set\.json names .*: 3_b\.jpg\."):
        load_fcdb(root)
    assert [image.name for image in load_fcdb(root, allow_missing=True)] == ["1_b", "2_b"]


def test_a_part_whose_photographs_all_are_gone_may_be_left_out(root):
    (root / "images/1_b.jpg").unlink()
    with pytest.raises(DataError, match=r"None of the 1 pictures that .*training_set\.json names"):
        load_fcdb(root)
    assert [image.name for image in load_fcdb(root, allow_missing=True)] == ["3_b", "2_b"]


def test_if_all_are_gone_the_folder_is_a_wrong_one(root):
    for path in (root / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="None of the 1 pictures"):
        load_fcdb(root, allow_missing=True)


def test_a_picture_without_a_label_is_an_error_and_those_of_the_pairs_have_one(root, pictures, put):
    pictures("images", "8_b.jpg", "9_b.jpg")
    put(PAIRS, [pair(8)])
    with pytest.raises(DataError, match=r"1 picture in .*images has no label in .*: 9_b\.jpg\."):
        load_fcdb(root)
    (root / "images/9_b.jpg").unlink()
    assert len(load_fcdb(root)) == 3


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"crop": [0, 0, 9, 9]}, 'expected an object with "url"'),
        (7, "expected an object with \"url\"; got '7'"),
        (label(2) | {"url": ""}, '"url" must be a text'),
        ({"url": URL.format(2)}, 'expected an object with "crop"'),
        (label(2, (0, 0, 9)), '"crop" must be four numbers x, y, w, h'),
        (label(2, (0, 0, 9, "9")), '"crop" must be four numbers x, y, w, h'),
        (label(2, (0, 0, 9, 0)), "a box without area, 0 0 9 0"),
        (label(2, (-2, 0, -9, 9)), "a box without area, -2 0 -11 9"),
        (label(3), r"the photograph 3_b\.jpg has a label already in .*, line 2"),
        (
            label(2) | {"url": "https://x.org/page"},
            "the address ends in 'page', which is no name of a picture file",
        ),
    ],
)
def test_a_malformed_label_is_refused_with_its_line(root, put, entry, said):
    put(TEST, "[\n" + ",\n".join(map(json.dumps, [label(3), entry])) + "\n]")
    with pytest.raises(DataError, match=said) as refused:
        load_fcdb(root)
    assert f"{TEST}, line 3" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vote_for_1": -1}, 'pair 1: "vote_for_1" must be a whole number from 0'),
        ({"vote_for_2": 1.5}, 'pair 1: "vote_for_2" must be a whole number from 0'),
        ({"crop_2": None}, 'pair 1: "crop_2" must be four numbers'),
    ],
)
def test_a_malformed_pair_is_refused_with_line_and_number(root, put, change, said):
    put(PAIRS, [pair(2, **change)])
    with pytest.raises(DataError, match=said):
        load_fcdb_pairs(root)


def test_a_box_over_the_edge_by_a_pixel_is_cut_there(root, put):
    put(TEST, [label(3, (-1, 0, 40, 40)), label(2)])
    assert find_data_set("fcdb").read(root, read_sizes=True)[1].boxes_xyxy.tolist() == [[0, 0, 39, 40]]


def test_boxes_that_begin_outside_are_counted_as_those_that_end_there(root, put):
    put(
        TEST,
        "[\n" + ",\n".join(map(json.dumps, [label(3, (-2, 0, 40, 40)), label(2, (40, 0, 26, 9))])) + "\n]",
    )
    file = root / TEST
    with pytest.raises(DataError) as refused:
        find_data_set("fcdb").read(root, read_sizes=True)
    assert str(refused.value) == (
        "2 boxes outside their pictures: "
        f"{file}, line 2, entry 1 (3_b), box 1: expected a box within 64 x 48, got -2 0 38 40 (x1 y1 x2 y2); "
        f"{file}, line 3, entry 2 (2_b), box 1: expected a box within 64 x 48, got 40 0 66 9 (x1 y1 x2 y2)."
    )


def test_labels_that_cannot_be_used_do_not_hide_each_other(root, put):
    put(TEST, "[\n" + ",\n".join(map(json.dumps, [label(3, (0, 0, 9)), label(2, (0, 0, 9, 0))])) + "\n]")
    with pytest.raises(DamagedCopy) as refused:
        load_fcdb(root)
    assert [image.name for image in refused.value.images] == ["1_b"]
    assert str(refused.value).startswith(f"2 labels that cannot be used: {root / TEST}, line 2, entry 1: ")
    assert f"; {root / TEST}, line 3, entry 2: " in str(refused.value)


def test_a_folder_without_the_files_is_refused(pictures):
    root = pictures("images", "1_b.jpg")
    with pytest.raises(DataError, match=f"has neither {TRAIN} nor {TEST}"):
        load_fcdb(root)
    with pytest.raises(DataError, match=r"ranking_annotation\.json cannot be read"):
        load_fcdb_pairs(root)


def test_what_is_written_is_read_again(framed, compared, same, tmp_path):
    images = [framed("a", "train"), framed("b", "test", [[0.5, 0, 60.25, 40]])]
    save_fcdb(images, tmp_path / "new")
    same(load_fcdb(tmp_path / "new"), images)
    pairs = [compared("c"), compared("a")]
    save_fcdb_pairs(pairs, tmp_path / "pairs")
    same(load_fcdb_pairs(tmp_path / "pairs"), pairs)


def test_what_fcdb_cannot_hold_is_not_written(framed, tmp_path):
    for images, said in (
        ([framed(boxes=[[0, 0, 9, 9]] * 2)], "has 2 boxes: FCDB has one"),
        ([framed(split="val")], "is of the part 'val': FCDB has train and test"),
        ([framed("a", "train"), framed("a", "test")], r"2 images are called 'a\.jpg'"),
        ([], "no image to write"),
    ):
        with pytest.raises(DataError, match=said):
            save_fcdb(images, tmp_path / "new")
    assert not (tmp_path / "new").exists()
