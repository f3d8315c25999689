"""ICDB: three annotators' crops in a text file."""

import pytest

from cadrage.datasets.icdb import load_icdb, save_icdb
from cadrage.errors import DataError

LABELS = "Cropping parameters.txt"
TEXT = "animal\\a.jpg\n2 46 4 60\n0 48 0 64\n1 9 3 7\n\nnight/b.jpg\n0 40 0 50\n0 41 0 51\n0 42 0 52\n"


@pytest.fixture
def root(pictures, put):
    put(LABELS, TEXT)
    return pictures("All_Images", "a.jpg", "b.jpg")


def test_the_boxes_of_the_three_annotators_keep_their_order(root):
    images = load_icdb(root)
    assert [image.path for image in images] == [root / "All_Images/a.jpg", root / "All_Images/b.jpg"]
    assert images[0].boxes_xyxy.tolist() == [[4, 2, 60, 46], [0, 0, 64, 48], [3, 1, 7, 9]]
    assert images[1].boxes_xyxy.tolist() == [[0, 0, 50, 40], [0, 0, 51, 41], [0, 0, 52, 42]]
    assert images[0].annotators == ("1", "2", "3")


def test_another_order_of_the_numbers_can_be_said(root, put):
    put(
        LABELS,
        TEXT.replace("2 46 4 60", "4 2 60 46")
        .replace("0 48 0 64", "0 0 64 48")
        .split("\n\n")[0]
        .replace("1 9 3 7", "3 1 7 9"),
    )
    (root / "All_Images/b.jpg").unlink()
    (image,) = load_icdb(root, order=("x1", "y1", "x2", "y2"))
    assert image.boxes_xyxy.tolist() == [[4, 2, 60, 46], [0, 0, 64, 48], [3, 1, 7, 9]]
    with pytest.raises(DataError, match="line 2: a box without area"):
        load_icdb(root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"{LABELS} holds no label"),
        (TEXT.replace("0 40 0 50", "0 40 0"), "line 7: expected four numbers 'y1 y2 x1 x2'; got '0 40 0'"),
        (TEXT.replace("0 40 0 50", "0 40 0 nan"), "line 7: expected four numbers"),
        (TEXT.replace("0 40 0 50", "0 40 0 x"), "line 7: expected four numbers"),
        (TEXT.replace("0 40 0 50", "40 0 0 50"), "line 7: a box without area"),
        (TEXT.removesuffix("0 42 0 52\n"), r"line 6: b\.jpg has 2 crops of 3"),
        (TEXT.replace("night/b", "x/a"), r"line 6: a\.jpg is there twice"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(root, put, text, said):
    put(LABELS, text)
    with pytest.raises(DataError, match=said):
        load_icdb(root)


def test_what_is_written_is_read_again(framed, same, tmp_path):
    boxes = [[4, 2, 60, 46], [0.1, 0, 9, 9], [1, 2, 3, 4]]
    images = [framed(name, boxes=boxes, annotators=("1", "2", "3")) for name in "ba"]
    save_icdb(images, tmp_path / "new")
    same(load_icdb(tmp_path / "new"), images)


def test_images_without_three_boxes_are_not_written(framed, tmp_path):
    with pytest.raises(DataError, match="has 1 boxes: ICDB has one of each of 3 annotators"):
        save_icdb([framed()], tmp_path / "new")
    assert not (tmp_path / "new").exists()
