"""Methods that look at no pixels: hand-computed scores and boxes."""

from pathlib import Path

import numpy as np
import pytest

from cadrage.bench.methods import MethodOptions, Picture, make_method
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box

WIDE = Picture("wide", Path("nobody-opens-this.jpg"), (1200, 600))
SQUARE = AspectRatio(1, 1)
BOXES = np.array([[0.0, 0, 600, 300], [0, 0, 600, 600], [300, 150, 900, 450], [0, 0, 1200, 600]])


def scores(spec, picture=WIDE):
    return make_method(spec).scores(picture, BOXES)


def box(spec, ratio=None):
    return make_method(spec).box(WIDE, ratio).as_tuple()


def test_whole_keeps_the_frame_and_scores_by_the_share_of_it():
    assert box("whole") == (0, 0, 1200, 600)
    assert scores("whole").tolist() == [0.25, 0.5, 0.25, 1]


def test_centre_keeps_nine_tenths_of_both_sides():
    assert box("centre") == pytest.approx((60, 30, 1140, 570))


def test_centre_scores_by_the_distance_of_the_centres_in_shares_of_the_sides():
    expected = [-np.sqrt(0.25**2 + 0.25**2), -0.25, 0, 0]
    assert scores("centre") == pytest.approx(expected, abs=1e-15)


def test_largest_keeps_the_largest_grid_anchor_and_scores_by_area():
    assert box("largest") == pytest.approx((50, 25, 1150, 575))  # the centres of the outermost bins
    assert scores("largest").tolist() == [180_000, 360_000, 180_000, 720_000]


@pytest.mark.parametrize("spec", ["whole", "centre", "largest"])
def test_a_ratio_gets_its_largest_box_in_the_middle(spec):
    assert box(spec, SQUARE) == (300, 0, 900, 600)


class TestRandom:
    def test_one_picture_always_gets_the_same_scores(self):
        assert scores("random").tolist() == scores("random").tolist()
        assert scores("random").tolist() == scores("random=0").tolist()

    def test_another_name_and_another_seed_get_other_scores(self):
        other = scores("random", Picture("other", WIDE.path, WIDE.size_wh))
        assert not np.isclose(scores("random"), other).any()
        assert not np.isclose(scores("random"), scores("random=1")).any()

    def test_the_seed_of_the_options_counts_where_the_spec_has_none(self):
        method = make_method("random", MethodOptions(seed=1))
        assert method.scores(WIDE, BOXES).tolist() == scores("random=1").tolist()
        assert method.version == make_method("random=1").version != make_method("random").version

    def test_every_crop_is_the_best_equally_often(self):
        method = make_method("random")
        first = [method.scores(Picture(str(n), WIDE.path, (9, 9)), BOXES).argmax() for n in range(2000)]
        assert np.bincount(first) == pytest.approx([500] * 4, abs=80)  # four deviations

    def test_its_box_has_the_ratio(self):
        assert make_method("random").box(WIDE, SQUARE).aspect == 1

    def test_a_seed_is_a_whole_number(self):
        with pytest.raises(RequestError, match="takes a seed, such as random=7; got 'x'"):
            make_method("random=x")


def test_the_box_of_a_method_that_scores_is_the_first_of_the_best_candidates():
    from cadrage.bench.methods import box_from_scores
    from cadrage.candidates import grid_anchors

    anchors = grid_anchors((1200, 600), corners="rounded")
    found = box_from_scores(lambda boxes: boxes[:, 0] * (1 + 1e-15 * boxes[:, 3]), (1200, 600), None)
    rightmost = anchors[anchors[:, 0] == 350]
    assert found.as_tuple() == tuple(rightmost[0])  # last bits do not count
    assert box_from_scores(lambda boxes: -boxes[:, 0], (1200, 600), SQUARE).x1 == 0


def test_a_method_that_has_a_box_scores_by_the_overlap_with_it():
    from cadrage.bench.methods import scores_from_box

    assert scores_from_box(Box(0, 0, 600, 300), BOXES).tolist() == [1, 0.5, 1 / 7, 0.25]
