from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cadrage.errors import ImageError
from cadrage.imaging import FORMATS, RasterRule, open_photo, raster

RULE = RasterRule(64, 32, 128)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


class TestEverySourceIsTheSamePhotograph:
    def test_path_text_bytes_file_picture_and_array_give_one_raster(self, tmp_path, scene):
        path = tmp_path / "scene.png"
        scene.save(path)
        with path.open("rb") as file:
            sources = [
                path,
                str(path),
                path.read_bytes(),
                bytearray(path.read_bytes()),
                file,
                io.BytesIO(path.read_bytes()),
                scene,
                np.asarray(scene),
            ]
            photos = [open_photo(source) for source in sources]
        rasters = [raster(photo, RULE) for photo in photos]
        assert all(photo.size_wh == (96, 64) for photo in photos)
        assert all(np.array_equal(rasters[0], other) for other in rasters)

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    def test_whatever_the_mode(self, mode, tmp_path, scene):
        picture = scene.copy()
        if mode == "RGBA":
            picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        picture = picture.convert(mode)
        path = tmp_path / "scene.png"
        picture.save(path)
        sources = [path, path.read_bytes(), io.BytesIO(path.read_bytes()), picture, np.asarray(picture)]
        rasters = [raster(open_photo(source), RULE) for source in sources]
        assert all(np.array_equal(rasters[0], other) for other in rasters)

    def test_name_is_the_path_or_what_the_caller_says(self, tmp_path, scene):
        path = tmp_path / "scene.png"
        scene.save(path)
        assert open_photo(path).name == str(path)
        assert open_photo(path.read_bytes()).name == "The picture"
        assert open_photo(path.read_bytes(), name="upload 7").name == "upload 7"
        with path.open("rb") as file:
            assert open_photo(file).name == str(path)

    @pytest.mark.parametrize(
        ("shape", "mode"),
        [((5, 7), "L"), ((5, 7, 1), "L"), ((5, 7, 3), "RGB"), ((5, 7, 4), "RGBA")],
    )
    def test_arrays_are_rows_first_grey_rgb_or_rgba(self, shape, mode):
        photo = open_photo(np.zeros(shape, dtype=np.uint8))
        assert photo.size_wh == (7, 5)
        assert photo.source.mode == mode

    @pytest.mark.parametrize("format_name", FORMATS)
    def test_every_format_named_is_read(self, format_name, scene, encode):
        photo = open_photo(encode(scene, format_name))
        assert (photo.format, photo.size_wh, photo.orientation) == (format_name, (96, 64), 1)
        assert raster(photo, RULE).shape == (64, 96, 3)

    def test_a_camera_file_with_a_second_picture_is_a_jpeg(self, scene, encode):
        photo = open_photo(encode(scene, "MPO", save_all=True, append_images=[scene.rotate(180)]))
        assert (photo.format, photo.size_wh) == ("JPEG", (96, 64))


