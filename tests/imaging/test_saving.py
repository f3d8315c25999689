from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from cadrage.errors import ImageError
from cadrage.geometry import Box
from cadrage.imaging import OutputRule, cut, open_photo, save, suffix_for

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def reopened(path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


class TestFormats:
    @pytest.mark.parametrize(
        ("suffix", "format_name"),
        [
            (".jpg", "JPEG"),
            (".JPEG", "JPEG"),
            (".png", "PNG"),
            (".webp", "WEBP"),
            (".avif", "AVIF"),
            (".tif", "TIFF"),
            (".tiff", "TIFF"),
            (".gif", "GIF"),
        ],
    )
    def test_the_suffix_names_the_format(self, suffix, format_name, tmp_path, scene):
        save(scene, tmp_path / f"crop{suffix}")
        written = reopened(tmp_path / f"crop{suffix}")
        assert (written.format, written.size) == (format_name, scene.size)

    @pytest.mark.parametrize("name", ["crop.xyz", "crop", ".png"])
    def test_other_suffixes(self, name, tmp_path, scene):
        with pytest.raises(ImageError, match=r"its name must end in \.jpg, \.jpeg, \.png"):
            save(scene, tmp_path / name)

    def test_quality(self, tmp_path, scene):
        for quality in (30, 95):
            save(scene, tmp_path / f"{quality}.jpg", quality=quality)
        assert (tmp_path / "30.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size

    @pytest.mark.parametrize(
        ("format_name", "suffix"),
        [
            ("JPEG", ".jpg"),
            ("PNG", ".png"),
            ("WEBP", ".webp"),
            ("TIFF", ".tif"),
            ("GIF", ".gif"),
            ("BMP", ".png"),
        ],
    )
    def test_the_suffix_is_that_of_the_photograph(self, format_name, suffix, scene, encode):
        assert suffix_for(open_photo(encode(scene, format_name)), OutputRule()) == suffix


class TestPixels:
    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif", ".gif"])
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
    def test_every_mode_can_be_written_in_every_format(self, suffix, mode, tmp_path):
        save(Image.new(mode, (16, 8)), tmp_path / f"crop{suffix}")
        assert reopened(tmp_path / f"crop{suffix}").size == (16, 8)

    @pytest.mark.parametrize(
        ("mode", "suffix", "kept"),
        [
            ("RGBA", ".png", "RGBA"),
            ("LA", ".png", "LA"),
            ("RGBA", ".webp", "RGBA"),
            ("LA", ".webp", "RGBA"),
            ("RGBA", ".jpg", "RGB"),
            ("P", ".png", "P"),
            ("P", ".webp", "RGB"),
            ("L", ".jpg", "L"),
            ("CMYK", ".jpg", "CMYK"),
            ("CMYK", ".png", "RGB"),
            ("I;16", ".png", "I;16"),
            ("I;16", ".jpg", "L"),
            ("RGB", ".gif", "P"),
            ("RGBA", ".gif", "P"),
        ],
    )
    def test_the_mode_changes_as_little_as_the_format_allows(self, mode, suffix, kept, tmp_path):
        save(Image.new(mode, (16, 8)), tmp_path / f"crop{suffix}")
        assert reopened(tmp_path / f"crop{suffix}").mode == kept

    def test_transparency_is_white_in_a_jpeg(self, tmp_path):
        save(Image.new("RGBA", (16, 16), (255, 0, 0, 0)), tmp_path / "crop.jpg")
        assert (np.asarray(reopened(tmp_path / "crop.jpg")) == 255).all()

    @pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".gif"])
    def test_a_transparent_palette_entry_stays_transparent(self, suffix, tmp_path):
        picture = Image.new("P", (16, 16), 1)
        picture.putpalette([0, 0, 0, 10, 200, 30])
        picture.info["transparency"] = 1
        save(picture, tmp_path / f"crop{suffix}")
        assert reopened(tmp_path / f"crop{suffix}").convert("RGBA").getextrema()[3] == (0, 0)

    def test_half_of_a_gif_may_be_transparent(self, tmp_path):
        picture = Image.new("RGBA", (16, 16), (200, 30, 10, 255))
        picture.paste((0, 0, 0, 0), (0, 0, 8, 16))
        save(picture, tmp_path / "crop.gif")
        written = reopened(tmp_path / "crop.gif").convert("RGBA")
        assert (written.getpixel((3, 3))[3], written.getpixel((12, 3))) == (0, (200, 30, 10, 255))

    def test_the_picture_given_is_not_changed(self, tmp_path, scene):
        scene.info = {"icc_profile": SRGB, "comment": b"mine"}
        save(scene, tmp_path / "crop.jpg")
        assert scene.info == {"icc_profile": SRGB, "comment": b"mine"}
        assert "comment" not in reopened(tmp_path / "crop.jpg").info

    def test_sixteen_bits_are_scaled_not_clipped(self, tmp_path):
        save(Image.new("I;16", (16, 16), 0x8000), tmp_path / "crop.jpg")
        assert reopened(tmp_path / "crop.jpg").getpixel((3, 3)) == 128

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
    def test_the_colour_profile_is_kept(self, suffix, tmp_path, scene):
        scene.info["icc_profile"] = SRGB
        save(scene, tmp_path / f"crop{suffix}")
        assert reopened(tmp_path / f"crop{suffix}").info["icc_profile"] == SRGB

    @pytest.mark.parametrize("suffix", [".png", ".webp", ".avif"])
    def test_a_profile_for_other_colours_is_not(self, suffix, tmp_path, scene):
        inks = scene.convert("CMYK")
        inks.info["icc_profile"] = SRGB
        save(inks, tmp_path / f"crop{suffix}")
        assert not reopened(tmp_path / f"crop{suffix}").info.get("icc_profile")

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
    def test_an_upright_crop_is_not_turned_again(self, suffix, tmp_path, scene, encode):
        turned = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"></x:xmpmeta>'
        photo = open_photo(encode(scene, "JPEG", orientation=6, xmp=turned))
        save(cut(photo, Box(0, 0, 64, 96)), tmp_path / f"crop{suffix}")
        written = Image.open(tmp_path / f"crop{suffix}")
        assert written.size == (64, 96)
        assert written.getexif().get(ExifTags.Base.Orientation, 1) == 1


