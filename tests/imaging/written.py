"""One crop written to memory and read back."""

import io

from PIL import Image

from cadrage.geometry import Box
from cadrage.imaging import OutputRule, open_photo, write_crops

BOX = Box(4, 6, 44, 36)


def crop_of(data, rule: OutputRule, box: Box = BOX, **options) -> Image.Image:
    target = io.BytesIO()
    write_crops(open_photo(data), [box], [target], rule, **options)
    image = Image.open(target)
    image.load()
    return image
