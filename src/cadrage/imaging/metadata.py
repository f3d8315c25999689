"""What a photograph says about itself, carried over to its crops and made true for them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from cadrage.imaging.orientation import Size
from cadrage.imaging.photo import Photo, header
from cadrage.imaging.saving import AVIF, GIF, JPEG, PNG, TIFF, WEBP, Writer

_LARGEST_SEGMENT = 65_533
"""Bytes in a segment of a JPEG file."""

_XMP_HEADING = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_CHUNK = "XML:com.adobe.xmp"
_RAW_PROFILE = "Raw profile type "

_STRUCTURE = {
    *range(254, 260),  # subfile, size, bits, compression
    *(262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284),  # layout of pixels and strips
    *range(288, 294),
    *(301, 317, 318, 319, 320, 321, *range(322, 331), 332, 333, 334, 336, 337, *range(338, 348)),
    *range(512, 522),  # old JPEG, and where EXIF's thumbnail lies
    *(529, 530, 531, 532, 559),
    *(0x02BC, 0x83BB, 0x8649, 0x8773, 0x935C),  # XMP, IPTC, Photoshop, ICC: carried by themselves
    *range(50_706, 50_742),  # DNG
}
"""TIFF tags of the first directory that describe how the old pixels were stored."""

_IPTC_TAG, _XMP_TAG, _PHOTOSHOP_TAG = 0x83BB, 0x02BC, 0x8649
_IPTC_RESOURCE = 0x0404

_XMP_ORIENTATION = (
    re.compile(rb"(tiff:Orientation=[\"'])\d+"),
    re.compile(rb"(<tiff:Orientation>)\s*\d+"),
)
_XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails>.*?</\1:Thumbnails>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said about a picture; each part ``None`` or empty where there is none.

    Attributes:
        exif: as ``Image.Exif`` writes it, without thumbnail.
        xmp: the packet.
        iptc: records of the Information Interchange Model.
        comment: free text, of JPEG and GIF files.
        text: keyword and text of PNG chunks.
        dpi: dots per inch, x and y.
        notes: what could not be read, in sentences.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    text: tuple[tuple[str, str], ...] = ()
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def metadata_of(photo: Photo, image: Image.Image) -> Metadata:
    """What the file says about the photograph.

    Args:
        photo: the photograph.
        image: its pixels, decoded, since parts of the metadata may follow them in the file.
    """
    if photo.format == "TIFF" and not isinstance(photo.source, Image.Image):
        with header(photo.source, photo.name) as page:
            page.seek(photo.page)
            return _read(page)
    return _read(image)


def for_crop(metadata: Metadata, size_wh: Size, orientation: int = 1) -> Metadata:
    """The metadata made true for a crop: its size, its orientation, no thumbnail of the whole.

    Args:
        metadata: the photograph's; left as it is.
        size_wh: the crop as stored.
        orientation: of the crop as stored.
    """
    xmp = metadata.xmp
    if xmp:
        xmp = _XMP_THUMBNAILS.sub(b"", xmp)
        for pattern in _XMP_ORIENTATION:
            xmp = pattern.sub(rb"\g<1>%d" % orientation, xmp)
    exif = Image.Exif()
    exif.load(metadata.exif or b"")
    if ExifTags.Base.Orientation in exif or orientation != 1:
        exif[ExifTags.Base.Orientation] = orientation
    details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
    for tag, side in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size_wh, strict=True):
        if tag in details:
            details[tag] = side
    return replace(metadata, exif=exif.tobytes() if len(exif) else None, xmp=xmp)


def encoder_options(metadata: Metadata, writer: Writer) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What Pillow's encoder of a format wants to be told, and sentences on what the format has no room for.

    Args:
        metadata: made true for the crop by ``for_crop``.
        writer: the format.
    """
    if writer is JPEG:
        return _for_jpeg(metadata)
    options: dict[str, Any] = {}
    if writer is GIF:
        options |= {"comment": metadata.comment} if metadata.comment else {}
    if writer is TIFF:
        options |= _for_tiff(metadata)
    if writer in (PNG, WEBP, AVIF) and metadata.exif is not None:
        options["exif"] = metadata.exif
    if writer in (WEBP, AVIF) and metadata.xmp:
        options["xmp"] = metadata.xmp
    if writer is PNG:
        options["pnginfo"] = _png_chunks(metadata)
    if writer in (PNG, TIFF) and metadata.dpi:
        options["dpi"] = metadata.dpi
    return options, ()


