import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadrage.candidates import (
    OFFICIAL_PYTORCH_GRID,
    OFFICIAL_RATIO_UNITS,
    PAPER_GRID,
    RELEASED_LABELS_GRID,
    GridSpec,
    SizeLimits,
    anchor_bins,
    bins_of,
    feasible_bins,
    free_candidates,
    grid_anchors,
    largest_box,
    nearest_size,
    official_ratio_anchors,
    ratio_candidates,
    ratio_lattice,
    ratio_sizes,
)
from cadrage.candidates.ratios import COARSE_SIZES, SIZES
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, areas

sides = st.integers(1, 4000)
frames = st.tuples(sides, sides)
whole_ratios = st.builds(AspectRatio, st.integers(1, 30), st.integers(1, 30))
ratios = st.one_of(whole_ratios, st.floats(0.05, 20).map(lambda value: AspectRatio(value, 1)))

ODD_FRAMES = [(1, 1), (1, 5000), (5000, 1), (2, 2), (3, 1), (11, 13), (4000, 500)]

RELEASED_STRICT = GridSpec(bounds="strict")


def test_the_default_grid_has_the_90_anchors_of_the_annotation_program_in_its_order():
    # GAIC: r1, c1 in 0..3, r2, c2 in 8..11, over 0.4999 of 144 cells, counted r1, c1, r2, c2 outer to inner.
    blocks = itertools.product(range(4), range(4), range(8, 12), range(8, 12))
    expected = [(c1, r1, c2, r2) for r1, c1, r2, c2 in blocks if (r2 - r1) * (c2 - c1) > 0.4999 * 144]
    assert len(expected) == 90
    assert feasible_bins(GridSpec()).tolist() == [list(row) for row in expected]


def test_24_anchors_cover_exactly_half_of_the_cells():
    bins = feasible_bins(GridSpec())
    cells = (bins[:, 2] - bins[:, 0]) * (bins[:, 3] - bins[:, 1])
    assert (cells == 72).sum() == 24
    assert (cells > 72).sum() == 66


@pytest.mark.parametrize(
    ("frame", "official", "paper", "released", "released_strict"),
    [
        # Counts on exact ratios. At 16:9, 9:16 and 2:1 anchors lie exactly on 2.0, 0.5 or 2.2.
        ((1, 1), 90, 90, 90, 90),
        ((4, 3), 87, 87, 90, 90),
        ((3, 2), 83, 83, 87, 87),
        ((16, 9), 60, 72, 75, 75),
        ((2, 1), 38, 52, 54, 52),
        ((3, 4), 87, 87, 87, 87),
        ((2, 3), 83, 83, 83, 83),
        ((9, 16), 60, 72, 72, 60),
    ],
)
@pytest.mark.parametrize("scale", [1, 64, 683])
def test_the_number_of_anchors_follows_the_frame_and_the_rule_for_bounds(
    frame, official, paper, released, released_strict, scale
):
    specs = (OFFICIAL_PYTORCH_GRID, PAPER_GRID, RELEASED_LABELS_GRID, RELEASED_STRICT)
    size_wh = (frame[0] * scale, frame[1] * scale)
    counts = tuple(len(grid_anchors(size_wh, spec)) for spec in specs)
    assert counts == (official, paper, released, released_strict)


@pytest.mark.parametrize(
    ("size_wh", "count"), [((384, 256), 83), ((352, 256), 87), ((448, 256), 72), ((512, 256), 38)]
)
def test_the_official_inference_grid_on_resized_frames(size_wh, count):
    assert len(grid_anchors(size_wh, OFFICIAL_PYTORCH_GRID)) == count


@pytest.mark.parametrize(
    ("bins", "corner", "counts"),
    [
        # GAIC, TPAMI 2020, table 2 prints averages over images; these frames bracket them.
        (10, 3, (29, 31, 20)),
        (12, 4, (83, 87, 72)),
        (16, 5, (234, 251, 182)),
    ],
)
def test_the_grids_of_the_pilot_study(bins, corner, counts):
    spec = GridSpec(bins, bins, corner, corner, max_aspect=2.0)
    assert tuple(len(grid_anchors(frame, spec)) for frame in [(3, 2), (4, 3), (16, 9)]) == counts


