from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, raster

RULE = RasterRule(32, 32, 64)
COLOURS = ["red", "lime", "blue"]


@pytest.fixture
def moving() -> tuple[Image.Image, dict]:
    first, *others = [Image.new("RGB", (40, 30), colour) for colour in COLOURS]
    return first, {"save_all": True, "append_images": others}


class TestFrames:
    @pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
    def test_are_counted_and_the_first_is_the_photograph(self, format_name, moving, encode):
        first, others = moving
        photo = open_photo(encode(first, format_name, **others))
        assert (photo.frames, photo.size_wh, photo.page) == (3, (40, 30), 0)
        assert np.abs(raster(photo, RULE).astype(int) - (255, 0, 0)).max() <= 5

    @pytest.mark.parametrize(
        "format_name", ["GIF", "WEBP", "PNG", "AVIF", "TIFF", "JPEG", "BMP", "PPM", "JPEG2000"]
    )
    def test_a_still_has_one(self, format_name, scene, encode):
        assert open_photo(encode(scene, format_name)).frames == 1

    def test_a_still_before_the_animation_counts(self, moving, encode):
        first, others = moving
        photo = open_photo(encode(first, "PNG", **others, default_image=True))
        assert photo.frames == 3
        assert (raster(photo, RULE) == (255, 0, 0)).all()

    def test_a_gif_with_palettes_comments_and_loops(self, scene, encode):
        turned = [scene.rotate(90 * turns).quantize(50 * turns) for turns in range(1, 4)]
        data = encode(scene, "GIF", save_all=True, append_images=turned, comment=b"long " * 200, loop=0)
        assert open_photo(data).frames == 4

    def test_a_large_tiff_is_walked_as_well(self, moving, encode):
        first, others = moving
        assert open_photo(encode(first, "TIFF", **others, big_tiff=True)).frames == 3

    def test_a_picture_in_memory_is_the_frame_it_shows(self, moving, encode, tmp_path):
        first, others = moving
        (tmp_path / "moving.gif").write_bytes(encode(first, "GIF", **others))
        with Image.open(tmp_path / "moving.gif") as picture:
            picture.seek(1)
            photo = open_photo(picture)
        assert photo.frames == 1
        assert (raster(photo, RULE) == (0, 255, 0)).all()

    def test_a_jpeg_with_a_second_picture_is_its_first(self, moving, encode):
        first, others = moving
        assert open_photo(encode(first, "MPO", **others)).frames == 1


class TestPages:
    @pytest.mark.parametrize("page", [0, 1, 2])
    def test_each_is_a_photograph(self, page, encode, tmp_path):
        first, *others = [
            Image.new("RGB", (40 + 10 * number, 30), colour) for number, colour in enumerate(COLOURS)
        ]
        path = tmp_path / "pages.tif"
        path.write_bytes(encode(first, "TIFF", save_all=True, append_images=others, compression="tiff_lzw"))
        photo = open_photo(path, page=page)
        assert (photo.frames, photo.page, photo.size_wh) == (3, page, (40 + 10 * page, 30))
        expected = np.eye(3, dtype=int)[page] * 255
        assert (raster(photo, RULE) == expected).all()
        assert cut(photo, Box(0, 0, 9, 9)).getpixel((0, 0)) == tuple(expected)

    @pytest.mark.parametrize("page", [-1, 3])
    def test_there_is_no_other(self, page, moving, encode):
        first, others = moving
        with pytest.raises(RequestError) as caught:
            open_photo(encode(first, "TIFF", **others), page=page, name="scan.tif")
        assert str(caught.value) == f"scan.tif has no page {page}: its pages are numbered 0 to 2."

    def test_frames_are_no_pages(self, moving, encode):
        first, others = moving
        with pytest.raises(RequestError, match="its pages are numbered 0 to 0"):
            open_photo(encode(first, "GIF", **others), page=1)
