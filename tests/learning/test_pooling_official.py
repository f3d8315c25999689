"""Official RoI and RoD pooling, against a literal transcription that loops over sample points."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from official_reference import pooled, rod_align, roi_align

from cadrage.learning.pooling_official import rod_official, roi_official

PAIRS = [pytest.param(roi_official, roi_align, id="roi"), pytest.param(rod_official, rod_align, id="rod")]
HEIGHT, WIDTH = 16, 24  # cells of a 384x256 raster


def random_maps(batch=2, channels=3, height=HEIGHT, width=WIDTH, dtype=torch.float64):
    return torch.randn(
        batch, channels, height, width, dtype=dtype, generator=torch.Generator().manual_seed(5)
    )


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float64)


BORDER_BOXES = boxes_of(
    [0, 0, 384, 256],  # the whole raster
    [16, 16, 368, 240],  # ends one cell before the border
    [16, 10, 112, 246],
    [48, 32, 367, 239],
    [200, 100, 384, 256],
    [0, 0, 1, 1],
    [144.25, 86.5, 300.75, 200.125],  # the demo does not round
    [-20, -3, 400, 270],  # nobody clamps
    [300, 40, 80, 200],  # mirrored wrongly by the official augmentation
)


@pytest.mark.parametrize(("operator", "reference"), PAIRS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_official_loops(operator, reference, dtype):
    maps = random_maps(dtype=dtype)
    index = torch.arange(len(BORDER_BOXES)) % 2
    result = operator(maps, BORDER_BOXES, index)
    assert result.dtype == dtype
    expected = pooled(reference, maps, BORDER_BOXES, index)
    torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("operator", "reference"), PAIRS)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), height=st.integers(2, 20), width=st.integers(2, 30), size=st.sampled_from([9, 5]))
def test_equals_the_official_loops_for_any_whole_box_and_map(operator, reference, data, height, width, size):
    def corners(length):
        return st.lists(st.integers(0, 16 * length), min_size=2, max_size=2, unique=True).map(sorted)

    (x1, x2), (y1, y2) = data.draw(corners(width)), data.draw(corners(height))
    maps, boxes = random_maps(1, 2, height, width), boxes_of([x1, y1, x2, y2])
    expected = pooled(reference, maps, boxes, [0], size=size)
    torch.testing.assert_close(operator(maps, boxes, size=size), expected, rtol=1e-5, atol=1e-5)


def test_a_sample_at_the_length_of_the_map_is_zero():
    # 16..368 of 384 pixels: samples at 1, 3.556, ..., 21.444 and exactly 24.0, the length of the map.
    ones = torch.ones(1, 1, HEIGHT, WIDTH)
    regions = roi_official(ones, boxes_of([16, 64, 368, 160]))[0, 0]
    expected = torch.ones(9, 9)
    expected[:, 8] = 0.5  # the mean of a sample that is 1 and one that is 0
    torch.testing.assert_close(regions, expected)


def test_a_sample_in_the_last_cell_is_extrapolated():
    # 16..352: samples at i * 22/9 + 1; the last, at 23.0, is the last cell. One pixel more: 23.0625 lies beyond it.
    ramp = torch.arange(WIDTH, dtype=torch.float64).expand(1, 1, HEIGHT, WIDTH)
    for x2, last in ((352, 23.0), (353, 23.0625)):
        step = (last - 1) / 9
        regions = roi_official(ramp, boxes_of([16, 64, x2, 160]))
        assert regions[0, 0, 4, 8].item() == pytest.approx(last - step / 2, abs=1e-6)


def test_a_region_is_one_cell_longer_than_its_box():
    ramp = torch.arange(WIDTH, dtype=torch.float64).expand(1, 1, HEIGHT, WIDTH)
    regions = roi_official(ramp, boxes_of([32, 64, 160, 160]))[0, 0]
    centres = 2 + (torch.arange(9, dtype=torch.float64) + 0.5) * (8 + 1) / 9
    torch.testing.assert_close(regions, centres.expand(9, 9), rtol=0, atol=1e-6)


def test_a_mirrored_box_samples_one_column_and_discards_nothing():
    maps, mirrored = random_maps(1), boxes_of([300, 32, 80, 200])
    columns = roi_official(maps, mirrored)
    torch.testing.assert_close(columns, columns[..., :1].expand_as(columns))
    nothing = boxes_of([-32, -32, -16, -16])
    torch.testing.assert_close(rod_official(maps, mirrored), rod_official(maps, nothing))


def test_the_region_of_discard_of_the_whole_frame_is_empty():
    maps = random_maps(1).requires_grad_()
    regions = rod_official(maps, boxes_of([0, 0, 384, 256]))
    assert not regions.any()
    regions.sum().backward()
    assert not maps.grad.any()


def test_the_hole_includes_its_border():
    # The third sample in x lies at 3 (L - 1.001) / 9; a hole that ends there, to the bit, takes it in.
    sample = np.float32(3) * np.float32((WIDTH - 1.001) / 9)
    ones = torch.ones(1, 1, HEIGHT, WIDTH)
    for end, masked in ((sample, 4), (np.nextafter(sample, np.float32(0)), 3)):
        regions = rod_official(ones, boxes_of([0, 0, 16 * float(end), 256]))[0, 0]
        expected = torch.ones(9)
        expected[: masked - 1] = 0  # bins between masked samples
        expected[masked - 1] = 0.5
        torch.testing.assert_close(regions, expected.expand(9, 9))


def test_masking_comes_after_interpolation():
    # Cell (8, 12) is read by the sample at x 12.777 alone. With the sample in the hole it counts for nothing; with
    # the hole's border between cell and sample the cell, though in the hole, still counts.
    spike = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    spike[0, 0, 8, 12] = 1
    assert not rod_official(spike, boxes_of([8 * 16, 5 * 16, 13 * 16, 11 * 16])).any()
    assert rod_official(spike, boxes_of([8 * 16, 5 * 16, 12.5 * 16, 11 * 16])).any()


@pytest.mark.parametrize("operator", [roi_official, rod_official])
def test_boxes_and_images_are_independent(operator):
    maps = random_maps(3)
    index = torch.tensor([2, 0, 1, 1, 2, 0, 0, 1, 2])
    together = operator(maps, BORDER_BOXES, index)
    for row, (box, image) in enumerate(zip(BORDER_BOXES, index, strict=True)):
        torch.testing.assert_close(together[row], operator(maps[image : image + 1], box[None])[0])
    assert operator(maps, BORDER_BOXES[:0], index[:0]).shape == (0, 3, 9, 9)


@pytest.mark.parametrize("operator", [roi_official, rod_official])
def test_gradients_with_respect_to_the_features_are_right(operator):
    maps = random_maps(2, 1, 4, 5).requires_grad_()
    boxes = boxes_of([0, 0, 80, 64], [7, 16, 64, 47], [20, 3, 79, 50])
    index = torch.tensor([0, 1, 1])
    assert torch.autograd.gradcheck(lambda features: operator(features, boxes, index), maps)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("operator", [roi_official, rod_official])
def test_cuda_gives_the_same(operator):
    maps, index = random_maps(dtype=torch.float32), torch.arange(len(BORDER_BOXES)) % 2
    on_device = operator(maps.cuda(), BORDER_BOXES.cuda(), index.cuda())
    torch.testing.assert_close(on_device.cpu(), operator(maps, BORDER_BOXES, index), rtol=1e-5, atol=1e-5)
