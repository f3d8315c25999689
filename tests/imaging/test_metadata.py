from __future__ import annotations

import io

import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from written import BOX, crop_of

from cadrage.geometry import Box
from cadrage.imaging import OutputRule, open_photo, write_crops
from cadrage.imaging.metadata import iptc_segment

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IPTC = b"\x1c\x02\x19\0\x03key"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6">'
    b"<xmp:Thumbnails>whole</xmp:Thumbnails></r></x:xmpmeta>"
)
FORMATS = ["jpeg", "png", "webp", "avif", "tiff", "gif"]


def exif(orientation: int = 6) -> Image.Exif:
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    data[ExifTags.Base.Make] = "Maker"
    details = data.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = 96, 64
    details[ExifTags.Base.BodySerialNumber] = "SN-0042"
    data.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    return data


def with_everything(scene: Image.Image) -> bytes:
    """A JPEG file, to be turned, with all that a camera and an editor may say."""
    segment = iptc_segment(IPTC)
    buffer = io.BytesIO()
    scene.save(
        buffer,
        "JPEG",
        exif=exif(),
        xmp=XMP,
        comment=b"made by hand",
        dpi=(300, 300),
        icc_profile=SRGB,
        extra=b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment,
    )
    return buffer.getvalue()


class TestMetadata:
    @pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif", "tiff"])
    def test_exif_is_kept_and_true(self, target, scene):
        image = crop_of(with_everything(scene), OutputRule(target))
        kept = image.getexif()
        details = kept.get_ifd(ExifTags.IFD.Exif)
        assert kept[ExifTags.Base.Make] == "Maker"
        assert kept.get(ExifTags.Base.Orientation, 1) == 1
        assert kept.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N"}
        assert details[ExifTags.Base.BodySerialNumber] == "SN-0042"
        assert (details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight]) == (40, 30)

    @pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif", "tiff"])
    def test_xmp_is_kept_without_thumbnail(self, target, scene):
        image = crop_of(with_everything(scene), OutputRule(target))
        expected = XMP.replace(b'"6"', b'"1"').replace(b"<xmp:Thumbnails>whole</xmp:Thumbnails>", b"")
        assert image.info["xmp"] == expected

    def test_the_rest_where_the_format_has_room(self, scene):
        data = with_everything(scene)
        jpeg, tiff, png = (crop_of(data, OutputRule(name)) for name in ("jpeg", "tiff", "png"))
        gif = crop_of(data, OutputRule("gif"))
        assert jpeg.info["photoshop"] == {0x0404: IPTC}
        assert tiff.tag_v2[33723] == IPTC
        assert (jpeg.info["comment"], gif.info["comment"]) == (b"made by hand", b"made by hand")
        assert [round(image.info["dpi"][0]) for image in (jpeg, tiff, png)] == [300, 300, 300]

    def test_between_tiff_and_jpeg_and_back(self, scene):
        stream = io.BytesIO()
        write_crops(open_photo(with_everything(scene)), [BOX], [stream], OutputRule("tiff"))
        image = crop_of(stream.getvalue(), OutputRule("jpeg"), Box(0, 0, 20, 20))
        assert image.getexif()[ExifTags.Base.Make] == "Maker"
        assert image.getexif().get_ifd(ExifTags.IFD.GPSInfo) == {1: "N"}
        assert set(image.getexif()) <= {
            ExifTags.Base.Make,
            ExifTags.Base.Orientation,
            ExifTags.Base.XResolution,
            ExifTags.Base.YResolution,
            ExifTags.Base.ResolutionUnit,
            ExifTags.Base.ExifOffset,
            ExifTags.Base.GPSInfo,
        }
        assert image.info["photoshop"] == {0x0404: IPTC}

    def test_text_of_a_png(self, scene, encode):
        text = PngImagePlugin.PngInfo()
        text.add_text("Title", "Café")
        text.add_itxt("Description", "日本")
        data = encode(scene, "PNG", pnginfo=text)
        assert crop_of(data, OutputRule()).text == {"Title": "Café", "Description": "日本"}

    def test_no_thumbnail(self, scene):
        # The tags of a second directory after the first, as cameras write a thumbnail.
        data = exif().tobytes()
        assert b"\xff\xd8" not in data
        tiff = data[6:]
        order = ">" if tiff[:2] == b"MM" else "<"
        entries = int.from_bytes(tiff[8:10], "big" if order == ">" else "little")
        link = 10 + 12 * entries
        second = len(tiff).to_bytes(4, "big" if order == ">" else "little")
        thumbnail = io.BytesIO()
        scene.resize((16, 16)).save(thumbnail, "JPEG")
        directory = Image.Exif()
        directory[0x0201], directory[0x0202] = 0, len(thumbnail.getvalue())
        body = directory.tobytes()[14:]
        whole = b"Exif\0\0" + tiff[:link] + second + tiff[link + 4 :] + body + thumbnail.getvalue()
        stream = io.BytesIO()
        scene.save(stream, "JPEG", exif=whole)
        assert stream.getvalue().count(b"\xff\xd8\xff") == 2
        target = io.BytesIO()
        write_crops(open_photo(stream.getvalue()), [BOX], [target])
        assert target.getvalue().count(b"\xff\xd8\xff") == 1
        assert Image.open(target).getexif()[ExifTags.Base.Make] == "Maker"

    @pytest.mark.parametrize("target", FORMATS)
    def test_stripped_of_everything_but_the_profile(self, target, scene):
        stream = io.BytesIO()
        write_crops(open_photo(with_everything(scene)), [BOX], [stream], OutputRule(target, strip=True))
        image = Image.open(stream)
        image.load()
        for said in (b"Maker", b"SN-0042", b"xmpmeta", b"made by hand", b"key"):
            assert said not in stream.getvalue()
        assert not image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        if target != "gif":
            assert image.info["icc_profile"] == SRGB

    def test_stripped_of_text(self, scene, encode):
        text = PngImagePlugin.PngInfo()
        text.add_text("Title", "Café")
        assert crop_of(encode(scene, "PNG", pnginfo=text), OutputRule(strip=True)).text == {}

    def test_of_an_animation(self, scene, encode):
        data = encode(
            scene,
            "WEBP",
            1,
            save_all=True,
            append_images=[scene.rotate(180)],
            xmp=b"<xmpmeta/>",
            icc_profile=SRGB,
        )
        kept, bare = (crop_of(data, OutputRule(strip=strip)) for strip in (False, True))
        assert (kept.n_frames, bare.n_frames) == (2, 2)
        assert (kept.info["xmp"], kept.info["icc_profile"]) == (b"<xmpmeta/>", SRGB)
        assert ("xmp" in bare.info, "exif" in bare.info, bare.info["icc_profile"]) == (False, False, SRGB)

    @pytest.mark.parametrize("target", FORMATS)
    def test_damaged_exif_does_not_cost_the_picture(self, target, scene):
        stream = io.BytesIO()
        scene.save(stream, "JPEG", exif=b"Exif\0\0neither MM nor II")
        crop = io.BytesIO()
        (written,) = write_crops(open_photo(stream.getvalue()), [BOX], [crop], OutputRule(target))
        assert written.notes == ("Its EXIF data is damaged and was left out.",)
        assert Image.open(crop).size == (40, 30)

    def test_what_is_too_long_for_a_jpeg_is_left_out_and_named(self, scene, encode):
        data = encode(scene, "WEBP", xmp=b"<x:xmpmeta>" + b" " * 70_000 + b"</x:xmpmeta>")
        target = io.BytesIO()
        (written,) = write_crops(open_photo(data), [BOX], [target], OutputRule("jpeg"))
        assert written.notes == ("Its XMP data is too long for a JPEG file and was left out.",)
        assert "xmp" not in Image.open(target).info
