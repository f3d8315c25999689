from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from cadrage.errors import ImageError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import crops, cut, cut_all, open_photo, whole_pixels
from cadrage.imaging.photo import decode


class TestWholePixels:
    @pytest.mark.parametrize(
        ("box", "expected"),
        [
            (Box(1, 2, 30, 40), (1, 2, 30, 40)),
            (Box(1.4, 2.5, 30.49, 40.5), (1, 3, 30, 41)),
            (Box(-5, -0.4, 300, 64.4), (0, 0, 96, 64)),
            (Box(10.1, 10.1, 10.2, 10.3), (10, 10, 11, 11)),
            (Box(95.6, 63.7, 96, 64), (95, 63, 96, 64)),
        ],
    )
    def test_rounded_clipped_and_never_empty(self, box, expected):
        assert whole_pixels(box, (96, 64)) == expected

    @pytest.mark.parametrize(
        "box", [Box(96, 0, 99, 9), Box(0, 64, 9, 99), Box(-9, 0, 0, 9), Box(0, -9, 9, 0)]
    )
    def test_outside_the_frame(self, box):
        with pytest.raises(RequestError, match="lies outside the frame of 96 x 64 pixels"):
            whole_pixels(box, (96, 64))

    @given(
        st.tuples(st.integers(1, 50), st.integers(1, 50)),
        st.tuples(*[st.floats(0, 0.999)] * 2, *[st.floats(1e-6, 2)] * 2),
    )
    def test_any_box_that_touches_the_frame_has_pixels_within_it(self, size_wh, numbers):
        (width, height), (x, y, wide, high) = size_wh, numbers
        box = Box(x * width, y * height, x * width + wide * width, y * height + high * height)
        x1, y1, x2, y2 = whole_pixels(box, size_wh)
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


class TestCut:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_equals_a_crop_of_the_upright_picture(self, format_name, orientation, scene, encode):
        data = encode(scene, format_name, orientation)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        crop = cut(open_photo(data), Box(5, 9, 41, 60))
        assert np.array_equal(np.asarray(crop), np.asarray(upright.crop((5, 9, 41, 60))))

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
    def test_keeps_the_mode(self, mode, scene):
        picture = scene.convert("L" if mode == "I;16" else mode).convert(mode)
        crop = cut(open_photo(picture), Box(5, 9, 41, 60))
        assert crop.mode == mode
        assert crop.tobytes() == picture.crop((5, 9, 41, 60)).tobytes()

    def test_is_at_full_size_whatever_was_decoded_before(self, encode):
        photo = open_photo(encode(Image.new("RGB", (2000, 1500)), "JPEG"))
        assert cut(photo, Box(0, 0, 2000, 1500)).size == (2000, 1500)

    def test_keeps_profile_and_transparency_and_drops_place_and_time(self, scene, encode):
        palette = scene.convert("P")
        data = encode(palette, "PNG", orientation=6, icc_profile=b"profile", transparency=3)
        assert cut(open_photo(data), Box(0, 0, 9, 9)).info == {"icc_profile": b"profile", "transparency": 3}

    def test_several_from_one_photograph(self, scene):
        boxes = [Box(0, 0, 10, 20), Box(5, 5, 96, 64)]
        assert [crop.size for crop in cut_all(open_photo(scene), boxes)] == [(10, 20), (91, 59)]

    def test_a_truncated_photograph_is_not_cut(self, scene, encode):
        data = encode(scene, "JPEG")
        with pytest.raises(ImageError, match="damaged or truncated"):
            cut(open_photo(data[: len(data) * 3 // 4]), Box(0, 0, 10, 10))


class TestCutter:
    @pytest.mark.parametrize("held_bytes", [0, 10**9])
    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "I;16", "P", "1"])
    @pytest.mark.parametrize("orientation", [1, 6])
    def test_equals_a_plain_cut_by_way_of_the_disk_too(
        self, held_bytes, mode, orientation, scene, encode, monkeypatch
    ):
        monkeypatch.setattr(crops, "HELD_BYTES", held_bytes)
        monkeypatch.setattr(crops, "_STRIP_BYTES", 1000)
        picture = scene.convert("L" if mode == "I;16" else mode).convert(mode)
        photo = open_photo(
            encode(picture, "TIFF" if mode == "CMYK" else "PNG", orientation, icc_profile=b"icc")
        )
        regions = [(0, 0, *photo.size_wh), (5, 9, 41, 60), (63, 63, 64, 64)]
        decoded = [decode(photo)[0]]
        with crops.cutter(decoded, photo.orientation, regions) as cutting:
            assert decoded == []
            for region in regions:
                crop, expected = cutting(region), cut(photo, Box(*region))
                assert (crop.mode, crop.info) == (expected.mode, expected.info)
                assert crop.convert("RGBA").tobytes() == expected.convert("RGBA").tobytes()

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_every_orientation_by_way_of_the_disk(self, orientation, scene, encode, monkeypatch):
        monkeypatch.setattr(crops, "HELD_BYTES", 0)
        monkeypatch.setattr(crops, "_STRIP_BYTES", 900)
        photo = open_photo(encode(scene, "PNG", orientation))
        with crops.cutter([decode(photo)[0]], photo.orientation, [(5, 9, 41, 60)]) as cutting:
            assert cutting((5, 9, 41, 60)).tobytes() == cut(photo, Box(5, 9, 41, 60)).tobytes()
