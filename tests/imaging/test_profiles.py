from __future__ import annotations

import numpy as np
import pytest
from icc_profiles import cmyk_profile, grey_profile, rgb_profile
from PIL import Image, ImageCms

from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, preview, raster
from cadrage.imaging.profiles import to_srgb

RULE = RasterRule(32, 32, 64)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

LINEAR_128 = 188
"""Half the light of white, 128 of 255, as sRGB codes it: 1.055 x (128 / 255) ^ (1 / 2.4) - 0.055, of 255."""


def colour_of(picture: Image.Image, profile: bytes | None) -> tuple[int, ...]:
    return to_srgb(picture, profile).getpixel((0, 0))


class TestToSrgb:
    @pytest.mark.parametrize(
        ("mode", "value", "profile", "expected"),
        [
            ("RGB", (128, 128, 128), rgb_profile(1.0), (LINEAR_128,) * 3),
            ("RGB", (200, 30, 30), rgb_profile(2.2, swapped=True), (24, 201, 24)),
            ("L", 55, grey_profile(1.0), (128, 128, 128)),
            ("CMYK", (200, 90, 10, 0), cmyk_profile(), (255, 255, 255)),
            # Black ink of 128 of 255 leaves a lightness of 49.8, which is grey 119 or less by the table's steps.
            ("CMYK", (0, 0, 0, 128), cmyk_profile(), (118, 118, 118)),
            ("RGBA", (128, 128, 128, 77), rgb_profile(1.0), (LINEAR_128, LINEAR_128, LINEAR_128, 77)),
            ("LA", (55, 77), grey_profile(1.0), (128, 128, 128, 77)),
        ],
    )
    def test_known_colours(self, mode, value, profile, expected):
        found = colour_of(Image.new(mode, (4, 4), value), profile)
        assert np.abs(np.subtract(found, expected)).max() <= 1

    @pytest.mark.parametrize(
        ("mode", "profile"),
        [
            ("RGB", None),
            ("RGB", b""),
            ("RGB", b"profile"),
            ("RGB", rgb_profile()[:200]),
            ("RGB", rgb_profile() + bytes(5_000_000)),
            ("RGB", grey_profile(1.0)),
            ("RGB", cmyk_profile()),
            ("CMYK", rgb_profile(1.0)),
            ("L", rgb_profile(1.0)),
            ("RGBA", grey_profile(1.0)),
        ],
    )
    def test_a_missing_broken_or_mismatching_profile_is_ignored(self, mode, profile):
        picture = Image.new(mode, (4, 4))
        assert to_srgb(picture, profile) is picture

    def test_srgb_itself_costs_nothing(self):
        picture = Image.new("RGB", (4, 4), (200, 100, 50))
        assert to_srgb(picture, SRGB) is picture


class TestInUse:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_every_format_that_holds_a_profile(self, format_name, encode):
        data = encode(Image.new("RGB", (64, 64), (128, 128, 128)), format_name, icc_profile=rgb_profile(1.0))
        photo = open_photo(data)
        assert np.abs(raster(photo, RULE).astype(int) - LINEAR_128).max() <= 2
        assert abs(preview(photo, (20, 20)).getpixel((9, 9))[0] - LINEAR_128) <= 2
        assert abs(cut(photo, Box(0, 0, 9, 9)).getpixel((4, 4))[0] - 128) <= 2

    def test_a_palette_has_the_profile_of_its_colours(self, encode):
        picture = Image.new("P", (8, 8), 1)
        picture.putpalette([0, 0, 0, 128, 128, 128])
        data = encode(picture, "PNG", icc_profile=rgb_profile(1.0))
        assert (raster(open_photo(data), RULE) == LINEAR_128).all()

    def test_transparency_is_seen_over_the_same_grey(self, encode):
        data = encode(Image.new("RGBA", (8, 8), (9, 9, 9, 0)), "PNG", icc_profile=rgb_profile(1.0))
        assert (raster(open_photo(data), RULE) == 128).all()

    def test_cmyk_jpeg_by_its_profile(self, encode):
        picture = Image.new("CMYK", (64, 64), (200, 0, 0, 0))
        by_profile = raster(open_photo(encode(picture, "JPEG", icc_profile=cmyk_profile())), RULE)
        assert (by_profile >= 253).all()


class TestCmykJpeg:
    """Adobe's files hold the inks inverted, and say so; without its marker the inks are as they are."""

    @pytest.fixture
    def adobe(self, encode) -> bytes:
        return encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95)

    def test_with_the_marker(self, adobe):
        assert np.abs(raster(open_photo(adobe), RULE).astype(int) - (255, 0, 0)).max() <= 2

    def test_without_the_marker(self, adobe):
        plain = adobe.replace(b"Adobe", b"Other")
        photo = open_photo(plain)
        assert cut(photo, Box(0, 0, 9, 9)).getpixel((4, 4)) == (255, 0, 0, 255)
        assert raster(photo, RULE).max() <= 2
