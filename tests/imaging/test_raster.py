from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps
from tiff_files import tiff_file

from cadrage.imaging import RasterRule, open_photo, preview, raster, raster_size

RULE = RasterRule()


class TestRasterSize:
    @pytest.mark.parametrize(
        ("size_wh", "expected"),
        [
            # The sizes that the official code of GAIC gives these frames.
            ((1024, 683), (384, 256)),
            ((1024, 768), (352, 256)),
            ((1024, 576), (448, 256)),
            ((683, 1024), (256, 384)),
            ((500, 500), (256, 256)),
            # 272 is halfway between 256 and 288: halves go up.
            ((272, 256), (288, 256)),
            ((271, 256), (256, 256)),
            # Beyond 4:1 the frame is squeezed.
            ((1, 5000), (256, 1024)),
            ((5000, 1), (1024, 256)),
            # Small frames are enlarged.
            ((1, 1), (256, 256)),
        ],
    )
    def test_short_side_256_long_side_a_multiple_of_32(self, size_wh, expected):
        assert raster_size(size_wh, RULE) == expected

    @given(st.integers(1, 20_000), st.integers(1, 20_000))
    def test_any_frame_gets_a_raster_within_the_rule(self, width, height):
        sides = raster_size((width, height), RULE)
        assert min(sides) == 256
        assert max(sides) <= 1024
        assert max(sides) % 32 == 0
        assert raster_size((height, width), RULE) == sides[::-1]

    @given(st.integers(256, 4000), st.floats(1, 4))
    def test_the_aspect_ratio_changes_by_at_most_half_a_multiple(self, short, aspect):
        long = round(short * aspect)
        width, _ = raster_size((long, short), RULE)
        assert abs(width - min(long * 256 / short, 1024)) <= 16

    def test_other_rules(self):
        assert raster_size((1024, 683), RasterRule(320, 64, 640)) == (448, 320)

    @pytest.mark.parametrize("numbers", [(0, 32, 1024), (250, 32, 1024), (256, 32, 1000), (256, 32, 128)])
    def test_rules_that_contradict_themselves(self, numbers):
        with pytest.raises(ValueError, match=r"needed|multiples"):
            RasterRule(*numbers)


def photograph(width: int, height: int) -> Image.Image:
    """A picture with the smooth and the fine parts of a photograph."""
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize((width, height))
    grain = rng.normal(0, 12, (height, width, 1))
    return Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))


def difference(first, second) -> float:
    """Mean absolute difference of two pictures, of 255."""
    return float(np.abs(np.asarray(first, dtype=float) - np.asarray(second, dtype=float)).mean())


