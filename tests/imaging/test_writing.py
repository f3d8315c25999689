from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import ExifTags, Image
from written import BOX, crop_of

from cadrage.errors import ImageError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import OutputRule, cut, open_photo, suffix_for, write_crops

FORMATS = ["jpeg", "png", "webp", "avif", "tiff", "gif"]


class TestRule:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"format": "bmp"}, "The format must be jpeg, png, webp, avif, tiff, gif, not 'bmp'."),
            ({"quality": 0}, "The quality must be from 1 to 100, not 0."),
            ({"quality": 101}, "The quality must be from 1 to 100, not 101."),
            ({"quality": 92.5}, "The quality must be from 1 to 100, not 92.5."),
            ({"quality": True}, "The quality must be from 1 to 100, not True."),
            ({"strip": 1}, "'strip' must be true or false, not 1."),
            ({"lossless": "yes"}, "'lossless' must be true or false, not 'yes'."),
        ],
    )
    def test_values_outside_their_range(self, values, message):
        with pytest.raises(RequestError) as raised:
            OutputRule(**values)
        assert str(raised.value) == message

    @pytest.mark.parametrize(("name", "format_name"), [("JPG", "jpeg"), (".tif", "tiff"), ("WebP", "webp")])
    def test_other_names_of_formats(self, name, format_name):
        assert OutputRule(name).format == format_name

    @pytest.mark.parametrize(
        ("source", "target", "suffix"),
        [("PNG", None, ".png"), ("GIF", None, ".gif"), ("BMP", None, ".png"), ("PNG", "jpeg", ".jpg")],
    )
    def test_suffix(self, source, target, suffix, scene, encode):
        assert suffix_for(open_photo(encode(scene, source)), OutputRule(target)) == suffix


class TestPixels:
    @pytest.mark.parametrize(
        ("mode", "source", "target", "kept"),
        [
            ("RGBA", "PNG", None, "RGBA"),
            ("LA", "PNG", None, "LA"),
            ("L", "PNG", None, "L"),
            ("1", "PNG", None, "1"),
            ("P", "PNG", None, "P"),
            ("I;16", "PNG", None, "I;16"),
            ("I;16", "TIFF", None, "I;16"),
            ("I;16", "PNG", "tiff", "I;16"),
            ("CMYK", "TIFF", None, "CMYK"),
            ("RGBA", "TIFF", None, "RGBA"),
            ("F", "TIFF", None, "F"),
            ("P", "GIF", None, "P"),
            ("RGBA", "PNG", "tiff", "RGBA"),
        ],
    )
    def test_are_exactly_kept(self, mode, source, target, kept, scene, encode):
        picture = scene.convert("L" if mode == "I;16" else mode).convert(mode)
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(scene.convert("L")).astype(np.uint16) * 257 + 13)
        data = encode(picture, source)
        stream = io.BytesIO()
        (written,) = write_crops(open_photo(data), [BOX], [stream], OutputRule(target))
        image = Image.open(stream)
        expected = picture.crop((4, 6, 44, 36))
        assert image.mode == kept
        assert written.lossless
        if mode == "P":
            image, expected = image.convert("RGB"), expected.convert("RGB")
        assert np.array_equal(np.asarray(image), np.asarray(expected))

    @pytest.mark.parametrize(("mode", "kept"), [("CMYK", "CMYK"), ("L", "L"), ("RGB", "RGB")])
    def test_a_jpeg_keeps_its_colours(self, mode, kept, scene, encode):
        image = crop_of(encode(scene.convert(mode), "JPEG", quality=95), OutputRule(quality=95))
        assert image.mode == kept
        expected = np.asarray(scene.convert(mode).convert("RGB").crop((4, 6, 44, 36))).astype(int)
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - expected).mean() < 6

    @pytest.mark.parametrize("target", FORMATS)
    @pytest.mark.parametrize("orientation", [1, 6])
    def test_are_upright(self, target, orientation, scene, encode):
        data = encode(scene, "PNG", orientation)
        image = crop_of(data, OutputRule(target), Box(0, 0, 60, 50))
        expected = np.asarray(cut(open_photo(data), Box(0, 0, 60, 50)).convert("RGB")).astype(int)
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - expected).mean() < 6

    def test_webp_without_loss(self, scene, encode):
        image = crop_of(encode(scene, "PNG"), OutputRule("webp", lossless=True))
        assert np.array_equal(np.asarray(image), np.asarray(scene.crop((4, 6, 44, 36))))

    def test_a_transparent_palette_entry_stays_transparent(self, scene, encode):
        data = encode(scene.convert("P"), "PNG", transparency=scene.convert("P").getpixel((10, 10)))
        image = crop_of(data, OutputRule())
        assert (image.mode, image.convert("RGBA").getpixel((6, 4))[3]) == ("P", 0)

    def test_quality(self, scene, encode):
        sizes = []
        for quality in (20, 90):
            target = io.BytesIO()
            write_crops(open_photo(encode(scene, "PNG")), [BOX], [target], OutputRule("jpeg", quality))
            sizes.append(len(target.getvalue()))
        assert sizes[0] < sizes[1]


