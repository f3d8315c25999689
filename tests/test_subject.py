"""The salient subject: its box, its focal point, and what crops hold of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage.geometry import Box
from cadrage.subject import find_subject


def map_of(*spots: tuple[int, int, int, int], size: tuple[int, int] = (30, 20)) -> np.ndarray:
    """A map of columns x rows cells, certain on the spots and nowhere else."""
    saliency = np.zeros(size[::-1], np.float32)
    for x1, y1, x2, y2 in spots:
        saliency[y1:y2, x1:x2] = 1
    return saliency


def test_the_box_and_the_focus_are_in_frame_pixels():
    subject = find_subject(map_of((10, 5, 16, 9)), (900, 600))
    assert subject.box == Box(300, 150, 480, 270)
    assert subject.focus == pytest.approx((390, 210), abs=5)


def test_a_crop_keeps_the_share_of_the_subject_inside_it():
    subject = find_subject(map_of((10, 5, 20, 15)), (300, 200))
    boxes = np.array(
        [[0, 0, 300, 200], [100, 50, 200, 150], [150, 0, 300, 200], [0, 0, 100, 200], [125, 75, 175, 125]]
    )
    assert subject.kept(boxes.astype(float)).tolist() == pytest.approx([1, 1, 0.5, 0, 0.25])


def test_of_two_subjects_the_focus_is_on_the_larger_and_not_between_them():
    subject = find_subject(map_of((0, 8, 3, 11), (24, 6, 30, 13)), (300, 200))
    assert subject.focus[0] == pytest.approx(270, abs=5)


@pytest.mark.parametrize("saliency", [map_of(), map_of((3, 3, 4, 5)), np.full((20, 30), 0.49, np.float32)])
def test_nothing_a_speck_or_doubt_is_no_subject(saliency):
    assert find_subject(saliency, (300, 200)) is None


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 5000), st.integers(1, 5000)))
def test_shares_of_the_parts_add_up_to_the_whole(seed, size_wh):
    saliency = np.random.default_rng(seed).random((12, 16), dtype=np.float32)
    subject = find_subject(saliency, size_wh)
    width, height = size_wh
    x = width * 0.37
    halves = subject.kept(np.array([[0, 0, x, height], [x, 0, width, height]]))
    assert halves.sum() == pytest.approx(1)
    assert 0 <= subject.focus[0] <= width
    assert 0 <= subject.focus[1] <= height
