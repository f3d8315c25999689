"""What ratings say about IoU with the best crop."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.protocols import Ranking
from cadrage.bench.report.markdown import NO_COMPARISON, sentences_of
from cadrage.bench.unreliable import load_unreliabilities, save_unreliability, unreliability
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

BEST, NEAR, HALF, FAR = [0, 0, 100, 100], [0, 0, 90, 100], [0, 0, 50, 100], [0, 0, 20, 100]
"""IoU with the best: 1, 0.9, 0.5, 0.2."""


@pytest.fixture
def ranking(tmp_path):
    """Makes one of images with these ratings of the four crops."""

    def make(*mos):
        images = []
        for number, row in enumerate(mos):
            path = tmp_path / f"{number}.jpg"
            Image.new("RGB", (200, 100)).save(path)
            boxes = np.array([BEST, NEAR, HALF, FAR], dtype=float)
            images.append(RatedImage(str(number), path, boxes, np.array(row, dtype=float)))
        return Ranking.of(images)

    return make


def test_ratings_that_fall_with_the_overlap_speak_for_iou(ranking, ground):
    found = unreliability(ranking([5, 4, 3, 2]), ground())
    assert found.srcc.mean == pytest.approx(1)
    assert (found.disordered.mean, found.examples) == (0, ())
    assert math.isnan(found.good_below.mean)  # no other crop is good


def test_ratings_that_rise_as_the_overlap_falls_speak_against_it(ranking, ground):
    """Of the others the nearest is worst; the good one (4.8) is below both poor ones in IoU."""
    found = unreliability(ranking([5, 1, 2, 4.8]), ground())
    assert found.srcc.mean == pytest.approx(-1)
    assert (found.disordered.mean, found.good_below.mean) == (1, 1)
    (example,) = found.examples
    assert (example.near.mos, example.near.iou) == (1, pytest.approx(0.9))
    assert (example.far.mos, example.far.iou) == (4.8, pytest.approx(0.2))
    assert (example.best.box, example.size_wh) == (tuple(BEST), (200, 100))


def test_the_worst_counter_examples_come_first(ranking, ground):
    found = unreliability(ranking([5, 3, 3.5, 2], [5, 1, 2, 4.8], [5, 4, 3, 2]), ground())
    assert [example.image for example in found.examples] == ["1", "0"]


def test_the_mos_is_told_by_overlap(ranking, ground):
    found = unreliability(ranking([5, 4, 3, 2], [5, 2, 3, 2]), ground())
    assert {(one.low, one.crops): one.mos and one.mos[0] for one in found.bins} == {
        (0.0, 2): 2,
        (0.5, 2): 3,
        (0.6, 0): None,
        (0.7, 0): None,
        (0.8, 0): None,
        (0.9, 2): 3,
    }


def test_images_whose_crops_are_all_alike_say_nothing(ranking, ground):
    assert unreliability(ranking([3, 3, 3, 3], [5, 4, 3, 2]), ground()).images == 1


def test_ratings_that_cannot_tell_are_reported_as_such(ranking, ground, tmp_path):
    found = unreliability(ranking([3, 3, 3, 3]), ground())
    assert (found.images, found.bins, found.examples) == (0, (), ())
    assert sentences_of(found) == [NO_COMPARISON]
    save_unreliability(found, tmp_path / "report")
    assert load_unreliabilities(tmp_path / "report")[0].to_dict() == found.to_dict()


def test_a_figure_that_is_undefined_has_no_sentence(ranking, ground):
    """No crop but the best is good, so that nothing is known of the good ones."""
    assert len(sentences_of(unreliability(ranking([5, 4, 3, 2]), ground()))) == 2
    assert len(sentences_of(unreliability(ranking([5, 1, 2, 4.8]), ground()))) == 3
    assert sentences_of(unreliability(ranking([5, 3, 3, 3]), ground())) == [NO_COMPARISON]


def test_it_is_kept_for_every_ground_with_its_picture(ranking, ground, tmp_path):
    folder = tmp_path / "report"
    first = unreliability(ranking([5, 1, 2, 4.8]), ground())
    other = unreliability(ranking([5, 4, 3, 2]), ground(digest="other"))
    for one in (first, other, first):
        save_unreliability(one, folder)
    read = load_unreliabilities(folder)
    assert read[1] == first
    assert read[0].to_dict() == other.to_dict()  # with NaN, which equals nothing
    with Image.open(folder / first.picture_name) as sheet:
        assert sheet.format == "JPEG"
    json.loads((folder / "unreliable-iou.json").read_text(), parse_constant=pytest.fail)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "unreliable-iou.json").write_text("[{}]")
    with pytest.raises(DataError, match="is not what a bench writes"):
        load_unreliabilities(tmp_path)
