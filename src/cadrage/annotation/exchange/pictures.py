"""The pictures of an export: files as they were rated, or what the raters saw."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from cadrage.annotation.store import Photograph, Store, picture
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.imaging import open_photo, preview, save

Pictures = Literal["original", "shown"]
"""``"original"``: the photographs' files. ``"shown"``: the smaller pictures that the project holds."""

QUALITY = 95
"""Of the JPEG files that are written in the place of others."""

SHOWN_INSTEAD = "or export the project's own smaller pictures with --pictures shown"

_COPIED = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",)}
"""Formats that are copied as they are, under suffixes that say so."""


@dataclass(frozen=True, slots=True)
class Written:
    """A picture of an export.

    Attributes:
        path: the file.
        size_wh: its width and height, in pixels.
        converted: whether it was encoded anew, since it was not upright or of another format.
    """

    path: Path
    size_wh: tuple[int, int]
    converted: bool = False


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Where an export gets its pictures.

    Attributes:
        store: the project.
        folder: the photographs' folder; of no use to ``"shown"``.
        kind: which pictures.
    """

    store: Store
    folder: Path
    kind: Pictures = "original"

    def check(self, photographs: Iterable[Photograph]) -> None:
        """See that the photographs are at hand, before anything is written.

        Raises:
            DataError: some are not; the message names the first.
        """
        if self.kind == "shown":
            return
        lost = [one.name for one in photographs if not self._path(one).is_file()]
        if lost:
            shown = ", ".join(lost[:3]) + (", ..." if len(lost) > 3 else "")
            number = "1 photograph is" if len(lost) == 1 else f"{len(lost)} photographs are"
            raise DataError(
                f"{number} not in {self.folder} ({shown}): name their folder with --photographs, {SHOWN_INSTEAD}."
            )

    def write(self, photograph: Photograph, folder: Path, name: str) -> Written:
        """Write a photograph's picture: upright, and without an orientation for readers to heed or not.

        Args:
            photograph: whose.
            folder: where to.
            name: of the file, less its suffix: a copy has its own in lower case, else it is ``.jpg``.

        Raises:
            DataError: the file is no longer the one that was rated, or cannot be read.
            ImageError: it cannot be decoded.
        """
        if self.kind == "shown":
            return self._write_shown(photograph, folder / f"{name}.jpg")
        data = self._read(photograph)
        path = self._path(photograph)
        photo = open_photo(data, name=str(path))
        suffix = path.suffix.lower()
        if photo.orientation == 1 and suffix in _COPIED.get(photo.format, ()):
            target = folder / f"{name}{suffix}"
            target.write_bytes(data)
            return Written(target, photo.size_wh)
        target = folder / f"{name}.jpg"
        save(preview(photo, photo.size_wh), target, quality=QUALITY)
        return Written(target, photo.size_wh, converted=True)

    def _write_shown(self, photograph: Photograph, target: Path) -> Written:
        jpeg = picture(self.store, photograph.id)
        if jpeg is None:
            raise DataError(f"The project {self.store.path} lacks the picture of {photograph.name}.")
        target.write_bytes(jpeg)
        return Written(target, open_photo(jpeg).size_wh)

    def _read(self, photograph: Photograph) -> bytes:
        path = self._path(photograph)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest() != photograph.sha256:
            raise DataError(
                f"{path} is not the file that was taken into the project: put that one back, {SHOWN_INSTEAD}."
            )
        return data

    def _path(self, photograph: Photograph) -> Path:
        """Where the photograph's file is; nowhere for a name that leads out of the folder."""
        name = PurePosixPath(photograph.name)
        return self.folder / name if not name.is_absolute() and ".." not in name.parts else Path()


def scaled(boxes_xyxy: FloatArray, frame_wh: tuple[int, int], size_wh: tuple[int, int]) -> FloatArray:
    """Boxes of a frame in the pixels of a picture of it, shape (K, 4), to a hundredth of a pixel.

    Args:
        boxes_xyxy: shape (K, 4), in frame pixels.
        frame_wh: the frame.
        size_wh: the picture; where it has the frame's size, the boxes are as they were.
    """
    if size_wh == frame_wh:
        return boxes_xyxy
    factors = np.tile(np.divide(size_wh, frame_wh), 2)
    limits = np.tile(np.array(size_wh, dtype=np.float64), 2)
    result: FloatArray = np.minimum(np.round(boxes_xyxy * factors, 2), limits)
    return result
