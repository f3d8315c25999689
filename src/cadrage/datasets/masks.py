"""Photographs with a mask of the salient object each: ``images/NAME.jpg`` and ``masks/NAME.png``, as in ECSSD."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import PICTURE_SUFFIXES, files_by_name, lonely_of, without
from cadrage.datasets.gaicd import split_by_seed
from cadrage.datasets.types import MaskedImage
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import cut, open_photo

FOLDERS = ("images", "masks")
WHITE = 128
"""Grey values from here on, of 255, are the salient object."""


@dataclass(frozen=True, slots=True)
class MaskDivision:
    """Photographs with masks, divided for training.

    Attributes:
        data_set: name of the folder.
        training: to learn from.
        validation: to report by.
        description: how the validation part was made.
    """

    data_set: str
    training: tuple[MaskedImage, ...]
    validation: tuple[MaskedImage, ...]
    description: str

    def record(self) -> dict[str, Any]:
        """Plain values for a run record.

        Raises:
            DataError: a mask cannot be read.
        """
        return {
            "data_set": self.data_set,
            "training_images": len(self.training),
            "validation_images": len(self.validation),
            "validation": self.description,
            # So that a run is not continued on other masks.
            "fingerprint": f"{_fingerprint_of(self.training)} {_fingerprint_of(self.validation)}",
        }

    def part(self, name: str) -> tuple[tuple[MaskedImage, ...], str]:
        """The images of train, val or all, and how that part was made.

        Raises:
            RequestError: there is no such part.
        """
        if name == "val":
            return self.validation, f"val ({self.description})"
        if name == "train":
            return self.training, f"train (all but {self.description})"
        if name == "all":
            return tuple(sorted((*self.training, *self.validation), key=lambda image: image.name)), "all"
        raise RequestError(f"There is no split '{name}': choose train, val or all.")


def _fingerprint_of(images: Iterable[MaskedImage]) -> str:
    """Tells sets of masks apart by their names and contents.

    Raises:
        DataError: a mask cannot be read.
    """
    digest = hashlib.sha256()
    for image in images:
        digest.update(image.name.encode(errors="surrogateescape") + b"\0")
        try:
            digest.update(hashlib.sha256(image.mask_path.read_bytes()).digest())
        except OSError as error:
            raise DataError(f"{image.mask_path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()[:12]


def load_masks(root: Path) -> tuple[MaskedImage, ...]:
    """Read the names of a data set's files. Neither pictures nor masks are opened.

    Args:
        root: the folder that holds ``images`` and ``masks``.

    Returns:
        The images, by name.

    Raises:
        DataError: a folder is missing or empty.
        DamagedCopy: pictures or masks have no partner; with the images that are whole.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder." if root.exists() else f"{root} does not exist.")
    for name in FOLDERS:
        if not (root / name).is_dir():
            raise DataError(
                f"{root} has no folder '{name}': pictures lie in 'images' and their masks in 'masks'."
            )
    picture_folder, mask_folder = (root / name for name in FOLDERS)
    pictures, masks = (files_by_name(folder, PICTURE_SUFFIXES) for folder in (picture_folder, mask_folder))
    if not pictures:
        raise DataError(f"{picture_folder} holds no picture.")
    faults = Faults()
    faults.add(without("mask", picture_folder, mask_folder), lonely_of(pictures, masks))
    faults.add(without("picture", mask_folder, picture_folder), lonely_of(masks, pictures))
    return faults.none_in(
        [MaskedImage(name, pictures[name], masks[name]) for name in sorted(pictures) if name in masks]
    )


def divide_masks(root: Path, validation: int, seed: int) -> MaskDivision:
    """A data set less a validation part drawn by a hash of seed and name.

    Args:
        root: of the data set.
        validation: images to draw; 0 for none.
        seed: which draw.

    Raises:
        DataError: the data set is malformed.
        RequestError: there are too few images to draw so many.
    """
    images, name = load_masks(root), root.resolve().name
    if not validation:
        return MaskDivision(name, images, (), "none")
    rest, drawn = split_by_seed(images, validation, seed)
    return MaskDivision(name, rest, drawn, f"{validation} drawn with seed {seed}")


def read_mask(image: MaskedImage) -> NDArray[np.bool_]:
    """Where the salient object of a photograph is, shape (H, W) of its frame.

    Raises:
        DataError: the mask is of another size than the photograph, or is empty.
        ImageError: either cannot be read.
    """
    photo, frame_wh = open_photo(image.mask_path), open_photo(image.path).size_wh
    if photo.size_wh != frame_wh:
        raise DataError(
            f"{image.mask_path} is {photo.size_wh[0]} x {photo.size_wh[1]} pixels, and its picture "
            f"{frame_wh[0]} x {frame_wh[1]}."
        )
    mask: NDArray[np.bool_] = np.asarray(cut(photo, Box(0, 0, *frame_wh)).convert("L")) >= WHITE
    if not mask.any():
        raise DataError(f"{image.mask_path} is empty: expected white where the salient object is.")
    return mask
