"""Rules of composition, each by hand."""

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.methods import Picture, make_method
from cadrage.bench.methods.attention import Look
from cadrage.bench.methods.composition import (
    balance,
    border_cut,
    composition_scores,
    connected,
    gradient,
    subjects_inside,
    thirds,
)

POINT = (1 / 3, 1 / 3)
MIDDLE = (0.5, 0.5)


def one_crop(*subjects):
    """Masses (1, R) and centres (1, R, 2)."""
    masses = np.array([[mass for mass, _ in subjects]], dtype=np.float64)
    return masses, np.array([[centre for _, centre in subjects]], dtype=np.float64)


def test_a_subject_on_a_point_of_thirds_is_worth_one():
    for point in (POINT, (2 / 3, 1 / 3), (2 / 3, 2 / 3)):
        assert thirds(*one_crop((5, point))) == pytest.approx([1])


def test_a_subject_off_the_points_is_worth_less():
    # From the middle to a point it is 1/6 along each axis: exp(-(1/3)^2 / 0.34).
    assert thirds(*one_crop((5, MIDDLE))) == pytest.approx([0.72123], abs=1e-5)


def test_larger_subjects_count_more():
    assert thirds(*one_crop((3, POINT), (1, MIDDLE))) == pytest.approx([(3 + 0.72123) / 4], abs=1e-5)


def test_balance_is_the_middle_of_all_subjects_together():
    assert balance(*one_crop((5, MIDDLE))) == pytest.approx([1])
    assert balance(*one_crop((2, (1 / 3, 0.5)), (2, (2 / 3, 0.5)))) == pytest.approx([1])
    # Off by 1/6 along each axis: exp(-(1/3)^2 / 0.4).
    assert balance(*one_crop((5, POINT))) == pytest.approx([0.757465], abs=1e-5)


def test_without_a_subject_there_is_neither():
    assert thirds(*one_crop((0, MIDDLE))).tolist() == [0]
    assert balance(*one_crop((0, MIDDLE))).tolist() == [0]
    assert thirds(np.zeros((2, 0)), np.zeros((2, 0, 2))).tolist() == [0, 0]
    assert balance(np.zeros((2, 0)), np.zeros((2, 0, 2))).tolist() == [0, 0]


def test_regions_touch_along_sides_and_not_at_corners():
    wanted = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 1]], dtype=bool)
    labels, count = connected(wanted)
    assert count == 3
    assert labels.tolist() == [[1, 1, 0, 0], [0, 1, 0, 2], [3, 0, 0, 2]]


def test_only_what_lies_inside_the_crop_is_weighed():
    cells = np.zeros((4, 8))  # cells of 10 x 10 pixels
    cells[1, 1:5] = 0.5
    cells[3, 7] = 1
    cells[0, 7] = 0.4  # too little to be a subject
    boxes = np.array([[0.0, 0, 80, 40], [30, 10, 80, 30]])
    masses, centres = subjects_inside(cells, boxes, (80, 40))
    assert masses.tolist() == [[2, 1], [1, 0]]
    assert centres[0] == pytest.approx(np.array([[30 / 80, 15 / 40], [75 / 80, 35 / 40]]))
    # Of the first subject, x from 30 to 50 is left.
    assert centres[1] == pytest.approx(np.array([[(40 - 30) / 50, (15 - 10) / 20], [0.5, 0.5]]))


def test_a_border_through_an_edge_cuts():
    edges = np.zeros((8, 12))
    edges[2:6, 5] = 4
    frame = 16 / 96
    boxes = np.array([[5.0, 1, 9, 7], [6, 1, 10, 7], [1, 3, 9, 7], [0, 0, 12, 8]])
    along = np.array([16 / 20, 0, 4 / 24, 0])
    assert border_cut(edges, boxes, (12, 8)) == pytest.approx(along / (along + frame))


def test_borders_are_scaled_from_the_frame_to_the_raster():
    edges = np.zeros((8, 12))
    edges[2:6, 5] = 4
    boxes = np.array([[5.0, 1, 9, 7]])
    assert border_cut(edges, boxes * 10, (120, 80)) == pytest.approx(border_cut(edges, boxes, (12, 8)))


def test_the_frames_own_border_and_an_even_picture_cut_nothing():
    edges = np.ones((8, 12))
    assert border_cut(edges, np.array([[0.0, 0, 12, 8]]), (12, 8)).tolist() == [0]
    assert border_cut(edges * 0, np.array([[2.0, 2, 9, 7]]), (12, 8)).tolist() == [0]


def test_the_smallest_box_has_a_border():
    edges = np.zeros((8, 12))
    edges[7, 11] = 1  # on the border, where nothing is cut
    assert border_cut(edges, np.array([[11.9, 7.9, 12, 8], [0, 0, 0.1, 0.1]]), (12, 8)).tolist() == [0, 0]


def test_the_gradient_is_that_of_brightness():
    across = np.broadcast_to(np.arange(0, 60, 10, dtype=np.uint8), (4, 6))
    pixels = np.stack([across, across, across * 0], axis=2)
    assert gradient(pixels) == pytest.approx(np.full((4, 6), 20 / 3))


def test_the_score_is_the_sum_of_the_rules():
    attention = np.zeros((9, 9))
    attention[2:4, 2:4] = 1  # around a point of thirds
    pixels = np.full((90, 90, 3), 90, dtype=np.uint8)
    whole = np.array([[0.0, 0, 90, 90]])
    even = composition_scores(Look(pixels, attention), whole, (90, 90))
    assert even == pytest.approx([1 + 0.3 * 0.757465], abs=1e-5)

    pixels[:, 60:] = (
        200  # a gradient of 55 in columns 59 and 60; the crop's last column is cut but for its ends
    )
    crop = np.array([[0.0, 0, 60, 90]])
    along, everywhere = 88 * 55 / (2 * 60 + 2 * 90), 2 * 55 / 90
    subject = one_crop((4, (0.5, 1 / 3)))
    expected = thirds(*subject) + 0.3 * balance(*subject) - along / (along + everywhere)
    assert composition_scores(Look(pixels, attention), crop, (90, 90)) == pytest.approx(expected)


def test_a_picture_is_judged_from_its_file(tiny_subject_entry, tmp_path):
    pixels = np.full((64, 96, 3), 60, dtype=np.uint8)
    pixels[16:24, 32:40] = 255
    Image.fromarray(pixels).save(tmp_path / "dot.png")
    picture = Picture("dot", tmp_path / "dot.png", (96, 64))
    method = make_method(f"composition={tiny_subject_entry.folder}")
    # Centre of the dot: (36, 20). In the first crop that is a point of thirds, the second cuts through it.
    first, second = method.scores(picture, np.array([[0.0, 0, 96, 60], [36.0, 0, 96, 64]]))
    assert first > 1 > second
    box = method.box(picture, None)
    assert box.x1 < 32
    assert box.y1 < 16
