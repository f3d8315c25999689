"""The grid-anchor image cropping data set, GAICD (Zeng et al., CVPR 2019 and TPAMI 2020).

Labels lie in ``annotations/SPLIT/NAME.txt``, pictures in ``images/SPLIT/NAME.jpg``; either may also be one
flat folder, as in the authors' MATLAB code. A label file has one crop a line, row first: ``y1 x1 y2 x2
MOS``. A MOS of -2 marks a crop beyond the aspect bounds that nobody rated: it is no low score.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cadrage.atomic import replacing
from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import PICTURE_SUFFIXES, files_by_name, first_of, found_in, lonely_of, without
from cadrage.datasets.json_entries import LARGEST
from cadrage.datasets.pictures import with_sizes
from cadrage.datasets.releases import (
    MIXED,
    TWICE,
    in_two_parts,
    mixed_releases,
    named_with_parts,
    same_in_two_parts,
)
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError, RequestError
from cadrage.geometry import FloatArray
from cadrage.numbers import to_number

Split = Literal["train", "val", "test", "all"]
Release = Literal["conference", "journal", "unknown"]


class Named(Protocol):
    """Anything of a data set that has a name in it."""

    @property
    def name(self) -> str:
        """What identifies it."""


Image = TypeVar("Image", bound=Named)

FOLDERS = ("annotations", "images")
SPLITS = ("train", "val", "test")
SUFFIXES = PICTURE_SUFFIXES | {".txt"}
UNRATED = -2.0

RELEASE_COUNTS: dict[Release, dict[str, int]] = {
    "conference": {"train": 1036, "test": 200},
    "journal": {"train": 2636, "val": 200, "test": 500},
}
"""Images in each part of the two releases: 1,236 (CVPR 2019) and 3,336 (TPAMI 2020)."""


def load_gaicd(
    root: Path, split: Split = "all", *, keep_unrated: bool = False, read_sizes: bool = False
) -> tuple[RatedImage, ...]:
    """Read one part of the data set, or all of it. Pictures are not decoded.

    Args:
        root: the folder that holds ``annotations`` and ``images``.
        split: which part; ``"all"`` takes train, val and test, in this order, as far as they exist. A data
            set that is not divided has only ``"all"``.
        keep_unrated: keep the crops of MOS -2, with NaN as their score, instead of leaving them out.
        read_sizes: read each picture's header for the size of its frame, and check that the boxes lie inside; one
            that goes over the edge by a pixel at most is cut there.

    Returns:
        The images, by name within each part. MOS values lie in [0, 5]; the few below 1 in the journal release
        look as if a missing grade had been counted as 0.

    Raises:
        DataError: a folder, picture or label is missing, a label file is malformed, boxes are outside their
            pictures, a photograph is in two parts, whichever is asked for, or parts are of different releases; the
            message says how many, and of the first three file and line.
        ImageError: a picture whose size is asked for cannot be read.
        RequestError: there is no such split.
    """
    labels, pictures = (_folder(root, name) for name in FOLDERS)
    wanted, faults = _parts(root, split), Faults()
    _require_one_release(labels, pictures, faults)
    images: list[RatedImage] = []
    for part in wanted:
        for name, label, picture in _pairs(labels, pictures, part, faults):
            with faults.caught():
                images.append(_load_image(name, label, picture, part, keep_unrated=keep_unrated))
    found = faults.none_in(images, root)
    return with_sizes(found) if read_sizes else found


def _load_image(name: str, label: Path, picture: Path, part: str | None, *, keep_unrated: bool) -> RatedImage:
    boxes, mos, lines = read_labels(label)
    rated = ~np.isnan(mos)
    if not rated.any():
        raise DataError(f"{label} has no rated crop: expected at least one line 'y1 x1 y2 x2 MOS'.")
    if not keep_unrated:
        boxes, mos, lines = boxes[rated], mos[rated], lines[rated]
    return RatedImage(name, picture, boxes, mos, part, None, str(label), tuple(lines.tolist()))


def read_labels(path: Path) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Read one label file.

    Args:
        path: a text file with one crop a line, ``y1 x1 y2 x2 MOS``; empty lines do not count.

    Returns:
        The boxes as x1, y1, x2, y2, shape (K, 4), their MOS, shape (K,), NaN for -2, and their lines, shape (K,);
        in the order of the file.

    Raises:
        DataError: the file cannot be read, or a line is malformed; the message names file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a text file: {_reason(error)}.") from error
    rows: list[tuple[float, ...]] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            y1, x1, y2, x2, mos = map(to_number, fields)
        except ValueError:
            raise _line_error(path, number, "five numbers 'y1 x1 y2 x2 MOS'", line) from None
        if not (-LARGEST < x1 < x2 < LARGEST and -LARGEST < y1 < y2 < LARGEST):
            raise _line_error(path, number, "'y1 x1 y2 x2 MOS' with y1 < y2 and x1 < x2", line)
        if not (mos == UNRATED or 0 <= mos <= 5):
            raise _line_error(path, number, "a MOS from 0 to 5, or -2 for a crop that was not rated", line)
        rows.append((x1, y1, x2, y2, math.nan if mos == UNRATED else mos))
        lines.append(number)
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return table[:, :4], table[:, 4], np.array(lines, dtype=np.int64)


def _line_error(path: Path, number: int, expected: str, line: str) -> DataError:
    return DataError(f"{path}, line {number}: expected {expected}; got '{line.strip()[:80]}'.")


def _folder(root: Path, name: str) -> Path:
    if not root.is_dir():
        raise DataError(f"{root} is not a folder." if root.exists() else f"{root} does not exist.")
    if not (root / name).is_dir():
        raise DataError(
            f"{root} has no folder '{name}': GAICD lies in 'annotations' and 'images'; {found_in(root)}."
        )
    return root / name


def _parts(root: Path, split: Split) -> Sequence[str | None]:
    found = [part for part in SPLITS if any((root / kind / part).is_dir() for kind in FOLDERS)]
    if split == "all":
        return found or [None]
    if split in found:
        return [split]
    if split not in SPLITS:
        raise RequestError(f"There is no split '{split}': choose train, val, test or all.")
    division = f"only {', '.join(found)}" if found else "it is not divided into parts"
    others = _strange_folders(root)
    seen = f"; there are {first_of(others)}, which are no parts" if others else ""
    raise DataError(f"{root} has no part '{split}': {division}{seen}.")


def _strange_folders(root: Path) -> list[str]:
    """Folders of labels or pictures that are beside those of the parts and are no part, as ``images/Train``."""
    return [
        f"{kind}/{folder.name}"
        for kind in FOLDERS
        if (root / kind).is_dir()
        for folder in sorted((root / kind).iterdir())
        if folder.is_dir() and folder.name not in SPLITS and not folder.name.startswith(".")
    ]


def _require_one_release(labels: Path, pictures: Path, faults: Faults) -> None:
    """Refuse photographs that are in two parts, and parts of different releases: no figure would mean anything."""
    divided = labels if any((labels / part).is_dir() for part in SPLITS) else pictures
    names = {
        part: {path.stem for path in (divided / part).iterdir() if path.suffix.lower() in SUFFIXES}
        for part in SPLITS
        if (divided / part).is_dir()
    }
    if in_two_parts(names):
        files = {part: files_by_name(_subfolder(pictures, part), PICTURE_SUFFIXES) for part in names}
        found = {
            part: {name: files[part][name] for name in own & files[part].keys()}
            for part, own in names.items()
        }
        faults.add(TWICE, named_with_parts(same_in_two_parts(found)))
    counts = {part: len(own) for part, own in names.items()}
    faults.add(MIXED, mixed_releases(counts, {str(name): parts for name, parts in RELEASE_COUNTS.items()}))


def _pairs(
    labels: Path, pictures: Path, part: str | None, faults: Faults
) -> Iterator[tuple[str, Path, Path]]:
    """Name, label file and picture of every image of a part, by name."""
    label_folder, picture_folder = _subfolder(labels, part), _subfolder(pictures, part)
    label_of = files_by_name(label_folder, frozenset({".txt"}))
    picture_of = files_by_name(picture_folder, PICTURE_SUFFIXES)
    if not label_of:
        raise DataError(
            f"{label_folder} holds no label file: expected one NAME.txt for each picture; {found_in(label_folder)}."
        )
    # A flat folder beside a divided one serves all parts: what it holds beyond this one is no mistake.
    if label_folder != labels or part is None:
        faults.add(without("picture", label_folder, picture_folder), lonely_of(label_of, picture_of))
    if picture_folder != pictures or part is None:
        faults.add(without("label", picture_folder, label_folder), lonely_of(picture_of, label_of))
    for name in sorted(label_of.keys() & picture_of.keys()):
        yield name, label_of[name], picture_of[name]


def _subfolder(folder: Path, part: str | None) -> Path:
    return folder / part if part is not None and (folder / part).is_dir() else folder


def save_gaicd(images: Iterable[RatedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write images in the layout that ``load_gaicd`` reads, with the numbers formatted as in the release.

    Args:
        images: what to write; images without a split go into flat folders. Whole coordinates are written as
            whole numbers, scores with two decimals wherever that loses nothing, NaN scores as -2.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: the images cannot share a folder (a name twice in a split, a name or picture that is not
            one for a file, only some with a split), or a file cannot be written.
    """
    images = tuple(images)
    _check_writable(images)
    for image in images:
        part = image.split or ""
        label = root / "annotations" / part / f"{image.name}.txt"
        picture = root / "images" / part / f"{image.name}{image.path.suffix.lower()}"
        try:
            if copy_pictures and not (picture.exists() and picture.samefile(image.path)):
                picture.parent.mkdir(parents=True, exist_ok=True)
                with replacing(picture) as new:
                    shutil.copyfile(image.path, new)
            label.parent.mkdir(parents=True, exist_ok=True)
            with replacing(label) as new:
                new.write_text("".join(_label_lines(image)), encoding="ascii")
        except OSError as error:
            raise DataError(f"Image '{image.name}' cannot be written to {root}: {_reason(error)}.") from error


