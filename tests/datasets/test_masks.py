"""Photographs with masks: what belongs together, what is set aside, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from masked import disc, write_masked
from PIL import Image

from cadrage.datasets.faults import DamagedCopy
from cadrage.datasets.masks import MaskDivision, divide_masks, load_masks, read_mask
from cadrage.errors import DataError, RequestError


@pytest.fixture
def root(tmp_path):
    return write_masked(tmp_path / "discs", 6)


def names(images):
    return [image.name for image in images]


def test_pictures_and_masks_belong_together_by_name(root):
    images = load_masks(root)
    assert names(images) == [f"disc{number:02d}" for number in range(6)]
    assert images[2].path == root / "images/disc02.png"
    assert images[2].mask_path == root / "masks/disc02.png"


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_a_mask_is_true_where_it_is_white(root, mode):
    expected = disc(3)[1]
    Image.fromarray(expected).convert(mode).save(root / "masks/disc03.png")
    np.testing.assert_array_equal(read_mask(load_masks(root)[3]), expected)


def test_grey_values_of_a_mask_count_from_the_middle(root):
    Image.fromarray(np.repeat([[127, 128]], 64, axis=0).repeat(48, axis=1).astype(np.uint8)).save(
        root / "masks/disc00.png"
    )
    mask = read_mask(load_masks(root)[0])
    assert (mask[:, :48].any(), mask[:, 48:].all()) == (False, True)


def test_a_mask_that_cannot_be_read_is_named(root):
    image = replace(load_masks(root)[0], mask_path=root / "masks")
    with pytest.raises(DataError, match=r"masks cannot be read: Is a directory\."):
        MaskDivision("discs", (image,), (), "none").record()


def test_parts_are_drawn_by_seed(root):
    division = divide_masks(root, 2, seed=5)
    assert (len(division.training), len(division.validation)) == (4, 2)
    assert not set(names(division.training)) & set(names(division.validation))
    assert divide_masks(root, 2, seed=5) == division
    assert len({tuple(names(divide_masks(root, 2, seed).validation)) for seed in range(8)}) > 1
    record = division.record()
    before = record.pop("fingerprint")
    assert record == {
        "data_set": "discs",
        "training_images": 4,
        "validation_images": 2,
        "validation": "2 drawn with seed 5",
    }
    assert divide_masks(root, 2, seed=5).record()["fingerprint"] == before
    assert divide_masks(root, 2, seed=6).record()["fingerprint"] != before
    assert division.part("val") == (division.validation, "val (2 drawn with seed 5)")
    assert division.part("train") == (division.training, "train (all but 2 drawn with seed 5)")
    assert division.part("all") == (load_masks(root), "all")
    with pytest.raises(RequestError, match="no split 'test': choose train, val or all"):
        division.part("test")


def test_nothing_need_be_set_aside(root):
    division = divide_masks(root, 0, seed=0)
    assert (len(division.training), division.validation, division.description) == (6, (), "none")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: root.rename(root.with_name("gone")), "does not exist"),
        (lambda root: (root / "masks").rename(root / "labels"), "has no folder 'masks'"),
        (lambda root: [file.unlink() for file in root.glob("images/*")], "holds no picture"),
        (
            lambda root: (root / "masks/disc01.png").unlink(),
            r"1 file of .*images has no mask in .*: disc01",
        ),
        (
            lambda root: (root / "images/disc01.png").unlink(),
            r"1 file of .*masks has no picture in .*: disc01",
        ),
    ],
    ids=["no folder", "no masks", "no pictures", "a mask missing", "a picture missing"],
)
def test_an_incomplete_data_set_is_refused(root, spoil, said):
    spoil(root)
    with pytest.raises(DataError, match=said):
        load_masks(root)


def test_what_is_lonely_on_either_side_is_told_at_once(root):
    (root / "masks/disc01.png").unlink()
    (root / "images/disc02.png").unlink()
    with pytest.raises(DamagedCopy) as damaged:
        load_masks(root)
    assert [problem.first for problem in damaged.value.problems] == [("disc01",), ("disc02",)]
    assert [image.name for image in damaged.value.images] == ["disc00", "disc03", "disc04", "disc05"]


def test_a_mask_of_another_size_is_refused(root):
    Image.new("1", (64, 96), 1).save(root / "masks/disc00.png")
    with pytest.raises(DataError, match=r"disc00\.png is 64 x 96 pixels, and its picture 96 x 64"):
        read_mask(load_masks(root)[0])


def test_an_empty_mask_is_refused(root):
    Image.new("1", (96, 64)).save(root / "masks/disc00.png")
    with pytest.raises(DataError, match=r"disc00\.png is empty"):
        read_mask(load_masks(root)[0])
