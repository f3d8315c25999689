from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageOps

from cadrage.errors import ImageError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import OutputRule, aligned, cut, lossless_grid, open_photo, write_crops
from cadrage.imaging.metadata import iptc_segment

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS = OutputRule(lossless=True)
STRIPPED = OutputRule(lossless=True, strip=True)

KINDS = {
    "4:4:4": ("RGB", {"subsampling": 0}, (8, 8)),
    "4:2:2": ("RGB", {"subsampling": 1}, (16, 8)),
    "4:2:0": ("RGB", {"subsampling": 2}, (16, 16)),
    "grey": ("L", {}, (8, 8)),
    "progressive": ("RGB", {"progressive": True}, (16, 16)),
    "restart markers": ("RGB", {"restart_marker_rows": 1}, (16, 16)),
    "RGB inside": ("RGB", {"keep_rgb": True}, (8, 8)),
    "three tables": ("RGB", {"qtables": [[*range(1, 65)], [*range(64, 0, -1)], [3] * 64]}, (16, 16)),
}


def picture(mode: str = "RGB") -> Image.Image:
    """203 x 151 with soft shapes; neither side is a multiple of a coding unit."""
    noise = np.random.default_rng(3).integers(0, 256, (19, 26, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((203, 151), Image.Resampling.BICUBIC).convert(mode)


def encoded(mode: str = "RGB", orientation: int = 1, **options) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    buffer = io.BytesIO()
    picture(mode).save(buffer, "JPEG", exif=exif, quality=90, icc_profile=SRGB, **options)
    return buffer.getvalue()


def crop_of(data: bytes, box: Box, rule: OutputRule = LOSSLESS):
    target = io.BytesIO()
    (written,) = write_crops(open_photo(data), [box], [target], rule)
    return target.getvalue(), written


def coefficients(data: bytes, tmp_path) -> list[np.ndarray]:
    jpeglib = pytest.importorskip("jpeglib")
    (tmp_path / "read.jpg").write_bytes(data)
    read = jpeglib.read_dct(str(tmp_path / "read.jpg"))
    return list((read.Y, read.Cb, read.Cr)[: read.num_components])


class TestGrid:
    @pytest.mark.parametrize("kind", KINDS)
    def test_is_the_coding_unit(self, kind):
        mode, options, grid = KINDS[kind]
        assert lossless_grid(open_photo(encoded(mode, **options))) == grid

    @pytest.mark.parametrize(
        ("orientation", "grid"), [(1, (16, 8)), (4, (16, 8)), (5, (8, 16)), (8, (8, 16))]
    )
    def test_is_in_the_axes_of_the_frame(self, orientation, grid):
        assert lossless_grid(open_photo(encoded(orientation=orientation, subsampling=1))) == grid

    def test_cmyk_and_other_files_have_none(self, scene, encode):
        assert lossless_grid(open_photo(encoded("CMYK"))) is None
        assert lossless_grid(open_photo(encode(scene, "PNG"))) is None
        assert lossless_grid(open_photo(scene)) is None


class TestAligned:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(1, 8),
        st.tuples(*[st.floats(0, 0.9)] * 2, *[st.floats(0.01, 1)] * 2),
        st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    )
    def test_same_size_within_the_frame_less_than_a_unit_away_and_cut_without_loss(
        self, orientation, numbers, kind
    ):
        photo = open_photo(encoded(orientation=orientation, **KINDS[kind][1]))
        width, height = photo.size_wh
        x1, y1 = int(numbers[0] * width), int(numbers[1] * height)
        box = Box(
            x1,
            y1,
            min(width, x1 + 1 + int(numbers[2] * width)),
            min(height, y1 + 1 + int(numbers[3] * height)),
        )
        moved = aligned(box, photo)
        grid = lossless_grid(photo)
        assert (moved.width, moved.height) == (box.width, box.height)
        assert 0 <= moved.x1 <= moved.x2 <= width
        assert 0 <= moved.y1 <= moved.y2 <= height
        assert abs(moved.x1 - box.x1) < grid[0]
        assert abs(moved.y1 - box.y1) < grid[1]
        assert aligned(moved, photo) == moved

    def test_where_there_is_no_grid_it_is_rounded(self, scene):
        assert aligned(Box(1.4, 2.5, 30.49, 40.5), open_photo(scene)) == Box(1, 3, 30, 41)

    def test_outside_the_frame(self, scene):
        with pytest.raises(RequestError, match="outside the frame"):
            aligned(Box(500, 0, 600, 9), open_photo(scene))


class TestCrop:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_coefficients_are_the_photographs(self, kind, tmp_path):
        mode, options, _ = KINDS[kind]
        data = encoded(mode, **options)
        crop, written = crop_of(data, Box(32, 16, 203, 141))
        assert written.lossless
        assert written.notes == ()
        for whole, part in zip(coefficients(data, tmp_path), coefficients(crop, tmp_path), strict=True):
            across = 8 * round(203 / 8 / whole.shape[1]) or 8
            down = 8 * round(151 / 8 / whole.shape[0]) or 8
            rows, columns = part.shape[:2]
            top, left = 16 // down, 32 // across
            assert np.array_equal(part, whole[top : top + rows, left : left + columns])
            assert (rows, columns) == (-(-125 // down), -(-171 // across))

    @pytest.mark.parametrize("rule", [LOSSLESS, STRIPPED], ids=["kept", "stripped"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_looks_the_same_turned_as_the_photograph_is(self, kind, orientation, rule):
        mode, options, _ = KINDS[kind]
        data = encoded(mode, orientation, **options)
        photo = open_photo(data)
        box = aligned(Box(33, 41, 120, 130), photo)
        crop, written = crop_of(data, box, rule)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(crop)))
        # Chroma of fewer samples is blended across the border of the box, so the outermost pixels may differ.
        inner = (slice(2, -2), slice(2, -2))
        assert written.lossless
        assert upright.size == written.size_wh == (87, 89)
        assert np.array_equal(np.asarray(upright)[inner], np.asarray(cut(photo, box))[inner])

    def test_full_chroma_is_the_same_to_the_border(self):
        data = encoded(subsampling=0)
        crop, _ = crop_of(data, Box(40, 8, 203, 151))
        assert np.array_equal(
            np.asarray(Image.open(io.BytesIO(crop))), np.asarray(Image.open(io.BytesIO(data)))[8:, 40:]
        )

    def test_several_at_once_and_beside_others(self):
        targets = [io.BytesIO() for _ in range(3)]
        boxes = [Box(16, 16, 100, 100), Box(3, 5, 77, 99), Box(0, 0, 203, 151)]
        written = write_crops(open_photo(encoded()), boxes, targets, LOSSLESS)
        assert [one.lossless for one in written] == [True, False, True]
        assert [Image.open(target).size for target in targets] == [(84, 84), (74, 94), (203, 151)]


OTHERS = {
    "xmp": b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>',
    "comment": b"made by hand",
    "extra": b"\xff\xed"
    + (len(iptc_segment(b"\x1c\x02\x19\0\x03key")) + 2).to_bytes(2, "big")
    + iptc_segment(b"\x1c\x02\x19\0\x03key"),
    "dpi": (300, 300),
}


class TestMetadata:
    def test_is_kept_with_the_orientation(self):
        crop, _ = crop_of(encoded(orientation=6, **OTHERS), Box(0, 0, 151, 100))
        image = Image.open(io.BytesIO(crop))
        exif = image.getexif()
        assert (exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make]) == (6, "Maker")
        assert exif.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N"}
        assert image.info["xmp"] == OTHERS["xmp"]
        assert image.info["comment"] == b"made by hand"
        assert image.info["photoshop"] == {0x0404: b"\x1c\x02\x19\0\x03key"}
        assert image.info["dpi"] == (300, 300)
        assert image.info["icc_profile"] == SRGB

    def test_stripped_leaves_profile_and_orientation(self):
        crop, _ = crop_of(encoded(orientation=6, **OTHERS), Box(0, 0, 151, 100), STRIPPED)
        image = Image.open(io.BytesIO(crop))
        assert dict(image.getexif()) == {ExifTags.Base.Orientation: 6}
        assert image.info["icc_profile"] == SRGB
        for gone in (b"Maker", b"xmpmeta", b"made by hand", b"key"):
            assert gone not in crop

    def test_nothing_is_added_to_an_upright_one(self):
        crop, _ = crop_of(encoded(**OTHERS), Box(0, 0, 96, 96), STRIPPED)
        assert "exif" not in Image.open(io.BytesIO(crop)).info


class TestWhereItCannotBe:
    @pytest.mark.parametrize(
        ("box", "mode", "rule", "size_wh", "note"),
        [
            (Box(17, 16, 91, 90), "RGB", LOSSLESS, None, "does not lie on the grid of 16 x 16 pixels"),
            (Box(16, 16, 90, 90), "CMYK", LOSSLESS, None, "cannot be cropped without loss"),
            (Box(16, 16, 90, 90), "RGB", LOSSLESS, (37, 37), "Resized"),
            (Box(16, 16, 90, 90), "RGB", OutputRule("webp"), None, None),
        ],
    )
    def test_it_is_encoded_and_says_so(self, box, mode, rule, size_wh, note):
        target = io.BytesIO()
        (written,) = write_crops(open_photo(encoded(mode)), [box], [target], rule, size_wh=size_wh)
        assert not written.lossless
        assert [note in text for text in written.notes] == ([True] if note else [])
        assert Image.open(target).size == (size_wh or (74, 74))

    def test_a_truncated_file_is_refused(self, tmp_path, capfd):
        data = encoded()
        with pytest.raises(ImageError, match="damaged or truncated"):
            write_crops(
                open_photo(data[: len(data) * 3 // 4]), [Box(0, 0, 64, 64)], [tmp_path / "a.jpg"], LOSSLESS
            )
        assert list(tmp_path.iterdir()) == []
        assert capfd.readouterr() == ("", "")

    def test_a_file_of_a_hundred_segments(self):
        data = encoded()
        many = data[:2] + b"\xff\xec\0\x06many" * 100 + data[2:]
        crop, written = crop_of(many, Box(16, 0, 80, 64))
        assert written.lossless
        assert b"many" not in crop

    def test_without_the_extra(self, tmp_path):
        (tmp_path / "photo.jpg").write_bytes(encoded())
        program = f"""
import sys
sys.modules["jpeglib"] = None
from pathlib import Path
from cadrage.errors import MissingExtraError
from cadrage.geometry import Box
from cadrage.imaging import OutputRule, open_photo, write_crops
photo = open_photo({str(tmp_path / "photo.jpg")!r})
try:
    write_crops(photo, [Box(0, 0, 64, 64)], [Path({str(tmp_path / "crop.jpg")!r})], OutputRule(lossless=True))
except MissingExtraError as error:
    print(error)
"""
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ran.stdout == (
            "Cropping JPEG files without loss needs the extra 'lossless': pip install 'cadrage[lossless]'\n"
        )
        assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
