"""A copy of a data set as something to measure on: its images, what they are, the protocols for their labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadrage.bench.protocols import BenchProtocol, Boxes, Pairs, Ranking, RatioRule, SubjectCuts
from cadrage.bench.results import Ground
from cadrage.datasets.data_set import DataSet
from cadrage.datasets.division import draw_validation, parts_of
from cadrage.datasets.gaicd import release_of, split_by_seed
from cadrage.datasets.masks import divide_masks, load_masks
from cadrage.datasets.registry import DATA_SETS, find_data_set
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio

MASK_RATIOS = ("1:1", "4:5", "16:9")
"""Ratios of the crops that are asked for on masks, where none is given."""

DRAWN_MASKS = 100
"""Masks of the part ``val``, drawn with seed 0, which the default model did not learn from."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A part of a copy of a data set.

    Attributes:
        name: of the data set, as commands call it.
        root: the folder of the copy.
        release: as detected.
        part: which part, and how it was drawn if it was.
        split: the same, and how images were drawn of it if they were.
        images: of the data set's kind.
    """

    name: str
    root: Path
    release: str
    part: str
    split: str
    images: tuple[Any, ...]

    def ground(self, protocol: BenchProtocol) -> Ground:
        """What a protocol on this source measures on."""
        return Ground(
            self.name.upper() if self.name != "masks" else f"masks ({self.root.resolve().name})",
            self.release,
            self.split,
            protocol.kind,
            protocol.rule,
            protocol.digest,
        )


def read_source(
    name: str,
    root: Path,
    split: str | None = None,
    *,
    limit: int | None = None,
    seed: int = 0,
    allow_missing: bool = False,
) -> Source:
    """Read a part of a copy of a data set, with the sizes of its frames.

    Args:
        name: of the data set.
        root: the folder of the copy.
        split: the part. By default ``test`` of a data set that has parts, all of one that has none; of masks
            ``val``, or all where they are few. ``val`` of GAICD and of masks is drawn with seed 0 where the copy
            has no such part: the images that ``cadrage train`` sets aside by default.
        limit: take so many of its images only, drawn by seed and name.
        seed: of that draw.
        allow_missing: leave out labels whose picture is missing, where the layout can say so.

    Raises:
        DataError: the copy is malformed, mixes releases or parts, or boxes are outside their pictures.
        ImageError: a picture cannot be read.
        MissingExtraError: the layout needs an extra that is not installed.
        RequestError: there is no such data set or part, it has no labels to measure by, or too few images.
    """
    data_set = find_data_set(name)
    if data_set.kind not in PROTOCOLS:
        raise RequestError(f"The bench cannot measure on '{name}': choose {', '.join(measurable())}.")
    images: tuple[Any, ...]
    if name == "masks":
        split = split or ("val" if len(load_masks(root)) > DRAWN_MASKS else "all")
        images, part = divide_masks(root, 0 if split == "all" else DRAWN_MASKS, 0).part(split)
        release = "unknown"
    elif name == "gaicd" and split == "val" and "val" not in parts_of(root):
        division = draw_validation(root, None, 0)
        images, part = division.validation, f"val ({division.description})"
        release = division.release
    else:
        part = split or ("test" if _has_parts(data_set, root) else "all")
        images = data_set.read(root, part, read_sizes=True, allow_missing=allow_missing)
        release = release_of(images) if name == "gaicd" else _release(data_set, part, len(images))
    if limit is None or limit >= len(images):
        return Source(name, root, release, part, part, tuple(images))
    _, drawn = split_by_seed(images, limit, seed)
    return Source(
        name, root, release, part, f"{part} ({limit} of {len(images)} drawn with seed {seed})", drawn
    )


def measurable() -> list[str]:
    """Names of the data sets that the bench can measure on."""
    return [name for name, one in DATA_SETS.items() if one.kind in PROTOCOLS]


def _has_parts(data_set: DataSet, root: Path) -> bool:
    if data_set.name == "gaicd":
        return bool(parts_of(root))
    return any(part for parts in data_set.counts.values() for part in parts)


def _release(data_set: DataSet, split: str, count: int) -> str:
    """The one published release, and how many of its images there are; ``unknown`` where none is known."""
    found = []
    for release, parts in data_set.counts.items():
        expected = parts.get(split, sum(parts.values())) if split != "all" else sum(parts.values())
        found.append(release if count == expected else f"{release} ({count:,} of {expected:,})")
    return " or ".join(found) or "unknown"


def protocols_of(source: Source, ratios: Sequence[str] = ()) -> list[BenchProtocol]:
    """The protocols for a source's labels: one, or one for each ratio.

    Args:
        source: what to measure on.
        ratios: of the boxes that are asked for: ``own`` for that of the people's boxes, ``free``, or W:H. By
            default free, on masks 1:1, 4:5 and 16:9.

    Raises:
        DataError: a label is of no use.
        ImageError: a mask cannot be read.
        RequestError: a ratio is malformed, or of no use for these labels.
    """
    kind = find_data_set(source.name).kind
    return PROTOCOLS[kind](source.images, ratios)  # type: ignore[index]  # checked by read_source


def _ratio(text: str) -> RatioRule:
    words: dict[str, RatioRule] = {"own": "own", "free": "free"}
    return words[text] if text in words else AspectRatio.parse(text)


def _without_ratio(
    make: Callable[[Any], BenchProtocol],
) -> Callable[[Sequence[Any], Sequence[str]], list[BenchProtocol]]:
    def protocols(images: Sequence[Any], ratios: Sequence[str]) -> list[BenchProtocol]:
        if ratios:
            raise RequestError(
                "--ratio is for data sets of boxes or masks: here given crops are scored, no boxes are asked for."
            )
        return [make(images)]

    return protocols


def _boxes(images: Sequence[FramedImage], ratios: Sequence[str]) -> list[BenchProtocol]:
    return [Boxes(tuple(images), _ratio(text)) for text in ratios or ("free",)]


def _cuts(images: Sequence[MaskedImage], ratios: Sequence[str]) -> list[BenchProtocol]:
    if "own" in ratios:
        raise RequestError("--ratio own needs boxes that people drew; masks have none: give free or W:H.")
    asked = [None if text == "free" else AspectRatio.parse(text) for text in ratios or MASK_RATIOS]
    first = SubjectCuts.of(images, asked[0])
    return [first, *(first.at(ratio) for ratio in asked[1:])]


PROTOCOLS: dict[type, Callable[[Sequence[Any], Sequence[str]], list[BenchProtocol]]] = {
    RatedImage: _without_ratio(Ranking.of),
    FramedImage: _boxes,
    ComparedImage: _without_ratio(lambda images: Pairs(tuple(images))),
    MaskedImage: _cuts,
}
"""How each kind of label is measured by."""
