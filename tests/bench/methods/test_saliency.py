"""Attention cropping: the formula by hand, and the whole way from a file."""

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.methods import Picture, make_method
from cadrage.bench.methods.saliency import attention_scores
from cadrage.errors import WeightsError
from cadrage.geometry import AspectRatio
from cadrage.subject import inside

FRAME = (100, 100)


def test_cells_count_by_the_share_that_lies_inside():
    cells = np.array([[1.0, 2], [3, 4]])
    boxes = np.array([[0.0, 0, 20, 10], [5, 0, 15, 5], [0, 2.5, 10, 10], [10, 0, 20, 10]])
    assert inside(cells, boxes, (20, 10)).tolist() == [10, 1.5, 3.5, 6]


def test_of_crops_that_hold_enough_the_smaller_is_better():
    cells = np.zeros((10, 10))
    cells[4:6, 4:6] = 0.5
    boxes = np.array([[40.0, 40, 60, 60], [0, 0, 100, 100], [20, 20, 80, 70]])
    assert attention_scores(cells, boxes, FRAME) == pytest.approx([2 - 0.04, 1, 2 - 0.3])


def test_of_crops_that_cut_too_much_the_one_that_holds_more_is_better():
    cells = np.zeros((10, 10))
    cells[4:6, 4:6] = 1
    boxes = np.array([[0.0, 0, 50, 100], [0, 0, 59, 100], [0, 0, 59.4, 60], [60, 60, 100, 100]])
    # 0.95 of the attention, but for the last one that would hold 0.97: enough.
    assert attention_scores(cells, boxes, FRAME) == pytest.approx([0.5, 2 - 0.59, 2 - 0.594 * 0.6, 0])
    assert attention_scores(cells, np.array([[0.0, 0, 58, 100]]), FRAME) == pytest.approx([0.9])


def test_an_empty_map_is_even():
    boxes = np.array([[0.0, 0, 50, 100], [0, 0, 100, 100]])
    assert attention_scores(np.zeros((4, 4)), boxes, FRAME) == pytest.approx([0.5, 1])


@pytest.fixture
def bright_corner(tmp_path):
    """96 x 64, black, the cells from (64, 32) on white."""
    pixels = np.zeros((64, 96, 3), dtype=np.uint8)
    pixels[32:, 64:] = 255
    Image.fromarray(pixels).save(tmp_path / "corner.png")
    return Picture("corner", tmp_path / "corner.png", (96, 64))


def test_the_map_of_a_picture_is_that_of_the_model(tiny_subject_entry, bright_corner):
    method = make_method(f"saliency={tiny_subject_entry.folder}")
    boxes = np.array([[48.0, 16, 96, 64], [0, 0, 80, 64]])
    assert method.scores(bright_corner, boxes) == pytest.approx([2 - 0.375, 0.5])
    assert method.name == f"saliency={tiny_subject_entry.folder}"
    assert "tiny-subject 7.1" in method.version


def test_its_box_is_the_smallest_candidate_with_the_subject(tiny_subject_entry, bright_corner):
    method = make_method(f"saliency={tiny_subject_entry.folder}")
    box = method.box(bright_corner, AspectRatio(1, 1))
    assert method.scores(bright_corner, np.array([box.as_tuple()])) > 1
    assert (box.x2, box.y2, box.aspect) == (96, 64, 1)
    assert method.box(bright_corner, None).x2 == 92  # the centre of the last bin


def test_a_model_without_saliency_maps_is_refused(tiny_entry, bright_corner):
    method = make_method(f"saliency={tiny_entry.folder}")
    with pytest.raises(WeightsError, match="tiny makes no saliency maps"):
        method.scores(bright_corner, np.array([[0.0, 0, 9, 9]]))