@pytest.mark.parametrize(("bins", "corner", "count"), [(14, 5, 168), (16, 6, 282)])
def test_the_finer_grids_of_the_matlab_code(bins, corner, count):
    assert len(feasible_bins(GridSpec(bins, bins, corner, corner))) == count


def test_rounded_corners_are_those_of_the_released_labels():
    boxes = grid_anchors((1024, 1024), corners="rounded")
    positions = [43, 128, 213, 299, 384, 469, 555, 640, 725, 811, 896, 981]
    assert sorted(set(boxes.ravel())) == positions[:4] + positions[8:]
    wide = grid_anchors((1024, 576), corners="rounded").tolist()
    assert [43, 24, 811, 408] in wide
    # Ratio 2.218: stored with MOS -2 in the released file.
    assert [43, 24, 896, 408] not in wide


def test_exact_corners_are_bin_centres():
    # Bins of 2 x 3 pixels; the first anchor spans 9 columns and 8 rows, exactly half of the cells.
    boxes = grid_anchors((24, 36))
    assert boxes[0].tolist() == [1, 1.5, 19, 25.5]
    assert set(boxes[:, 0]) == {1, 3, 5, 7}
    assert set(boxes[:, 3]) == {25.5, 28.5, 31.5, 34.5}


def test_rows_and_columns_can_differ():
    spec = GridSpec(bins_x=16, bins_y=8, corner_x=5, corner_y=3, min_area=0.4, min_aspect=0.2, max_aspect=9)
    bins = anchor_bins((1600, 800), spec)
    assert bins.min(axis=0).tolist() == [0, 0, 11, 5]
    assert bins.max(axis=0).tolist() == [4, 2, 15, 7]
    assert grid_anchors((1600, 800), spec)[0].tolist() == (100 * (bins[0] + 0.5)).tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corner_x": 7}, "corner_x must be from 1 to half of bins_x"),
        ({"corner_y": 0}, "corner_y must be from 1"),
        ({"bins_y": 6}, "corner_y must be from 1 to half of bins_y"),
        ({"min_area": 1.0}, "min_area must be below 1"),
        ({"min_area": 0.1}, "at least 0.1736"),
        ({"min_area": 0.9}, "leaves no anchor: the largest of this grid covers 0.8403"),
        ({"min_aspect": 0.0}, "0 < min_aspect"),
        ({"min_aspect": 3.0}, "min_aspect <= max_aspect"),
        ({"max_aspect": float("inf")}, "Aspect bounds"),
        ({"min_area": float("nan")}, "min_area"),
        ({"bounds": "loose"}, "'inclusive' or 'strict'"),
    ],
)
def test_a_grid_outside_the_formulation_is_refused(change, message):
    with pytest.raises(RequestError, match=message):
        GridSpec(**change)


@pytest.mark.parametrize("size_wh", [(0, 10), (10, 0), (-1, 5)])
@pytest.mark.parametrize(
    "candidates", [grid_anchors, largest_box, lambda size: ratio_candidates(size, AspectRatio(1, 1))]
)
def test_a_frame_without_pixels_is_refused(size_wh, candidates):
    with pytest.raises(RequestError, match="at least one pixel"):
        candidates(size_wh)


def test_an_unknown_corner_convention_is_refused():
    with pytest.raises(RequestError, match="'exact' or 'rounded'"):
        grid_anchors((10, 10), corners="truncated")


def test_a_panorama_beyond_the_bounds_gets_the_anchors_no_wider_than_itself():
    aspects = [(x2 - x1) / (y2 - y1) for x1, y1, x2, y2 in grid_anchors((4000, 1000))]
    assert len(aspects) == 52
    assert max(aspects) == pytest.approx(4.0)


@pytest.mark.parametrize("size_wh", ODD_FRAMES)
@pytest.mark.parametrize("corners", ["exact", "rounded"])
@pytest.mark.parametrize("spec", [RELEASED_LABELS_GRID, OFFICIAL_PYTORCH_GRID])
def test_every_frame_has_an_anchor(size_wh, corners, spec):
    assert len(grid_anchors(size_wh, spec, corners)) >= 1


