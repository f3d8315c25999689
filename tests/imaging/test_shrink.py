from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, raster
from cadrage.imaging.photo import decode

RULE = RasterRule(64, 32, 128)


def smooth(width: int, height: int) -> Image.Image:
    corners = np.random.default_rng(7).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((width, height))


class TestJpeg2000:
    @pytest.mark.parametrize("size_wh", [(1001, 703), (1000, 704), (700, 1003)])
    @pytest.mark.parametrize(
        "options", [{}, {"no_jp2": True}, {"tile_size": (512, 512)}, {"irreversible": True}], ids=str
    )
    def test_a_lower_resolution_looks_like_the_whole_and_lies_where_it_lay(self, size_wh, options, encode):
        picture = smooth(*size_wh)
        photo = open_photo(encode(picture, "JPEG2000", **options))
        assert decode(photo, (80, 80))[0].width <= size_wh[0] / 4 + 1
        pixels = raster(photo, RULE)
        exact = np.asarray(picture.resize(pixels.shape[1::-1], Image.Resampling.BILINEAR), dtype=int)
        assert np.abs(pixels - exact).mean() < 1
        assert np.abs(pixels - exact).max() <= 8

    def test_tiles_that_cannot_be_halved_are_decoded_whole(self, encode):
        photo = open_photo(encode(smooth(1000, 704), "JPEG2000", tile_size=(333, 257)))
        assert decode(photo, (80, 80))[0].size == (1000, 704)

    def test_no_more_halvings_than_the_file_has(self, encode):
        photo = open_photo(encode(smooth(1024, 1024), "JPEG2000", num_resolutions=2))
        assert decode(photo, (80, 80))[0].size == (512, 512)

    def test_a_cut_is_at_full_size(self, encode):
        picture = smooth(1000, 704)
        photo = open_photo(encode(picture, "JPEG2000"))
        raster(photo, RULE)
        assert np.array_equal(cut(photo, Box(11, 22, 333, 444)), picture.crop((11, 22, 333, 444)))


class TestJpeg:
    def test_scaled_inside_the_decoder(self, encode):
        photo = open_photo(encode(smooth(1600, 1200), "JPEG"))
        stored, extent = decode(photo, (150, 100))
        assert stored.size == (200, 150)
        assert extent == (0, 0, 200, 150)


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP", "AVIF", "GIF", "BMP"])
def test_other_formats_are_decoded_whole(format_name, encode):
    stored, extent = decode(open_photo(encode(smooth(640, 480), format_name)), (80, 60))
    assert stored.size == (640, 480)
    assert extent == (0, 0, 640, 480)


class TestMemory:
    """The raster of a 24-megapixel picture, whose pixels are 96 MB, in a process that looks at its own peak."""

    PROGRAM = """
import sys
from pathlib import Path
from cadrage.imaging import RasterRule, open_photo, preview, raster

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

raster(open_photo(sys.argv[1]), RasterRule())
before = peak()
photo = open_photo(sys.argv[2])
raster(photo, RasterRule())
preview(photo, (640, 480))
print(peak() - before)
"""

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is not told on this system")
    @pytest.mark.parametrize(
        ("format_name", "options", "most_megabytes"),
        [
            ("JPEG", {}, 30),
            # The decoder keeps all coefficients, 2 bytes each: 1.5 a pixel here, 3 with chroma at full size.
            ("JPEG", {"progressive": True}, 110),
            ("PNG", {"compress_level": 1}, 130),
        ],
    )
    def test_is_bounded(self, format_name, options, most_megabytes, tmp_path):
        for name, size_wh in (("small", (600, 400)), ("large", (6000, 4000))):
            smooth(*size_wh).save(tmp_path / name, format_name, **options)
        command = [sys.executable, "-c", self.PROGRAM, tmp_path / "small", tmp_path / "large"]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        assert float(ran.stdout) < most_megabytes
