"""What raters are shown: groups, pages, orders, hidden repeats."""

from collections import Counter
from itertools import pairwise

import pytest

from cadrage.annotation.protocol import GROUPS, RatingProtocol, pages_of, photograph_order, programme
from cadrage.annotation.store import grid_crops
from cadrage.candidates import RELEASED_LABELS_GRID, GridSpec
from cadrage.errors import RequestError
from cadrage.geometry import Box


def rated_boxes(size_wh):
    boxes_xyxy, ratable = grid_crops(size_wh, RELEASED_LABELS_GRID)
    return [Box(*box) for box in boxes_xyxy[ratable].tolist()]


class TestPages:
    @pytest.mark.parametrize(
        ("size_wh", "crops", "groups"),
        [
            # Counted with fractions, from the anchors' spans in cells: a crop of w x h cells has the aspect
            # w / h of the frame's.
            ((1200, 800), 87, {"16:9": 35, "3:2": 14, "4:3": 31, "1:1": 7}),
            ((1280, 720), 75, {"16:9": 37, "3:2": 31, "4:3": 4, "1:1": 3}),
            ((800, 1200), 83, {"1:1": 7, "3:4": 31, "2:3": 14, "9:16": 31}),
        ],
    )
    def test_the_anchors_of_a_frame_are_grouped_by_the_nearest_ratio(self, size_wh, crops, groups):
        boxes = rated_boxes(size_wh)
        pages = pages_of(boxes, RatingProtocol())

        found = Counter(page.group for page in pages for _ in page.crops)
        assert len(boxes) == crops
        assert found == groups

    def test_every_crop_is_on_one_page(self):
        boxes = rated_boxes((1200, 800))
        shown = [crop for page in pages_of(boxes, RatingProtocol()) for crop in page.crops]
        assert sorted(shown) == list(range(len(boxes)))

    def test_groups_come_in_the_order_given_and_the_widest_first_in_each(self):
        boxes = rated_boxes((1200, 800))
        pages = pages_of(boxes, RatingProtocol())
        assert [*dict.fromkeys(page.group for page in pages)] == [
            group for group in GROUPS if any(page.group == group for page in pages)
        ]
        for group in GROUPS:
            crops = [boxes[crop] for page in pages if page.group == group for crop in page.crops]
            aspects = [box.width / box.height for box in crops]
            assert aspects == sorted(aspects, reverse=True)

    @pytest.mark.parametrize("most", [1, 4, 6])
    def test_only_a_groups_last_page_has_room_left(self, most):
        pages = pages_of(rated_boxes((1200, 800)), RatingProtocol(crops_per_page=most))
        for page, following in pairwise(pages):
            assert len(page.crops) == most or following.group != page.group

    def test_other_groups_can_be_chosen(self):
        boxes = [Box(0, 0, 30, 10), Box(0, 0, 10, 10), Box(0, 0, 10, 12)]
        pages = pages_of(boxes, RatingProtocol(groups=("1:1", "2:1")))
        assert [(page.group, page.crops) for page in pages] == [("1:1", (1, 2)), ("2:1", (0,))]

    def test_a_photograph_without_crops_has_no_pages(self):
        assert pages_of([], RatingProtocol()) == ()