@given(frames, st.sampled_from(["exact", "rounded"]))
def test_anchors_lie_inside_the_frame_and_differ(size_wh, corners):
    boxes = grid_anchors(size_wh, corners=corners)
    assert (boxes >= 0).all()
    assert (boxes <= [*size_wh, *size_wh]).all()
    assert (areas(boxes) > 0).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)


@given(st.integers(13, 4000), st.integers(13, 4000), st.sampled_from(["exact", "rounded"]))
def test_bins_are_found_again_from_boxes(width, height, corners):
    size_wh = (width, height)
    assert np.array_equal(bins_of(grid_anchors(size_wh, corners=corners), size_wh), anchor_bins(size_wh))


class TestRatioSizes:
    @pytest.mark.parametrize(
        ("size_wh", "ratio", "largest"),
        [
            ((1920, 1080), (16, 9), (1920, 1080)),
            ((4000, 3000), (16, 9), (4000, 2250)),
            ((1000, 1000), (16, 9), (992, 558)),
            ((1024, 683), (3, 2), (1023, 682)),
            ((1024, 683), (1, 1), (683, 683)),
            ((1024, 683), (9, 16), (378, 672)),
            ((4000, 3000), (1.91, 1), (3820, 2000)),
            # 191:100 would shrink this box by 7 %; 1018:533 is 1.90994.
            ((1024, 768), (1.91, 1), (1018, 533)),
            ((1, 5000), (16, 9), (1, 1)),
            ((1, 5000), (9, 16), (1, 2)),
            ((10, 10), (1000, 1), (10, 1)),
        ],
    )
    def test_the_largest_size_is_exact_where_the_frame_allows(self, size_wh, ratio, largest):
        assert ratio_sizes(size_wh, AspectRatio(*ratio))[0] == largest

    @pytest.mark.parametrize("size_wh", [(640, 427), (427, 640), (451, 300), (1024, 683), (6001, 4001)])
    def test_a_frame_of_odd_sides_has_smaller_sizes_near_its_own_ratio(self, size_wh):
        sizes = ratio_sizes(size_wh, AspectRatio(*size_wh))
        assert sizes[0] == size_wh
        assert len(sizes) == SIZES
        assert all(w / h == pytest.approx(size_wh[0] / size_wh[1], rel=0.002) for w, h in sizes)

    def test_a_family_spans_the_allowed_areas_evenly(self):
        sizes = ratio_sizes((1600, 1200), AspectRatio(4, 3), SizeLimits(min_area=0.25), sizes=5)
        # A quarter of the area means half of the sides: 400 to 200 times 4 x 3.
        assert sizes == [(4 * times, 3 * times) for times in (400, 350, 300, 250, 200)]

    def test_a_shape_that_covers_little_of_the_frame_still_has_room_to_shrink(self):
        sizes = ratio_sizes((6000, 4000), AspectRatio(9, 16))
        assert sizes[0] == (2250, 4000)
        shares = [width * height / (2250 * 4000) for width, height in sizes]
        assert len(shares) == SIZES
        assert 0.64 < min(shares) < 0.65

    @given(frames, ratios)
    def test_the_longer_side_is_the_shorter_times_the_ratio_to_half_a_pixel(self, size_wh, ratio):
        for size in ratio_sizes(size_wh, ratio):
            tall = ratio.value < 1
            short, long = (size[0], size[1]) if tall else (size[1], size[0])
            too_thin = short == 1 and long == size_wh[1 if tall else 0]
            ideal = short * max(ratio.value, 1 / ratio.value)
            assert too_thin or abs(long - ideal) <= 0.5 + 1e-6

    @given(frames, whole_ratios)
    def test_all_sizes_are_exact_where_the_frame_takes_twenty_multiples(self, size_wh, ratio):
        common = int(np.gcd(int(ratio.width), int(ratio.height)))
        unit = (int(ratio.width) // common, int(ratio.height) // common)
        if min(size_wh[0] // unit[0], size_wh[1] // unit[1]) >= 20:
            sizes = ratio_sizes(size_wh, ratio)
            assert all(width * unit[1] == height * unit[0] for width, height in sizes)

    @given(frames, ratios, st.floats(0, 0.99), st.integers(1, 30))
    def test_sizes_fit_descend_and_keep_to_the_count(self, size_wh, ratio, min_area, count):
        sizes = ratio_sizes(size_wh, ratio, SizeLimits(min_area=min_area), sizes=count)
        assert 1 <= len(sizes) <= count
        assert all(1 <= w <= size_wh[0] and 1 <= h <= size_wh[1] for w, h in sizes)
        assert all(
            first[0] >= second[0] and first[1] >= second[1] for first, second in itertools.pairwise(sizes)
        )
        assert len(set(sizes)) == len(sizes)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"limits": SizeLimits(min_area=1.1)}, "shares of the frame"),
            ({"limits": SizeLimits(max_area=-0.1)}, "shares of the frame"),
            ({"sizes": 0}, "At least one size"),
        ],
    )
    def test_arguments_out_of_range_are_refused(self, arguments, message):
        with pytest.raises(RequestError, match=message):
            ratio_sizes((100, 100), AspectRatio(1, 1), **arguments)


