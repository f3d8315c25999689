"""Makes the picture of docs/captions.md: a dozen captions and the boxes they describe.

Torch's sums differ in the last digits from machine to machine, and with them a box by a pixel.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from cadrage.captions.cropper import CaptionCropper, use_threads
from cadrage.captions.results import CaptionResult
from cadrage.imaging import open_photo, preview
from cadrage.overlay.boxes import scaled
from pictures import WIDTH, Panel, panel_width, sample, save, side_by_side

CAPTIONS = {
    "astronaut": ("a smiling woman", "a space shuttle"),
    "camera": ("a man in a black coat", "buildings"),
    "china": ("a building", "people walking"),
    "coffee": ("a cup of coffee", "a wooden table"),
    "flower": ("a yellow flower", "green leaves"),
    "rocket": ("the dark sky", "water"),
}
"""Things that are there, and a few that the captioner does not know or that are not there."""

ACROSS = 4
FOUND = (232, 89, 12)


def main() -> None:
    """Make the picture."""
    use_threads(1)
    cropper = CaptionCropper()
    panels = [panel for name, captions in CAPTIONS.items() for panel in found(cropper, name, captions)]
    rows = [side_by_side(panels[at : at + ACROSS]) for at in range(0, len(panels), ACROSS)]
    sheet = Image.new("RGB", (WIDTH, sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    save(sheet, "captions")


def found(cropper: CaptionCropper, name: str, captions: tuple[str, ...]) -> list[Panel]:
    """The photograph with the box of each caption."""
    photo = open_photo(sample(name))
    wide = panel_width(ACROSS)
    small = preview(photo, photo.size_wh)
    small = small.resize((wide, round(small.height * wide / small.width)), Image.Resampling.LANCZOS)
    return [(one.caption, outlined(small, one)) for one in cropper.crops(photo, captions)]


def outlined(small: Image.Image, result: CaptionResult) -> Image.Image:
    """The photograph, darker where it is cut away."""
    x1, y1, x2, y2 = scaled(result.best.box, result.size_wh, small.size)
    picture = Image.blend(small, Image.new("RGB", small.size), 0.45)
    picture.paste(small.crop((x1, y1, x2, y2)), (x1, y1))
    ImageDraw.Draw(picture).rectangle((x1, y1, x2 - 1, y2 - 1), outline=FOUND, width=2)
    return picture


if __name__ == "__main__":
    main()
