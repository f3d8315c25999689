"""Random views: the mirror, colour against the standard library's, and how often what happens."""

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cadrage.learning.augmentation import (
    OFFICIAL,
    AugmentationConfig,
    augment,
    mirror,
    rotate_hue,
    saturate,
)

NOTHING = AugmentationConfig(mirror=0)
BOXES = torch.tensor([[0.0, 0, 6, 4], [1, 0.5, 3, 2]])


def picture(height=4, width=6):
    return torch.rand((3, height, width), generator=torch.Generator().manual_seed(1)) * 255


def views(config, count=400):
    generator = torch.Generator().manual_seed(0)
    return [augment(picture(), BOXES, config, generator) for _ in range(count)]


def test_the_mirror_moves_boxes_with_their_pixels():
    raster = torch.zeros(3, 4, 6)
    raster[:, 1:3, 1:2] = 1
    mirrored, boxes = mirror(raster, torch.tensor([[1.0, 1, 2, 3]]))
    assert boxes.tolist() == [[4, 1, 5, 3]]
    assert mirrored[:, 1:3, 4:5].min() == 1
    assert mirrored.sum() == raster.sum()


@settings(deadline=None)
@given(st.lists(st.floats(0, 6, width=32), min_size=4, max_size=4))
def test_the_mirror_twice_changes_nothing(row):
    boxes = torch.tensor([row])
    twice, moved = mirror(*mirror(picture(), boxes))
    assert torch.equal(twice, picture())
    torch.testing.assert_close(moved, boxes, atol=1e-5, rtol=0)


def through_hsv(pixel, turn=0.0, factor=1.0):
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in pixel))
    return [channel * 255 for channel in colorsys.hsv_to_rgb((hue + turn) % 1, saturation * factor, value)]


@pytest.mark.parametrize("degrees", [-90, -18, 0, 18, 120, 360])
def test_hue_turns_as_in_hsv(degrees):
    pixels = picture().permute(1, 2, 0).reshape(-1, 3).tolist()
    expected = [through_hsv(pixel, turn=degrees / 360) for pixel in pixels]
    turned = rotate_hue(picture(), degrees).permute(1, 2, 0).reshape(-1, 3)
    np.testing.assert_allclose(turned, expected, atol=1e-3)


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0])
def test_saturation_scales_as_in_hsv(factor):
    pixels = picture().permute(1, 2, 0).reshape(-1, 3).tolist()
    expected = [through_hsv(pixel, factor=factor) for pixel in pixels]
    np.testing.assert_allclose(
        saturate(picture(), factor).permute(1, 2, 0).reshape(-1, 3), expected, atol=1e-3
    )


def test_grey_has_no_hue_to_turn():
    grey = torch.full((3, 2, 2), 90.0)
    torch.testing.assert_close(rotate_hue(grey, 77), grey)
    torch.testing.assert_close(saturate(grey, 1.5), grey)


def test_no_strength_changes_nothing():
    view, boxes = augment(picture(), BOXES, NOTHING, torch.Generator())
    assert torch.equal(view, picture())
    assert torch.equal(boxes, BOXES)


def test_half_of_the_views_are_mirrored_together_with_their_boxes():
    drawn = views(AugmentationConfig(mirror=0.5))
    mirrored = [torch.equal(view, picture().flip(-1)) for view, _ in drawn]
    assert 0.4 < np.mean(mirrored) < 0.6
    for (_, boxes), flipped in zip(drawn, mirrored, strict=True):
        assert torch.equal(boxes, mirror(picture(), BOXES)[1] if flipped else BOXES)


def test_brightness_is_added_in_half_of_the_views_and_is_0_on_average():
    shifts = [
        float((view - picture()).mean()) for view, _ in views(AugmentationConfig(mirror=0, brightness=32))
    ]
    changed = [shift for shift in shifts if shift]
    assert 0.4 < len(changed) / len(shifts) < 0.6
    assert max(map(abs, changed)) <= 32
    assert abs(np.mean(changed)) < 4  # standard error 1.3


def test_contrast_multiplies_and_is_1_on_average():
    factors = [
        float((view / picture()).mean()) for view, _ in views(AugmentationConfig(mirror=0, contrast=0.5))
    ]
    changed = [factor for factor in factors if abs(factor - 1) > 1e-6]
    assert 0.4 < len(changed) / len(factors) < 0.6
    assert 0.5 <= min(changed) <= max(changed) <= 1.5
    assert abs(np.mean(changed) - 1) < 0.07  # standard error .02


def test_all_changes_at_once_are_independent_of_the_boxes():
    for view, boxes in views(OFFICIAL, count=20):
        assert view.shape == picture().shape
        assert view.isfinite().all()
        assert boxes.shape == BOXES.shape


def test_the_generator_decides():
    first, second = (
        augment(picture(), BOXES, OFFICIAL, torch.Generator().manual_seed(7))[0] for _ in range(2)
    )
    assert torch.equal(first, second)
