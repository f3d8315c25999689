"""Small pictures of known content."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

Encode = Callable[..., bytes]


@pytest.fixture
def scene() -> Image.Image:
    """96 x 64: red grows to the right, green grows downwards, blue marks the top left quarter."""
    y, x = np.mgrid[0:64, 0:96]
    blue = np.where((x < 48) & (y < 32), 200, 40)
    return Image.fromarray(np.stack([x * 2, y * 3, blue], axis=2).astype(np.uint8))


@pytest.fixture
def encode() -> Encode:
    """Bytes of a picture in a format, with an EXIF orientation if given."""

    def encoded(
        image: Image.Image, format_name: str, orientation: int | None = None, **options: Any
    ) -> bytes:
        if orientation is not None:
            exif = Image.Exif()
            exif[ExifTags.Base.Orientation] = orientation
            options["exif"] = exif
        buffer = io.BytesIO()
        image.save(buffer, format_name, **options)
        return buffer.getvalue()

    return encoded