def _check_writable(images: Sequence[RatedImage]) -> None:
    if len({image.split is None for image in images}) > 1:
        raise DataError(
            "Some images have a split and some have none: a data set is divided as a whole or not at all."
        )
    for (split, name), count in Counter((image.split, image.name) for image in images).items():
        if count > 1:
            raise DataError(f"{count} images are called '{name}': a name can occur once only in a part.")
        if Path(name).name != name or name[:1] in ("", ".") or split not in (None, *SPLITS):
            raise DataError(
                f"'{name}' in part '{split}' cannot be written: no file name, or no part of GAICD."
            )
    for image in images:
        if image.path.suffix.lower() not in PICTURE_SUFFIXES:
            raise DataError(f"{image.path} is not a picture of a kind that GAICD holds, such as .jpg.")


def _label_lines(image: RatedImage) -> Iterator[str]:
    for box, mos in zip(image.boxes_xyxy.tolist(), image.mos.tolist(), strict=True):
        x1, y1, x2, y2 = map(_coordinate, box)
        # The release, too, ends its lines with a blank.
        yield f"{y1} {x1} {y2} {x2} {_score(mos)} \n"


def _coordinate(value: float) -> str:
    return f"{int(value):4d}" if value.is_integer() else repr(value)


def _score(mos: float) -> str:
    if math.isnan(mos):
        return f"{UNRATED:.2f}"
    short = f"{mos:.2f}"
    return short if float(short) == mos else repr(mos)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(getattr(error, "strerror", None) or getattr(error, "reason", None) or error)