class TestOrders:
    @pytest.mark.parametrize("order", ["balanced", "random"])
    def test_every_photograph_comes_once(self, order):
        protocol = RatingProtocol(order=order)
        for rater in range(1, 9):
            assert sorted(photograph_order(10, protocol.order, protocol.seed, rater)) == list(range(10))

    def test_balanced_raters_share_one_order_and_start_evenly_spread_over_it(self):
        orders = [photograph_order(16, "balanced", 0, rater) for rater in range(1, 9)]
        starts = [orders[0].index(order[0]) for order in orders]
        for order, start in zip(orders, starts, strict=True):
            assert order == orders[0][start:] + orders[0][:start]
        assert sorted(starts) == [0, 2, 4, 6, 8, 10, 12, 14]
        assert sorted(starts[:4]) == [0, 4, 8, 12]

    def test_balanced_raters_who_stop_halfway_leave_photographs_with_about_as_many_ratings(self):
        seen = Counter()
        for rater in range(1, 17):
            seen.update(photograph_order(40, "balanced", 0, rater)[:20])
        assert max(seen.values()) - min(seen.values()) <= 1

    def test_random_raters_have_orders_of_their_own(self):
        orders = {photograph_order(10, "random", 0, rater) for rater in range(1, 9)}
        assert len(orders) == 8

    def test_the_seed_says_which_order(self):
        assert photograph_order(10, "balanced", 1, 1) != photograph_order(10, "balanced", 0, 1)

    def test_the_order_is_the_same_on_every_machine(self):
        assert photograph_order(6, "balanced", 0, 1) == (1, 5, 0, 2, 4, 3)


class TestRepeats:
    PAGES = (5, 4, 6, 5, 5, 4, 6, 5, 5, 5)

    def test_a_share_of_the_pages_comes_again(self):
        visits = programme(self.PAGES, RatingProtocol(repeats=0.2), 1)
        repeats = [visit for visit in visits if visit.is_repeat]
        assert len(repeats) == 10
        assert all(len(visit.pages) == 1 for visit in repeats)
        assert len({(visit.photograph, visit.pages) for visit in repeats}) == 10

    def test_without_repeats_every_photograph_is_visited_once(self):
        visits = programme(self.PAGES, RatingProtocol(repeats=0), 1)
        assert [visit.photograph for visit in visits] == list(photograph_order(10, "balanced", 0, 1))
        assert all(visit.pages == tuple(range(self.PAGES[visit.photograph])) for visit in visits)

    @pytest.mark.parametrize("rater", range(1, 6))
    @pytest.mark.parametrize("gap", [0, 3, 7])
    def test_a_repeat_comes_so_many_photographs_later_or_at_the_end(self, gap, rater):
        visits = programme(self.PAGES, RatingProtocol(repeats=0.3, repeat_gap=gap), rater)
        first = [visit.photograph for visit in visits if not visit.is_repeat]
        for number, visit in enumerate(visits):
            if visit.is_repeat:
                passed = sum(not earlier.is_repeat for earlier in visits[:number])
                place = first.index(visit.photograph)
                assert passed - 1 >= min(place + gap, len(first) - 1)

    def test_a_programme_is_the_same_on_every_call_and_differs_between_raters(self):
        protocol = RatingProtocol(repeats=0.2)
        assert programme(self.PAGES, protocol, 1) == programme(self.PAGES, protocol, 1)
        drawn = {
            frozenset((v.photograph, v.pages) for v in programme(self.PAGES, protocol, rater) if v.is_repeat)
            for rater in range(1, 5)
        }
        assert len(drawn) == 4

    def test_a_project_of_nothing_has_an_empty_programme(self):
        assert programme([], RatingProtocol(), 1) == ()


class TestSettings:
    def test_they_survive_json(self):
        import json

        protocol = RatingProtocol(grid=GridSpec(bins_x=10, corner_x=3), groups=("1:1", "16:9"), repeats=0.1)
        assert RatingProtocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"groups": ()}, "one or more ratios"),
            ({"groups": ("1:1", "1:1")}, "each given once"),
            ({"groups": ("wide",)}, "wide"),
            ({"crops_per_page": 7}, "1 to 6 crops; got 7"),
            ({"order": "sorted"}, "got 'sorted'"),
            ({"repeats": 0.6}, "from 0 to 0.5; got 0.6"),
            ({"repeat_gap": -1}, "at least 0; got -1"),
        ],
    )
    def test_values_out_of_range_are_refused(self, wrong, sentence):
        with pytest.raises(RequestError, match=sentence):
            RatingProtocol(**wrong)