class TestWholeOrNotAtAll:
    def test_missing_folders_are_made(self, tmp_path, scene):
        save(scene, tmp_path / "a" / "b" / "crop.png")
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["crop.png"]

    def test_an_older_file_is_replaced(self, tmp_path, scene):
        path = tmp_path / "crop.png"
        path.write_text("old")
        save(scene, path)
        assert reopened(path).size == scene.size

    def test_permissions_are_those_of_any_new_file(self, tmp_path, scene):
        save(scene, tmp_path / "crop.png")
        (tmp_path / "plain").touch()
        assert (tmp_path / "crop.png").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path):
        path = tmp_path / "crop.jpg"
        path.write_text("old")
        with pytest.raises(
            ImageError, match=r"crop\.jpg cannot be written: JPEG does not take 70000 x 1 pixels\.$"
        ):
            save(Image.new("RGB", (70_000, 1)), path)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_file_in_place_of_the_folder(self, tmp_path, scene):
        (tmp_path / "out").touch()
        with pytest.raises(
            ImageError, match=r"crop\.png cannot be written: (not a directory|file exists)\.$"
        ):
            save(scene, tmp_path / "out" / "crop.png")

    def test_a_folder_of_that_name(self, tmp_path, scene):
        (tmp_path / "crop.png").mkdir()
        with pytest.raises(ImageError, match=r"crop\.png cannot be written: is a directory\.$"):
            save(scene, tmp_path / "crop.png")
        assert [path.name for path in tmp_path.iterdir()] == ["crop.png"]

    def test_a_name_too_long(self, tmp_path, scene):
        with pytest.raises(ImageError, match=r"cannot be written: file name too long\.$"):
            save(scene, tmp_path / ("x" * 300 + ".png"))


class TestSources:
    def test_are_not_overwritten(self, tmp_path, scene):
        source = tmp_path / "photo.png"
        scene.save(source)
        before = source.read_bytes()
        with pytest.raises(ImageError, match=r"photo\.png is a source and is not overwritten"):
            save(scene.crop((0, 0, 5, 5)), tmp_path / "x" / ".." / "photo.png", sources=[source])
        assert source.read_bytes() == before

    def test_not_by_a_link_either(self, tmp_path, scene):
        source = tmp_path / "photo.png"
        scene.save(source)
        (tmp_path / "link.png").symlink_to(source)
        with pytest.raises(ImageError, match="is a source"):
            save(scene, tmp_path / "link.png", sources=[source])

    def test_nor_by_a_hard_link(self, tmp_path, scene):
        source = tmp_path / "photo.png"
        scene.save(source)
        (tmp_path / "link.png").hardlink_to(source)
        with pytest.raises(ImageError, match="is a source"):
            save(scene, tmp_path / "link.png", sources=[source])

    def test_other_files_may_be(self, tmp_path, scene):
        scene.save(tmp_path / "photo.png")
        save(scene, tmp_path / "crop.png", sources=[tmp_path / "photo.png", tmp_path / "gone.png"])
        assert (tmp_path / "crop.png").exists()
