"""The search: what every returned box fulfils, whatever else is asked for."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadrage import AspectRatio, Cropper, CropRequest
from cadrage.candidates import grid_anchors, largest_box, ratio_candidates

PHOTOGRAPHS = Path(__file__).parents[1] / "examples" / "photographs"
RATIOS = ("16:9", "1:1", "4:5", "1.91", "9:16")


@pytest.fixture(scope="module")
def cropper(tiny_entry) -> Cropper:
    """A cropper that likes brightness; see ``tiny_entry``."""
    return Cropper(tiny_entry, threads=1)


def noise(size_wh, seed=0):
    """A photograph of grey blotches, so that some crops are brighter than others."""
    width, height = size_wh
    blotches = np.random.default_rng(seed).integers(0, 256, (7, 9), dtype=np.uint8)
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 9 // width
    return np.repeat(blotches[rows][:, columns, None], 3, axis=2)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seed", range(5))
def test_it_is_never_worse_than_the_coarse_candidates(cropper, ratio, seed):
    photo = noise((640, 420), seed)
    coarse = cropper.score(photo, ratio_candidates((640, 420), AspectRatio.parse(ratio)))
    assert cropper.crop(photo, ratio).best.score >= coarse.max()


def test_rounds_of_neighbours_find_better_boxes_than_the_coarse_ones():
    shipped = Cropper(threads=1)
    gains = []
    for name in ("coffee", "chelsea", "rocket"):
        photo = shipped.open(PHOTOGRAPHS / f"{name}.jpg")
        coarse = shipped.score(photo.source, ratio_candidates(photo.size_wh, AspectRatio(1, 1)))
        gains.append(shipped.crop(photo.source, "1:1", subject=0).best.score - coarse.max())
    assert min(gains) >= 0
    assert np.mean(gains) > 0.01


ZERO = np.zeros((1, 2))
frames = st.tuples(st.integers(40, 900), st.integers(40, 900))


@st.composite
def frames_with_boxes(draw, boxes=2):
    width, height = draw(frames)
    kept = []
    for _ in range(draw(st.integers(0, boxes))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        kept.append((x1, y1, draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))))
    return (width, height), kept


@settings(max_examples=60)
@given(
    frames_with_boxes(),
    st.sampled_from(("free", "original", *RATIOS)),
    st.none() | st.floats(0.05, 0.9),
    st.none() | st.floats(0.2, 0.9),
    st.sampled_from(["best", "minimal", "keep-full"]),
)
def test_boxes_to_keep_are_kept_whenever_that_is_possible(cropper, frame, ratio, max_area, min_size, policy):
    size_wh, keep = frame
    result = cropper.crop(
        noise(size_wh), ratio, keep=keep, max_area=max_area, min_size=min_size, policy=policy, top=3
    )
    shape = (
        None
        if ratio == "free"
        else AspectRatio(*size_wh)
        if ratio == "original"
        else AspectRatio.parse(ratio)
    )
    most_w, most_h = size_wh
    if shape is not None:
        largest = largest_box(size_wh, shape)
        most_w, most_h = largest.width, largest.height
    low, high = (np.array([b[:2] for b in keep]), np.array([b[2:] for b in keep])) if keep else (ZERO, ZERO)
    possible = (high.max(axis=0) - low.min(axis=0) <= [most_w, most_h]).all()
    for crop in result.crops:
        x1, y1, x2, y2 = crop.box.rounded()
        assert 0 <= x1 < x2 <= size_wh[0]
        assert 0 <= y1 < y2 <= size_wh[1]
        if possible:
            assert "keep" not in crop.broken
        if "keep" not in crop.broken:
            assert all(x1 <= b[0] and y1 <= b[1] and x2 >= b[2] and y2 >= b[3] for b in keep)
        if shape is not None and "keep" not in crop.broken and not keep:
            short, long = sorted((x2 - x1, y2 - y1))
            ideal = short * max(shape.value, 1 / shape.value)
            assert short < 3 or abs(long - ideal) <= 0.51
        if max_area is not None and "max_area" not in crop.broken:
            assert crop.box.area <= max_area * size_wh[0] * size_wh[1] * (1 + 1e-9) + 1


@settings(max_examples=25)
@given(frames, st.integers(1, 6))
def test_the_box_is_the_same_for_every_size_of_one_ratio(cropper, size_wh, times):
    photo = noise(size_wh)
    ratio = cropper.crop(photo, "8:5").best
    sized = cropper.crop(photo, size=(8 * times, 5 * times), upscale=True).best
    assert (sized.box, sized.score) == (ratio.box, ratio.score)


def test_the_answer_is_the_same_for_any_number_of_threads_any_order_and_every_run():
    photos = [PHOTOGRAPHS / f"{name}.jpg" for name in ("coffee", "rocket", "astronaut")]
    alone = {photo: Cropper(threads=1).crop(photo, ("1:1", "free"), top=2) for photo in photos}
    several = Cropper(threads=3)
    for photo in (*reversed(photos), *photos):
        assert several.crop(photo, ("1:1", "free"), top=2) == alone[photo]


def test_alternatives_differ_and_descend(cropper):
    crops = cropper.crop(noise((640, 420)), "4:5", top=4, max_overlap=0.6).crops
    assert [crop.adjusted for crop in crops] == sorted((crop.adjusted for crop in crops), reverse=True)
    assert len({crop.box for crop in crops}) == len(crops) > 1


class TestPolicies:
    def test_keep_full_leaves_alone_what_could_hardly_be_better(self, cropper):
        photo = np.full((300, 400, 3), 200, np.uint8)
        photo[:20] = 180
        for ratio, whole in (("free", (0, 0, 400, 300)), ("4:3", (0, 0, 400, 300))):
            full = cropper.crop(photo, ratio, policy="keep-full").best
            assert full.box.as_tuple() == whole
            assert full.margin == 0
            assert cropper.crop(photo, ratio, policy="keep-full", tolerance=0).best.margin >= 0

    def test_keep_full_crops_where_that_is_clearly_better(self, cropper):
        photo = np.zeros((300, 400, 3), np.uint8)
        photo[:, 200:] = 255
        best = cropper.crop(photo, "1:1", policy="keep-full").best
        assert best.margin > 0.15
        assert best == cropper.crop(photo, "1:1").best

    def test_minimal_takes_the_largest_that_is_hardly_worse(self, cropper):
        photo = noise((640, 420))
        best, minimal = (cropper.crop(photo, "1:1", policy=policy).best for policy in ("best", "minimal"))
        assert minimal.box.area >= best.box.area
        assert best.score - 0.15 - 1e-9 <= minimal.score <= best.score


def test_free_means_the_grid_anchors_unless_wishes_call_for_more(cropper):
    photo = noise((640, 420))
    anchors = {tuple(box) for box in grid_anchors((640, 420), corners="rounded").tolist()}
    assert {crop.box.as_tuple() for crop in cropper.crop(photo, top=5).crops} <= anchors
    small = cropper.crop(photo, max_area=0.1, top=5).crops
    assert all(crop.box.area <= 0.1 * 640 * 420 for crop in small)


def test_the_broken_wish_is_the_least_important_one(cropper):
    best = cropper.crop(noise((600, 300)), "1:1", keep=[(0, 0, 290, 290)], min_area=0.9, headroom=0.1).best
    assert best.broken == ("min_area", "headroom")
    assert best.box.x1 == 0
    assert best.box.height == 300


def test_a_request_answers_each_ratio_as_if_alone(cropper):
    photo = noise((640, 420))
    wishes = {"keep": [(100, 100, 200, 200)], "focus": (150, 150), "min_area": 0.2}
    together = cropper.crop(photo, (*RATIOS, "free"), **wishes)
    for group in together.groups:
        assert cropper.crop(photo, group.ratio, **wishes).groups == (group,)


def test_a_request_is_given_whole_or_in_parts(cropper):
    request = CropRequest(("1:1",), top=2)
    photo = noise((640, 420))
    assert cropper.crop(photo, request=request) == cropper.crop(photo, "1:1", top=2)
