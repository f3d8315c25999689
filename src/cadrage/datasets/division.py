"""Rated photographs divided into a part to learn from and a part to judge by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadrage.datasets.gaicd import FOLDERS, RELEASE_COUNTS, SPLITS, load_gaicd, release_of, split_by_seed
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

DRAWN = "{} of the train part, seed {}"
"""Describes a validation part that was drawn: how many photographs, and by which seed."""


@dataclass(frozen=True, slots=True)
class Division:
    """Rated photographs divided for training.

    Attributes:
        training: to learn from.
        validation: to choose and report by.
        release: of the data set.
        description: how the validation part was made.
    """

    training: tuple[RatedImage, ...]
    validation: tuple[RatedImage, ...]
    release: str
    description: str

    def record(self) -> dict[str, Any]:
        """Plain values for a run record."""
        return {
            "data_set": "GAICD",
            "release": self.release,
            "training_images": len(self.training),
            "validation_images": len(self.validation),
            "validation": self.description,
            # So that a run is not continued on another data set.
            "fingerprint": f"{fingerprint_of(self.training)} {fingerprint_of(self.validation)}",
        }


def fingerprint_of(images: Iterable[RatedImage]) -> str:
    """Tells sets of rated photographs apart by names, sizes, crops and ratings, whatever their order."""
    digest = hashlib.sha256()
    for image in sorted(images, key=lambda image: image.name):
        digest.update(f"{image.name}\0{image.size_wh}\0".encode(errors="surrogateescape"))
        digest.update(image.boxes_xyxy.tobytes() + image.mos.tobytes())
    return digest.hexdigest()[:12]


def learned_from(record: Mapping[str, Any], release: str, split: str) -> bool:
    """Whether a model has learnt from photographs of a part of GAICD, so that figures on it say little.

    Args:
        record: of the model's training, with what ``Division.record`` said under ``data``; anything of a model that
            was made elsewhere.
        release: of the data set that it is measured on.
        split: the part, as ``cadrage evaluate`` describes it.

    Returns:
        True where that is known: of data sets other than the published releases it is not.
    """
    data = record.get("data")
    if not isinstance(data, Mapping) or release == "unknown":
        return False
    if (data.get("data_set"), data.get("release")) != ("GAICD", release):
        return False
    if split in ("test", "val"):
        # One that has learnt from more than the train part was given the parts together.
        counts = [data.get(f"{part}_images") for part in ("training", "validation")]
        own = [RELEASE_COUNTS[release].get(part, 0) for part in ("train", "val")]  # type: ignore[index]
        return sum(count for count in counts if isinstance(count, int)) > sum(own)
    measured, aside = (
        _drawn(split.removeprefix("val (").removesuffix(")")),
        _drawn(str(data.get("validation"))),
    )
    # A draw begins with the same photographs as a larger one of the same seed.
    return measured is None or aside is None or measured[1] != aside[1] or measured[0] > aside[0]


def _drawn(description: str) -> tuple[int, int] | None:
    """How many photographs were drawn, and the seed, from a description of ``divide_gaicd``."""
    found = re.fullmatch(DRAWN.format(r"(\d+)", r"(-?\d+)"), description)
    return (int(found[1]), int(found[2])) if found else None


def parts_of(root: Path) -> list[str]:
    """The parts, of train, val and test, that a data set in the GAICD layout is divided into; none if it is not."""
    return [part for part in SPLITS if any((root / kind / part).is_dir() for kind in FOLDERS)]


USUAL_VALIDATION = 120
"""Photographs set aside of a data set as large as GAICD, of 600 photographs or more; of a smaller one, a fifth."""


def divide_gaicd(root: Path, validation: int | None, seed: int) -> Division:
    """The train part of GAICD, less a validation part.

    The journal release has a validation part of its own, which is used; from the conference release, and from data
    sets without parts, photographs are drawn by seed. Boxes that go over the edge by a pixel at most are cut there.

    Args:
        root: of the data set.
        validation: photographs to draw; 0 for none, ``None`` for the usual number, at most a fifth, but one of two.
        seed: which draw.

    Raises:
        DataError: the data set is malformed, has parts but no train part, has a photograph in two parts or boxes
            outside their pictures.
        ImageError: a picture cannot be read.
        RequestError: there are too few photographs to draw so many.
    """
    parts = parts_of(root)
    train = load_gaicd(root, "train" if parts else "all", read_sizes=True)
    release = release_of(train)
    if "val" in parts:
        own = load_gaicd(root, "val", read_sizes=True)
        return Division(train, own, release, "the release's own part")
    if validation is None:
        validation = min(USUAL_VALIDATION, max(len(train) // 5, 1)) if len(train) > 1 else 0
    if not validation:
        return Division(train, (), release, "none")
    rest, drawn = split_by_seed(train, validation, seed)
    return Division(rest, drawn, release, DRAWN.format(validation, seed))


def draw_validation(root: Path, validation: int | None, seed: int) -> Division:
    """As ``divide_gaicd``, where a validation part is asked for that the data set does not have.

    Raises:
        DataError: as there; or there is no part to draw one from.
        ImageError: as there.
        RequestError: as there.
    """
    parts = parts_of(root)
    if parts and "train" not in parts:
        raise DataError(
            f"{root} has no part 'val', and no part 'train' to draw one from: only {', '.join(parts)}."
        )
    return divide_gaicd(root, validation, seed)
