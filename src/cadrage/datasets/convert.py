"""A data set in the layout of another, whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.datasets.data_set import KINDS, DataSet, part_of
from cadrage.datasets.registry import DATA_SETS
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
    notes += _parts_lost(found, target)
    if not target.names_people and any(_people(image) for image in found):
        notes += (f"{target.name} does not keep who drew a crop.",)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise DataError(f"{out} is there already: name a new folder.")
    part = out.resolve().with_name(f".cadrage-{secrets.token_hex(8)}.part")
    made = [folder for folder in part.parents if not folder.exists()]
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
        for folder in made:
            with suppress(OSError):  # the new folder may be in it
                folder.rmdir()
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


def _parts_lost(images: Sequence[Any], target: DataSet) -> tuple[str, ...]:
    """What becomes of parts that the layout has not, in sentences.

    Raises:
        RequestError: it has parts, and not all that the images are of.
    """
    parts = Counter(map(part_of, images))
    allowed = target.parts
    if allowed is None or parts.keys() <= set(allowed):
        return ()
    counts = ", ".join(f"{part} ({count})" for part, count in parts.items() if part)
    own = [part for part in allowed if part]
    if not own:
        return (
            f"{target.name} has no parts: those of the copy, {counts}, are one now; --split takes one of them.",
        )
    if "" in parts:
        return (f"{target.name} has the parts {', '.join(own)}: the images, which are of none, are in test.",)
    raise RequestError(
        f"{target.name} has the parts {', '.join(own)}; got {counts}: take one part with --split."
    )


def _people(image: Any) -> tuple[str, ...]:  # noqa: ANN401
    return getattr(image, "annotators", None) or getattr(image, "raters", None) or ()


def _choices(kind: type) -> str:
    wanted = {None, kind, *([FramedImage] if kind is RatedImage else [])}
    names = [one.name for one in DATA_SETS.values() if one.kind in wanted and one.save is not None]
    return ", ".join(names)


def best_crop(image: RatedImage) -> FramedImage:
    """The best rated crop of an image, the first of equals."""
    best = int(np.nanargmax(image.mos))
    return FramedImage(image.name, image.path, image.boxes_xyxy[best : best + 1], image.split, image.size_wh)
