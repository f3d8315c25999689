from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from heic_picture import HEIC_TURNED

from cadrage.errors import ImageError
from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, raster
from cadrage.imaging.heic import is_heic


def box(major: bytes, *compatible: bytes) -> bytes:
    content = major + bytes(4) + b"".join(compatible)
    return (len(content) + 8).to_bytes(4, "big") + b"ftyp" + content + b"more of the file"


class TestBrand:
    @pytest.mark.parametrize(
        ("start", "expected"),
        [
            (HEIC_TURNED[:64], True),
            (box(b"heic"), True),
            (box(b"heix", b"mif1"), True),
            (box(b"mif1", b"heic"), True),
            (box(b"mif1", b"miaf", b"avif"), False),
            (box(b"msf1", b"avis"), False),
            (box(b"avif", b"mif1", b"heic"), False),
            (box(b"isom", b"mp42"), False),
            (b"\xff\xd8\xff\xe0", False),
            (b"", False),
        ],
    )
    def test_tells_heic_from_avif_and_films(self, start, expected):
        assert is_heic(start) is expected


class TestWithoutTheExtra:
    def test_one_sentence_names_the_file_and_the_extra(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pi_heif.as_plugin", None)
        path = tmp_path / "from-a-telephone.jpg"
        path.write_bytes(HEIC_TURNED)
        with pytest.raises(ImageError) as caught:
            open_photo(path)
        assert str(caught.value) == (
            f"{path} is a HEIC picture; reading it needs the extra 'heic': pip install 'cadrage[heic]'"
        )

    def test_the_package_is_not_imported_for_other_pictures(self):
        program = (
            "import sys, numpy, cadrage.imaging as imaging\n"
            "imaging.raster(imaging.open_photo(numpy.zeros((9, 9), 'uint8')), imaging.RasterRule())\n"
            "print('pi_heif' in sys.modules)"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ran.stdout == "False\n"


class TestWithTheExtra:
    @pytest.fixture(autouse=True)
    def _extra(self):
        pytest.importorskip("pi_heif")

    def test_the_decoder_turns_the_picture_and_nothing_else_does(self, tmp_path):
        path = tmp_path / "photograph.heic"
        path.write_bytes(HEIC_TURNED)
        photo = open_photo(path)
        assert (photo.format, photo.size_wh, photo.orientation, photo.frames) == ("HEIC", (48, 64), 1, 1)
        pixels = raster(photo, RasterRule(32, 32, 64)).astype(int)
        assert np.abs(pixels[4, -4] - (220, 40, 40)).max() <= 5
        for corner in (pixels[4, 4], pixels[-4, 4], pixels[-4, -4]):
            assert np.abs(corner - (40, 90, 200)).max() <= 5
        crop = cut(photo, Box(24, 0, 48, 32))
        assert crop.size == (24, 32)
        assert np.abs(np.asarray(crop).mean(axis=(0, 1)) - (220, 40, 40)).max() <= 5

    def test_limit_of_pixels(self):
        with pytest.raises(ImageError, match="more than the limit of 1,000"):
            open_photo(HEIC_TURNED, pixel_limit=1000)

    @pytest.mark.parametrize("kept", [40, 300, -20])
    def test_truncated(self, kept):
        with pytest.raises(ImageError, match="damaged or truncated"):
            raster(open_photo(HEIC_TURNED[:kept]), RasterRule())

    def test_nothing_is_registered_with_pillow(self):
        program = (
            "import sys, cadrage.imaging as imaging\n"
            "from PIL import Image\n"
            "imaging.open_photo(bytes.fromhex(sys.argv[1]))\n"
            "print('HEIF' in Image.OPEN)"
        )
        command = [sys.executable, "-c", program, HEIC_TURNED.hex()]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        assert ran.stdout == "False\n"