class TestNearestSize:
    @pytest.mark.parametrize(
        ("size_wh", "ratio", "scale", "found"),
        [
            ((6000, 4000), (1, 1), 0.49996, (2000, 2000)),
            ((6000, 4000), (16, 9), 0.499, (2992, 1683)),  # 2994 x 1684.1
            ((6000, 4000), (9, 16), 1, (2250, 4000)),
            ((5999, 4001), (5999, 4001), 0.5, (2972, 1982)),  # nothing but the frame is exact
            ((600, 400), (1.91, 1), 0.9, (537, 281)),  # for 540 x 282.7: 573 x 300 is too far
            ((4000, 3), (16, 9), 1, (5, 3)),
            ((1, 1), (16, 9), 0.2, (1, 1)),
        ],
    )
    def test_it_is_exact_where_such_a_size_is_near(self, size_wh, ratio, scale, found):
        assert nearest_size(size_wh, AspectRatio(*ratio), scale) == found

    @given(frames, ratios, st.floats(0, 1))
    def test_it_fits_and_is_near(self, size_wh, ratio, scale):
        size = nearest_size(size_wh, ratio, scale)
        for side, frame, largest in zip(size, size_wh, ratio.largest_within(size_wh), strict=True):
            assert 1 <= side <= frame
            assert abs(side - scale * largest) <= 0.05 * largest + 5 * max(ratio.value, 1 / ratio.value) + 1

    @given(frames, whole_ratios)
    def test_the_largest_is_that_of_the_families_in_frames_of_twenty_multiples(self, size_wh, ratio):
        if min(size_wh[0] // ratio.width, size_wh[1] // ratio.height) >= 20:
            assert nearest_size(size_wh, ratio, 1) == ratio_sizes(size_wh, ratio)[0]


class TestRatioCandidates:
    def test_a_square_slides_along_a_landscape(self):
        boxes = ratio_candidates((150, 100), AspectRatio(1, 1), SizeLimits(min_area=0.6))
        assert boxes[:3].tolist() == [[x, 0, x + 100, 100] for x in (0, 25, 50)]

    def test_largest_first_then_top_to_bottom_then_left_to_right(self):
        boxes = ratio_candidates((1024, 683), AspectRatio(4, 3))
        order = [(-(x2 - x1), y1, x1) for x1, y1, x2, _ in boxes.tolist()]
        assert order == sorted(order)
        assert len(order) == 18

    @settings(max_examples=50)
    @given(frames, ratios)
    def test_boxes_are_whole_inside_distinct_and_bounded_in_number(self, size_wh, ratio):
        boxes = ratio_candidates(size_wh, ratio)
        assert 1 <= len(boxes) <= COARSE_SIZES * 9**2
        assert np.array_equal(boxes, np.floor(boxes))
        assert (boxes >= 0).all()
        assert (boxes <= [*size_wh, *size_wh]).all()
        assert (areas(boxes) > 0).all()
        assert len(np.unique(boxes, axis=0)) == len(boxes)

    @settings(max_examples=50)
    @given(frames, ratios)
    def test_every_size_touches_all_borders_and_sits_in_the_middle(self, size_wh, ratio):
        boxes = ratio_candidates(size_wh, ratio)
        for size in np.unique(boxes[:, 2:] - boxes[:, :2], axis=0):
            family = boxes[((boxes[:, 2:] - boxes[:, :2]) == size).all(axis=1)]
            spare = np.array(size_wh) - size
            assert np.floor((spare + 1) / 2).tolist() in family[:, :2].tolist()
            for axis in (0, 1):
                if spare[axis] > size_wh[axis] / 40:
                    assert family[:, axis].min() == 0
                    assert family[:, axis + 2].max() == size_wh[axis]

    @given(frames, ratios)
    def test_equal_requests_get_equal_candidates(self, size_wh, ratio):
        assert np.array_equal(ratio_candidates(size_wh, ratio), ratio_candidates(size_wh, ratio))

    @pytest.mark.parametrize("size_wh", ODD_FRAMES)
    @pytest.mark.parametrize("text", ["16:9", "1:1", "1:1000", "1000:1"])
    def test_every_frame_has_a_candidate(self, size_wh, text):
        assert len(ratio_candidates(size_wh, AspectRatio.parse(text))) >= 1

    @settings(max_examples=200)
    @given(frames, ratios, st.data())
    def test_what_fits_into_the_largest_box_is_held_by_every_candidate(self, size_wh, ratio, data):
        widest, tallest = ratio_sizes(size_wh, ratio, sizes=1)[0]
        x1, y1 = data.draw(st.integers(0, size_wh[0] - 1)), data.draw(st.integers(0, size_wh[1] - 1))
        x2 = data.draw(st.integers(x1 + 1, min(x1 + widest, size_wh[0])))
        y2 = data.draw(st.integers(y1 + 1, min(y1 + tallest, size_wh[1])))
        limits = SizeLimits(
            max_area=data.draw(st.floats(0.01, 1)), min_area=data.draw(st.none() | st.floats(0, 1))
        )
        boxes = ratio_candidates(size_wh, ratio, limits, Box(x1, y1, x2, y2))
        assert (boxes[:, :2] <= [x1, y1]).all()
        assert (boxes[:, 2:] >= [x2, y2]).all()
        assert (boxes >= 0).all()
        assert (boxes <= [*size_wh, *size_wh]).all()

    def test_what_does_not_fit_is_cut_as_little_as_can_be(self):
        boxes = ratio_candidates((400, 100), AspectRatio(1, 1), cover=Box(50, 20, 250, 80))
        assert boxes[:, 0].min() == 50
        assert boxes[:, 2].max() == 250
        assert (boxes[:, 2] - boxes[:, 0] == 100).all()

    def test_limits_on_the_area_are_kept_to(self):
        boxes = ratio_candidates((1000, 800), AspectRatio(1, 1), SizeLimits(min_area=0.1, max_area=0.3))
        shares = areas(boxes) / 800_000
        assert 0.1 <= shares.min() < 0.11
        assert 0.29 < shares.max() <= 0.3

    def test_the_smallest_size_counts_more_than_the_largest_area(self):
        boxes = ratio_candidates((1000, 800), AspectRatio(1, 1), SizeLimits(least_wh=(700, 1), max_area=0.1))
        assert (boxes[:, 2] - boxes[:, 0] == 700).all()


class TestRatioLattice:
    @settings(max_examples=100)
    @given(frames, ratios, st.integers(1, 4))
    def test_neighbours_are_boxes_of_the_same_ratio_within_the_frame(self, size_wh, ratio, level):
        lattice = ratio_lattice(size_wh, ratio)
        coarse = lattice.coarse()
        near = lattice.neighbours(coarse, level)
        assert near.shape == (6 * len(coarse), 3)
        boxes = lattice.boxes(near)
        assert (boxes >= 0).all()
        assert (boxes <= [*size_wh, *size_wh]).all()
        assert {tuple(size) for size in (boxes[:, 2:] - boxes[:, :2]).tolist()} <= {
            *map(tuple, lattice.sizes.tolist())
        }

    def test_each_level_halves_the_step(self):
        lattice = ratio_lattice((1600, 1600), AspectRatio(1, 1))
        middle = np.array([[len(lattice.sizes) - 1, 32, 32]])
        steps = [
            np.abs(lattice.boxes(lattice.neighbours(middle, level))[2, 0] - lattice.boxes(middle)[0, 0])
            for level in (1, 2, 3)
        ]
        assert steps == pytest.approx([133, 67, 33], abs=6)


class TestFreeCandidates:
    def test_without_wishes_they_are_the_grid_anchors(self):
        assert np.array_equal(free_candidates((900, 600)), grid_anchors((900, 600), corners="rounded"))

    @settings(max_examples=50)
    @given(frames, st.data())
    def test_some_hold_any_cover_and_lie_within_the_frame(self, size_wh, data):
        x1, y1 = data.draw(st.integers(0, size_wh[0] - 1)), data.draw(st.integers(0, size_wh[1] - 1))
        cover = Box(
            x1, y1, data.draw(st.integers(x1 + 1, size_wh[0])), data.draw(st.integers(y1 + 1, size_wh[1]))
        )
        boxes = free_candidates(size_wh, cover=cover)
        assert (
            (boxes[:, :2] <= [cover.x1, cover.y1]).all(1) & (boxes[:, 2:] >= [cover.x2, cover.y2]).all(1)
        ).any()
        assert (boxes >= 0).all()
        assert (boxes <= [*size_wh, *size_wh]).all()
        assert len(np.unique(boxes, axis=0)) == len(boxes)

    def test_small_areas_are_offered_where_they_are_asked_for(self):
        shares = areas(free_candidates((900, 600), SizeLimits(max_area=0.2, min_area=0.1))) / 540_000
        assert ((shares >= 0.1) & (shares <= 0.2)).sum() > 50


class TestLargestBox:
    def test_free_it_is_the_largest_anchor(self):
        # Corners on the outermost bin centres: a 24th of each side is cut off.
        assert largest_box((1200, 960)).as_tuple() == (50, 40, 1150, 920)

    def test_free_in_a_panorama_it_is_the_first_of_the_largest_within_the_bounds(self):
        # At 3:1 the bound of 2.2 leaves spans of 8 x 11 cells, the first of them at the left.
        assert largest_box((1200, 400)).as_tuple() == pytest.approx((50, 400 / 24, 850, 400 * 23 / 24))

    def test_with_a_ratio_it_is_centred(self):
        assert largest_box((1024, 683), AspectRatio(1, 1)).as_tuple() == (171, 0, 854, 683)

    @given(frames, ratios)
    def test_it_is_one_of_the_candidates_and_none_is_larger(self, size_wh, ratio):
        for candidates, box in (
            (grid_anchors(size_wh), largest_box(size_wh)),
            (ratio_candidates(size_wh, ratio), largest_box(size_wh, ratio)),
        ):
            assert list(box.as_tuple()) in candidates.tolist()
            assert areas(candidates).max() <= box.area * (1 + 1e-9)

    def test_rounded_it_is_one_of_the_rounded_anchors_of_every_small_frame(self):
        for size_wh in itertools.product(range(1, 25), range(1, 25)):
            rounded = list(largest_box(size_wh).rounded())
            assert rounded in grid_anchors(size_wh, corners="rounded").tolist()


class TestOfficialRatioAnchors:
    def test_sizes_are_multiples_of_the_unit_over_0_4_of_the_frame(self):
        boxes = official_ratio_anchors((384, 256), OFFICIAL_RATIO_UNITS["16:9"])
        widths = boxes[:, 2] - boxes[:, 0] + 1
        # 144 i^2 > 0.4 * 384 * 256 from i = 17; 16 i < 384 up to i = 23.
        assert sorted(set(widths)) == [16 * i for i in range(17, 24)]
        assert np.array_equal(16 * (boxes[:, 3] - boxes[:, 1] + 1), 9 * widths)

    def test_boxes_start_at_multiples_of_the_unit_before_the_last_place(self):
        boxes = official_ratio_anchors((384, 256), OFFICIAL_RATIO_UNITS["1:1"])
        largest = boxes[boxes[:, 2] - boxes[:, 0] + 1 == 252]
        # 252 is the largest multiple of 12 under 256: 4 pixels to spare down, 132 across.
        assert set(largest[:, 1]) == {0}
        assert largest[:, 0].tolist() == [12 * i for i in range(11)]

    def test_a_portrait_may_have_none(self):
        assert official_ratio_anchors((256, 384), OFFICIAL_RATIO_UNITS["16:9"]).shape == (0, 4)
