"""Files made to hurt: each is a picture or one sentence, in bounded time and memory."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from tiff_files import tiff_file

from cadrage.errors import ImageError
from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, raster
from cadrage.imaging.guards import LARGEST_READ_WHOLE
from cadrage.imaging.quiet import quiet

RULE = RasterRule(32, 32, 64)
DAMAGED = "The picture is damaged or truncated and cannot be decoded."
TOO_MANY_PARTS = "The picture is made of more parts than a picture needs, and is not decoded."


def sentence_about(source, **options) -> str:
    with pytest.raises(ImageError) as caught:
        raster(open_photo(source, **options), RULE)
    return str(caught.value)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(chunks: bytes, size_wh: tuple[int, int] = (8, 8)) -> bytes:
    """A grey PNG with more chunks before its pixels."""
    width, height = size_wh
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((min(width, 8) + 1) * min(height, 8)))
    parts = [(b"IHDR", header), None, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks if part is None else png_chunk(*part) for part in parts)


def gif_with(frames: int) -> bytes:
    """An animation of one black pixel a frame."""
    frame = b"!\xf9\x04\0\4\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


class TestBombs:
    @pytest.mark.parametrize("side", [60_000, 2**31 - 1])
    def test_a_small_png_that_claims_a_huge_frame(self, side):
        said = sentence_about(png_with(b"", (side, side)))
        assert said.startswith(
            f"The picture has {side} x {side} = {side * side:,} pixels, more than the limit"
        )

    def test_a_gif_with_a_huge_canvas(self):
        data = b"GIF89a\xff\xff\xff\xff" + gif_with(1)[10:]
        assert "65535 x 65535 = 4,294,836,225 pixels" in sentence_about(data)

    def test_a_gif_whose_first_frame_is_larger_than_its_canvas(self):
        data = bytearray(gif_with(1))
        at = data.index(b",")
        data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
        assert sentence_about(bytes(data)) == "The picture holds a part with too many pixels."

    @pytest.mark.parametrize(
        "chunk",
        [
            (b"zTXt", b"Comment\0\0%s"),
            (b"iTXt", b"Comment\0\1\0\0\0%s"),
            (b"iCCP", b"profile\0\0%s"),
        ],
    )
    def test_compressed_text_and_profiles_do_not_unfold(self, chunk):
        kind, layout = chunk
        bomb = zlib.compress(bytes(100_000_000), 9)
        data = png_with(png_chunk(kind, layout % bomb))
        tracemalloc.start()
        try:
            raster(open_photo(data), RULE)
        except ImageError as error:
            assert str(error) == DAMAGED
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 20_000_000

    def test_a_tiff_of_huge_tiles(self):
        tiles = {322: (4, (60_000,)), 323: (4, (60_000,)), 324: (4, (8,)), 325: (4, (96,))}
        said = sentence_about(tiff_file(np.zeros((4, 4, 3), np.uint8), more_tags=tiles))
        assert (
            said
            == "The picture is stored in tiles of 60000 x 60000 pixels, more than the limit of 200,000,000."
        )

    def test_a_progressive_jpeg_of_endless_scans(self, encode):
        data = encode(Image.new("RGB", (2000, 2000)), "JPEG", progressive=True)
        start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
        assert sentence_about(data[:start] + data[start:end] * 2000 + data[end:]) == TOO_MANY_PARTS

    def test_the_same_bytes_after_the_end_of_a_progressive_jpeg_are_no_scans(self, encode):
        data = encode(Image.new("RGB", (2000, 2000)), "JPEG", progressive=True)
        assert raster(open_photo(data + b"\xff\xda" * 2000), RULE).shape == (32, 32, 3)

    @pytest.mark.parametrize("suffix", ["webp", "avif", "heic"])
    def test_files_that_are_read_whole_are_not_read_without_limit(self, suffix, tmp_path):
        starts = {
            "webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
            "avif": b"\0\0\0\x14ftypavif\0\0\0\0avif",
            "heic": b"\0\0\0\x14ftypheic\0\0\0\0heic",
        }
        path = tmp_path / f"sparse.{suffix}"
        path.write_bytes(starts[suffix])
        os.truncate(path, LARGEST_READ_WHOLE + 1)
        assert sentence_about(path) == (
            f"{path} has 536,870,913 bytes, more than the 536,870,912 that are read of its format."
        )


class TestEndlessHeaders:
    """Headers that would keep Pillow busy for minutes are refused after a bounded look."""

    @pytest.mark.parametrize(
        "segments",
        [b"\xff\xe1\0\x09Exif\0\0x" * 100_000, bytes(5_000_000), b"\xff" * 5_000_000],
        ids=["EXIF segments", "zeros", "padding"],
    )
    def test_jpeg(self, segments, scene, encode):
        data = encode(scene, "JPEG")
        assert sentence_about(data[:2] + b"\xff\xe0\0\x02" + segments + data[2:]) == TOO_MANY_PARTS

    def test_png(self):
        assert sentence_about(png_with(png_chunk(b"teSt", b"") * 100_000)) == TOO_MANY_PARTS
        assert raster(open_photo(png_with(png_chunk(b"teSt", b"") * 1000)), RULE).shape == (32, 32, 3)

    @pytest.mark.parametrize("filler", [bytes(5_000_000), b"!\xfe\0" * 100_000], ids=["zeros", "comments"])
    def test_gif(self, filler):
        data = gif_with(1)
        assert sentence_about(data[:19] + filler + data[19:]) == TOO_MANY_PARTS


class TestManyFrames:
    def test_a_gif_of_100_000_frames_is_its_first_frame(self):
        photo = open_photo(gif_with(100_000))
        assert photo.frames == 100_000
        assert raster(photo, RULE).shape == (32, 32, 3)

    def test_counting_ends_there(self):
        assert open_photo(gif_with(100_500)).frames == 100_000

    def test_tiff_directories_in_a_circle_count_once(self, scene, encode):
        data = bytearray(encode(scene, "TIFF", save_all=True, append_images=[scene] * 2))
        (first,) = struct.unpack_from("<I", data, 4)
        at = first
        for _ in range(2):
            (at,) = struct.unpack_from("<I", data, at + 2 + 12 * struct.unpack_from("<H", data, at)[0])
        struct.pack_into("<I", data, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], first)
        photo = open_photo(bytes(data))
        assert photo.frames == 3
        assert raster(photo, RULE).shape == (32, 64, 3)
        assert raster(open_photo(bytes(data), page=2), RULE).shape == (32, 64, 3)

    def test_a_png_is_believed_no_more_frames_than_it_has(self, scene, encode):
        data = encode(scene, "PNG", save_all=True, append_images=[scene.rotate(180)])
        at = data.index(b"acTL")
        claims = png_chunk(b"acTL", struct.pack(">II", 2_000_000_000, 0))
        assert open_photo(data[: at - 4] + claims + data[at + 16 :]).frames == 2


class TestDamage:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "PPM"])
    def test_truncated_at_every_byte(self, format_name, encode):
        data = encode(Image.linear_gradient("L").resize((8, 8)).convert("RGB"), format_name)
        pictures = 0
        for kept in range(len(data)):
            try:
                pictures += raster(open_photo(data[:kept]), RULE).shape == (32, 32, 3)
            except ImageError as error:
                assert str(error).startswith("The picture ")
        assert pictures <= 40  # those that lack no more than what follows the pixels

    def test_nothing_is_written_to_the_terminal(self, capfd, encode):
        data = bytearray(encode(Image.linear_gradient("L"), "TIFF", compression="tiff_deflate"))
        data[200:230] = bytes(30)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            raster(open_photo(bytes(data)), RULE)  # libtiff finds a wrong checksum, after the last pixel
        assert capfd.readouterr() == ("", "")

    def test_pixels_of_an_unknown_kind(self):
        said = sentence_about(tiff_file(np.zeros((4, 4, 3), np.float32)))
        assert said == "The picture stores its pixels in a way that cannot be read."

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
    def test_a_file_that_may_not_be_read(self, tmp_path, scene):
        path = tmp_path / "secret.png"
        scene.save(path)
        path.chmod(0)
        assert sentence_about(path) == f"{path} cannot be read: permission denied."

    @pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="not on this system")  # noqa: PTH110
    def test_a_device_is_not_read(self):
        assert sentence_about("/dev/zero") == "/dev/zero is not an ordinary file."

    def test_a_name_with_a_newline_is_a_name(self, tmp_path, scene):
        path = tmp_path / "two\nlines.png"
        scene.save(path)
        assert open_photo(path).size_wh == (96, 64)
        path.write_bytes(b"nothing of the kind")
        assert "two\\nlines.png' is not in a picture format" in sentence_about(path)

    def test_a_cut_is_refused_where_the_raster_is(self, encode):
        data = encode(Image.linear_gradient("L"), "JPEG")
        photo = open_photo(data[: len(data) // 2])
        with pytest.raises(ImageError):
            cut(photo, Box(0, 0, 9, 9))


class TestQuiet:
    def test_filters_are_as_before_when_threads_overlap(self):
        before = list(warnings.filters)

        def look(_: int) -> None:
            with quiet(), quiet():
                raster(open_photo(gif_with(1)), RULE)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(look, range(200)))
        assert list(warnings.filters) == before

    def test_warnings_of_others_are_let_through(self):
        with pytest.warns(UserWarning, match="mine"), quiet():
            warnings.warn("mine", stacklevel=1)


def test_buffers_that_only_look_like_pictures():
    for start in (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\0",
        b"BM",
        b"P6",
        b"\0\0\0\x20ftypavif",
    ):
        assert sentence_about(start) == DAMAGED
        assert sentence_about(io.BytesIO(start + bytes(2))) == DAMAGED
