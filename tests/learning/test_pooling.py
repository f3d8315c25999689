"""Clean pooling against the same sums written out one sample at a time."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cadrage.learning.pooling import axis_weights, hat_weights, rod_clean, roi_clean, whole_map

STRIDE, OFFSET, SIZE, SAMPLES = 16, 7.5, 3, 2
HEIGHT, WIDTH = 5, 7
"""Of the feature maps, in cells; the raster is 112 x 80 pixels."""

BOXES = [
    [0, 0, 112, 80],  # the full frame
    [16, 16, 96, 64],
    [3.25, 7.5, 88.125, 61],
    [40, 30, 41, 31],  # within one cell
    [0, 60, 20, 80],
    [-8, -4, 60, 90],  # beyond the frame
]


def features(images=1, channels=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand((images, channels, HEIGHT, WIDTH), generator=generator, dtype=dtype)


def boxes(rows=BOXES):
    return torch.tensor(rows, dtype=torch.float64)


def bilinear(plane, x, y):
    """The map at raster coordinates, borders continued outward."""
    row = min(max((y - OFFSET) / STRIDE, 0), HEIGHT - 1)
    column = min(max((x - OFFSET) / STRIDE, 0), WIDTH - 1)
    top, left = min(int(row), HEIGHT - 2), min(int(column), WIDTH - 2)
    down, right = row - top, column - left
    upper = plane[top, left] * (1 - right) + plane[top, left + 1] * right
    lower = plane[top + 1, left] * (1 - right) + plane[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def overlap(low, high, start, end):
    """The share of a stretch that a span covers."""
    return max(0.0, min(high, end) - max(low, start)) / (high - low)


def slow(plane, span_xyxy, hole_xyxy=None):
    """Average a span over the bins, its samples weighted by how much of their patch is outside of a hole."""
    x1, y1, x2, y2 = span_xyxy
    count = SIZE * SAMPLES
    patch_w, patch_h = (x2 - x1) / count, (y2 - y1) / count
    bins = np.zeros((SIZE, SIZE))
    for i, j in itertools.product(range(count), repeat=2):
        left, top = x1 + j * patch_w, y1 + i * patch_h
        value = bilinear(plane, left + patch_w / 2, top + patch_h / 2)
        if hole_xyxy is not None:
            covered_x = overlap(left, left + patch_w, hole_xyxy[0], hole_xyxy[2])
            covered_y = overlap(top, top + patch_h, hole_xyxy[1], hole_xyxy[3])
            value *= 1 - covered_x * covered_y
        bins[i // SAMPLES, j // SAMPLES] += value / SAMPLES**2
    return bins


HOW = {"size": SIZE, "samples": SAMPLES, "stride": STRIDE, "offset": OFFSET}
WHOLE = {"bins": SIZE, "samples": SAMPLES, "stride": STRIDE, "offset": OFFSET}


@pytest.mark.parametrize("box", BOXES)
def test_a_region_of_interest_is_the_average_of_its_samples(box):
    expected = [slow(plane, box) for plane in features()[0].numpy()]
    np.testing.assert_allclose(roi_clean(features(), boxes([box]), **HOW)[0], expected, atol=1e-12)


@pytest.mark.parametrize("box", BOXES)
def test_a_region_of_discard_is_the_average_of_the_frame_without_the_box(box):
    frame = [0, 0, WIDTH * STRIDE, HEIGHT * STRIDE]
    expected = [slow(plane, frame, hole_xyxy=box) for plane in features()[0].numpy()]
    np.testing.assert_allclose(rod_clean(features(), boxes([box]), **HOW)[0], expected, atol=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=5), st.integers(1, 9))
def test_bilinear_weights_sum_to_one(positions, length):
    weights = hat_weights(torch.tensor(positions, dtype=torch.float64), length)
    assert weights.shape == (len(positions), length)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(len(positions), dtype=torch.float64))


def test_rows_of_pooling_matrices_sum_to_one():
    starts, ends = boxes()[:, 0], boxes()[:, 2]
    weights = axis_weights(starts, ends, WIDTH, bins=9, samples=2, stride=STRIDE, offset=OFFSET)
    assert weights.shape == (len(BOXES), 9, WIDTH)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(len(BOXES), 9, dtype=torch.float64))


def test_the_region_of_interest_of_the_full_frame_is_the_whole_map():
    torch.testing.assert_close(roi_clean(features(), boxes(BOXES[:1]), **HOW), whole_map(features(), **WHOLE))


def test_discarding_nothing_leaves_the_whole_map():
    nothing = boxes([[40, 30, 40, 30], [-50, 10, -10, 40], [112, 0, 200, 80]])
    whole = whole_map(features(), **WHOLE)
    torch.testing.assert_close(rod_clean(features(), nothing, **HOW), whole.expand(3, -1, -1, -1))


def test_a_box_over_the_full_frame_discards_nothing_that_is_left():
    full = boxes([[0, 0, 112, 80], [-20, -20, 200, 200]])
    torch.testing.assert_close(
        rod_clean(features(), full, **HOW), torch.zeros(2, 2, SIZE, SIZE, dtype=torch.float64)
    )


def test_of_a_constant_map_the_discard_is_the_uncovered_share_of_each_bin():
    ones = torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    left_half = boxes([[0, 0, 56, 80]])
    expected = torch.tensor([[0.0, 0.5, 1.0]] * 3, dtype=torch.float64)
    torch.testing.assert_close(rod_clean(ones, left_half, **HOW)[0, 0], expected)
    torch.testing.assert_close(roi_clean(ones, left_half, **HOW)[0, 0], torch.ones_like(expected))


coordinate = st.floats(0, 1)


@settings(max_examples=50, deadline=None)
@given(st.tuples(coordinate, coordinate, coordinate, coordinate), st.floats(-0.05, 0.05), st.integers(0, 3))
def test_the_hole_moves_continuously_with_the_box(place, shift, edge):
    x1, y1, wide, high = place
    box = torch.tensor([[100 * x1, 70 * y1, 100 * x1 + 12 * wide, 70 * y1 + 10 * high]], dtype=torch.float64)
    moved = box.clone()
    moved[0, edge] += shift
    change = (rod_clean(features(), moved, **HOW) - rod_clean(features(), box, **HOW)).abs().max()
    # Values are below 1; a shift uncovers at most that share of a bin, of 26 pixels at least.
    assert change <= abs(shift) / (HEIGHT * STRIDE / SIZE) + 1e-12


@pytest.mark.parametrize("operator", [roi_clean, rod_clean])
def test_gradients_with_respect_to_features_and_boxes(operator):
    # Away from the kinks, where a sample meets a cell's centre or an edge meets a patch's.
    somewhere = boxes([[5.3, 9.1, 90.7, 66.2], [20.9, 3.7, 70.1, 50.3]]).requires_grad_()
    inputs = (features().requires_grad_(), somewhere)
    assert torch.autograd.gradcheck(lambda maps, rows: operator(maps, rows, **HOW), inputs)


@pytest.mark.parametrize("operator", [roi_clean, rod_clean])
def test_several_images_at_once_equal_one_at_a_time(operator):
    maps, rows = features(images=3), boxes()
    index = torch.tensor([2, 0, 1, 1, 0, 2])
    together = operator(maps, rows, index, **HOW)
    for position, image in enumerate(index.tolist()):
        alone = operator(maps[image : image + 1], rows[position : position + 1], **HOW)
        torch.testing.assert_close(together[position : position + 1], alone)


@pytest.mark.parametrize("operator", [roi_clean, rod_clean])
def test_one_image_needs_no_index(operator):
    index = torch.zeros(len(BOXES), dtype=torch.int64)
    torch.testing.assert_close(
        operator(features(), boxes(), **HOW), operator(features(), boxes(), index, **HOW)
    )


@pytest.mark.parametrize("operator", [roi_clean, rod_clean])
def test_a_mirrored_map_gives_mirrored_regions(operator):
    centred = {**HOW, "offset": 8.0}  # where half-open cells of 16 pixels have their centres
    x1, y1, x2, y2 = boxes().unbind(1)
    mirrored = torch.stack([112 - x2, y1, 112 - x1, y2], dim=1)
    torch.testing.assert_close(
        operator(features().flip(-1), mirrored, **centred), operator(features(), boxes(), **centred).flip(-1)
    )


@pytest.mark.parametrize("operator", [roi_clean, rod_clean])
def test_no_boxes_give_no_regions(operator):
    assert operator(features(), torch.zeros(0, 4, dtype=torch.float64), **HOW).shape == (0, 2, SIZE, SIZE)