class TestRaster:
    def test_shape_and_type(self, scene):
        pixels = raster(open_photo(scene), RULE)
        assert pixels.shape == (256, 384, 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.writeable

    @pytest.mark.parametrize("size_wh", [(3001, 2003), (2003, 3001), (2100, 2100), (900, 600)])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_shrink_on_load_looks_like_the_full_decode(self, size_wh, progressive, encode):
        data = encode(photograph(*size_wh), "JPEG", quality=90, progressive=progressive)
        full = Image.open(io.BytesIO(data)).resize(raster_size(size_wh, RULE), Image.Resampling.BILINEAR)
        assert difference(raster(open_photo(data), RULE), full) < 1.5

    def test_shrink_on_load_moves_nothing(self, encode):
        # 2001 pixels at 1/4 are 500.25: taken for 501, the far waves would lie 0.4 pixels off, 15 of 255.
        wave = 127 + 100 * np.sin(np.arange(2001) * (2 * np.pi / 125))
        waves = Image.fromarray(np.broadcast_to(wave, (2001, 2001)).astype(np.uint8)).convert("RGB")
        pixels = raster(open_photo(encode(waves, "JPEG", quality=95)), RULE).astype(int)
        exact = np.asarray(waves.resize((256, 256), Image.Resampling.BILINEAR))
        assert np.abs(pixels - exact).max() <= 3

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF"])
    def test_every_orientation_gives_the_upright_raster(self, orientation, format_name, encode):
        stored = photograph(1500, 1000).filter(ImageFilter.GaussianBlur(4))
        data = encode(stored, format_name, orientation)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        expected = upright.resize(raster_size(upright.size, RULE), Image.Resampling.BILINEAR)
        assert difference(raster(open_photo(data), RULE), expected) < 0.5

    def test_the_same_bytes_give_the_same_raster(self, encode):
        data = encode(photograph(1200, 900), "JPEG")
        assert np.array_equal(raster(open_photo(data), RULE), raster(open_photo(data), RULE))

    @pytest.mark.parametrize("size_wh", [(1, 5000), (5000, 1), (1, 1), (3, 2)])
    def test_odd_shapes_are_pictures_too(self, size_wh):
        width, height = raster_size(size_wh, RULE)
        pixels = raster(open_photo(Image.new("RGB", size_wh, (10, 20, 30))), RULE)
        assert pixels.shape == (height, width, 3)
        assert (pixels == (10, 20, 30)).all()

    def test_a_lazy_picture_of_the_caller_stays_at_full_size(self, encode):
        picture = Image.open(io.BytesIO(encode(photograph(3000, 2000), "JPEG")))
        raster(open_photo(picture), RULE)
        assert picture.size == (3000, 2000)


class TestColour:
    """Every mode becomes the RGB that a viewer would show; transparency is seen over grey 128."""

    @pytest.mark.parametrize(
        ("mode", "value", "expected"),
        [
            ("1", 1, (255, 255, 255)),
            ("L", 90, (90, 90, 90)),
            ("LA", (90, 255), (90, 90, 90)),
            ("LA", (90, 0), (128, 128, 128)),
            ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
            ("RGBA", (255, 0, 0, 0), (128, 128, 128)),
            ("RGBA", (255, 0, 0, 51), (153, 102, 102)),  # a fifth of red, four fifths of grey
            ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
            ("I;16", 0x8000, (128, 128, 128)),
            ("I;16", 0xFFFF, (255, 255, 255)),
            ("I", 0x8000, (128, 128, 128)),
            ("I", 70_000, (255, 255, 255)),
        ],
    )
    def test_modes(self, mode, value, expected):
        pixels = raster(open_photo(Image.new(mode, (8, 8), value)), RULE)
        assert np.unique(pixels.reshape(-1, 3), axis=0).tolist() == [list(expected)]

    def test_palette(self):
        picture = Image.new("P", (8, 8), 1)
        picture.putpalette([0, 0, 0, 10, 200, 30])
        assert (raster(open_photo(picture), RULE) == (10, 200, 30)).all()

    @pytest.mark.parametrize("format_name", ["PNG", "GIF"])
    def test_transparent_palette_entry(self, format_name, encode):
        picture = Image.new("P", (8, 8), 1)
        picture.putpalette([0, 0, 0, 10, 200, 30])
        data = encode(picture, format_name, transparency=1)
        assert (raster(open_photo(data), RULE) == 128).all()

    def test_transparent_colour_of_a_png(self, encode):
        data = encode(Image.new("RGB", (8, 8), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
        assert (raster(open_photo(data), RULE) == 128).all()

    def test_hidden_pixels_do_not_shine_through(self):
        """Where transparent meets opaque, the colour under the transparency must not bleed in."""
        pixels = np.zeros((64, 64, 4), dtype=np.uint8)
        pixels[:, :32] = (0, 255, 0, 0)
        pixels[:, 32:] = (128, 128, 128, 255)
        assert (raster(open_photo(pixels), RULE) == 128).all()

    def test_sixteen_bit_png(self, encode):
        ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(256, axis=0)
        pixels = raster(open_photo(encode(Image.fromarray(ramp), "PNG")), RULE)
        assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1

    @pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
    def test_sixteen_bit_grey_tiff(self, compression, encode):
        ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(256, axis=0)
        pixels = raster(open_photo(encode(Image.fromarray(ramp), "TIFF", compression=compression)), RULE)
        assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1

    def test_sixteen_bit_rgb_tiff(self):
        deep = np.full((8, 8, 3), (0xFFFF, 0x8000, 0), dtype=np.uint16)
        assert (raster(open_photo(tiff_file(deep)), RULE) == (255, 128, 0)).all()

    def test_lab_tiff(self, encode):
        picture = Image.new("RGB", (8, 8), (200, 100, 50)).convert("LAB")
        pixels = raster(open_photo(encode(picture, "TIFF")), RULE)
        assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 3

    def test_floating_point_tiff_is_stretched_to_what_it_holds(self, encode):
        ramp = np.linspace(-2, 3, 256, dtype=np.float32).reshape(1, 256).repeat(256, axis=0)
        ramp[0, 0] = np.nan
        ramp[0, 1] = np.inf
        pixels = raster(open_photo(encode(Image.fromarray(ramp), "TIFF")), RULE)
        assert pixels[9, 0, 0] == 0
        assert pixels[9, -1, 0] == 255

    @pytest.mark.parametrize("value", [0.0, 7.5, np.nan, np.inf, -3e38])
    def test_floating_point_of_one_value_is_black(self, value):
        picture = Image.fromarray(np.full((8, 8), value, dtype=np.float32))
        assert (raster(open_photo(picture), RULE) == 0).all()


class TestPreview:
    @pytest.mark.parametrize(
        ("size_wh", "expected"),
        [((900, 600), (300, 200)), ((600, 900), (133, 200)), ((90, 60), (90, 60)), ((5000, 1), (300, 1))],
    )
    def test_fits_and_never_enlarges(self, size_wh, expected):
        small = preview(open_photo(Image.new("RGB", size_wh)), (300, 200))
        assert (small.size, small.mode) == (expected, "RGB")

    def test_is_upright(self, scene, encode):
        assert preview(open_photo(encode(scene, "JPEG", orientation=6)), (300, 48)).size == (32, 48)
