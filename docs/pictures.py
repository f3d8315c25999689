"""Makes the pictures of these pages from the sample photographs: ``make pictures``.

The same model and the same libraries give the same bytes on the same kind of CPU.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from cadrage import Box, Cropper, CropRequest, CropResult
from cadrage.cli.explain import explain
from cadrage.imaging import Photo, RasterRule, aligned, cut, lossless_grid, open_photo, preview, raster
from cadrage.overlay import LabelledCrop, draw_boxes
from cadrage.overlay.boxes import scaled
from cadrage.overlay.style import INK, PAPER, font_of

PHOTOGRAPHS = Path(__file__).parents[1] / "examples" / "photographs"
IMAGES = Path(__file__).parent / "images"

WIDTH = 720
LARGEST = 60_000
"""Bytes of a picture, at most; the quality is lowered until it fits."""

_GAP, _CAPTION = 16, 26
_HELD, _WANTED, _UNWANTED = (255, 255, 255), (60, 220, 90), (255, 60, 60)

Panel = tuple[str, Image.Image]
"""A caption, and the picture above it."""


@dataclass(frozen=True)
class Option:
    """What one option does to one photograph, in two or three panels side by side.

    Attributes:
        name: field of ``CropRequest``.
        photo: name of a sample photograph.
        panels: caption, and what is wished.
        shown: wishes whose boxes and points are outlined in every panel.
    """

    name: str
    photo: str
    panels: Sequence[tuple[str, dict[str, Any]]]
    shown: dict[str, Any] = field(default_factory=dict)


ISLAND = (415, 205, 520, 260)
PAGODA = (60, 20, 380, 420)
TREE = (540, 125, 640, 427)
SECOND_FLOWER = (275, 370, 480, 427)
HEAD = (160, 55, 275, 165)

OPTIONS = (
    Option(
        "ratios",
        "china",
        [
            ("--ratio 16:9 --ratio 1:1 --ratio 4:5", {"ratios": ["16:9", "1:1", "4:5"]}),
            ("--ratio free --ratio original", {"ratios": ["free", "original"]}),
        ],
    ),
    Option("top", "flower", [("--ratio 1:1", {}), ("--ratio 1:1 --top 3", {"top": 3})]),
    Option(
        "max_overlap",
        "flower",
        [
            ("--top 3 (at most 0.8)", {"top": 3}),
            ("--top 3 --max-overlap 0.5", {"top": 3, "max_overlap": 0.5}),
        ],
    ),
    Option(
        "min_size",
        "rocket",
        [("--ratio 1:1", {}), ("--ratio 1:1 --min-size 420x420", {"min_size": (420, 420)})],
    ),
    Option(
        "min_area",
        "rocket",
        [("--ratio 4:3", {"ratios": "4:3"}), ("--min-area 0.7", {"ratios": "4:3", "min_area": 0.7})],
    ),
    Option("max_area", "rocket", [("--ratio 1:1", {}), ("--ratio 1:1 --max-area 0.3", {"max_area": 0.3})]),
    Option(
        "keep",
        "china",
        [("--ratio 1:1", {}), (f"--keep {','.join(map(str, ISLAND))}", {"keep": [ISLAND]})],
        {"keep": [ISLAND]},
    ),
    Option(
        "faces",
        "astronaut",
        [("--ratio 2:1", {"ratios": "2:1"}), ("--ratio 2:1 --faces", {"ratios": "2:1", "faces": True})],
        {"faces": True},
    ),
    Option(
        "focus",
        "rocket",
        [("--ratio 1:1", {}), ("--ratio 1:1 --focus 450,200", {"focus": (450, 200)})],
        {"focus": (450, 200)},
    ),
    Option(
        "prefer",
        "flower",
        [
            ("--ratio 16:9", {"ratios": "16:9"}),
            (
                f"--prefer {','.join(map(str, SECOND_FLOWER))},2",
                {"ratios": "16:9", "prefer": [{"box": SECOND_FLOWER, "weight": 2}]},
            ),
        ],
        {"prefer": [SECOND_FLOWER]},
    ),
    Option(
        "avoid",
        "flower",
        [
            ("--ratio 4:5", {"ratios": "4:5"}),
            (
                f"--avoid {','.join(map(str, SECOND_FLOWER))},2",
                {"ratios": "4:5", "avoid": [{"box": SECOND_FLOWER, "weight": 2}]},
            ),
        ],
        {"avoid": [SECOND_FLOWER]},
    ),
    Option(
        "headroom",
        "camera",
        [
            ("--ratio 16:9 --keep ...", {"ratios": "16:9", "keep": [HEAD]}),
            ("--headroom 0.15", {"ratios": "16:9", "keep": [HEAD], "headroom": 0.15}),
        ],
        {"keep": [HEAD]},
    ),
    Option(
        "subject",
        "astronaut",
        [
            ("--ratio 16:9 --subject 0", {"ratios": "16:9", "subject": 0}),
            ("--ratio 16:9 (--subject 4)", {"ratios": "16:9"}),
        ],
    ),
    Option(
        "policy",
        "flower",
        [
            ("--policy best", {"ratios": "3:2"}),
            ("--policy minimal", {"ratios": "3:2", "policy": "minimal"}),
            ("--policy keep-full", {"ratios": "3:2", "policy": "keep-full"}),
        ],
    ),
    Option(
        "tolerance",
        "rocket",
        [
            ("--policy keep-full", {"ratios": "4:3", "policy": "keep-full"}),
            ("--tolerance 0.4", {"ratios": "4:3", "policy": "keep-full", "tolerance": 0.4}),
        ],
    ),
    Option(
        "broken",
        "china",
        [
            ("keep: the pagoda", {"keep": [PAGODA]}),
            ("keep: the pagoda, the tree", {"keep": [PAGODA, TREE]}),
        ],
        {"keep": [PAGODA, TREE]},
    ),
)


def main() -> None:
    """Make every picture."""
    cropper = Cropper(threads=1)
    for option in OPTIONS:
        save(
            side_by_side([option_panel(cropper, option, *panel) for panel in option.panels]),
            f"options/{option.name}",
        )
    for name, make in SCENES.items():
        save(make(cropper), name)


def option_panel(cropper: Cropper, option: Option, caption: str, wishes: dict[str, Any]) -> Panel:
    """The photograph with the crops that are found."""
    result = cropper.crop(sample(option.photo), request=CropRequest(**{"ratios": "1:1"} | wishes))
    broken = result.best.broken
    picture = outlined(
        sample(option.photo),
        result,
        CropRequest(**option.shown),
        faces=found_faces(cropper, option),
        panels=len(option.panels),
    )
    return f"{caption}   broken: {', '.join(broken)}" if broken else caption, picture


def found_faces(cropper: Cropper, option: Option) -> tuple[Box, ...]:
    """Faces to outline, where the option is about them."""
    return cropper.find_faces(open_photo(sample(option.photo))) if option.shown.get("faces") else ()


def size_scene(cropper: Cropper) -> Image.Image:
    """A crop's box, and the crop as it is written."""
    result = cropper.crop(sample("coffee"), size=(400, 210))
    written = cut(open_photo(sample("coffee")), result.best.box).resize((400, 210), Image.Resampling.LANCZOS)
    return side_by_side(
        [("--size 400x210", outlined(sample("coffee"), result)), ("the file, 400 x 210", written)]
    )


