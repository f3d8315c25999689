"""Four photographs in one frame and the caption of one: where is it? A blind answer is right in one of four."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cadrage.captions.evaluation.cases import LEAST_CAPTION, CaptionCase, digest_of
from cadrage.datasets.entities import CaptionedImage
from cadrage.errors import RequestError
from cadrage.imaging import open_photo, preview

SIDE = 224
"""Pixels of a quarter's sides: those of the usual small copies of photographs."""

QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Four photographs, each in a quarter of a square frame.

    Attributes:
        paths: of the photographs, in reading order: top left, top right, bottom left, bottom right.
        side: of a quarter, in pixels.
    """

    paths: tuple[Path, Path, Path, Path]
    side: int = SIDE

    def picture(self) -> NDArray[np.uint8]:
        """Its pixels, shape (2 * side, 2 * side, 3): of each photograph the largest square in the middle.

        Raises:
            ImageError: a photograph cannot be opened or decoded.
        """
        quarters = [_square(path, self.side) for path in self.paths]
        return np.concatenate([np.concatenate(quarters[row : row + 2], axis=1) for row in (0, 2)])

    def quarter(self, number: int) -> NDArray[np.float64]:
        """The box of a quarter, 0 to 3 in reading order, shape (1, 4), in frame pixels."""
        y, x = divmod(number, 2)
        return np.array([[x, y, x + 1, y + 1]], dtype=np.float64) * self.side


def mosaic_cases(
    images: Sequence[CaptionedImage], seed: int = 0, side: int = SIDE
) -> tuple[CaptionCase, ...]:
    """Mosaics of photographs, each photograph in one, and for each mosaic a caption of one of the four.

    Photographs are taken in an order drawn by a hash of seed and name, four at a time. Which quarter is asked for,
    and by which of its captions, follows from such a hash of the four names together: each quarter is as likely.

    Args:
        images: photographs with captions; those without one of three words are left out.
        seed: which mosaics.
        side: of a quarter, in pixels.

    Returns:
        The cases, as many as a quarter of the photographs, the rest of the division left out; the truth is the
        quarter.

    Raises:
        RequestError: there are fewer than four photographs with captions.
    """
    able = [image for image in images if _captions(image)]
    if len(able) < QUARTERS:
        raise RequestError(f"A mosaic needs {QUARTERS} photographs with captions; got {len(able)}.")
    drawn = sorted(able, key=lambda image: digest_of(f"{seed}:{image.name}"))
    cases = []
    for at in range(0, len(drawn) - len(drawn) % QUARTERS, QUARTERS):
        first, second, third, fourth = drawn[at : at + QUARTERS]
        name = "+".join(image.name for image in (first, second, third, fourth))
        digest, number = divmod(digest_of(f"{seed}:{name}"), QUARTERS)
        asked = _captions(drawn[at + number])
        mosaic = Mosaic((first.path, second.path, third.path, fourth.path), side)
        caption = asked[digest % len(asked)]
        cases.append(CaptionCase(name, mosaic, (2 * side, 2 * side), caption, mosaic.quarter(number)))
    return tuple(cases)


def _captions(image: CaptionedImage) -> list[str]:
    return [caption for caption in image.captions if len(caption.split()) >= LEAST_CAPTION]


def _square(path: Path, side: int) -> NDArray[np.uint8]:
    photo = open_photo(path)
    scale = side / min(photo.size_wh)
    width, height = (max(side, round(length * scale)) for length in photo.size_wh)
    image = preview(photo, (width, height))
    short = min(image.size)
    left, top = (image.width - short) / 2, (image.height - short) / 2
    square = image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short))
    return np.asarray(square)
