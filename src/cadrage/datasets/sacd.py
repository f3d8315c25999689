"""SACD, a data set of compositions around a chosen subject (Yang et al., Computational Visual Media 2023).

Crops with scores for photographs in which a subject is marked. The layout of the published files is not known here:
the reader takes the one below, into which a copy has to be brought, one file for each of train, val and test::

    images/NAME.jpg
    train.json    {"NAME.jpg": {"crops": [[x1, y1, x2, y2], ...], "scores": [3.5, ...]}, ...}

The marks of the subjects are not read: cadrage scores crops of the whole photograph.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cadrage.datasets.faults import Faults
from cadrage.datasets.folders import found_in
from cadrage.datasets.json_entries import read_entries
from cadrage.datasets.pictures import write_pictures
from cadrage.datasets.scored_views import ViewFields, load_views, save_views
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

LABELS = {part: f"{part}.json" for part in ("train", "val", "test")}
PICTURES = "images"
FIELDS = ViewFields("crops", "scores")


def load_sacd(root: Path, *, allow_missing: bool = False) -> tuple[RatedImage, ...]:
    """Read the crops and their scores. Pictures are not opened.

    Args:
        root: the folder that holds ``train.json``, ``val.json``, ``test.json`` or some of them, and ``images``.
        allow_missing: leave out labels without a picture.

    Returns:
        The images of train, val and test, as far as their files are there, in the order of the files.

    Raises:
        DataError: no file is there, one is malformed, pictures are missing or have no label; the message names file
            and line, or how many and the first three.
    """
    files = {part: root / name for part, name in LABELS.items() if (root / name).is_file()}
    if not files:
        raise DataError(
            f"{root} has none of {', '.join(LABELS.values())}, in which SACD has its scores; {found_in(root)}."
        )
    names = [entry.key for file in files.values() for entry in read_entries(file)]
    faults = Faults()
    found: list[RatedImage] = []
    for part, file in files.items():
        found += load_views(
            file, root / PICTURES, FIELDS, faults, split=part, allow_missing=allow_missing, known=names
        )
    return faults.none_in(found)


def save_sacd(images: Iterable[RatedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write images in the layout that ``load_sacd`` reads.

    Args:
        images: what to write; images without a part go into the test part.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: there is no image, names do not differ, a part is none of SACD's, or a file cannot be written.
    """
    parts: dict[str, list[RatedImage]] = {}
    for image in images:
        parts.setdefault(image.split or "test", []).append(image)
    if not parts or not parts.keys() <= LABELS.keys():
        raise DataError(f"SACD has the parts {', '.join(LABELS)}; got {', '.join(parts) or 'no image'}.")
    pictures: dict[str, Path] = {}
    for part, members in parts.items():
        written = save_views(members, root / LABELS[part], FIELDS)
        both = sorted(pictures.keys() & written.keys())
        if both:
            raise DataError(f"Two images are called '{both[0]}': in one folder a name can occur once only.")
        pictures |= written
    if copy_pictures:
        write_pictures(pictures, root / PICTURES)