class TestSize:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_is_exact_and_upright(self, orientation, scene, encode):
        data = encode(scene, "PNG", orientation)
        photo = open_photo(data)
        target = io.BytesIO()
        (written,) = write_crops(photo, [Box(10, 10, 58, 42)], [target], size_wh=(24, 16))
        expected = cut(photo, Box(10, 10, 58, 42)).resize((24, 16), Image.Resampling.LANCZOS)
        difference = np.asarray(Image.open(target)).astype(int) - np.asarray(expected)
        assert (written.size_wh, written.scale, written.lossless) == ((24, 16), 0.5, False)
        assert np.abs(difference)[1:-1, 1:-1].max() <= 8  # at the border the photograph goes on
        assert np.abs(difference).mean() < 3

    def test_enlarged(self, scene, encode):
        target = io.BytesIO()
        (written,) = write_crops(
            open_photo(encode(scene, "PNG")), [Box(0, 0, 20, 10)], [target], size_wh=(50, 25)
        )
        assert (Image.open(target).size, written.scale) == ((50, 25), 2.5)

    @pytest.mark.parametrize(
        ("mode", "kept"),
        [
            ("RGBA", "RGBA"),
            ("LA", "LA"),
            ("L", "L"),
            ("I;16", "I;16"),
            ("CMYK", "CMYK"),
            ("F", "F"),
            ("P", "RGB"),
            ("1", "L"),
        ],
    )
    def test_modes(self, mode, kept, scene, encode):
        picture = scene.convert("L" if mode == "I;16" else mode).convert(mode)
        image = crop_of(encode(picture, "TIFF"), OutputRule(), size_wh=(20, 15))
        assert (image.mode, image.size) == (kept, (20, 15))

    def test_sixteen_bits_stay(self, encode):
        image = crop_of(encode(Image.new("I;16", (80, 60), 51_234), "PNG"), OutputRule(), size_wh=(20, 15))
        assert image.getextrema() == (51_234, 51_234)

    def test_hidden_colours_do_not_bleed(self, encode):
        picture = Image.new("RGBA", (80, 60), (255, 0, 0, 0))
        picture.paste((0, 200, 0, 255), (40, 0, 80, 60))
        image = crop_of(encode(picture, "PNG"), OutputRule(), Box(0, 0, 80, 60), size_wh=(20, 15))
        pixels = np.asarray(image)
        assert pixels[pixels[..., 3] > 8][:, 0].max() <= 8

    def test_a_large_jpeg_is_shrunk_while_it_is_decoded(self, tmp_path):
        noise = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((6000, 4000), Image.Resampling.BILINEAR).save(tmp_path / "large.jpg")
        program = f"""
import resource
from pathlib import Path
from cadrage.geometry import Box
from cadrage.imaging import open_photo, write_crops
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photo = open_photo({str(tmp_path / "large.jpg")!r})
write_crops(photo, [Box(500, 500, 5500, 3125)], [Path({str(tmp_path / "crop.jpg")!r})], size_wh=(1200, 630))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000)
"""
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert int(ran.stdout) < 70  # megabytes; the photograph alone has 96 at full size
        whole = Image.open(tmp_path / "large.jpg").crop((500, 500, 5500, 3125))
        expected = np.asarray(whole.resize((1200, 630), Image.Resampling.LANCZOS)).astype(int)
        assert np.abs(np.asarray(Image.open(tmp_path / "crop.jpg")) - expected).mean() < 3

    @pytest.mark.parametrize("size_wh", [(0, 5), (5, -1), (65_535, 65_535)])
    def test_impossible(self, size_wh, scene):
        with pytest.raises(RequestError, match="The size of a crop must be at least 1 x 1"):
            write_crops(open_photo(scene), [BOX], [io.BytesIO()], size_wh=size_wh)


