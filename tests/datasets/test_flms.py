"""FLMS: ten crops a photograph, row first, in a MATLAB file."""

import numpy as np
import pytest

from cadrage.datasets.flms import load_flms, save_flms
from cadrage.errors import DataError

savemat = pytest.importorskip("scipy.io").savemat
LABELS = "500_image_dataset.mat"


@pytest.fixture
def write(tmp_path):
    """Writes labels, pairs of a name and rows of ``y1 x1 y2 x2``, as the published file has them."""

    def save(*labels, table="img_gt", fields=("filename", "bbox")):
        rows = np.empty((len(labels), 1), dtype=[(field, object) for field in fields])
        for number, label in enumerate(labels):
            rows[number, 0] = label
        savemat(tmp_path / LABELS, {table: rows})
        return tmp_path

    return save


def test_rows_become_boxes_with_x_first_and_crops_that_nobody_drew_are_left_out(pictures, write):
    pictures("image", "a.jpg", "b.jpg")
    root = write(("b.jpg", [[2, 4, 46, 60], [-1, -1, -1, -1], [0, 0, 48, 64]]), ("a.jpg", [[0, 1, 9, 8]]))
    images = load_flms(root)
    assert [image.name for image in images] == ["b", "a"]
    assert images[0].path == root / "image/b.jpg"
    assert images[0].boxes_xyxy.tolist() == [[4, 2, 60, 46], [0, 0, 64, 48]]
    assert images[1].boxes_xyxy.tolist() == [[1, 0, 8, 9]]
    assert (images[0].split, images[0].annotators) == (None, ())


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (("b.jpg", [[2, 4, 46]]), "entry 2 of img_gt: expected rows of four numbers"),
        (("b.jpg", [[2, 4, 46, np.nan]]), "entry 2 of img_gt: expected rows of four numbers"),
        (("b.jpg", "text"), "entry 2 of img_gt: expected rows of four numbers"),
        (("b.jpg", [[-1, -1, -1, -1]]), r"entry 2 of img_gt: b\.jpg has no crop"),
        (("b.jpg", [[46, 4, 2, 60]]), "entry 2 of img_gt: a box without area"),
        ((7.0, [[2, 4, 46, 60]]), "entry 2 of img_gt: expected the name"),
        (("a.jpg", [[2, 4, 46, 60]]), r"entry 2 of img_gt: a\.jpg is there twice"),
    ],
)
def test_a_malformed_label_is_refused_with_its_place(pictures, write, label, said):
    pictures("image", "a.jpg", "b.jpg")
    with pytest.raises(DataError, match=said):
        load_flms(write(("a.jpg", [[2, 4, 46, 60]]), label))


def test_a_file_of_another_layout_is_refused(pictures, write):
    pictures("image", "a.jpg")
    with pytest.raises(DataError, match="has no structure img_gt with the fields filename and bbox"):
        load_flms(write(("a.jpg", [[2, 4, 46, 60]]), table="other"))
    root = write(("a.jpg", [[2, 4, 46, 60]]), fields=("name", "bbox"))
    with pytest.raises(DataError, match="has no structure img_gt"):
        load_flms(root)
    (root / LABELS).write_bytes(b"no matlab")
    with pytest.raises(DataError, match="cannot be read as a MATLAB file"):
        load_flms(root)
    (root / LABELS).unlink()
    with pytest.raises(DataError, match=f"has no {LABELS}"):
        load_flms(root)


def test_missing_and_spare_pictures_are_named(pictures, write):
    root = write(*((f"{name}.jpg", [[2, 4, 46, 60]]) for name in "abcde"))
    pictures("image", "e.jpg", "f.jpg")
    with pytest.raises(DataError, match=r"4 of the 5 pictures .*: a\.jpg; b\.jpg; c\.jpg; \.\.\.\."):
        load_flms(root)
    with pytest.raises(DataError, match=r"1 picture in .* has no label .*: f\.jpg"):
        load_flms(root, allow_missing=True)


def test_what_is_written_is_read_again(framed, same, tmp_path):
    images = [framed("b", boxes=[[4, 2, 60, 46], [0.5, 0, 9, 9]]), framed("a")]
    save_flms(images, tmp_path / "new")
    same(load_flms(tmp_path / "new"), images)
