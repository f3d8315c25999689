"""The official way from a photograph to the network, against numbers from OpenCV and Python 2."""

import zlib

import numpy as np
import pytest

from cadrage.errors import ImageError
from cadrage.learning.official_preprocessing import (
    official_boxes,
    official_raster,
    official_size,
    resize_as_opencv,
)


def pattern(height, width):
    y, x, channel = np.mgrid[:height, :width, :3]
    return ((y * y * 7 + x * x * 3 + x * y * 5 + channel * 83 + x * 29) % 256).astype(np.uint8)


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((1024, 683), (384, 256)),
        ((1024, 768), (352, 256)),
        ((1024, 576), (448, 256)),
        ((683, 1024), (256, 384)),
        ((1024, 1024), (256, 256)),
        ((336, 256), (352, 256)),  # 10.5 multiples of 32: Python 3's round would give 320
        ((256, 272), (256, 288)),  # 8.5
        ((3, 40), (256, 3424)),
    ],
)
def test_working_raster_size(size_wh, expected):
    # Printed by Python 2.7.18 running the official expression.
    assert official_size(*size_wh) == expected


def test_resize_equals_opencv_on_a_few_pixels():
    # cv2.resize of OpenCV 3.4.3, 4.10.0 and 5.0.0, which agree; red channel.
    assert resize_as_opencv(pattern(3, 4), (5, 2))[..., 0].tolist() == [
        [2, 25, 55, 88, 120],
        [23, 51, 87, 126, 163],
    ]
    assert resize_as_opencv(pattern(3, 4), (6, 7))[..., 0].tolist() == [
        [0, 16, 38, 63, 92, 114],
        [1, 17, 40, 66, 95, 117],
        [4, 21, 45, 73, 103, 126],
        [7, 26, 51, 80, 112, 136],
        [16, 36, 62, 93, 126, 151],
        [25, 45, 74, 106, 140, 167],
        [28, 49, 78, 110, 145, 172],
    ]


@pytest.mark.parametrize(
    ("source_hw", "target_wh", "checksum"),
    [
        ((683, 1024), (384, 256), 198162073),
        ((1024, 576), (256, 448), 3769488717),
        ((91, 37), (256, 640), 2098661827),
        ((131, 378), (99, 575), 83293040),
        ((1, 50), (320, 256), 3325008263),
        ((512, 768), (384, 256), 500538781),  # exactly half, where OpenCV averages 2x2
        ((301, 257), (256, 288), 3466507582),
        ((256, 256), (256, 256), 3388613779),
    ],
)
def test_resize_equals_opencv_to_the_bit(source_hw, target_wh, checksum):
    # crc32 of cv2.resize(pattern) of OpenCV 3.4.3, 4.10.0 and 5.0.0, which agree.
    resized = resize_as_opencv(pattern(*source_hw), target_wh)
    assert resized.shape == (target_wh[1], target_wh[0], 3)
    assert zlib.crc32(np.ascontiguousarray(resized).tobytes()) == checksum


def test_raster_and_scale():
    image = pattern(301, 453)
    raster, scale_xy = official_raster(image)
    assert raster.shape == (1, 3, 256, 384)
    assert scale_xy == (384 / 453, 256 / 301)
    np.testing.assert_array_equal(raster[0].numpy(), resize_as_opencv(image, (384, 256)).transpose(2, 0, 1))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ImageError, match=r"needs RGB pixels as uint8 of shape \(H, W, 3\)"):
        official_raster(image)


def test_boxes_grow_to_whole_pixels_and_are_not_clamped():
    # 1024x683 to 384x256: x times 0.375, y times 0.37482.
    scale_xy = (384 / 1024, 256 / 683)
    boxes = official_boxes([[43, 28, 981, 655], [-3, 0, 1030, 690]], scale_xy)
    assert boxes.tolist() == [[16, 10, 368, 246], [-2, 0, 387, 259]]


def test_boxes_of_the_demo_keep_their_fractions():
    boxes = official_boxes([[43, 28, 981, 655]], (0.375, 0.5), whole_pixels=False)
    assert boxes.tolist() == [[16.125, 14, 367.875, 327.5]]
    assert official_boxes([], (0.375, 0.5)).shape == (0, 4)
