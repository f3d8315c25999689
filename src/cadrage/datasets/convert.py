"""A data set in the layout of another, whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.datasets.registry import DATA_SETS, KINDS, DataSet
from cadrage.datasets.types import FramedImage, MaskedImage, RatedImage
from cadrage.errors import DataError, RequestError


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        images: how many labels with a picture.
        notes: what the other layout does not keep, in sentences.
    """

    images: int
    notes: tuple[str, ...]


def convert_data_set(
    source: DataSet,
    root: Path,
    target: DataSet,
    out: Path,
    *,
    split: str = "all",
    allow_missing: bool = False,
) -> Conversion:
    """Read a copy, check that its boxes lie in its pictures, and write it in another layout.

    Args:
        source: what the copy is.
        root: its folder.
        target: the layout to write. Rated crops become best crops by leaving all but the best rated one, the first
            of equals.
        out: the folder to make; it must not exist, or be empty.
        split: the part to take, or "all".
        allow_missing: leave out labels whose picture is missing.

    Raises:
        DataError: the copy is malformed, the layout cannot hold it, or the folder is in use or cannot be written;
            nothing is written then.
        ImageError: a picture cannot be read.
        RequestError: the layout is for another kind of data set.
    """
    found = source.read(root, split, read_sizes=True, allow_missing=allow_missing, keep_unrated=True)
    kind = type(found[0])
    if kind is MaskedImage:
        raise RequestError("Masks are read and not written: there is no layout to convert them to.")
    images, notes = _as_kind(found, kind, source, target)
    save = target.save
    if save is None:
        raise RequestError(f"There is no writer for {target.name}: choose {_choices(kind)}.")
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise DataError(f"{out} is there already: name a new folder.")
    part = out.resolve().with_name(f".cadrage-{secrets.token_hex(8)}.part")
    try:
        part.mkdir(parents=True)
        save(images, part)
        if out.is_dir():
            out.rmdir()
        part.rename(out.resolve())
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Conversion(len(images), notes)


def _as_kind(
    images: Sequence[Any], kind: type, source: DataSet, target: DataSet
) -> tuple[Sequence[Any], tuple[str, ...]]:
    if target.kind in (None, kind):
        return images, ()
    if kind is RatedImage and target.kind is FramedImage:
        note = f"{target.name} holds best crops: of each image the best rated crop was kept, and no score."
        return [best_crop(image) for image in images], (note,)
    raise RequestError(
        f"{source.name} holds {KINDS[kind]}, and {target.name} {KINDS[target.kind or kind]}: "
        f"choose {_choices(kind)}."
    )


def _choices(kind: type) -> str:
    wanted = {None, kind, *([FramedImage] if kind is RatedImage else [])}
    names = [one.name for one in DATA_SETS.values() if one.kind in wanted and one.save is not None]
    return ", ".join(names)


def best_crop(image: RatedImage) -> FramedImage:
    """The best rated crop of an image, the first of equals."""
    best = int(np.nanargmax(image.mos))
    return FramedImage(image.name, image.path, image.boxes_xyxy[best : best + 1], image.split, image.size_wh)