class TestHeaderOnly:
    def test_the_size_is_known_without_pixels(self):
        assert open_photo(png_header(4000, 3000)).size_wh == (4000, 3000)

    def test_more_pixels_than_pillow_likes_are_no_trouble_within_the_limit(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert open_photo(png_header(19_000, 10_000)).size_wh == (19_000, 10_000)
            assert open_photo(png_header(30_000, 10_000), pixel_limit=300_000_000).size_wh == (30_000, 10_000)

    def test_limit_of_pixels(self):
        with pytest.raises(ImageError) as caught:
            open_photo(png_header(30_000, 10_000), name="wall.png")
        assert str(caught.value) == (
            "wall.png has 30000 x 10000 = 300,000,000 pixels, more than the limit of 200,000,000."
        )

    @pytest.mark.parametrize("over", [0, 1])
    def test_the_limit_itself_is_allowed(self, over):
        grey = np.zeros((10, 10 + over), dtype=np.uint8)
        if over:
            with pytest.raises(ImageError, match="more than the limit of 100"):
                open_photo(grey, pixel_limit=100)
        else:
            open_photo(grey, pixel_limit=100)


class TestOrientation:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_frame_is_upright(self, format_name, orientation, scene, encode):
        photo = open_photo(encode(scene, format_name, orientation))
        assert photo.size_wh == ((96, 64) if orientation < 5 else (64, 96))

    def test_exif_after_the_pixels_of_a_png_counts(self, scene, encode):
        whole = encode(scene, "PNG", orientation=6)
        start = whole.index(b"eXIf") - 4
        end = start + 12 + struct.unpack(">I", whole[start : start + 4])[0]
        late = whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:]
        assert open_photo(late).size_wh == (64, 96)

    def test_pillow_pictures_are_turned_as_their_files_are(self, scene, encode):
        data = encode(scene, "PNG", orientation=6)
        from_picture = raster(open_photo(Image.open(io.BytesIO(data))), RULE)
        assert np.array_equal(from_picture, raster(open_photo(data), RULE))

    @pytest.mark.parametrize("orientation", [0, 9, 300])
    def test_unknown_orientations_turn_nothing(self, orientation, scene, encode):
        assert open_photo(encode(scene, "JPEG", orientation)).orientation == 1

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF")
    def test_damaged_exif_does_not_cost_the_picture(self, scene, encode):
        data = encode(scene, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff" + b"\x99" * 20)
        assert open_photo(data).size_wh == (96, 64)


class TestBadInput:
    def check(self, source, sentence: str, **options) -> None:
        with pytest.raises(ImageError) as caught:
            raster(open_photo(source, **options), RULE)
        assert str(caught.value) == sentence

    def test_missing(self, tmp_path):
        self.check(tmp_path / "no.jpg", f"{tmp_path / 'no.jpg'} does not exist.")
        self.check("no\0name.jpg", "'no\\x00name.jpg' does not exist.")

    def test_folder(self, tmp_path):
        self.check(tmp_path, f"{tmp_path} is a folder, not a picture.")

    def test_empty(self, tmp_path):
        path = tmp_path / "empty.jpg"
        path.touch()
        self.check(path, f"{path} is empty.")
        self.check(b"", "The picture is empty.")
        self.check(io.BytesIO(), "The picture is empty.")

    def test_text_named_jpg(self, tmp_path):
        path = tmp_path / "notes.jpg"
        path.write_text("Dear diary, today I took no photograph.")
        self.check(
            path, f"{path} is not in a picture format that can be read ({', '.join((*FORMATS, 'HEIC'))})."
        )

    def test_formats_outside_the_list_are_not_tried(self, encode, scene):
        self.check(
            encode(scene, "EPS"),
            f"The picture is not in a picture format that can be read ({', '.join((*FORMATS, 'HEIC'))}).",
        )

    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF"])
    def test_truncated(self, format_name, tmp_path, scene, encode):
        path = tmp_path / "half.jpg"
        data = encode(scene, format_name)
        path.write_bytes(data[: len(data) // 2])
        self.check(path, f"{path} is damaged or truncated and cannot be decoded.")

    def test_no_pixels(self):
        self.check(np.zeros((0, 4, 3), dtype=np.uint8), "The picture has no pixels: its shape is (0, 4, 3).")
        self.check(Image.new("RGB", (0, 5)), "The picture has no pixels: its size is 0 x 5.")

    def test_link_that_leads_to_itself(self, tmp_path):
        loop = tmp_path / "loop.jpg"
        loop.symlink_to(loop)
        self.check(loop, f"{loop} cannot be read: too many levels of symbolic links.")

    def test_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.jpg")
        self.check(tmp_path / "pipe.jpg", f"{tmp_path / 'pipe.jpg'} is not an ordinary file.")

    def test_names_with_newlines_stay_on_one_line(self, tmp_path):
        self.check(Path("two\nlines.jpg"), "'two\\nlines.jpg' does not exist.")

    @pytest.mark.parametrize(
        ("array", "what"),
        [
            (np.zeros((4, 4, 3)), "float64 of shape (4, 4, 3)"),
            (np.zeros((4, 4, 2), dtype=np.uint8), "uint8 of shape (4, 4, 2)"),
            (np.zeros(4, dtype=np.uint8), "uint8 of shape (4,)"),
        ],
    )
    def test_arrays_of_another_kind(self, array, what):
        rule = "an array must be uint8 of shape (H, W), (H, W, 3) or (H, W, 4)"
        self.check(array, f"The picture: {rule}, not {what}.")

    @pytest.mark.parametrize(("source", "kind"), [(7, "int"), (io.StringIO("text"), "StringIO")])
    def test_sources_of_another_kind(self, source, kind):
        self.check(
            source,
            "A photograph is a path, bytes, a binary file object, a Pillow picture or a uint8 array, "
            f"not {kind}.",
        )

    def test_closed_file(self):
        file = io.BytesIO(b"x")
        file.close()
        self.check(file, "The picture cannot be read.", name="The picture")

    def test_file_replaced_by_another_since(self, tmp_path, scene):
        path = tmp_path / "scene.png"
        scene.save(path)
        photo = open_photo(path)
        scene.crop((0, 0, 50, 50)).save(path)
        with pytest.raises(ImageError, match=r"scene\.png has changed since it was opened\.$"):
            raster(photo, RULE)

    def test_file_removed_since(self, tmp_path, scene):
        path = tmp_path / "scene.png"
        scene.save(path)
        photo = open_photo(path)
        path.unlink()
        with pytest.raises(ImageError, match=r"scene\.png does not exist\.$"):
            raster(photo, RULE)

    @settings(max_examples=60, deadline=None)
    @given(
        format_name=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "PPM", "JPEG2000"]),
        damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
        kept=st.floats(0, 1),
    )
    @pytest.mark.filterwarnings("ignore")
    def test_a_damaged_file_is_a_picture_or_one_sentence(self, format_name, damage, kept):
        buffer = io.BytesIO()
        Image.linear_gradient("L").resize((24, 16)).convert("RGB").save(buffer, format_name)
        data = bytearray(buffer.getvalue())
        for place, value in damage:
            data[int(place * len(data))] = value
        try:
            pixels = raster(open_photo(bytes(data[: round(kept * len(data))])), RULE)
        except ImageError as error:
            assert str(error).startswith("The picture ")
            assert "\n" not in str(error)
        else:
            assert pixels.dtype == np.uint8