class TestTargets:
    def test_several_boxes_and_kinds_of_target(self, scene, encode, tmp_path):
        photo = open_photo(encode(scene, "JPEG"))
        stream = io.BytesIO()
        written = write_crops(photo, [BOX, Box(0, 0, 9, 9)], [tmp_path / "new" / "a.jpg", stream])
        assert [one.path for one in written] == [tmp_path / "new" / "a.jpg", None]
        assert [one.size_wh for one in written] == [(40, 30), (9, 9)]
        assert Image.open(tmp_path / "new" / "a.jpg").size == (40, 30)
        assert Image.open(stream).size == (9, 9)

    def test_rows_of_numbers_and_names_as_text(self, scene, tmp_path):
        (written,) = write_crops(open_photo(scene), np.array([BOX.as_tuple()]), [str(tmp_path / "one.png")])
        assert written.path == tmp_path / "one.png"
        assert open_photo(written.path).size_wh == (BOX.rounded()[2] - BOX.x1, BOX.rounded()[3] - BOX.y1)

    def test_a_stream_that_cannot_seek(self, scene, encode):
        class Pipe(io.RawIOBase):
            data = b""

            def writable(self):
                return True

            def seekable(self):
                return False

            def write(self, data):
                self.data += bytes(data)
                return len(data)

        pipe = Pipe()
        write_crops(open_photo(encode(scene, "TIFF")), [BOX], [pipe])
        assert Image.open(io.BytesIO(pipe.data)).size == (40, 30)

    @pytest.mark.parametrize("link", ["symlink_to", "hardlink_to", None])
    def test_the_photograph_itself_is_not_overwritten(self, link, scene, tmp_path):
        source = tmp_path / "photo.png"
        scene.save(source)
        before = source.read_bytes()
        target = tmp_path / "other.png" if link else source
        if link:
            getattr(target, link)(source)
        with pytest.raises(ImageError, match="is a source and is not overwritten"):
            write_crops(open_photo(source), [BOX], [target])
        assert source.read_bytes() == before

    def test_nor_are_other_sources(self, scene, tmp_path):
        for name in ("one.png", "two.png"):
            scene.save(tmp_path / name)
        with pytest.raises(ImageError, match=r"two\.png is a source"):
            write_crops(
                open_photo(tmp_path / "one.png"),
                [BOX],
                [tmp_path / "two.png"],
                sources=[tmp_path / "two.png"],
            )

    def test_two_crops_in_one_file(self, scene, tmp_path):
        with pytest.raises(RequestError, match=r"a\.png is the target of two crops\.$"):
            write_crops(open_photo(scene), [BOX, BOX], [tmp_path / "a.png"] * 2)

    def test_too_few(self, scene):
        with pytest.raises(RequestError, match=r"^There are 1 boxes and 0 targets to write them to\.$"):
            write_crops(open_photo(scene), [BOX], [])

    def test_a_refusal_leaves_nothing(self, tmp_path):
        photo = open_photo(Image.new("L", (70_000, 2)))
        with pytest.raises(
            ImageError, match=r"a\.jpg cannot be written: JPEG does not take 70000 x 2 pixels\.$"
        ):
            write_crops(photo, [Box(0, 0, 70_000, 2)], [tmp_path / "a.jpg"], OutputRule("jpeg"))
        assert list(tmp_path.iterdir()) == []

    def test_a_truncated_photograph_leaves_nothing(self, scene, encode, tmp_path):
        data = encode(scene, "JPEG")
        with pytest.raises(ImageError, match="damaged or truncated"):
            write_crops(open_photo(data[: len(data) * 3 // 4]), [BOX], [tmp_path / "a.jpg"])
        assert list(tmp_path.iterdir()) == []
