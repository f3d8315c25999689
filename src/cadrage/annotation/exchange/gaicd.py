"""Projects of rated crops to data sets in the layout of GAICD, and such data sets to projects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from cadrage import __version__
from cadrage.annotation.exchange.folders import RECORD, flat_names, new_folder
from cadrage.annotation.exchange.pictures import PictureSource, scaled
from cadrage.annotation.store import (
    Photograph,
    RatedCrop,
    Store,
    Taken,
    add_crops,
    crops_of,
    gradings,
    now,
    photographs,
    project_of,
    raters,
    take_in,
)
from cadrage.datasets.gaicd import SPLITS, save_gaicd, split_by_seed
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError, RequestError
from cadrage.geometry import FloatArray, as_boxes

OUTSIDE, TOO_FEW, OWN, IMPORTED = "outside_bounds", "too_few_ratings", "rated", "imported"
"""What becomes of a crop: the first two are written as -2."""


@dataclass(frozen=True, slots=True)
class ExportRule:
    """How ratings become labels.

    The MOS of a crop is the mean of the grades of all raters that are not excluded, on first showing, rounded to
    two decimals.

    Attributes:
        fewest: ratings that a crop needs.
        imported_weight: ratings that an imported MOS counts as beside own ones; with 0, own ratings take its
            place as soon as there are ``fewest`` of them. Where nobody rated, it is written as it was imported.
        validation: photographs drawn for a part ``val``.
        test: photographs drawn for a part ``test``.
        split_seed: of these draws, by a hash of seed and name.
        undivided: leave the data set undivided, also where all photographs lie in folders train, val and test,
            which otherwise are its parts.

    Raises:
        RequestError: a value is outside its range, or an undivided data set is to have parts.
    """

    fewest: int = 1
    imported_weight: int = 0
    validation: int = 0
    test: int = 0
    split_seed: int = 0
    undivided: bool = False

    def __post_init__(self) -> None:
        if self.fewest < 1:
            raise RequestError(f"A crop needs at least 1 rating; got {self.fewest}.")
        if min(self.imported_weight, self.validation, self.test, self.split_seed) < 0:
            raise RequestError("Weight, numbers of photographs and seed are not below 0.")
        if self.undivided and self.validation + self.test:
            raise RequestError("An undivided data set has no part for validation or test.")


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of a photograph.

    Attributes:
        photograph: whose.
        boxes_xyxy: its crops in frame pixels, shape (K, 4).
        mos: shape (K,), NaN for what is written as -2.
        fates: what became of each crop, length K.
        ratings: how many own ratings are part of a MOS.
        raters: whose they are.
    """

    photograph: Photograph
    boxes_xyxy: FloatArray
    mos: FloatArray
    fates: tuple[str, ...]
    ratings: int
    raters: frozenset[int]

    @property
    def is_rated(self) -> bool:
        """Whether any crop has a MOS."""
        return not bool(np.isnan(self.mos).all())


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export holds; kept in it as ``export.json``.

    Attributes:
        title: of the project.
        made: when, ISO 8601.
        rule: by which ratings became labels.
        photographs: how many, by part; ``"all"`` where there are no parts.
        left_out: photographs without a rated crop.
        crops: how many of the exported photographs' crops met which fate.
        ratings: how many counted.
        raters: how many people's counted.
        excluded_raters: how many people are excluded.
        pictures: how many were copied and converted, and of which kind they are.
    """

    title: str
    made: str
    rule: ExportRule
    photographs: Mapping[str, int]
    left_out: tuple[str, ...]
    crops: Mapping[str, int]
    ratings: int
    raters: int
    excluded_raters: int
    pictures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"cadrage": __version__, **asdict(self)}


def labels_of(store: Store, rule: ExportRule) -> Iterator[Labels]:
    """The labels of each photograph of a project of ratings, in the order in which they were taken in.

    Raises:
        DataError: it is no project of ratings.
    """
    project_of(store, "ratings")
    excluded = {rater.id for rater in raters(store) if rater.excluded is not None}
    for photograph in photographs(store):
        given: dict[int, dict[int, int]] = {}
        for one in gradings(store, photograph=photograph.id):
            if not one.is_repeat and one.rater not in excluded:
                given.setdefault(one.crop, {})[one.rater] = one.grade
        crops = crops_of(store, photograph.id)
        scores = [_label(crop, [*given.get(crop.id, {}).values()], rule) for crop in crops]
        counted = [given[crop.id] for crop, (_, fate) in zip(crops, scores, strict=True) if fate == OWN]
        yield Labels(
            photograph,
            as_boxes(crop.box for crop in crops),
            np.array([mos for mos, _ in scores], dtype=np.float64),
            tuple(fate for _, fate in scores),
            sum(map(len, counted)),
            frozenset(rater for grades in counted for rater in grades),
        )


def _label(crop: RatedCrop, grades: Sequence[int], rule: ExportRule) -> tuple[float, str]:
    """MOS and fate of a crop."""
    imported = crop.imported_mos
    weight = rule.imported_weight if imported is not None else 0
    if grades and weight + len(grades) >= rule.fewest:
        total = sum(grades) + weight * (imported or 0)
        return round(total / (weight + len(grades)), 2), OWN
    if imported is not None:
        return imported, IMPORTED
    return nan, TOO_FEW if crop.ratable else OUTSIDE


def export_gaicd(
    store: Store,
    target: Path,
    rule: ExportRule,
    pictures: PictureSource,
    *,
    overwrite: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> ExportReport:
    """Write a project of ratings as a data set in the layout of GAICD, whole or not at all.

    Args:
        store: the project.
        target: the folder to make.
        rule: how ratings become labels.
        pictures: where the pictures come from; boxes are scaled to what is written.
        overwrite: replace an earlier export.
        advance: called for each photograph of the project.

    Raises:
        DataError: it is no project of ratings, nobody has rated a crop, a photograph is not at hand or has
            changed, the folder is in use, or something cannot be written.
        RequestError: there are too few photographs for the parts that are asked for.
    """
    with store.reading():  # one state of the project, also while people rate
        labels = tuple(labels_of(store, rule))
        excluded = [rater for rater in raters(store) if rater.excluded is not None]
    kept = [one for one in labels if one.is_rated]
    if not kept:
        none = "Nobody has rated a crop of {} yet" if rule.fewest == 1 else "No crop of {} has {} ratings"
        few = none.format(store.path, rule.fewest)
        raise DataError(f"{few}, so there is nothing to export.")
    if rule.validation + rule.test >= len(kept):
        raise RequestError(
            f"{len(kept)} photographs have rated crops: too few for {rule.validation} of validation and "
            f"{rule.test} of test."
        )
    images = _divided(kept, rule)
    pictures.check(one.photograph for one in kept)
    converted = 0
    with new_folder(target, overwrite=overwrite, needed=store.path) as folder:
        for index, (one, image) in enumerate(zip(kept, images, strict=True)):
            place = folder / "images" / (image.split or "")
            place.mkdir(parents=True, exist_ok=True)
            written = pictures.write(one.photograph, place, image.name)
            boxes = scaled(one.boxes_xyxy, one.photograph.size_wh, written.size_wh)
            images[index] = replace(image, path=written.path, boxes_xyxy=boxes)
            converted += written.converted
            advance()
        save_gaicd(images, folder, copy_pictures=False)
        report = ExportReport(
            title=project_of(store).title,
            made=now(),
            rule=rule,
            photographs=dict(Counter(image.split or "all" for image in images)),
            left_out=tuple(one.photograph.name for one in labels if not one.is_rated),
            crops={fate: _count(kept, fate) for fate in (OWN, IMPORTED, OUTSIDE, TOO_FEW)},
            ratings=sum(one.ratings for one in kept),
            raters=len(frozenset[int]().union(*(one.raters for one in kept))),
            excluded_raters=len(excluded),
            pictures={"kind": pictures.kind, "copied": len(images) - converted, "converted": converted},
        )
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
        (folder / RECORD).write_text(f"{text}\n", encoding="utf-8")
    return report


def _count(labels: Iterable[Labels], fate: str) -> int:
    return sum(one.fates.count(fate) for one in labels)


def _divided(labels: Sequence[Labels], rule: ExportRule) -> list[RatedImage]:
    """The images with their final names and parts; their paths are those in the project."""
    names = [one.photograph.name for one in labels]
    has_parts = all(name.startswith(tuple(f"{part}/" for part in SPLITS)) for name in names)
    as_imported = has_parts and not (rule.undivided or rule.validation or rule.test)
    called: dict[str, tuple[str, str | None]] = {}
    for part in SPLITS if as_imported else (None,):
        prefix = f"{part}/" if part else ""
        inside = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        called |= {prefix + name: (flat, part) for name, flat in flat_names(inside).items()}
    images = [
        RatedImage(called[name][0], Path(name), one.boxes_xyxy, one.mos, called[name][1])
        for name, one in zip(names, labels, strict=True)
    ]
    return _drawn(images, rule) if rule.validation or rule.test else images


def _drawn(images: Sequence[RatedImage], rule: ExportRule) -> list[RatedImage]:
    """The images with parts drawn by seed: test first, so that it stays the same whatever validation takes."""
    part_of = dict.fromkeys((image.name for image in images), "train")
    rest: Sequence[RatedImage] = images
    for part, number in (("test", rule.test), ("val", rule.validation)):
        if number:
            rest, drawn = split_by_seed(rest, number, rule.split_seed)
            part_of |= {image.name: part for image in drawn}
    return [replace(image, split=part_of[image.name]) for image in images]


def import_gaicd(store: Store, images: Sequence[RatedImage]) -> Iterator[Taken]:
    """Take a data set of rated crops into a project of ratings; a run that was stopped goes on.

    Crops without a MOS are taken in as well, and are not graded.

    Args:
        store: the project.
        images: what ``load_gaicd(..., keep_unrated=True)`` read.

    Yields:
        What became of each photograph, in order. They are called ``PART/FILE``, or ``FILE`` where there are no
        parts.

    Raises:
        DataError: it is no project of ratings, a photograph has other crops in it, a crop reaches outside its
            photograph, or the project cannot be written.
    """
    project_of(store, "ratings")
    files = [("/".join(filter(None, (image.split, image.path.name))), image.path) for image in images]
    for image, taken in zip(images, take_in(store, files), strict=True):
        if taken.photograph is not None:
            _import_crops(store, taken.photograph, image)
        yield taken


def _import_crops(store: Store, photograph: Photograph, image: RatedImage) -> None:
    width, height = photograph.size_wh
    if (image.boxes_xyxy < 0).any() or (image.boxes_xyxy[:, 2:] > photograph.size_wh).any():
        raise DataError(
            f"{image.path} has {width} x {height} pixels, and some of its rated crops reach outside."
        )
    mos = [None if np.isnan(score) else float(score) for score in image.mos]
    known = crops_of(store, photograph.id)
    if not known:
        add_crops(store, photograph, image.boxes_xyxy, image.is_rated, mos)
        return
    same_boxes = [list(crop.box.as_tuple()) for crop in known] == image.boxes_xyxy.tolist()
    if not same_boxes or [crop.imported_mos for crop in known] != mos:
        raise DataError(
            f"{photograph.name} is in {store.path} already, with other crops: import into a project of its own."
        )
