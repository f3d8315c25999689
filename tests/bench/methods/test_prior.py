"""The content-blind prior, on ratings that can be averaged by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.methods import MethodOptions, Picture, make_method
from cadrage.bench.methods.prior import Prior
from cadrage.datasets.gaicd import save_gaicd
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

LANDSCAPE, PORTRAIT = (120, 96), (96, 120)
LARGE, INNER = [5, 4, 115, 92], [15, 12, 115, 92]
"""Grid anchors of the landscape frame: bins (0, 0) or (1, 1) to (11, 11)."""

TALL = [4, 5, 92, 115]
NOWHERE = Path("nobody-opens-this.jpg")


def rated(name, size_wh, *crops, split="train"):
    table = np.array(crops, dtype=np.float64)
    return RatedImage(name, NOWHERE, table[:, :4], table[:, 4], split, size_wh)


IMAGES = (
    rated("first", LANDSCAPE, [*LARGE, 4], [*INNER, 2]),
    rated("second", LANDSCAPE, [*LARGE, 3], [*INNER, np.nan]),
    rated("tall", PORTRAIT, [*TALL, 1]),
)


def score(prior, boxes, size_wh=LANDSCAPE, name="new"):
    return prior.scores(Picture(name, NOWHERE, size_wh), np.array(boxes, dtype=np.float64)).tolist()


def test_an_anchor_gets_the_mean_of_its_ratings():
    assert score(Prior.from_images(IMAGES), [LARGE, INNER]) == [3.5, 2]


def test_portraits_have_a_table_of_their_own_and_squares_are_landscapes():
    prior = Prior.from_images(IMAGES)
    assert score(prior, [TALL], PORTRAIT) == [1]
    assert score(prior, [[4, 4, 92, 92]], (96, 96)) == [3.5]


def test_the_place_on_the_grid_counts_and_not_the_size_of_the_frame():
    boxes = np.floor(np.array([LARGE, INNER]) * 10.3 + 0.5)
    assert score(Prior.from_images(IMAGES), boxes, (1236, 989)) == [3.5, 2]


def test_a_box_off_the_grid_gets_the_anchor_that_it_overlaps_most():
    prior = Prior.from_images(IMAGES)
    assert score(prior, [[0, 0, 120, 96], [18, 14, 115, 92]]) == [3.5, 2]


def test_a_picture_is_left_out_when_it_is_scored_itself():
    prior = Prior.from_images(IMAGES)
    assert score(prior, [LARGE, INNER], name="first") == [3, 3]  # nobody else rated the inner one
    assert score(prior, [LARGE, INNER], name="second") == [4, 2]


def test_pictures_held_out_teach_nothing():
    prior = Prior.from_images(IMAGES, frozenset({"second", "unheard"}))
    assert score(prior, [LARGE]) == [4]


def test_where_all_are_held_out_each_is_left_out_of_its_own():
    prior = Prior.from_images(IMAGES, frozenset({"first", "second", "tall"}))
    assert score(prior, [LARGE], name="first") == [3]


def test_an_orientation_that_nobody_rated_takes_the_other_table():
    assert score(Prior.from_images(IMAGES), [TALL], PORTRAIT, name="tall") == [3.5]
    assert score(Prior.from_images(IMAGES[:2]), [TALL], PORTRAIT) == [3.5]


def test_other_ratings_make_another_version():
    changed = replace(IMAGES[2], mos=np.array([1.5]))
    versions = {Prior.from_images(images).version for images in (IMAGES, IMAGES[:2], (*IMAGES[:2], changed))}
    assert len(versions) == 3
    assert Prior.from_images(IMAGES[::-1]).version == Prior.from_images(IMAGES).version


def test_its_box_is_the_best_candidate():
    prior = Prior.from_images([rated("only", LANDSCAPE, [*LARGE, 2], [15, 12, 115, 92, 4])])
    box = prior.box(Picture("new", NOWHERE, LANDSCAPE), None)
    assert score(prior, [box.as_tuple()]) == [4]


def test_nothing_is_learned_from_test_photographs(tmp_path):
    Image.new("RGB", LANDSCAPE).save(tmp_path / "blank.png")
    images = [replace(image, path=tmp_path / "blank.png") for image in IMAGES[:2]]
    images.append(replace(rated("third", LANDSCAPE, [*LARGE, 5], split="test"), path=tmp_path / "blank.png"))
    save_gaicd(images, tmp_path / "data")
    for spec, options in (
        (f"prior={tmp_path / 'data'}", MethodOptions()),
        ("prior", MethodOptions(training=tmp_path / "data")),
    ):
        method = make_method(spec, options)
        assert method.name == spec  # two folders are two rows of a table
        assert method.scores(Picture("third", NOWHERE, LANDSCAPE), np.array([LARGE])).tolist() == [3.5]


def test_what_cannot_be_learned_from_is_refused(tmp_path):
    with pytest.raises(DataError, match="no rated photograph"):
        Prior.from_images([])
    with pytest.raises(DataError, match="size of 'first' must be known"):
        Prior.from_images([replace(IMAGES[0], size_wh=None)])
    with pytest.raises(DataError, match="Beside 'first' itself"):
        score(Prior.from_images(IMAGES[:1]), [LARGE], name="first")
    with pytest.raises(DataError, match="missing does not exist"):
        make_method(f"prior={tmp_path / 'missing'}")