def upscale_scene(cropper: Cropper) -> Image.Image:
    """The same detail of a crop in its own pixels and enlarged."""
    box = cropper.crop(sample("coffee"), size=(1200, 630), upscale=True).best.box
    crop = cut(open_photo(sample("coffee")), box)
    large = crop.resize((1200, 630), Image.Resampling.LANCZOS)
    details = []
    for caption, picture in (
        (f"a detail of the crop, {crop.width} pixels wide", crop),
        ("--size 1200x630 --upscale", large),
    ):
        x, y = round(0.3 * picture.width), round(0.6 * picture.height)
        details.append((caption, picture.crop((x - 88, y - 60, x + 88, y + 60))))
    return side_by_side(details)


def focus_scene(cropper: Cropper) -> Image.Image:
    """Focal points as they are given out."""
    panels = []
    for name in ("rocket", "coffee"):
        result = cropper.crop(sample(name), ratios="1:1")
        text = "focus: none found" if result.focus is None else "focus: {:.0f}, {:.0f}".format(*result.focus)
        picture = outlined(sample(name), result)
        panels.append((text, with_point(picture, result.focus, result.size_wh) if result.focus else picture))
    return side_by_side(panels)


def orientation_scene(cropper: Cropper) -> Image.Image:
    """A photograph that is stored on its side, and its crop."""
    lying = Image.open(sample("china")).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = as_file(lying, "JPEG", exif=exif, quality=92)
    result = cropper.crop(file, ratios="4:5")
    return side_by_side(
        [
            ("as the file stores it", lying),
            ("the frame", outlined(file, result, panels=3)),
            ("the crop", cut(open_photo(file), result.best.box)),
        ]
    )