def release_of(images: Collection[RatedImage]) -> Release:
    """Which release images come from, judged by how many each part has.

    Args:
        images: everything that ``load_gaicd`` read, of one part or of all.

    Returns:
        The release whose parts have these counts, for an undivided data set the one with this total;
        ``"unknown"`` for any other number, such as that of a part divided further.
    """
    counts = Counter(image.split for image in images)
    for release, parts in RELEASE_COUNTS.items():
        undivided = {None: sum(parts.values())}
        if counts and (
            counts == undivided or all(parts.get(split or "") == n for split, n in counts.items())
        ):
            return release
    return "unknown"


def split_by_seed(
    images: Collection[Image], validation: int = 120, seed: int = 0
) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
    """Set some images aside for validation, the same ones on every machine.

    Images are drawn by a hash of seed and name: neither their order nor any library's generator matters,
    and an image more or less changes the draw by one at most.

    Args:
        images: what to divide; their names differ.
        validation: how many images to set aside, from 1 to all but one.
        seed: which draw.

    Returns:
        The rest and the validation images, each by name.

    Raises:
        RequestError: ``validation`` is out of range.
        DataError: two images have the same name.
    """
    if not 1 <= validation < len(images):
        raise RequestError(
            f"From {len(images)} images, 1 to {len(images) - 1} can be set aside; got {validation}."
        )
    name, count = Counter(image.name for image in images).most_common(1)[0]
    if count > 1:
        raise DataError(f"{count} images are called '{name}': to be divided by name, names must differ.")
    drawn = sorted(images, key=lambda image: hashlib.sha256(f"{seed}:{image.name}".encode()).digest())
    return _by_image_name(drawn[validation:]), _by_image_name(drawn[:validation])


def _by_image_name(images: Iterable[Image]) -> tuple[Image, ...]:
    return tuple(sorted(images, key=lambda image: image.name))
