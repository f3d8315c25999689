import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage.errors import RequestError
from cadrage.geometry import (
    NAMED_RATIOS,
    AspectRatio,
    Box,
    areas,
    as_boxes,
    boundary_displacement,
    iou_matrix,
)

coordinate = st.floats(-1000, 1000, allow_nan=False)
side = st.floats(0.5, 1000)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), coordinate, coordinate, side, side)


def test_a_box_knows_its_sides_area_and_aspect():
    box = Box(10, 20, 50, 30)
    assert (box.width, box.height, box.area, box.aspect) == (40, 10, 400, 4)
    assert box.as_tuple() == (10, 20, 50, 30)


@pytest.mark.parametrize(
    "corners",
    [(0, 0, 0, 1), (0, 0, 1, 0), (2, 0, 1, 1), (0, 2, 1, 1), (0, 0, math.nan, 1), (0, 0, math.inf, 1)],
)
def test_a_box_without_area_or_not_finite_is_refused(corners):
    with pytest.raises(RequestError, match="A box needs"):
        Box(*corners)


def test_boxes_round_halves_upwards():
    assert Box(0.5, 1.49, 2.5, 3.51).rounded() == (1, 1, 3, 4)


class TestAsBoxes:
    def test_no_boxes_are_an_empty_table(self):
        assert as_boxes([]).shape == (0, 4)
        assert as_boxes(np.zeros((0, 4))).shape == (0, 4)

    def test_boxes_rows_and_arrays_give_the_same_table(self):
        expected = np.array([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 8.0]])
        for given_boxes in (expected, expected.tolist(), [Box(0, 1, 2, 3), Box(4, 5, 6, 8)]):
            assert np.array_equal(as_boxes(given_boxes), expected)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([[0, 0, 1]], r"shape \(N, 4\); got \(1, 3\)"),
            ([0, 0, 1, 1], r"shape \(N, 4\); got \(4,\)"),
            ([[0, 0, 1, 1], [0, 0, 1]], "rows of four numbers"),
            ([["a", "b", "c", "d"]], "rows of four numbers"),
            ([[0, 0, 1, 1], [5, 0, 5, 1]], "Box 1 is"),
            ([[0, 0, 1, math.nan]], "Box 0 is"),
        ],
    )
    def test_anything_else_is_refused(self, rows, message):
        with pytest.raises(RequestError, match=message):
            as_boxes(rows)


class TestOverlap:
    def test_iou_of_boxes_that_share_a_quarter(self):
        # 1 of 4 square pixels shared: 1 / (4 + 4 - 1).
        first, second = (
            as_boxes([[0, 0, 2, 2]]),
            as_boxes([[1, 1, 3, 3], [0, 0, 2, 2], [2, 0, 3, 2], [0, 0, 1, 1]]),
        )
        assert iou_matrix(first, second)[0].tolist() == [1 / 7, 1.0, 0.0, 0.25]

    @given(boxes, boxes)
    def test_iou_is_symmetric_and_one_only_for_equal_boxes(self, first, second):
        table = iou_matrix(as_boxes([first, second]), as_boxes([first, second]))
        assert np.allclose(np.diag(table), 1.0)
        assert table[0, 1] == table[1, 0]
        assert 0 <= table[0, 1] <= 1 + 1e-12

    def test_areas(self):
        assert areas(as_boxes([[0, 0, 2, 3], [1, 1, 2, 2]])).tolist() == [6.0, 1.0]

    def test_displacement_is_the_mean_shift_of_the_edges_as_a_share_of_the_side(self):
        # left 10/100, top 0, right 20/100, bottom 10/50: mean of 0.1, 0, 0.2, 0.2.
        shift = boundary_displacement(as_boxes([[0, 0, 50, 50]]), as_boxes([[10, 0, 70, 40]]), (100, 50))
        assert shift.tolist() == pytest.approx([0.125])


class TestAspectRatio:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("16:9", (16, 9)),
            ("4/5", (4, 5)),
            ("3x2", (3, 2)),
            (" 16 : 9 ", (16, 9)),
            ("1.91", (1.91, 1)),
            ("2.39:1", (2.39, 1)),
            *NAMED_RATIOS.items(),
            ("Square", (1, 1)),
        ],
    )
    def test_ratios_are_read_from_pairs_decimals_and_names(self, text, expected):
        assert AspectRatio.parse(text) == AspectRatio(*expected)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "wide",
            "16:9:1",
            "16:",
            "0:1",
            "1:0",
            "-1",
            "nan",
            "inf:1",
            "1e9:1",
            "1e308:1e308",
            "1e-20:1e-20",
        ],
    )
    def test_anything_else_is_refused(self, text):
        with pytest.raises(RequestError):
            AspectRatio.parse(text)

    @given(st.integers(1, 1000), st.integers(1, 1000))
    def test_what_is_printed_can_be_read_back(self, width, height):
        ratio = AspectRatio(width, height)
        assert AspectRatio.parse(str(ratio)) == ratio
        assert ratio.value == width / height