def alpha_scene(cropper: Cropper) -> Image.Image:
    """A cut-out: as it looks, as it is scored, as it is written."""
    flower = Image.open(sample("flower")).convert("RGBA")
    mask = Image.new("L", flower.size)
    ImageDraw.Draw(mask).ellipse((165, 78, 452, 362), fill=255)
    flower.putalpha(mask)
    file = as_file(flower, "PNG")
    result = cropper.crop(file, ratios="1:1")
    seen = Image.fromarray(raster(open_photo(file), RasterRule()))
    crop = cut(open_photo(file), result.best.box)
    return side_by_side(
        [
            ("a PNG with transparency", on_checks(flower)),
            ("what is scored", seen.resize(flower.size)),
            ("the crop", on_checks(crop)),
        ]
    )


def colours_scene(cropper: Cropper) -> Image.Image:
    """One photograph in four kinds of colour."""
    photo = Image.open(sample("china"))
    grey = (np.asarray(photo.convert("L")).astype(np.uint16) * 257).astype(np.uint16)
    files = {
        "RGB, JPEG": as_file(photo, "JPEG", quality=92),
        "CMYK, TIFF": as_file(photo.convert("CMYK"), "TIFF"),
        "16-bit grey, PNG": as_file(Image.fromarray(grey), "PNG"),
        "palette, GIF": as_file(photo.quantize(64), "GIF"),
    }
    panels = [
        (name, outlined(file, cropper.crop(file, ratios="4:5"), panels=len(files)))
        for name, file in files.items()
    ]
    return side_by_side(panels)