def iptc_segment(iptc: bytes) -> bytes:
    """IPTC records as the content of a JPEG file's APP13 segment."""
    padded = iptc + b"\0" * (len(iptc) % 2)
    return b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(iptc)) + padded


def xmp_segment(xmp: bytes) -> bytes:
    """An XMP packet as the content of a JPEG file's APP1 segment."""
    return _XMP_HEADING + xmp


def _read(image: Image.Image) -> Metadata:
    info = image.info
    notes: list[str] = []
    try:
        exif = _exif_of(image)
        for_crop(Metadata(exif), image.size)  # some that can be read cannot be written and read again
    except Exception:  # damaged metadata raises almost anything, and must not cost the picture
        exif = None
        notes.append("Its EXIF data is damaged and was left out.")
    comment = info.get("comment")
    return Metadata(
        exif=exif,
        xmp=_bytes(info.get("xmp")),
        iptc=_iptc_of(image),
        comment=_bytes(comment),
        text=_text_of(image),
        dpi=_dpi_of(info.get("dpi")),
        notes=tuple(notes),
    )


def _exif_of(image: Image.Image) -> bytes | None:
    """The EXIF data, without thumbnail and without what was about the old file."""
    data = image.info.get("exif")
    is_tiff = image.format == "TIFF"
    if isinstance(data, bytes) and data:
        exif = Image.Exif()
        exif.load(data)
    elif is_tiff or any(str(key).startswith(_RAW_PROFILE) for key in image.info):
        exif = image.getexif()
    else:
        return None
    for tag in [tag for tag in exif if tag in _STRUCTURE]:
        if is_tiff or tag != ExifTags.Base.Orientation:
            del exif[tag]
    return exif.tobytes() if len(exif) else None


def _iptc_of(image: Image.Image) -> bytes | None:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        return _bytes(resources.get(_IPTC_RESOURCE))
    value = getattr(image, "tag_v2", {}).get(_IPTC_TAG)
    return _bytes(value)


def _text_of(image: Image.Image) -> tuple[tuple[str, str], ...]:
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return ()
    return tuple(
        (keyword, str(text))
        for keyword, text in image.text.items()
        if keyword != _XMP_CHUNK and not keyword.startswith(_RAW_PROFILE)
    )


def _dpi_of(value: object) -> tuple[float, float] | None:
    try:
        x, y = (float(part) for part in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 65_536 and 0 < y < 65_536 else None


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode()
    return value or None if isinstance(value, bytes) else None


def _for_jpeg(metadata: Metadata) -> tuple[dict[str, Any], tuple[str, ...]]:
    options: dict[str, Any] = {}
    notes: list[str] = []

    def add(name: str, value: bytes, room: int, what: str) -> None:
        if len(value) <= room:
            options[name] = value
        else:
            notes.append(f"Its {what} is too long for a JPEG file and was left out.")

    if metadata.exif is not None:
        add("exif", metadata.exif, _LARGEST_SEGMENT, "EXIF data")
    if metadata.xmp:
        add("xmp", metadata.xmp, _LARGEST_SEGMENT - len(_XMP_HEADING), "XMP data")
    if metadata.comment:
        add("comment", metadata.comment, _LARGEST_SEGMENT, "comment")
    if metadata.iptc:
        segment = iptc_segment(metadata.iptc)
        add(
            "extra",
            struct.pack(">2sH", b"\xff\xed", len(segment) + 2) + segment,
            _LARGEST_SEGMENT,
            "IPTC data",
        )
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return options, tuple(notes)


def _for_tiff(metadata: Metadata) -> dict[str, Any]:
    tags = Image.Exif()
    tags.load(metadata.exif or b"")
    if metadata.xmp:
        tags[_XMP_TAG] = metadata.xmp
    if metadata.iptc:
        tags[_IPTC_TAG] = metadata.iptc
    return {"exif": tags} if len(tags) else {}


def _png_chunks(metadata: Metadata) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, text in metadata.text:
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            chunks.add_itxt(keyword, text)
        else:
            chunks.add_text(keyword, text)
    if metadata.xmp:
        chunks.add_itxt(_XMP_CHUNK, metadata.xmp.decode("utf-8", "replace"))
    return chunks
