"""Hard wishes as violations, soft ones as points, and what is refused before any work."""

import numpy as np
import pytest

from cadrage import AspectRatio, Box, CropRequest, RequestError
from cadrage.constraints import FOCUS_PULL, Wishes, check_request, least_sides, satisfying
from cadrage.subject import find_subject

FRAME = (400, 300)
ONE = np.ones((1, 2))


def violations_of(box, least=(1, 1), faces=(), found=None, **values):
    wishes = Wishes(CropRequest(**values), FRAME, faces, found)
    every = wishes.violations(np.array([box], dtype=float), np.array([least], dtype=float))
    return {name: float(amounts[0]) for name, amounts in every.items()}


def half_subject():
    saliency = np.zeros((30, 40), np.float32)
    saliency[10:20, 10:30] = 1
    return find_subject(saliency, FRAME)


def test_without_wishes_nothing_can_be_broken():
    assert violations_of((0, 0, 10, 10)) == {}


def test_they_are_named_in_the_order_of_their_importance():
    every = violations_of(
        (0, 0, 400, 300),
        faces=(Box(10, 50, 20, 60),),
        keep=[(1, 50, 5, 60)],
        focus=(3, 3),
        min_size=0.5,
        min_area=0.1,
        max_area=1,
        headroom=0.1,
    )
    assert list(every) == ["keep", "faces", "focus", "min_size", "max_area", "min_area", "headroom"]
    assert set(every.values()) == {0.0}


@pytest.mark.parametrize(
    ("box", "wish", "amount"),
    [
        ((0, 0, 100, 100), {"keep": [(50, 0, 150, 100)]}, 1.5),
        ((0, 0, 100, 100), {"keep": [(50, 0, 150, 100), (300, 0, 310, 10)]}, 3.5),
        ((0, 0, 100, 100), {"keep": [(0, 0, 100, 100)]}, 0),
        ((0, 0, 100, 100), {"focus": (99.9, 0)}, 0),
        ((0, 0, 100, 100), {"focus": (100, 50)}, 2),
        ((0, 0, 400, 300), {"focus": (400, 300)}, 0),
        ((0, 0, 200, 150), {"max_area": 0.2}, 0.05),
        ((0, 0, 200, 150), {"min_area": 0.3}, 0.05),
        ((0, 20, 200, 120), {"headroom": 0.2, "keep": [(5, 30, 9, 40)]}, 0.1),
    ],
)
def test_the_amount_grows_with_the_distance(box, wish, amount):
    (name,) = [name for name in wish if name != "keep" or len(wish) == 1]
    assert violations_of(box, **wish)[name] == pytest.approx(amount)


def test_the_smallest_size_is_per_ratio():
    assert violations_of((0, 0, 50, 50), least=(100, 40), min_size=(100, 40)) == {"min_size": 0.5}
    assert least_sides(CropRequest(min_size=0.5), (301, 200)) == (151, 100)
    assert least_sides(CropRequest(min_size=(80, 60)), (301, 200)) == (80, 60)
    assert least_sides(CropRequest(), (301, 200)) == (1, 1)


def test_headroom_is_measured_from_the_subject_where_nothing_else_is_kept():
    assert violations_of((0, 100, 400, 300), headroom=0.1, found=half_subject()) == {
        "headroom": pytest.approx(0.1)
    }
    assert violations_of((0, 100, 400, 300), headroom=0.1) == {}


def test_nothing_is_broken_for_the_sake_of_something_less_important():
    violations = {"keep": np.array([1.0, 0.0, 0.0, 0.0]), "min_size": np.array([0.0, 0.3, 0.2, 0.2])}
    left, broken = satisfying(violations, 4)
    assert left.tolist() == [2, 3]
    assert broken == ("min_size",)


def test_headroom_that_there_is_not_costs_nothing_else():
    left, broken = satisfying({"headroom": np.array([0.3, 0.1])}, 2)
    assert left.tolist() == [0, 1]
    assert broken == ("headroom",)
    assert satisfying({"headroom": np.array([0.3, 0.0])}, 2)[0].tolist() == [1]


class TestCover:
    def test_it_joins_what_fits_from_the_most_important_on(self):
        wishes = Wishes(CropRequest(keep=[(0, 0, 50, 50), (350, 0, 400, 50), (100, 0, 200, 20)]), FRAME)
        assert wishes.cover(None) == Box(0, 0, 400, 50)
        assert wishes.cover(AspectRatio(1, 1)) == Box(0, 0, 200, 50)

    def test_what_does_not_fit_by_itself_is_the_cover_alone(self):
        wishes = Wishes(CropRequest(keep=[(0, 0, 400, 50)], focus=(5, 200)), FRAME)
        assert wishes.cover(AspectRatio(1, 1)) == Box(0, 0, 400, 50)

    def test_faces_and_focus_count_after_boxes_to_keep(self):
        wishes = Wishes(CropRequest(keep=[(10, 10, 20, 20)], focus=(100.5, 7)), FRAME, (Box(30, 30, 40, 50),))
        assert wishes.cover(None) == Box(10, 7, 101, 50)

    def test_without_wishes_there_is_none(self):
        assert Wishes(CropRequest(), FRAME).cover(None) is None


class TestAdjusted:
    boxes = np.array([[0, 0, 200, 300], [100, 0, 300, 300]], dtype=float)

    def adjusted(self, found=None, **values):
        return (
            Wishes(CropRequest(**values), FRAME, (), found)
            .adjusted(self.boxes, np.array([3.0, 3.0]))
            .tolist()
        )

    def test_the_lost_share_of_the_subject_is_subtracted(self):
        # The subject spans x from 100 to 300.
        assert self.adjusted(half_subject(), subject=2.0) == pytest.approx([2.0, 3.0])
        assert self.adjusted(half_subject(), subject=0) == [3.0, 3.0]

    def test_preferred_regions_are_added_and_avoided_ones_subtracted(self):
        region = {"box": (0, 0, 200, 100), "weight": 0.5}
        assert self.adjusted(prefer=[region]) == pytest.approx([3.5, 3.25])
        assert self.adjusted(avoid=[region]) == pytest.approx([2.5, 2.75])

    def test_the_focus_pulls_towards_the_middle(self):
        assert self.adjusted(focus=(200, 150)) == pytest.approx([3 - FOCUS_PULL, 3])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"keep": [(0, 0, 401, 10)]}, "to keep, 0,0,401,10, reaches outside the frame of 400x300"),
        ({"avoid": [(-1, 0, 40, 10)]}, "to avoid"),
        ({"prefer": [(0, 299, 40, 301)]}, "to prefer"),
        ({"focus": (401, 1)}, "focus 401,1 lies outside"),
        ({"size": (401, 100)}, "401x100 is larger than the frame"),
    ],
)
def test_a_request_that_contradicts_the_frame_is_refused(values, said):
    with pytest.raises(RequestError, match=said):
        check_request(CropRequest(**values), FRAME)


def test_a_size_larger_than_the_frame_may_be_allowed():
    check_request(CropRequest(size=(800, 600), upscale=True), FRAME)
    check_request(CropRequest(size=FRAME), FRAME)