def animation_scene(cropper: Cropper) -> Image.Image:
    """Three frames of an animation with their one box."""
    whole = Image.open(sample("rocket"))
    frames = [whole.crop((shift, 20, 520 + shift, 407)) for shift in (0, 60, 120)]
    file = as_file(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    result = cropper.crop(file, ratios="1:1")
    crops = [LabelledCrop(crop.ratio, crop.box, crop.score) for crop in result.crops]
    wide = panel_width(len(frames))
    small = [frame.resize((wide, round(frame.height * wide / frame.width))) for frame in frames]
    drawn = [draw_boxes(frame, result.size_wh, crops, scores=False) for frame in small]
    return side_by_side([(f"frame {number}", frame) for number, frame in enumerate(drawn, start=1)])


def lossless_scene(cropper: Cropper) -> Image.Image:
    """The corner of a box, and where it comes to lie on the grid of the file's blocks."""
    photo = open_photo(sample("coffee"))
    found = cropper.crop(sample("coffee"), ratios="1:1", max_area=0.3).best.box
    moved = aligned(found, photo)
    x, y = round(moved.x1) - 40, round(moved.y1) - 32
    panels = []
    for name, box in (("the box found begins at", found), ("with --lossless at", moved)):
        part = blown_up(photo, (x, y, x + 112, y + 76), box)
        panels.append((f"{name} {box.x1:.0f}, {box.y1:.0f}", part))
    return side_by_side(panels)


def blown_up(photo: Photo, corner: tuple[int, int, int, int], box: Box) -> Image.Image:
    """A small part of the frame, with the grid of its blocks and the corner of a box."""
    scale, grid = 3, lossless_grid(photo) or (1, 1)
    part = preview(photo, photo.size_wh).crop(corner)
    part = part.resize((scale * part.width, scale * part.height), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(part, "RGBA")
    for x in range(-(-corner[0] // grid[0]) * grid[0], corner[2], grid[0]):
        draw.line(
            (scale * (x - corner[0]), 0, scale * (x - corner[0]), part.height), fill=(255, 255, 255, 120)
        )
    for y in range(-(-corner[1] // grid[1]) * grid[1], corner[3], grid[1]):
        draw.line(
            (0, scale * (y - corner[1]), part.width, scale * (y - corner[1])), fill=(255, 255, 255, 120)
        )
    x, y = scale * (round(box.x1) - corner[0]), scale * (round(box.y1) - corner[1])
    draw.line((x, part.height, x, y, part.width, y), fill=(232, 89, 12), width=5)
    return part


def explain_scene(_: Cropper) -> Image.Image:
    """The picture of ``cadrage explain``."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rocket_explained.png"
        with contextlib.redirect_stdout(None):
            explain(sample("rocket"), out=out, ratio=["16:9", "1:1"], top=2)
        with Image.open(out) as picture:
            return picture.resize(
                (WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS
            )


SCENES: dict[str, Callable[[Cropper], Image.Image]] = {
    "options/size": size_scene,
    "options/upscale": upscale_scene,
    "focal-point": focus_scene,
    "files-orientation": orientation_scene,
    "files-alpha": alpha_scene,
    "files-colours": colours_scene,
    "files-animation": animation_scene,
    "files-lossless": lossless_scene,
    "explain": explain_scene,
}


def sample(name: str) -> Path:
    """The file of a sample photograph."""
    return PHOTOGRAPHS / f"{name}.jpg"


def as_file(picture: Image.Image, form: str, **options: Any) -> bytes:  # noqa: ANN401
    """The picture as the bytes of a file."""
    buffer = BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def outlined(
    source: Path | bytes,
    result: CropResult,
    shown: CropRequest | None = None,
    faces: Iterable[Box] = (),
    panels: int = 2,
) -> Image.Image:
    """The photograph with its crops, and with the boxes and points of a request, as wide as a panel of so many."""
    photo = open_photo(source)
    width, height = photo.size_wh
    wide = panel_width(panels)
    picture = preview(photo, photo.size_wh).resize(
        (wide, round(height * wide / width)), Image.Resampling.LANCZOS
    )
    marks = [(box, _HELD) for box in (*(shown.keep if shown else ()), *faces)]
    if shown:
        marks += [(region.box, _WANTED) for region in shown.prefer]
        marks += [(region.box, _UNWANTED) for region in shown.avoid]
    draw = ImageDraw.Draw(picture, "RGBA")
    for box, colour in marks:
        x1, y1, x2, y2 = scaled(box, photo.size_wh, picture.size)
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=colour, fill=(*colour, 60), width=2)
    numbered = len(result.crops) > len(result.groups)
    crops = [
        LabelledCrop(f"{crop.ratio} #{crop.rank}" if numbered else crop.ratio, crop.box, crop.score)
        for crop in result.crops
    ]
    picture = draw_boxes(picture, photo.size_wh, crops)
    return with_point(picture, shown.focus, photo.size_wh) if shown and shown.focus else picture


def with_point(picture: Image.Image, point: tuple[float, float], size_wh: tuple[int, int]) -> Image.Image:
    """The picture with a cross at a point of the frame."""
    x, y = point[0] * picture.width / size_wh[0], point[1] * picture.height / size_wh[1]
    draw = ImageDraw.Draw(picture)
    for colour, width in (((0, 0, 0), 6), (_HELD, 3)):
        draw.ellipse((x - 12, y - 12, x + 12, y + 12), outline=colour, width=width)
        draw.line((x - 20, y, x + 20, y), fill=colour, width=width)
        draw.line((x, y - 20, x, y + 20), fill=colour, width=width)
    return picture


def on_checks(picture: Image.Image) -> Image.Image:
    """A picture with transparency over the squares that stand for it."""
    y, x = np.indices((picture.height, picture.width)) // 16
    checks = Image.fromarray(np.where((x + y) % 2, 255, 205).astype(np.uint8)).convert("RGBA")
    return Image.alpha_composite(checks, picture).convert("RGB")


def panel_width(panels: int) -> int:
    """Width of each of so many panels."""
    return (WIDTH - _GAP * (panels - 1)) // panels


def side_by_side(panels: Sequence[Panel]) -> Image.Image:
    """Panels of one width, each above its caption."""
    wide = panel_width(len(panels))
    pictures = [
        picture.convert("RGB").resize(
            (wide, round(picture.height * wide / picture.width)), Image.Resampling.LANCZOS
        )
        for _, picture in panels
    ]
    high = max(picture.height for picture in pictures)
    sheet = Image.new("RGB", (WIDTH, high + _CAPTION), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, ((caption, _), picture) in enumerate(zip(panels, pictures, strict=True)):
        x = number * (wide + _GAP)
        sheet.paste(picture, (x, high - picture.height))
        draw.text((x + 2, high + 18), caption, font=font_of(15), fill=INK, anchor="ls")
    return sheet


def save(picture: Image.Image, name: str) -> None:
    """Write a picture at the highest quality at which it is small enough."""
    file = IMAGES / f"{name}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    for quality in (88, 82, 75, 65):
        data = as_file(picture, "JPEG", quality=quality, optimize=True)
        if len(data) <= LARGEST:
            break
    file.write_bytes(data)
    print(f"{file.relative_to(IMAGES.parent)}: {len(data) // 1000} kB")


if __name__ == "__main__":
    main()
